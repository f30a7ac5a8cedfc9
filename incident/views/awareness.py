"""When we became aware: fixed or corrected in two steps, the second of which shows what moves."""

from datetime import datetime
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, requires
from foundation import locales
from foundation.database import transaction, utcnow
from foundation.errors import Invalid
from incident import advice as advising
from incident import clocks, triage
from incident.access import locked_incident, visible_incident
from incident.forms import words
from incident.forms.fields import Sheet, local_text, sheet_of
from incident.models import Incident
from incident.rules.held_back import held_back
from incident.triage.awareness import Preview

bp = Blueprint("awareness", __name__, url_prefix="/incidents/<uuid:incident_id>/awareness")


@bp.get("")
@requires(Permission.CORRECT_AWARENESS)
def edit(incident_id: UUID) -> ResponseReturnValue:
    """The form, with the moment that holds."""
    incident, sheet = visible_incident(incident_id), Sheet()
    if incident.aware_at:
        text, fold = local_text(incident.aware_at, locales.zone())
        sheet.typed = {"at": [text], "at.fold": [] if fold is None else [str(fold)]}
    return _form(incident, sheet)


@bp.post("")
@requires(Permission.CORRECT_AWARENESS)
def create(incident_id: UUID) -> ResponseReturnValue:
    """First show what moves; sent again with the confirmation, save it."""
    incident, sheet = visible_incident(incident_id), sheet_of(request.form)
    at = _moment(incident, sheet)
    if not _is_complete(sheet) or at is None or not sheet.one("confirmed"):
        return _preview(incident, sheet, at)
    try:
        _fix(incident_id, at, sheet)
    except Invalid:
        return _preview(visible_incident(incident_id), sheet, at)
    flash(_("Awareness is fixed. Clocks, duties and reminders follow it."), "success")
    return redirect(url_for("incidents.show", incident_id=incident_id), 303)


def _fix(incident_id: UUID, at: datetime, sheet: Sheet) -> None:
    after, staff = request.form.get("after", 0, type=int), current_staff()
    with transaction():
        triage.fix_awareness(
            locked_incident(incident_id), at, reason=sheet.one("reason"), after=after, by=staff.name,
            now=utcnow(),
        )  # fmt: skip


def _is_complete(sheet: Sheet) -> bool:
    if not sheet.one("at").strip():
        sheet.fault("at", _("Say when."))
    if not sheet.one("reason").strip():
        sheet.fault("reason", _("Say why: it is the first thing an authority asks."))
    return not sheet.faults


def _moment(incident: Incident, sheet: Sheet) -> datetime | None:
    """The moment that is typed; left as it was it stays so, to the second."""
    at, held = sheet.time("at", locales.zone()), incident.aware_at
    if at and held and at == held.replace(second=0, microsecond=0):
        return held
    return at


def _preview(incident: Incident, sheet: Sheet, at: datetime | None) -> ResponseReturnValue:
    """The form once more, with what would move, or with what is wrong."""
    if at is None or sheet.faults:
        return _form(incident, sheet), 422
    try:
        return _form(incident, sheet, at, triage.preview(incident, at, now=utcnow()))
    except Invalid as refusal:
        sheet.fault("at", " ".join(filter(None, (refusal.message, refusal.next_step))))
        return _form(incident, sheet), 422


def _form(
    incident: Incident, sheet: Sheet, at: datetime | None = None, preview: Preview | None = None
) -> str:
    rows = triage.awareness_rows(incident)
    advice, moved = advising.advised(incident, now=utcnow()), preview.clocks if preview else ()
    kinds = {each.kind for each in moved}
    return render_template(
        "incident/awareness.html", incident=incident, sheet=sheet, preview=preview, rows=rows, words=words,
        filed_by=triage.first_filing(incident), at=at, now=utcnow(),
        still=[each for each in clocks.running(incident.id) if each.kind not in kinds],
        held_back=held_back(advice.evaluation.facts, advice.evaluation.awareness),
    )  # fmt: skip
