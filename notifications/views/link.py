"""A page is taken: by the link in its message without signing in, or signed in by a button.

What opens behind the link works half asleep, in one hand, on a bad line: one small page without any
script, and no cookie is wanted, for whoever holds the link holds what a form would prove.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from accounts.models import StaffMember
from accounts.permissions import Permission, current_staff, open_to_all, pageable, requires
from foundation import locales
from foundation.database import db, everyone, transaction, utcnow
from foundation.errors import Missing
from foundation.http import csrf
from notifications import alarms, answering, outbox, paging, received
from notifications.models import Message, Page, PageState
from notifications.paging import locking
from notifications.rules.pretend import is_drill

bp = Blueprint("page_link", __name__)
OPEN, TAKEN, ENDED = "open", "taken", "ended"
ACTS: dict[str, answering.Act] = {
    "take": answering.take, "pass": answering.pass_on, "call": answering.call,
}  # fmt: skip
HAND_OVER = "hand_over"
ONCE = re.compile(r"[A-Za-z0-9_-]{8,64}")
DONE = ("passed", "calling", "no_number")  # what the next look says of the last button


@dataclass(frozen=True, slots=True)
class Shown:
    """One page as it is called for: its number, what it is about, by when."""

    number: str
    template: str
    context: dict[str, Any]
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Called:
    """What a link calls for, as its reader sees it; nothing personal but colleagues' names.

    `state` is "open" while an answer counts, "taken" or "ended". A link of a bundle calls for several pages.
    """

    message_id: UUID
    page_ids: tuple[UUID, ...]
    staff_id: UUID
    name: str
    organisation: str
    pages: tuple[Shown, ...]
    state: str
    taken_by: str
    mine: bool
    path: str
    others: tuple[str, ...]  # who else was called, and has not taken it
    next_at: datetime | None  # when the next one is called
    again_at: datetime | None  # when whoever has it is asked again
    offered_to: str  # whom it was handed to, who has not taken it yet
    colleagues: tuple[tuple[UUID, str], ...]  # to whom whoever has it may hand it over


@bp.get("/a/<token>")
@open_to_all("Whoever holds the link of a page may see it; it names no person concerned.")
def link(token: str) -> ResponseReturnValue:
    """The page behind a link. Looking takes nothing over: link scanners look too."""
    return _show(_called(token))


@bp.post("/a/<token>")
@open_to_all("Whoever holds the link of a page may answer it; no other site knows the link.")
def answer(token: str) -> ResponseReturnValue:
    """Press a button behind a link: take it, not me, call me, hand it over.

    A button acts once, however often it is pressed or sent again, a night later included.
    """
    called = _called(token)
    if called is None or called.state == ENDED:
        return _show(called)
    done, now = "", utcnow()
    with everyone(), transaction():
        if _is_first(called, now):
            done = _act(called, now)
    return redirect(url_for("page_link.link", token=token, done=done or None), 303)


csrf.exempt(answer)


def _is_first(called: Called, now: datetime) -> bool:
    """Whether this very button comes for the first time; one without a mark is as good as pressed now."""
    once = request.form.get("once", "")
    if not ONCE.fullmatch(once):
        return True
    pressed = _pressed()
    return received.once("link", f"{called.message_id}:{once}:{pressed}", "pressed", now=now)


def _pressed() -> str:
    """Which button; empty for one that is not there."""
    pressed = request.form.get("do", "take")
    return pressed if pressed in ACTS or pressed == HAND_OVER else ""


def _act(called: Called, now: datetime) -> str:
    """Do what the button says, and name what became of it for the next look."""
    person = db.session.get_one(StaffMember, called.staff_id)
    pressed = _pressed()
    if pressed == HAND_OVER:
        to = _colleague(called)
        locking.lock_waiting(*called.page_ids)
        for page_id in called.page_ids:
            paging.hand_over(page_id, person.id, to, now=now, way="link")
        return ""
    if pressed not in ACTS:
        return ""
    pages = [db.session.get_one(Page, each) for each in called.page_ids]
    became = answering.answer(ACTS[pressed], pages, person, way="link", now=now).became
    return became.value if became.value in DONE else ""


def _colleague(called: Called) -> UUID:
    """Whom it is handed over to: one of those that were offered. Raises: Missing."""
    chosen = request.form.get("to", "")
    for each, _name in called.colleagues:
        if str(each) == chosen:
            return each
    raise Missing(_("There is no such colleague."), next_step=_("Go back and choose one of the list."))


def _show(called: Called | None) -> ResponseReturnValue:
    gone = called is None or called.state == ENDED
    done = request.args.get("done", "")
    body = render_template(
        "notifications/link.html", called=called, now=utcnow(), once=secrets.token_urlsafe(12),
        done=done if done in DONE else "",
    )  # fmt: skip
    response = make_response(body, 404 if gone else 200)
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _called(token: str) -> Called | None:
    """What a link leads to, in its reader's language; None for a link that leads nowhere."""
    with everyone():
        row = db.session.execute(
            select(Message, StaffMember)
            .join(StaffMember, StaffMember.id == Message.staff_id)
            .where(Message.link_hash == outbox.hash_link(token), pageable())
        ).first()
        pages = answering.pages_of(row.Message) if row else []
        if row is None or not pages:
            return None
        message, person = row
        if is_drill(message.about):
            number, drill = pages[0].context.get("number", ""), UUID(message.about.partition("/")[2])
            request.environ["breachclock.drill"] = {"number": number, "id": drill}
        locales.prefer(person.locale, person.organisation.timezone)
        return _seen_by(person, message, pages)


def _seen_by(person: StaffMember, message: Message, pages: list[Page]) -> Called:
    """The pages an answer still counts for; else their own, else colleagues'; else all, which have ended."""
    alive = [each for each in pages if each.state is not PageState.ENDED]
    waits = [
        each
        for each in alive
        if answering.concerns(each, person) and not answering.has_it(each, person)
    ]  # fmt: skip
    has = [each for each in alive if answering.has_it(each, person)]
    shown = waits or has or alive or pages
    mine = not waits and answering.has_it(shown[0], person)
    offered = shown[0].offered_to_id if mine else None
    return Called(
        message_id=message.id, page_ids=tuple(each.id for each in shown), staff_id=person.id,
        name=person.name, organisation=person.organisation.name, pages=tuple(map(_shown, shown)),
        state=OPEN if waits else TAKEN if alive else ENDED,
        taken_by=paging.acknowledged_by(shown[0].id), mine=mine, path=alarms.path(shown[0].about),
        others=answering.others(shown, person.id) if waits else (),
        next_at=min(filter(None, (each.next_at for each in waits)), default=None),
        again_at=shown[0].quiet_until if mine and alive else None,
        offered_to=db.session.get_one(StaffMember, offered).name if offered else "",
        colleagues=answering.colleagues(person) if mine and alive else (),
    )  # fmt: skip


def _shown(page: Page) -> Shown:
    due = page.context.get("due_at") or None
    return Shown(
        page.context.get("number", ""), page.template, page.context,
        datetime.fromisoformat(due) if due else page.must_by,
    )  # fmt: skip


@bp.post("/pages/<uuid:page_id>/acknowledgements")
@requires(Permission.ACKNOWLEDGE_PAGE)
def acknowledge(page_id: UUID) -> ResponseReturnValue:
    """Take a page, signed in."""
    page = db.session.get(Page, page_id)
    if page is None:
        raise Missing(_("There is no such page."))
    with transaction():
        first, who = paging.acknowledge(page_id, current_staff().id, way="screen", now=utcnow())
    flash(_("It is yours. Nobody else is called.") if first else _("%(name)s has it.", name=who), "success")
    return redirect(alarms.path(page.about), 303)
