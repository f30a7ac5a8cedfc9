"""How delivery stands, in numbers, for monitors and the board: nothing about anyone, no drill, no probe."""

from datetime import datetime

from sqlalchemy import func, select

from foundation.database import db
from notifications.models import Channel, Message, Page, PageState, State
from notifications.models.providers import Switch
from notifications.rules.watching import PROBE

EARNEST = (Message.channel != Channel.PRETEND) & ~Message.about.startswith(PROBE)


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


def page_left_alone(now: datetime) -> datetime | None:
    """Since when the open page that is due to move on longest has waited: a ladder that stands still."""
    waiting = select(func.min(Page.next_at)).where(Page.state == PageState.OPEN, Page.next_at <= now)
    return db.session.scalar(waiting)


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


def switches() -> int:
    """How often a provider was left alone since the installation began."""
    return db.session.scalar(select(func.count()).select_from(Switch).where(Switch.back.is_(False))) or 0
