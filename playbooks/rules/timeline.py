"""What a run owes at an instant: due steps, reminders not yet given, and when to look again.

Nothing here asks "is it now?". A reminder is owed once its instant has passed and it was neither
given nor passed over, so a clock that stood still for 20 hours owes each step one reminder, the
latest, and says which earlier ones it replaced. Every instant is UTC and every span elapsed time:
neither weekends nor changes of clocks stretch it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from playbooks.rules import duration
from playbooks.rules.definition import Action, Anchor, Playbook, Step

FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Kind(StrEnum):
    """What a rung of a step's ladder says."""

    ACTION = "action"  # the step is due and its action happens
    APPROACHING = "approaching"  # so much time is left
    OVERDUE = "overdue"  # the step is at or past its due time and open


@dataclass(frozen=True, slots=True)
class Rung:
    """One instant at which something is said about a step; `key` names it within the step for ever."""

    at: datetime
    key: str
    kind: Kind
    page: bool = False


@dataclass(frozen=True, slots=True)
class Owed:
    """Something to be said now about a step, and the earlier rungs that saying it replaces."""

    step: Step
    due_at: datetime
    rung: Rung
    replaced: tuple[Rung, ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """What a run owes now, and the next instant at which it will owe more; None while no step is timed."""

    owed: tuple[Owed, ...]
    wake_at: datetime | None


def due_at(step: Step, anchors: Mapping[str, datetime]) -> datetime | None:
    """When the step is due, in UTC; None while its anchor is not known."""
    start = anchors.get(step.anchor)
    try:
        return start.astimezone(UTC) + step.offset if start else None
    except OverflowError:  # a report may say that it happened in the year 9999
        return None


def plus(at: datetime, span: timedelta) -> datetime:
    """So much later or earlier; what lies outside the calendar is its last or first instant."""
    try:
        return at + span
    except OverflowError:
        return LAST if span > timedelta() else FIRST


def hours_left(due: datetime, now: datetime) -> float:
    """Elapsed hours until the due time, negative past it, to the hundredth."""
    return round((due - now).total_seconds() / 3600, 2)


def look(
    playbook: Playbook,
    anchors: Mapping[str, datetime],
    *,
    closed: Collection[str],
    settled: Collection[tuple[str, str]],
    now: datetime,
) -> Moment:
    """What is owed at `now` by the steps that are not closed.

    `anchors` are aware instants by name, `closed` the keys of steps that need nothing more, `settled`
    the (step key, rung key) that were given or passed over before.
    """
    timed = [(step, due_at(step, anchors)) for step in playbook.steps if step.key not in closed]
    return look_at(timed, settled=settled, now=now)


def look_at(
    timed: Iterable[tuple[Step, datetime | None]], *, settled: Collection[tuple[str, str]], now: datetime
) -> Moment:
    """What is owed at `now` by open steps that are due when it says with them; None waits in silence."""
    owed: list[Owed] = []
    ahead: list[datetime] = []
    for step, due in timed:
        if due is None:
            continue
        now_owed, next_at = _of_step(step, due, {rung for key, rung in settled if key == step.key}, now)
        owed += now_owed
        ahead += next_at
    return Moment(tuple(owed), min(ahead, default=None))


def _of_step(
    step: Step, due: datetime, settled: Collection[str], now: datetime
) -> tuple[list[Owed], list[datetime]]:
    """What this step owes now, and the instants at which it will owe more."""
    rungs = [rung for rung in [*_action(step, due), *_ladder(step, due, now)] if rung.key not in settled]
    passed = [rung for rung in rungs if rung.at <= now]
    ahead = [rung.at for rung in rungs if rung.at > now]
    owed = [Owed(step, due, rung) for rung in passed if rung.kind is Kind.ACTION]
    if said := [rung for rung in passed if rung.kind is not Kind.ACTION]:
        *replaced, latest = sorted(said, key=lambda rung: rung.at)
        owed.append(Owed(step, due, latest, tuple(replaced)))
    return owed, ahead


def next_reminder_at(step: Step, due: datetime, now: datetime) -> datetime | None:
    """The first instant after `now` at which this step, if still open, is spoken of again."""
    rungs = [*_action(step, due), *_ladder(step, due, now)]
    return min((rung.at for rung in rungs if rung.at > now), default=None)


def _action(step: Step, due: datetime) -> Iterable[Rung]:
    """The step's action: once in its life, also when its due time moves after it happened."""
    if step.action is not Action.NONE:
        yield Rung(due, Kind.ACTION, Kind.ACTION, page=step.action is Action.PAGE)


def _ladder(step: Step, due: datetime, now: datetime) -> Iterable[Rung]:
    """The step's reminders; those of another due time are others, for they say another thing."""
    for span in step.reminders:
        kind = Kind.APPROACHING if span < timedelta() else Kind.OVERDUE
        page = step.page_from is not None and span >= step.page_from
        yield Rung(plus(due, span), _key(span, due), kind, page=page)
    if step.overdue_every is not None:
        yield from _repeats(step, step.overdue_every, due, now)


def _repeats(step: Step, every: timedelta, due: datetime, now: datetime) -> Iterable[Rung]:
    """The latest repeat that has passed, and the next: they go on until the step is closed."""
    count = max(0, (now - due) // every)
    for number in {count, count + 1} - {0}:
        span = number * every
        yield Rung(plus(due, span), _key(span, due), Kind.OVERDUE, page=step.page_from is not None)


def _key(span: timedelta, due: datetime) -> str:
    return f"{duration.write(span)}@{due.isoformat(timespec='seconds')}"


def timetable(
    playbook: Playbook, anchors: Mapping[str, datetime]
) -> list[tuple[Step, datetime | None, tuple[datetime, ...]]]:
    """Every step with its due time and reminders, by due time; steps without one come last."""
    rows = []
    for step in playbook.steps:
        due = due_at(step, anchors)
        rows.append((step, due, tuple(plus(due, span) for span in step.reminders) if due else ()))
    return sorted(rows, key=lambda row: (row[1] is None, row[1] or datetime.max.replace(tzinfo=UTC)))


def anchors_in(anchors: Mapping[str, str]) -> dict[str, datetime]:
    """Anchors as they are stored, ISO 8601 with an offset, as instants in UTC."""
    return {Anchor(name): datetime.fromisoformat(at).astimezone(UTC) for name, at in anchors.items()}
