"""The assessment of one incident: judged beside the advice, decided by a named person."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, requires
from foundation.database import transaction, utcnow
from foundation.errors import Invalid, NotAllowed, Refused
from incident import advice as advising
from incident import assessment, decisions, figures
from incident.access import locked_incident, visible_incident
from incident.assessment import Verdict
from incident.forms import assessment as forms
from incident.forms import words
from incident.forms.fields import Sheet, sheet_of
from incident.models import DecisionState, Incident
from incident.views import beside

bp = Blueprint("assessments", __name__, url_prefix="/incidents/<uuid:incident_id>/assessments")


@bp.get("/new")
@requires(Permission.ASSESS)
def new(incident_id: UUID) -> ResponseReturnValue:
    """The form, with the advice beside it."""
    incident = visible_incident(incident_id)
    advice = advising.advised(incident, now=utcnow())
    return _form(incident, forms.prefilled(advice, decisions.holding(incident)))


@bp.post("")
@requires(Permission.ASSESS)
def create(incident_id: UUID) -> ResponseReturnValue:
    """Record it; what was typed comes back with whatever stands against it."""
    sheet, incident = sheet_of(request.form), visible_incident(incident_id)
    verdict = forms.verdict(sheet, advising.advised(incident, now=utcnow()).questions)
    if verdict is None:
        return _form(incident, sheet), 422
    try:
        waits = _record(incident_id, verdict)
    except Refused as refusal:
        return _refused(incident_id, sheet, refusal)
    if waits:
        flash(_("Recorded. Not to tell waits for a second person; until then the duty is open."), "warning")
    else:
        flash(_("Recorded. The duties that follow stand below with their due times."), "success")
    return redirect(url_for("incidents.show", incident_id=incident_id, _anchor="duties"), 303)


@bp.post("/figures")
@requires(Permission.ASSESS)
def figure(incident_id: UUID) -> ResponseReturnValue:
    """Set a figure of the severity, with a reason; left empty the rules' own holds again."""
    name, reason = request.form.get("figure", ""), request.form.get("reason", "")
    value = _number(request.form.get("value", ""))
    with transaction():
        incident = locked_incident(incident_id)
        rules = advising.advised(incident, now=utcnow()).evaluation.judgement.severity
        figures.override(incident, name, value, reason, current_staff(), utcnow(), rules=rules)
    flash(_("Set. The rules' own figure stays shown beside it."), "success")
    return redirect(url_for("incidents.show", incident_id=incident_id, _anchor="advice"), 303)


def _number(text: str) -> float | None:
    """A figure as people type it, with a point or a comma; none for nothing. Raises: Invalid."""
    told = text.strip().replace(",", ".")
    if not told:
        return None
    try:
        return float(told)
    except ValueError:
        raise Invalid(_("A figure is expected, as 0.75.")) from None


def _record(incident_id: UUID, verdict: Verdict) -> bool:
    """Record it; whether something of it waits for a second person."""
    after, facts = (request.form.get(name, 0, type=int) for name in ("after", "facts_number"))
    with transaction():
        incident = locked_incident(incident_id)
        assessment.record(
            incident, verdict, after=after, facts_number=facts, by=current_staff(), now=utcnow()
        )
        return any(each.state == DecisionState.PENDING for each in decisions.of_incident(incident))


def _refused(incident_id: UUID, sheet: Sheet, refusal: Refused) -> ResponseReturnValue:
    """The form once more with the refusal on it; it is then about what holds now."""
    incident = visible_incident(incident_id)
    if not isinstance(refusal, (Invalid, NotAllowed)):
        sheet.typed.pop("after", None)
        sheet.typed.pop("facts_number", None)
    sheet.fault("", " ".join(filter(None, (refusal.message, refusal.next_step))))
    return _form(incident, sheet), refusal.status


def _form(incident: Incident, sheet: Sheet) -> str:
    now = utcnow()
    advice = advising.advised(incident, now=now)
    document = advice.evaluation.document()
    return render_template(
        "incident/assessment.html", incident=incident, sheet=sheet, words=words, now=now,
        judged=forms.JUDGED, seen=assessment.seen(incident), beside=beside.of(incident, advice, now=now),
        questions={
            each: (forms.choices(each), advising.kind_advised(document, each)) for each in advice.questions
        },
        assessments=assessment.assessments_of(incident), waiting=decisions.waiting(incident),
    )  # fmt: skip
