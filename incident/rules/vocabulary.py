"""The closed lists of words that the facts of an incident are told in.

They are the contract's lists (`schemas/incident-facts.schema.json`), as types. A word that is not on
its list is a fault of the document, never silently kept.
"""

from typing import Literal, TypeAlias

Tri: TypeAlias = Literal["yes", "no", "unknown"]

OurRole: TypeAlias = Literal["controller", "joint_controller", "processor", "sub_processor"]

LinkRole: TypeAlias = Literal["processor", "sub_processor"]

PromiseStart: TypeAlias = Literal["occurrence", "awareness"]

PromiseAudience: TypeAlias = Literal["authority", "subjects"]

CauseCategory: TypeAlias = Literal[
    "external_malicious",
    "internal_malicious",
    "human_error",
    "technical_failure",
    "loss_or_theft",
    "natural_event",
    "unknown",
]

CauseKind: TypeAlias = Literal[
    "ransomware",
    "malware",
    "phishing",
    "social_engineering",
    "credential_attack",
    "code_injection",
    "mailbox_compromise",
    "unauthorised_access",
    "data_copied_by_staff",
    "wrong_recipient",
    "wrong_attachment",
    "open_addressees",
    "publication",
    "misconfiguration",
    "software_fault",
    "equipment_lost",
    "equipment_stolen",
    "paper_lost",
    "paper_stolen",
    "outage",
    "improper_disposal",
    "other",
    "unknown",
]

DataCategory: TypeAlias = Literal[
    "name",
    "contact",
    "postal_address",
    "birth_date",
    "national_id",
    "identity_document",
    "photo_video",
    "username",
    "login_credentials",
    "correspondence",
    "orders",
    "customer_relation",
    "insurance",
    "vehicle",
    "device_identifier",
    "online_behaviour",
    "location",
    "communication_traffic",
    "employment",
    "wage",
    "absence",
    "education",
    "family",
    "preferences",
    "bank_account",
    "payment_card",
    "transactions",
    "economic_situation",
    "health",
    "ethnic_origin",
    "political_opinion",
    "religion",
    "trade_union",
    "sex_life",
    "genetic",
    "biometric",
    "criminal_offence",
    "social_services",
    "other",
    "unspecified",
]

SpecialCategories: TypeAlias = Literal["yes", "no", "incidental", "unknown"]

Identifiability: TypeAlias = Literal[
    "direct", "moderate_effort", "considerable_effort", "negligible", "unknown"
]

Reveals: TypeAlias = Literal[
    "nothing_more", "profile", "detailed_profile", "sensitive_inference", "safety_critical", "unknown"
]

Passwords: TypeAlias = Literal["none_affected", "plain", "weak_hash", "strong_salted_hash", "unknown"]

AccessProtection: TypeAlias = Literal["none", "weak", "strong", "unknown"]

RemoteWipe: TypeAlias = Literal["done", "ordered", "not_possible", "no", "unknown"]

Exfiltration: TypeAlias = Literal[
    "confirmed", "published", "not_excluded", "ruled_out", "not_applicable", "unknown"
]

Evidence: TypeAlias = Literal["reliable_logs", "unreliable_logs", "none", "unknown"]

Recipient: TypeAlias = Literal[
    "attacker",
    "thief",
    "former_employee",
    "employee",
    "other_data_subject",
    "private_person",
    "business_partner",
    "public",
    "unknown",
]

Retrieved: TypeAlias = Literal[
    "confirmed_in_writing", "confirmed", "requested", "no", "not_possible", "unknown"
]

Backup: TypeAlias = Literal["full", "partial", "none", "unknown"]

ServiceEffect: TypeAlias = Literal["none", "minor", "serious", "critical_to_people", "unknown"]

SubjectGroup: TypeAlias = Literal[
    "customers",
    "prospects",
    "website_visitors",
    "users",
    "suppliers",
    "business_contacts",
    "employees",
    "former_employees",
    "job_applicants",
    "children",
    "students",
    "patients",
    "citizens",
    "members",
    "third_persons",
    "other",
    "unknown",
]

Consequence: TypeAlias = Literal[
    "loss_of_control",
    "identity_theft",
    "fraud",
    "financial_loss",
    "discrimination",
    "reputation",
    "loss_of_secrecy",
    "physical_harm",
    "psychological_distress",
    "phishing",
    "denied_service",
    "limitation_of_rights",
    "other",
]
