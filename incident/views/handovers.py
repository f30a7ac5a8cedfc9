"""Handover notes: written by whose shift ends, for one incident or for all, and read by who comes on."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from accounts.models import StaffMember
from accounts.permissions import Permission, current_staff, requires
from foundation import locales
from foundation.database import db, transaction, utcnow
from foundation.errors import Missing, Refused
from incident import handovers, roles
from incident.access import locked_incident, visible_incident
from incident.models import Handover, Incident
from incident.roles import Given
from incident.rules.handover import LONGEST, Note
from incident.rules.roles import Role

bp = Blueprint("handovers", __name__, url_prefix="/handovers")
PARTS = ("done", "open", "watch")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A note to be written: what is in it now, what is wrong with it, whether the lead could go along."""

    handover: Handover
    incident: Incident
    note: Note
    faults: Mapping[str, str]
    leads: bool


@bp.get("")
@requires(Permission.SEE_INCIDENTS)
def index() -> ResponseReturnValue:
    """Every note that is asked of the reader, in one form, and every handover that they are to read."""
    staff, now = current_staff(), utcnow()
    sheets = [_sheet(each, incident) for each, incident in handovers.asked_of(staff, now)]
    return _page(sheets, staff)


def _page(sheets: list[Sheet], staff: StaffMember) -> str:
    return render_template(
        "incident/handovers.html", sheets=sheets, unread=handovers.unread_by(staff), longest=LONGEST,
        names=roles.names(staff.organisation_id), parts=PARTS, now=utcnow(),
    )  # fmt: skip


def _sheet(handover: Handover, incident: Incident) -> Sheet:
    note = handovers.summary(incident, handover, locale=locales.current())
    return Sheet(handover, incident, note, {}, _leads(incident))


def _leads(incident: Incident) -> bool:
    return incident.lead_id == current_staff().id


@bp.get("/<uuid:handover_id>")
@requires(Permission.SEE_INCIDENTS)
def show(handover_id: UUID) -> ResponseReturnValue:
    """One handover: the form for whose shift it was, else what was written or put together."""
    handover, staff, now = _found(handover_id), current_staff(), utcnow()
    incident = visible_incident(handover.incident_id)
    if handover.from_id == staff.id and handover.note is None:
        return _page([_sheet(handover, incident)], staff)
    return render_template(
        "incident/handover.html", handover=handover, incident=incident, staff=staff, now=now,
        names=roles.names(staff.organisation_id), said=handover.note or handover.summary,
        leads=incident.lead_id == staff.id,
    )  # fmt: skip


def _found(handover_id: UUID) -> Handover:
    found = db.session.scalars(select(Handover).where(Handover.id == handover_id)).one_or_none()
    if found is None:
        raise Missing(_("There is no such handover, or none that you may see."))
    return found


@bp.post("")
@requires(Permission.SEE_INCIDENTS)
def write() -> ResponseReturnValue:
    """Keep the notes of the form, all of them or none; on a fault what was typed stays on the page."""
    typed = {each: _typed(each) for each in dict.fromkeys(_ids(request.form.getlist("handover")))}
    if any(note.faults for note in typed.values()):
        return _again(typed), 422
    try:
        with transaction():
            for handover_id, note in typed.items():
                _write(handover_id, note)
    except Refused as refusal:
        flash(" ".join(filter(None, (refusal.message, refusal.next_step))), "danger")
        return _again(typed), refusal.status
    flash(_("Kept. Whoever comes on shift gets it."), "success")
    return redirect(url_for("next.index"), 303)


def _ids(told: list[str]) -> list[UUID]:
    try:
        return [UUID(each) for each in told]
    except ValueError:
        raise Missing(_("There is no such handover, or none that you may see.")) from None


def _typed(handover_id: UUID) -> Note:
    return Note.of({part: request.form.get(f"{part}-{handover_id}", "") for part in PARTS})


def _write(handover_id: UUID, note: Note) -> None:
    handover = _found(handover_id)
    incident = locked_incident(handover.incident_id)
    db.session.refresh(handover)
    staff, now = current_staff(), utcnow()
    handovers.write(handover, note, by=staff, now=now)
    if request.form.get(f"lead-{handover_id}") and _leads(incident):
        roles.give(incident, Given(Role.LEAD, handover.to_id, _("Change of shift")), by=staff, now=now)


def _again(typed: Mapping[UUID, Note]) -> str:
    sheets = []
    for handover_id, note in typed.items():
        handover = _found(handover_id)
        incident = visible_incident(handover.incident_id)
        sheets.append(Sheet(handover, incident, note, note.faults, _leads(incident)))
    return _page(sheets, current_staff())


@bp.post("/<uuid:handover_id>/reading")
@requires(Permission.SEE_INCIDENTS)
def read(handover_id: UUID) -> ResponseReturnValue:
    """Who came on has read it, and takes over the lead where they say so."""
    staff, now = current_staff(), utcnow()
    with transaction():
        handover = _found(handover_id)
        incident = locked_incident(handover.incident_id)
        db.session.refresh(handover)
        handovers.read(handover, by=staff, now=now)
        if request.form.get("lead"):
            roles.give(incident, Given(Role.LEAD, staff.id, _("Change of shift")), by=staff, now=now)
    flash(_("Read, and written into the record."), "success")
    return redirect(url_for("incidents.show", incident_id=incident.id), 303)
