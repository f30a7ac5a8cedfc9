"""Who was told already in the same breach, under an incident that is or was one with this.

Whom two incidents of an organisation name is found by their hashes, which are alike: nobody is opened for it.
Of an incident from before that, whose hashes are its own, people are opened and looked up some thousand at a
time. Nobody is told twice unawares.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, and_, func, or_, select, union, update
from sqlalchemy.orm import aliased

from accounts.models import StaffMember
from foundation.database import changed, db
from incident import coverage, related
from incident.lists import people
from incident.lists.keys import Forgotten, Hashes, hashes_of
from incident.models import CommunicationState, Incident, Recipient, RecipientList, SubjectCommunication, Ways
from incident.recipient_lists.rows import Person
from incident.subject_communication import preparing
from notifications import sending

AGAIN: Final = "again"  # a person chose that whoever was told under another incident is told again
MOST: Final = 2_000  # people opened together
IN_LIST: Final = 500  # keys in one statement
_Mine, _Their = aliased(Recipient, name="mine"), aliased(Recipient, name="their")  # rows
_We, _They = aliased(Recipient, name="we"), aliased(Recipient, name="they")  # whose rows these are


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
        count = each.recipients if communication is None else _count(communication, each)
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


def _count(communication: SubjectCommunication, sent: SubjectCommunication) -> int:
    return sum(
        db.session.scalar(select(func.count()).select_from(Recipient).where(each)) or 0
        for each in in_common(communication, sent)
    )


def in_common(
    communication: SubjectCommunication, sent: SubjectCommunication
) -> Iterator[ColumnElement[bool]]:
    """Whom a communication picks and another incident's has told, as conditions on their rows.

    They are the same by what folds two rows (`recipient_lists.rows.Keys`); each is in one condition.
    """
    mine, theirs = hashes_of(communication.incident_id), hashes_of(sent.incident_id)
    if mine is None or theirs is None:
        return
    if mine.is_alike(theirs):
        yield Recipient.id.in_(
            people.selected(communication).where(Recipient.id.in_(_alike(communication, sent)))
        )
        return
    ids = sorted(set(_opened(communication, sent, mine)))
    yield from (Recipient.id.in_(ids[at : at + IN_LIST]) for at in range(0, len(ids), IN_LIST))


def _alike(communication: SubjectCommunication, sent: SubjectCommunication) -> Select[Any]:
    """Who of the one incident has a hash in common with somebody whom the other has told."""
    told = sending.people_told([coverage.source_of(sent.id)]).subquery()
    every = (
        _Mine.incident_id == communication.incident_id, _Their.incident_id == sent.incident_id,
        select(told.c[0]).where(told.c[0] == _whose(_Their)).exists(),
    )  # fmt: skip
    email, phone, post = (
        select(_whose(_Mine).label("id")).join(_Their, mine == theirs).where(mine.is_not(None), *every)
        for mine, theirs in (
            (_Mine.email_key, _Their.email_key), (_Mine.phone_key, _Their.phone_key),
            (_Mine.post_key, _Their.post_key),
        )
    )  # fmt: skip
    phone = phone.join(_They, _They.id == _whose(_Their))
    beside = phone.where(_Mine.email_key.is_not(None), _has_no_email(_They))
    alone = phone.join(_We, _We.id == _whose(_Mine)).where(
        _Mine.email_key.is_(None), or_(_has_no_email(_We), _has_no_email(_They))
    )
    return select(union(email, beside, alone, post).subquery().c.id)


def _whose(row: Any) -> Any:
    """The person of a row."""
    return func.coalesce(row.folded_into_id, row.id)


def _has_no_email(person: Any) -> ColumnElement[bool]:
    """Two who have one each are two, whatever telephone they share."""
    no: ColumnElement[bool] = person.ways.op("&")(int(Ways.EMAIL)) == 0
    return no


def _opened(
    communication: SubjectCommunication, sent: SubjectCommunication, hashes: Hashes
) -> Iterator[UUID]:
    """The same by opening whom the other has told; nobody is found once its addresses were destroyed."""
    picked = people.selected(communication)
    told = sending.people_told([coverage.source_of(sent.id)])
    last: UUID | None = None
    while ids := _next(sent.incident_id, told, last):
        last = ids[-1]
        for keys in _keys(sent.incident_id, ids, hashes):
            same = or_(
                _Mine.email_key.in_(keys.emails),
                and_(_Mine.phone_key.in_(keys.alone), _Mine.email_key.is_not(None)),
                and_(_Mine.phone_key.in_(keys.alone), _Mine.email_key.is_(None)),
                and_(_Mine.phone_key.in_(keys.phones), _Mine.email_key.is_(None), _has_no_email(_We)),
                _Mine.post_key.in_(keys.posts),
            )
            mine = select(_We.id).select_from(_Mine).join(_We, _We.id == _whose(_Mine))
            rows = mine.where(_Mine.incident_id == communication.incident_id, same)
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
        count += sum(_taken_out(each, why) for each in list(in_common(communication, sent)))
    if count:
        preparing.changed(
            incident, communication, "communication.told_left_out", by=by, now=now, left_out=count, people=0
        )
    return count


def _taken_out(these: ColumnElement[bool], why: str) -> int:
    """Take these out, and count them with their lists, which an approval is bound to."""
    mine = these, Recipient.left_out_why.is_(None)
    by_list = select(Recipient.list_id, func.count()).where(*mine).group_by(Recipient.list_id)
    for list_id, count in db.session.execute(by_list).all():
        more = RecipientList.taken_out + count
        changed(update(RecipientList).where(RecipientList.id == list_id).values(taken_out=more))
    taken = update(Recipient).where(*mine).values(left_out_why=why)
    return changed(taken.execution_options(synchronize_session=False))
