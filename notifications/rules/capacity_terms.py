"""What capacity is reckoned with: rates of senders, prices, and what is kept free, as dated rows.

They stand in `notifications/data/capacity.toml`, with source and certainty; an organisation's own go before
them. Money is decimal and without tax, and is added across currencies only where the exchange is told.
"""

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

FILE: Final = Path(__file__).parents[1] / "data" / "capacity.toml"
DAY: Final = timedelta(days=1)


class Way(NamedTuple):
    """A channel, who carries it, and by which kind of sender."""

    channel: str
    provider: str
    kind: str


@dataclass(frozen=True, slots=True)
class Rate:
    """How many units one sender gets out in an hour, and at most within 24 hours."""

    way: Way
    unit: str  # message, segment or letter
    per_hour: int
    a_day: int | None = None
    certainty: str = "high"
    checked: date | None = None

    def takes(self, units: int, senders: int = 1) -> timedelta:
        """How long it takes to get so many units out, to the second above."""
        if units <= 0:
            return timedelta(0)
        days = 0
        if self.a_day is not None:
            days, units = divmod(units - 1, self.a_day * senders)
            units += 1
        seconds = -(-units * 3600 // (self.per_hour * senders))
        return days * DAY + timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Price:
    """What one unit costs, to one country or, where that is empty, to any."""

    channel: str
    provider: str
    country: str
    unit: str  # as of rates, or "sender": one more of them, for the least time it is let
    amount: Decimal
    currency: str
    certainty: str = "high"
    checked: date | None = None


@dataclass(frozen=True, slots=True)
class Pacing:
    """What is kept free: time for the first few alone, a share for repeats, room before the deadline."""

    canary: timedelta
    reserve: float
    margin: timedelta


@dataclass(frozen=True, slots=True)
class Money:
    """An amount with its currency (ISO 4217)."""

    amount: Decimal
    currency: str


class NoRate(LookupError):
    """Nothing tells how fast a way is; names it, so that a rate can be given."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is reckoned with: an organisation's own rows first, then those of the data."""

    rates: Sequence[Rate]
    prices: Sequence[Price]
    pacing: Pacing
    exchange: Mapping[str, Decimal]  # what one of another currency is worth in `currency`
    currency: str = ""

    def rate(self, way: Way) -> Rate:
        """The rate of a way. Raises: NoRate."""
        for each in self.rates:
            if each.way == way:
                return each
        raise NoRate(
            f"No rate is known for {way.channel} by {way.provider} ({way.kind}). "
            "Give one among the organisation's own rates, or in notifications/data/capacity.toml."
        )

    def price(self, way: Way, country: str, unit: str) -> Price | None:
        """The price of a unit by a way to a country; None where nobody has told."""
        of = (way.channel, way.provider, unit)
        return next(
            (
                each
                for each in self.prices
                if (each.channel, each.provider, each.unit) == of and each.country in {country, ""}
            ),
            None,
        )

    def total(self, money: Iterable[Money]) -> tuple[Money, ...]:
        """Amounts added by currency, in the currency wanted where the exchange is known."""
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        for each in money:
            if each.currency != self.currency and (worth := self.exchange.get(each.currency)) is not None:
                sums[self.currency] += each.amount * worth
            else:
                sums[each.currency] += each.amount
        return tuple(Money(amount, currency) for currency, amount in sorted(sums.items()) if amount)


def terms(
    now: datetime,
    *,
    own_rates: Sequence[Rate] = (),
    own_prices: Sequence[Price] = (),
    exchange: Mapping[str, Decimal] | None = None,
    currency: str = "",
) -> Terms:
    """What holds at `now` (UTC), an organisation's own before it.

    `exchange` is what one of each other currency is worth in `currency`. Raises: KeyError, ValueError,
    tomllib.TOMLDecodeError for data that are not whole.
    """
    day = now.date()
    pacing = next(_on("pacing", day), None)
    if pacing is None:
        raise ValueError(f"capacity.toml: no row of pacing holds on {day}")
    return Terms(
        rates=(*own_rates, *map(_rate, _on("rate", day))),
        prices=(*own_prices, *sorted(map(_price, _on("price", day)), key=lambda each: not each.country)),
        pacing=Pacing(
            timedelta(minutes=pacing["canary_minutes"]), pacing["reserve"],
            timedelta(hours=pacing["margin_hours"]),
        ),
        exchange=dict(exchange or {}), currency=currency,
    )  # fmt: skip


def _rate(row: Mapping[str, Any]) -> Rate:
    if row["unit"] not in {"message", "segment", "letter"} or row["per_hour"] < 1 or row.get("a_day", 1) < 1:
        raise ValueError(f"capacity.toml: this rate cannot be so: {row}")
    way = Way(row["channel"], row["provider"], row["kind"])
    return Rate(way, row["unit"], row["per_hour"], row.get("a_day"), row["certainty"], row["checked"])


def _price(row: Mapping[str, Any]) -> Price:
    amount = Decimal(row["amount"])
    if amount < 0 or len(row["currency"]) != 3:
        raise ValueError(f"capacity.toml: this price cannot be so: {row}")
    return Price(
        row["channel"], row["provider"], row["country"], row["unit"], amount, row["currency"],
        row["certainty"], row["checked"],
    )  # fmt: skip


@cache
def _tables() -> Mapping[str, Sequence[Mapping[str, Any]]]:
    with FILE.open("rb") as file:
        return tomllib.load(file)


def _on(table: str, day: date) -> Iterator[Mapping[str, Any]]:
    """The rows of a table that hold on a day (UTC), the latest first."""
    rows = sorted(_tables()[table], key=lambda row: row["valid_from"], reverse=True)
    return (row for row in rows if row["valid_from"] <= day <= row.get("valid_to", date.max))
