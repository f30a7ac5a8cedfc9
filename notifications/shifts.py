"""Shifts as others ask of them: who stands for a role, which change comes or came, which are mine.

All of it follows what people changed for a time, and what was is told by the record.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from notifications import on_duty
from notifications.rules.oncall import named_for
from notifications.rules.plan import Stretch, changes_of_hands, last_before_a_gap


@dataclass(frozen=True, slots=True)
class Change:
    """A shift that hands over to the next at `at`; `first` is whether pages go to this schedule first."""

    rotation: str  # the name of the schedule
    first: bool
    began_at: datetime
    at: datetime
    before: UUID
    after: UUID


@dataclass(frozen=True, slots=True)
class OwnShift:
    """One shift of a person: of which schedule, in which zone (IANA) it hands over."""

    schedule_id: UUID
    schedule: str
    timezone: str
    shift: Stretch


def standing_for(organisation_id: UUID, at: datetime) -> dict[str, UUID]:
    """Who is on duty at a moment in the schedules that are named for a role, by role."""
    named = {each.id: role for each in on_duty.schedules(organisation_id) if (role := named_for(each.name))}
    those = [each for each in on_duty.schedules(organisation_id) if each.id in named]
    found = on_duty.holders_of(those, at)
    return {named[each.id]: found[each.id][0] for each in reversed(those) if found[each.id]}


def changes(organisation_id: UUID, now: datetime, *, ahead: timedelta, back: timedelta) -> list[Change]:
    """Of each schedule the changes that come within `ahead`, and those since `back` before now.

    Where one person follows himself nothing changes hands. Where nobody follows in a line that is paged,
    it goes to whoever is on call then.
    """
    those, lines = on_duty.schedules(organisation_id), on_duty.lines(organisation_id)
    start, end = now - back, now + ahead
    moment = timedelta(microseconds=1)  # whoever begins with the last instant counts
    found = on_duty.stretches(those, start - moment, end + moment)
    told = []
    for each in those:
        first = each.id == lines[0].id
        pairs = [(before, after.member) for before, after in changes_of_hands(found[each.id])]
        if each in lines:
            pairs += [
                (before, instead[0])
                for before in last_before_a_gap(found[each.id])
                if start <= before.end <= end
                and (instead := on_duty.on_call(organisation_id, before.end))
                and instead[0] != before.member
            ]
        told += [
            Change(each.name, first, before.start, before.end, before.member, after)
            for before, after in pairs
            if start <= before.end <= end
        ]
    return told


def of_person(organisation_id: UUID, staff_id: UUID, start: datetime, end: datetime) -> list[OwnShift]:
    """The shifts of a person that touch the time from `start` to `end`, each from its own beginning."""
    those = on_duty.schedules(organisation_id)
    found = on_duty.stretches(those, start, end)
    return [
        OwnShift(each.id, each.name, each.timezone, shift)
        for each in those
        for shift in found[each.id]
        if shift.member == staff_id
    ]


def next_of(organisation_id: UUID, staff_id: UUID, now: datetime, *, within: timedelta) -> datetime | None:
    """When the next shift of a person begins; None when none does within that time."""
    mine = of_person(organisation_id, staff_id, now, now + within)
    return min((each.shift.start for each in mine if each.shift.start > now), default=None)


def whose(organisation_id: UUID, schedule: str, at: datetime) -> UUID | None:
    """Who is on duty first at a moment in the schedule of this name; None when there is none, or nobody."""
    mine = [each for each in on_duty.schedules(organisation_id) if each.name == schedule][:1]
    return next((people[0] for people in on_duty.holders_of(mine, at).values() if people), None)
