"""The words of the rules as people read them: choices of the facts, states, clocks, duties."""

from collections.abc import Mapping
from typing import Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from foundation import locales
from incident import sentences
from incident.authorities import by_key


class Labels(dict[str, LazyString]):
    """Labels by code; a code that has none, as of an earlier release, is shown itself."""

    def __missing__(self, code: str) -> str:
        return code


WORDS: Final[Mapping[str, LazyString]] = {
    "yes": _l("Yes"), "no": _l("No"), "unknown": _l("Not known"), "none": _l("None"), "other": _l("Other"),
    # roles
    "controller": _l("Controller"), "joint_controller": _l("Joint controller"),
    "processor": _l("Processor"), "sub_processor": _l("Sub-processor"),
    # cause
    "external_malicious": _l("Attack from outside"), "internal_malicious": _l("On purpose, from inside"),
    "human_error": _l("Human error"), "technical_failure": _l("Technical failure"),
    "loss_or_theft": _l("Loss or theft"), "natural_event": _l("Fire, water or the like"),
    "ransomware": _l("Ransomware"), "malware": _l("Other malware"), "phishing": _l("Phishing"),
    "social_engineering": _l("Social engineering"), "credential_attack": _l("Guessed or reused passwords"),
    "code_injection": _l("Code injection"), "mailbox_compromise": _l("Taken-over mailbox"),
    "unauthorised_access": _l("Unauthorised access"), "data_copied_by_staff": _l("Data copied by staff"),
    "wrong_recipient": _l("Sent to the wrong recipient"), "wrong_attachment": _l("Wrong attachment"),
    "open_addressees": _l("Addressees visible to each other"), "publication": _l("Published by mistake"),
    "misconfiguration": _l("Misconfiguration"), "software_fault": _l("Software fault"),
    "equipment_lost": _l("Equipment lost"), "equipment_stolen": _l("Equipment stolen"),
    "paper_lost": _l("Paper lost"), "paper_stolen": _l("Paper stolen"), "outage": _l("Outage"),
    "improper_disposal": _l("Improper disposal"),
    # kinds of data
    "name": _l("Names"), "contact": _l("Telephone or e-mail"), "postal_address": _l("Postal address"),
    "birth_date": _l("Date of birth"), "national_id": _l("National identity number"),
    "identity_document": _l("Identity document"), "photo_video": _l("Photo or video"),
    "username": _l("User name"), "login_credentials": _l("User name with password"),
    "correspondence": _l("Correspondence"), "orders": _l("Orders"),
    "customer_relation": _l("Customer relation"), "insurance": _l("Insurance"), "vehicle": _l("Vehicle"),
    "device_identifier": _l("Device identifier"), "online_behaviour": _l("Online behaviour"),
    "location": _l("Location"), "communication_traffic": _l("Communication traffic"),
    "employment": _l("Employment"), "wage": _l("Wage"), "absence": _l("Absence"),
    "education": _l("Education"), "family": _l("Family"), "preferences": _l("Preferences"),
    "bank_account": _l("Bank account"), "payment_card": _l("Payment card"),
    "transactions": _l("Transactions"), "economic_situation": _l("Economic situation"),
    "health": _l("Health"), "ethnic_origin": _l("Ethnic origin"),
    "political_opinion": _l("Political opinion"), "religion": _l("Religion or belief"),
    "trade_union": _l("Trade union membership"), "sex_life": _l("Sex life or orientation"),
    "genetic": _l("Genetic data"), "biometric": _l("Biometric data"),
    "criminal_offence": _l("Criminal offences"), "social_services": _l("Social services"),
    "unspecified": _l("Not known which"), "incidental": _l("A stray mention only"),
    # identification, inference
    "direct": _l("At once"), "moderate_effort": _l("With some effort"),
    "considerable_effort": _l("With much effort"), "negligible": _l("Practically not"),
    "nothing_more": _l("Nothing more"), "profile": _l("A profile"),
    "detailed_profile": _l("A detailed profile"), "sensitive_inference": _l("Something sensitive"),
    "safety_critical": _l("Something that endangers people"),
    # protection
    "none_affected": _l("None affected"), "plain": _l("In the clear"), "weak_hash": _l("Weakly hashed"),
    "strong_salted_hash": _l("Strongly hashed, salted"), "weak": _l("Weak"), "strong": _l("Strong"),
    "done": _l("Done"), "ordered": _l("Ordered"), "not_possible": _l("Not possible"),
    # disclosure
    "confirmed": _l("Confirmed"), "published": _l("Published"), "not_excluded": _l("Cannot be excluded"),
    "ruled_out": _l("Ruled out"), "not_applicable": _l("Does not apply"),
    "reliable_logs": _l("Reliable logs"), "unreliable_logs": _l("Logs that may be incomplete"),
    "attacker": _l("An attacker"), "thief": _l("A thief"), "former_employee": _l("A former employee"),
    "employee": _l("An employee"), "other_data_subject": _l("Another person concerned"),
    "private_person": _l("A private person"), "business_partner": _l("A business partner"),
    "public": _l("The public"), "confirmed_in_writing": _l("Confirmed in writing"),
    "requested": _l("Asked for"),
    # availability
    "full": _l("Full"), "partial": _l("Partial"), "minor": _l("Minor"), "serious": _l("Serious"),
    "critical_to_people": _l("Critical to people"),
    # people
    "customers": _l("Customers"), "prospects": _l("Prospects"), "website_visitors": _l("Website visitors"),
    "users": _l("Users"), "suppliers": _l("Suppliers"), "business_contacts": _l("Business contacts"),
    "employees": _l("Employees"), "former_employees": _l("Former employees"),
    "job_applicants": _l("Job applicants"), "children": _l("Children"), "students": _l("Students"),
    "patients": _l("Patients"), "citizens": _l("Citizens"), "members": _l("Members"),
    "third_persons": _l("Third persons"),
    # consequences
    "loss_of_control": _l("Loss of control over their data"), "identity_theft": _l("Identity theft"),
    "fraud": _l("Fraud"), "financial_loss": _l("Financial loss"), "discrimination": _l("Discrimination"),
    "reputation": _l("Damage to reputation"), "loss_of_secrecy": _l("Loss of secrecy"),
    "physical_harm": _l("Physical harm"), "psychological_distress": _l("Distress"),
    "denied_service": _l("Service denied"), "limitation_of_rights": _l("Rights limited"),
    # judgement
    "unlikely": _l("Unlikely"), "risk": _l("Risk"), "high": _l("High risk"),
}  # fmt: skip

BANDS: Final = {
    "low": _l("low"), "medium": _l("medium"), "high": _l("high"), "very_high": _l("very high"),
}  # fmt: skip
FLAGS: Final = {
    "more_than_100_individuals": _l("More than 100 people"),
    "unintelligible_data": _l("Data that nobody without the key can read"),
}
STATES: Final = {
    "reported": _l("Reported"), "confirmed": _l("Confirmed breach"), "rejected": _l("Rejected"),
    "merged": _l("Merged"), "closed": _l("Closed"),
}  # fmt: skip
REPORT_STATES: Final = {
    "accepted": _l("In an incident"), "test": _l("Test"), "faulty": _l("Faulty"), "seen": _l("Dealt with"),
}  # fmt: skip
DUTY_STATES: Final = {
    "open": _l("Owed"), "in_preparation": _l("Being prepared"), "filed_in_part": _l("Filed in part"),
    "met": _l("Met"), "not_required": _l("Not required"), "carried": _l("Carried by another"),
}  # fmt: skip
REFUSALS: Final = Labels({
    "not_signed": _l("Not signed"), "stale": _l("Too old"), "wrong_signature": _l("Wrong signature"),
    "unknown_endpoint": _l("No such address"),
})  # fmt: skip
WAYS: Final = Labels({
    "reporting link": _l("typed by a reporting link: whoever has the address can write"),
    "offline form": _l("typed into an offline form, signed with its key"),
    "form": _l("typed in by a colleague"),
})  # fmt: skip
CLOCKS: Final = Labels({
    "authority_notification": _l("Authority, by law"),
    "own_promise_authority": _l("Authority, our promise"),
    "subject_communication": _l("People, by law"),
    "own_promise_subjects": _l("People, our promise"),
    "notice_to_controller": _l("Our controllers, by law"),
    "triage": _l("First look"),
    "inquiry": _l("Short inquiry"),
})  # fmt: skip
DUTIES: Final = {
    "gdpr-33": _l("Notify the authority"), "gdpr-34": _l("Tell the people concerned"),
    "promise-authority": _l("Notify the authority, as promised"),
    "promise-subjects": _l("Tell the people, as promised"),
    "gdpr-33-2": _l("Tell the controller, as its processor"),
    "contract": _l("Tell a party to a contract"), "nis2": _l("Report the incident (NIS2)"),
    "dora": _l("Report the incident (DORA)"), "eprivacy": _l("Notify the breach (ePrivacy)"),
    "pecr": _l("Notify the breach (UK PECR)"), "authority-request": _l("Answer the authority"),
}  # fmt: skip
QUESTIONS: Final = {
    "authority": _l("Notify the authority?"), "people": _l("Tell the people concerned?"),
    "promise": _l("Keep our own promise?"), "nis2": _l("Does NIS2 apply?"),
    "dora": _l("Does DORA apply?"), "eprivacy": _l("Do the ePrivacy rules apply?"),
    "pecr": _l("Does UK PECR apply?"), "contract": _l("Do the clauses of contracts apply?"),
}  # fmt: skip
KINDS: Final = {
    "notify_authority": _l("Notify the authority"), "do_not_notify": _l("Do not notify the authority"),
    "communicate": _l("Tell the people"), "do_not_communicate": _l("Do not tell the people"),
    "exempt_34_3_a": _l("Exempt: nobody could read the data, art. 34(3)(a)"),
    "exempt_34_3_b": _l("Exempt: the high risk was taken away, art. 34(3)(b)"),
    "exempt_34_3_c": _l("Tell them in public instead: disproportionate effort, art. 34(3)(c)"),
    "keep_promise": _l("Keep our promise"), "promise_not_owed": _l("Our promise does not cover this"),
    "regime_owed": _l("It applies until decided otherwise"), "regime_not_owed": _l("It does not apply"),
    "later": _l("Not decided yet"),
}  # fmt: skip
DECISION_STATES: Final = {
    "pending": _l("Waits for a second person"), "in_force": _l("In force"), "declined": _l("Not agreed to"),
    "withdrawn": _l("Withdrawn"), "replaced": _l("Replaced"),
}  # fmt: skip
FIGURES: Final = {
    "dpc": _l("Data context"), "ei": _l("Ease of identification"), "cb": _l("Circumstances"),
}  # fmt: skip
AUTHORITY_ROLES: Final = {
    "sole": _l("to be notified"), "lead": _l("lead, to be notified"), "each": _l("to be notified"),
    "separate": _l("to be notified, outside the one-stop-shop"), "concerned": _l("hears of it from the lead"),
}  # fmt: skip
STAGES: Final = {
    "early": _l("Early warning"), "notification": _l("Incident notification"),
    "initial": _l("Initial notification"), "intermediate": _l("Intermediate report"),
    "final": _l("Final report"), "rest": _l("What was to follow"),
}  # fmt: skip
ANCHORS: Final = {
    "occurred": _l("from the breach itself"), "detected": _l("from its detection"),
    "aware": _l("from our awareness"), "reported": _l("from the report"),
    "classified": _l("from its classification as major"), "previous": _l("from the filing before"),
    "given": _l("by a date that was named"),
}  # fmt: skip
CERTAINTIES: Final = {
    "high": _l("read with certainty"), "medium": _l("fairly certain reading"),
    "low": _l("uncertain: check it with somebody who knows"),
}  # fmt: skip
PHASES: Final = Labels({
    "initial": _l("First notification"), "further": _l("Further notification"),
    "final": _l("Final notification"), "correction": _l("Correction"), "withdrawal": _l("Withdrawal"),
})  # fmt: skip
LETTERS: Final = Labels({
    "question": _l("The authority asks"), "order": _l("The authority orders"),
    "extension": _l("The authority gives another date"),
    "taken_back": _l("The authority wants no answer any more"),
    "decision": _l("The authority has decided"), "information": _l("The authority writes"),
    "answer": _l("We answered"), "letter": _l("We wrote"),
})  # fmt: skip
LETTER_CHANNELS: Final = Labels({
    "e-mail": _l("e-mail"), "portal": _l("the authority's portal"), "letter": _l("letter"),
    "telephone": _l("telephone"), "meeting": _l("meeting"),
})  # fmt: skip
RECIPIENTS: Final = {"authorities": _l("the authorities"), "subjects": _l("the people concerned"),
    "csirt": _l("the CSIRT"), "financial-supervisor": _l("the financial supervisor"),
    "telecom-authority": _l("the telecommunications authority"),
}  # fmt: skip
ROLES: Final = {
    "on_call": _l("on call"), "responder": _l("responder"), "dpo": _l("data protection officer"),
    "admin": _l("administrator"), "lead": _l("lead"), "communications": _l("communications"),
    "legal": _l("legal"), "it": _l("IT"),
}  # fmt: skip


def whom(recipient: str) -> str:
    """To whom a duty is owed, by name; an authority whose name is not known by its key."""
    if recipient.startswith("customer/"):
        return str(_("a customer"))
    authority = by_key(recipient)
    return authority.named(locales.current()) if authority else str(RECIPIENTS.get(recipient, recipient))


def say(word: object) -> str:
    """A word of the rules as people read it; the word itself where it is a name or a number."""
    return str(WORDS.get(word, word)) if isinstance(word, str) else str(word)


def said(sentence: str) -> str:
    """A sentence of the rules in the language of the page; without a translation as it was said."""
    return sentences.said(sentence)
