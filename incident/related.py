"""Incidents that are one breach, or were: which carries which, and which was split from which.

Only rows are read here, within the scope that is set; what may be shown is asked of `incident.access`.
"""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select

from accounts.models import Organisation
from foundation.database import db
from incident.models import Incident


def carriers_of(incident: Incident) -> list[Incident]:
    """The incidents that carry it, the nearest first; none where it was not merged."""
    found: list[Incident] = []
    while incident.merged_into_id:
        incident = db.session.get_one(Incident, incident.merged_into_id)
        found.append(incident)
    return found


def carrier_of(incident: Incident) -> Incident:
    """The incident in which everything goes on: itself, or at the end of its mergers the last one."""
    return next(reversed(carriers_of(incident)), incident)


def carried_by(incident: Incident) -> list[Incident]:
    """All that were merged into it, also through another, the earliest reported first."""
    found: dict[UUID, Incident] = {}
    level: Collection[UUID] = [incident.id]
    while level:
        merged = db.session.scalars(select(Incident).where(Incident.merged_into_id.in_(level)))
        new = {each.id: each for each in merged if each.id not in found}
        found |= new
        level = list(new)
    return sorted(found.values(), key=lambda each: (each.reported_at, each.number))


def split_from(incident: Incident) -> list[Incident]:
    """Those that were split from it, the earliest first."""
    mine = select(Incident).where(Incident.split_from_id == incident.id)
    return list(db.session.scalars(mine.order_by(Incident.reported_at, Incident.number)))


def family(incident: Incident) -> list[Incident]:
    """Every other incident that is or was one breach with it: carried, carrying, split off, split from."""
    found: dict[UUID, Incident] = {}
    waiting = [incident]
    while waiting:
        each = waiting.pop()
        near = [*carried_by(each), *split_from(each)]
        near += [db.session.get_one(Incident, of) for of in (each.merged_into_id, each.split_from_id) if of]
        new = [one for one in near if one.id not in found and one.id != incident.id]
        found |= {one.id: one for one in new}
        waiting += new
    return sorted(found.values(), key=lambda each: each.number)


def lock(organisation_id: UUID, ids: Collection[UUID]) -> dict[UUID, Incident]:
    """Lock several incidents of an organisation, read afresh, until the end of the open transaction.

    The organisation's row comes first, as for a report, then the incidents in the order of their ids: so
    no two that lock more than one ever wait for each other.
    """
    turn = select(Organisation.id).where(Organisation.id == organisation_id)
    db.session.execute(turn.with_for_update(key_share=True))
    wanted = select(Incident).where(Incident.id.in_(ids)).order_by(Incident.id)
    fresh = wanted.with_for_update().execution_options(populate_existing=True)
    return {each.id: each for each in db.session.scalars(fresh)}


def locked(incident_id: UUID) -> Incident:
    """One incident, locked with all that carry it; whoever merges has the organisation's turn as well."""
    incident = db.session.get_one(Incident, incident_id)
    ids = {incident.id, *(each.id for each in carriers_of(incident))}
    return lock(incident.organisation_id, ids)[incident_id]
