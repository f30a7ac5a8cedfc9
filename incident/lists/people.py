"""Whom a communication tells: a query over the people of its incident's lists, never a copy of them.

A person is picked when any of their rows is: a row that was folded speaks for the person it is folded into.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

import rfc8785
import structlog
from flask import current_app
from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import aliased

from foundation.database import db
from foundation.database.ids import one_of
from incident.lists.contacts import Contact
from incident.lists.contacts import read as read_contact
from incident.lists.keys import Damaged, Forgotten, Hashes, hashes_of, key_of
from incident.models import GONE, Incident, ListState, Recipient, RecipientList, SubjectCommunication
from incident.recipient_lists import cells
from incident.recipient_lists.faults import Faulty

TOLD: Final = "people_told"  # app.extensions: (incident id, communication id or None) -> ids of who was told
MOST: Final = 1_000  # ids in one statement
_Row = aliased(Recipient, name="of_them")
log = structlog.get_logger()


class Row(NamedTuple):
    """A person as a sending plans them; `ways` are bits of `Ways`."""

    id: UUID
    locale: str
    country: str
    ways: int
    protected: bool | None


class Kind(NamedTuple):
    """What people are counted by."""

    locale: str
    country: str
    ways: int
    group: str


# --- who ----------------------------------------------------------------------------------------


def selected(communication: SubjectCommunication) -> Select[Any]:
    """The ids of the people a communication picks: of lists that are read, each person once.

    Who was taken out with a reason is not among them.
    """
    told = communication.selection or {}
    mine = select(Recipient.id).where(
        Recipient.incident_id == communication.incident_id, Recipient.folded_into_id.is_(None),
        Recipient.left_out_why.is_(None),
    )  # fmt: skip
    mine = mine.where(*_of_the_person(communication, told))
    conditions = list(_of_a_row(told))
    lists = _lists(communication, told)
    if not conditions and "lists" not in told:
        return mine.where(Recipient.list_id.in_(lists))
    any_row = select(func.coalesce(_Row.folded_into_id, _Row.id)).where(
        _Row.incident_id == communication.incident_id, _Row.list_id.in_(lists), *conditions
    )
    return mine.where(Recipient.id.in_(any_row))


def _lists(communication: SubjectCommunication, told: dict[str, Any]) -> Select[Any]:
    mine = select(RecipientList.id).where(
        RecipientList.incident_id == communication.incident_id, RecipientList.state == ListState.READ
    )
    if communication.sent_at is not None:  # whom two persons approved; a list that came later tells nobody
        mine = mine.where(RecipientList.read_at <= communication.sent_at)
    picked = told.get("lists")
    return mine if picked is None else mine.where(RecipientList.id.in_([UUID(str(each)) for each in picked]))


def _of_a_row(told: dict[str, Any]) -> Iterable[ColumnElement[bool]]:
    if (groups := told.get("groups")) is not None:
        yield _Row.group.in_(groups)


def _of_the_person(
    communication: SubjectCommunication, told: dict[str, Any]
) -> Iterable[ColumnElement[bool]]:
    """What rows said of a person is kept with them. That nothing is known is never a no."""
    if (locales := told.get("locales")) is not None:
        yield Recipient.locale.in_(locales)
    for name, column in (("financial", Recipient.financial), ("protected", Recipient.protected)):
        if (wanted := told.get(name)) is not None:
            yield column.is_(True) if wanted else or_(column.is_(None), column.is_(False))
    if told.get("untold"):
        # Not "NOT IN": PostgreSQL goes through all who were told for each person once they are many.
        before = _told(communication.incident_id, None).subquery()
        yield ~select(before.c[0]).where(before.c[0] == Recipient.id).exists()
    if told.get("told_by"):
        yield Recipient.id.in_(_told(communication.incident_id, UUID(str(told["told_by"]))))


def _told(incident_id: UUID, communication_id: UUID | None) -> Select[Any]:
    """Who was told, by one communication or by any: those who send know, and are asked by name."""
    ask: Callable[[UUID, UUID | None], Select[Any]] | None = current_app.extensions.get(TOLD)
    if ask is None:
        return select(Recipient.id).where(Recipient.id.is_(None))
    return ask(incident_id, communication_id)


def count(communication: SubjectCommunication) -> int:
    """How many people a communication picks."""
    return db.session.scalar(select(func.count()).select_from(selected(communication).subquery())) or 0


def untold(incident_id: UUID) -> int:
    """How many people of an incident's lists no communication has told, and none is telling."""
    before = _told(incident_id, None).subquery()
    lists = select(RecipientList.id).where(
        RecipientList.incident_id == incident_id, RecipientList.state == ListState.READ
    )
    mine = select(func.count(Recipient.id)).where(
        Recipient.incident_id == incident_id, Recipient.folded_into_id.is_(None),
        Recipient.left_out_why.is_(None), Recipient.list_id.in_(lists),
        ~select(before.c[0]).where(before.c[0] == Recipient.id).exists(),
    )  # fmt: skip
    return db.session.scalar(mine) or 0


def by(communication: SubjectCommunication) -> Counter[Kind]:
    """How many of which locale, country, ways and group."""
    columns = (Recipient.locale, Recipient.country, Recipient.ways, Recipient.group)
    mine = selected(communication).with_only_columns(*columns, func.count()).group_by(*columns)
    return Counter({Kind(*each[:4]): each[4] for each in db.session.execute(mine)})


def after(communication: SubjectCommunication, last: UUID | None, limit: int) -> list[Row]:
    """The next people in the order of their ids, at most so many."""
    columns = (Recipient.id, Recipient.locale, Recipient.country, Recipient.ways, Recipient.protected)
    mine = selected(communication).with_only_columns(*columns)
    if last is not None:
        mine = mine.where(Recipient.id > last)
    return [Row(*each) for each in db.session.execute(mine.order_by(Recipient.id).limit(limit))]


# --- their addresses ----------------------------------------------------------------------------


def contacts(incident_id: UUID, ids: Collection[UUID]) -> dict[UUID, Contact]:
    """The contacts of people, with what rows say that were folded into theirs.

    Missing is who is forgotten, and whose row was changed from outside: the others are none the worse.
    Raises: Forgotten when the key of the incident was destroyed.
    """
    found: dict[UUID, Contact] = {}
    key = key_of(incident_id)
    for some in _pieces(list(ids)):
        for statement in _SEALED:  # their own row first: it goes before others
            for whose, sealed in db.session.execute(statement, {"some": some}):
                try:
                    told = read_contact(key.open(sealed))
                except Damaged:
                    log.error("person.damaged", recipient=str(whose), incident=str(incident_id))
                    continue
                known = found.get(whose)
                found[whose] = known.filled(told) if known else told
    return found


def contacts_left(incident_id: UUID, ids: Collection[UUID]) -> dict[UUID, Contact]:
    """The same, and of nobody once the key of the incident was destroyed. Raises: Damaged."""
    try:
        return contacts(incident_id, ids) if ids else {}
    except Forgotten:
        return {}


def _sealed(person: Any) -> Select[Any]:
    """Made once, and asked some thousand times.

    The incident is not named: SQLite would go through all of its people for each group, in their order.
    """
    mine = select(person, Recipient.sealed).where(one_of(person, "some"), Recipient.sealed.is_not(None))
    return mine.order_by(Recipient.id)


_SEALED: Final = (_sealed(Recipient.id), _sealed(Recipient.folded_into_id))


def _pieces(ids: Sequence[UUID]) -> Iterable[Sequence[UUID]]:
    return (ids[at : at + MOST] for at in range(0, len(ids), MOST))


def find(incident: Incident, text: str) -> list[Recipient]:
    """The people whom an e-mail address, a number or an organisation's own id names; each once.

    By hashes, so also when their addresses were forgotten. A number without its country is taken for one
    of the country of each list.
    """
    hashes = hashes_of(incident.id)
    told = text.strip()
    if hashes is None or not told:
        return []
    mine = select(func.coalesce(Recipient.folded_into_id, Recipient.id)).where(
        Recipient.incident_id == incident.id, or_(*_hashed(incident, hashes, told))
    )
    people = select(Recipient).join(RecipientList, RecipientList.id == Recipient.list_id)
    found = people.where(Recipient.id.in_(mine), RecipientList.state.not_in(GONE))
    return list(db.session.scalars(found.order_by(Recipient.id).limit(MOST)))


def _hashed(incident: Incident, hashes: Hashes, told: str) -> Iterable[ColumnElement[bool]]:
    yield Recipient.own_key == hashes.hash("own", "".join(told.split()).casefold())
    if "@" in told:
        try:
            yield Recipient.email_key == hashes.hash("email", cells.email_of(told).casefold())
        except Faulty:
            return
        return
    lists = select(RecipientList.country).where(RecipientList.incident_id == incident.id).distinct()
    for country in db.session.scalars(lists).all():
        try:
            key = hashes.hash("phone", cells.phone_of(told, country or "DK"))
        except Faulty:
            continue
        # as the indexes are: of those with an e-mail address, and of those without
        yield and_(Recipient.phone_key == key, Recipient.email_key.is_not(None))
        yield and_(Recipient.phone_key == key, Recipient.email_key.is_(None))


# --- what an approval is of ---------------------------------------------------------------------


def unsettled(communication: SubjectCommunication) -> list[RecipientList]:
    """The lists that stand in the way of an approval: still read or removed, or with faulty rows.

    Of faulty rows somebody must say why they are left out, or send the list again.
    """
    picked = (communication.selection or {}).get("lists")
    return [
        each
        for each in _all_lists(communication)
        if each.ready_at is not None  # also of those not picked: whom they are folded with is not known yet
        or (_has_open_faults(each) and (picked is None or str(each.id) in map(str, picked)))
    ]


def _has_open_faults(each: RecipientList) -> bool:
    return each.state == ListState.READ and each.faulty > 0 and not each.left_out_why


def _all_lists(communication: SubjectCommunication) -> list[RecipientList]:
    mine = select(RecipientList).where(RecipientList.incident_id == communication.incident_id)
    fresh = mine.order_by(RecipientList.number).execution_options(populate_existing=True)
    return list(db.session.scalars(fresh))


def fingerprint(communication: SubjectCommunication) -> str:
    """SHA-256 over texts, ways, who is picked and how many they are, as they are in the database now."""
    lists = [
        [str(each.id), each.state, each.rows_sha256, each.people, each.folded, each.faulty, each.taken_out]
        for each in _all_lists(communication)
        if each.state == ListState.READ or each.ready_at is not None
    ]
    document: dict[str, Any] = {
        "texts": communication.texts, "ways": communication.ways or [],
        "selection": communication.selection or {}, "lists": lists, "count": count(communication),
    }  # fmt: skip
    return hashlib.sha256(rfc8785.dumps(document)).hexdigest()
