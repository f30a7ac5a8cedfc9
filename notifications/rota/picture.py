"""The rota as people look at it: who is on call now and next, gaps, the ladder of a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from accounts import people
from accounts.models import StaffMember
from notifications import on_duty, policies, targets
from notifications.models import Schedule
from notifications.on_duty import Gap
from notifications.rules.plan import Stretch

AHEAD = timedelta(days=14)  # so far gaps are looked for
WEEKS = timedelta(weeks=4)  # so far whoever comes next is


@dataclass(frozen=True, slots=True)
class Turn:
    """Somebody's time on duty; `name` is empty where nobody is."""

    name: str
    start: datetime
    end: datetime
    overridden: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One schedule: who is on duty now and who is as well, who comes next, whether anybody must be."""

    id: UUID
    name: str
    timezone: str
    line: bool
    now: Turn | None
    besides: list[Turn]
    next: Turn | None


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the escalation policy: whom it pages, and how long it waits for an answer."""

    names: list[str]
    minutes: int


@dataclass(frozen=True, slots=True)
class Picture:
    """All that the page of the rota shows of an organisation."""

    start: datetime
    rows: list[Row]
    gaps: list[Gap]
    ladder: list[Rung]


def picture(organisation_id: UUID, now: datetime) -> Picture:
    """The rota of an organisation: now, next, and the gaps of the next 14 days."""
    names = {each.id: each.name for each in people.staff_of(organisation_id)}
    those, lines = on_duty.schedules(organisation_id), on_duty.lines(organisation_id)
    found = on_duty.stretches(those, now, now + WEEKS)
    paged = {each.id for each in lines}
    rows = [_row(each, found[each.id], names, now, line=each.id in paged) for each in those]
    steps = _steps(organisation_id, now)
    ladder = [Rung([each.name for each in whom], step.get("minutes", 5)) for step, whom in steps]
    gaps = on_duty.gaps(organisation_id, now, now + AHEAD)
    return Picture(now, rows, gaps, ladder)


def _row(
    schedule: Schedule, found: Sequence[Stretch], names: dict[UUID, str], now: datetime, *, line: bool
) -> Row:
    firsts = [each for each in found if each.place == 0]
    runs = [_turn(run, names) for run in _runs(firsts)]
    current = next((each for each in runs if each.start <= now < each.end), None)
    coming = next((each for each in runs if each.start > now), None)
    if current and (coming is None or coming.start > current.end) and current.end < now + WEEKS:
        coming = Turn("", current.end, coming.start if coming else current.end, overridden=False)
    besides = [_turn([each], names) for each in found if each.place and each.start <= now < each.end]
    return Row(schedule.id, schedule.name, schedule.timezone, line, current, besides, coming)


def _runs(firsts: Sequence[Stretch]) -> list[list[Stretch]]:
    """Stretches of one person after another are one."""
    found: list[list[Stretch]] = []
    for each in firsts:
        if found and found[-1][-1].member == each.member and found[-1][-1].end == each.start:
            found[-1].append(each)
        else:
            found.append([each])
    return found


def _turn(run: Sequence[Stretch], names: dict[UUID, str]) -> Turn:
    overridden = any(each.overridden for each in run)
    return Turn(names.get(run[0].member, "?"), run[0].start, run[-1].end, overridden)


def _steps(organisation_id: UUID, now: datetime) -> list[tuple[dict[str, Any], Sequence[StaffMember]]]:
    found = policies.policies(organisation_id)
    steps = found[0].steps if found and found[0].steps else targets.BUILT_IN
    return [(step, targets.people_of(organisation_id, step, now)) for step in steps]
