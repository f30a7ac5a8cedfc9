"""Reports: typed in by a colleague, listed, and what a person does with one that nobody could read."""

import hashlib
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import Select, case, select

from accounts.permissions import Permission, current_staff, requires
from foundation import locales
from foundation.database import db, new_id, transaction, utcnow
from foundation.errors import Missing
from incident import quarantine, staff_reports
from incident.access import may_see
from incident.forms import words
from incident.forms.facts import LABELS, SECTIONS, told
from incident.forms.fields import Sheet, sheet_of
from incident.models import Incident, Processor, Report, ReportState
from incident.views import told as views_told

bp = Blueprint("reports", __name__, url_prefix="/reports")
bp.app_context_processor(views_told.for_pages)
A_PAGE = 50
FARTHEST = 10**9  # what a database takes as an offset


@bp.get("")
@requires(Permission.SEE_INCIDENTS)
def index() -> ResponseReturnValue:
    """All reports, those that want a person first."""
    first = min(max(request.args.get("from", 0, type=int), 0), FARTHEST)
    faulty_first = case((Report.state == ReportState.FAULTY, 0), else_=1)
    query = _visible().order_by(faulty_first, Report.received_at.desc()).offset(first).limit(A_PAGE + 1)
    rows = db.session.execute(query).all()
    more = first + A_PAGE if len(rows) > A_PAGE else None
    return render_template(
        "incident/reports.html", rows=rows[:A_PAGE], more=more, first=first, words=words,
        refused=quarantine.to_deal_with(current_staff().organisation_id),
    )  # fmt: skip


@bp.get("/new")
@requires(Permission.REPORT_INCIDENT)
def new() -> ResponseReturnValue:
    """The form: everything may be left open but a few words."""
    return _form(Sheet(typed={"form_id": [str(new_id())]}))


@bp.post("")
@requires(Permission.REPORT_INCIDENT)
def create() -> ResponseReturnValue:
    """Open an incident from what was typed; the same form twice is one incident."""
    sheet = sheet_of(request.form)
    document = told(sheet, locales.zone(), {}, now=utcnow())
    if document is None:
        return _form(sheet), 422
    report = staff_reports.FormReport(document, sheet.one("form_id")[:200], _processor_id(sheet))
    with transaction():
        incident_id = staff_reports.take_in(report, by=current_staff(), now=utcnow())
    flash(_("The incident is open and its clocks run. Whoever is on call is being told."), "success")
    return redirect(url_for("incidents.show", incident_id=incident_id), 303)


def _processor_id(sheet: Sheet) -> UUID | None:
    try:
        return UUID(sheet.one("processor_id"))
    except ValueError:
        return None


def _form(sheet: Sheet) -> str:
    known = db.session.scalars(select(Processor).order_by(Processor.name)).all()
    return render_template(
        "incident/report.html", sheet=sheet, sections=SECTIONS, processors=known, words=words, labels=LABELS
    )


@bp.get("/<uuid:report_id>")
@requires(Permission.SEE_INCIDENTS)
def show(report_id: UUID) -> ResponseReturnValue:
    """One report: who sent it, its bytes, and what was wrong with it."""
    row = db.session.execute(_visible().where(Report.id == report_id)).one_or_none()
    if row is None:
        raise Missing(_("There is no such report, or none that you may see."))
    text = row.Report.body.decode("utf-8", "replace")
    whole = hashlib.sha256(row.Report.body).hexdigest() == row.Report.body_sha256
    return render_template("incident/report_shown.html", row=row, text=text, whole=whole, words=words)


@bp.post("/<uuid:report_id>/incident")
@requires(Permission.REPORT_INCIDENT)
def open_incident(report_id: UUID) -> ResponseReturnValue:
    """Make an incident of a report that could not be read."""
    with transaction():
        incident_id = staff_reports.open_from_faulty(_locked(report_id), by=current_staff(), now=utcnow())
    flash(_("The incident is open. Enter the facts as you read them in the report."), "success")
    return redirect(url_for("incidents.show", incident_id=incident_id), 303)


@bp.post("/<uuid:report_id>/settlement")
@requires(Permission.TRIAGE)
def settle(report_id: UUID) -> ResponseReturnValue:
    """The report was dealt with in another way, for a reason."""
    reason = request.form.get("reason", "")
    with transaction():
        staff_reports.deal_with(_locked(report_id), reason=reason, by=current_staff(), now=utcnow())
    flash(_("Dealt with, and written into the record."), "success")
    return redirect(url_for("reports.show", report_id=report_id), 303)


def _locked(report_id: UUID) -> Report:
    wanted = _visible().where(Report.id == report_id).with_for_update(of=Report)
    row = db.session.execute(wanted.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise Missing(_("There is no such report, or none that you may see."))
    report: Report = row.Report
    return report


def _visible() -> Select[Report, Incident, str]:
    """Reports with their incident and their sender; those of an incident that is hidden are hidden too."""
    return (
        select(Report, Incident, Processor.name.label("processor"))
        .outerjoin(Incident, Incident.id == Report.incident_id)
        .outerjoin(Processor, Processor.id == Report.processor_id)
        .where(Report.incident_id.is_(None) | may_see(current_staff()))
    )
