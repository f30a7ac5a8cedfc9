"""What is recorded of a duty by hand: a stage that was filed, a classification, reasons for a delay."""

from datetime import datetime
from uuid import UUID

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, requires
from foundation.database import transaction, utcnow
from foundation.errors import Invalid
from incident import authority_notification, delays, neighbours
from incident.access import locked_incident
from incident.forms.fields import Sheet, sheet_of
from incident.views import beside

bp = Blueprint("duties", __name__, url_prefix="/incidents/<uuid:incident_id>/duties")


@bp.post("/stages/<uuid:stage_id>/filing")
@requires(Permission.FILE_NOTIFICATION)
def file_stage(incident_id: UUID, stage_id: UUID) -> ResponseReturnValue:
    """A stage was filed by a person, outside: when, under which reference, with which receipt."""
    sheet = sheet_of(request.form)
    part = neighbours.Part(_time(sheet), sheet.one("reference"), *_receipt())
    with transaction():
        neighbours.file_stage(locked_incident(incident_id), stage_id, part, by=current_staff(), now=utcnow())
    flash(_("Kept, with its proof. What starts at this filing runs now."), "success")
    return _back(incident_id)


@bp.post("/classification")
@requires(Permission.ASSESS)
def classify(incident_id: UUID) -> ResponseReturnValue:
    """It was classified as major, at a moment and for a reason."""
    sheet = sheet_of(request.form)
    with transaction():
        neighbours.classify(
            locked_incident(incident_id), _time(sheet), reason=sheet.one("reason"), by=current_staff(),
            now=utcnow(),
        )  # fmt: skip
    flash(_("Kept. What counts from the classification follows it."), "success")
    return _back(incident_id)


@bp.post("/<uuid:duty_id>/reasons")
@requires(Permission.PREPARE_NOTIFICATION)
def add_reason(incident_id: UUID, duty_id: UUID) -> ResponseReturnValue:
    """Why it takes so long, as far as it is known now."""
    with transaction():
        incident = locked_incident(incident_id)
        duty = authority_notification.duty_of(incident, duty_id)
        delays.add_reason(incident, duty, request.form.get("text", ""), by=current_staff(), now=utcnow())
    flash(_("Written down. Add to it as more becomes known."), "success")
    return redirect(url_for("authority_notifications.index", incident_id=incident_id), 303)


def _time(sheet: Sheet) -> datetime:
    at = sheet.time("at", beside.zone())
    if at is None:
        raise Invalid(" ".join(sheet.faults.get("at", [])) or _("Say when."))
    return at


def _receipt() -> tuple[str, bytes]:
    file = request.files.get("receipt")
    return (file.filename or "receipt", file.read()) if file and file.filename else ("", b"")


def _back(incident_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("incidents.show", incident_id=incident_id, _anchor="duties"), 303)
