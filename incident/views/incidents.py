"""One incident: its page, and what is decided of it as a whole."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from accounts import people
from accounts.permissions import Permission, current_staff, may, requires
from foundation.database import db, transaction, utcnow
from foundation.errors import NotAllowed
from incident import assessment, owed, related, staff_reports, triage
from incident.access import locked_incident, visible_incident, visible_incidents
from incident.forms import chain_words, words
from incident.models import Incident, Report
from incident.rules.lifecycle import State
from incident.views import beside, kin
from incident.views.page import page
from notifications import delivery

bp = Blueprint("incidents", __name__, url_prefix="/incidents/<uuid:incident_id>")


@bp.get("")
@requires(Permission.SEE_INCIDENTS)
def show(incident_id: UUID) -> ResponseReturnValue:
    """Everything about one incident; `facts` names the version of the facts to show."""
    now, incident = utcnow(), visible_incident(incident_id)
    if incident.state == State.MERGED:
        return _merged(incident)
    shown = page(incident, version=request.args.get("facts", type=int), now=now)
    return render_template(
        "incident/incident.html", page=shown, incident=shown.incident, now=now, words=words,
        chain_words=chain_words, anchor=beside.anchor, kin=kin.of(incident),
    )  # fmt: skip


def _merged(incident: Incident) -> str:
    """What was merged has a short page of its own: where it goes on, and what it was."""
    entry, _reason = kin.merger_of(incident)
    carriers = related.carriers_of(incident)
    ids = [each.id for each in carriers]
    seen = {each.id for each in db.session.scalars(visible_incidents().where(Incident.id.in_(ids)))}
    reports = select(Report).where(Report.incident_id == incident.id).order_by(Report.received_at)
    return render_template(
        "incident/merged.html", incident=incident, entry=entry, carrier=carriers[-1], seen=seen,
        carriers=carriers, duties=owed.duties_of(incident), reports=db.session.scalars(reports).all(),
        messages=delivery.log_for(incident.chain), words=words,
        names={each.id: each.name for each in people.staff_of(incident.organisation_id)},
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
            owes_nothing_because=request.form.get("owes_nothing_because", ""), by=current_staff().name,
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
