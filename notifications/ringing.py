"""Ringing a person for a page by each of their ways: at once, after their delays, or together with others.

Each way is a row with its time, written with the turn that calls the person; the first ways are posted in
the same transaction, the others when their time comes, however late the clock is.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select, update

from accounts.models import StaffMember
from foundation.database import changed, db, insert_rows, new_id
from notifications import outbox, ways
from notifications.hurrying import WAITS
from notifications.models import Acknowledgement, Channel, Kind, Message, Page, PageState, Ring
from notifications.rules import limits, terms
from notifications.rules.escalation import deadline_of
from notifications.rules.pretend import is_drill

BARE = "page_bare"
BACK = "page_back"
OFFERED = "page_offered"
MOST = 60  # messages of which it is asked when each went: more than any limit counts
EACH_ANEW = ("page_faulty_report",)  # about the organisation: that one was heard of says nothing of the next
SUPERSEDED = "they are rung anew"


def ring(open_page: Page, person: StaffMember, now: datetime, *, offered_by: str = "") -> bool:
    """Ring a person for a page by all their ways in their order; false when there is no way at all.

    The first way goes at once, whatever delay a person gave it. The delays of the others count from the
    person's first ringing since somebody last took the page: however often it rings again, none is put off
    by that. `offered_by` names a colleague who hands the page over: no delays then.
    """
    waiting = _waiting(open_page, person)
    drop([open_page.id], SUPERSEDED, now, staff_id=person.id)
    found = ways.ways_of(person)
    first = min((after(each) for each in found), default=timedelta())
    since = _since(open_page, person, now)
    rows = []
    for way in found:
        at = now if offered_by else max(since + after(way) - first, now)
        when = _when(open_page, person, way, now, at, waiting.get(way.key), offered_by)
        rows.append(_row(open_page, person, way, now) | when)
    insert_rows(Ring, *rows)
    return bool(rows)


def _waiting(open_page: Page, person: StaffMember) -> dict[str, tuple[datetime, bool]]:
    """The ways of a person that wait to be rung for a page: when, and whether with others."""
    mine = Ring.page_id == open_page.id, Ring.staff_id == person.id
    found = db.session.execute(select(Ring.way, Ring.at, Ring.held).where(*mine, *WAITS))
    return {row.way: (row.at, row.held) for row in found}


def _since(open_page: Page, person: StaffMember, now: datetime) -> datetime:
    """When a person was first rung for a page since somebody last took it; now if this is that time."""
    taken = select(func.max(Acknowledgement.at)).where(Acknowledgement.page_id == open_page.id)
    mine = Ring.page_id == open_page.id, Ring.staff_id == person.id
    first = select(func.min(Ring.rung_at)).where(*mine)
    if last := db.session.scalar(taken):
        first = first.where(Ring.rung_at > last)
    return db.session.scalar(first) or now


def after(way: ways.Way) -> timedelta:
    """How long after a person's turn has come this way is rung."""
    return getattr(way, "after", timedelta())


def _row(open_page: Page, person: StaffMember, way: ways.Way, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(), "organisation_id": open_page.organisation_id, "page_id": open_page.id,
        "staff_id": person.id, "number": open_page.number, "way": way.key, "channel": way.channel.value,
        "rung_at": now, "dropped_at": None, "why": None,
    }  # fmt: skip


def _when(  # noqa: PLR0917  whom for what, which way, when
    open_page: Page, person: StaffMember, way: ways.Way, now: datetime, at: datetime,
    waited: tuple[datetime, bool] | None, offered_by: str,
) -> dict[str, Any]:  # fmt: skip
    """Whether a way is rung now, later, or with others; what `waited` until some time waits no longer."""
    waited_until, with_others = waited or (at, False)
    if not with_others and min(at, waited_until) > now:
        return {"at": min(at, waited_until), "held": False, "posted_at": None, "message_id": None}
    until = None if offered_by else held_until(open_page, person, way, now)
    if until:
        at = min(until, waited_until) if with_others else until
        return {"at": at, "held": True, "posted_at": None, "message_id": None}
    message_id = post(open_page, person, way, now, offered_by=offered_by)
    return {"at": now, "held": False, "posted_at": now, "message_id": message_id}


def post(
    open_page: Page, person: StaffMember, way: ways.Way, now: datetime, *, offered_by: str = ""
) -> UUID | None:
    """The message of one ringing by one way; None when it was posted before."""
    template, context = _text(open_page, offered_by)
    return ways.tell(
        person, way, template=template, bare=BARE, context=context,
        organisation_id=open_page.organisation_id, about=open_page.about, kind=Kind.ONCALL,
        dedupe_key=f"page:{open_page.id}:{open_page.number}:{person.id}:{way.key}", page_id=open_page.id,
        must_by=open_page.must_by, now=now,
    )  # fmt: skip


def _text(open_page: Page, offered_by: str) -> tuple[str, dict[str, Any]]:
    """Template and context: what a page says when it begins, comes back, or is handed over."""
    context = open_page.context
    if offered_by:
        return OFFERED, {**context, "who": offered_by}
    taken = db.session.execute(_TAKEN, {"page": open_page.id}).first() if open_page.number > 1 else None
    if taken is None:
        return open_page.template, context
    return BACK, {**context, "who": taken.name, "taken_at": taken.at.isoformat(timespec="seconds")}


_TAKEN = (
    select(StaffMember.name, Acknowledgement.at)
    .join(Acknowledgement, Acknowledgement.staff_id == StaffMember.id)
    .where(Acknowledgement.page_id == bindparam("page"))
    .order_by(Acknowledgement.id.desc())
    .limit(1)
)


# --- limits ---------------------------------------------------------------------------------------


def held_until(open_page: Page, person: StaffMember, way: ways.Way, now: datetime) -> datetime | None:
    """Until when this ringing waits to go with others; None when it goes alone now."""
    rule = terms.limits(now)
    sent = sent_lately(person.id, way.channel, now, drill=is_drill(open_page.about))
    if not limits.full(sent, way.channel.value, now, rule):
        return None
    anew = open_page.template in EACH_ANEW or not _heard_of(open_page.about, person.id)
    urgent = anew or _is_near(open_page, now, rule.urgent)
    return limits.page_held_until(sent, way.channel.value, now, urgent=urgent, limits=rule)


def sent_lately(
    staff_id: UUID, channel: Channel, now: datetime, *, drill: bool, kind: Kind = Kind.ONCALL
) -> Sequence[datetime]:
    """When messages of a kind were posted to a person by a channel, the newest first."""
    back = limits.looked_back(channel.value, terms.limits(now))
    earnest = Message.channel == (Channel.PRETEND if drill else channel)
    asked = select(Message.created_at).where(
        Message.staff_id == staff_id, Message.kind == kind, Message.created_at > now - back, earnest
    )
    if drill:
        asked = asked.where(Message.instead_of == channel)
    return db.session.scalars(asked.order_by(Message.created_at.desc()).limit(MOST)).all()


def _is_near(open_page: Page, now: datetime, span: timedelta) -> bool:
    due = deadline_of(open_page.must_by, open_page.context)
    return due is not None and due - now <= span


def _heard_of(about: str, staff_id: UUID) -> bool:
    """Whether a person was rung about the same before."""
    rung = select(Ring.id).join(Page, Page.id == Ring.page_id)
    return bool(
        db.session.scalar(select(rung.where(Page.about == about, Ring.staff_id == staff_id).exists()))
    )


# --- what waits ---------------------------------------------------------------------------------------


def drop(page_ids: Sequence[UUID], why: str, now: datetime, *, staff_id: UUID | None = None) -> int:
    """Ring no more of these pages, of one person or of all; returns how many ways that waited."""
    mine = Ring.page_id.in_(page_ids), *WAITS
    whose = (Ring.staff_id == staff_id,) if staff_id else ()
    return changed(update(Ring).where(*mine, *whose).values(dropped_at=now, why=why))


def due(now: datetime) -> list[UUID]:
    """The ways whose time has come and that go by themselves, the longest waiting first."""
    mine = select(Ring.id).where(*WAITS, Ring.held.is_(False), Ring.at <= now)
    return list(db.session.scalars(mine.order_by(Ring.at).limit(outbox.BATCH)))


def ring_later(ring_id: UUID, *, now: datetime) -> bool:
    """Post a way whose time has come; false when the page wants nobody any more or another was first."""
    page_id = db.session.scalar(select(Ring.page_id).where(Ring.id == ring_id))
    paged = db.session.get(Page, page_id, with_for_update=True, populate_existing=True)
    waiting = db.session.get(Ring, ring_id, with_for_update=True, populate_existing=True)
    if paged is None or waiting is None or waiting.posted_at or waiting.dropped_at or waiting.at > now:
        return False
    person = ways.active(waiting.staff_id)
    way = next((each for each in ways.ways_of(person) if each.key == waiting.way), None) if person else None
    if paged.state is not PageState.OPEN or person is None or way is None:
        waiting.dropped_at, waiting.why = now, "the page or the way is gone"
        return False
    if until := held_until(paged, person, way, now):
        waiting.at, waiting.held = until, True
        return False
    waiting.message_id = post(paged, person, way, now)
    waiting.posted_at = now
    return True
