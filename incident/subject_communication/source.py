"""Who is told by a communication, as a sending asks for them: ids in order, and addresses when they are due.

This module is a `notifications.sending.Source`; wsgi gives it to the app by the name "communication".

Addresses are opened for the people of one group at a time, and stand in no table of the sending.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import Select, select

from foundation.database import db
from incident import coverage
from incident.communication_texts.fields import CODE
from incident.lists import people
from incident.lists.contacts import Contact
from incident.lists.keys import Forgotten
from incident.models import Recipient, SubjectCommunication
from incident.subject_communication import choosing, preparing, wiring
from notifications import sending
from notifications.sending import Addressed, Person

MOST: Final = 500  # ids in one statement


def after(source_id: str, last: UUID | None, limit: int) -> list[Person]:
    """The next people of a communication in the order of their ids, with the ways that are open for each."""
    communication = _of(source_id)
    found = []
    for each in people.after(communication, last, limit):
        ways = choosing.ways_of(communication, each)
        found.append(Person(each.id, each.locale, each.country, ways, kept=int(each.ways) & ~ways))
    return found


def addresses(source_id: str, channel: str, ids: Sequence[UUID]) -> Mapping[UUID, Addressed]:
    """Where these are reached by a channel, and what their texts say of each; who is not, is missing."""
    communication = _of(source_id)
    spoken = _locales(ids)
    try:
        known = people.contacts(communication.incident_id, ids)
    except Forgotten:
        return {}
    found = {}
    for each, contact in known.items():
        if address := _address(contact, channel):
            values = wiring.values(communication.id, each, contact, spoken[each])
            found[each] = Addressed(address, values, values[CODE])
    return found


def told(incident_id: UUID, communication_id: UUID | None) -> Select[UUID]:
    """The ids of those who were told by a communication, or by any of an incident; see `people.TOLD`."""
    mine = select(SubjectCommunication.id).where(SubjectCommunication.incident_id == incident_id)
    if communication_id is not None:
        mine = mine.where(SubjectCommunication.id == communication_id)
    sent = mine.where(SubjectCommunication.state.in_(preparing.SENT))
    return sending.people_told([coverage.source_of(each) for each in db.session.scalars(sent)])


def _locales(ids: Sequence[UUID]) -> dict[UUID, str]:
    found: dict[UUID, str] = {}
    for at in range(0, len(ids), MOST):
        some = select(Recipient.id, Recipient.locale).where(Recipient.id.in_(ids[at : at + MOST]))
        found.update((each, locale) for each, locale in db.session.execute(some))
    return found


def _address(contact: Contact, channel: str) -> str:
    """As the way takes it; of a letter no more than that it can go."""
    if channel == "letter":
        return contact.name if contact.address and contact.address.whole else ""
    return contact.email if channel == "email" else contact.phone


def _of(source_id: str) -> SubjectCommunication:
    return db.session.get_one(SubjectCommunication, UUID(str(source_id)))
