"""Who works on a list: one process at a time, under a lease that each part of its work renews.

The renewal stands in the transaction of the part, so that a process that lost its lease, however late it
wakes, writes nothing more. Lists of one incident are worked on one after another.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, select, update
from sqlalchemy.orm import aliased

from foundation.database import changed, database_now, db, transaction
from incident.models import ListState, RecipientList

LENGTH: Final = timedelta(seconds=60)
_Other = aliased(RecipientList)


class Lost(Exception):
    """Another process has the list, or a person withdrew it: nothing of this part was written."""


class Lease:
    """The right to write to one list, while its state is one of those given."""

    def __init__(self, list_id: UUID, until: datetime) -> None:
        self.list_id, self.until = list_id, until

    def hold(self, *states: str, **values: Any) -> None:
        """Renew it, inside a transaction, with what the part has to say of the list. Raises: Lost."""
        now = database_now()
        following = max(now + LENGTH, self.until + timedelta(microseconds=1))
        mine = update(RecipientList).where(
            RecipientList.id == self.list_id, RecipientList.lease_until == self.until,
            RecipientList.state.in_(states),
        )  # fmt: skip
        if not changed(mine.values(**{"lease_until": following, **values})):
            raise Lost
        self.until = following

    def renew(self, *states: str) -> None:
        """Renew it in a transaction of its own, when half of it has passed. Raises: Lost."""
        if self.until - database_now() < LENGTH / 2:
            with transaction():
                self.hold(*states)

    def end(self, *states: str) -> None:
        """Let others go on at once."""
        with transaction():
            self.hold(*states, lease_until=None)


def claim(list_id: UUID) -> Lease | None:
    """The lease of a list that has something to do; None when it has not, or another process is at it."""
    now = database_now()
    until = now + LENGTH
    with transaction():
        _one_after_the_other(list_id)
        mine = update(RecipientList).where(RecipientList.id == list_id, *_free(now))
        return Lease(list_id, until) if changed(mine.values(lease_until=until)) else None


def _one_after_the_other(list_id: UUID) -> None:
    """Of two that want two lists of one incident the second waits, and finds that the first has its own."""
    incident_id = select(RecipientList.incident_id).where(RecipientList.id == list_id).scalar_subquery()
    waiting = select(_Other.id).where(_Other.incident_id == incident_id, _Other.ready_at.is_not(None))
    db.session.execute(waiting.order_by(_Other.id).with_for_update()).all()


def due(now: datetime) -> Sequence[UUID]:
    """The lists that have something to do and are free, the longest waiting first."""
    mine = select(RecipientList.id).where(*_free(now))
    return db.session.scalars(mine.order_by(RecipientList.ready_at)).all()


def _free(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Whether a list may be worked on: none of its incident was begun before it, or came before it.

    Who was there first is told by the order of rows, so that no list may go in between the parts of another,
    whatever a clock says.
    """
    begun = _begun(RecipientList)
    earlier = or_(
        _Other.ready_at < RecipientList.ready_at,
        and_(_Other.ready_at == RecipientList.ready_at, _Other.id < RecipientList.id),
    )
    first = or_(and_(_begun(_Other), ~begun), and_(or_(_begun(_Other), ~begun), earlier))
    at_work = _Other.lease_until > now
    others = _Other.incident_id == RecipientList.incident_id, _Other.id != RecipientList.id
    return (
        or_(RecipientList.ready_at <= now, begun),
        or_(RecipientList.lease_until.is_(None), RecipientList.lease_until <= now),
        ~exists().where(*others, _Other.ready_at.is_not(None), or_(first, at_work)),
    )


def _begun(which: Any) -> ColumnElement[bool]:
    return and_(which.state == ListState.READING, which.lines_read > 0, which.ready_at.is_not(None))
