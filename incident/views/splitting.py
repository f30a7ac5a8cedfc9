"""Making an incident of its own from part of another one: which reports, which facts, and why."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from accounts.permissions import Permission, current_staff, requires
from foundation import locales
from foundation.database import db, new_id, transaction, utcnow
from incident import meeting, splitting
from incident.access import locked_incidents, visible_incident
from incident.forms import words
from incident.forms.facts import LABELS, SECTIONS, told, written
from incident.forms.fields import Sheet, sheet_of
from incident.merging import told_already
from incident.models import FactsVersion, Incident, Report

bp = Blueprint("splitting", __name__, url_prefix="/incidents/<uuid:incident_id>/split")


@bp.get("")
@requires(Permission.TRIAGE)
def new(incident_id: UUID) -> ResponseReturnValue:
    """The form, filled in with the facts of one version; `facts` names it, the latest holds otherwise."""
    incident = visible_incident(incident_id)
    meeting.refuse_when_over(incident)
    version = _version(incident, request.args.get("facts", incident.facts_number, type=int))
    sheet = written(version.facts, locales.zone())
    sheet.typed |= {"form_id": [str(new_id())], "base": [str(version.number)]}
    return _page(incident, sheet, version)


@bp.post("")
@requires(Permission.TRIAGE)
def create(incident_id: UUID) -> ResponseReturnValue:
    """Open the new incident; the same form twice opens one."""
    incident, sheet = visible_incident(incident_id), sheet_of(request.form)
    base = sheet.one("base")
    version = _version(incident, int(base) if base.isascii() and base.isdigit() else incident.facts_number)
    document = told(sheet, locales.zone(), version.facts, now=utcnow())
    if not sheet.one("split_reason").strip():
        sheet.fault("split_reason", _("Say why it is another breach: it stands in both records."))
    if document is None or sheet.faults:
        return _page(incident, sheet, version), 422
    part = splitting.Part(document, _ids(sheet), sheet.one("split_reason"), sheet.one("form_id")[:200])
    with transaction():
        (source,) = locked_incidents(incident_id)  # the organisation first, whose number it takes
        made = splitting.split(source, part, by=current_staff(), now=utcnow())
    flash(_("Split. The new incident was known no later, and its clocks run."), "success")
    return redirect(url_for("incidents.show", incident_id=made), 303)


def _ids(sheet: Sheet) -> list[UUID]:
    found = []
    for text in sheet.all("reports"):
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


def _version(incident: Incident, number: int) -> FactsVersion:
    """That version of the facts; the latest where there is no such version."""
    mine = select(FactsVersion).where(FactsVersion.incident_id == incident.id).order_by(FactsVersion.number)
    versions = db.session.scalars(mine).all()
    return next((each for each in versions if each.number == number), versions[-1])


def _page(incident: Incident, sheet: Sheet, version: FactsVersion) -> str:
    versions = select(FactsVersion).where(FactsVersion.incident_id == incident.id)
    reports = select(Report).where(Report.incident_id == incident.id).order_by(Report.received_at)
    return render_template(
        "incident/split.html", incident=incident, sheet=sheet, version=version, sections=SECTIONS,
        versions=db.session.scalars(versions.order_by(FactsVersion.number)).all(),
        reports=db.session.scalars(reports).all(), words=words,
        labels={**LABELS, "/split_reason": _("Reason")}, told=_told(incident),
    )  # fmt: skip


def _told(incident: Incident) -> list[tuple[str, int, int]]:
    """Who was told already under this incident or its kin: number of the incident, communication, people."""
    own = splitting.communications_of(incident)
    return [*own, *((each.incident_number, each.number, each.people) for each in told_already(incident))]
