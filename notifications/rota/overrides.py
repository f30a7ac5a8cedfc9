"""What people change in a schedule for a time: somebody stands in, is on duty as well, or is not."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import select

from accounts.models import StaffMember
from accounts.permissions import may_be_paged
from foundation import locales
from foundation.database import db, new_id
from foundation.errors import Invalid, Missing, Refused
from notifications import on_duty
from notifications.models import Override, Schedule
from notifications.rota import editing, telling
from notifications.rules.plan import Change
from notifications.rules.plan import Override as Pure

LONGEST = timedelta(days=366)  # one override; for longer there are rotations


@dataclass(frozen=True, slots=True)
class Wanted:
    """An override as it is to be; instants are aware, `before` None with REPLACE is whoever it would be."""

    change: Change
    before: UUID | None
    after: UUID | None
    start: datetime
    end: datetime
    reason: str = ""


def make(
    schedule_id: UUID,
    wanted: Wanted,
    *,
    by: StaffMember,
    now: datetime,
    swap_id: UUID | None = None,
    quiet: bool = False,
) -> Override:
    """Change who is on duty for a time that is not over; what of it has passed stays as it was.

    Whoever comes or goes by it and did not make it is told, unless `quiet`. Raises: Missing; Invalid naming
    every fault of what is wanted; Refused when it overlaps with a change that cannot hold beside it.
    """
    schedule = editing.lock(schedule_id, now=now)
    wanted = replace(wanted, start=max(wanted.start, now), reason=wanted.reason.strip()[:500])
    if faults := list(_faults(schedule, wanted, now)):
        raise Invalid(" ".join(faults))
    _refuse_clashes(schedule, wanted)
    _refuse_idle(schedule, wanted)
    row = Override(
        id=new_id(), organisation_id=schedule.organisation_id, schedule_id=schedule_id,
        change=wanted.change, before_id=wanted.before, after_id=wanted.after, starts_at=wanted.start,
        ends_at=wanted.end, reason=wanted.reason, swap_id=swap_id, made_at=now, made_by=by.name,
    )  # fmt: skip
    leaving = [wanted.before] if wanted.before else _there(schedule, wanted)
    db.session.add(row)
    db.session.flush()
    editing.enter(
        schedule, "override.made", by=by.name, now=now, override=row.id, change=row.change.value,
        before=row.before_id, after=row.after_id, starts_at=row.starts_at, ends_at=row.ends_at,
        reason=row.reason, swap=swap_id,
    )  # fmt: skip
    if swap_id is None and not quiet:
        _tell(schedule, [*leaving, wanted.after], row.starts_at, key=f"override:{row.id}", by=by, now=now)
    return row


def _faults(schedule: Schedule, wanted: Wanted, now: datetime) -> Iterable[str]:
    if wanted.end <= now:
        yield _("That time is over, and who was on duty stays on record as it was.")
    elif wanted.end <= wanted.start:
        yield _("It ends before it begins.")
    elif wanted.end - wanted.start > LONGEST:
        yield _("It is longer than a year: change the rotation instead.")
    if wanted.change is not Change.REMOVE and wanted.after is None:
        yield _("Say who is to be on duty.")
    if wanted.change is Change.REMOVE and wanted.before is None:
        yield _("Say who is not to be on duty.")
    if wanted.before and wanted.before == wanted.after:
        yield _("Both are the same person.")
    named = [each for each in (wanted.before, wanted.after) if each]
    people = {each: db.session.get(StaffMember, each) for each in named}
    if any(each is None or each.organisation_id != schedule.organisation_id for each in people.values()):
        yield _("There is no such colleague.")
    elif wanted.after and (person := people[wanted.after]) and not person.active:
        yield _("%(name)s is not here any more.", name=person.name)
    elif wanted.after and (person := people[wanted.after]) and not may_be_paged(person):
        yield _("That colleague takes no pages: choose another one.")


def _refuse_clashes(schedule: Schedule, wanted: Wanted) -> None:
    new = Pure(new_id(), wanted.change, wanted.before, wanted.after, wanted.start, wanted.end)
    others = on_duty.plan(schedule, wanted.start, wanted.end).overrides
    if clash := next((each for each in others if new.clashes_with(each)), None):
        raise Refused(
            _("This overlaps with a change that is there already: %(what)s.", what=said(schedule, clash)),
            next_step=_("Take that one back first, or choose another time."),
        )


def _refuse_idle(schedule: Schedule, wanted: Wanted) -> None:
    """A replacement or removal must find somebody: who believes that cover is arranged must not be wrong."""
    if wanted.change is Change.ADD:
        return
    there = _there(schedule, wanted)
    if wanted.before is None and not there:
        raise Invalid(_("Nobody is on duty in that time."), next_step=_("Add somebody instead of replacing."))
    if wanted.before and wanted.before not in there:
        raise Invalid(
            _("%(name)s is not on duty in that time: nothing would change.", name=_name(wanted.before)),
            next_step=_("Look at the calendar for the time of the shift."),
        )


def _there(schedule: Schedule, wanted: Wanted) -> list[UUID]:
    return [] if wanted.change is Change.ADD else _whoever(schedule, wanted.start, wanted.end)


def _whoever(schedule: Schedule, start: datetime, end: datetime) -> list[UUID]:
    found = on_duty.stretches([schedule], start, end)[schedule.id]
    return list(dict.fromkeys(each.member for each in found))


def again_on_duty(schedule: Schedule, each: Override, start: datetime) -> list[UUID]:
    """Who is on duty again from `start` on where an override holds no more; nobody after an addition."""
    if each.before_id:
        return [each.before_id]
    return _whoever(schedule, start, each.ends_at) if each.change is Change.REPLACE else []


def said(schedule: Schedule, each: Pure) -> str:
    """An override in words, in the reader's language and the schedule's zone."""
    names = {"before": _name(each.before), "after": _name(each.after)}
    if each.change is Change.ADD:
        what = _("%(after)s as well", **names)
    elif each.change is Change.REMOVE:
        what = _("without %(before)s", **names)
    else:
        what = _("%(after)s for %(before)s", **names)
    start, end = (locales.instant(at, schedule.timezone, locales.current()) for at in (each.start, each.end))
    return f"{what}, {start} – {end}"


def _name(staff_id: UUID | None) -> str:
    if staff_id is None:
        return _("whoever it would be")
    person = db.session.get(StaffMember, staff_id)
    return person.name if person else "?"


def _tell(
    schedule: Schedule,
    those: Sequence[UUID | None],
    at: datetime,
    *,
    key: str,
    by: StaffMember,
    now: datetime,
) -> None:
    """Tell people, but not who did it."""
    telling.tell(schedule, [each for each in those if each != by.id], at, key=key, who=by.name, now=now)


def find(override_id: UUID) -> Override:
    """An override of the present scope. Raises: Missing."""
    found = db.session.get(Override, override_id)
    if found is None:
        raise Missing(_("There is no such change of the rota."))
    return found


def cancel(override_id: UUID, *, by: StaffMember, now: datetime) -> int:
    """Take an override back, what has passed of it excepted, and with it the other half of a swap.

    Returns how many were taken back: none when that was done before. Raises: Missing; Refused when it
    is over.
    """
    schedule = editing.lock(find(override_id).schedule_id, now=now)
    first = find(override_id)
    if first.cancelled_at:
        return 0
    if first.ends_at <= now:
        raise Refused(_("That time is over, and who was on duty stays on record as it was."))
    halves = [first]
    if first.swap_id:
        both = select(Override).where(Override.swap_id == first.swap_id, Override.id != first.id)
        halves += [each for each in db.session.scalars(both) if each.ends_at > now]
    halves = [each for each in halves if each.cancelled_at is None]
    for each in halves:
        each.cancelled_at, each.cancelled_by = now, by.name
        editing.enter(schedule, "override.taken_back", by=by.name, now=now, override=each.id)
    db.session.flush()
    for each in halves:  # who has the shift again is known once all are taken back
        start = max(each.starts_at, now)
        those = [*again_on_duty(schedule, each, start), each.after_id]
        _tell(schedule, those, start, by=by, now=now, key=f"override:{each.id}:back")
    return len(halves)


def ahead(schedule_id: UUID, now: datetime) -> list[Override]:
    """The overrides of a schedule that are not over, the earliest first."""
    mine = Override.schedule_id == schedule_id, Override.ends_at > now, Override.cancelled_at.is_(None)
    return list(db.session.scalars(select(Override).where(*mine).order_by(Override.starts_at, Override.id)))
