"""Messages that want a person, and what a person decides of them."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import people
from accounts.permissions import Permission, current_staff, requires
from foundation.database import transaction, utcnow
from foundation.errors import Invalid
from notifications import alarms, breaker, circuits, delivery, settling

bp = Blueprint("messages", __name__)


@bp.get("/messages")
@requires(Permission.SEE_RESTRICTED)
def index() -> ResponseReturnValue:
    """Messages that want a person; with `about`, every message about one thing.

    For those who may see restricted incidents: this page cannot know which of them a reader may see.
    """
    about = request.args.get("about")
    lines = delivery.log_for(about) if about else delivery.waiting_for_a_person()
    names = {each.id: each.name for each in people.staff_of(current_staff().organisation_id)}
    stop = breaker.stop_of(current_staff().organisation_id)
    return render_template(
        "notifications/messages.html", lines=lines, names=names, about=about, stop=stop,
        standing=circuits.standing(), switches=circuits.lately(utcnow()),
    )  # fmt: skip


@bp.post("/messages/releases")
@requires(Permission.SEND_COMMUNICATION)
def release() -> ResponseReturnValue:
    """Let communications to people go again, after they were stopped."""
    staff = current_staff()
    reason = request.form.get("reason", "")[:500]
    with transaction():
        breaker.release(staff.organisation_id, by=staff.name, reason=reason, now=utcnow())
    flash(_("Communications go again, and the record says why."), "success")
    return redirect(url_for("messages.index"), 303)


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
