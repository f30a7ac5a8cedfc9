"""Contact data as this side of the product needs it: opened for some people, and destroyed for all.

The one place that asks the lists of an incident; nobody else here knows how addresses are sealed.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update

from foundation.database import changed, db
from incident.lists import contacts as lists
from incident.lists import keys
from incident.lists.people import contacts_left
from incident.models import (
    Incident,
    IncidentKey,
    LetterRun,
    LetterRunFile,
    Recipient,
    SubjectCommunication,
)


@dataclass(frozen=True, slots=True)
class Contact:
    """How one person is reached, in the clear; every part may be empty."""

    name: str = ""
    email: str = ""
    phone: str = ""
    address: tuple[str, ...] = ()


def is_there(incident_id: UUID) -> bool:
    """Whether an incident has contact data that can be opened."""
    key = select(IncidentKey.incident_id).where(
        IncidentKey.incident_id == incident_id, IncidentKey.key.is_not(None)
    )
    return db.session.scalar(key) is not None


def contacts(incident_id: UUID, ids: Collection[UUID]) -> Mapping[UUID, Contact]:
    """The contact data of these people of an incident, in the clear. Nobody whose data is gone is named."""
    return {whose: _plain(each) for whose, each in contacts_left(incident_id, ids).items()}


def _plain(contact: lists.Contact) -> Contact:
    lines = tuple(filter(None, contact.address)) if contact.address else ()
    return Contact(contact.name, contact.email, contact.phone, lines)


def destroy_key(incident: Incident, *, by: str, why: str, now: datetime) -> bool:
    """Destroy the key that an incident's contact data is under; False when there is none any more."""
    return keys.destroy(incident, why=why, by=by, now=now)


def blank_people(incident_id: UUID, after: UUID | None, most: int) -> tuple[int, UUID | None]:
    """Remove what is sealed of so many people after one; how many, and the last of them (None: no more)."""
    mine = select(Recipient.id).where(Recipient.incident_id == incident_id).order_by(Recipient.id).limit(most)
    if after is not None:
        mine = mine.where(Recipient.id > after)
    ids = list(db.session.scalars(mine))
    if not ids:
        return 0, None
    theirs = update(Recipient).where(
        Recipient.incident_id == incident_id, Recipient.id >= ids[0], Recipient.id <= ids[-1],
        Recipient.sealed.is_not(None),
    )  # fmt: skip
    return changed(theirs.values(sealed=None)), ids[-1]


def blank_letters(incident_id: UUID) -> int:
    """Remove the printed letters of an incident; their hashes and counts stay. Returns how many files."""
    runs = (
        select(LetterRun.id)
        .join(SubjectCommunication, SubjectCommunication.id == LetterRun.communication_id)
        .where(SubjectCommunication.incident_id == incident_id)
    )
    theirs = update(LetterRunFile).where(LetterRunFile.run_id.in_(runs), LetterRunFile.data.is_not(None))
    return changed(theirs.values(data=None))
