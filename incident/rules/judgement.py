"""The judgement on a set of facts, without times: breach, severity, risk, duties.

Kept apart from clocks and authorities so that it can be made again, quickly, with one fact changed.
"""

from dataclasses import dataclass

from incident.rules import breach, duties, risk
from incident.rules.duties import DutyFound
from incident.rules.facts import Facts
from incident.rules.law import GDPR_THRESHOLDS, Thresholds
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
    thresholds: Thresholds


def judge(facts: Facts, thresholds: Thresholds = GDPR_THRESHOLDS) -> Judgement:
    """Judge the facts as they stand; never fails, whatever is missing.

    `thresholds` say from which risk on the duties exist: dated data, by the laws that apply.
    """
    scored = severity(facts)
    found = risk.assess(facts)
    return Judgement(
        breach.is_breach(facts),
        breach.identifiable_data_compromised(facts),
        scored,
        found,
        duties.authority_notification(facts, found, thresholds.authority),
        duties.subject_communication(facts, found, thresholds.people),
        thresholds,
    )
