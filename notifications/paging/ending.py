"""A page ends when what it is about does: it rings nobody, comes back to nobody, and cannot be taken."""

from datetime import datetime

from sqlalchemy import select, true

from foundation import ledger
from foundation.database import db
from notifications import ringing
from notifications.models import Page, PageState
from notifications.paging import locking

OVER = "what it is about has ended"


def end(
    about: str, *, actor: str, reason: str, now: datetime, template: str | None = None, taken: bool = True
) -> int:
    """End every page about something, or those with one template; returns how many there were.

    Those that somebody has are among them, since they would come back or be given back; not with
    `taken=False`.
    """
    these = Page.template == template if template else true()
    alive = Page.state != PageState.ENDED if taken else Page.state == PageState.OPEN
    mine = select(Page).where(Page.about == about, alive, these)
    locking.lock_waiting(*db.session.scalars(mine.with_only_columns(Page.id)))  # before the pages
    locked = mine.order_by(Page.id).with_for_update().execution_options(populate_existing=True)
    ended = list(db.session.scalars(locked))
    for each in ended:
        close(each, actor=actor, reason=reason, now=now)
    return len(ended)


def close(alive: Page, *, actor: str, reason: str, now: datetime) -> None:
    """End one page, which is locked."""
    alive.state, alive.next_at, alive.ended_at = PageState.ENDED, None, now
    alive.quiet_until = alive.offered_to_id = None
    ringing.drop([alive.id], OVER, now)
    ledger.append(
        alive.about, "page.ended", organisation_id=alive.organisation_id, actor=actor, at=now, reason=reason,
        page=alive.id,
    )  # fmt: skip
