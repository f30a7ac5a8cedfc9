"""A schedule as a calendar by a secret address: who is on duty when, also for those who do not sign in.

The address belongs to one person and ends with their time here; only its hash is kept. It names colleagues,
and nothing of any incident.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from flask_babel import force_locale
from flask_babel import gettext as _
from icalendar import Calendar, Event
from sqlalchemy import select, update

from accounts import people
from accounts.models import StaffMember
from accounts.permissions import Permission, may
from foundation.database import changed, db, everyone
from notifications import on_duty
from notifications.models import Schedule, ScheduleFeed
from notifications.rota import editing
from notifications.rules.plan import holes

BEHIND, AHEAD = timedelta(days=31), timedelta(days=183)
REFRESH = timedelta(hours=1)  # how often a program is asked to look again


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def of(staff: StaffMember, schedule_id: UUID) -> ScheduleFeed | None:
    """The live address of a person for a schedule, of which nobody knows the secret but they."""
    mine = select(ScheduleFeed).where(
        ScheduleFeed.staff_id == staff.id, ScheduleFeed.schedule_id == schedule_id,
        ScheduleFeed.revoked_at.is_(None),
    )  # fmt: skip
    return db.session.scalars(mine).one_or_none()


def make(schedule_id: UUID, *, by: StaffMember, now: datetime) -> str:
    """A new secret, told this once; the one before opens nothing any more. Raises: Missing."""
    schedule = editing.lock(schedule_id, now=now)  # two forms wait here
    renewed = _revoke(schedule_id, by, now)
    secret = secrets.token_urlsafe(32)
    db.session.add(
        ScheduleFeed(
            organisation_id=schedule.organisation_id, schedule_id=schedule_id, staff_id=by.id,
            secret_hash=_hash(secret), made_at=now,
        )
    )  # fmt: skip
    db.session.flush()
    action = "schedule.address_renewed" if renewed else "schedule.address_made"
    editing.enter(schedule, action, by=by.name, now=now, person=by.id)
    return secret


def revoke(schedule_id: UUID, *, by: StaffMember, now: datetime) -> bool:
    """End a person's address for a schedule; false when there was none."""
    if not _revoke(schedule_id, by, now):
        return False
    editing.enter(editing.find(schedule_id), "schedule.address_revoked", by=by.name, now=now, person=by.id)
    return True


def _revoke(schedule_id: UUID, by: StaffMember, now: datetime) -> bool:
    live = update(ScheduleFeed).where(
        ScheduleFeed.schedule_id == schedule_id, ScheduleFeed.staff_id == by.id,
        ScheduleFeed.revoked_at.is_(None),
    )  # fmt: skip
    return changed(live.values(revoked_at=now)) > 0


def behind(secret: str) -> tuple[Schedule, StaffMember] | None:
    """The schedule behind a secret address and whose address it is; None for one that opens nothing."""
    with everyone():
        row = db.session.execute(
            select(Schedule, StaffMember)
            .join(ScheduleFeed, ScheduleFeed.schedule_id == Schedule.id)
            .join(StaffMember, ScheduleFeed.staff_id == StaffMember.id)
            .where(
                ScheduleFeed.secret_hash == _hash(secret), ScheduleFeed.revoked_at.is_(None),
                Schedule.retired_at.is_(None), StaffMember.active,
            )
        ).one_or_none()  # fmt: skip
    return (row[0], row[1]) if row and may(row[1], Permission.SEE_ON_CALL) else None


def text(schedule: Schedule, reader: StaffMember, *, public_url: str, now: datetime) -> bytes:
    """The calendar of a schedule by RFC 5545, in its reader's language: shifts, and gaps as events too."""
    made = Calendar()
    made.add("prodid", "-//Breachclock//On call//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    made.add("x-published-ttl", "PT1H")
    made.add("url", f"{public_url}/on-call/calendar")
    start, end = now - BEHIND, now + AHEAD
    found = on_duty.stretches([schedule], start, end)[schedule.id]
    names = {each.id: each.name for each in people.staff_of(schedule.organisation_id)}
    zone = ZoneInfo(schedule.timezone)
    with force_locale(reader.locale):
        made.add("x-wr-calname", _("On call: %(rotation)s", rotation=schedule.name))
        for each in found:
            uid = f"{each.member}-{each.start:%Y%m%dT%H%M%SZ}-{schedule.id}"
            summary = f"{schedule.name}: {names.get(each.member, '?')}"
            made.add_component(_event(uid, summary, (each.start, each.end), zone, now))
        for begin, until in holes(found, max(start, now), end):
            uid = f"gap-{begin:%Y%m%dT%H%M%SZ}-{schedule.id}"
            summary = f"{schedule.name}: {_('Nobody is on call')}"
            made.add_component(_event(uid, summary, (begin, until), zone, now))
    made.add_missing_timezones()
    return bytes(made.to_ical())


def _event(uid: str, summary: str, span: tuple[datetime, datetime], zone: ZoneInfo, now: datetime) -> Event:
    made = Event()
    made.add("uid", f"{uid}@breachclock")
    made.add("dtstamp", now)
    made.add("dtstart", span[0].astimezone(zone))
    made.add("dtend", span[1].astimezone(zone))
    made.add("summary", summary[:200])
    made.add("transp", "TRANSPARENT")
    return made
