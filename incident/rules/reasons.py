"""Why a rule decided as it did."""

from dataclasses import dataclass


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
