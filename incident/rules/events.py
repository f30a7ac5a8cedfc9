"""What a person's calendar shows, and what it was told before: a change is told as a change.

Numbers and provisions only. Calendar programs recognise an event by its UID, take the higher SEQUENCE as
the later word, and take out what is told as cancelled (RFC 5545).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum


class Kind(StrEnum):
    """What an event is."""

    DEADLINE = "deadline"  # of a duty or a clock
    STEP = "step"
    SHIFT = "shift"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing in the calendar; instants are UTC, `zone` (IANA) is where a shift hands over."""

    uid: str
    kind: Kind
    starts_at: datetime
    ends_at: datetime
    zone: str
    summary: str
    path: str


@dataclass(frozen=True, slots=True)
class Told:
    """An event as the calendar was last told of it."""

    event: Event
    sequence: int
    made_at: datetime
    modified_at: datetime
    gone_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What the calendar tells now, and which of it differs from what it told before."""

    told: tuple[Told, ...]
    changed: tuple[Told, ...]
    forgotten: tuple[str, ...]  # uids that are told no more


def follow(
    events: Iterable[Event], before: Mapping[str, Told], now: datetime, *, cancelled_for: timedelta
) -> Changes:
    """Bring what was told in line with what is so now.

    What moved goes up in sequence; what is gone is told as cancelled for a while and then forgotten, unless
    it was a shift that is simply over; what comes back is told as in force again.
    """
    told: list[Told] = []
    current = {each.uid: each for each in events}
    for uid, event in current.items():
        known = before.get(uid)
        if known is None:
            told.append(Told(event, 0, now, now))
        elif known.event == event and known.gone_at is None:
            told.append(known)
        else:
            told.append(Told(event, known.sequence + 1, known.made_at, now))
    forgotten: list[str] = []
    for uid, known in before.items():
        if uid in current:
            continue
        over = known.event.kind is Kind.SHIFT and known.gone_at is None and known.event.ends_at <= now
        if over or (known.gone_at and known.gone_at + cancelled_for <= now):
            forgotten.append(uid)
        elif known.gone_at:
            told.append(known)
        else:
            told.append(replace(known, sequence=known.sequence + 1, modified_at=now, gone_at=now))
    changed = tuple(each for each in told if before.get(each.event.uid) != each)
    return Changes(tuple(told), changed, tuple(forgotten))
