"""How delivery stands, in numbers: for monitors and for the board; nothing about anyone, and no drill."""

from datetime import datetime

from sqlalchemy import func, select

from foundation.database import db
from notifications.models import Channel, Message, State

EARNEST = Message.channel != Channel.PRETEND


def oldest_due(now: datetime) -> datetime | None:
    """Since when the message that is due longest has waited."""
    waiting = select(func.min(Message.ready_at)).where(
        EARNEST, Message.state == State.PENDING, Message.ready_at <= now
    )
    return db.session.scalar(waiting)


def oldest_due_by_kind(now: datetime) -> dict[str, datetime]:
    """Since when the message of each kind that is due longest has waited; kinds with none are left out."""
    query = (
        select(Message.kind, func.min(Message.ready_at).label("since"))
        .where(EARNEST, Message.state == State.PENDING, Message.ready_at <= now)
        .group_by(Message.kind)
    )
    return {row.kind.value: row.since for row in db.session.execute(query)}


def wanting_a_person() -> int:
    """How many messages reached nobody and wait for a person."""
    query = select(func.count()).select_from(Message).where(EARNEST, Message.wants_person_at.is_not(None))
    return db.session.scalar(query) or 0


def by_state() -> dict[str, int]:
    """How many messages are in each state that is not an end."""
    under_way = (State.PENDING, State.SENDING, State.UNCERTAIN, State.HELD)
    query = (
        select(Message.state, func.count())
        .where(EARNEST, Message.state.in_(under_way))
        .group_by(Message.state)
    )
    found = {state.value: number for state, number in db.session.execute(query)}
    return {state.value: found.get(state.value, 0) for state in under_way}
