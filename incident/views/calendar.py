"""A person's calendar by a secret address, and the page where they make, renew and end that address."""

from flask import Blueprint, current_app, flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import throttling
from accounts.permissions import Permission, current_staff, open_to_all, requires
from foundation.database import acting_for, transaction, utcnow
from foundation.http import limiter, secret_calendar
from incident import calendars

bp = Blueprint("calendar", __name__, url_prefix="/calendar")


@bp.get("/<secret>.ics")
@open_to_all("Whoever holds the secret address of a calendar reads it; it names numbers and provisions only.")
@limiter.limit("60 per minute", key_func=throttling.by_address)
def feed(secret: str) -> ResponseReturnValue:
    """The calendar behind a secret address. A wrong one, an old one and one of nobody are answered alike."""
    staff, now = calendars.whose(secret), utcnow()
    if staff is None:
        return secret_calendar(None, name="breachclock.ics")
    with acting_for(staff.organisation_id):
        found = calendars.changes(staff, now=now)
        if found.changed or found.forgotten:
            with transaction():
                found = calendars.changes(staff, now=now)
                calendars.keep(staff, found)
        public_url = current_app.config["SETTINGS"].public_url
        body = calendars.text(staff, found.told, public_url=public_url, now=now)
    return secret_calendar(body, name="breachclock.ics")


@bp.get("")
@requires(Permission.SEE_ON_CALL)
def index() -> ResponseReturnValue:
    """Whether the reader has an address, and how a calendar program takes it."""
    return render_template("incident/calendar.html", feed=calendars.feed_of(current_staff()), address=None)


@bp.post("")
@requires(Permission.SEE_ON_CALL)
def make() -> ResponseReturnValue:
    """A new address, shown this once; the one before opens nothing any more."""
    with transaction():
        secret = calendars.make_address(current_staff(), now=utcnow())
    base = current_app.config["SETTINGS"].public_url
    address = f"{base}{url_for('calendar.feed', secret=secret)}"
    shown = render_template(
        "incident/calendar.html", feed=calendars.feed_of(current_staff()), address=address
    )
    return make_response(shown)


@bp.post("/revocation")
@requires(Permission.SEE_ON_CALL)
def revoke() -> ResponseReturnValue:
    """End the address."""
    with transaction():
        ended = calendars.revoke(current_staff(), now=utcnow())
    flash(_("The address is ended.") if ended else _("There is no address to end."), "success")
    return redirect(url_for("calendar.index"), 303)
