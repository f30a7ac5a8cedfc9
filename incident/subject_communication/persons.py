"""One person of a communication, or some: their rows, their ways, and why somebody is left to a person."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import select

from accounts.models import StaffMember
from foundation.database import db
from foundation.errors import Missing
from incident.lists import uploading
from incident.models import Incident, Recipient, SubjectCommunication, Ways
from incident.subject_communication import choosing, preparing
from notifications.sending import reasons


class Tried(Protocol):
    """What became of somebody by their last way."""

    @property
    def fate(self) -> str:
        """The fate."""
        ...

    @property
    def code(self) -> str | None:
        """The provider's code, or one of `notifications.sending.reasons`."""
        ...

    @property
    def why(self) -> str | None:
        """What the provider or the sending says."""
        ...


def rows_of(incident: Incident, ids: Sequence[UUID]) -> dict[UUID, Recipient]:
    """The rows of these people, by their ids."""
    if not ids:
        return {}
    mine = select(Recipient).where(Recipient.incident_id == incident.id, Recipient.id.in_(ids))
    return {each.id: each for each in db.session.scalars(mine)}


def person_of(communication: SubjectCommunication, recipient_id: UUID) -> Recipient:
    """A person of the lists that a communication can pick from. Raises: Missing."""
    found = db.session.get(Recipient, recipient_id)
    if found is None or found.incident_id != communication.incident_id or found.folded_into_id:
        raise Missing(_("There is no such person on the list."))
    return found


def ways_for(communication: SubjectCommunication, person: Recipient) -> list[str]:
    """The ways that are open for a person, in the order that they are tried."""
    bits = choosing.ways_of(communication, person)
    return [each for each in communication.ways if bits & choosing.BITS[each]]


def why_left(communication: SubjectCommunication, person: Recipient, tried: Tried | None) -> str:
    """Why somebody is left to a person, in words; empty for who is not."""
    if tried is None or tried.fate != "manual":
        return ""
    kept_back = person.protected and person.ways & Ways.LETTER and "letter" in communication.ways
    if kept_back and not communication.selection.get(choosing.LETTERS_TO_PROTECTED):
        said = _("the address is protected: no letter goes there unless a person chooses so")
        other = tried.why if tried.code != reasons.PROTECTED.code and person.ways & ~Ways.LETTER else ""
        return f"{other}; {said}" if other else said
    return tried.why or _("no way is left")


def take_out(
    communication: SubjectCommunication, recipient_id: UUID, *, why: str, by: StaffMember, now: datetime
) -> None:
    """Take a person out with a reason, before anything is sent. Raises: Refused, Missing, Invalid."""
    _refuse_now(communication)
    uploading.take_out(person_of(communication, recipient_id), why, by, now)
    _settle(communication)


def put_back(
    communication: SubjectCommunication, recipient_id: UUID, *, why: str, by: StaffMember, now: datetime
) -> None:
    """Have a person told again who was taken out, before anything is sent. Raises: as `take_out`."""
    _refuse_now(communication)
    uploading.put_back(person_of(communication, recipient_id), why, by, now)
    _settle(communication)


def _refuse_now(communication: SubjectCommunication) -> None:
    preparing.refuse_sent(communication)
    preparing.refuse_while_planned(db.session.get_one(Incident, communication.incident_id))


def _settle(communication: SubjectCommunication) -> None:
    preparing.void(communication)
    preparing.settle_hash(communication)
