"""Who takes which role of an incident when it opens, by what the rota and the organisation say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID


class Role(StrEnum):
    """A part that somebody plays in one incident."""

    LEAD = "lead"  # keeps it together, and has whatever nobody else was named for
    DPO = "dpo"  # answers for what the authority and the people concerned are told
    COMMUNICATIONS = "communications"  # finds the words, inside and outside
    LEGAL = "legal"
    IT = "it"  # finds out what happened to systems, and stops it


class Source(StrEnum):
    """How somebody came to a role."""

    ON_CALL = "on_call"  # had the first shift when the incident opened
    ROTA = "rota"  # had the shift of a rotation that is named for the role
    STANDING = "standing"  # is named for it by the organisation, or is its data protection officer
    PERSON = "person"  # a person said so
    NOBODY = "nobody"  # nobody was named


NAMED: Final = (Role.COMMUNICATIONS, Role.LEGAL, Role.IT)  # for whom an organisation names deputies


@dataclass(frozen=True, slots=True)
class Filling:
    """Who takes a role, and how they came to it; without a person it falls to the lead."""

    staff_id: UUID | None
    source: Source


NOBODY: Final = Filling(None, Source.NOBODY)


def fill(
    *, on_call: Sequence[UUID], rota: Mapping[str, UUID], dpos: Sequence[UUID], deputies: Mapping[str, UUID]
) -> dict[Role, Filling]:
    """Every role of a new incident.

    `on_call` is who is on call, the first line first; `rota` who is on duty in a rotation named for a role;
    `dpos` the data protection officers; `deputies` whom the organisation names. All of them active people.
    A rotation comes before a standing name: it says who is there now.
    """
    standing = dict(deputies)
    if dpos:
        standing[Role.DPO] = dpos[0]
    found = {Role.LEAD: Filling(on_call[0], Source.ON_CALL) if on_call else NOBODY}
    for role in (Role.DPO, *NAMED):
        if role in rota:
            found[role] = Filling(rota[role], Source.ROTA)
        elif role in standing:
            found[role] = Filling(standing[role], Source.STANDING)
        else:
            found[role] = NOBODY
    return found


def owners(held: Mapping[str, UUID | None]) -> dict[str, UUID]:
    """Who does the steps of each role: its holder, else the lead; roles with neither are left out."""
    lead = held.get(Role.LEAD)
    return {role: person for role in Role if (person := held.get(role) or lead)}
