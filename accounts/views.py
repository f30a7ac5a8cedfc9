"""Pages of signing in and out, and the choice of language."""

import structlog
from flask import Blueprint, Response, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import passwords, sign_in, throttling
from accounts.models import StaffMember
from accounts.permissions import open_to_all, signed_in
from foundation import ledger, locales
from foundation.database import acting_for, transaction, utcnow
from foundation.http import limiter

bp = Blueprint("accounts", __name__)
log = structlog.get_logger()


@bp.get("/sign-in")
@open_to_all("Staff say here who they are.")
def ask() -> ResponseReturnValue:
    """The sign-in page."""
    if signed_in():
        return redirect(sign_in.local_address(request.args.get("next")))
    return render_template("accounts/sign_in.html", next=request.args.get("next", ""))


@bp.post("/sign-in")
@open_to_all("Staff say here who they are; throttled.")
@limiter.limit("60 per minute", key_func=throttling.by_address)
@limiter.limit("30 per 15 minutes", key_func=throttling.by_account)
@limiter.limit("10 per minute", key_func=throttling.by_account_and_address)
def enter() -> ResponseReturnValue:
    """Sign in, or say that address and password do not belong together and no more than that."""
    email, password = request.form.get("email", ""), request.form.get("password", "")
    attempt = sign_in.check(email, password)
    if attempt.staff is None or not attempt.accepted:
        _refuse(attempt.staff)
        return render_template("accounts/sign_in.html", email=email, next=request.form.get("next")), 401

    response = redirect(sign_in.local_address(request.form.get("next")), 303)
    _let_in(attempt.staff, password)
    throttling.remember_device(response)
    return response


def _let_in(staff: StaffMember, password: str) -> None:
    stale = passwords.outdated(staff.password or "")
    renewed = passwords.hash_password(password) if stale else None
    with acting_for(staff.organisation_id):
        with transaction():
            secret = sign_in.begin(staff, password=renewed, now=utcnow())
        sign_in.carry(staff, secret, utcnow())


def _refuse(staff: StaffMember | None) -> None:
    log.warning("sign_in.refused", account=str(staff.id) if staff else "unknown")
    if staff is not None:
        with acting_for(staff.organisation_id), transaction():
            sign_in.refuse(staff, utcnow())


@bp.post("/sign-out")
@open_to_all("It ends the caller's own sign-in and nothing else.")
def leave() -> ResponseReturnValue:
    """Sign out, on this device."""
    if staff := signed_in():
        with transaction():
            sign_in.end(staff, utcnow())
    sign_in.drop()
    flash(_("You are signed out."), "success")
    return redirect(url_for("accounts.ask"), 303)


@bp.post("/language")
@open_to_all("It changes the language of the caller's own pages.")
def language() -> ResponseReturnValue:
    """Show pages in another language, and messages to this person too."""
    chosen = locales.choose(request.form.get("locale"))
    session["locale"] = chosen
    if staff := signed_in():
        with transaction():
            staff.locale = chosen
    return redirect(sign_in.local_address(request.form.get("next")), 303)


@bp.after_app_request
def record_refusal(response: Response) -> Response:
    """Enter into the ledger that somebody tried what their role does not allow."""
    if (permission := g.pop("refused_permission", None)) and (staff := signed_in()):
        with transaction():
            ledger.append(
                f"organisation/{staff.organisation_id}", "access.refused",
                organisation_id=staff.organisation_id, actor=staff.name, at=utcnow(),
                permission=permission.value, person=staff.id,
            )  # fmt: skip
    return response
