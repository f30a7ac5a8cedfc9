"""One step that wants more than a click: its evidence, the approval of a second person; and a new one."""

from datetime import timedelta
from io import BytesIO
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import people
from accounts.permissions import Permission, current_staff, requires
from foundation import locales
from foundation.database import transaction, utcnow
from foundation.errors import Invalid, Missing
from incident.access import locked_incident, visible_incident
from incident.forms import words
from incident.forms.fields import Sheet, sheet_of
from playbooks import runs
from playbooks.runs import Attached, StepView

bp = Blueprint("step", __name__, url_prefix="/incidents/<uuid:incident_id>/steps")
REMIND = (24, 4, 1)  # hours before it is due that the form offers


@bp.get("/<uuid:step_id>")
@requires(Permission.SEE_INCIDENTS)
def show(incident_id: UUID, step_id: UUID) -> ResponseReturnValue:
    """All of one step: what it asks, what was shown for it, and who has yet to do what."""
    return _page(incident_id, step_id, Sheet())


@bp.post("/<uuid:step_id>/evidence")
@requires(Permission.COMPLETE_STEPS)
def hand_in(incident_id: UUID, step_id: UUID) -> ResponseReturnValue:
    """It is done, and this shows it: done at once, or handed in for a second person."""
    sheet, staff = sheet_of(request.form), current_staff()
    files = [
        Attached(each.filename or "", each.read()) for each in request.files.getlist("file") if each.filename
    ]
    try:
        with transaction():
            step = _of(locked_incident(incident_id).chain, step_id)
            if not _said_already(step):
                runs.complete_step(
                    step_id, by=staff.name, staff_id=staff.id, now=utcnow(), note=sheet.one("note").strip(),
                    evidence=sheet.one("evidence"), files=files,
                )  # fmt: skip
    except Invalid as refusal:
        sheet.fault("evidence", f"{refusal.message} {refusal.next_step or ''}".strip())
        return _page(incident_id, step_id, sheet)
    if step.definition.approval:
        flash(_("Handed in. It is done once a second person approves it."), "success")
    else:
        flash(_("Done, and written into the record."), "success")
    return _back(incident_id)


def _said_already(step: StepView) -> bool:
    """Whether this very person has said so before: a form sent twice."""
    staff = current_staff()
    return step.handed_in_by_id == staff.id or (step.state == "done" and step.done_by == staff.name)


@bp.post("/<uuid:step_id>/approval")
@requires(Permission.COMPLETE_STEPS)
def approve(incident_id: UUID, step_id: UUID) -> ResponseReturnValue:
    """A second person has looked at it and agrees."""
    staff = current_staff()
    with transaction():
        step = _of(locked_incident(incident_id).chain, step_id)
        if step.approved_by != staff.name:
            runs.approve_step(step_id, staff_id=staff.id, by=staff.name, now=utcnow())
    flash(_("Approved: the step is done."), "success")
    return _back(incident_id)


@bp.post("/<uuid:step_id>/return")
@requires(Permission.COMPLETE_STEPS)
def send_back(incident_id: UUID, step_id: UUID) -> ResponseReturnValue:
    """What was handed in does not do, for a reason."""
    with transaction():
        _of(locked_incident(incident_id).chain, step_id)
        runs.send_step_back(
            step_id, by=current_staff().name, reason=request.form.get("reason", ""), now=utcnow()
        )
    flash(_("Sent back, with its reason in the record."), "success")
    return _back(incident_id)


@bp.get("/<uuid:step_id>/files/<uuid:file_id>")
@requires(Permission.SEE_INCIDENTS)
def evidence(incident_id: UUID, step_id: UUID, file_id: UUID) -> ResponseReturnValue:
    """A file as it was uploaded; always a download, never shown in the page."""
    name, content = runs.evidence_file(visible_incident(incident_id).chain, step_id, file_id)
    return send_file(
        BytesIO(content), mimetype="application/octet-stream", as_attachment=True, download_name=name,
        etag=False,
    )  # fmt: skip


# --- a step that no playbook has ----------------------------------------------------------------


@bp.get("/new")
@requires(Permission.COMPLETE_STEPS)
def new(incident_id: UUID) -> ResponseReturnValue:
    """The form."""
    return _form(
        incident_id, Sheet(typed={"remind": [str(each) for each in REMIND[1:]], "role": ["on_call"]})
    )


@bp.post("/new")
@requires(Permission.COMPLETE_STEPS)
def add(incident_id: UUID) -> ResponseReturnValue:
    """Add a step to what runs."""
    sheet, staff = sheet_of(request.form), current_staff()
    due_at = sheet.time("due_at", locales.zone())
    if due_at is None and "due_at" not in sheet.faults:
        sheet.fault("due_at", _("Say by when it must be done."))
    if due_at is None:
        return _form(incident_id, sheet)
    try:
        with transaction():
            runs.add_step(
                locked_incident(incident_id).chain, title=sheet.one("title"), role=sheet.one("role"),
                due_at=due_at, done_when=sheet.one("done_when"), reminders=_reminders(sheet),
                owner_id=_owner(sheet), evidence=sheet.one("evidence"), approval=bool(sheet.one("approval")),
                gate="closing" if sheet.one("gate") else "", by=staff.name, now=utcnow(),
            )  # fmt: skip
    except Invalid as refusal:
        sheet.fault("", refusal.message)
        return _form(incident_id, sheet)
    flash(_("Added. It is reminded of like every other step."), "success")
    return _back(incident_id)


def _reminders(sheet: Sheet) -> list[timedelta]:
    return [timedelta(hours=-hours) for hours in REMIND if str(hours) in sheet.all("remind")]


def _owner(sheet: Sheet) -> UUID | None:
    """Whom the form names, of this organisation only."""
    mine = {str(each.id): each.id for each in people.staff_of(current_staff().organisation_id) if each.active}
    return mine.get(sheet.one("owner"))


def _form(incident_id: UUID, sheet: Sheet) -> ResponseReturnValue:
    staff = [each for each in people.staff_of(current_staff().organisation_id) if each.active]
    page = render_template(
        "incident/step_new.html", incident=visible_incident(incident_id), sheet=sheet, words=words,
        remind=REMIND, colleagues=[each for each in staff if each.role not in ("none", "auditor")],
    )  # fmt: skip
    return page, 422 if sheet.faults else 200


def _page(incident_id: UUID, step_id: UUID, sheet: Sheet) -> ResponseReturnValue:
    incident = visible_incident(incident_id)
    page = render_template(
        "incident/step.html", incident=incident, step=_of(incident.chain, step_id), sheet=sheet, words=words,
        now=utcnow(), me=current_staff(),
    )  # fmt: skip
    return page, 422 if sheet.faults else 200


def _of(chain: str, step_id: UUID) -> StepView:
    found = next((each for each in runs.steps_for(chain) if each.id == step_id), None)
    if found is None:
        raise Missing(_("There is no such step."))
    return found


def _back(incident_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("incidents.show", incident_id=incident_id, _anchor="steps"), 303)
