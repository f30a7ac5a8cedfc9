"""Decisions of one incident: taken one by one, agreed to by a second person, withdrawn with a reason."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, requires
from foundation.database import transaction, utcnow
from foundation.errors import Invalid
from incident import advice as advising
from incident import assessment, decisions, owed
from incident.access import locked_incident, visible_incident
from incident.advice import Advised
from incident.forms import assessment as forms
from incident.forms import words
from incident.forms.fields import Sheet, sheet_of
from incident.models import ANSWERS, Incident, Question
from incident.views import beside

bp = Blueprint("decisions", __name__, url_prefix="/incidents/<uuid:incident_id>/decisions")


@bp.get("")
@requires(Permission.SEE_INCIDENTS)
def index(incident_id: UUID) -> ResponseReturnValue:
    """What was decided on each question, what waits, what held before; each beside the advice."""
    return _page(visible_incident(incident_id), Sheet())


@bp.post("")
@requires(Permission.ASSESS)
def create(incident_id: UUID) -> ResponseReturnValue:
    """Decide one question otherwise, or for the first time."""
    sheet = sheet_of(request.form)
    answer = forms.answer(sheet)
    if answer is None:
        return _page(visible_incident(incident_id), sheet), 422
    with transaction():
        incident = locked_incident(incident_id)
        judged = assessment.latest(incident)
        decisions.decide(incident, [answer], judged, by=current_staff(), now=utcnow())
    if answer.kind.needs_two:
        flash(_("It waits for a second person. Until then nothing changes: the duty is open."), "warning")
    else:
        flash(_("Decided. Duties and clocks follow it."), "success")
    return _back(incident_id)


@bp.post("/<uuid:decision_id>/agreement")
@requires(Permission.AGREE_TO_DECISION)
def agree(incident_id: UUID, decision_id: UUID) -> ResponseReturnValue:
    """The second person agrees: it is in force."""
    facts = request.form.get("facts_number", 0, type=int)
    with transaction():
        incident = locked_incident(incident_id)
        decision = decisions.of(incident, decision_id)
        decisions.agree(
            incident, decision, assessment.latest(incident), facts_number=facts, by=current_staff(),
            now=utcnow(),
        )  # fmt: skip
    flash(_("You agreed: the decision is in force."), "success")
    return _back(incident_id)


@bp.post("/<uuid:decision_id>/refusal")
@requires(Permission.AGREE_TO_DECISION)
def decline(incident_id: UUID, decision_id: UUID) -> ResponseReturnValue:
    """The second person does not agree: nothing changes."""
    reason = request.form.get("reason", "")
    with transaction():
        incident = locked_incident(incident_id)
        decision = decisions.of(incident, decision_id)
        decisions.decline(incident, decision, reason=reason, by=current_staff(), now=utcnow())
    flash(_("Not agreed. The duty stays open."), "success")
    return _back(incident_id)


@bp.post("/<uuid:decision_id>/withdrawal")
@requires(Permission.ASSESS)
def withdraw(incident_id: UUID, decision_id: UUID) -> ResponseReturnValue:
    """Taken back: the question is open again, and what is open is owed."""
    reason = request.form.get("reason", "")
    with transaction():
        incident = locked_incident(incident_id)
        decision = decisions.of(incident, decision_id)
        decisions.withdraw(
            incident, decision, assessment.latest(incident), reason=reason, by=current_staff(), now=utcnow()
        )
    flash(_("Withdrawn. The question is open again; what is open is owed."), "success")
    return _back(incident_id)


@bp.post("/<uuid:decision_id>/publication")
@requires(Permission.SEND_COMMUNICATION)
def publish(incident_id: UUID, decision_id: UUID) -> ResponseReturnValue:
    """People were told in public, art. 34(3)(c): the duty towards them is met."""
    sheet = sheet_of(request.form)
    at = sheet.time("at", beside.zone())
    if at is None:
        raise Invalid(" ".join(sheet.faults.get("at", [])) or _("Say when it was published."))
    with transaction():
        incident = locked_incident(incident_id)
        decision = decisions.of(incident, decision_id)
        decisions.published(
            incident, decision, where=sheet.one("where"), at=at, by=current_staff(), now=utcnow()
        )
    flash(_("Kept: the people were told in public."), "success")
    return _back(incident_id)


def _page(incident: Incident, sheet: Sheet) -> str:
    now = utcnow()
    advice = advising.advised(incident, now=now)
    document = advice.evaluation.document()
    return render_template(
        "incident/decisions.html", incident=incident, sheet=sheet, words=words, now=now,
        beside=beside.of(incident, advice, now=now), rows=beside.decisions_of(incident, advice),
        answers=ANSWERS, assessed=bool(assessment.assessments_of(incident)),
        advised={each: advising.kind_advised(document, each) for each in _asked(incident, advice)},
    )  # fmt: skip


def _asked(incident: Incident, advice: Advised) -> list[Question]:
    """The law's questions, and those of neighbouring regimes that have made a duty here."""
    owing = {each.regime for each in owed.duties_of(incident)}
    return [*advice.questions, *(each for each in Question if each.is_of_a_neighbour and each in owing)]


def _back(incident_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("incidents.show", incident_id=incident_id, _anchor="duties"), 303)
