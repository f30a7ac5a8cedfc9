"""ENISA's severity of a breach: what the data say, how easily they name a person, how it happened.

SE = DPC * EI + CB (ENISA 2013). It supports the decision and never makes it: authorities have fined
controllers that let a low score close a case. Unknown data count as the most telling, unknown
identification as direct; circumstances add only what is known to have happened.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from incident.rules.breach import is_unintelligible
from incident.rules.dated import read_data
from incident.rules.facts import Facts

Band: TypeAlias = Literal["low", "medium", "high", "very_high"]
Flag: TypeAlias = Literal["more_than_100_individuals", "unintelligible_data"]

SOURCE: Final = "ENISA, severity of personal data breaches, working document 1.0 (2013)"


@dataclass(frozen=True, slots=True)
class Scored:
    """One part of the score and the sentence that explains it."""

    points: float
    sentence: str


@dataclass(frozen=True, slots=True)
class Severity:
    """The score with its parts; every part says why."""

    dpc: Scored
    ei: Scored
    cb: tuple[Scored, ...]
    flags: tuple[Flag, ...]

    @property
    def cb_points(self) -> float:
        """The circumstances' points together, 0 to 2."""
        return sum(each.points for each in self.cb)

    @property
    def score(self) -> float:
        """SE = DPC * EI + CB."""
        return score(self.dpc.points, self.ei.points, self.cb_points)

    @property
    def band(self) -> Band:
        """The band that the score falls into."""
        return band(self.score)


def score(dpc: float, ei: float, cb: float) -> float:
    """ENISA's sum; all parts are multiples of a quarter, so it is exact."""
    return dpc * ei + cb


def band(points: float) -> Band:
    """Low below 2, medium below 3, high below 4, very high from 4 on."""
    if points < 2:
        return "low"
    if points < 3:
        return "medium"
    return "high" if points < 4 else "very_high"


def severity(facts: Facts) -> Severity:
    """Score the facts; never fails, whatever is missing."""
    return Severity(
        _data_context(facts), _ease_of_identification(facts), _circumstances(facts), _flags(facts)
    )


_DATA: Final = read_data("severity.toml")
_CATEGORIES: Final[Mapping[str, Mapping[str, Any]]] = _DATA["dpc"]
_CATEGORY_OF: Final = {kind: row for row in _CATEGORIES.values() for kind in row["kinds"]}
_EI: Final[Mapping[str, float]] = _DATA["ei"]
_EASE: Final = {
    "direct": "The data name a person at once.",
    "moderate_effort": "The data name a person with some effort.",
    "considerable_effort": "The data name a person with much effort only.",
    "negligible": "The data name practically nobody.",
}


def _data_context(facts: Facts) -> Scored:
    rows = [_CATEGORY_OF[kind] for kind in facts.data.categories if kind != "unspecified"]
    if facts.data.special_categories == "yes":
        rows.append(_CATEGORIES["sensitive"])
    if not rows or "unspecified" in facts.data.categories:
        return Scored(4, "The kinds of data are not known: counted as the most telling until they are.")
    if facts.data.public_before == "yes":
        return Scored(1, "Anyone could read the data before.")
    scored = (Scored(row["by_reveals"].get(facts.data.reveals, row["base"]), row["sentence"]) for row in rows)
    return max(scored, key=lambda each: each.points)


def _ease_of_identification(facts: Facts) -> Scored:
    step = facts.data.identifiability
    if step == "unknown":
        return Scored(_EI[step], "How easily the data name a person is not known: counted as at once.")
    return Scored(_EI[step], _EASE[step])


def _circumstances(facts: Facts) -> tuple[Scored, ...]:
    return tuple(
        each
        for each in (_confidentiality(facts), _integrity(facts), _availability(facts), _intent(facts))
        if each is not None
    )


def _confidentiality(facts: Facts) -> Scored | None:
    if facts.compromised.confidentiality != "yes" and facts.disclosure.exfiltration != "published":
        return None
    recipients = set(facts.disclosure.recipients)
    if facts.disclosure.exfiltration == "published" or recipients & {"public", "unknown"}:
        return Scored(0.5, "Disclosed to an unknown number of recipients.")
    return Scored(0.25, "Disclosed to a limited number of recipients.")


def _integrity(facts: Facts) -> Scored | None:
    if facts.compromised.integrity != "yes":
        return None
    if facts.availability.backup == "none":
        return Scored(0.5, "Changed, and the original cannot be had back.")
    return Scored(0.25, "Changed and perhaps used so.")


def _availability(facts: Facts) -> Scored | None:
    if facts.compromised.availability != "yes":
        return None
    if facts.availability.backup == "none" and facts.availability.restored_after_hours is None:
        return Scored(0.5, "Lost, with no copy to bring it back.")
    if facts.availability.service_effect == "none":
        return None
    return Scored(0.25, "Out of reach for a time.")


def _intent(facts: Facts) -> Scored | None:
    meant = facts.cause.deliberate == "yes"
    if facts.cause.deliberate == "unknown":
        meant = facts.cause.category in ("external_malicious", "internal_malicious")
    return Scored(0.5, "Done on purpose.") if meant else None


def _flags(facts: Facts) -> tuple[Flag, ...]:
    flags: list[Flag] = []
    if max(facts.subjects.total.lowest, sum(facts.subjects.by_country.values())) > 100:
        flags.append("more_than_100_individuals")
    if is_unintelligible(facts) == "yes":
        flags.append("unintelligible_data")
    return tuple(flags)
