"""Unlikely, risk or high: what the breach may do to the people concerned.

A first, small rule set, written from the law outwards. Every way to "unlikely" demands that each of its
legs is known to stand; whatever is undecided is a risk, since the authority is to be told in doubt
(GDPR art. 33(1); Guidelines 9/2022; Datatilsynet DK 2021-442-12924, NO 21/03126).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from incident.rules import circumstances as given
from incident.rules.breach import is_breach, is_unintelligible
from incident.rules.facts import Facts
from incident.rules.reasons import Reason
from incident.rules.severity import Severity

Risk: TypeAlias = Literal["unlikely", "risk", "high"]

TELLING: Final = frozenset(
    {"national_id", "identity_document", "login_credentials", "bank_account", "payment_card", "transactions"}
    | {"wage", "economic_situation", "health", "ethnic_origin", "political_opinion", "religion"}
    | {
        "trade_union",
        "sex_life",
        "genetic",
        "biometric",
        "criminal_offence",
        "social_services",
        "unspecified",
    }
)


@dataclass(frozen=True, slots=True)
class RiskFound:
    """The level and the rules that gave it, at least one."""

    level: Risk
    reasons: tuple[Reason, ...]


def assess(facts: Facts, severity: Severity) -> RiskFound:
    """The risk to the rights and freedoms of the people (arts 33(1) and 34(1); recitals 75 and 76)."""
    high = _speaking(_HIGH, facts, severity)
    if high:
        return RiskFound("high", high)
    unlikely = _speaking(_UNLIKELY, facts, severity)
    if unlikely:
        return RiskFound("unlikely", unlikely)
    return RiskFound("risk", (_in_doubt(facts),))


Rule: TypeAlias = Callable[[Facts, Severity], Reason | None]


def _speaking(rules: tuple[Rule, ...], facts: Facts, severity: Severity) -> tuple[Reason, ...]:
    return tuple(reason for rule in rules if (reason := rule(facts, severity)) is not None)


def _in_doubt(facts: Facts) -> Reason:
    if is_breach(facts) == "unknown":
        rule = "Whether personal data were breached is undecided; at the deadline that means notify"
        return Reason(rule, "GDPR art. 33(1); Guidelines 9/2022, section II.A", ("/compromised",))
    return Reason("No rule shows that a risk is unlikely", "GDPR art. 33(1)")


# --- high ---


def _telling_data_in_wrong_hands(facts: Facts, severity: Severity) -> Reason | None:
    """Data that hurt, read by somebody who owes nobody silence (01/2021 cases 4, 7, 14, 17, 18)."""
    if not given.disclosed(facts) or facts.disclosure.recipients_trusted == "yes":
        return None
    if severity.score < 3 or not given.data_are_known(facts):
        return None
    return Reason(
        f"Telling data reached people not bound to silence (severity {severity.score:g}, {severity.band})",
        "GDPR art. 34(1), recital 75; Guidelines 01/2021",
        ("/data/categories", "/disclosure/recipients"),
    )


def _usable_passwords_taken(facts: Facts, _severity: Severity) -> Reason | None:
    """Passwords that can be read open other doors too (9/2022, Annex B example vi)."""
    if "login_credentials" not in facts.data.categories or not given.disclosed(facts):
        return None
    if facts.protection.passwords in ("none_affected", "strong_salted_hash") or not given.hostile(facts):
        return None
    return Reason(
        "Passwords that may be readable are in hostile hands",
        "Guidelines 9/2022, Annex B, example vi",
        ("/data/categories", "/protection/passwords"),
    )


def _hidden_address_shown(facts: Facts, _severity: Severity) -> Reason | None:
    """Somebody hides from somebody: their address is a matter of safety (DK 2019-441-1581)."""
    if facts.subjects.protected_identity != "yes" or not given.disclosed(facts):
        return None
    return Reason(
        "Somebody with a protected identity is among the people",
        "GDPR art. 34(1); Datatilsynet DK 2019-441-1581",
        ("/subjects/protected_identity",),
    )


def _people_went_without(facts: Facts, _severity: Severity) -> Reason | None:
    """People depend on the data, and were without them (01/2021 case 3; 9/2022, Annex B example viii)."""
    if facts.compromised.availability != "yes":
        return None
    effect = facts.availability.service_effect
    if effect != "critical_to_people" and not (effect == "unknown" and given.care_depends_on_it(facts)):
        return None
    return Reason(
        "Care or safety of people hung on data that were out of reach",
        "Guidelines 01/2021, case 3; Guidelines 9/2022, Annex B, example viii",
        ("/availability/service_effect", "/subjects/groups"),
    )


# --- unlikely ---


def _no_breach(facts: Facts, _severity: Severity) -> Reason | None:
    if is_breach(facts) != "no":
        return None
    return Reason("No personal data were lost, changed or disclosed", "GDPR art. 4(12)", ("/compromised",))


def _nobody_can_read_it(facts: Facts, _severity: Severity) -> Reason | None:
    """Encrypted, the key safe, and the people miss nothing (01/2021 cases 1, 10; 9/2022 Annex B i)."""
    if facts.compromised.confidentiality != "no" or facts.compromised.integrity != "no":
        return None
    if not (is_unintelligible(facts) == "yes" or given.locked_and_wiped(facts)) or not given.nothing_missed(
        facts
    ):
        return None
    return Reason(
        "Nobody without the key can read the data, and they were not missed",
        "Guidelines 01/2021, cases 1 and 10; Guidelines 9/2022, Annex B, example i",
        ("/protection/encrypted", "/protection/key_compromised", "/availability"),
    )


def _short_outage(facts: Facts, _severity: Severity) -> Reason | None:
    """Data were away for a while and nobody got them (9/2022, Annex B example iii)."""
    lost = (facts.compromised.confidentiality, facts.compromised.integrity, facts.compromised.availability)
    if lost != ("no", "no", "yes") or not given.nothing_missed(facts) or not given.copying_ruled_out(facts):
        return None
    return Reason(
        "Only a short outage, with little or no effect",
        "Guidelines 9/2022, Annex B, example iii",
        ("/availability/restored_after_hours", "/availability/service_effect"),
    )


def _trusted_recipient(facts: Facts, _severity: Severity) -> Reason | None:
    """One bound to silence had it by mistake and has given it back (01/2021 case 9)."""
    disclosure = facts.disclosure
    kept_silent = disclosure.recipients_trusted == "yes" and disclosure.misuse_seen != "yes"
    given_back = disclosure.retrieved in ("confirmed", "confirmed_in_writing")
    if not (given.a_slip(facts) and kept_silent and given_back and facts.data.special_categories == "no"):
        return None
    return Reason(
        "The only recipients are bound to silence and have deleted or returned the data",
        "Guidelines 01/2021, case 9",
        ("/disclosure/recipients_trusted", "/disclosure/retrieved"),
    )


def _plain_data_to_a_few(facts: Facts, _severity: Severity) -> Reason | None:
    """Plain data of a few people went to a few others by mistake (01/2021 case 15)."""
    few = given.at_most_a_handful(facts.subjects.total.highest, facts.disclosure.recipients_count.highest)
    plain = given.data_are_known(facts) and not TELLING.intersection(facts.data.categories)
    ordinary = facts.data.special_categories in ("no", "incidental") and given.no_reason_to_fear(facts)
    if not (given.a_slip(facts) and few and plain and ordinary and facts.disclosure.misuse_seen != "yes"):
        return None
    return Reason(
        "Plain data of a few people reached a few others by mistake",
        "Guidelines 01/2021, case 15",
        ("/data/categories", "/subjects/total", "/disclosure/recipients_count"),
    )


def _names_nobody(facts: Facts, _severity: Severity) -> Reason | None:
    """Pseudonyms that lead to nobody, passwords that cannot be read (01/2021 case 6)."""
    hashed = facts.protection.passwords in ("strong_salted_hash", "none_affected")
    harmless = not (TELLING - {"login_credentials"}).intersection(facts.data.categories)
    if facts.data.identifiability != "negligible" or facts.data.special_categories != "no":
        return None
    if not (given.data_are_known(facts) and hashed and harmless):
        return None
    if facts.compromised.integrity != "no" or facts.compromised.availability != "no":
        return None
    return Reason(
        "The data lead to nobody, and no password can be read from them",
        "Guidelines 01/2021, case 6",
        ("/data/identifiability", "/protection/passwords"),
    )


_HIGH: Final[tuple[Rule, ...]] = (
    _telling_data_in_wrong_hands,
    _usable_passwords_taken,
    _hidden_address_shown,
    _people_went_without,
)
_UNLIKELY: Final[tuple[Rule, ...]] = (
    _no_breach,
    _nobody_can_read_it,
    _short_outage,
    _trusted_recipient,
    _plain_data_to_a_few,
    _names_nobody,
)
