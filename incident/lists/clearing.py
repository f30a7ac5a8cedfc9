"""The rows of a list that was withdrawn or refused go part by part; who was folded into them stands again."""

from contextlib import suppress
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, select, update

from foundation.database import changed, db, transaction
from incident.lists import contacts, files, folding, sharing
from incident.lists.keys import Forgotten, Key, key_of
from incident.lists.leases import Lease
from incident.models import GONE, ListState, PersonHeard, Recipient, RecipientList, RowFault

AT_ONCE: Final = 2_000
_NOTHING: Final = {
    "people": 0, "faulty": 0, "noted": 0, "folded": 0, "taken_out": 0, "rows_sha256": None,
}  # fmt: skip


def clear(kept: RecipientList, lease: Lease) -> None:
    """Remove rows and faults of a list that is gone, and fold the others anew. Raises: Lost.

    Outside any transaction. Stopped anywhere it goes on from there: until it is done the list is due.
    """
    incident_id, list_id = kept.incident_id, kept.id
    files.remove(list_id)
    while _remove_part(incident_id, list_id, lease):
        pass
    while _remove_faults(list_id, lease):
        pass
    folding.refold(incident_id, lambda: lease.hold(*GONE))
    _remark_anew(incident_id, lease)
    with transaction():
        lease.hold(*GONE, ready_at=None, lease_until=None, **_NOTHING)


def _remark_anew(incident_id: UUID, lease: Lease) -> None:
    """Who of the others shares a number with somebody of another name is another question now."""
    mine = select(RecipientList.id).where(
        RecipientList.incident_id == incident_id, RecipientList.state == ListState.READ
    )
    with suppress(Forgotten):  # then no name can be read, and what was said of them stays
        for each in db.session.scalars(mine).all():
            sharing.note(incident_id, each, partial(_hold, lease, each))


def _hold(lease: Lease, list_id: UUID, **values: Any) -> None:
    """Keep what another list has to say, while this one is still ours to work on. Raises: Lost."""
    lease.hold(*GONE)
    if values:
        changed(update(RecipientList).where(RecipientList.id == list_id).values(**values))


def _remove_part(incident_id: UUID, list_id: UUID, lease: Lease) -> bool:
    with transaction():
        lease.hold(*GONE)
        mine = select(Recipient.id, Recipient.folded_into_id).where(Recipient.list_id == list_id)
        found = db.session.execute(mine.limit(AT_ONCE)).all()
        ids = [each.id for each in found]
        if not ids:
            return False
        changed(update(Recipient).where(Recipient.folded_into_id.in_(ids)).values(folded_into_id=None))
        changed(update(PersonHeard).where(PersonHeard.recipient_id.in_(ids)).values(recipient_id=None))
        changed(_without_sync(delete(Recipient).where(Recipient.id.in_(ids))))
        others = {each.folded_into_id for each in found if each.folded_into_id} - set(ids)
        _look_again(incident_id, list_id, others)
        return True


def _look_again(incident_id: UUID, list_id: UUID, ids: set[UUID]) -> None:
    """Which ways are left to people of other lists who had some by a row that is gone.

    That an address is protected stays true of them: better careful than not.
    """
    if not ids:
        return
    try:
        key = key_of(incident_id)
    except Forgotten:
        return
    mine = select(Recipient).where(Recipient.id.in_(ids), Recipient.list_id != list_id)
    for person in db.session.scalars(mine):
        person.ways = _own_ways(person, key) | _folded_ways(person.id)
    db.session.flush()


def _own_ways(person: Recipient, key: Key) -> int:
    return contacts.contact_of(person, key).ways.value if person.sealed else person.ways


def _folded_ways(recipient_id: UUID) -> int:
    told = 0
    for ways in db.session.scalars(
        select(Recipient.ways).where(Recipient.folded_into_id == recipient_id).distinct()
    ):
        told |= ways
    return told


def _remove_faults(list_id: UUID, lease: Lease) -> bool:
    with transaction():
        lease.hold(*GONE)
        some = select(RowFault.id).where(RowFault.list_id == list_id).limit(AT_ONCE)
        return changed(_without_sync(delete(RowFault).where(RowFault.id.in_(some)))) > 0


def _without_sync(statement: Any) -> Any:
    """The rows are in no session: nothing there is to be brought up to date."""
    return statement.execution_options(synchronize_session=False)
