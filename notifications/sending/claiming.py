"""Taking a group for one attempt: compare-and-set, a lease, and the attempt written before anybody is asked.

Whoever takes one holds the sending's row shared meanwhile: who pauses or stops it waits for that, and finds
nothing begun after.
"""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import func, insert, select, update

from foundation.database import db
from notifications import breaker, channels, circuits
from notifications.models import (
    Channel,
    GroupState,
    Kind,
    Sending,
    SendingAttempt,
    SendingGroup,
    SendingState,
)
from notifications.rendering import gsm, segments
from notifications.rules.sending import GROUP, SMS, Member, packed, unpacked
from notifications.sending import budgets, rows

JUST_BEFORE = timedelta(microseconds=1)
GOES = (SendingState.CANARY, SendingState.RUNNING)


@dataclass(frozen=True, slots=True)
class Claim:
    """One group in the hands of one worker, until the lease ends."""

    group_id: UUID
    attempt_id: UUID
    number: int
    sending_id: UUID
    organisation_id: UUID
    about: str
    source: str
    channel: str
    way: str
    is_first: bool  # nobody of it was told by another way before
    locale: str
    provider: str
    members: list[Member]
    content: Mapping[str, str]
    reference: str
    started_at: datetime
    begun: float  # of the monotonic clock


class Blocked(NamedTuple):
    """Nothing goes by this channel before then: its provider is busy enough, or is left alone."""

    channel: str
    until: datetime


class TooLarge(NamedTuple):
    """The provider that is to have a group takes fewer at a time."""

    group_id: UUID
    most: int


def claim(sending_id: UUID, *, without: Collection[str], now: datetime) -> Claim | Blocked | TooLarge | None:
    """Take the next group of a sending, or None when none is due; `without` are channels to leave out.

    Inside the caller's transaction; `now` is the database's clock.
    """
    begun = time.monotonic()
    sending = db.session.get_one(Sending, sending_id, with_for_update={"read": True}, populate_existing=True)
    if sending.state not in GOES:
        return None
    group = _next(sending, without, now)
    if group is None:
        return None
    earnest = group.channel != Channel.PRETEND
    if earnest and breaker.stop_of(sending.organisation_id):
        return None
    order = channels.names()[group.channel].of(str(group.id), _tried(group))
    provider = circuits.choose(order, kind=Kind.SUBJECT, now=now)
    if isinstance(provider, datetime):
        return Blocked(group.channel, provider)
    if waits := _waits(sending, group, provider, now):
        circuits.not_tried(provider, now=now)
        return waits
    return _take(sending, group, provider, begun, now)


def _waits(sending: Sending, group: SendingGroup, provider: str, now: datetime) -> Blocked | TooLarge | None:
    """Why a group does not go to its provider now; None when it does, and so much of its time is taken."""
    earnest = group.channel != Channel.PRETEND
    if earnest and (until := budgets.busy_until(group.channel, provider, now)):
        return Blocked(group.channel, until)  # however large it is: it is divided when some of it can go
    most = channels.provider(group.channel, provider).most
    if group.size > most:
        return TooLarge(group.id, most)
    content = sending.texts[group.locale][rows.way_of(group)]
    if earnest and (until := budgets.take(group.channel, provider, _units(group, content), now=now)):
        return Blocked(group.channel, until)
    return None


def _next(sending: Sending, without: Collection[str], now: datetime) -> SendingGroup | None:
    wanted = select(SendingGroup).where(
        SendingGroup.sending_id == sending.id, SendingGroup.state == GroupState.PENDING,
        SendingGroup.ready_at <= now, SendingGroup.channel.not_in(without),
    )  # fmt: skip
    if sending.state == SendingState.CANARY:
        wanted = wanted.where(SendingGroup.is_canary)
    wanted = wanted.order_by(SendingGroup.ready_at, SendingGroup.number).limit(1)
    return db.session.scalars(
        wanted.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    ).first()


def _tried(group: SendingGroup) -> dict[str, int]:
    """How often each provider had a group before."""
    if not group.attempts:
        return {}
    made = select(SendingAttempt.provider, func.count()).where(SendingAttempt.group_id == group.id)
    return {row[0]: row[1] for row in db.session.execute(made.group_by(SendingAttempt.provider))}


def _units(group: SendingGroup, content: Mapping[str, str]) -> int:
    """What a group costs of a provider's time: texts are counted in segments."""
    size = segments(gsm(content["text"])) if rows.way_of(group) == SMS else 1
    return int(group.size * size)


def _take(
    sending: Sending,
    group: SendingGroup,
    provider: str,
    begun: float,
    now: datetime,
) -> Claim | None:
    """Take it if nobody was quicker, and write the attempt down before anybody is asked."""
    here = (
        SendingGroup.id == group.id, SendingGroup.state == GroupState.PENDING,
        SendingGroup.attempts == group.attempts,
    )  # fmt: skip
    taken = db.session.scalar(
        update(SendingGroup)
        .where(*here)
        .values(
            state=GroupState.SENDING, attempts=group.attempts + 1, provider=provider,
            lease_until=now + GROUP.lease, why=None,
        )
        .returning(SendingGroup.id)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    if taken is None:
        return None
    attempt_id, number, way = uuid4(), group.attempts + 1, rows.way_of(group)
    content = sending.texts[group.locale][way]
    db.session.execute(
        insert(SendingAttempt).values(
            id=attempt_id, organisation_id=sending.organisation_id, group_id=group.id, number=number,
            provider=provider, started_at=now,
        )
    )  # fmt: skip
    claimed = Claim(
        group.id, attempt_id, number, sending.id, sending.organisation_id, sending.about, sending.source,
        group.channel, way, way == sending.ways[0], group.locale, provider, unpacked(group.members), content,
        rows.reference(group.id), now, begun,
    )  # fmt: skip
    db.session.expire(group)
    return claimed


def divide(large: TooLarge, *, now: datetime) -> None:
    """Make smaller groups of one that its provider does not take whole; nobody has any of it."""
    sending, group = rows.both_locked(large.group_id)
    if group.state == GroupState.PENDING and group.size > large.most:
        halve(sending, group, large.most, "it went in smaller groups", now=now)


def halve(sending: Sending, group: SendingGroup, most: int, why: str, *, now: datetime) -> None:
    """Put smaller groups in the place of one; both rows are locked, and no provider has any of it.

    They go before all others, so that the next one is divided only when no smaller one is left. Who has a
    row already, such as for want of an address, is in none of them.
    """
    of = {"way": rows.way_of(group), "locale": group.locale, "is_canary": group.is_canary}
    there = rows.there(group.id)
    rest = (each for place, each in enumerate(unpacked(group.members)) if place not in there)
    rows.divide(sending, packed(rest), of, most=most, ready_at=group.ready_at - JUST_BEFORE)
    group.state, group.why, group.done_at = GroupState.CANCELLED, why, now
    group.lease_until = None


class Stand(Enum):
    """What is true of a claim when the provider is about to be asked."""

    HELD = "held"
    LOST = "lost"  # somebody else decides about the group now
    NO_MORE = "no more"  # the sending was paused or stopped meanwhile


def stand(claimed: Claim) -> Stand:
    """The fence: whether the claim still stands, asked last before the provider is."""
    row = db.session.execute(
        select(SendingGroup.state, SendingGroup.attempts, Sending.state.label("sending"))
        .join(Sending, Sending.id == SendingGroup.sending_id)
        .where(SendingGroup.id == claimed.group_id)
    ).one()
    db.session.rollback()
    if (row.state, row.attempts) != (GroupState.SENDING, claimed.number):
        return Stand.LOST
    return Stand.HELD if row.sending in GOES else Stand.NO_MORE
