"""The ladder of a duty: at which instants it is spoken of, how loudly, and which comes next once overdue.

Nothing is compared with `now` for equality: a rung is owed once its instant has passed, and of several that
have passed the latest says what is true now.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from incident.rules.deadlines import after_hours
from incident.rules.regimes import Ladder

Kind: TypeAlias = Literal["reminder", "overdue", "ageing", "draft", "reasons"]


@dataclass(frozen=True, slots=True)
class Rung:
    """One rung: when, of which kind, whether who is on call is paged, and what it is reckoned from."""

    key: str
    kind: Kind
    at: datetime
    counts_to: datetime
    page: bool = False


def rungs(ladder: Ladder, *, starts_at: datetime | None, due_at: datetime | None, ages: bool = False,
          drafts: bool = False) -> list[Rung]:  # fmt: skip
    """The rungs of a duty when it is made or moved, the first one first; instants are UTC.

    Those before it began are left out. Without a due time it has none but, where it `ages`, the first of
    its age; `drafts` adds those at which something is drafted and reasons are asked for.
    """
    if due_at is None:
        return [_aged(ladder, starts_at, 1)] if ages and starts_at else []
    made = [*_before(ladder, due_at), overdue(ladder, due_at, 0), *(_made(ladder, due_at) if drafts else ())]
    begun = [each for each in made if starts_at is None or each.at > starts_at or each.at >= due_at]
    return sorted(begun, key=lambda each: each.at)


def _before(ladder: Ladder, due_at: datetime) -> Iterator[Rung]:
    for hours in ladder.before:
        at = due_at - timedelta(hours=hours)
        yield Rung(f"-{_span(hours)}", "reminder", at, due_at, page=hours <= ladder.page_from)


def _made(ladder: Ladder, due_at: datetime) -> Iterator[Rung]:
    yield Rung("draft", "draft", due_at - timedelta(hours=ladder.draft_before), due_at)
    yield Rung("reasons", "reasons", due_at - timedelta(hours=ladder.reasons_before), due_at)


def overdue(ladder: Ladder, due_at: datetime, times: int) -> Rung:
    """The rung at the due time itself, or so many times the span after it."""
    hours = ladder.overdue_every * times
    return Rung(f"+{_span(hours)}", "overdue", after_hours(due_at, hours), due_at, page=True)


def _aged(ladder: Ladder, starts_at: datetime, times: int) -> Rung:
    hours = ladder.ages_every * times
    return Rung(f"+{_span(hours)}", "ageing", after_hours(starts_at, hours), starts_at)


def following(ladder: Ladder, kind: Kind, counts_to: datetime, now: datetime) -> Rung | None:
    """The rung after one that was given at `now`: the next that is still to come; None for the others."""
    if kind not in ("overdue", "ageing"):
        return None
    every = timedelta(hours=ladder.overdue_every if kind == "overdue" else ladder.ages_every)
    times = max(int((now - counts_to) / every) + 1, 1)
    make = overdue if kind == "overdue" else _aged
    return make(ladder, counts_to, times)


def _span(hours: float) -> str:
    return f"{hours:g}h" if hours == 0 or hours >= 1 else f"{hours * 60:g}min"
