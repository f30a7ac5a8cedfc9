"""What is true of pages: which are open, who has one, whom one called."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select

from accounts.models import StaffMember
from foundation.database import db
from notifications.models import Acknowledgement, Page, PageState, Ring


def called_at(page_id: UUID, at: datetime) -> list[UUID]:
    """Whom a page called at this very instant."""
    theirs = select(Ring.staff_id).where(Ring.page_id == page_id, Ring.rung_at == at)
    return list(db.session.scalars(theirs.distinct()))


def holder_of(page_id: UUID) -> StaffMember | None:
    """Who has a page, or had it when it ended; None when nobody has."""
    return db.session.scalars(
        select(StaffMember)
        .join(Acknowledgement, Acknowledgement.staff_id == StaffMember.id)
        .join(Page, Page.id == Acknowledgement.page_id)
        .where(
            Acknowledgement.page_id == page_id,
            or_(Acknowledgement.ended_at.is_(None), Page.state == PageState.ENDED),
        )
        .order_by(Acknowledgement.id.desc())
    ).first()


def acknowledged_by(page_id: UUID) -> str:
    """The name of who has a page, or had it when it ended; empty when nobody has."""
    found = holder_of(page_id)
    return found.name if found else ""


@dataclass(frozen=True, slots=True)
class Told:
    """A page with who has it, or had it last, since when, and to whom it is offered; names may be empty."""

    page: Page
    staff_id: UUID | None
    name: str
    taken_at: datetime | None
    offered_to: str


def told_of(about: str) -> list[Told]:
    """The pages about something with who has each, newest first; two queries for all."""
    pages = pages_for(about)
    taken = db.session.execute(
        select(Acknowledgement.page_id, Acknowledgement.ended_at, Acknowledgement.at, StaffMember)
        .join(StaffMember, StaffMember.id == Acknowledgement.staff_id)
        .where(Acknowledgement.page_id.in_([each.id for each in pages]))
        .order_by(Acknowledgement.id)
    ).all()
    return [_told(each, [row for row in taken if row.page_id == each.id]) for each in pages]


def _told(page: Page, taken: Sequence[Any]) -> Told:
    offered = db.session.get(StaffMember, page.offered_to_id) if page.offered_to_id else None
    over = page.state is PageState.ENDED
    last = next((row for row in reversed(taken) if over or row.ended_at is None), None)
    if last is None:
        return Told(page, None, "", None, "")
    return Told(page, last.StaffMember.id, last.StaffMember.name, last.at, offered.name if offered else "")


def pages_for(about: str) -> list[Page]:
    """The pages about something, newest first."""
    return list(db.session.scalars(select(Page).where(Page.about == about).order_by(Page.id.desc())))


def nobody_has(abouts: Collection[str]) -> set[str]:
    """About which of these a page is open that nobody has taken; one query for all."""
    return set(open_since(abouts))


def open_since(abouts: Collection[str]) -> dict[str, datetime]:
    """About which of these a page is open that nobody has taken, and since when; one query for all."""
    if not abouts:
        return {}
    mine = Page.about.in_(abouts), Page.state == PageState.OPEN
    waiting = select(Page.about, func.min(Page.started_at)).where(*mine)
    return {row.about: row[1] for row in db.session.execute(waiting.group_by(Page.about))}
