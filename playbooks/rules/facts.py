"""What a condition of a playbook may ask of the facts, with the answers it may name.

The closed lists of the facts document, as playbooks see them: they know no incident. A test holds the
two together. Unknown is no answer, so nothing can be made to depend on it.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

_TRI = frozenset({"yes", "no"})

FACTS: Mapping[str, frozenset[str]] = {
    "our_role": frozenset({"controller", "joint_controller", "processor", "sub_processor"}),
    "organisation.public_body": _TRI,
    "timeline.ongoing": _TRI,
    "cause.category": frozenset({
        "external_malicious", "internal_malicious", "human_error", "technical_failure", "loss_or_theft",
        "natural_event",
    }),
    "cause.kind": frozenset({
        "ransomware", "malware", "phishing", "social_engineering", "credential_attack", "code_injection",
        "mailbox_compromise", "unauthorised_access", "data_copied_by_staff", "wrong_recipient",
        "wrong_attachment", "open_addressees", "publication", "misconfiguration", "software_fault",
        "equipment_lost", "equipment_stolen", "paper_lost", "paper_stolen", "outage", "improper_disposal",
        "other",
    }),
    "cause.deliberate": _TRI,
    "compromised.confidentiality": _TRI,
    "compromised.integrity": _TRI,
    "compromised.availability": _TRI,
    "data.categories": frozenset({
        "name", "contact", "postal_address", "birth_date", "national_id", "identity_document", "photo_video",
        "username", "login_credentials", "correspondence", "orders", "customer_relation", "insurance",
        "vehicle", "device_identifier", "online_behaviour", "location", "communication_traffic", "employment",
        "wage", "absence", "education", "family", "preferences", "bank_account", "payment_card",
        "transactions", "economic_situation", "health", "ethnic_origin", "political_opinion", "religion",
        "trade_union", "sex_life", "genetic", "biometric", "criminal_offence", "social_services", "other",
    }),
    "data.special_categories": frozenset({"yes", "no", "incidental"}),
    "data.scope_known": _TRI,
    "data.identifiability": frozenset({"direct", "moderate_effort", "considerable_effort", "negligible"}),
    "data.reveals": frozenset({
        "nothing_more", "profile", "detailed_profile", "sensitive_inference", "safety_critical",
    }),
    "data.public_before": _TRI,
    "protection.encrypted": _TRI,
    "protection.encryption_state_of_the_art": _TRI,
    "protection.key_compromised": _TRI,
    "protection.passwords": frozenset({"none_affected", "plain", "weak_hash", "strong_salted_hash"}),
    "protection.access_protection": frozenset({"none", "weak", "strong"}),
    "protection.remote_wipe": frozenset({"done", "ordered", "not_possible", "no"}),
    "disclosure.exfiltration": frozenset({
        "confirmed", "published", "not_excluded", "ruled_out", "not_applicable",
    }),
    "disclosure.evidence": frozenset({"reliable_logs", "unreliable_logs", "none"}),
    "disclosure.recipients": frozenset({
        "attacker", "thief", "former_employee", "employee", "other_data_subject", "private_person",
        "business_partner", "public",
    }),
    "disclosure.recipients_trusted": _TRI,
    "disclosure.retrieved": frozenset({
        "confirmed_in_writing", "confirmed", "requested", "no", "not_possible",
    }),
    "disclosure.misuse_seen": _TRI,
    "availability.backup": frozenset({"full", "partial", "none"}),
    "availability.service_effect": frozenset({"none", "minor", "serious", "critical_to_people"}),
    "subjects.groups": frozenset({
        "customers", "prospects", "website_visitors", "users", "suppliers", "business_contacts", "employees",
        "former_employees", "job_applicants", "children", "students", "patients", "citizens", "members",
        "third_persons", "other",
    }),
    "subjects.vulnerable": _TRI,
    "subjects.protected_identity": _TRI,
    "consequences": frozenset({
        "loss_of_control", "identity_theft", "fraud", "financial_loss", "discrimination", "reputation",
        "loss_of_secrecy", "physical_harm", "psychological_distress", "phishing", "denied_service",
        "limitation_of_rights", "other",
    }),
    "measures.high_risk_no_longer_likely": _TRI,
}  # fmt: skip

# Facts of several answers. More may become known, so what such a list lacks is never ruled out by it.
LISTS = frozenset({"data.categories", "disclosure.recipients", "subjects.groups", "consequences"})


def told(facts: Mapping[str, Any], fact: str) -> frozenset[str]:
    """The answers that a facts document gives to one question, those on its list; none when unknown."""
    answer: Any = facts
    for name in fact.split("."):
        answer = answer.get(name) if isinstance(answer, Mapping) else None
    given = answer if isinstance(answer, list) else [answer]
    return frozenset(each for each in given if isinstance(each, str)) & FACTS[fact]


def nearest(name: str) -> str | None:
    """The known fact that a misspelt one most likely meant, or None when it resembles none."""
    short = {fact.rpartition(".")[2]: fact for fact in FACTS}
    if near := get_close_matches(name, FACTS, n=1, cutoff=0.7):
        return near[0]
    last = get_close_matches(name.rpartition(".")[2], short, n=1, cutoff=0.7)
    return short[last[0]] if last else None
