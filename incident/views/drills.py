"""Drills: scenarios to start, the pretend phones and mailboxes of one that runs, and what came of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log1p
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import people
from accounts.models import Role, StaffMember
from accounts.permissions import Permission, current_staff, requires
from foundation import locales
from foundation.database import db, new_id, transaction, utcnow
from foundation.errors import Missing
from incident import drills, letters
from incident.access import locked_incident, visible_drills, visible_incident
from incident.drills import words
from incident.drills.people import made_up
from incident.models import Drill, Incident
from notifications import drilling, on_duty

bp = Blueprint("drills", __name__, url_prefix="/drills")
WIDTH = 1000  # of the picture
TICKS = (60, 600, 3600, 4 * 3600, 24 * 3600, 72 * 3600)  # seconds; shown where the scale reaches them
TAKES_PART = (Role.RESPONDER, Role.DPO)


@dataclass(frozen=True, slots=True)
class Bar:
    """One step in the picture: its measure, what it usually took, and where each lies on the scale."""

    measure: drills.Measure
    usual: float | None
    width: float
    target_x: float
    usual_x: float | None


@dataclass(frozen=True, slots=True)
class Picture:
    """The steps on one scale, which is drawn so that minutes and days can both be seen."""

    bars: list[Bar]
    ticks: list[tuple[float, int]]


@bp.get("")
@requires(Permission.SEE_INCIDENTS)
def index() -> ResponseReturnValue:
    """What runs, what came of earlier ones, and the scenarios."""
    staff, now = current_staff(), utcnow()
    on_call = set(on_duty.on_call(staff.organisation_id, now))
    colleagues = [each for each in people.staff_of(staff.organisation_id) if each.active]
    return render_template(
        "incident/drills.html", running=drills.running_now(visible_drills(), now=now),
        past=drills.past(visible_drills(), now=now),
        scenarios=drills.scenarios(), drill_id=new_id(), words=words, locale=locales.current(),
        colleagues=[each for each in colleagues if each.role in TAKES_PART], on_call=on_call,
    )  # fmt: skip


@bp.post("")
@requires(Permission.RUN_DRILLS)
def start() -> ResponseReturnValue:
    """Start a drill at once; the same form twice is one drill."""
    staff = current_staff()
    with transaction():
        made = drills.start(
            drills.scenario(request.form.get("scenario", "")), organisation_id=staff.organisation_id,
            taking_part=[_id(each) for each in request.form.getlist("taking_part")], by=staff.name,
            drill_id=_id(request.form.get("drill_id", "")), now=utcnow(),
        )  # fmt: skip
    flash(_("The drill runs. Look at the pretend phones: somebody is being called."), "success")
    return _back(made.incident_id)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Missing(_("The form does not say which.")) from None


@bp.get("/<uuid:incident_id>")
@requires(Permission.SEE_INCIDENTS)
def show(incident_id: UUID) -> ResponseReturnValue:
    """One drill: its phones and mailboxes, what was done by when, what was missed."""
    incident = visible_incident(incident_id)
    drill, now = _drill_of(incident), utcnow()
    outcome, usual = drills.outcome(incident, drill, now=now), drills.compare(drill)
    scenario = drills.read_scenario(drill.definition, drill.scenario)
    return render_template(
        "incident/drill.html", incident=incident, drill=drill, outcome=outcome,
        scenario=scenario, words=words, locale=locales.current(),
        devices=drilling.devices(incident.chain), picture=picture(outcome.measures, usual), now=now,
        taking_part=_names(drill),
    )  # fmt: skip


def _drill_of(incident: Incident) -> Drill:
    drill = drills.of_incident(incident)
    if drill is None:
        raise Missing(_("There is no such drill."))
    return drill


def _names(drill: Drill) -> list[str]:
    known = {str(each.id): each.name for each in people.staff_of(drill.organisation_id)}
    return [known[each] for each in drill.taking_part if each in known]


def picture(measures: Sequence[drills.Measure], usual: Mapping[str, float]) -> Picture:
    """Where each length of time lies on one scale; logarithmic, from nothing to the longest."""
    longest = max(
        [each.target for each in measures] + [each.after or 0 for each in measures] + [*usual.values()]
    )

    def x(seconds: float) -> float:
        return round(log1p(max(seconds, 0) / 60) / log1p(longest / 60) * WIDTH, 1)

    bars = [
        Bar(
            each, usual.get(each.step), x(each.after) if each.after is not None else 0.0, x(each.target),
            x(usual[each.step]) if each.step in usual else None,
        )
        for each in measures
    ]  # fmt: skip
    return Picture(bars, [(x(each), each) for each in TICKS if each <= longest])


@bp.post("/<uuid:incident_id>/answers")
@requires(Permission.ACKNOWLEDGE_PAGE)
def answer(incident_id: UUID) -> ResponseReturnValue:
    """Write back from a pretend phone, as its owner would."""
    message, body = _id(request.form.get("message", "")), request.form.get("body", "")[:200]
    with transaction():
        incident = locked_incident(incident_id)
        said = drilling.answer(incident.chain, message, body, now=utcnow())
    flash(
        _("Breachclock answers: %(text)s", text=said) if said else _("Breachclock stays silent."), "success"
    )
    return _back(incident_id)


@bp.get("/<uuid:incident_id>/people.csv")
@requires(Permission.SEE_INCIDENTS)
def made_up_people(incident_id: UUID) -> ResponseReturnValue:
    """A list of people who do not exist, for the communication of this drill."""
    incident = visible_incident(incident_id)
    drill = _drill_of(incident)
    scenario = drills.read_scenario(drill.definition, drill.scenario)
    staff: StaffMember = current_staff()
    text = made_up(scenario.people, letters.languages_of(staff.organisation))
    answer = Response("\ufeff" + text, mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{incident.number}-made-up-people.csv"'
    return answer


@bp.post("/<uuid:incident_id>/end")
@requires(Permission.RUN_DRILLS)
def end(incident_id: UUID) -> ResponseReturnValue:
    """End the drill, or add what was learned to one that has ended."""
    lesson = request.form.get("lesson", "")
    with transaction():
        incident = locked_incident(incident_id)
        before = _drill_of(incident).ended_at
        drills.end(incident, by=current_staff().name, lesson=lesson, now=utcnow())
    flash(_("Written down.") if before else _("The drill has ended. Its result is kept."), "success")
    return _back(incident_id)


def _back(incident_id: UUID) -> ResponseReturnValue:
    db.session.rollback()
    return redirect(url_for("drills.show", incident_id=incident_id), 303)
