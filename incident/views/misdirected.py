"""A message to the wrong recipient: one short page that makes the incident and leads to the decision."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, may, requires
from foundation import locales
from foundation.database import new_id, transaction, utcnow
from incident import staff_reports, triage
from incident.access import locked_incident
from incident.forms import misdirected as forms
from incident.forms import words
from incident.forms.fields import Sheet, sheet_of
from incident.rules.lifecycle import State

bp = Blueprint("misdirected", __name__, url_prefix="/wrong-recipient")
ELEMENTS = (
    "The three elements of art. 4(12) were ticked: security failed, data were disclosed, they are personal."
)


@bp.get("")
@requires(Permission.REPORT_INCIDENT)
def new() -> ResponseReturnValue:
    """Eight questions; everything may be left open but what went wrong."""
    return _form(Sheet(typed={"form_id": [str(new_id())]}))


@bp.post("")
@requires(Permission.REPORT_INCIDENT)
def create() -> ResponseReturnValue:
    """Open the incident, confirm it where the person may and says so, and go on to the decision."""
    sheet = sheet_of(request.form)
    document = forms.told(sheet, locales.zone(), now=utcnow())
    if document is None:
        return _form(sheet), 422
    with transaction():
        incident_id, confirmed = _open(sheet, document)
    if confirmed and may(current_staff(), Permission.ASSESS):
        flash(
            _("The incident is open and confirmed, and its clocks run. Now decide whom to tell."), "success"
        )
        return redirect(url_for("assessments.new", incident_id=incident_id), 303)
    flash(_("The incident is open and its clocks run. Whoever is on call is being told."), "success")
    return redirect(url_for("incidents.show", incident_id=incident_id), 303)


def _open(sheet: Sheet, document: dict[str, Any]) -> tuple[UUID, bool]:
    """The incident, and whether it is a confirmed breach; the same form twice is one incident."""
    by, now = current_staff(), utcnow()
    report = staff_reports.FormReport(document, sheet.one("form_id")[:200])
    incident = locked_incident(staff_reports.take_in(report, by=by, now=now))
    if incident.state == State.REPORTED and forms.elements(sheet) and may(by, Permission.TRIAGE):
        staff_reports.acknowledge(incident, by=by, now=now)  # who decides on it at once has it
        triage.confirm(incident, by=by.name, now=now, note=ELEMENTS)
    return incident.id, incident.state == State.CONFIRMED


def _form(sheet: Sheet) -> str:
    return render_template(
        "incident/misdirected.html", sheet=sheet, forms=forms, words=words, labels=forms.LABELS,
        may_confirm=may(current_staff(), Permission.TRIAGE),
    )  # fmt: skip
