"""What is next across all incidents: everything that waits for somebody, merged and sorted by time left."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

DAY: Final = timedelta(hours=24)


class Kind(StrEnum):
    """What waits."""

    PAGE = "page"  # somebody is being called, and nobody has it
    LEAD = "lead"  # an incident that nobody leads
    REPORT = "report"  # a report that no machine could read
    DUTY = "duty"  # something owed to an authority, to people, to a controller
    STEP = "step"  # of a playbook
    DECISION = "decision"  # that a second person must agree to
    HANDOVER = "handover"  # a note that is asked for
    READING = "reading"  # a handover that is to be read


AT_ONCE: Final = frozenset({Kind.PAGE, Kind.LEAD, Kind.REPORT, Kind.READING})  # due since they arose


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that waits: what, of which incident, until when, and where one goes to do it.

    `at` (UTC) is when it is due, for what is due at once since when it waits; None while its time is not
    known. `key` is the thing itself: the same told twice is one. `mine` is whether it waits for the reader.
    """

    kind: Kind
    key: str
    what: str
    number: str
    at: datetime | None
    href: str
    button: str
    mine: bool

    @property
    def at_once(self) -> bool:
        """Whether it has no deadline of its own but waits already."""
        return self.kind in AT_ONCE


@dataclass(frozen=True, slots=True)
class Agenda:
    """What waits, in three parts, each by time left; `hidden` is how many are not shown."""

    now: tuple[Item, ...]  # overdue, or due at once
    day: tuple[Item, ...]  # due within a day
    later: tuple[Item, ...]  # due later, and last what has no time yet
    hidden: int = 0

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""
        return not (self.now or self.day or self.later)


def agenda(items: Iterable[Item], now: datetime, *, only_mine: bool, most: int) -> Agenda:
    """Merge what waits and sort it by time left, the longest overdue first; at most so many."""
    merged: dict[str, Item] = {}
    for each in items:
        known = merged.get(each.key)
        if known is None or (each.mine and not known.mine):
            merged[each.key] = each
    wanted = sorted((each for each in merged.values() if each.mine or not only_mine), key=_by_time_left)
    shown = wanted[:most]
    overdue = tuple(each for each in shown if each.at and each.at <= now)
    day = tuple(each for each in shown if each.at and now < each.at <= now + DAY)
    later = tuple(each for each in shown if not each.at or each.at > now + DAY)
    return Agenda(overdue, day, later, len(wanted) - len(shown))


def _by_time_left(item: Item) -> tuple[bool, datetime | str, int, str]:
    return (item.at is None, item.at or "", list(Kind).index(item.kind), item.key)


def first_after(items: Iterable[Item], now: datetime) -> Item | None:
    """What is due next of all of these, whosever it is: what to look forward to when nothing waits."""
    coming = [each for each in items if each.at and each.at > now]
    return min(coming, key=_by_time_left, default=None)
