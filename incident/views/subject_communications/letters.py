"""The texts of a communication: written per language, drafted in one more or for another kind of breach."""

from uuid import UUID

from flask import flash, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, requires
from foundation.database import transaction, utcnow
from incident import subject_communication
from incident.access import locked_incident, visible_incident
from incident.views import communication_texts
from incident.views.subject_communications.blueprint import back, bp, named, seen


@bp.get("/<uuid:communication_id>/letters/<locale>")
@requires(Permission.SEE_INCIDENTS)
def letter(incident_id: UUID, communication_id: UUID, locale: str) -> ResponseReturnValue:
    """The text in one language, to be edited by whoever may, with what is found in it and the facts."""
    incident = visible_incident(incident_id)
    return communication_texts.editor(incident, named(incident, communication_id), locale)


@bp.post("/<uuid:communication_id>/letters/<locale>")
@requires(Permission.PREPARE_COMMUNICATION)
def write(incident_id: UUID, communication_id: UUID, locale: str) -> ResponseReturnValue:
    """Save a text; an approval of another text is void."""
    with transaction():
        incident = locked_incident(incident_id)
        changed = subject_communication.set_texts(
            incident, named(incident, communication_id), locale, request.form.to_dict(), seen=seen(),
            by=current_staff(), now=utcnow(),
        )  # fmt: skip
    flash(_("Saved.") if changed else _("Nothing was changed."), "success")
    return back(incident_id, communication_id)


@bp.post("/<uuid:communication_id>/letters")
@requires(Permission.PREPARE_COMMUNICATION)
def add_language(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    """Draft the text in one more language."""
    with transaction():
        incident = locked_incident(incident_id)
        subject_communication.add_language(
            incident, named(incident, communication_id), request.form.get("locale", ""), seen=seen(),
            by=current_staff(), now=utcnow(),
        )  # fmt: skip
    return back(incident_id, communication_id)


@bp.post("/<uuid:communication_id>/kind")
@requires(Permission.PREPARE_COMMUNICATION)
def set_kind(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    """Draft every text anew for another kind of breach."""
    with transaction():
        incident = locked_incident(incident_id)
        changed = subject_communication.set_kind(
            incident, named(incident, communication_id), request.form.get("kind", ""), seen=seen(),
            by=current_staff(), now=utcnow(),
        )  # fmt: skip
    flash(_("Every text was drafted anew.") if changed else _("Nothing was changed."), "success")
    return back(incident_id, communication_id)
