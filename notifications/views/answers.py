"""Answering a page signed in: take it over, hand it to a colleague, give it back."""

from uuid import UUID

from flask import Blueprint, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, requires
from foundation.database import db, transaction, utcnow
from foundation.errors import Invalid, Missing
from notifications import alarms, paging
from notifications.models import PageState

bp = Blueprint("page_answers", __name__, url_prefix="/pages/<uuid:page_id>")


@bp.post("/taking-over")
@requires(Permission.ACKNOWLEDGE_PAGE)
def take_over(page_id: UUID) -> ResponseReturnValue:
    """Take a page from a colleague, who is told."""
    back = _back(page_id)
    with transaction():
        before = paging.take_over(page_id, current_staff().id, way="screen", now=utcnow())
    flash(_("It is yours. %(name)s is told.", name=before) if before else _("It is yours."), "success")
    return redirect(back, 303)


@bp.post("/handovers")
@requires(Permission.ACKNOWLEDGE_PAGE)
def hand_over(page_id: UUID) -> ResponseReturnValue:
    """Ask a colleague to take a page; until they do it stays where it is."""
    back = _back(page_id)
    try:
        to = UUID(request.form.get("to", ""))
    except ValueError:
        raise Invalid(_("Choose a colleague.")) from None
    with transaction():
        name = paging.hand_over(page_id, current_staff().id, to, now=utcnow())
    flash(_("%(name)s is asked. It stays yours until they take it.", name=name), "success")
    return redirect(back, 303)


@bp.post("/releases")
@requires(Permission.ACKNOWLEDGE_PAGE)
def release(page_id: UUID) -> ResponseReturnValue:
    """Give a page back: the next one is called at once."""
    back, reason = _back(page_id), request.form.get("reason", "")
    with transaction():
        called = paging.release(page_id, current_staff().id, reason=reason, now=utcnow())
    if db.session.get_one(paging.Page, page_id).state is PageState.ENDED:
        flash(_("This page has ended: what it was about needs nobody any more."), "success")
        return redirect(back, 303)
    names = ", ".join(called)
    flash(_("It is open again, and %(names)s is called.", names=names) if called
          else _("It is open again, and the next one is called."), "success")  # fmt: skip
    return redirect(back, 303)


def _back(page_id: UUID) -> str:
    """Where what a page is about is shown. Raises: Missing."""
    found = db.session.get(paging.Page, page_id)
    if found is None:
        raise Missing(_("There is no such page."))
    return alarms.path(found.about)
