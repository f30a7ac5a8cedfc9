"""ENISA's severity of a breach: what the data say, how easily they name a person, how it happened.

SE = DPC * EI + CB (ENISA 2013). It supports the decision and never makes it: authorities have fined
controllers that let a low score close a case, and no rule on risk or duties reads it. Unknown data count
as the most telling, unknown identification as direct; circumstances add only what is known to have
happened. Encryption changes no figure: it is a flag beside the score.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

from incident.rules.breach import is_unintelligible
from incident.rules.dated import read_data
from incident.rules.facts import Facts
from incident.rules.faults import FactsFault, Fault
from incident.rules.measures import MEASURES

Band: TypeAlias = Literal["low", "medium", "high", "very_high"]
Flag: TypeAlias = Literal["more_than_100_individuals", "unintelligible_data"]
Figure: TypeAlias = Literal["dpc", "ei", "cb"]

SOURCE: Final = "ENISA, severity of personal data breaches, working document 1.0 (2013)"
# The steps of each figure; the score is made of no others.
STEPS: Final[Mapping[Figure, tuple[float, ...]]] = {
    "dpc": (1, 2, 3, 4),
    "ei": (0.25, 0.5, 0.75, 1),
    "cb": tuple(quarter / 4 for quarter in range(9)),
}


@dataclass(frozen=True, slots=True)
class Override:
    """A figure as a named person sets it, with the reason."""

    value: float
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Scored:
    """One part of the score and the sentences that explain it.

    `before` and `override`: what the rules said, where a person has set another figure.
    """

    points: float
    sentences: tuple[str, ...]
    before: float | None = None
    override: Override | None = None

    @property
    def sentence(self) -> str:
        """The sentences as one text."""
        return " ".join(self.sentences)


@dataclass(frozen=True, slots=True)
class Severity:
    """The score with its parts; every part says why.

    `cb` holds the four circumstances in ENISA's order (confidentiality, integrity, availability, intent),
    or one figure for all that a person has set.
    """

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
    circumstances = (_confidentiality(facts), _integrity(facts), _availability(facts), _intent(facts))
    return Severity(_data_context(facts), _ease_of_identification(facts), circumstances, _flags(facts))


def overridden(found: Severity, overrides: Mapping[Figure, Override]) -> Severity:
    """The severity with the figures that people have set in place of the rules' own, which stay known.

    Raises FactsFault naming every fault at once, by pointers as `/ei/value`: a figure that the sum does
    not have, a value between ENISA's steps, no reason, nobody's name.
    """
    if faults := [fault for figure, override in overrides.items() for fault in _refused(figure, override)]:
        raise FactsFault(faults)
    changed = found
    if "dpc" in overrides:
        changed = replace(changed, dpc=_set(found.dpc, overrides["dpc"]))
    if "ei" in overrides:
        changed = replace(changed, ei=_set(found.ei, overrides["ei"]))
    if "cb" in overrides:
        before = Scored(found.cb_points, tuple(text for each in found.cb for text in each.sentences))
        changed = replace(changed, cb=(_set(before, overrides["cb"]),))
    return changed


def _set(figure: Scored, override: Override) -> Scored:
    before = figure.points if figure.before is None else figure.before
    return Scored(override.value, (override.reason,), before, override)


def _refused(figure: str, override: Override) -> Iterator[Fault]:
    steps = dict(STEPS).get(figure)  # type: ignore[call-overload]  # what comes from a form may be no figure
    if steps is None:
        yield Fault(f"/{figure}", f"The sum has no such figure. It has {', '.join(STEPS)}.")
    elif override.value not in steps:
        told = ", ".join(f"{step:g}" for step in steps)
        yield Fault(f"/{figure}/value", f"ENISA's steps for this figure are {told}.")
    if not override.reason.strip():
        yield Fault(f"/{figure}/reason", "Say why another figure is right.")
    if not override.by.strip():
        yield Fault(f"/{figure}/by", "Say who sets the figure.")


_DATA: Final = read_data("severity.toml")
_CATEGORIES: Final[Mapping[str, Mapping[str, Any]]] = _DATA["dpc"]
_CATEGORY_OF: Final = {kind: row for row in _CATEGORIES.values() for kind in row["kinds"]}
_CONTEXT: Final = {name: Scored(row["score"], (row["sentence"],)) for name, row in _DATA["context"].items()}
_REVEALS: Final[Mapping[str, str]] = _DATA["reveals"]
_EI: Final = {name: Scored(points, (_DATA["ei_sentences"][name],)) for name, points in _DATA["ei"].items()}

_SPECIAL: Final = MEASURES.kinds["special"]
_IDENTITY: Final = MEASURES.kinds["identity"]
_MONEY: Final = MEASURES.kinds["money"]


def _data_context(facts: Facts) -> Scored:
    """The highest of the categories, after what the context adds or takes."""
    if not facts.data.categories or "unspecified" in facts.data.categories:
        known = facts.data.special_categories == "yes"
        return _of_category("sensitive", facts) if known else _CONTEXT["unknown"]
    if facts.data.public_before == "yes":
        return _CONTEXT["public_before"]
    return max(_contexts(facts), key=lambda each: each.points)


def _contexts(facts: Facts) -> Iterator[Scored]:
    kinds = set(facts.data.categories)
    if facts.data.special_categories == "yes":
        yield _of_category("sensitive", facts)
    if facts.data.special_categories == "incidental" and kinds & _SPECIAL:
        yield _CONTEXT["stray_mention"]
        kinds -= _SPECIAL
    if facts.subjects.protected_identity == "yes":
        yield _CONTEXT["hidden_address"]
    if "login_credentials" in kinds and kinds & _MONEY:
        yield _CONTEXT["access_to_money"]
    for kind in facts.data.categories:
        if kind in kinds:
            yield _of_row(_CATEGORY_OF[kind], facts)


def _of_category(name: str, facts: Facts) -> Scored:
    return _of_row(_CATEGORIES[name], facts)


def _of_row(row: Mapping[str, Any], facts: Facts) -> Scored:
    reveals = facts.data.reveals
    if (raised := row["by_reveals"].get(reveals)) is None:
        return Scored(row["base"], (row["sentence"],))
    return Scored(raised, (row["sentence"], _REVEALS[reveals]))


def _ease_of_identification(facts: Facts) -> Scored:
    told, floor = _EI[facts.data.identifiability], _EI["identity_number"]
    numbered = not _IDENTITY.isdisjoint(facts.data.categories)
    return floor if numbered and told.points < floor.points else told


_LOST_ON_ITS_WAY: Final = frozenset({"equipment_lost", "paper_lost", "improper_disposal"})


def _confidentiality(facts: Facts) -> Scored:
    disclosure = facts.disclosure
    taken = disclosure.exfiltration in ("confirmed", "published")
    if facts.compromised.confidentiality != "yes" and not taken:
        return _NOTHING["confidentiality"]
    nobody_seen = not set(disclosure.recipients) - {"unknown"} and disclosure.misuse_seen != "yes"
    if facts.cause.kind in _LOST_ON_ITS_WAY and nobody_seen and not taken:
        return Scored(0, ("Exposed, but nothing shows that anybody has made use of it.",))
    if disclosure.exfiltration == "published" or {"public", "unknown"}.intersection(disclosure.recipients):
        return Scored(0.5, ("Disclosed to an unknown number of recipients.",))
    return Scored(0.25, ("Disclosed to a limited number of recipients.",))


def _integrity(facts: Facts) -> Scored:
    if facts.compromised.integrity != "yes":
        return _NOTHING["integrity"]
    recovered = facts.availability.backup == "full" or facts.availability.restored_after_hours is not None
    if recovered and facts.disclosure.misuse_seen == "no":
        return Scored(0, ("Changed, set right again, and not used in between.",))
    if facts.availability.backup == "none" and not recovered:
        return Scored(0.5, ("Changed, and the original cannot be had back.",))
    return Scored(0.25, ("Changed and perhaps used so.",))


def _availability(facts: Facts) -> Scored:
    if facts.compromised.availability != "yes":
        return _NOTHING["availability"]
    if facts.availability.backup == "none" and facts.availability.restored_after_hours is None:
        return Scored(0.5, ("Lost, with no copy to bring it back.",))
    if facts.availability.service_effect == "none":
        return Scored(0, ("Brought back without difficulty.",))
    return Scored(0.25, ("Out of reach for a time.",))


def _intent(facts: Facts) -> Scored:
    meant = facts.cause.deliberate == "yes"
    if facts.cause.deliberate == "unknown":
        meant = facts.cause.category in ("external_malicious", "internal_malicious")
    return Scored(0.5, ("Done on purpose.",)) if meant else _NOTHING["intent"]


_NOTHING: Final = {
    "confidentiality": Scored(0, ("Secrecy is not known to be lost.",)),
    "integrity": Scored(0, ("The data are not known to be changed.",)),
    "availability": Scored(0, ("The data are not known to have been out of reach.",)),
    "intent": Scored(0, ("Not known to be done on purpose.",)),
}


def _flags(facts: Facts) -> tuple[Flag, ...]:
    flags: list[Flag] = []
    if max(facts.subjects.total.lowest, sum(facts.subjects.by_country.values())) > 100:
        flags.append("more_than_100_individuals")
    if is_unintelligible(facts) == "yes":
        flags.append("unintelligible_data")
    return tuple(flags)
