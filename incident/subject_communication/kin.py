"""Who was told already in the same breach, under an incident that is or was one with this.

Addresses of two incidents are under two keys: whom both name is found by opening those of the one and looking
them up among the other's by its hashes, some thousand at a time. Nobody is told twice unawares.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import and_, func, or_, select, update

from accounts.models import StaffMember
from foundation.database import changed, db
from incident import coverage, related
from incident.lists import people
from incident.lists.keys import Forgotten, Hashes, hashes_of
from incident.models import CommunicationState, Incident, Recipient, RecipientList, SubjectCommunication
from incident.recipient_lists.rows import Person
from incident.subject_communication import preparing
from notifications import sending

AGAIN: Final = "again"  # a person chose that whoever was told under another incident is told again
MOST: Final = 2_000  # people opened together
IN_LIST: Final = 500  # keys in one statement


@dataclass(frozen=True, slots=True)
class Told:
    """A communication of a related incident that went out: whose, which, to how many of those asked for."""

    incident_id: UUID
    incident_number: str
    communication_id: UUID
    number: int
    people: int


def told_already(incident: Incident, communication: SubjectCommunication | None = None) -> list[Told]:
    """The communications of related incidents that went out, with how many people they are for.

    With a `communication` only those that have told people whom it picks, and how many.
    """
    found = []
    for kin, each in _sent_by_kin(incident):
        count = each.recipients if communication is None else len(set(in_common(communication, each)))
        if count:
            found.append(Told(kin.id, kin.number, each.id, each.number, count))
    return found


def still_going(incident: Incident) -> list[Told]:
    """The communications of related incidents that have not gone to everybody yet."""
    return [
        Told(kin.id, kin.number, each.id, each.number, each.recipients)
        for kin, each in _sent_by_kin(incident)
        if each.state == CommunicationState.SENDING and not coverage.of(each).gone_out
    ]


def _sent_by_kin(incident: Incident) -> list[tuple[Incident, SubjectCommunication]]:
    kin = {each.id: each for each in related.family(incident)}
    if not kin:
        return []
    sent = select(SubjectCommunication).where(
        SubjectCommunication.incident_id.in_(kin), SubjectCommunication.state.in_(preparing.SENT)
    )
    rows = db.session.scalars(sent.order_by(SubjectCommunication.id))
    return [(kin[each.incident_id], each) for each in rows]


def in_common(communication: SubjectCommunication, sent: SubjectCommunication) -> Iterator[UUID]:
    """The people whom a communication picks and whom another incident's has told, as ids of the first.

    They are the same by what folds two rows (`recipient_lists.rows.Keys`). Nothing is found once the
    addresses of the other were destroyed.
    """
    hashes = hashes_of(communication.incident_id)
    if hashes is None:
        return
    picked = people.selected(communication)
    told = sending.people_told([coverage.source_of(sent.id)])
    last: UUID | None = None
    while ids := _next(sent.incident_id, told, last):
        last = ids[-1]
        for keys in _keys(sent.incident_id, ids, hashes):
            same = or_(
                Recipient.email_key.in_(keys.emails),
                and_(Recipient.phone_key.in_(keys.alone), Recipient.email_key.is_not(None)),
                and_(Recipient.phone_key.in_(keys.phones), Recipient.email_key.is_(None)),
                Recipient.post_key.in_(keys.posts),
            )
            person = func.coalesce(Recipient.folded_into_id, Recipient.id)
            rows = select(person).where(Recipient.incident_id == communication.incident_id, same)
            yield from db.session.scalars(picked.where(Recipient.id.in_(rows)))


def _next(incident_id: UUID, told: object, last: UUID | None) -> list[UUID]:
    mine = select(Recipient.id).where(Recipient.incident_id == incident_id, Recipient.id.in_(told))  # type: ignore[arg-type]
    if last is not None:
        mine = mine.where(Recipient.id > last)
    return list(db.session.scalars(mine.order_by(Recipient.id).limit(MOST)))


class _Keys(NamedTuple):
    """How another incident would find some people: the hashes of what they have."""

    emails: list[bytes]
    phones: list[bytes]
    alone: list[bytes]  # numbers of who has no e-mail address
    posts: list[bytes]  # of who has neither


def _keys(incident_id: UUID, ids: list[UUID], hashes: Hashes) -> Iterator[_Keys]:
    try:
        known = list(people.contacts(incident_id, ids).values())
    except Forgotten:
        return
    told = [Person(0, each.name, each.email, each.phone, each.address, own_id=each.own_id) for each in known]
    for at in range(0, len(told), IN_LIST):
        some = [each.keys for each in told[at : at + IN_LIST]]
        yield _Keys(
            [hashes.hash("email", each.email) for each in some if each.email],
            [hashes.hash("phone", each.phone) for each in some if each.phone],
            [hashes.hash("phone", each.phone) for each in some if each.phone and not each.email],
            [hashes.hash("post", f"{each.post}|{each.own_id}") for each in some if each.post],
        )


def leave_out(
    incident: Incident, communication: SubjectCommunication, *, seen: str, by: StaffMember, now: datetime
) -> int:
    """Take everybody out who was told under a related incident; how many. Raises: as `preparing.set_texts`.

    The reason that stands with each is where they were told.
    """
    preparing.refuse_sent(communication)
    preparing.refuse_stale(incident, communication, seen)
    preparing.refuse_while_planned(incident)
    count = 0
    for kin, sent in _sent_by_kin(incident):
        why = _("Told under %(incident)s, communication %(number)s.", incident=kin.number, number=sent.number)
        ids = sorted(set(in_common(communication, sent)))
        count += sum(_taken_out(ids[at : at + IN_LIST], why) for at in range(0, len(ids), IN_LIST))
    if count:
        preparing.changed(
            incident, communication, "communication.told_left_out", by=by, now=now, left_out=count, people=0
        )
    return count


def _taken_out(ids: list[UUID], why: str) -> int:
    """Take these out, and count them with their lists, which an approval is bound to."""
    mine = Recipient.id.in_(ids), Recipient.left_out_why.is_(None)
    by_list = select(Recipient.list_id, func.count()).where(*mine).group_by(Recipient.list_id)
    for list_id, count in db.session.execute(by_list).all():
        more = RecipientList.taken_out + count
        changed(update(RecipientList).where(RecipientList.id == list_id).values(taken_out=more))
    return changed(update(Recipient).where(*mine).values(left_out_why=why))
