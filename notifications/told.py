"""Who was told by a sending, out of its rows: one answer a person, by the best proof there is.

A person has a row for each way that was tried. What counts is what a provider said arrived, then a letter
handed to the post, then what became of the last way. Counting a million people takes some seconds: for a
report and for the clock, never for a page that shows itself again and again.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Select, Subquery, and_, case, func, select

from foundation.database import db
from foundation.encryption import blind_indexes
from notifications.models import Channel, Kind, Message, State
from notifications.models.sending import Delivery, Fate, GroupState, Sending, SendingGroup, SendingState
from notifications.rules.pretend import DRILL
from notifications.rules.sending import SMS, unpacked

OVER: Final = (SendingState.STOPPED, SendingState.ENDED)
UNDER_WAY: Final = (Fate.ACCEPTED, Fate.FAILED)
OPEN_GROUPS: Final = (GroupState.PENDING, GroupState.SENDING, GroupState.UNCERTAIN, GroupState.HELD)
CHUNK: Final = 1_000


@dataclass(frozen=True, slots=True)
class Sent:
    """A sending as it stands; instants are UTC."""

    id: UUID
    state: str
    people: int
    content_sha256: str
    must_by: datetime | None
    begun_at: datetime
    ended_at: datetime | None

    @property
    def over(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.state in OVER


@dataclass(frozen=True, slots=True)
class Count:
    """So many people have this fate by this way; `first_at` and `last_at` are since when (UTC)."""

    channel: str
    fate: str
    locale: str
    country: str
    code: str
    people: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Together:
    """How many people several sendings are for, and how many are told; `posted` of them by a letter alone."""

    people: int
    reached: int
    posted: int


@dataclass(frozen=True, slots=True)
class Left:
    """A person whom no way reached, and why."""

    recipient_id: UUID
    channel: str
    locale: str
    country: str
    code: str
    why: str
    fate: str
    at: datetime
    note: str


def sending_of(source: str) -> Sent | None:
    """The sending of a source such as "communication:<id>"; None while none was begun."""
    found = db.session.scalars(select(Sending).where(Sending.source == source)).first()
    if found is None:
        return None
    return Sent(
        found.id, found.state, found.people, found.content_sha256, found.must_by, found.created_at,
        found.ended_at,
    )  # fmt: skip


def counts(sending_id: UUID) -> list[Count]:
    """How many people have which fate, by way, language, country and reason; each person once."""
    best = _best(sending_id)
    grouped = (best.c.channel, best.c.fate, best.c.locale, best.c.country, best.c.code)
    found = db.session.execute(
        select(*grouped, func.count(), func.min(best.c.at), func.max(best.c.at))
        .where(best.c.place == 1)
        .group_by(*grouped)
        .order_by(*grouped)
    )
    return [Count(*row) for row in found]


def together(sources: Collection[str]) -> Together:
    """Count the people of several sendings, whoever is in more than one of them once.

    Who is not planned yet counts for each, and so does who waits in groups of two of them at once.
    """
    mine = Sending.source.in_(sources)
    best = func.max(case((Delivery.fate == Fate.DELIVERED, 2), (Delivery.fate == Fate.POSTED, 1), else_=0))
    each = (
        select(best.label("proof"))
        .where(Delivery.sending_id.in_(select(Sending.id).where(mine)))
        .group_by(Delivery.recipient_id)
        .subquery()
    )
    counted = select(each.c.proof, func.count()).group_by(each.c.proof)
    by: dict[int, int] = dict(db.session.execute(counted).all())
    to_plan = select(func.sum(Sending.people - Sending.planned)).where(mine, Sending.planned < Sending.people)
    return Together(
        sum(by.values()) + _in_no_row(sources) + int(db.session.scalar(to_plan) or 0),
        by.get(2, 0) + by.get(1, 0), by.get(1, 0),
    )  # fmt: skip


def _in_no_row(sources: Collection[str]) -> int:
    """How many people of groups that no provider has surely are in no row by any of these sendings."""
    mine = list(db.session.scalars(select(Sending.id).where(Sending.source.in_(sources))))
    groups = select(SendingGroup.members).where(
        SendingGroup.sending_id.in_(mine), SendingGroup.state.in_(OPEN_GROUPS)
    )
    count = 0
    for kept in db.session.scalars(groups):
        members = [each.id for each in unpacked(kept)]
        there = select(func.count(Delivery.recipient_id.distinct())).where(
            Delivery.sending_id.in_(mine), Delivery.recipient_id.in_(members)
        )
        count += len(members) - (db.session.scalar(there) or 0)
    return count


def waiting(sending_id: UUID) -> dict[str, int]:
    """What still stands open, by fate: people on the manual list, letters not posted, ways under way.

    Groups that are not done count as "groups"; what nobody waits for is not named.
    """
    last = (Delivery.sending_id == sending_id, Delivery.is_last)
    open_ones = Delivery.fate.in_((Fate.MANUAL, Fate.WAITING)) | and_(
        Delivery.fate == Fate.FAILED, Delivery.next_at.is_not(None)
    )
    by_fate = select(Delivery.fate, func.count()).where(*last, open_ones).group_by(Delivery.fate)
    found = {str(fate): int(count) for fate, count in db.session.execute(by_fate)}
    groups = select(func.count()).where(
        SendingGroup.sending_id == sending_id, SendingGroup.state.in_(OPEN_GROUPS)
    )
    if count := db.session.scalar(groups) or 0:
        found["groups"] = count
    return found


def manual(sending_id: UUID, *, settled: bool = False) -> Iterator[list[Left]]:
    """Whom no way reached, some at a time and in their order; with `settled` also those seen to."""
    fates = (Fate.MANUAL, Fate.SETTLED) if settled else (Fate.MANUAL,)
    after: UUID | None = None
    while found := _left(sending_id, fates, after):
        yield found
        after = found[-1].recipient_id


def _left(sending_id: UUID, fates: tuple[Fate, ...], after: UUID | None) -> list[Left]:
    mine = (
        select(Delivery)
        .where(Delivery.sending_id == sending_id, Delivery.is_last, Delivery.fate.in_(fates))
        .order_by(Delivery.recipient_id)
        .limit(CHUNK)
        .execution_options(populate_existing=True)
    )
    if after is not None:
        mine = mine.where(Delivery.recipient_id > after)
    return [
        Left(each.recipient_id, each.channel, each.locale, each.country, each.code or "", each.why or "",
             each.fate, each.at, each.note or "")
        for each in db.session.scalars(mine)
    ]  # fmt: skip


def last_texted(number: str, ids: Collection[UUID]) -> UUID | None:
    """Who of these people was told last by a text to their number (E.164), of those that a provider has.

    None where nobody of them was; a drill tells nobody.
    """
    found = [*_by_delivery(list(ids)), *_by_message(number, ids)] if ids else []
    return max(found)[1] if found else None


def _by_delivery(ids: list[UUID]) -> list[tuple[datetime, UUID]]:
    real = select(Sending.id).where(~Sending.about.startswith(DRILL))
    texts = (
        select(func.coalesce(SendingGroup.accepted_at, Delivery.at), Delivery.recipient_id)
        .outerjoin(SendingGroup, SendingGroup.id == Delivery.group_id)
        .where(
            Delivery.sending_id.in_(real), Delivery.recipient_id.in_(ids), Delivery.channel == SMS,
            Delivery.fate.in_((Fate.ACCEPTED, Fate.DELIVERED)),
        )
    )  # fmt: skip
    return [(at, whose) for at, whose in db.session.execute(texts)]


def _by_message(number: str, ids: Collection[UUID]) -> list[tuple[datetime, UUID]]:
    """What was sent before there were sendings: each was named after its communication and person."""
    texts = select(func.coalesce(Message.accepted_at, Message.created_at), Message.dedupe_key).where(
        Message.recipient_index.in_(blind_indexes(number)), Message.kind == Kind.SUBJECT,
        Message.channel == Channel.SMS, Message.state.in_((State.ACCEPTED, State.DELIVERED)),
    )  # fmt: skip
    named = {str(each): each for each in ids}
    told = ((at, key.partition(">")[0].rpartition(":")[2]) for at, key in db.session.execute(texts))
    return [(at, named[name]) for at, name in told if name in named]


def _best(sending_id: UUID) -> Subquery:
    """The row of each person that counts, as `place` 1."""
    proof = case(
        (Delivery.fate == Fate.DELIVERED, 0), (Delivery.fate == Fate.POSTED, 1), (Delivery.is_last, 2),
        else_=3,
    )  # fmt: skip
    place = func.row_number().over(partition_by=Delivery.recipient_id, order_by=(proof, Delivery.at))
    mine: Select[tuple[object, ...]] = select(
        Delivery.channel, Delivery.fate, Delivery.locale, Delivery.country,
        func.coalesce(Delivery.code, "").label("code"), Delivery.at, place.label("place"),
    ).where(Delivery.sending_id == sending_id)  # fmt: skip
    return mine.subquery()
