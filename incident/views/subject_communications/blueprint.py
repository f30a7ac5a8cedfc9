"""The addresses of communications, and what its pages share."""

from typing import Any, Final
from uuid import UUID

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from incident import subject_communication
from incident.models import Incident, SubjectCommunication

bp = Blueprint("subject_communications", __name__, url_prefix="/incidents/<uuid:incident_id>/communications")
REFRESH: Final = 10  # seconds, only while messages are under way


def back(incident_id: UUID, communication_id: UUID, to: str = "show", **more: Any) -> ResponseReturnValue:
    """To a page of a communication, after something was done."""
    place = url_for(
        f"subject_communications.{to}", incident_id=incident_id, communication_id=communication_id, **more
    )
    return redirect(place, 303)


def named(incident: Incident, communication_id: UUID) -> SubjectCommunication:
    """The communication of an address. Raises: Missing."""
    return subject_communication.of(incident, communication_id)


def seen() -> str:
    """The hash that stood on the page."""
    return request.form.get("seen", "")
