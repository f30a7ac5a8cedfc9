"""Refused requests: what was refused where and why, what to do about it, and that somebody did."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, requires
from foundation.database import transaction, utcnow
from incident import quarantine
from incident.forms import words
from incident.rules.reporting import terms

bp = Blueprint("quarantine", __name__, url_prefix="/reports/quarantine")


@bp.get("")
@requires(Permission.SEE_PROCESSORS)
def index() -> ResponseReturnValue:
    """What was refused, by endpoint; those to deal with first."""
    found = quarantine.listed(current_staff().organisation_id)
    return render_template(
        "incident/quarantine.html", found=found, shared=quarantine.is_shared(), words=words,
        terms=terms(utcnow()),
    )  # fmt: skip


@bp.post("/settlement")
@requires(Permission.TRIAGE)
def settle() -> ResponseReturnValue:
    """What was refused at an endpoint has been dealt with, and how."""
    with transaction():
        quarantine.deal_with(
            request.form.get("endpoint", ""), reason=request.form.get("reason", ""), by=current_staff(),
            now=utcnow(),
        )  # fmt: skip
    flash(_("Dealt with, and written into the record."), "success")
    return redirect(url_for("quarantine.index"), 303)
