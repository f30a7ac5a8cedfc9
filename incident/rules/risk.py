"""Unlikely, risk or high: what the breach may do to the people concerned.

Every way to "unlikely" demands that each of its legs is known to stand, and stands before every way to
"high": a risk that is shown to be unlikely is not high. Whatever is undecided is a risk, since the
authority is to be told in doubt (GDPR art. 33(1); Guidelines 9/2022; Datatilsynet DK 2021-442-12924,
NO 21/03126). ENISA's score has no say in it: the Board accepts it as support, not as an answer.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from incident.rules.breach import is_breach
from incident.rules.facts import Facts
from incident.rules.grave import grave, grave_if_read
from incident.rules.reasons import Asked, Reason
from incident.rules.unlikely import cautions, unlikely

Risk: TypeAlias = Literal["unlikely", "risk", "high"]


@dataclass(frozen=True, slots=True)
class RiskFound:
    """The level and the rules that gave it, at least one; how every other rule stands.

    `averted` is what would make the risk high if anybody could read the data.
    """

    level: Risk
    reasons: tuple[Reason, ...]
    unlikely: tuple[Asked, ...]
    grave: tuple[Asked, ...]
    averted: tuple[Reason, ...] = ()


def assess(facts: Facts) -> RiskFound:
    """The risk to the rights and freedoms of the people (arts 33(1) and 34(1); recitals 75 and 76)."""
    mild, bad = unlikely(facts), grave(facts)
    averted = grave_if_read(facts)
    if reasons := _speaking(mild):
        return RiskFound("unlikely", (*reasons, *cautions(facts)), mild, bad, averted)
    if reasons := _speaking(bad):
        return RiskFound("high", reasons, mild, bad)
    return RiskFound("risk", (_in_doubt(facts),), mild, bad, averted)


def _speaking(asked: tuple[Asked, ...]) -> tuple[Reason, ...]:
    return tuple(each.reason for each in asked if each.speaks)


def _in_doubt(facts: Facts) -> Reason:
    if is_breach(facts) == "unknown":
        rule = "Whether personal data were breached is undecided; at the deadline that means notify"
        return Reason(rule, "GDPR art. 33(1); Guidelines 9/2022, section II.A", ("/compromised",))
    return Reason("No rule shows that a risk is unlikely", "GDPR art. 33(1)")
