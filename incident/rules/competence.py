"""Which authorities are competent, and in which role.

The role decides what the controller does: it notifies the one that is `sole` or `lead`, `each` of several
when there is no lead, and the ones `separate` from the one-stop-shop; those `concerned` hear of it from
the lead (GDPR arts 55, 56 and 4(22); Guidelines 9/2022 paras 66-73; Guidelines 8/2022). One filing too
many costs little and one too few costs the deadline, so an unknown adds authorities and removes none.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import Final, Literal, TypeAlias

from incident.rules.dated import Certainty
from incident.rules.facts import Facts
from incident.rules.law import LAW, Law, Membership, Regional, Territory
from incident.rules.limits import Regime

AuthorityRole: TypeAlias = Literal["sole", "lead", "each", "separate", "concerned"]


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


@dataclass(frozen=True, slots=True)
class Question:
    """What the facts cannot tell about a place and a person must: the Land, a territory's own law."""

    country: str
    text: str
    source: str
    certainty: Certainty
    choices: tuple[Regional, ...] = ()


_SOURCES: Final[Mapping[AuthorityRole, str]] = {
    "sole": "GDPR art. 55(1)",
    "lead": "GDPR art. 56(1)",
    "each": "GDPR art. 55(1); Guidelines 9/2022 para 73",
    "concerned": "GDPR arts 4(22) and 60",
}
_PUBLIC: Final = "GDPR art. 55(2)"
# What the contract says of a main establishment outside the EEA.
NOWHERE_IN_THE_EEA: Final = "none"


def competent(facts: Facts, *, high_risk: bool, at: datetime, law: Law = LAW) -> tuple[Competent, ...]:
    """The competent authorities by the law of the moment `at`, in the order of the countries told.

    A processor has none: it tells its controller (art. 33(2)). Countries without a known authority are
    left out; `questions` says what to ask about them. `high_risk` matters where a law outside the
    one-stop-shop asks for it, as Switzerland's does.
    """
    if not facts.is_controller:
        return ()
    return tuple(_Routing(facts, at, law).authorities(high_risk=high_risk))


def regimes_of(authorities: Sequence[Competent]) -> frozenset[Regime]:
    """The laws under which the controller notifies; the GDPR where no authority is known."""
    return frozenset(each.regime for each in authorities if each.notified_by_controller) or frozenset(
        {"gdpr"}
    )


def questions(facts: Facts, *, at: datetime, law: Law = LAW) -> tuple[Question, ...]:
    """What a person must say so that the right office is told: which Land, which law of a territory.

    A processor is asked nothing.
    """
    if not facts.is_controller:
        return ()
    return tuple(_Routing(facts, at, law).questions())


class _Routing:
    """One set of facts, read by the law of one moment. Places are named by the country they answer to."""

    def __init__(self, facts: Facts, at: datetime, law: Law) -> None:
        self.organisation, self.subjects = facts.organisation, facts.subjects
        self.at, self.law = at, law
        self._row = cache(partial(law.membership, moment=at))  # each is asked for many times
        self._home = cache(partial(law.home, moment=at))
        self.main = self._home(facts.organisation.main_establishment)
        self.establishments = self._homes(facts.organisation.establishments)
        self.targets = self._homes(facts.organisation.targets)
        self.affected = self._affected()
        self.roles = self._roles()

    def authorities(self, *, high_risk: bool) -> Iterator[Competent]:
        for country in self._countries():
            row = self._row(country)
            if row is None:
                continue
            if row.one_stop_shop:
                if (role := self.roles.get(country)) is not None:
                    yield Competent(row.key, country, role, row.regime, self._source(role))
            elif self._reaches(row) and self._is_grave_enough(row, high_risk=high_risk):
                yield Competent(row.key, country, "separate", row.regime, row.source)

    def questions(self) -> Iterator[Question]:
        told = {each.country for each in self.authorities(high_risk=True) if each.notified_by_controller}
        for code in self._codes():
            place = self.law.territory(code, self.at)
            row = self._row(code) if place is None and code in told else None
            asked = place or row
            if asked is None or not asked.question or not self._concerns(asked):
                continue
            choices = self.law.regional.get(self._home(code), ())
            if place is not None:
                choices = tuple(each for each in choices if each.code == code)
            yield Question(code, asked.question, asked.source, asked.certainty, choices)

    # --- where people are and where decisions are taken ---

    def _affected(self) -> list[str]:
        """Countries with people concerned; where some may be elsewhere, every place that is served.

        With nothing known of either it is the representative's: that one sits where some of the people
        are (GDPR art. 27(3)), and makes no lead.
        """
        by_country, total = self.subjects.by_country, self.subjects.total
        counted = self._homes(tuple(country for country, count in by_country.items() if count > 0))
        if by_country and total.lowest <= sum(by_country.values()):
            return counted
        found = list(dict.fromkeys((*counted, *self.establishments, *self.targets)))
        return found or self._homes((self.organisation.eea_representative,))

    def _seat(self) -> str | None:
        """The country of the main establishment; with nothing said of it, of the only one there is.

        With one in the EEA and another outside it decisions may be taken outside: then there is no lead.
        """
        seat = self.main or (self.establishments[0] if len(self.establishments) == 1 else "")
        return seat if self._inside(seat) else None

    def _outside_seats(self) -> list[str]:
        """From where it is run under another law, as a British firm is: also for people elsewhere."""
        known = self.main and self.main != NOWHERE_IN_THE_EEA
        candidates = [self.main] if known else self.establishments
        return [country for country in candidates if self._is_outside_law(country)]

    # --- roles ---

    def _roles(self) -> dict[str, AuthorityRole]:
        """The roles inside the one-stop-shop, by country."""
        seat = self._seat()
        affected = [country for country in self.affected if self._inside(country)]
        present = [country for country in self.establishments if self._inside(country)]
        if seat is not None and self.organisation.public_body == "yes":
            return {seat: "sole"}
        if seat is None and self.main:
            return dict.fromkeys(affected, "each")
        if seat is None:  # any of its establishments may turn out to be the main one
            all_of_them = list(dict.fromkeys((*affected, *present)))
            return dict.fromkeys(all_of_them, "sole" if len(all_of_them) == 1 else "each")
        others = {country for country in (*affected, *present) if country != seat}
        if not others:
            return {seat: "sole"}
        return {seat: "lead", **dict.fromkeys(sorted(others), "concerned")}

    def _countries(self) -> list[str]:
        """Seats first where nobody concerned lives there, then the countries as they were told."""
        seats = [country for country, role in self.roles.items() if role in ("sole", "lead")]
        first = [country for country in (*self._outside_seats(), *seats) if country not in self.affected]
        return list(dict.fromkeys((*first, *self.affected, *self.roles)))

    def _source(self, role: AuthorityRole) -> str:
        return _PUBLIC if self.organisation.public_body == "yes" and role == "sole" else _SOURCES[role]

    # --- laws outside the one-stop-shop ---

    def _reaches(self, row: Membership) -> bool:
        """Whether a law outside the one-stop-shop reaches the organisation: seat, offer, monitoring, effect.

        With no word of where it offers its services, people concerned in the country are sign enough; a
        public body of another country offers none.
        """
        if row.country in (self.main, *self.establishments, *self.targets):
            return True
        if self.organisation.public_body == "yes":
            return False
        return row.by_effect or "targets" not in self.organisation.model_fields_set

    def _is_grave_enough(self, row: Membership, *, high_risk: bool) -> bool:
        return high_risk or self.law.limit("authority_notification", row.regime, self.at).threshold != "high"

    def _is_outside_law(self, country: str) -> bool:
        row = self._row(country)
        return row is not None and not row.one_stop_shop

    # --- reading the law ---

    def _inside(self, country: str) -> bool:
        row = self._row(country)
        return row is not None and row.one_stop_shop

    def _homes(self, codes: Sequence[str]) -> list[str]:
        return list(dict.fromkeys(self._home(code) for code in codes if code))

    def _codes(self) -> list[str]:
        """Every place told of, by its own code, and every country found to be competent."""
        told = [country for country, count in self.subjects.by_country.items() if count > 0]
        organisation = self.organisation
        places = (organisation.main_establishment, *organisation.establishments, *organisation.targets)
        return list(dict.fromkeys((*self._countries(), *told, *places)))

    def _concerns(self, asked: Membership | Territory) -> bool:
        return not asked.question_to_public_bodies or self.organisation.public_body != "no"
