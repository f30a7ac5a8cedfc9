"""The commonest incident on one short page: a message that went to somebody who was not meant to have it.

Eight questions. What they do not ask stays unknown; what lies in the kind of incident itself is said on the
page: somebody erred and nobody meant harm, it was ours, and somebody could read what was not for them.
"""

from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from typing import Any, Final, get_args

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from incident.forms import words
from incident.forms.fields import Field, Kind, Sheet, read
from incident.rules import plausibility, vocabulary
from incident.rules.facts import FactsFault

KINDS: Final = ("wrong_recipient", "wrong_attachment", "open_addressees")
CHANNELS: Final = {
    "email": _l("E-mail"), "post": _l("Letter or parcel"), "text": _l("Text message or chat"),
    "portal": _l("Portal or shared folder"), "other": _l("Otherwise"),
}  # fmt: skip
# What is asked for by name, since so much hangs on it: the kinds of data each adds.
TELLING: Final[Mapping[str, tuple[str, ...]]] = {
    "identity": ("national_id",), "documents": ("identity_document",), "health": ("health",),
    "stray": ("health",), "passwords": ("login_credentials",), "address": (), "vulnerable": (), "none": (),
}  # fmt: skip
# What each says besides; a stray mention stands last, for it says more than "none" does.
_SAYS: Final[Mapping[str, Mapping[tuple[str, str], str]]] = {
    "identity": {}, "documents": {}, "health": {("data", "special_categories"): "yes"},
    "passwords": {("protection", "passwords"): "plain"},
    "address": {("subjects", "protected_identity"): "yes"}, "vulnerable": {("subjects", "vulnerable"): "yes"},
    "none": {
        ("data", "special_categories"): "no", ("subjects", "protected_identity"): "no",
        ("subjects", "vulnerable"): "no", ("protection", "passwords"): "none_affected",
    },
    "stray": {("data", "special_categories"): "incidental"},
}  # fmt: skip
TELLING_WORDS: Final = {
    "identity": _l("National identity numbers"), "documents": _l("Identity documents, or copies of them"),
    "health": _l("Health, or other special categories"),
    "stray": _l("Only a stray mention of such, as of what a guest cannot eat"),
    "passwords": _l("Passwords"), "address": _l("A protected address or identity"),
    "vulnerable": _l("Children, patients or others who cannot well look after themselves"),
    "none": _l("None of these, or none but the stray mention"),
}  # fmt: skip
ELEMENTS: Final = {
    "element_security": _l("Security failed: it went to somebody who was not meant to have it."),
    "element_disclosed": _l("Data were disclosed to them, or they could open them."),
    "element_personal": _l("They are personal data: they are about people who can be told apart."),
}  # fmt: skip
_USUAL: Final = (
    "name", "contact", "postal_address", "birth_date", "correspondence", "orders", "customer_relation",
    "insurance", "employment", "wage", "absence", "education", "family", "bank_account",
    "economic_situation", "preferences", "other", "unspecified",
)  # fmt: skip

SENT: Final = Field("/timeline/occurred_from", _l("When was it sent?"), Kind.TIME)
NOTICED: Final = Field("/timeline/detected_at", _l("When was that noticed?"), Kind.TIME)
DATA: Final = Field("/data/categories", _l("Which kinds of data?"), Kind.MANY, _USUAL)
PEOPLE: Final = Field("/subjects/total/exactly", _l("About how many people are they?"), Kind.WHOLE)
WHO: Final = Field(
    "/disclosure/recipients", _l("Who got it?"), Kind.MANY,
    ("business_partner", "employee", "other_data_subject", "private_person", "public"),
)  # fmt: skip
HOW_MANY: Final = Field("/disclosure/recipients_count/exactly", _l("How many got it?"), Kind.WHOLE)
TRUSTED: Final = Field(
    "/disclosure/recipients_trusted", _l("Are they bound to silence, and known to keep to it?"), Kind.CHOICE,
    get_args(vocabulary.Tri),
)  # fmt: skip
DELETED: Final = Field(
    "/disclosure/retrieved", _l("Were they asked to delete it or give it back?"), Kind.CHOICE,
    ("confirmed_in_writing", "confirmed", "requested", "no", "not_possible", "unknown"),
)  # fmt: skip
HELD: Final = Field(
    "/held", _l("Do you still hold the data, unchanged?"), Kind.CHOICE, get_args(vocabulary.Tri)
)
ASKED: Final = (SENT, NOTICED, DATA, PEOPLE, WHO, HOW_MANY, TRUSTED, DELETED)
LABELS: Final = {each.pointer: each.label for each in (*ASKED, HELD)} | {
    "/kind": _l("What went wrong?"), "/telling": _l("Anything telling among them?"),
}  # fmt: skip


def told(sheet: Sheet, zone: str, *, now: datetime) -> dict[str, Any] | None:
    """The facts document of the answers, or None with every fault on the sheet."""
    if sheet.one("kind") not in KINDS:
        sheet.fault("kind", _("Choose one."))
    telling = [each for each in sheet.all("telling") if each in TELLING]
    if "none" in telling and set(telling) - {"none", "stray"}:
        sheet.fault("telling", _("Either some of these, or none of them."))
    if {"health", "stray"} <= set(telling):
        sheet.fault("telling", _("Either a stray mention only, or more than that."))
    document = read(ASKED, sheet, zone, _of_its_kind(sheet))
    _tell(document, telling)
    if document.get("subjects", {}).get("total"):
        document["subjects"]["total"]["estimate"] = True
    if sheet.one("held") == "yes":
        document["compromised"] |= {"integrity": "no", "availability": "no"}
    try:
        plausibility.check(document, now)
    except FactsFault as faulty:
        _place(faulty, sheet)
    return None if sheet.faults else document


def _of_its_kind(sheet: Sheet) -> dict[str, Any]:
    """What the kind of incident says by itself."""
    kind = sheet.one("kind") if sheet.one("kind") in KINDS else KINDS[0]
    channel, more = CHANNELS.get(sheet.one("channel")), sheet.one("description").replace("\r\n", "\n").strip()
    said = [_("By: %(channel)s.", channel=channel)] if channel else []
    document = {
        "title": sheet.one("title").strip() or words.say(kind),
        "cause": {"category": "human_error", "kind": kind, "deliberate": "no"},
        "compromised": {"confidentiality": "yes"},
        "disclosure": {"exfiltration": "not_applicable"},
        "chain": [],
    }
    if said or more:
        document["description"] = "\n".join([*said, *([more] if more else [])])
    return deepcopy(document)


def _tell(document: dict[str, Any], telling: list[str]) -> None:
    """What is telling: each a kind of data or a fact of its own; only "none" says no.

    A stray mention may stand beside "none": it is all there is then (Guidelines 01/2021, case 15).
    """
    data = document.setdefault("data", {})
    document.setdefault("subjects", {})
    if telling:
        added = [kind for each in telling for kind in TELLING[each]]
        data["categories"] = list(dict.fromkeys([*data.get("categories", []), *added]))
    for each in sorted(telling, key=list(_SAYS).index):
        for (part, name), value in _SAYS[each].items():
            document.setdefault(part, {})[name] = value
    for name in ("data", "subjects"):
        if not {key: value for key, value in document[name].items() if value != []}:
            del document[name]
        elif document[name].get("categories") == []:
            del document[name]["categories"]


def _place(faulty: FactsFault, sheet: Sheet) -> None:
    known = {each.name for each in ASKED} | {"title", "description"}
    for each in faulty.errors:
        name = each.pointer[1:].replace("/", ".")
        while name and name not in known:
            name = name.rpartition(".")[0]
        detail = words.said(each.detail)
        sheet.fault(name, detail if name else f"{each.pointer}: {detail}")


def elements(sheet: Sheet) -> bool:
    """Whether the person has ticked all three elements of a personal data breach, art. 4(12)."""
    return all(sheet.one(name) for name in ELEMENTS)
