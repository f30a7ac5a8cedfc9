"""Somebody leaves, comes back or gets another role: the past of the rota stays, and who is on duty is told.

Who may not be paged is on duty no more, and from then on only. Where they were to stand in for somebody,
that one has the shift again, and must hear of it: both believed that cover was arranged.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from accounts.models import StaffMember
from accounts.permissions import may_be_paged
from foundation.database import acting_for, db
from notifications import on_duty
from notifications.models import Schedule
from notifications.rota import editing, overrides, telling
from notifications.rules.plan import Change


@contextmanager
def around(staff: StaffMember, *, by: str, now: datetime) -> Iterator[None]:
    """What goes around a change of who may be paged, in its transaction.

    Puts on record who was on duty until now, by what was so until now; then tells whoever comes on duty.
    """
    with acting_for(staff.organisation_id):
        # In one order for all who lock several.
        ids = sorted(each.id for each in on_duty.schedules(staff.organisation_id))
        kept = [found for each in ids if (found := on_duty.keep(each, now=now))]
        before = {each.id: on_duty.holders(each.id, now) for each in kept}
    yield
    with acting_for(staff.organisation_id):
        db.session.flush()
        for each in kept:
            told = set[UUID]() if may_be_paged(staff) else _fallen_away(each, staff, by, now)
            key = f"rota:{each.id}:{now.isoformat()}"
            telling.tell_both_sides(each, before[each.id], key=key, who=by, now=now, but=told)


def _fallen_away(schedule: Schedule, staff: StaffMember, by: str, now: datetime) -> set[UUID]:
    """Tell whoever has a shift again that this person was to take; returns who has one now."""
    told = set[UUID]()
    for each in overrides.ahead(schedule.id, now):
        if each.after_id != staff.id:
            continue
        start = max(each.starts_at, now)
        editing.enter(schedule, "override.fell_away", by=by, now=now, override=each.id, person=staff.id)
        if each.change is Change.REPLACE:
            again = overrides.again_on_duty(schedule, each, start)
            key = f"override:{each.id}:away:{now.isoformat()}"
            telling.tell(schedule, again, start, key=key, who=by, now=now)
            told.update(again if start == now else ())
    return told


def stand_ins_gone(organisation_id: UUID, until: datetime, now: datetime) -> list[tuple[Schedule, datetime]]:
    """The changes of the rota until then whose stand-in takes no pages any more: schedule and beginning."""
    found = []
    for schedule in on_duty.schedules(organisation_id):
        for each in overrides.ahead(schedule.id, now):
            person = db.session.get(StaffMember, each.after_id) if each.after_id else None
            if person and each.starts_at < until and not may_be_paged(person):
                found.append((schedule, max(each.starts_at, now)))
    return sorted(found, key=lambda one: one[1])
