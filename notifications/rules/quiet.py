"""Quiet hours: when a person is to be left alone, and until when something that can wait does wait.

Hours are local, in the person's zone. A span begins on its weekday and may end on the next day. Urgent
messages know nothing of this; nothing waits past the point where waiting costs.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from notifications.rules.contacts import LIMITS

ROUND = 8  # days looked at: a span begins on its weekday, yesterday's may still last


@dataclass(frozen=True, slots=True)
class Span:
    """Quiet from `start` on each of `days` (Monday is 0) to `end`, on the next day if that is not later."""

    days: frozenset[int]
    start: time
    end: time


def read(kept: Iterable[dict[str, Any]]) -> list[Span]:
    """Spans as they are kept: {"days": [0], "from": "22:00", "to": "07:00"}."""
    return [
        Span(frozenset(each["days"]), time.fromisoformat(each["from"]), time.fromisoformat(each["to"]))
        for each in kept
    ]


def ends(spans: Sequence[Span], timezone: str, now: datetime) -> datetime | None:
    """When the quiet hours that hold `now` (aware) end, in UTC; None when none do.

    Spans that touch are one. Never further away than the data allows.
    """
    times = sorted(_times(spans, ZoneInfo(timezone), now))
    end: datetime | None = None
    for begins, until in times:
        if begins <= (end or now) < until:
            end = until
    return min(end, now + LIMITS.longest_wait) if end else None


def _times(spans: Sequence[Span], zone: ZoneInfo, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    first = now.astimezone(zone).date() - timedelta(days=1)
    for day in (first + timedelta(days=n) for n in range(ROUND)):
        for span in spans:
            if day.weekday() in span.days:
                last = day if span.end > span.start else day + timedelta(days=1)
                yield _at(day, span.start, zone), _at(last, span.end, zone)


def _at(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, zone).astimezone(UTC)


def ready_at(spans: Sequence[Span], timezone: str, *, now: datetime, must_by: datetime | None) -> datetime:
    """When something that can wait is told: now, or when quiet hours end.

    Now as well when its deadline `must_by` comes before they end, or so soon after that waiting costs.
    """
    end = ends(spans, timezone, now)
    if end is None or (must_by is not None and must_by - LIMITS.margin <= end):
        return now
    return end


def deadline_of(context: dict[str, Any], must_by: datetime | None) -> datetime | None:
    """The first instant that a message speaks of as due, in its context (ISO 8601) or as `must_by`."""
    told = [context.get("due_at"), *(each.get("due_at") for each in context.get("duties", ()))]
    named = [datetime.fromisoformat(each) for each in told if each]
    return min([*named, *([must_by] if must_by else [])], default=None)


def told_later(context: dict[str, Any], waits: timedelta) -> dict[str, Any]:
    """A message's context as it is true once it has waited: "hours_left" is less by then."""
    if not waits:
        return context
    duties = [told_later(each, waits) for each in context.get("duties", ())]
    left = context.get("hours_left")
    less = {"hours_left": f"{round(float(left) - waits / timedelta(hours=1), 2):g}"} if left else {}
    return {**context, **less, **({"duties": duties} if duties else {})}
