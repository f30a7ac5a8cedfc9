"""Words of the facts as codes of the normal form. A word without a row here fills nothing: a person says."""

from collections.abc import Iterable, Mapping
from typing import Final

INCIDENT_TYPE: Final[Mapping[str, str]] = {
    "ransomware": "ransomware",
    "malware": "hacking_malware",
    "phishing": "phishing",
    "social_engineering": "phishing",
    "credential_attack": "hacking_malware",
    "code_injection": "vulnerability_exploited",
    "mailbox_compromise": "unauthorised_access",
    "unauthorised_access": "unauthorised_access",
    "data_copied_by_staff": "privilege_abuse",
    "wrong_recipient": "sent_by_mistake",
    "wrong_attachment": "sent_by_mistake",
    "open_addressees": "no_bcc",
    "publication": "unintended_publication",
    "misconfiguration": "misconfiguration",
    "software_fault": "technical_malfunction",
    "equipment_lost": "device_lost_stolen",
    "equipment_stolen": "device_lost_stolen",
    "paper_lost": "paper_lost_stolen",
    "paper_stolen": "paper_lost_stolen",
    "outage": "technical_malfunction",
    "other": "other",
}
# By kind alone; of the others it hangs on who did it.
ATTACKS: Final = frozenset({
    "ransomware", "malware", "phishing", "social_engineering", "credential_attack", "code_injection",
})  # fmt: skip
NO_ATTACKS: Final = frozenset({
    "data_copied_by_staff", "wrong_recipient", "wrong_attachment", "open_addressees", "software_fault",
    "equipment_lost", "equipment_stolen", "paper_lost", "paper_stolen", "improper_disposal",
})  # fmt: skip
STOLEN: Final = frozenset({"equipment_stolen", "paper_stolen"})
LOST: Final = frozenset({"equipment_lost", "paper_lost"})

ORIGIN: Final[Mapping[str, str]] = {"human_error": "human", "technical_failure": "technical"}

GROUPS: Final[Mapping[str, str]] = {
    "customers": "customers",
    "prospects": "prospects",
    "website_visitors": "website_visitors",
    "users": "users",
    "suppliers": "suppliers",
    "business_contacts": "other",
    "employees": "employees",
    "former_employees": "employees",
    "job_applicants": "job_applicants",
    "children": "minors",
    "students": "students",
    "patients": "patients",
    "citizens": "other",
    "members": "members",
    "third_persons": "third_persons",
    "other": "other",
}
# A kind that has no box of its own is "other": its name stands in the words beside.
DATA: Final[Mapping[str, tuple[str, ...]]] = {
    "name": ("basic",),
    "contact": ("contact",),
    "postal_address": ("contact",),
    "birth_date": ("dob",),
    "national_id": ("national_id",),
    "identity_document": ("official_docs",),
    "photo_video": ("photos_video",),
    "username": ("credentials",),
    "login_credentials": ("credentials",),
    "correspondence": ("correspondence",),
    "device_identifier": ("online_ids",),
    "online_behaviour": ("profile",),
    "location": ("location",),
    "communication_traffic": ("comm_logs",),
    "employment": ("employment",),
    "wage": ("employment", "financial"),
    "absence": ("absence",),
    "preferences": ("profile",),
    "bank_account": ("payment",),
    "payment_card": ("payment",),
    "transactions": ("financial",),
    "economic_situation": ("financial",),
    "health": ("health",),
    "ethnic_origin": ("racial",),
    "political_opinion": ("political",),
    "religion": ("religious",),
    "trade_union": ("union",),
    "sex_life": ("sex", "sexual_orientation"),  # the word of the facts means either, so no box stays empty
    "genetic": ("genetic",),
    "biometric": ("biometric",),
    "criminal_offence": ("criminal",),
    **dict.fromkeys(("orders", "customer_relation", "insurance", "vehicle"), ("other",)),
    **dict.fromkeys(("education", "family", "social_services", "other"), ("other",)),
}  # fmt: skip
IMPACTS: Final[Mapping[str, str]] = {
    "loss_of_control": "loss_of_control",
    "identity_theft": "identity_theft",
    "fraud": "fraud",
    "financial_loss": "financial_loss",
    "discrimination": "discrimination",
    "reputation": "reputation",
    "loss_of_secrecy": "professional_secrecy",
    "physical_harm": "physical_mental",
    "psychological_distress": "physical_mental",
    "limitation_of_rights": "limitation_of_rights",
    "phishing": "other",
    "denied_service": "other",
    "other": "other",
}
# ENISA's bands and the four steps of the forms have the same meanings (ENISA 2013, annex; recital 75).
SEVERITY: Final[Mapping[str, str]] = {
    "low": "negligible",
    "medium": "minor",
    "high": "moderate",
    "very_high": "severe",
}
REGISTERS: Final[Mapping[str, str]] = {
    "cvr": "company_id",
    "company number": "company_id",
    "companies house": "company_id",
    "company_id": "company_id",
    "organisationsnummer": "organisation_number",
    "organisasjonsnummer": "organisation_number",
    "organisation number": "organisation_number",
    "organisation_number": "organisation_number",
    "vat": "vat",
}
AUTHORITIES: Final[Mapping[str, str]] = {
    "dk-datatilsynet": "dk_datatilsynet",
    "se-imy": "se_imy",
    "no-datatilsynet": "no_datatilsynet",
    "gb-ico": "uk_ico",
}


def codes(words: Iterable[str], table: Mapping[str, str]) -> list[str]:
    """The codes of these words, each once, in their order; words without a code are left out."""
    return list(dict.fromkeys(table[each] for each in words if each in table))
