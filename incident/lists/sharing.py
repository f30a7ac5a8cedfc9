"""Rows that were folded by a number alone into somebody of another name: kept, and shown to a person.

One number may be of one person whose name was written in two ways, or of two who share a telephone: nobody
knows but who made the list.
"""

from collections.abc import Sequence
from typing import Any, Final, Protocol
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import aliased

from foundation.database import changed, db, insert_ready, new_id, ready, transaction
from incident.lists import contacts
from incident.lists.keys import Damaged, Key, key_of
from incident.models import Recipient, RecipientList, RowFault
from incident.recipient_lists.faults import Code

PAGE: Final = 5_000
_R, _M = aliased(Recipient, name="r"), aliased(Recipient, name="m")


class Hold(Protocol):
    """Renews a lease in a transaction, with what the list has to say."""

    def __call__(self, **values: Any) -> None:
        """Raises: Lost."""


def note(incident_id: UUID, list_id: UUID, hold: Hold) -> None:
    """Remark each such row of a list whose rows were just folded; begun again it does the same."""
    key, kept = key_of(incident_id), db.session.get_one(RecipientList, list_id)
    every = {"organisation_id": kept.organisation_id, "list_id": list_id, "column": "phone"}
    every |= {"code": str(Code.SHARED), "shown": "", "keeps_out": False}
    mine = delete(RowFault).where(RowFault.list_id == list_id, RowFault.code == Code.SHARED)
    with transaction():
        hold()
        if gone := changed(mine.execution_options(synchronize_session=False)):
            hold(noted=RecipientList.noted - gone)
    after = -1
    while rows := _folded(list_id, after):
        after = rows[-1].line
        found = [each.line for each in rows if not _same_name(each, key)]
        if found:
            bound = ready(RowFault, *({"id": new_id(), "line": line} | every for line in found))
            with transaction():
                hold(noted=RecipientList.noted + len(found))
                insert_ready(bound)


def _folded(list_id: UUID, after: int) -> Sequence[Any]:
    """The next rows with a number that stand in a row which has not their e-mail address."""
    by_number = or_(_R.email_key.is_(None), _M.email_key.is_(None), _R.email_key != _M.email_key)
    mine = (
        select(_R.line, _R.sealed, _M.sealed.label("into"))
        .join(_M, _M.id == _R.folded_into_id)
        .where(_R.list_id == list_id, _R.line > after, _R.phone_key.is_not(None), by_number)
        .where(_R.sealed.is_not(None), _M.sealed.is_not(None))
    )
    return db.session.execute(mine.order_by(_R.line).limit(PAGE)).all()


def _same_name(pair: Any, key: Key) -> bool:
    try:
        row, into = (contacts.read(key.open(each)) for each in (pair.sealed, pair.into))
    except Damaged:  # said where it is told
        return True
    return row.is_called(into.name)
