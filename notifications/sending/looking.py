"""Who was told, and what became of these or of those: for pages and lists, some people at a time."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from foundation.database import db
from notifications.models import Delivery, Fate, Sending, SendingState
from notifications.rules.sending import ALL
from notifications.sending import reasons, rows
from notifications.sending.standing import Line

# Whose message is there or on its way; who was only tried was not told. Who is left to people was only where
# a provider has the message.
HAD: Final = (Fate.ACCEPTED, Fate.DELIVERED, Fate.POSTED, Fate.WAITING, Fate.SETTLED)
HAS: Final = (Fate.ACCEPTED, Fate.DELIVERED, Fate.POSTED)
BEGUN: Final = (SendingState.PLANNING, SendingState.PAUSED)
_LINE: Final = (
    Delivery.recipient_id, Delivery.channel, Delivery.locale, Delivery.country, Delivery.fate, Delivery.code,
    Delivery.why, Delivery.at, Delivery.note, Delivery.is_last,
)  # fmt: skip


def people_told(sources: Collection[str]) -> Select[UUID]:
    """The ids of everybody whom the sendings of these sources have told, or are telling: a query."""
    mine = select(Sending.id).where(Sending.source.in_(sources))
    had = or_(Delivery.fate.in_(HAD), _is_unproven())
    return select(Delivery.recipient_id).where(Delivery.sending_id.in_(mine), had)


def _is_unproven() -> ColumnElement[bool]:
    return and_(Delivery.fate.in_((Fate.MANUAL, Fate.SETTLED)), Delivery.why == reasons.UNPROVEN.why)


def anybody_has(source: str) -> bool:
    """Whether a provider or the post has taken the message of anybody, and it did not come back.

    Who was tried without success, or was settled with no provider having theirs, has none.
    """
    mine = select(Sending.id).where(Sending.source == source)
    has = or_(Delivery.fate.in_(HAS), _is_unproven())
    found = select(Delivery.recipient_id).where(Delivery.sending_id.in_(mine), has).limit(1)
    return db.session.scalar(found) is not None


def people_with(sending_id: UUID, fates: Collection[str], after: UUID | None, limit: int) -> list[Line]:
    """The next people with one of these fates by their last way, in the order of their ids."""
    mine = select(*_LINE).where(
        Delivery.sending_id == sending_id, Delivery.is_last, Delivery.fate.in_(list(fates))
    )
    if after is not None:
        mine = mine.where(Delivery.recipient_id > after)
    found = db.session.execute(mine.order_by(Delivery.recipient_id).limit(limit))
    return [Line(**row._asdict()) for row in found]


def fates_of(sending_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Line]:
    """What became of these people by their last way; who is not there yet is missing."""
    found: dict[UUID, Line] = {}
    for some in rows.pieces(ids):
        mine = select(*_LINE).where(
            Delivery.sending_id == sending_id, Delivery.recipient_id.in_(some), Delivery.is_last
        )
        found |= {row.recipient_id: Line(**row._asdict()) for row in db.session.execute(mine)}
    return found


def is_being_planned(sources: Collection[str]) -> bool:
    """Whether one of the sendings of these sources still asks who its people are."""
    more = or_(Sending.planned_to.is_(None), Sending.planned_to != ALL)
    mine = select(Sending.id).where(Sending.source.in_(sources), Sending.state.in_(BEGUN), more)
    return db.session.scalar(mine.limit(1)) is not None


def last_reached(sending_id: UUID) -> datetime | None:
    """When the last person was reached, as a provider told it; asked once, for it reads every row."""
    return db.session.scalar(
        select(func.max(Delivery.at)).where(
            Delivery.sending_id == sending_id, Delivery.fate.in_((Fate.DELIVERED, Fate.POSTED))
        )
    )
