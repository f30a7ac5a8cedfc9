"""Shifts of the rota as others ask: who stands for a role, which change comes or came, which are mine."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from foundation.database import db
from notifications import paging
from notifications.models import Rotation
from notifications.rules.oncall import Shift, named_for


@dataclass(frozen=True, slots=True)
class Change:
    """A shift that hands over to the next at `at`; `first` is whether pages go to this rotation first."""

    rotation: str
    first: bool
    began_at: datetime
    at: datetime
    before: UUID
    after: UUID


@dataclass(frozen=True, slots=True)
class OwnShift:
    """One shift of a person: of which rotation, in which zone (IANA) it hands over."""

    rotation_id: UUID
    rotation: str
    timezone: str
    shift: Shift


def standing_for(organisation_id: UUID, now: datetime) -> dict[str, UUID]:
    """Who is on duty at `now` in the rotations that are named for a role, by role."""
    return {
        role: person
        for each in reversed(_rotations(organisation_id))
        if (role := named_for(each.name)) and (person := paging.turns(each).on_call(now))
    }


def changes(
    organisation_id: UUID, now: datetime, *, ahead: timedelta, back: timedelta
) -> list[Change]:  # fmt: skip
    """Of each rotation the change that comes within `ahead`, and the last one unless it was before `back`.

    Where one person follows himself nothing changes hands.
    """
    rotations = _rotations(organisation_id)
    lines = [each.id for each in rotations if named_for(each.name) is None] or [each.id for each in rotations]
    return [
        change
        for rotation in rotations
        for change in _about(rotation, now, first=rotation.id in lines[:1])
        if change.before != change.after and now - back <= change.at <= now + ahead
    ]


def _about(rotation: Rotation, now: datetime, *, first: bool) -> list[Change]:
    turns = paging.turns(rotation)
    current = turns.shift(now)
    if current is None or now < current.start:
        return []
    following = turns.shift(current.end)
    earlier = turns.shift(current.start - timedelta(microseconds=1))
    pairs = [(earlier, current)] if earlier and earlier.start < current.start else []
    pairs += [(current, following)] if following else []
    return [
        Change(rotation.name, first, before.start, after.start, before.member, after.member)
        for before, after in pairs
    ]


def of_person(organisation_id: UUID, staff_id: UUID, start: datetime, end: datetime) -> list[OwnShift]:
    """The shifts of a person that touch the time from `start` to `end`, each from its own beginning."""
    found: list[OwnShift] = []
    for rotation in _rotations(organisation_id):
        turns = paging.turns(rotation)
        shift = turns.shift(start)
        while shift and shift.start < end:
            if shift.member == staff_id and shift.end > start:
                found.append(OwnShift(rotation.id, rotation.name, rotation.timezone, shift))
            shift = turns.shift(shift.end)
    return found


def next_of(organisation_id: UUID, staff_id: UUID, now: datetime, *, within: timedelta) -> datetime | None:
    """When the next shift of a person begins; None when none does within that time."""
    mine = of_person(organisation_id, staff_id, now, now + within)
    return min((each.shift.start for each in mine if each.shift.start > now), default=None)


def on_duty(organisation_id: UUID, rotation: str, at: datetime) -> UUID | None:
    """Whose shift of the rotation of this name covers `at`; None when there is no such rotation."""
    mine = [each for each in _rotations(organisation_id) if each.name == rotation]
    return paging.turns(mine[0]).on_call(at) if mine else None


def _rotations(organisation_id: UUID) -> list[Rotation]:
    mine = select(Rotation).where(Rotation.organisation_id == organisation_id)
    return list(db.session.scalars(mine.order_by(Rotation.name)))
