"""The form behind a reporting link: what a processor's operator can answer at three in the morning.

One sentence is enough; everything else may be left open, and what is left open stays unknown.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, get_args
from zoneinfo import available_timezones

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from incident.forms.fields import Field, Kind, Sheet, read
from incident.forms.words import said
from incident.rules import vocabulary as words
from incident.rules.facts import FactsFault, parse

TRI: Final = get_args(words.Tri)
LONGEST_TITLE: Final = 120
# Zones that are offered; the browser's own is added to them, and any other may be named.
ZONES: Final = (
    "Europe/Copenhagen", "Europe/Oslo", "Europe/Stockholm", "Europe/London", "Europe/Helsinki",
    "Europe/Warsaw", "Europe/Kyiv", "America/New_York", "America/Los_Angeles", "Asia/Kolkata",
    "Asia/Manila", "UTC",
)  # fmt: skip
GROUPS: Final = ("customers", "users", "employees", "patients", "children", "citizens", "members", "other")
DATA: Final = (
    "name", "contact", "postal_address", "birth_date", "national_id", "login_credentials", "bank_account",
    "payment_card", "health", "correspondence", "wage", "other",
)  # fmt: skip

WHAT: Final = Field("/description", _l("What happened? One sentence is enough."), Kind.LONG)
WHEN: Final = (
    Field("/timeline/occurred_from", _l("It began"), Kind.TIME),
    Field("/timeline/occurred_to", _l("It ended"), Kind.TIME),
    Field("/timeline/processor_aware_at", _l("You noticed it"), Kind.TIME),
    Field("/timeline/occurred_is_estimate", _l("These times are an estimate"), Kind.FLAG),
    Field("/timeline/ongoing", _l("Is it still going on?"), Kind.CHOICE, TRI),
)  # fmt: skip
WHICH: Final = (
    Field("/subjects/groups", _l("Whose data?"), Kind.MANY, GROUPS),
    Field("/subjects/total/at_least", _l("How many people? At least"), Kind.WHOLE),
    Field("/subjects/total/at_most", _l("At most"), Kind.WHOLE),
    Field("/data/categories", _l("Which data?"), Kind.MANY, DATA),
    Field("/compromised/confidentiality", _l("Could somebody read them who must not?"), Kind.CHOICE, TRI),
    Field("/compromised/integrity", _l("Were they changed?"), Kind.CHOICE, TRI),
    Field("/compromised/availability", _l("Were they lost or out of reach?"), Kind.CHOICE, TRI),
    Field("/protection/encrypted", _l("Were they encrypted?"), Kind.CHOICE, TRI),
)  # fmt: skip
DONE: Final = (Field("/measures/taken", _l("What was done so far? One thing a line."), Kind.LINES),)
WHO: Final = (
    Field("/reference", _l("Your own number for it")),
    Field("/reported_by/name", _l("Your name")),
    Field("/reported_by/email", _l("Your e-mail address")),
    Field("/reported_by/phone", _l("Your telephone number")),
)  # fmt: skip
PARTS: Final = (("when", _l("When"), WHEN), ("which", _l("Whose data, and which"), WHICH),
                ("done", _l("What was done"), DONE), ("who", _l("Who you are"), WHO))  # fmt: skip
FIELDS: Final = (WHAT, *WHEN, *WHICH, *DONE, *WHO)
NAMES: Final = frozenset({f"{each.name}{end}" for each in FIELDS for end in ("", ".fold")} | {"zone"})
LABELS: Final = {each.pointer: each.label for each in FIELDS}
LENGTHS: Final = {"/reference": 100, "/reported_by/email": 254, "/reported_by/phone": 40}


def typed(sheet: Sheet) -> dict[str, list[str]]:
    """What was typed into the form's own fields, those left empty aside: kept as the report came."""
    kept = {name: [text for text in sheet.all(name) if text.strip()] for name in sorted(NAMES)}
    return {name: texts for name, texts in kept.items() if texts}


def zone_of(sheet: Sheet, fallback: str) -> str:
    """The zone that the times are told in: as chosen, where there is such a zone."""
    chosen = sheet.one("zone")
    return chosen if chosen in _zones() else fallback


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def told(sheet: Sheet, zone: str, parties: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The facts document that the form tells; None with every fault on the sheet.

    `parties` is the chain down to who tells it. What cannot be so is no fault here: it is taken as told,
    and a person clears it up.
    """
    document = read(FIELDS, sheet, zone, {})
    words_told = document.get("description", "")
    if not words_told:
        sheet.fault(WHAT.name, _("One sentence is needed: what happened?"))
    else:
        document["title"] = title_of(words_told)
    document["chain"] = [dict(each) for each in parties]
    try:
        parse(document)
    except FactsFault as faulty:
        for each in faulty.errors:
            sheet.fault(_field_of(each.pointer), said(each.detail))
    return None if sheet.faults else document


def title_of(text: str) -> str:
    """The first sentence, for the board; cut between words where it is long."""
    first = re.split(r"(?<=[.!?])\s|\n", text.strip(), maxsplit=1)[0].strip()
    if len(first) <= LONGEST_TITLE:
        return first
    return first[:LONGEST_TITLE].rsplit(" ", 1)[0] + "…"


def _field_of(pointer: str) -> str:
    name, known = pointer[1:].replace("/", "."), {each.name for each in FIELDS}
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name
