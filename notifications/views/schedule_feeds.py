"""A schedule as a calendar: the feed behind a secret address, and the forms that make and end one."""

from uuid import UUID

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import throttling
from accounts.permissions import Permission, current_staff, open_to_all, requires
from foundation.database import acting_for, transaction, utcnow
from foundation.http import limiter, secret_calendar
from notifications.rota import editing, feeds

bp = Blueprint("schedule_feeds", __name__)


@bp.get("/rota/<secret>.ics")
@open_to_all("Whoever holds the secret address of a schedule reads who is on duty; it names no incident.")
@limiter.limit("60 per minute", key_func=throttling.by_address)
def feed(secret: str) -> ResponseReturnValue:
    """The calendar of a schedule. A wrong address, an old one and one of nobody are answered alike."""
    found, now = feeds.behind(secret), utcnow()
    if found is None:
        return secret_calendar(None, name="on-call.ics")
    schedule, reader = found
    with acting_for(schedule.organisation_id):
        public_url = current_app.config["SETTINGS"].public_url
        body = feeds.text(schedule, reader, public_url=public_url, now=now)
    return secret_calendar(body, name="on-call.ics")


@bp.post("/on-call/schedules/<uuid:schedule_id>/feed")
@requires(Permission.SEE_ON_CALL)
def make(schedule_id: UUID) -> ResponseReturnValue:
    """A new address, shown this once; the one before opens nothing any more."""
    editing.find(schedule_id)
    with transaction():
        secret = feeds.make(schedule_id, by=current_staff(), now=utcnow())
    address = f"{current_app.config['SETTINGS'].public_url}{url_for('schedule_feeds.feed', secret=secret)}"
    return render_template(
        "notifications/schedule_feed.html", schedule=editing.find(schedule_id), address=address
    )


@bp.post("/on-call/schedules/<uuid:schedule_id>/feed/revocation")
@requires(Permission.SEE_ON_CALL)
def revoke(schedule_id: UUID) -> ResponseReturnValue:
    """End the address."""
    editing.find(schedule_id)
    with transaction():
        ended = feeds.revoke(schedule_id, by=current_staff(), now=utcnow())
    flash(_("The address is ended.") if ended else _("There is no address to end."), "success")
    return redirect(url_for("schedules.show", schedule_id=schedule_id), 303)
