"""Who was told already, in the same breach: so that nobody is written to twice unawares."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from foundation.database import db
from incident import related
from incident.models import CommunicationState, Incident, Recipient, SubjectCommunication

SENT = (CommunicationState.SENDING, CommunicationState.COMPLETE)


@dataclass(frozen=True, slots=True)
class Told:
    """A communication of a related incident that went out: whose, which, to how many of those asked for."""

    incident_id: UUID
    incident_number: str
    communication_id: UUID
    number: int
    people: int


def told_already(incident: Incident, communication: SubjectCommunication | None = None) -> list[Told]:
    """The communications of related incidents that went out, with the people on them.

    With a `communication` only those that have people in common with its list, and how many.
    """
    kin = {each.id: each.number for each in related.family(incident)}
    sent = (
        select(SubjectCommunication.incident_id, SubjectCommunication.id, SubjectCommunication.number,
               func.count(Recipient.id))
        .join(Recipient, Recipient.communication_id == SubjectCommunication.id)
        .where(SubjectCommunication.incident_id.in_(kin), SubjectCommunication.state.in_(SENT))
        .group_by(SubjectCommunication.incident_id, SubjectCommunication.id, SubjectCommunication.number)
    )  # fmt: skip
    if communication is not None:
        mine = select(Recipient.person_index).where(Recipient.communication_id == communication.id)
        sent = sent.where(Recipient.person_index.in_(mine))
    rows = db.session.execute(sent.order_by(SubjectCommunication.id))
    return [Told(of, kin[of], id_, number, people) for of, id_, number, people in rows]
