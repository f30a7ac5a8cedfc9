"""What the rules on risk ask of the facts: each a plain question, answered yes, no or unknown.

A question that frees of a duty is a yes only when that is known. Of a question that makes the risk
high, what is unknown is presumed only where the Board's examples presume it; the name or the comment
says so. Kinds of data and figures come from `risk.toml`.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from incident.rules.facts import Facts
from incident.rules.legs import (
    NO,
    YES,
    Leg,
    Question,
    all_of,
    any_in,
    any_of,
    asked,
    at_most,
    more_than,
    not_within_hours,
    only_in,
    unless,
    waits,
    within_hours,
)
from incident.rules.measures import MEASURES
from incident.rules.vocabulary import DataCategory, Reveals

KINDS: Final = MEASURES.kinds
FIGURES: Final = MEASURES.figures


def holds(kinds: Iterable[str]) -> Question:
    """Whether one of these kinds of data is concerned; open while it is not known which are."""
    return any_in("/data/categories", kinds, uncertain="unspecified")


def holds_only(kinds: Iterable[str]) -> Question:
    """Whether it is known which kinds of data are concerned, and all of them are among these."""
    return only_in("/data/categories", kinds, uncertain="unspecified")


# --- how it happened ---

MALICE: Final = asked("/cause/category", "external_malicious", "internal_malicious")
MISHAP: Final = asked("/cause/category", "human_error", "technical_failure", "natural_event")
NO_INTRUDER: Final = asked(
    "/cause/category", "human_error", "technical_failure", "natural_event", "loss_or_theft"
)
GONE: Final = asked("/cause/category", "loss_or_theft")
AN_ACCIDENT: Final = any_of(
    asked("/cause/category", "technical_failure"),
    all_of(asked("/cause/category", "human_error"), asked("/cause/deliberate", "no")),
)
AN_OUTAGE: Final = asked("/cause/kind", "outage")
STOLEN: Final = asked("/cause/kind", "equipment_stolen", "paper_stolen")
ON_PAPER: Final = asked("/cause/kind", "paper_lost", "paper_stolen")

# --- what was lost ---

SECRECY_KEPT: Final = asked("/compromised/confidentiality", "no")
SECRECY_LOST: Final = asked("/compromised/confidentiality", "yes")
UNCHANGED: Final = asked("/compromised/integrity", "no")
CHANGED: Final = asked("/compromised/integrity", "yes")
AT_HAND: Final = asked("/compromised/availability", "no")
OUT_OF_REACH: Final = asked("/compromised/availability", "yes")
OUT_OF_REACH_PRESUMED: Final = asked("/compromised/availability", "yes", unknown="yes")

# --- who may have it ---

TAKEN: Final = asked("/disclosure/exfiltration", "confirmed", "published")
KNOWN_TAKEN: Final = asked("/disclosure/exfiltration", "confirmed", "published", unknown="no")
PUBLISHED: Final = asked("/disclosure/exfiltration", "published")
NOT_TAKEN: Final = asked("/disclosure/exfiltration", "ruled_out", "not_applicable")
NOTHING_TO_TAKE: Final = asked("/disclosure/exfiltration", "not_applicable")
# An intruder is believed to have copied nothing only on the word of reliable logs (01/2021 cases 1 to 3).
LOGS_PROVE_IT: Final = all_of(
    asked("/disclosure/exfiltration", "ruled_out"), asked("/disclosure/evidence", "reliable_logs")
)
READABLE_BY_ITS_FINDER: Final = any_of(
    ON_PAPER,
    asked("/protection/encrypted", "no"),
    asked("/protection/encryption_state_of_the_art", "no"),
    asked("/protection/key_compromised", "yes"),
)
DISCLOSED: Final = any_of(SECRECY_LOST, TAKEN, all_of(GONE, READABLE_BY_ITS_FINDER))
STRANGERS: Final = any_in("/disclosure/recipients", ("attacker", "thief", "public", "unknown"))
HOSTILE: Final = any_of(MALICE, STOLEN, STRANGERS, PUBLISHED)
KNOWN_RECIPIENTS: Final = only_in(
    "/disclosure/recipients",
    ("employee", "former_employee", "other_data_subject", "private_person", "business_partner"),
)
FEW_RECIPIENTS: Final = at_most("/disclosure/recipients_count", FIGURES["few_recipients"])
NO_CROWD: Final = at_most("/disclosure/recipients_count", FIGURES["few_recipients"], unknown="yes")
A_CROWD: Final = more_than("/disclosure/recipients_count", FIGURES["few_recipients"])
BOUND_RECIPIENTS: Final = all_of(
    only_in("/disclosure/recipients", ("employee", "business_partner")),
    asked("/disclosure/recipients_trusted", "yes"),
)
# Whoever got it owes no silence: so presumed until trust is known.
NOT_BOUND: Final = any_of(HOSTILE, unless("/disclosure/recipients_trusted", "yes"))
MANY_OR_HOSTILE: Final = any_of(HOSTILE, A_CROWD)
GIVEN_BACK: Final = asked("/disclosure/retrieved", "confirmed_in_writing", "confirmed")
DELETED_IN_WRITING: Final = asked("/disclosure/retrieved", "confirmed_in_writing")

# --- what kept it unreadable ---

# At rest, or on its way: data that were read all the same were readable.
UNINTELLIGIBLE: Final = all_of(
    unless("/compromised/confidentiality", "yes"),
    asked("/protection/encrypted", "yes"),
    asked("/protection/encryption_state_of_the_art", "yes"),
    asked("/protection/key_compromised", "no"),
)
# Encryption of a strength nobody stated, held up by a strong password and a wipe (01/2021 case 10).
LOCKED_AND_WIPED: Final = all_of(
    asked("/protection/encrypted", "yes"),
    asked("/protection/key_compromised", "no"),
    asked("/protection/access_protection", "strong"),
    asked("/protection/remote_wipe", "done", "ordered"),
)
PASSWORDS_UNREADABLE: Final = asked("/protection/passwords", "strong_salted_hash", "none_affected")
PASSWORDS_READABLE: Final = unless("/protection/passwords", "strong_salted_hash", "none_affected")

# --- whether it was missed ---

NOBODY_NOTICED: Final = asked("/availability/service_effect", "none")
LITTLE_EFFECT: Final = asked("/availability/service_effect", "none", "minor")
COPY_AT_HAND: Final = asked("/availability/backup", "full")
BACK_SOON: Final = all_of(
    within_hours("/availability/restored_after_hours", FIGURES["back_soon_hours"]), LITTLE_EFFECT
)
# A copy at hand is no answer to an intruder: how long people went without must be known.
NOT_MISSED: Final = any_of(
    BACK_SOON,
    all_of(AT_HAND, any_of(COPY_AT_HAND, MISHAP)),
    all_of(NO_INTRUDER, COPY_AT_HAND, NOBODY_NOTICED),
)
HARM_TO_PEOPLE: Final = asked("/availability/service_effect", "critical_to_people")
SERIOUS_OR_UNTOLD: Final = unless("/availability/service_effect", "none", "minor")
FOR_LONG: Final = not_within_hours("/availability/restored_after_hours", FIGURES["care_without_data_hours"])
NO_COPY: Final = asked("/availability/backup", "none")


def never_restored(facts: Facts) -> Leg:
    """Whether no time is known at which the data were back; presumed, since none may ever come."""
    return _NEVER if facts.availability.restored_after_hours is None else NO


_NEVER: Final = waits("/availability/restored_after_hours", "yes")

# --- what it tells, and of whom ---

NAMES_SOMEBODY: Final = unless("/data/identifiability", "negligible")
IDENTITY: Final = holds(KINDS["identity"])
ACCESS: Final = holds(("login_credentials",))
MONEY: Final = holds(KINDS["money"])
# Identity numbers name a person whatever is said of the rest.
OF_A_PERSON: Final = any_of(NAMES_SOMEBODY, IDENTITY)
NO_SPECIAL: Final = asked("/data/special_categories", "no")
AT_MOST_INCIDENTAL: Final = asked("/data/special_categories", "no", "incidental")
# What lets a reader infer protected data is protected itself (CJEU C-184/20).
SPECIAL: Final = any_of(
    asked("/data/special_categories", "yes"),
    all_of(holds(KINDS["special"]), unless("/data/special_categories", "incidental")),
    asked("/data/reveals", "sensitive_inference", "safety_critical"),
)
SAFETY: Final = asked("/data/reveals", "safety_critical")
PUBLIC_BEFORE: Final = asked("/data/public_before", "yes")
ENOUGH_TO_POSE_AS: Final = all_of(
    holds(("name",)), holds(("birth_date",)), holds(("contact", "postal_address"))
)


def plain_kinds(facts: Facts) -> Leg:
    """Whether only what stands on a parcel or a guest list is concerned.

    A kind that the law protects is passed over where the mention is said to be a stray one.
    """
    stray = facts.data.special_categories == "incidental"
    return (_PLAIN_OR_STRAY if stray else _PLAIN)(facts)


_PLAIN: Final = holds_only(KINDS["plain"])
_PLAIN_OR_STRAY: Final = holds_only(KINDS["plain"] | KINDS["special"])

FEW_PEOPLE: Final = at_most("/subjects/total", FIGURES["few_people"])
NOT_TOO_MANY: Final = at_most("/subjects/total", FIGURES["people_shown_to_a_trusted_recipient"])
NOBODY_VULNERABLE: Final = asked("/subjects/vulnerable", "no")
NOBODY_HIDES: Final = asked("/subjects/protected_identity", "no")
SOMEBODY_HIDES: Final = asked("/subjects/protected_identity", "yes")
DEPENDENT: Final = any_of(any_in("/subjects/groups", ("patients",)), asked("/subjects/vulnerable", "yes"))

# --- how much of a life ---

_ENOUGH: Final = MEASURES.portrait.enough
_OF_KINDS: Final[Mapping[DataCategory, int]] = MEASURES.portrait.kinds
_OF_REVEALS: Final[Mapping[Reveals, int]] = MEASURES.portrait.reveals
# An application is half a portrait already; people who need care are harmed by less; very many people, and
# what nobody knows of the scope, make the rest weigh more.
_ONE_MORE: Final = (
    any_in("/subjects/groups", ("job_applicants",)),
    asked("/subjects/vulnerable", "yes"),
    asked("/data/scope_known", "no"),
    more_than("/subjects/total", FIGURES["very_many_people"]),
)


def a_portrait(facts: Facts) -> Leg:
    """Whether the data tell enough of a life to pose as that person or to press them (`[portrait]`)."""
    told, reveals = facts.data.categories, facts.data.reveals
    points = sum(_OF_KINDS.get(kind, 0) for kind in told) + _OF_REVEALS.get(reveals, 0)
    enough: list[str] = []
    if not told or "unspecified" in told:
        enough.append("/data/categories")
    if reveals == "unknown":
        enough.append("/data/reveals")
    one_more: list[str] = []
    for question in _ONE_MORE:
        leg = question(facts)
        points += leg.state == "yes"
        one_more += leg.open
    if points >= _ENOUGH:
        return YES
    if not enough and points + len(one_more) < _ENOUGH:
        return NO
    alone = enough + (one_more if points + 1 >= _ENOUGH else [])
    return Leg("unknown", (*enough, *one_more), tuple(alone))
