"""Which authorities are competent, and in which role.

The role decides what the controller does: it notifies the one that is `sole` or `lead`, `each` of several
when there is no lead, and the ones `separate` from the one-stop-shop; those `concerned` hear of it from
the lead (GDPR arts 55, 56 and 4(22); Guidelines 9/2022 paras 66-73; Guidelines 8/2022). One filing too
many costs little and one too few costs the deadline, so an unknown adds authorities and removes none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal, TypeAlias

from incident.rules.dated import holding_at, read_data
from incident.rules.facts import Facts
from incident.rules.limits import Regime

AuthorityRole: TypeAlias = Literal["sole", "lead", "each", "separate", "concerned"]


@dataclass(frozen=True, slots=True)
class Membership:
    """One dated row: which authority answers for a country, under which law."""

    country: str
    key: str
    regime: Regime
    one_stop_shop: bool
    certainty: Literal["high", "medium", "low"]
    valid_from: date
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Competent:
    """One competent authority, its role, and the provision that gives it."""

    key: str
    country: str
    role: AuthorityRole
    regime: Regime
    source: str

    @property
    def notified_by_controller(self) -> bool:
        """Whether the controller files there itself."""
        return self.role != "concerned"


_MEMBERSHIPS: Final = tuple(Membership(**row) for row in read_data("authorities.toml")["authority"])
_ROWS: Final[Mapping[str, tuple[Membership, ...]]] = {
    country: tuple(row for row in _MEMBERSHIPS if row.country == country)
    for country in {row.country for row in _MEMBERSHIPS}
}

_SOURCES: Final[Mapping[AuthorityRole, str]] = {
    "sole": "GDPR art. 55(1)",
    "lead": "GDPR art. 56(1)",
    "each": "GDPR art. 55(1); Guidelines 9/2022 para 73",
    "concerned": "GDPR arts 4(22) and 60",
}


def competent(facts: Facts, *, high_risk: bool, at: datetime) -> tuple[Competent, ...]:
    """The competent authorities by the law of the moment `at`, in the order of the countries told.

    A processor has none: it tells its controller (art. 33(2)). Countries without a known authority are
    left out. `high_risk` matters for Switzerland alone.
    """
    if not facts.is_controller:
        return ()
    found: list[Competent] = []
    roles = _roles_in_the_eea(facts, at)
    for country in _countries(facts, roles):
        row = _membership(country, at)
        if row is None:
            continue
        if row.one_stop_shop:
            if (role := roles.get(country)) is not None:
                found.append(Competent(row.key, country, role, row.regime, _SOURCES[role]))
        elif _outside_law_applies(facts, country) and (row.regime != "swiss" or high_risk):
            found.append(Competent(row.key, country, "separate", row.regime, _outside_source(row)))
    return tuple(found)


def _roles_in_the_eea(facts: Facts, at: datetime) -> dict[str, AuthorityRole]:
    seat = _seat(facts, at)
    affected = [country for country in _affected(facts) if _inside(country, at)]
    if seat is not None and facts.organisation.public_body == "yes":
        return {seat: "sole"}
    if seat is None:
        only = len(affected) == 1 and not facts.organisation.main_establishment
        return dict.fromkeys(affected, "sole" if only else "each")
    present = [country for country in facts.organisation.establishments if _inside(country, at)]
    others = {country for country in (*affected, *present) if country != seat}
    if not others:
        return {seat: "sole"}
    return {seat: "lead", **dict.fromkeys(sorted(others), "concerned")}


def _seat(facts: Facts, at: datetime) -> str | None:
    """The country of the main establishment, or of the single one where nothing is said of it."""
    main = facts.organisation.main_establishment
    if main:
        return main if _inside(main, at) else None
    present = [country for country in facts.organisation.establishments if _inside(country, at)]
    return present[0] if len(present) == 1 else None


def _affected(facts: Facts) -> list[str]:
    """Countries with people concerned; not knowing them, every country where there may be some."""
    if facts.subjects.by_country:
        return [country for country, count in facts.subjects.by_country.items() if count > 0]
    return list(dict.fromkeys((*facts.organisation.establishments, *facts.organisation.targets)))


def _countries(facts: Facts, roles: Mapping[str, AuthorityRole]) -> list[str]:
    affected = _affected(facts)
    seats = [
        country for country, role in roles.items() if role in ("sole", "lead") and country not in affected
    ]
    rest = [country for country in roles if country not in affected and country not in seats]
    return [*seats, *affected, *rest]


def _outside_law_applies(facts: Facts, country: str) -> bool:
    """Whether a law outside the one-stop-shop reaches the organisation: seat, offer or monitoring there.

    With no word of where it offers its services, people concerned in the country are sign enough.
    """
    organisation = facts.organisation
    if country in (organisation.main_establishment, *organisation.establishments, *organisation.targets):
        return True
    return "targets" not in organisation.model_fields_set


def _outside_source(row: Membership) -> str:
    return "UK GDPR arts 3 and 33" if row.regime == "uk_gdpr" else "Swiss DSG art. 24"


def _inside(country: str, at: datetime) -> bool:
    row = _membership(country, at)
    return row is not None and row.one_stop_shop


def _membership(country: str, at: datetime) -> Membership | None:
    rows = _ROWS.get(country)
    if not rows:
        return None
    return holding_at(rows, at) or (rows[0] if at.date() < rows[0].valid_from else None)
