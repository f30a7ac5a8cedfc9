"""Holding a sending, letting it go on, ending it, and deciding about messages that nobody knows of."""

from collections.abc import Callable
from uuid import UUID

from flask import flash, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, requires
from foundation.database import transaction, utcnow
from incident import subject_communication
from incident.access import locked_incident
from incident.views.subject_communications.blueprint import back, bp, named


def _decided(stage: Callable[..., object], incident_id: UUID, communication_id: UUID) -> None:
    """What whoever is signed in decides about a communication, with the reason they typed."""
    with transaction():
        incident = locked_incident(incident_id)
        why, by = request.form.get("why", ""), current_staff()
        stage(incident, named(incident, communication_id), why=why, by=by, now=utcnow())


@bp.post("/<uuid:communication_id>/pause")
@requires(Permission.PREPARE_COMMUNICATION)
def pause(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    """Hold what has not gone yet: whoever sees that something is wrong may."""
    _decided(subject_communication.pause, incident_id, communication_id)
    flash(_("Paused. What a provider was given before arrives; nothing more goes."), "success")
    return back(incident_id, communication_id)


@bp.post("/<uuid:communication_id>/resumption")
@requires(Permission.SEND_COMMUNICATION)
def resume(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    """Let it go on, with the next person."""
    _decided(subject_communication.resume, incident_id, communication_id)
    flash(_("It goes on with the next person. Nobody is written to twice."), "success")
    return back(incident_id, communication_id)


@bp.post("/<uuid:communication_id>/end")
@requires(Permission.SEND_COMMUNICATION)
def stop(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    """End it for good; whom it has not told is left to people."""
    _decided(subject_communication.stop, incident_id, communication_id)
    flash(_("Stopped. Whom it has not told is on the manual list."), "success")
    return back(incident_id, communication_id)


@bp.post("/<uuid:communication_id>/rest")
@requires(Permission.APPROVE_COMMUNICATION)
def leave_rest(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    """Say why the people of the lists whom no communication tells need not be told."""
    _decided(subject_communication.leave_rest, incident_id, communication_id)
    flash(_("The duty is met; the reason stands in the record."), "success")
    return back(incident_id, communication_id)


@bp.post("/<uuid:communication_id>/still-true")
@requires(Permission.APPROVE_COMMUNICATION)
def say_still_true(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    """Say why what people were told needs no correction though facts have changed."""
    _decided(subject_communication.say_still_true, incident_id, communication_id)
    flash(_("Kept as true; the reason stands in the record."), "success")
    return back(incident_id, communication_id)


@bp.post("/<uuid:communication_id>/held/<uuid:group_id>")
@requires(Permission.SEND_COMMUNICATION)
def release(incident_id: UUID, communication_id: UUID, group_id: UUID) -> ResponseReturnValue:
    """Say whether messages went of which nobody could find out, or let them go again."""
    went = request.form.get("went") == "yes"
    with transaction():
        incident = locked_incident(incident_id)
        subject_communication.release(
            incident, named(incident, communication_id), group_id, went=went,
            why=request.form.get("why", ""), by=current_staff(), now=utcnow(),
        )  # fmt: skip
    flash(_("Kept as sent.") if went else _("They go again."), "success")
    return back(incident_id, communication_id)
