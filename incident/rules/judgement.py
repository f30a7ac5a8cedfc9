"""The judgement on a set of facts, without times: breach, severity, risk, duties.

Kept apart from clocks and authorities so that it can be made again, quickly, with one fact changed.
"""

from dataclasses import dataclass

from incident.rules import breach, duties, risk
from incident.rules.duties import DutyFound
from incident.rules.facts import Facts
from incident.rules.risk import RiskFound
from incident.rules.severity import Severity, severity
from incident.rules.vocabulary import Tri


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rules make of the facts; every part carries its reasons."""

    breach: Tri
    identifiable_data_compromised: Tri
    severity: Severity
    risk: RiskFound
    authority_notification: DutyFound
    subject_communication: DutyFound


def judge(facts: Facts) -> Judgement:
    """Judge the facts as they stand; never fails, whatever is missing."""
    scored = severity(facts)
    found = risk.assess(facts, scored)
    return Judgement(
        breach.is_breach(facts),
        breach.identifiable_data_compromised(facts),
        scored,
        found,
        duties.authority_notification(facts, found),
        duties.subject_communication(facts, found),
    )
