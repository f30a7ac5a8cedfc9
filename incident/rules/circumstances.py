"""What the rules on risk ask of the facts: each a plain question, answered yes only when it is known."""

from typing import Final

from incident.rules.facts import Facts

# Few enough to be called one by one. Ours: no guideline gives a figure.
A_HANDFUL: Final = 20

DEPENDENT: Final = frozenset({"patients"})


def disclosed(facts: Facts) -> bool:
    """Whether somebody outside has, or had, the data."""
    return facts.compromised.confidentiality == "yes" or facts.disclosure.exfiltration in (
        "confirmed",
        "published",
    )


def hostile(facts: Facts) -> bool:
    """Whether they came to somebody who took them, or who nobody knows."""
    malicious = facts.cause.category in ("external_malicious", "internal_malicious")
    wrong_hands = {"attacker", "thief", "public", "unknown"}.intersection(facts.disclosure.recipients)
    return malicious or bool(wrong_hands) or facts.disclosure.exfiltration == "published"


def data_are_known(facts: Facts) -> bool:
    """Whether it is known which kinds of data are concerned."""
    return bool(facts.data.categories) and "unspecified" not in facts.data.categories


def care_depends_on_it(facts: Facts) -> bool:
    """Whether patients hang on health data that were away for an hour or more, or are still away."""
    hours = facts.availability.restored_after_hours
    at_risk = bool(DEPENDENT.intersection(facts.subjects.groups)) and "health" in facts.data.categories
    return at_risk and (hours is None or hours >= 1)


def locked_and_wiped(facts: Facts) -> bool:
    """Encryption of unknown strength, held up by a strong password and a wipe (01/2021 case 10)."""
    protection = facts.protection
    encrypted = protection.encrypted == "yes" and protection.key_compromised == "no"
    sound = protection.encryption_state_of_the_art != "no" and protection.access_protection == "strong"
    return encrypted and sound and protection.remote_wipe in ("done", "ordered")


def nothing_missed(facts: Facts) -> bool:
    """Whether the data were back within a day, before anybody missed them much."""
    if facts.compromised.availability == "no":
        return True
    hours = facts.availability.restored_after_hours
    if facts.compromised.availability == "unknown" or hours is None or hours > 24:
        return False
    return facts.availability.service_effect in ("none", "minor")


def copying_ruled_out(facts: Facts) -> bool:
    """An attacker that was inside is believed to have copied nothing only on the word of reliable logs."""
    if facts.disclosure.exfiltration not in ("ruled_out", "not_applicable"):
        return False
    if facts.cause.category in ("technical_failure", "natural_event", "human_error"):
        return True
    return facts.disclosure.exfiltration == "ruled_out" and facts.disclosure.evidence == "reliable_logs"


def a_slip(facts: Facts) -> bool:
    """A mistake that disclosed something to known, harmless people and did nothing else."""
    rest_sound = facts.compromised.integrity == "no" and facts.compromised.availability == "no"
    known = facts.disclosure.recipients and not hostile(facts)
    return (
        facts.cause.category == "human_error"
        and facts.cause.deliberate == "no"
        and rest_sound
        and bool(known)
    )


def no_reason_to_fear(facts: Facts) -> bool:
    """Whether nobody among the people is known to need more care than others."""
    return facts.subjects.vulnerable == "no" and facts.subjects.protected_identity == "no"


def at_most_a_handful(*counts: int | None) -> bool:
    """Whether every count is known and small."""
    return all(count is not None and count <= A_HANDFUL for count in counts)
