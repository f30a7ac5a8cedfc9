"""New facts of one incident, entered by a colleague: a new version, never an edit of the old one."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from accounts.permissions import Permission, current_staff, requires
from foundation import locales
from foundation.database import db, transaction, utcnow
from incident import clocks, staff_reports
from incident.access import locked_incident, visible_incident
from incident.forms import words
from incident.forms.facts import FIELDS, LABELS, SECTIONS, told, written
from incident.forms.fields import Both, Sheet, merge, sheet_of
from incident.models import FactsVersion, Incident

bp = Blueprint("facts", __name__, url_prefix="/incidents/<uuid:incident_id>/facts")


@bp.get("/new")
@requires(Permission.TRIAGE)
def new(incident_id: UUID) -> ResponseReturnValue:
    """The form, filled in with the latest facts."""
    incident = visible_incident(incident_id)
    return _form(incident, written(clocks.document_of(incident), locales.zone()), incident.facts_number)


@bp.post("")
@requires(Permission.TRIAGE)
def create(incident_id: UUID) -> ResponseReturnValue:
    """Keep them as the next version; of two who changed the same version the second sees both."""
    incident, sheet = visible_incident(incident_id), sheet_of(request.form)
    after = request.form.get("after", incident.facts_number, type=int)
    document = told(sheet, locales.zone(), _document(incident, after))
    if document is None or not _has_reason(sheet):
        return _form(incident, sheet, after), 422
    try:
        _learn(incident_id, document, sheet, after)
    except staff_reports.Conflict:
        return _conflict(visible_incident(incident_id), sheet, after), 409
    flash(_("Kept as a new version; the clocks follow the facts."), "success")
    return redirect(url_for("incidents.show", incident_id=incident_id, _anchor="facts"), 303)


def _learn(incident_id: UUID, document: dict[str, Any], sheet: Sheet, after: int) -> None:
    with transaction():
        staff_reports.learn(
            locked_incident(incident_id), document, after=after, reason=sheet.one("reason"),
            by=current_staff().name, now=utcnow(),
        )  # fmt: skip


def _has_reason(sheet: Sheet) -> bool:
    if not sheet.one("reason").strip():
        sheet.fault("reason", _("Say where the new facts come from."))
    return not sheet.faults


def _document(incident: Incident, number: int) -> dict[str, Any]:
    """The facts of that version; the latest where there is no such version."""
    wanted = select(FactsVersion).where(
        FactsVersion.incident_id == incident.id,
        FactsVersion.number == min(max(number, 0), incident.facts_number),
    )
    found = db.session.scalars(wanted).one_or_none()
    return found.facts if found else clocks.document_of(incident)


def _conflict(incident: Incident, mine: Sheet, after: int) -> str:
    """My changes on top of what was saved meanwhile, to be looked at and sent again."""
    zone = locales.zone()
    base, theirs = written(_document(incident, after), zone), written(clocks.document_of(incident), zone)
    merged, both = merge(FIELDS, base, theirs, mine)
    return _form(incident, merged, incident.facts_number, both)


def _form(incident: Incident, sheet: Sheet, after: int, both: list[Both] | None = None) -> str:
    return render_template(
        "incident/facts.html", incident=incident, sheet=sheet, sections=SECTIONS, after=after, words=words,
        both=both, labels=LABELS,
    )  # fmt: skip
