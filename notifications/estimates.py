"""What a sending comes to, in one sentence for those who approve it, in the language of the screen."""

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from babel.lists import format_list
from babel.numbers import format_decimal
from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext

from foundation import locales
from notifications import channels
from notifications.rules import capacity
from notifications.rules.capacity import LETTER, Estimate, Help, Load, Remedy, Timing, rounded
from notifications.rules.capacity_terms import Money, NoRate, Price, Rate, Terms, Way, terms
from notifications.rules.sending import figures

KINDS: Final = {"email": "account", "sms": "number", LETTER: "hand"}  # of senders, in the data of capacity
UNITS: Final = {"email": "message", "sms": "segment", LETTER: "letter"}
_NONE: Final[Mapping[str, Money]] = MappingProxyType({})
STEPS: Final = (
    (timedelta(hours=1), timedelta(minutes=5)),
    (timedelta(hours=2), timedelta(minutes=15)),
    (timedelta(days=2), timedelta(hours=1)),
    (timedelta.max, timedelta(hours=6)),
)  # below which length a time is said in which steps


def reckon(
    counts: Mapping[tuple[str, str, int], int], *, start: datetime, deadline: datetime | None,
    own_prices: Mapping[str, Money] = _NONE,
) -> Estimate | None:  # fmt: skip
    """What so many come to by channel, country and size, each channel by its first provider; instants in UTC.

    `own_prices` are the organisation's own of a message, segment or letter, by channel: they go before those
    of the data. None where there is nobody, or where nothing tells how fast a way is.
    """
    loads = [
        Load(_way(channel), count, country, size)
        for (channel, country, size), count in counts.items()
        if count
    ]
    try:
        known = terms(start, own_rates=_own_rates(), own_prices=_priced(own_prices))
        known = _as_sent(known, figures(start).free)
        return capacity.estimate(loads, start=start, deadline=deadline, terms=known) if loads else None
    except NoRate:
        return None


def _own_rates() -> list[Rate]:
    """What the settings say that the first provider of each channel takes: sending keeps to it as well."""
    told: Mapping[str, int] = current_app.extensions["sending_rates"]
    return [
        Rate(way, UNITS[way.channel], told[f"{way.channel}/{way.provider}"])
        for way in map(_way, ("email", "sms"))
        if told.get(f"{way.channel}/{way.provider}")
    ]


def _priced(own: Mapping[str, Money]) -> list[Price]:
    return [
        Price(channel, _way(channel).provider, "", UNITS[channel], money.amount, money.currency)
        for channel, money in own.items()
    ]


def _as_sent(known: Terms, free: float) -> Terms:
    """The terms by which sending goes: of each provider's rate so much stays free for what is urgent."""
    return replace(known, rates=[_less(each, 1 - free) for each in known.rates])


def _less(rate: Rate, share: float) -> Rate:
    if rate.way.channel == LETTER:
        return rate
    a_day = None if rate.a_day is None else max(int(rate.a_day * share), 1)
    return replace(rate, per_hour=max(int(rate.per_hour * share), 1), a_day=a_day)


def _way(channel: str) -> Way:
    """The way as the data of capacity call it: by the provider that is the first choice."""
    if channel == LETTER:
        return Way(LETTER, "post", KINDS[LETTER])
    served = channels.names().get(channel)
    return Way(channel, served.names[0] if served and served.names else "", KINDS.get(channel, ""))


def approval(estimate: Estimate) -> str:
    """What is approved: how many by which channel, how long, what it costs, and how it lies to the deadline.

    Time and money are rounded up, so that neither turns out to be more than was approved.
    """
    locale = locales.current()
    said = _(
        "%(messages)s, about %(time)s, %(money)s",
        messages=_listed([_messages(*each, locale) for each in _channels(estimate)], locale),
        time=locales.duration(about(estimate.last_out_at - estimate.start), locale),
        money=_costs(estimate, locale),
    )
    if estimate.margin is None:
        return said + "."
    margin = locales.duration(estimate.margin, locale)
    if estimate.timing is Timing.LATE:
        return _(
            "%(said)s; the last one would be out %(margin)s after the deadline.", said=said, margin=margin
        )
    return _("%(said)s; the last one is out %(margin)s before the deadline.", said=said, margin=margin)


def helps(estimate: Estimate) -> list[str]:
    """What would get the last one out sooner, each in a sentence; none where it is in time."""
    return [_help(each, locales.current()) for each in estimate.helps]


def _help(told: Help, locale: str) -> str:
    what = {
        Remedy.MORE_SENDERS: _(
            "%(number)s senders side by side", number=_number(Decimal(told.senders), locale)
        ),
        Remedy.SHORTER_TEXT: _("a text message of one segment"),
        Remedy.OTHER_WAY: _("by %(provider)s (%(kind)s)", provider=told.by.provider, kind=told.by.kind),
    }[told.remedy]
    more = _listed([_money(each, locale) for each in told.costs_more if each.amount > 0], locale)
    timing = _("still too late") if told.timing is Timing.LATE else _("in time")
    said = _("%(what)s: %(timing)s", what=what, timing=timing)
    return _("%(said)s, for %(money)s more", said=said, money=more) if more else said


def about(length: timedelta) -> timedelta:
    """A length of time in steps that people say, rounded up: five minutes, from two hours on whole hours."""
    step = next(step for below, step in STEPS if length <= below)
    return step * math.ceil(length / step)


def _channels(estimate: Estimate) -> list[tuple[str, int]]:
    """How many messages by each channel, most first."""
    counts: dict[str, int] = {}
    for part in estimate.parts:
        counts[part.way.channel] = counts.get(part.way.channel, 0) + part.messages
    return sorted(counts.items(), key=lambda each: -each[1])


def _messages(channel: str, count: int, locale: str) -> str:
    number = _number(Decimal(count), locale)
    match channel:
        case "email":
            return ngettext("%(number)s e-mail", "%(number)s e-mails", count, number=number)
        case "sms":
            return ngettext("%(number)s SMS", "%(number)s SMS", count, number=number)
        case "voice":
            return ngettext("%(number)s call", "%(number)s calls", count, number=number)
        case "letter":
            return ngettext("%(number)s letter", "%(number)s letters", count, number=number)
        case _:
            return ngettext("%(number)s message", "%(number)s messages", count, number=number)


def _costs(estimate: Estimate, locale: str) -> str:
    unpriced: dict[str, int] = {}
    for load in estimate.unpriced:
        unpriced[load.way.channel] = unpriced.get(load.way.channel, 0) + load.count
    missing = _listed([_messages(*each, locale) for each in unpriced.items()], locale)
    money = _listed([_money(each, locale) for each in estimate.cost], locale)
    if missing and not money:
        return _("at a price that nobody has told")
    if missing:
        return _("%(money)s at these prices and without that of %(missing)s", money=money, missing=missing)
    return _("%(money)s at these prices", money=money) if money else _("at no cost for each")


def _money(money: Money, locale: str) -> str:
    told = rounded(money)
    return f"{_number(told.amount, locale)}\N{NO-BREAK SPACE}{told.currency}"


def _number(number: Decimal, locale: str) -> str:
    return format_decimal(number, locale=locales.REGIONAL[locales.choose(locale)])


def _listed(items: list[str], locale: str) -> str:
    return format_list(items, locale=locales.REGIONAL[locales.choose(locale)]) if items else ""
