"""What the outbox asks of pages, and tells them: one that does not arrive moves on now.

By the person's next method, else to the next person, and not at the next timer. Only times are moved
here, under the page's lock; the clock rings within a second.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, select, update

from foundation import queue
from foundation.database import changed, db
from notifications.models import Message, Page, PageState, Ring, State

BUNDLE = "page_bundle"  # one message for several pages
WAITS = (Ring.posted_at.is_(None), Ring.dropped_at.is_(None))
DEAD = (State.UNREACHED, State.CANCELLED)


def ring_failed(message: Message, now: datetime) -> None:
    """A page's message did not arrive, or not yet: undelivered, failed, busy, no answer, asked to wait.

    The next person only from the latest ringing and within the first round, and while nobody else whom
    that rang can still be reached: later rounds page everybody again, and one dead number would make them
    follow each other without a pause. Safe to call twice.
    """
    mine = select(Page).where(Page.id.in_(select(Ring.page_id).where(Ring.message_id == message.id)))
    locked = mine.order_by(Page.id).with_for_update().execution_options(populate_existing=True)
    for paged in list(db.session.scalars(locked)):
        if paged.state is PageState.OPEN and not _next_method(message, paged, now):
            _next_person(message, paged, now)
    queue.ring_after_commit(queue.MESSAGES)


def _next_method(message: Message, paged: Page, now: datetime) -> bool:
    """Bring the person's next method forward to now; false when none waits."""
    waiting = select(Ring).where(*_of_person(message, paged), *WAITS, Ring.held.is_(False))
    later = db.session.scalars(waiting.order_by(Ring.at, Ring.id).limit(1)).first()
    if later is None:
        return False
    changed(update(Ring).where(Ring.id == later.id, *WAITS).values(at=min(later.at, now)))
    return True


def _of_person(message: Message, paged: Page) -> tuple[ColumnElement[bool], ...]:
    return Ring.page_id == paged.id, Ring.staff_id == message.staff_id


def _next_person(message: Message, paged: Page, now: datetime) -> None:
    latest = select(Ring.id).where(Ring.message_id == message.id, Ring.page_id == paged.id)
    if not paged.next_at or paged.turn > len(paged.policy):
        return
    if not db.session.scalar(select(latest.where(Ring.number == paged.number).exists())):
        return
    if not _others_may_hear(message, paged):
        paged.next_at = min(paged.next_at, now)


def _others_may_hear(message: Message, paged: Page) -> bool:
    """Whether another person whom the latest ringing called can still be reached."""
    alive = Message.id.is_(None) | Message.state.not_in(DEAD)
    other = (
        select(Ring.id)
        .outerjoin(Message, Message.id == Ring.message_id)
        .where(
            Ring.page_id == paged.id, Ring.number == paged.number, Ring.staff_id != message.staff_id,
            Ring.dropped_at.is_(None), alive,
        )
    )  # fmt: skip
    return bool(db.session.scalar(select(other.exists())))


def is_wanted(message: Message) -> bool:
    """Whether a page still wants this: a retry, or a turn made while somebody took it, comes too late.

    What was handed over rings the colleague while its giver has it, and who asked for a call gets it.
    """
    if message.template == BUNDLE:
        pages = select(Page.id).join(Ring, Ring.page_id == Page.id)
        alive = pages.where(Ring.message_id == message.id, Page.state == PageState.OPEN)
        return bool(db.session.scalar(select(alive.exists())))
    if message.page_id is None:
        return True
    page = db.session.execute(select(Page.state, Page.offered_to_id).where(Page.id == message.page_id)).one()
    if page.state is PageState.ACKNOWLEDGED:
        return page.offered_to_id == message.staff_id or message.dedupe_key.startswith("call:")
    return page.state is PageState.OPEN
