"""The assessment of one incident: judged beside the advice, decided by a named person."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, may, requires
from foundation.database import transaction, utcnow
from foundation.errors import Invalid, NotAllowed, Refused
from incident import assessment
from incident.access import locked_incident, visible_incident
from incident.forms import assessment as forms
from incident.forms import words
from incident.forms.facts import label_of
from incident.forms.fields import Sheet, sheet_of
from incident.models import Incident

bp = Blueprint("assessments", __name__, url_prefix="/incidents/<uuid:incident_id>/assessments")


@bp.get("/new")
@requires(Permission.ASSESS)
def new(incident_id: UUID) -> ResponseReturnValue:
    """The form, with the advice beside it."""
    incident = visible_incident(incident_id)
    return _form(incident, forms.prefilled(assessment.advised(incident, now=utcnow())))


@bp.post("")
@requires(Permission.ASSESS)
def create(incident_id: UUID) -> ResponseReturnValue:
    """Record it; what was typed comes back with whatever stands against it."""
    sheet = sheet_of(request.form)
    decision = forms.decision(sheet)
    if decision is None:
        return _form(visible_incident(incident_id), sheet), 422
    try:
        _record(incident_id, decision)
    except Refused as refusal:
        return _refused(incident_id, sheet, refusal)
    flash(_("Recorded. The duties that follow stand below with their due times."), "success")
    return redirect(url_for("incidents.show", incident_id=incident_id, _anchor="duties"), 303)


def _record(incident_id: UUID, decision: assessment.Decision) -> None:
    after, facts = (request.form.get(name, 0, type=int) for name in ("after", "facts_number"))
    with transaction():
        assessment.record(
            locked_incident(incident_id), decision, after=after, facts_number=facts, by=current_staff(),
            now=utcnow(),
        )  # fmt: skip


def _refused(incident_id: UUID, sheet: Sheet, refusal: Refused) -> ResponseReturnValue:
    """The form once more with the refusal on it; it is then about what holds now."""
    incident = visible_incident(incident_id)
    if not isinstance(refusal, (Invalid, NotAllowed)):
        sheet.typed.pop("after", None)
    sheet.fault("", " ".join(filter(None, (refusal.message, refusal.next_step))))
    return _form(incident, sheet), refusal.status


def _form(incident: Incident, sheet: Sheet) -> str:
    advice = assessment.advised(incident, now=utcnow())
    return render_template(
        "incident/assessment.html", incident=incident, sheet=sheet, advice=advice, words=words,
        answers=forms.ANSWERS, assessments=assessment.assessments_of(incident),
        unknown=[label_of(pointer) for pointer in advice.evaluation.unknown], now=utcnow(),
        may_waive=may(current_staff(), Permission.APPROVE_NOTIFICATION),
    )  # fmt: skip
