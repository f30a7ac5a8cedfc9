"""Steps of the playbooks of one incident, and taking the call about it."""

from uuid import UUID

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, requires
from foundation.database import transaction, utcnow
from foundation.errors import Missing
from incident import staff_reports
from incident.access import locked_incident
from playbooks import runs

bp = Blueprint("steps", __name__, url_prefix="/incidents/<uuid:incident_id>")


@bp.post("/steps/<uuid:step_id>/completion")
@requires(Permission.COMPLETE_STEPS)
def complete(incident_id: UUID, step_id: UUID) -> ResponseReturnValue:
    """Somebody did the step."""
    note = request.form.get("note", "").strip()
    with transaction():
        if _is_open(incident_id, step_id):
            staff = current_staff()
            runs.complete_step(step_id, by=staff.name, staff_id=staff.id, note=note, now=utcnow())
    flash(_("Done, and written into the record."), "success")
    return _back(incident_id)


@bp.post("/steps/<uuid:step_id>/omission")
@requires(Permission.COMPLETE_STEPS)
def skip(incident_id: UUID, step_id: UUID) -> ResponseReturnValue:
    """The step is left out, for a reason."""
    reason = request.form.get("reason", "")
    with transaction():
        if _is_open(incident_id, step_id):
            runs.skip_step(step_id, by=current_staff().name, reason=reason, now=utcnow())
    flash(_("Left out, with its reason in the record."), "success")
    return _back(incident_id)


def _is_open(incident_id: UUID, step_id: UUID) -> bool:
    """Whether the step of this incident waits to be done; false for a form sent twice. Raises: Missing."""
    incident = locked_incident(incident_id)
    step = next((each for each in runs.steps_for(incident.chain) if each.id == step_id), None)
    if step is None:
        raise Missing(_("There is no such step."))
    return step.state == "open" or step.done_by != current_staff().name


@bp.post("/acknowledgements")
@requires(Permission.ACKNOWLEDGE_PAGE)
def acknowledge(incident_id: UUID) -> ResponseReturnValue:
    """I have it: nobody else is called."""
    with transaction():
        staff_reports.acknowledge(locked_incident(incident_id), by=current_staff(), now=utcnow())
    flash(_("It is yours. Nobody else is called; reminders of what is due go on."), "success")
    return redirect(url_for("incidents.show", incident_id=incident_id), 303)


def _back(incident_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("incidents.show", incident_id=incident_id, _anchor="steps"), 303)
