"""One incident: its page, and what is decided of it as a whole."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, may, requires
from foundation.database import transaction, utcnow
from foundation.errors import NotAllowed
from incident import assessment, staff_reports, triage
from incident.access import locked_incident, visible_incident
from incident.forms import chain_words, words
from incident.models import Incident
from incident.rules.lifecycle import State
from incident.views import beside
from incident.views.page import page

bp = Blueprint("incidents", __name__, url_prefix="/incidents/<uuid:incident_id>")


@bp.get("")
@requires(Permission.SEE_INCIDENTS)
def show(incident_id: UUID) -> ResponseReturnValue:
    """Everything about one incident; `facts` names the version of the facts to show."""
    now = utcnow()
    shown = page(visible_incident(incident_id), version=request.args.get("facts", type=int), now=now)
    return render_template(
        "incident/incident.html", page=shown, incident=shown.incident, now=now, words=words,
        chain_words=chain_words, anchor=beside.anchor,
    )  # fmt: skip


@bp.post("/confirmation")
@requires(Permission.TRIAGE)
def confirm(incident_id: UUID) -> ResponseReturnValue:
    """It is a personal data breach."""
    note = request.form.get("note", "")
    with transaction():
        triage.confirm(locked_incident(incident_id), by=current_staff().name, note=note, now=utcnow())
    flash(_("Confirmed as a personal data breach."), "success")
    return _back(incident_id)


@bp.post("/rejection")
@requires(Permission.TRIAGE)
def reject(incident_id: UUID) -> ResponseReturnValue:
    """It is no personal data breach, for a reason."""
    reason, staff = request.form.get("reason", ""), current_staff()
    with transaction():
        incident = locked_incident(incident_id)
        _only_dpo_rejects_what_is_owed(incident)
        triage.reject(incident, reason=reason, by=staff.name, now=utcnow())
    flash(_("Rejected. It stays in the record with its reason."), "success")
    return _back(incident_id)


def _only_dpo_rejects_what_is_owed(incident: Incident) -> None:
    """To reject what was assessed decides against its duties: for those who may decide that."""
    owed = incident.state == State.CONFIRMED and assessment.assessments_of(incident)
    if owed and not may(current_staff(), Permission.APPROVE_NOTIFICATION):
        raise NotAllowed(
            _("This incident has been assessed, and rejecting it would set its duties aside."),
            next_step=_("Ask the data protection officer to reject it."),
        )


@bp.post("/reopening")
@requires(Permission.TRIAGE)
def reopen(incident_id: UUID) -> ResponseReturnValue:
    """Taken up again, for a reason."""
    reason = request.form.get("reason", "")
    with transaction():
        triage.reopen(locked_incident(incident_id), reason=reason, by=current_staff().name, now=utcnow())
    flash(_("Taken up again."), "success")
    return _back(incident_id)


@bp.post("/closure")
@requires(Permission.CLOSE_INCIDENT)
def close(incident_id: UUID) -> ResponseReturnValue:
    """Closed, when nothing is owed any more."""
    reason, unreached = request.form.get("reason", ""), request.form.get("unreached_reason", "")
    with transaction():
        triage.close(
            locked_incident(incident_id), reason=reason, unreached_reason=unreached, now=utcnow(),
            by=current_staff().name,
        )  # fmt: skip
    flash(_("Closed."), "success")
    return _back(incident_id)


@bp.post("/notes")
@requires(Permission.COMPLETE_STEPS)
def note(incident_id: UUID) -> ResponseReturnValue:
    """A word for the record."""
    text = request.form.get("text", "")
    with transaction():
        incident = locked_incident(incident_id)
        staff_reports.add_note(incident, text, by=current_staff().name, now=utcnow())
    return redirect(url_for("incidents.show", incident_id=incident_id, _anchor="notes"), 303)


def _back(incident_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("incidents.show", incident_id=incident_id), 303)
