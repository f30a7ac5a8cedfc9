"""How fast a provider is given what goes to many: its rate, less what is kept for what is urgent.

One row per provider says when it may be given more; whoever gives it something moves that on, in the
transaction that takes the group, so that any number of workers keep to the rate together.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import case, or_, select, update

from foundation.database import changed, db, insert_unless_there
from notifications import channels
from notifications.models import SendingBudget
from notifications.rules import capacity_terms
from notifications.rules.sending import figures

DAY = timedelta(days=1)
KINDS: Mapping[str, str] = {"email": "account", "sms": "number"}  # of senders, in the data of capacity


def per_second(channel: str, provider: str, now: datetime) -> float | None:
    """How many units a second a provider is given; None where nobody set a rate.

    What the settings say ("sending_rates": units an hour by "channel/provider", 0 for no limit) goes before
    the data.
    """
    hourly = _own(channel, provider)
    if hourly is None and (rate := _rate(channel, provider, now)):
        hourly = rate.per_hour
    return hourly * (1 - figures(now).free) / 3600 if hourly else None


def a_day(channel: str, provider: str, now: datetime) -> float | None:
    """How many units a provider is given within 24 hours; None where only its hours are limited."""
    rate = None if _own(channel, provider) is not None else _rate(channel, provider, now)
    return rate.a_day * (1 - figures(now).free) if rate and rate.a_day else None


def _own(channel: str, provider: str) -> float | None:
    own: Mapping[str, float] = current_app.extensions.get("sending_rates", {})
    return own.get(_way(channel, provider))


def _rate(channel: str, provider: str, now: datetime) -> capacity_terms.Rate | None:
    try:
        return capacity_terms.terms(now).rate(capacity_terms.Way(channel, provider, KINDS.get(channel, "")))
    except capacity_terms.NoRate:
        return None


def take(channel: str, provider: str, units: int, *, now: datetime) -> datetime | None:
    """Take so much of a provider's time, or say when it is free; None when it was taken.

    Inside the caller's transaction: who gives nothing in the end has taken nothing.
    """
    if until := busy_until(channel, provider, now):
        return until
    rate = per_second(channel, provider, now)
    way = _way(channel, provider)
    if rate is None:
        return None
    if _free_at(way) is None:
        insert_unless_there(SendingBudget, {"way": way, "free_at": now, "day_units": 0})
    over = or_(SendingBudget.day_from.is_(None), SendingBudget.day_from <= now - DAY)
    mine = [SendingBudget.way == way, SendingBudget.free_at <= now]
    if (most := a_day(channel, provider, now)) is not None:
        mine.append(or_(over, SendingBudget.day_units + units <= most))
    new = {
        "free_at": now + timedelta(seconds=units / rate),
        "day_from": case((over, now), else_=SendingBudget.day_from),
        "day_units": case((over, units), else_=SendingBudget.day_units + units),
    }
    if changed(update(SendingBudget).where(*mine).values(new)):
        return None
    if most is None:
        return now + timedelta(seconds=1)  # somebody was quicker
    # Or it has had all that it takes in a day: that is looked at again now and then.
    return now + timedelta(seconds=60)


def busy_until(channel: str, provider: str, now: datetime) -> datetime | None:
    """When a provider may be given more; None when that is now."""
    until = _free_at(_way(channel, provider))
    return until if until is not None and until > now else None


def were_busy(channel: str, at: datetime) -> bool:
    """Whether some provider of a channel could not be given more until after then."""
    ways = [_way(channel, each) for each in channels.names()[channel].names]
    busy = select(SendingBudget.way).where(SendingBudget.way.in_(ways), SendingBudget.free_at > at)
    return db.session.scalar(busy.limit(1)) is not None


def _free_at(way: str) -> datetime | None:
    return db.session.scalar(select(SendingBudget.free_at).where(SendingBudget.way == way))


def hold(channel: str, provider: str, *, until: datetime) -> None:
    """Give a provider nothing of what goes to many before then; what is urgent goes on."""
    way = _way(channel, provider)
    if not insert_unless_there(SendingBudget, {"way": way, "free_at": until, "day_units": 0}):
        later = SendingBudget.way == way, SendingBudget.free_at < until
        changed(update(SendingBudget).where(*later).values(free_at=until))


def _way(channel: str, provider: str) -> str:
    return f"{channel}/{provider}"
