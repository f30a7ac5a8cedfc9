"""Whether it is a personal data breach, and whether data that identify people were compromised.

Two questions with three answers each. The first (GDPR art. 4(12)) opens every duty. The second is a
condition that a public promise may carry; it never switches off what the law asks.
"""

from typing import Final

from incident.rules.facts import Facts
from incident.rules.vocabulary import Tri

# Who has one of these about a person has the person, or finds them with little effort.
IDENTIFYING: Final = frozenset(
    {
        "name",
        "contact",
        "postal_address",
        "national_id",
        "identity_document",
        "photo_video",
        "bank_account",
        "payment_card",
        "biometric",
        "genetic",
    }
)


def is_breach(facts: Facts) -> Tri:
    """Whether security failed and personal data were lost, changed, disclosed or opened (art. 4(12)).

    Data that a stranger holds or has taken are breached even when nobody can read them: that bears on the
    risk, not on the breach (9/2022, Annex B example i). It is "no" only when every loss is ruled out.
    """
    losses = (facts.compromised.confidentiality, facts.compromised.integrity, facts.compromised.availability)
    if "yes" in losses or _out_of_our_hands(facts):
        return "yes"
    return "no" if losses == ("no", "no", "no") else "unknown"


def is_unintelligible(facts: Facts) -> Tri:
    """Whether nobody without the key can read the data (art. 34(3)(a)).

    Sure only with encryption that is state of the art and a key that is safe. A breached confidentiality
    says that they were read all the same.
    """
    protection = facts.protection
    if facts.compromised.confidentiality == "yes":
        return "no"
    if protection.encrypted == "no" or protection.key_compromised == "yes":
        return "no"
    if protection.encryption_state_of_the_art == "no":
        return "no"
    holds = (protection.encrypted, protection.encryption_state_of_the_art, protection.key_compromised)
    return "yes" if holds == ("yes", "yes", "no") else "unknown"


def is_identifiable(facts: Facts) -> Tri:
    """Whether the data can be tied to people, by what is said of it or else by their kind."""
    if facts.data.identifiability != "unknown":
        return "no" if facts.data.identifiability == "negligible" else "yes"
    return "yes" if IDENTIFYING.intersection(facts.data.categories) else "unknown"


def identifiable_data_compromised(facts: Facts) -> Tri:
    """Whether data stored in an identifiable way were read, taken or changed.

    Mere absence of data for a time is not meant by it, nor data that nobody can read.
    """
    identifiable, read_or_changed = is_identifiable(facts), _read_or_changed(facts)
    if "no" in (identifiable, read_or_changed):
        return "no"
    return "yes" if (identifiable, read_or_changed) == ("yes", "yes") else "unknown"


def _read_or_changed(facts: Facts) -> Tri:
    losses = (facts.compromised.confidentiality, facts.compromised.integrity)
    if "yes" in losses or facts.disclosure.exfiltration in ("confirmed", "published"):
        return "no" if is_unintelligible(facts) == "yes" and "yes" not in losses else "yes"
    if losses == ("no", "no"):
        return "no"
    return "no" if is_unintelligible(facts) == "yes" and facts.compromised.integrity == "no" else "unknown"


def _out_of_our_hands(facts: Facts) -> bool:
    return (
        facts.cause.category == "loss_or_theft"
        or facts.disclosure.exfiltration in ("confirmed", "published")
        or bool(facts.disclosure.recipients)
    )
