"""Why a rule decided as it did, and what a rule is: a sentence with its source, and the legs it stands on."""

from dataclasses import dataclass

from incident.rules.facts import Facts
from incident.rules.legs import Leg, Question


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule that spoke: what it says, the provision or guideline, and the facts it read (pointers)."""

    rule: str
    source: str
    facts: tuple[str, ...] = ()

    def document(self) -> dict[str, object]:
        """The reason as the evaluation contract has it."""
        told: dict[str, object] = {"rule": self.rule, "source": self.source}
        if self.facts:
            told["facts"] = list(self.facts)
        return told


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule says when all that it stands on holds."""

    reason: Reason
    stands_on: Question

    def ask(self, facts: Facts) -> "Asked":
        """Ask the facts."""
        return Asked(self.reason, self.stands_on(facts))


@dataclass(frozen=True, slots=True)
class Asked:
    """A rule and how it stands by the facts: it speaks, it cannot, or it waits for facts."""

    reason: Reason
    leg: Leg

    @property
    def speaks(self) -> bool:
        """Whether the rule holds, on known facts or on presumed ones."""
        return self.leg.state == "yes"

    @property
    def waits(self) -> bool:
        """Whether facts that are not known could make it speak."""
        return self.leg.state == "unknown"
