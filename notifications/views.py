"""Pages of delivery: take a page by its link or signed in, the rota, messages that want a person."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from accounts import people
from accounts.models import StaffMember
from accounts.permissions import Permission, current_staff, open_to_all, requires
from foundation import locales
from foundation.database import db, everyone, transaction, utcnow
from foundation.errors import Invalid, Missing
from notifications import alarms, breaker, delivery, outbox, paging, rota, settling
from notifications.models import Message, Page, PageState
from notifications.rules.pretend import is_drill

bp = Blueprint("on_call", __name__)


@dataclass(frozen=True, slots=True)
class Called:
    """A page as the person behind its link sees it; nothing personal but a colleague's name."""

    page_id: UUID
    staff_id: UUID
    name: str
    number: str
    organisation: str
    what: str
    due_at: datetime | None
    started_at: datetime
    state: str
    taken_by: str
    mine: bool
    path: str


@bp.get("/a/<token>")
@open_to_all("Whoever holds the link of a page may see it; it names no person concerned.")
def link(token: str) -> ResponseReturnValue:
    """The page behind a link. Looking takes nothing over: link scanners look too."""
    return _show(_called(token))


@bp.post("/a/<token>")
@open_to_all("Whoever holds the link of a page may take it, once.")
def take(token: str) -> ResponseReturnValue:
    """Take a page by the button behind its link."""
    called = _called(token)
    if called is None or called.state == PageState.ENDED:
        return _show(called)
    with everyone(), transaction():
        paging.acknowledge(called.page_id, called.staff_id, way="link", now=utcnow())
    return redirect(url_for("on_call.link", token=token), 303)


def _show(called: Called | None) -> ResponseReturnValue:
    gone = called is None or called.state == PageState.ENDED
    body = render_template("notifications/link.html", called=called, now=utcnow())
    response = make_response(body, 404 if gone else 200)
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _called(token: str) -> Called | None:
    """The page that a link leads to, in its reader's language; None for a link that leads nowhere."""
    with everyone():
        row = db.session.execute(
            select(Message, Page, StaffMember)
            .join(Page, Page.id == Message.page_id)
            .join(StaffMember, StaffMember.id == Message.staff_id)
            .where(Message.link_hash == outbox.hash_link(token), StaffMember.active)
        ).first()
        if row is None:
            return None
        message, page, person = row
        if is_drill(message.about):
            drill = UUID(message.about.partition("/")[2])
            request.environ["breachclock.drill"] = {"number": page.context.get("number", ""), "id": drill}
        locales.prefer(person.locale, person.organisation.timezone)
        taken_by = paging.acknowledged_by(page.id)
        known = page.context
        due = known.get("due_at") or None
        due_at = datetime.fromisoformat(due) if due else page.must_by
        return Called(
            page.id, person.id, person.name, known.get("number", ""), person.organisation.name,
            known.get("step", "") if page.template == "page_deadline" else page.template,
            due_at if due_at and due_at > page.started_at else None, page.started_at, page.state.value,
            taken_by, taken_by == person.name, alarms.path(message.about),
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


@bp.get("/on-call")
@requires(Permission.SEE_ON_CALL)
def index() -> ResponseReturnValue:
    """Who is on call now and next, and whom a page goes to."""
    staff = current_staff()
    picture = rota.picture(staff.organisation_id, utcnow())
    ways = rota.own_ways(staff.id)
    return render_template("notifications/on_call.html", picture=picture, ways=ways)


@bp.get("/messages")
@requires(Permission.SEE_RESTRICTED)
def messages() -> ResponseReturnValue:
    """Messages that want a person; with `about`, every message about one thing.

    For those who may see restricted incidents: this page cannot know which of them a reader may see.
    """
    about = request.args.get("about")
    lines = delivery.log_for(about) if about else delivery.waiting_for_a_person()
    names = {each.id: each.name for each in people.staff_of(current_staff().organisation_id)}
    stop = breaker.stop_of(current_staff().organisation_id)
    return render_template("notifications/messages.html", lines=lines, names=names, about=about, stop=stop)


@bp.post("/messages/releases")
@requires(Permission.SEND_COMMUNICATION)
def release() -> ResponseReturnValue:
    """Let communications to people go again, after they were stopped."""
    staff = current_staff()
    reason = request.form.get("reason", "")[:500]
    with transaction():
        breaker.release(staff.organisation_id, by=staff.name, reason=reason, now=utcnow())
    flash(_("Communications go again, and the record says why."), "success")
    return redirect(url_for("on_call.messages"), 303)


@bp.post("/messages/<uuid:message_id>/decision")
@requires(Permission.SEND_COMMUNICATION)
def decide(message_id: UUID) -> ResponseReturnValue:
    """Decide of a message that nobody else can decide of."""
    try:
        choice = settling.Choice(request.form.get("choice", ""))
    except ValueError:
        raise Invalid(_("Choose what is to happen.")) from None
    reason = request.form.get("reason", "")[:500]
    with transaction():
        about = settling.decide(message_id, choice, by=current_staff().name, reason=reason, now=utcnow())
    flash(_("Decided, and written into the record."), "success")
    return redirect(alarms.path(about), 303)
