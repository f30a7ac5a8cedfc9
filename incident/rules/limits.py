"""The time limits of the law, as dated rows: how many hours, and from which risk on."""

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from incident.rules.dated import DatedRow, Sentence

Regime: TypeAlias = Literal["gdpr", "uk_gdpr", "swiss", "own"]
LimitKind: TypeAlias = Literal[
    "authority_notification", "subject_communication", "notice_to_controller", "triage", "inquiry"
]
RiskLevel: TypeAlias = Literal["unlikely", "risk", "high"]
Threshold: TypeAlias = Literal["none", "risk", "high"]

_STEPS: Final = ("none", "unlikely", "risk", "high")


class Limit(DatedRow):
    """One dated time limit; `hours` is None where the law names no figure.

    `threshold` is the risk from which on the duty exists; "none" asks for no risk at all.
    """

    kind: LimitKind
    regime: Regime
    threshold: Threshold
    provision: Sentence
    hours: Annotated[float, Field(gt=0, le=8760, allow_inf_nan=False)] | None = None

    def reached_at(self, level: RiskLevel) -> bool:
        """Whether the duty exists at this risk to people."""
        return _STEPS.index(level) >= _STEPS.index(self.threshold)
