"""The turns of a page: whom the policy calls next, and what was taken coming back."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import current_app
from sqlalchemy import func, or_, select, update

from accounts.models import StaffMember
from foundation import ledger
from foundation.database import changed, db
from notifications import outbox, ringing, targets
from notifications.models import Acknowledgement, Page, PageState
from notifications.paging import ending, locking, looking
from notifications.rules import terms
from notifications.rules.escalation import next_turn

CLOCK = "Breachclock"
NOT_WANTED = "What it was about needs nobody any more."
WANTED = "page_wanted"  # of app.extensions: whether what a page is about still needs somebody


@dataclass(frozen=True, slots=True)
class Move:
    """One move of a page: whom it calls, where that leaves the policy, which steps reached nobody."""

    called: list[StaffMember]
    turn: int
    next_at: datetime
    nobody: list[int]


def due(now: datetime) -> list[UUID]:
    """The pages whose time has come, the longest due first: to move on, or to come back to who took them."""
    waiting = (Page.state == PageState.OPEN) & (Page.next_at <= now)
    taken = (Page.state == PageState.ACKNOWLEDGED) & (Page.quiet_until <= now)
    longest = func.coalesce(Page.next_at, Page.quiet_until), Page.id
    mine = select(Page.id).where(or_(waiting, taken)).order_by(*longest)
    return list(db.session.scalars(mine.limit(outbox.BATCH)))


def escalate(page_id: UUID, *, now: datetime) -> bool:
    """Page the next of the policy, or bring back what was taken.

    False when somebody acted, another process was first, or what it is about needs nobody any more.
    """
    found = db.session.get(Page, page_id, with_for_update=True)
    if found is None:
        return False
    if found.state is PageState.ACKNOWLEDGED and found.quiet_until and found.quiet_until <= now:
        return _come_back(found, now)
    if found.state is not PageState.OPEN or not found.next_at or found.next_at > now:
        return False
    move_on(found, now)
    return True


def move_on(open_page: Page, now: datetime, *, without: Collection[UUID] = ()) -> list[StaffMember]:
    """Let the policy call its next, but for those who just said that it is not for them; whom it called."""
    move = plan(open_page, now, without=without)
    open_page.turn, open_page.next_at = move.turn, move.next_at
    call(open_page, move, now)
    return move.called


def plan(open_page: Page, now: datetime, *, without: Collection[UUID] = ()) -> Move:
    """Whom the next turn calls. A step with nobody is passed over at once, and brings the backstop in."""
    turn, nobody = open_page.turn, list[int]()
    wider = open_page.wider or targets.last_resort(open_page.organisation_id)
    while True:
        move = next_turn(open_page.policy, turn, now, rounds=open_page.rounds, wider=wider)
        turn += 1
        here = _people(open_page, move.targets, now)
        if not here and move.step:
            nobody.append(move.step)
        called = [each for each in here if each.id not in without]
        if called or turn - open_page.turn >= len(open_page.policy):
            break
    if nobody:
        called += _people(open_page, wider[0], now)
    called = called or _people(open_page, wider[0] + wider[-1], now)
    called = called or targets.anybody(open_page.organisation_id)
    return Move(list({each.id: each for each in called}.values()), turn, move.next_at, nobody)


def _people(open_page: Page, those: Collection[dict[str, Any]], now: datetime) -> list[StaffMember]:
    step = {"targets": list(those)}
    return targets.people_of(open_page.organisation_id, step, now, open_page.about)


def call(open_page: Page, move: Move, now: datetime) -> None:
    """Ring whom a move calls, and enter it; a step that reached nobody is entered, and told as an alarm."""
    open_page.number += 1
    told = [person for person in move.called if ringing.ring(open_page, person, now)]
    if move.nobody or not told:
        _noted(open_page, {"nobody_at": now, "nobody": move.nobody})
        _enter(open_page, "page.reached_nobody", now, steps=move.nobody, turn=move.turn)
    if told:
        _enter(
            open_page, "page.sent", now, turn=move.turn, staff=[each.id for each in told],
            next_at=move.next_at,
        )  # fmt: skip


def _noted(open_page: Page, values: dict[str, Any]) -> None:
    changed(update(Page).where(Page.id == open_page.id).values(values))


def _enter(open_page: Page, action: str, now: datetime, *, actor: str = CLOCK, **details: Any) -> None:
    ledger.append(
        open_page.about, action, organisation_id=open_page.organisation_id, actor=actor, at=now,
        page=open_page.id, **details,
    )  # fmt: skip


# --- what was taken comes back ----------------------------------------------------------------------


def _come_back(taken: Page, now: datetime) -> bool:
    """Ask who took a page again, alone at first; not when what it is about needs nobody any more."""
    if not wanted(taken):
        ending.close(taken, actor=CLOCK, reason=NOT_WANTED, now=now)
        return False
    holder = looking.holder_of(taken.id)
    give_back(taken, now)
    if holder is None or not holder.active:
        _enter(taken, "page.came_back", now)
        move_on(taken, now)
        return True
    taken.next_at = now + terms.quiet(now).taker
    taken.number += 1
    _enter(taken, "page.came_back", now, staff=[holder.id], next_at=taken.next_at)
    if not ringing.ring(taken, holder, now):
        move_on(taken, now)
    return True


def wanted(taken: Page) -> bool:
    """Whether a page that somebody has may open again: no other is open about the same, and it is needed.

    Those who know whether it is needed are asked, else it is.
    """
    same = Page.about == taken.about, Page.template == taken.template, Page.state == PageState.OPEN
    if db.session.scalar(select(select(Page.id).where(*same, Page.id != taken.id).exists())):
        return False
    asked = current_app.extensions.get(WANTED)
    return asked is None or bool(asked(taken.about, taken.template))


def give_back(taken: Page, now: datetime) -> None:
    """Nobody has the page any more: it is open again, and moves on when its caller says."""
    changed(
        update(Acknowledgement)
        .where(Acknowledgement.page_id == taken.id, Acknowledgement.ended_at.is_(None))
        .values(ended_at=now)
    )
    locking.reopen(taken, now)
