"""The one order in which the rows of a page are locked: its messages by id, the page, its ringings."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update

from foundation.database import changed, db, gathered
from foundation.errors import Missing
from notifications import ringing
from notifications.models import Message, Page, PageState, State

LOCKED = "pages whose messages are locked"


def lock_waiting(*page_ids: UUID) -> Sequence[UUID]:
    """Lock the messages of pages that no provider has yet, in one order for all who do.

    Who asks again in a transaction has the pages by then, and waits for nobody who may want those: what
    another has in hand at that moment is not among what it gets.
    """
    locked = gathered(LOCKED)
    mine = select(Message.id).where(Message.page_id.in_(page_ids), Message.state == State.PENDING)
    found = db.session.scalars(mine.order_by(Message.id).with_for_update(skip_locked=bool(locked))).all()
    locked.extend(page_ids)
    return found


def lock(page_id: UUID) -> Page:
    """The page under its lock, read afresh. Raises: Missing."""
    found = db.session.get(Page, page_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise Missing("There is no such page.")
    return found


def withdraw(message_ids: Sequence[UUID], why: str, now: datetime) -> None:
    """Cancel messages that no provider has yet."""
    changed(
        update(Message)
        .where(Message.id.in_(message_ids), Message.state == State.PENDING)
        .values(state=State.CANCELLED, why=why, done_at=now)
    )


def quiet(page_id: UUID, waiting: Sequence[UUID], why: str, now: datetime) -> None:
    """Withdraw what waits of a page: messages that were locked before, and ways that were to ring later."""
    withdraw(waiting, why, now)
    ringing.drop([page_id], why, now)


def reopen(taken: Page, now: datetime) -> None:
    """Open a page that was taken; it is due at once, unless its caller gives it another time."""
    taken.state, taken.next_at, taken.ended_at = PageState.OPEN, now, None
    taken.quiet_until = taken.offered_to_id = None
