"""A person's calendar: deadlines of the incidents they may see, their own steps, their shifts.

Anybody who has the secret address reads it without signing in, as calendar programs do. So it holds
numbers and provisions only; the address is kept as a hash, and ends with the person's own time here.
"""

import hashlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from flask_babel import force_locale
from flask_babel import gettext as _
from icalendar import Alarm, Calendar, Event
from sqlalchemy import delete, select, update

from accounts.models import StaffMember
from accounts.permissions import Permission, may
from foundation import ledger
from foundation.database import changed, db, everyone, insert_unless_there, new_id
from incident import sentences, wording
from incident.access import may_see
from incident.controller_notices import fan_out
from incident.models import UNFILED, CalendarEntry, CalendarFeed, Clock, Duty, Incident
from incident.rules import events
from incident.rules.events import Changes, Kind, Told
from incident.rules.handover import CalendarTerms, calendar_terms
from incident.rules.lifecycle import State
from notifications import shifts
from playbooks import owning

OPEN = (State.REPORTED, State.CONFIRMED)
DOMAIN = "breachclock"
AT_A_POINT = timedelta(minutes=15)  # so long a deadline's event is, before its instant: some programs hide 0


# --- the address ----------------------------------------------------------------------------------


def hash_of(secret: str) -> str:
    """What is kept of a secret: enough to recognise it, and not to make it again."""
    return hashlib.sha256(secret.encode()).hexdigest()


def feed_of(staff: StaffMember) -> CalendarFeed | None:
    """The live address of a person, of which nobody knows the secret but they."""
    mine = select(CalendarFeed).where(CalendarFeed.staff_id == staff.id, CalendarFeed.revoked_at.is_(None))
    return db.session.scalars(mine).one_or_none()


def make_address(staff: StaffMember, *, now: datetime) -> str:
    """A new secret for a person's calendar, told this once; the one before opens nothing any more."""
    db.session.get_one(StaffMember, staff.id, with_for_update=True)  # two forms wait here
    renewed = _revoke(staff, now)
    secret = secrets.token_urlsafe(32)
    db.session.add(
        CalendarFeed(
            organisation_id=staff.organisation_id, staff_id=staff.id, secret_hash=hash_of(secret), made_at=now
        )
    )
    db.session.flush()
    _enter(staff, "calendar.address_renewed" if renewed else "calendar.address_made", now)
    return secret


def revoke(staff: StaffMember, *, now: datetime) -> bool:
    """End a person's address; false when there was none."""
    if not _revoke(staff, now):
        return False
    _enter(staff, "calendar.address_revoked", now)
    return True


def _revoke(staff: StaffMember, now: datetime) -> bool:
    live = update(CalendarFeed).where(CalendarFeed.staff_id == staff.id, CalendarFeed.revoked_at.is_(None))
    return changed(live.values(revoked_at=now)) > 0


def _enter(staff: StaffMember, action: str, now: datetime) -> None:
    ledger.append(
        f"organisation/{staff.organisation_id}", action, organisation_id=staff.organisation_id,
        actor=staff.name, at=now, person=staff.id,
    )  # fmt: skip


def whose(secret: str) -> StaffMember | None:
    """Whom a secret address belongs to; None when it is none, was revoked, or they are not here any more."""
    with everyone():
        person = db.session.scalar(
            select(StaffMember)
            .join(CalendarFeed, CalendarFeed.staff_id == StaffMember.id)
            .where(CalendarFeed.secret_hash == hash_of(secret), CalendarFeed.revoked_at.is_(None))
        )
    return person if person and may(person, Permission.SEE_ON_CALL) else None


# --- what it shows --------------------------------------------------------------------------------


def changes(staff: StaffMember, *, now: datetime) -> Changes:
    """What the calendar of a person tells now, and which of it is new; in the scope of their organisation."""
    span = calendar_terms(now)
    with force_locale(staff.locale):
        current = [*_deadlines(staff), *_steps(staff), *_shifts(staff, span, now)]
    kept = select(CalendarEntry).where(CalendarEntry.staff_id == staff.id)
    before = {row.uid: _told(row) for row in db.session.scalars(kept)}
    return events.follow(current, before, now, cancelled_for=timedelta(days=span.cancelled_days))


def _told(row: CalendarEntry) -> Told:
    event = events.Event(row.uid, Kind(row.kind), row.starts_at, row.ends_at, row.zone, row.summary, row.path)
    return Told(event, row.sequence, row.made_at, row.modified_at, row.gone_at)


def keep(staff: StaffMember, found: Changes) -> None:
    """Keep what the calendar was told, so that the next change is told as one."""
    for each in found.changed:
        row = {
            **asdict(each.event), "kind": each.event.kind.value, "sequence": each.sequence,
            "made_at": each.made_at, "modified_at": each.modified_at, "gone_at": each.gone_at,
        }  # fmt: skip
        own = {"id": new_id(), "organisation_id": staff.organisation_id, "staff_id": staff.id}
        if not insert_unless_there(CalendarEntry, row | own):
            mine = CalendarEntry.staff_id == staff.id, CalendarEntry.uid == each.event.uid
            changed(update(CalendarEntry).where(*mine).values(**row))
    if found.forgotten:
        gone = CalendarEntry.staff_id == staff.id, CalendarEntry.uid.in_(found.forgotten)
        changed(delete(CalendarEntry).where(*gone))


def _visible(staff: StaffMember) -> Sequence[Incident]:
    alive = Incident.state.in_(OPEN), ~Incident.drill, Incident.merged_into_id.is_(None)
    return db.session.scalars(select(Incident).where(*alive, may_see(staff))).all()


def _deadlines(staff: StaffMember) -> Iterator[events.Event]:
    """Duties that are owed, and clocks that run while no duty says the same."""
    known = {each.id: each for each in _visible(staff)}
    duties = db.session.scalars(
        select(Duty).where(
            Duty.incident_id.in_(known), Duty.state.in_(UNFILED), Duty.due_at.is_not(None)
        ).order_by(Duty.due_at, Duty.id)
    ).all()  # fmt: skip
    told: set[tuple[UUID, str]] = set()
    for duty in duties:
        incident, alike = known[duty.incident_id], (duty.incident_id, duty.regime)
        if duty.regime == fan_out.REGIME and alike in told:
            continue  # of perhaps thousands the first stands for all
        told.add(alike)
        uid = f"customers-{incident.id}" if duty.regime == fan_out.REGIME else f"duty-{duty.id}"
        if duty.due_at:
            yield _point(Kind.DEADLINE, uid, incident, duty.due_at, duty.provision)
    said = {(each.incident_id, each.clock_kind) for each in duties}
    running = select(Clock).where(
        Clock.incident_id.in_(known), Clock.stopped_at.is_(None), Clock.due_at.is_not(None)
    )
    for clock in db.session.scalars(running):
        if clock.due_at and (clock.incident_id, clock.kind) not in said:
            provision = sentences.said(clock.basis.partition(":")[0])
            yield _point(
                Kind.DEADLINE, f"clock-{clock.id}", known[clock.incident_id], clock.due_at, provision
            )


def _steps(staff: StaffMember) -> Iterator[events.Event]:
    """A person's own steps, by number and role: titles may be anybody's words."""
    known = {each.chain: each for each in _visible(staff)}
    for task in owning.tasks(known.keys()):
        if task.owner_id == staff.id and task.due_at:
            role = wording.ROLES.get(task.role)
            what = _("step due") if role is None else _("step due (%(role)s)", role=role)
            yield _point(Kind.STEP, f"step-{task.id}", known[task.about], task.due_at, what)


def _point(kind: Kind, uid: str, incident: Incident, due_at: datetime, what: str) -> events.Event:
    anchor = "steps" if kind is Kind.STEP else "duties"
    return events.Event(
        f"{uid}@{DOMAIN}", kind, due_at - AT_A_POINT, due_at, "UTC", f"{incident.number} · {what}"[:200],
        f"/incidents/{incident.id}#{anchor}",
    )  # fmt: skip


def _shifts(staff: StaffMember, span: CalendarTerms, now: datetime) -> Iterator[events.Event]:
    start, end = now - timedelta(days=span.behind_days), now + timedelta(days=span.ahead_days)
    for each in shifts.of_person(staff.organisation_id, staff.id, start, end):
        uid = f"shift-{each.schedule_id}-{each.shift.start:%Y%m%dT%H%M%SZ}@{DOMAIN}"
        summary = _("On call: %(rotation)s", rotation=each.schedule)
        yield events.Event(
            uid, Kind.SHIFT, each.shift.start, each.shift.end, each.timezone, summary[:200], "/on-call"
        )


# --- as a calendar program reads it ---------------------------------------------------------------


def text(staff: StaffMember, told: Sequence[Told], *, public_url: str, now: datetime) -> bytes:
    """The calendar of a person by RFC 5545."""
    span = calendar_terms(now)
    made = Calendar()
    made.add("prodid", "-//Breachclock//Deadlines and shifts//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    refresh = timedelta(minutes=span.refresh_minutes)
    made.add("refresh-interval", refresh, parameters={"VALUE": "DURATION"})
    made.add("x-published-ttl", f"PT{span.refresh_minutes}M")
    with force_locale(staff.locale):
        made.add("x-wr-calname", _("Breachclock: deadlines and shifts"))
        for each in sorted(told, key=lambda one: (one.event.starts_at, one.event.uid)):
            made.add_component(_event(each, span, public_url))
    made.add_missing_timezones()
    return bytes(made.to_ical())


def _event(told: Told, span: CalendarTerms, public_url: str) -> Event:
    event, made = told.event, Event()
    zone = UTC if event.zone == "UTC" else ZoneInfo(event.zone)
    made.add("uid", event.uid)
    made.add("dtstamp", told.modified_at)
    made.add("created", told.made_at)
    made.add("last-modified", told.modified_at)
    made.add("sequence", told.sequence)
    made.add("dtstart", event.starts_at.astimezone(zone))
    made.add("dtend", event.ends_at.astimezone(zone))
    made.add("summary", event.summary)
    made.add("url", public_url + event.path)
    made.add("class", "PRIVATE")
    made.add("transp", "TRANSPARENT")
    made.add("status", "CANCELLED" if told.gone_at else "CONFIRMED")
    for alarm in [] if told.gone_at else _alarms(event, span):
        made.add_component(alarm)
    return made


def _alarms(event: events.Event, span: CalendarTerms) -> Iterator[Alarm]:
    """Reminders by the calendar program: of a deadline before its end, of a shift before its beginning."""
    minutes: Mapping[Kind, list[int]] = {
        Kind.DEADLINE: span.deadline_alarms_minutes, Kind.STEP: span.step_alarms_minutes,
        Kind.SHIFT: span.shift_alarms_minutes,
    }  # fmt: skip
    related = {} if event.kind is Kind.SHIFT else {"RELATED": "END"}
    for before in minutes[event.kind]:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", event.summary)
        alarm.add("trigger", -timedelta(minutes=before), parameters=related)
        yield alarm
