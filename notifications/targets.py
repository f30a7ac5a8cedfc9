"""Whom a step of a policy reaches at an instant: a person, who is on duty, a team, a role.

What was deleted, or has nobody, reaches nobody; the page then rings louder and never falls silent for it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from flask import current_app
from sqlalchemy import select

from accounts import people
from accounts.models import Role, StaffMember
from accounts.permissions import may_be_paged
from foundation.database import db
from notifications import on_duty, ways
from notifications.models import LastResort, Team
from notifications.rules.escalation import Target, targets_of

INCIDENT_ROLES = "incident_roles"  # of app.extensions: who has this role of what a page is about
IncidentRoles: TypeAlias = Callable[[str, str], Sequence[UUID]]
BACKSTOP: list[Target] = [{"role": Role.RESPONDER.value}, {"role": Role.DPO.value}]
BUILT_IN: list[dict[str, Any]] = [{**each, "minutes": 5} for each in BACKSTOP]  # where there is no policy
MANAGEMENT: list[Target] = [{"role": Role.ADMIN.value}]
LAST = (Role.RESPONDER, Role.DPO, Role.ADMIN)


def people_of(
    organisation_id: UUID, step: Mapping[str, Any], now: datetime, about: str = ""
) -> list[StaffMember]:
    """Whom a step or target of a policy pages at `now`, each once, about this."""
    found = [_ids(organisation_id, target, now, about) for target in targets_of(step)]
    every = dict.fromkeys(each for ids in found for each in ids)
    return [person for each in every if (person := _here(organisation_id, each))]


def _here(organisation_id: UUID, staff_id: UUID) -> StaffMember | None:
    person = ways.active(staff_id)
    return person if person and person.organisation_id == organisation_id and may_be_paged(person) else None


def _ids(organisation_id: UUID, target: Target, now: datetime, about: str) -> Iterable[UUID]:
    (kind, name), *_more = target.items()
    if kind == "staff":
        return [UUID(name)]
    if kind in ("schedule", "rotation"):
        return on_duty.holders(UUID(name), now)
    if kind == "team":
        team = db.session.scalars(select(Team).where(Team.id == UUID(name))).one_or_none()
        return [UUID(each) for each in team.members] if team else []
    if kind == "incident_role":
        return _with_incident_role(about, name)
    return [each.id for each in people.staff_with_role(organisation_id, Role(name))]


def _with_incident_role(about: str, role: str) -> Sequence[UUID]:
    asked: IncidentRoles | None = current_app.extensions.get(INCIDENT_ROLES)
    return asked(about, role) if asked and about else []


def last_resort(organisation_id: UUID) -> list[list[Target]]:
    """Whom a page goes to at last: first the backstop, then the management too; as settings or roles say."""
    mine = LastResort.organisation_id == organisation_id
    found = db.session.scalars(select(LastResort).where(mine)).one_or_none()
    return [
        (found.backstop if found else []) or BACKSTOP,
        (found.management if found else []) or MANAGEMENT,
    ]


def anybody(organisation_id: UUID) -> list[StaffMember]:
    """Everybody who could do something, where settings and policy lead to nobody."""
    found = [people.staff_with_role(organisation_id, role) for role in LAST]
    return [person for each in found for person in each]
