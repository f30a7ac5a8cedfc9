"""When the last one of many would be told, whether that is in time, what would help, and what it costs.

Computed before anybody approves, out of counts, rates, prices and the deadline. Rates and prices are dated
rows of `notifications/data/capacity.toml`; an organisation's own go before them. Each channel has a queue of
its own, so they go side by side and the slowest says when the last one is out. Nothing here is a promise of
a provider. Times are aware and in UTC; money is decimal, without tax, and never added across currencies
unless a rate of exchange is given.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from typing import Final

from notifications.rules.capacity_terms import Money, Price, Rate, Terms, Way

LETTER: Final = "letter"
MOST_SENDERS: Final = 1000  # more is no help that anybody gets before a deadline


@dataclass(frozen=True, slots=True)
class Load:
    """So many messages by one way to one country; `size` is the segments of each text, else 1.

    Raises: ValueError for less than no message or a size below 1.
    """

    way: Way
    count: int
    country: str = ""
    size: int = 1

    def __post_init__(self) -> None:
        if self.count < 0 or self.size < 1:
            raise ValueError("A load has at least no message, and each at least one segment")


class Timing(StrEnum):
    """How the end of sending lies to the deadline."""

    IN_TIME = "in_time"
    TIGHT = "tight"  # in time, with less room than is kept free
    LATE = "late"
    NO_DEADLINE = "no_deadline"


class Remedy(StrEnum):
    """What would get the last one out sooner."""

    MORE_SENDERS = "more_senders"
    OTHER_WAY = "other_way"
    SHORTER_TEXT = "shorter_text"


@dataclass(frozen=True, slots=True)
class Help:
    """One remedy for one way: how many or which, when its last one would be out, and what that costs more."""

    remedy: Remedy
    way: Way  # which is slow
    by: Way  # which would carry it
    senders: int
    last_out_at: datetime
    timing: Timing
    costs_more: tuple[Money, ...]  # below nothing where it saves
    priced: bool  # whether all of it has a price


@dataclass(frozen=True, slots=True)
class Part:
    """What goes by one way."""

    way: Way
    messages: int
    units: int
    senders: int
    takes: timedelta  # with what is kept free
    last_out_at: datetime
    cost: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a sending comes to; `margin` is below nothing where the last one is out after the deadline."""

    start: datetime
    deadline: datetime | None
    last_out_at: datetime
    margin: timedelta | None
    timing: Timing
    begin_by: datetime | None  # after this it cannot be in time
    parts: tuple[Part, ...]
    cost: tuple[Money, ...]
    unpriced: tuple[Load, ...]  # nobody knows what these cost
    guessed: bool  # some rate or price that was used is of low certainty
    checked: date | None  # the oldest day on which one of them was compared with its source
    helps: tuple[Help, ...]  # what gets it in time first, then the cheapest


def estimate(
    loads: Sequence[Load],
    *,
    start: datetime,
    deadline: datetime | None,
    terms: Terms,
    senders: Mapping[Way, int] | None = None,
) -> Estimate:
    """What a sending comes to that begins at `start`; `senders` is how many there are of a way, else one.

    Raises: NoRate for a way of which nobody knows how fast it is.
    """
    by_way: defaultdict[Way, list[Load]] = defaultdict(list)
    for load in loads:
        if load.count:
            by_way[load.way].append(load)
    counted = {way: (senders or {}).get(way, 1) for way in by_way}
    parts = tuple(_part(way, by_way[way], counted[way], start, terms) for way in sorted(by_way))
    last = max((part.last_out_at for part in parts), default=start)
    used = [terms.rate(way) for way in by_way]
    priced = [
        (load, terms.price(load.way, load.country, terms.rate(load.way).unit))
        for each in by_way.values()
        for load in each
    ]
    rows: list[Rate | Price] = [*used, *(price for _load, price in priced if price)]
    helps = [
        each
        for part in parts
        if _timing(part.last_out_at, deadline, terms) in {Timing.LATE, Timing.TIGHT}
        for each in _helps(part, by_way[part.way], start, deadline, terms)
    ]
    return Estimate(
        start=start, deadline=deadline, last_out_at=last, margin=deadline - last if deadline else None,
        timing=_timing(last, deadline, terms), begin_by=deadline - (last - start) if deadline else None,
        parts=parts, cost=terms.total(money for part in parts for money in part.cost),
        unpriced=tuple(load for load, price in priced if price is None),
        guessed=any(row.certainty == "low" for row in rows),
        checked=min((row.checked for row in rows if row.checked), default=None),
        helps=tuple(sorted(helps, key=lambda each: (each.timing is Timing.LATE, each.last_out_at))),
    )  # fmt: skip


def _part(way: Way, loads: Sequence[Load], senders: int, start: datetime, terms: Terms) -> Part:
    """What goes by one way; texts are counted in segments, all else by the piece."""
    rate = terms.rate(way)
    units = sum(_units(load, rate) for load in loads)
    takes = timedelta(seconds=round(rate.takes(units, senders).total_seconds() * (1 + terms.pacing.reserve)))
    if units and way.channel != LETTER:
        takes += terms.pacing.canary
    messages = sum(load.count for load in loads)
    return Part(way, messages, units, senders, takes, start + takes, terms.total(_cost(loads, rate, terms)))


def _units(load: Load, rate: Rate) -> int:
    return load.count * (load.size if rate.unit == "segment" else 1)


def _cost(loads: Sequence[Load], rate: Rate, terms: Terms) -> Iterator[Money]:
    for load in loads:
        if price := terms.price(load.way, load.country, rate.unit):
            yield Money(price.amount * _units(load, rate), price.currency)


def _timing(last: datetime, deadline: datetime | None, terms: Terms) -> Timing:
    if deadline is None:
        return Timing.NO_DEADLINE
    if last > deadline:
        return Timing.LATE
    return Timing.TIGHT if deadline - last < terms.pacing.margin else Timing.IN_TIME


def _helps(
    part: Part, loads: Sequence[Load], start: datetime, deadline: datetime | None, terms: Terms
) -> Iterator[Help]:
    """What would get the last one of a way out sooner."""
    short = [replace(load, size=1) for load in loads]
    if terms.rate(part.way).unit == "segment" and short != list(loads):
        sooner = _part(part.way, short, part.senders, start, terms)
        yield _help(Remedy.SHORTER_TEXT, part, sooner, short, deadline=deadline, terms=terms)
    if senders := _enough(part, loads, start, deadline, terms):
        sooner = _part(part.way, loads, senders, start, terms)
        yield _help(Remedy.MORE_SENDERS, part, sooner, loads, deadline=deadline, terms=terms)
    for way in dict.fromkeys(rate.way for rate in terms.rates):
        if way.channel == part.way.channel and way != part.way:
            moved = [replace(load, way=way) for load in loads]
            sooner = _part(way, moved, 1, start, terms)
            if sooner.last_out_at < part.last_out_at:
                yield _help(Remedy.OTHER_WAY, part, sooner, moved, deadline=deadline, terms=terms)


def _enough(
    part: Part, loads: Sequence[Load], start: datetime, deadline: datetime | None, terms: Terms
) -> int | None:
    """The least number of senders that leaves the room kept free, else that is in time; None if none is."""
    for good in ({Timing.IN_TIME}, {Timing.IN_TIME, Timing.TIGHT}):
        least, most = part.senders, MOST_SENDERS + 1
        while most - least > 1:
            middle = (least + most) // 2
            out = _part(part.way, loads, middle, start, terms).last_out_at
            least, most = (least, middle) if _timing(out, deadline, terms) in good else (middle, most)
        if most <= MOST_SENDERS:
            return most
    return None


def _help(
    remedy: Remedy,
    slow: Part,
    sooner: Part,
    loads: Sequence[Load],
    *,
    deadline: datetime | None,
    terms: Terms,
) -> Help:
    unit = terms.rate(sooner.way).unit
    more = sooner.senders - slow.senders if remedy is Remedy.MORE_SENDERS else 0
    rent = terms.price(slow.way, "", "sender") if more else None
    change = [*sooner.cost, *(Money(-each.amount, each.currency) for each in slow.cost)]
    if rent:
        change.append(Money(rent.amount * more, rent.currency))
    priced = all(terms.price(load.way, load.country, unit) for load in loads) and (
        not more or rent is not None
    )
    return Help(
        remedy, slow.way, sooner.way, sooner.senders, sooner.last_out_at,
        _timing(sooner.last_out_at, deadline, terms), terms.total(change), priced,
    )  # fmt: skip


def rounded(money: Money) -> Money:
    """An amount as it is said before an approval: two digits that count, always upwards."""
    if money.amount <= 0:
        return money
    place = Decimal(1).scaleb(max(money.amount.adjusted() - 1, -2))
    return Money((money.amount / place).to_integral_value(ROUND_CEILING) * place, money.currency)
