"""When a message to a person goes: alone at once, or with others a little later; never not at all.

The first page of an incident to a person, and any near a deadline, wait for no limit: so many go alone, and
those above that within less than a minute in one message that stands for all of them.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from notifications.rules.terms import Limits, Reminders


def page_held_until(
    sent: Sequence[datetime], channel: str, now: datetime, *, urgent: bool, limits: Limits
) -> datetime | None:
    """Until when a page waits to go with others; None when it goes alone now.

    `sent` are the instants of pages to this person by this channel lately, in any order.
    """
    if urgent:
        alone = _within(sent, limits.alone_within, now) < limits.alone
        return None if alone else now + limits.gather
    rooms = [_room(sent, span, count, now) for span, count in limits.ways.get(channel, ())]
    free = max((room for room in rooms if room), default=None)
    if free is None:
        return None
    return min(max(free, now + limits.gather), now + limits.longest)


def full(sent: Sequence[datetime], channel: str, now: datetime, limits: Limits) -> bool:
    """Whether a page would have to be looked at closer: one of the limits is reached, whatever for."""
    windows = (*limits.ways.get(channel, ()), (limits.alone_within, limits.alone))
    return any(_within(sent, span, now) >= count for span, count in windows)


def looked_back(channel: str, limits: Limits) -> timedelta:
    """How far back what was sent matters."""
    return max([span for span, _count in limits.ways.get(channel, ())] + [limits.alone_within])


def _within(sent: Sequence[datetime], span: timedelta, now: datetime) -> int:
    return sum(1 for each in sent if each > now - span)


def _room(sent: Sequence[datetime], span: timedelta, count: int, now: datetime) -> datetime | None:
    """When a window has room again; None when it has now."""
    inside = sorted(each for each in sent if each > now - span)
    return None if len(inside) < count else inside[len(inside) - count] + span


def reminder_held_until(sent: Sequence[datetime], now: datetime, terms: Reminders) -> datetime | None:
    """Until when a reminder that can wait is kept to go with others; None when it goes alone now."""
    return None if _within(sent, terms.within, now) < terms.alone else now + terms.gather
