"""Who stands around an incident, as its page and the board show it: roles, handovers, who may take which."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from accounts import people
from accounts.models import StaffMember
from incident import handovers, roles
from incident.models import Handover, Incident, RoleHeld
from incident.rules.roles import Role


@dataclass(frozen=True, slots=True)
class RoleRow:
    """A role with who holds it now; `gone` is whether they are not here any more."""

    held: RoleHeld
    name: str | None
    gone: bool


@dataclass(frozen=True, slots=True)
class Around:
    """Roles, who held them before, those who could, the handovers, and everybody's names."""

    roles: Sequence[RoleRow]
    before: Sequence[RoleHeld]
    candidates: Sequence[StaffMember]
    handovers: Sequence[Handover]
    names: Mapping[UUID, str]


def of(incident: Incident) -> Around:
    """What stands around this incident."""
    staff = {each.id: each for each in people.staff_of(incident.organisation_id)}
    every = roles.history(incident)
    rows = [_row(each, staff) for each in every if each.until is None]
    earlier = [each for each in every if each.until is not None]
    return Around(
        rows, sorted(earlier, key=lambda each: each.since, reverse=True),
        roles.candidates(incident.organisation_id), handovers.of_incident(incident),
        {each.id: each.name for each in staff.values()},
    )  # fmt: skip


def _row(held: RoleHeld, staff: Mapping[UUID, StaffMember]) -> RoleRow:
    person = staff.get(held.staff_id) if held.staff_id else None
    return RoleRow(held, person.name if person else None, gone=bool(person and not person.active))


def leaderless(rows: Sequence[RoleRow]) -> bool:
    """Whether the roles are filled and nobody leads, or who does is not here any more."""
    return any(each.held.role == Role.LEAD and (each.name is None or each.gone) for each in rows)
