"""From the risk to the duties: notify the authority, tell the people.

The record (art. 33(5)) is no question: every breach is documented. Advice for a named person; an
exemption is claimed by that person, with evidence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from incident.rules.breach import is_breach
from incident.rules.circumstances import NO_CROWD
from incident.rules.facts import Facts
from incident.rules.legs import all_of, any_of, asked, unless
from incident.rules.limits import Limit, Threshold
from incident.rules.reasons import Reason
from incident.rules.risk import RiskFound

Exemption: TypeAlias = Literal["GDPR art. 34(3)(a)", "GDPR art. 34(3)(b)"]


@dataclass(frozen=True, slots=True)
class DutyFound:
    """Whether a duty exists by the facts, why, and on what exemption if one frees from it.

    With facts missing `required` is what the duty would be if the deadline came now.
    """

    required: bool
    reasons: tuple[Reason, ...]
    exemption: Exemption | None = None

    def document(self) -> dict[str, object]:
        """The duty as the evaluation contract has it."""
        return {
            "required": self.required,
            "exemption": self.exemption,
            "reasons": [reason.document() for reason in self.reasons],
        }


_NOT_OURS: Final = Reason(
    "A processor tells its controller, and no authority or person of its own motion",
    "GDPR arts 33(2) and 28(3)(a)",
    ("/our_role",),
)


_TO_AUTHORITY: Final[Mapping[Threshold, str]] = {
    "none": "The authority is notified of every breach",
    "risk": "The authority is notified unless a risk is unlikely",
    "high": "The authority is notified when the risk is likely to be high",
}


def authority_notification(facts: Facts, risk: RiskFound, limits: Sequence[Limit]) -> DutyFound:
    """Whether an authority is to be notified by any of the laws that apply (`limits`, one of each).

    By the GDPR: yes, unless a risk is shown to be unlikely (art. 33(1)).
    """
    if not facts.is_controller:
        return DutyFound(required=False, reasons=(_NOT_OURS,))
    owed = [limit for limit in limits if limit.reached_at(risk.level)]
    if not owed and risk.level == "unlikely":
        return DutyFound(required=False, reasons=risk.reasons)
    reasons = tuple(Reason(_TO_AUTHORITY[each.threshold], each.provision) for each in owed or limits)
    return DutyFound(required=bool(owed), reasons=(*reasons, *risk.reasons))


def subject_communication(facts: Facts, risk: RiskFound, limit: Limit) -> DutyFound:
    """Whether the people are to be told: at high risk (`limit`), unless art. 34(3)(a) or (b) frees from it.

    The third ground, disproportionate effort, replaces the messages by a public one and frees from nothing;
    it is for a person to decide, not for facts.
    """
    if not facts.is_controller:
        return DutyFound(required=False, reasons=(_NOT_OURS,))
    if not limit.reached_at(risk.level):
        return _not_high(risk, limit)
    if MEASURES_END_IT(facts).state == "yes":
        return DutyFound(required=False, reasons=(_MEASURES, *risk.reasons), exemption="GDPR art. 34(3)(b)")
    reason = Reason("People are told without undue delay when the risk is likely to be high", limit.provision)
    return DutyFound(required=True, reasons=(reason, *risk.reasons))


def document_breach(facts: Facts) -> bool:
    """Whether the record of art. 33(5) is owed: for every breach, and in doubt."""
    return is_breach(facts) != "no"


def _not_high(risk: RiskFound, limit: Limit) -> DutyFound:
    """No high risk, perhaps only because nobody can read the data; then the exemption is named."""
    reason = Reason("People are told when the risk is likely to be high", limit.provision)
    if not risk.averted:
        return DutyFound(required=False, reasons=(reason, *risk.reasons))
    return DutyFound(
        required=False, reasons=(_UNINTELLIGIBLE, reason, *risk.reasons), exemption="GDPR art. 34(3)(a)"
    )


_UNINTELLIGIBLE: Final = Reason(
    "Nobody without the key can read the data, as it was before the breach",
    "GDPR art. 34(3)(a)",
    ("/protection",),
)
_MEASURES: Final = Reason(
    "Later measures see to it that the high risk is no longer likely",
    "GDPR art. 34(3)(b)",
    ("/measures/high_risk_no_longer_likely",),
)

# Measures come before any use of the data, and a crowd that is asked to delete has not done so
# (Guidelines 01/2021, case 14).
MEASURES_END_IT: Final = all_of(
    asked("/measures/high_risk_no_longer_likely", "yes"),
    unless("/disclosure/misuse_seen", "yes"),
    any_of(unless("/disclosure/retrieved", "requested", "no", "not_possible"), NO_CROWD),
)
