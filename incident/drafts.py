"""Drafts of facts: what a person has typed and not kept yet, one for each person and incident.

A draft says nothing of the incident and stands in no record; it is there so that a reload, a sign-out or a
session that ended loses nothing. It may hold names, so the database holds it encrypted.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update

from accounts.models import StaffMember
from foundation.database import changed, db, insert_unless_there, new_id
from incident.models import FactsDraft, Incident

Typed = Mapping[str, list[str]]


def of(incident: Incident, by: StaffMember, *, locked: bool = False) -> FactsDraft | None:
    """This person's draft for the incident; `locked` until the end of the open transaction."""
    mine = select(FactsDraft).where(FactsDraft.incident_id == incident.id, FactsDraft.staff_id == by.id)
    if locked:
        mine = mine.with_for_update().execution_options(populate_existing=True)
    return db.session.scalars(mine).one_or_none()


def save(incident: Incident, typed: Typed, *, after: int, by: StaffMember, now: datetime) -> int:
    """Put this in the place of the person's draft; returns its revision.

    `after` is the version of the facts that is being changed. Two windows that save at once wait for each
    other here; what the one before has saved is for the caller to look at first (`of`, locked).
    """
    row = {
        "id": new_id(), "organisation_id": incident.organisation_id, "incident_id": incident.id,
        "staff_id": by.id, "after": after, "revision": 1, "typed": dict(typed), "saved_at": now,
    }  # fmt: skip
    if insert_unless_there(FactsDraft, row):
        return 1
    held = db.session.scalars(
        update(FactsDraft)
        .where(FactsDraft.incident_id == incident.id, FactsDraft.staff_id == by.id)
        .values(after=after, typed=dict(typed), saved_at=now, revision=FactsDraft.revision + 1)
        .returning(FactsDraft)
        .execution_options(synchronize_session=False, populate_existing=True)
    ).one()
    return held.revision


def discard(incident_id: UUID, by: StaffMember) -> bool:
    """Throw the person's draft away; false when there is none."""
    mine = (FactsDraft.incident_id == incident_id, FactsDraft.staff_id == by.id)
    return changed(delete(FactsDraft).where(*mine).execution_options(synchronize_session=False)) == 1
