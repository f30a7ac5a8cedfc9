"""Handover at a change of shift while an incident is open: asked for, written, given on, read.

The clock asks whose shift ends, some time before its end; once per incident, shift and person, as a unique
row. When the change has come, who comes on is told: with the note, or that there is none and with a summary
of ours. Nothing waits for a note. An outage of the clock makes it late and never twice.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, select

from accounts.models import Organisation, StaffMember
from foundation import ledger, locales
from foundation.database import db, insert_unless_there, new_id
from foundation.errors import Invalid, NotAllowed, Refused
from incident.access import may_see
from incident.models import Handover, Incident, RoleHeld
from incident.rules.handover import Note, terms, wants_note
from incident.rules.lifecycle import State
from incident.wording import line_of
from notifications import on_duty, shifts, ways
from notifications.shifts import Change
from playbooks import runs

log = structlog.get_logger()

CLOCK = "Breachclock"
OPEN = (State.REPORTED, State.CONFIRMED)
LINES = 30  # of what was done, in a prefilled note; the record has all


def _alive() -> tuple[ColumnElement[bool], ...]:
    """Incidents that shifts hand over: open, in earnest, and not part of another one."""
    return Incident.state.in_(OPEN), ~Incident.drill, Incident.merged_into_id.is_(None)


# --- asking ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """A note that is to be asked for: of which incident, at which change."""

    incident_id: UUID
    change: Change


def wanted(now: datetime) -> list[Wanted]:
    """Every note that is to be asked for now and was not: at changes that come soon or came lately."""
    found: list[Wanted] = []
    span = terms(now)
    for organisation_id in db.session.scalars(select(Incident.organisation_id).where(*_alive()).distinct()):
        try:
            changes = shifts.changes(organisation_id, now, ahead=span.ask_before, back=span.catch_up)
        except Exception:  # a rota that cannot be read must not cost the other organisations their notes
            log.exception("handover.rota_unreadable", organisation=str(organisation_id))
            continue
        for change in changes:
            known = select(Handover.id).where(
                Handover.incident_id == Incident.id, Handover.from_id == change.before,
                Handover.ends_at == change.at,
            )  # fmt: skip
            open_then = select(Incident.id).where(
                *_alive(), Incident.organisation_id == organisation_id, Incident.reported_at < change.at,
                ~known.exists(),
            )  # fmt: skip
            found += [
                Wanted(each, change) for each in db.session.scalars(open_then.order_by(Incident.reported_at))
                if _wants(each, change, organisation_id)
            ]  # fmt: skip
    return found


def _wants(incident_id: UUID, change: Change, organisation_id: UUID) -> bool:
    holds = select(RoleHeld.id).where(
        RoleHeld.incident_id == incident_id, RoleHeld.staff_id == change.before, RoleHeld.until.is_(None)
    )
    return wants_note(
        first=change.first, holds_role=db.session.scalar(holds.limit(1)) is not None,
        stays_on=change.before in on_duty.on_call(organisation_id, change.at)[:1],
    )  # fmt: skip


def ask(each: Wanted, *, now: datetime) -> bool:
    """Ask whose shift ends for a note, once; false when that was done, by whichever clock."""
    incident, change = db.session.get_one(Incident, each.incident_id), each.change
    outgoing = _seeing(incident, change.before)
    row = {
        "id": new_id(), "organisation_id": incident.organisation_id, "incident_id": incident.id,
        "rotation": change.rotation, "began_at": change.began_at, "ends_at": change.at,
        "from_id": change.before, "to_id": change.after, "asked_at": now if outgoing else None,
        "note": None, "note_sha256": None, "written_at": None, "summary": None, "told_at": None,
        "read_at": None,
    }  # fmt: skip
    if not insert_unless_there(Handover, row):
        return False
    if outgoing:
        _enter(
            incident, "handover.asked", CLOCK, now, handover=row["id"], staff=outgoing.id, ends_at=change.at
        )
        _post(
            incident, outgoing.id, "handover_wanted", f"handover:{row['id']}:wanted", urgent=False, now=now,
            who=_name(change.after), due_at=change.at.isoformat(timespec="seconds"),
            path=f"/handovers/{row['id']}",
        )  # fmt: skip
    return True


def _seeing(incident: Incident, staff_id: UUID) -> StaffMember | None:
    """The person, if they are here still and may see the incident."""
    person = db.session.get(StaffMember, staff_id)
    if person is None or not person.active:
        return None
    seen = select(Incident.id).where(Incident.id == incident.id, may_see(person))
    return person if db.session.scalar(seen) else None


def _name(staff_id: UUID) -> str:
    return db.session.scalar(select(StaffMember.name).where(StaffMember.id == staff_id)) or "?"


def _enter(incident: Incident, action: str, actor: str, now: datetime, **details: Any) -> None:
    ledger.append(
        incident.chain, action, organisation_id=incident.organisation_id, actor=actor, at=now, **details
    )


def _post(
    incident: Incident, to: UUID, template: str, key: str, *, urgent: bool, now: datetime, **more: str
) -> None:
    organisation = db.session.get_one(Organisation, incident.organisation_id)
    ways.remind(
        organisation_id=incident.organisation_id, about=incident.chain, staff_ids=[to], template=template,
        dedupe_key=key, urgent=urgent, must_by=None, now=now,
        context={
            "number": incident.number, "organisation": organisation.name,
            "timezone": organisation.timezone, **more,
        },
    )  # fmt: skip


# --- writing --------------------------------------------------------------------------------------


def write(handover: Handover, note: Note, *, by: StaffMember, now: datetime) -> bool:
    """Keep the note of whose shift ends or ended; false for the same again.

    Who has come on already is told of it, and is to read it anew. Raises: NotAllowed for anybody else,
    Invalid when it is empty or too long, Refused when another note was written before.
    """
    if by.id != handover.from_id:
        raise NotAllowed(_("Only whose shift it was writes its note."))
    if handover.note_sha256 == note.sha256:
        return False
    if note.faults:
        raise Invalid(_("A note has words in one of its parts, and at most 8000 signs in each."))
    if handover.note_sha256:
        raise Refused(
            _("You have written this note already, and it stays as it was."),
            next_step=_("Add what you forgot as a note to the incident."),
        )
    incident = db.session.get_one(Incident, handover.incident_id)
    handover.note, handover.note_sha256, handover.written_at = note.document(), note.sha256, now
    late = handover.told_at is not None
    if late:
        handover.read_at = None
    db.session.flush()
    _enter(
        incident, "handover.written", by.name, now, handover=handover.id, sha256=note.sha256,
        ends_at=handover.ends_at,
    )  # fmt: skip
    if late and incident.state in OPEN and (to := _seeing(incident, handover.to_id)):
        _give(incident, handover, to, now=now)
    return True


# --- giving on ------------------------------------------------------------------------------------


def untold(now: datetime) -> list[UUID]:
    """The handovers whose change has come and of which nobody was told, the oldest first."""
    waiting = select(Handover.id).where(Handover.told_at.is_(None), Handover.ends_at <= now)
    return list(db.session.scalars(waiting.order_by(Handover.ends_at)))


def tell(handover_id: UUID, *, now: datetime) -> bool:
    """Tell who came on: the note, or that there is none and a summary; false when that was done.

    Of an incident that is over by then nobody is told. Safe to call twice and from several processes.
    """
    waiting = select(Handover).where(
        Handover.id == handover_id, Handover.told_at.is_(None), Handover.ends_at <= now
    )
    handover = db.session.scalars(
        waiting.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    ).one_or_none()
    if handover is None:
        return False
    handover.told_at = now
    incident = db.session.get_one(Incident, handover.incident_id)
    if incident.state not in OPEN or incident.merged_into_id:
        return True
    to = _who_came_on(incident, handover, now)
    if to is None:
        _enter(incident, "handover.told_nobody", CLOCK, now, handover=handover.id)
        return True
    handover.to_id = to.id
    if handover.note is None:
        handover.summary = summary(incident, handover, locale=to.locale).document()
    db.session.flush()
    action = "handover.told" if handover.note else "handover.told_without"
    _enter(incident, action, CLOCK, now, handover=handover.id, staff=to.id)
    _give(incident, handover, to, now=now)
    return True


def _who_came_on(incident: Incident, handover: Handover, now: datetime) -> StaffMember | None:
    """Who comes on by the rota as it is now; where they are not here any more, who is on call instead."""
    by_rota = shifts.whose(incident.organisation_id, handover.rotation, handover.ends_at)
    others = [each for each in on_duty.on_call(incident.organisation_id, now) if each != handover.from_id]
    first = handover.to_id if by_rota in (None, handover.from_id) else by_rota
    for each in (first, *others):
        if person := _seeing(incident, each):
            return person
    return None


def _give(incident: Incident, handover: Handover, to: StaffMember, *, now: datetime) -> None:
    kind = "note" if handover.note else "summary"
    _post(
        incident, to.id, "handover_given", f"handover:{handover.id}:{kind}", urgent=True, now=now,
        who=_name(handover.from_id), note="yes" if handover.note else "", path=f"/handovers/{handover.id}",
    )  # fmt: skip


def read(handover: Handover, *, by: StaffMember, now: datetime) -> bool:
    """Who came on has read it; false when they had. Raises: NotAllowed for others, Refused too early."""
    if by.id != handover.to_id:
        raise NotAllowed(_("Only who comes on shift says that they have read it."))
    if handover.told_at is None:
        raise Refused(_("The shift has not changed yet."))
    if handover.read_at:
        return False
    handover.read_at = now
    db.session.flush()
    incident = db.session.get_one(Incident, handover.incident_id)
    _enter(incident, "handover.read", by.name, now, handover=handover.id, sha256=handover.note_sha256)
    return True


# --- looking --------------------------------------------------------------------------------------


def summary(incident: Incident, handover: Handover, *, locale: str) -> Note:
    """What we can say ourselves, in a language: what was done since the shift began, and what is open.

    It fills the form of the note beforehand, and stands in its place where none was written.
    """
    zone = db.session.get_one(Organisation, incident.organisation_id).timezone
    with force_locale(locale):
        done = [
            f"{locales.instant(line.at, zone, locale)}: {line.text}"
            for line in map(line_of, ledger.entries(incident.chain))
            if line.at >= handover.began_at and line.group == "decided"
            and not line.action.startswith("handover.")
        ]  # fmt: skip
        open_steps = [
            f"{step.title}, {_('due')} {locales.instant(step.due_at, zone, locale)}"
            if step.due_at else step.title
            for step in runs.steps_for(incident.chain) if step.state == "open"
        ]  # fmt: skip
        return Note("\n".join(done[-LINES:]), "\n".join(open_steps[:LINES]), "")


def of_incident(incident: Incident) -> list[Handover]:
    """The handovers of an incident, the latest first; those that are only asked for included."""
    mine = select(Handover).where(Handover.incident_id == incident.id)
    return list(db.session.scalars(mine.order_by(Handover.ends_at.desc(), Handover.id)))


def asked_of(staff: StaffMember, now: datetime) -> list[tuple[Handover, Incident]]:
    """The notes that are asked of a person and not written, of incidents still open and seen by them."""
    since = now - terms(now).catch_up
    mine = Handover.from_id == staff.id, Handover.written_at.is_(None), Handover.ends_at >= since
    return _with_incidents(staff, *mine, Handover.asked_at.is_not(None))


def unread_by(staff: StaffMember) -> list[tuple[Handover, Incident]]:
    """What a person who came on has not read yet, of incidents still open and seen by them."""
    mine = Handover.to_id == staff.id, Handover.read_at.is_(None), Handover.told_at.is_not(None)
    return _with_incidents(staff, *mine)


def _with_incidents(staff: StaffMember, *where: ColumnElement[bool]) -> list[tuple[Handover, Incident]]:
    found = (
        select(Handover, Incident)
        .join(Incident, Incident.id == Handover.incident_id)
        .where(*where, *_alive(), may_see(staff))
        .order_by(Handover.ends_at, Incident.number)
    )
    return [(row.Handover, row.Incident) for row in db.session.execute(found)]
