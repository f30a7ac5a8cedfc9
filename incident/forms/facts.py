"""The facts of an incident as a form: which of them are asked for, in which order, in which words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, get_args

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from incident.forms.fields import Field, Kind, Sheet, read, write
from incident.forms.words import said
from incident.rules import plausibility
from incident.rules import vocabulary as words
from incident.rules.facts import FactsFault

TRI: Final = get_args(words.Tri)
LINKS: Final = 3  # our processor, its sub-processor, and one more


@dataclass(frozen=True, slots=True)
class Section:
    """Facts that are asked for together; the first ones stand open."""

    key: str
    title: LazyString
    fields: tuple[Field, ...]
    open: bool = False


def _choice(pointer: str, label: LazyString, choices: object, hint: LazyString | None = None) -> Field:
    return Field(pointer, label, Kind.CHOICE, get_args(choices), hint)


def _tri(pointer: str, label: LazyString, hint: LazyString | None = None) -> Field:
    return Field(pointer, label, Kind.CHOICE, TRI, hint)


def _count(pointer: str, label: LazyString) -> tuple[Field, ...]:
    return (
        Field(f"{pointer}/exactly", label, Kind.WHOLE, hint=_l("The exact number, if it is known.")),
        Field(f"{pointer}/at_least", _l("At least"), Kind.WHOLE),
        Field(f"{pointer}/at_most", _l("At most"), Kind.WHOLE),
        Field(f"{pointer}/estimate", _l("The numbers are an estimate"), Kind.FLAG),
    )


def _role(number: int) -> str:
    return "sub_processor" if number else "processor"


def _link(number: int) -> tuple[Field, ...]:
    at = f"/chain/{number}"
    return (
        Field(f"{at}/name", _l("Name")),
        Field(f"{at}/role", _l("Its role"), Kind.CHOICE, get_args(words.LinkRole), default=_role(number)),
        Field(f"{at}/country", _l("Country"), hint=_l("Two letters, as DK.")),
        Field(f"{at}/reference", _l("Its own number for it")),
        Field(f"{at}/aware_at", _l("It knew at"), Kind.TIME),
        Field(f"{at}/told_next_at", _l("It told the next at"), Kind.TIME),
    )


SECTIONS: Final[tuple[Section, ...]] = (
    Section("what", _l("What happened"), (
        Field("/title", _l("In a few words"), hint=_l("Shown on the board. No names of people concerned.")),
        Field("/description", _l("What is known so far"), Kind.LONG),
        Field("/reference", _l("The reporter's own number for it")),
        Field("/our_role", _l("For these data we are"), Kind.CHOICE, get_args(words.OurRole),
              default="controller"),
        _tri("/timeline/ongoing", _l("Is it still going on?")),
    ), open=True),
    Section("times", _l("When"), (
        Field("/timeline/occurred_from", _l("It began"), Kind.TIME, hint=_l("At the earliest.")),
        Field("/timeline/occurred_to", _l("It ended"), Kind.TIME),
        Field("/timeline/occurred_is_estimate", _l("These two are an estimate"), Kind.FLAG),
        Field("/timeline/detected_at", _l("It was noticed"), Kind.TIME),
        Field("/timeline/processor_aware_at", _l("The processor knew"), Kind.TIME),
        Field("/timeline/informed_at", _l("We were told"), Kind.TIME),
    ), open=True),
    Section("chain", _l("At a processor"), (
        Field("/at_a_processor", _l("Did it happen at a processor?"), Kind.CHOICE, TRI),
    ), open=True),
    *(Section(f"link{number}", _l("Who held the data, from our own processor outwards"), _link(number))
      for number in range(LINKS)),
    Section("cause", _l("Why"), (
        _choice("/cause/category", _l("Cause"), words.CauseCategory),
        _choice("/cause/kind", _l("More exactly"), words.CauseKind),
        _tri("/cause/deliberate", _l("On purpose?")),
    )),
    Section("loss", _l("What was lost for the people concerned"), (
        _tri("/compromised/confidentiality", _l("Could somebody read the data who must not?")),
        _tri("/compromised/integrity", _l("Were data changed that must not be?")),
        _tri("/compromised/availability", _l("Were data lost or out of reach?")),
        _choice("/disclosure/exfiltration", _l("Were data taken away?"), words.Exfiltration),
        _choice("/disclosure/evidence", _l("What shows that?"), words.Evidence),
        Field("/disclosure/recipients", _l("Who got them?"), Kind.MANY, get_args(words.Recipient)),
        *_count("/disclosure/recipients_count", _l("How many got them?")),
        _tri("/disclosure/recipients_trusted", _l("Are these bound to secrecy and known to act on it?")),
        _choice("/disclosure/retrieved", _l("Did they give the data back or delete them?"), words.Retrieved),
        Field("/disclosure/exposure_hours", _l("Hours of exposure"), Kind.NUMBER),
        _tri("/disclosure/misuse_seen", _l("Has misuse been seen?")),
        _choice("/availability/backup", _l("Is there a copy to restore from?"), words.Backup),
        Field("/availability/restored_after_hours", _l("Hours until they were back"), Kind.NUMBER),
        _choice("/availability/service_effect", _l("What did that do to people?"), words.ServiceEffect),
    ), open=True),
    Section("data", _l("Which data"), (
        Field("/data/categories", _l("Kinds of data"), Kind.MANY, get_args(words.DataCategory)),
        _choice("/data/special_categories", _l("Special categories, art. 9 and 10"), words.SpecialCategories),
        _choice("/data/identifiability", _l("How easily do they name a person?"), words.Identifiability),
        _choice("/data/reveals", _l("What else can be inferred?"), words.Reveals),
        _tri("/data/public_before", _l("Could anybody read them before?")),
        _tri("/data/scope_known", _l("Is it known what the material holds?")),
        *_count("/data/records", _l("Number of records")),
    ), open=True),
    Section("protection", _l("What protected them"), (
        _tri("/protection/encrypted", _l("Were they encrypted?")),
        _tri("/protection/encryption_state_of_the_art", _l("By the state of the art?")),
        _tri("/protection/key_compromised", _l("Was the key taken as well?")),
        _choice("/protection/passwords", _l("Passwords"), words.Passwords),
        _choice("/protection/access_protection", _l("Lock of the device"), words.AccessProtection),
        _choice("/protection/remote_wipe", _l("Wiped from afar?"), words.RemoteWipe),
    )),
    Section("people", _l("The people concerned"), (
        *_count("/subjects/total", _l("Number of people")),
        Field("/subjects/by_country", _l("By country"), Kind.COUNTRIES, hint=_l("One a line, as DK 260.")),
        Field("/subjects/groups", _l("Who they are"), Kind.MANY, get_args(words.SubjectGroup)),
        _tri("/subjects/vulnerable", _l("Vulnerable people among them?")),
        _tri("/subjects/protected_identity", _l("Somebody with a protected address?")),
        Field("/consequences", _l("Likely consequences"), Kind.MANY, get_args(words.Consequence)),
    ), open=True),
    Section("measures", _l("What was done"), (
        Field("/measures/taken", _l("Measures taken"), Kind.LINES, hint=_l("One a line.")),
        Field("/measures/planned", _l("Measures planned"), Kind.LINES, hint=_l("One a line.")),
        _tri("/measures/high_risk_no_longer_likely", _l("Do they take the high risk away, art. 34(3)(b)?")),
    )),
)  # fmt: skip
FIELDS: Final = tuple(each for section in SECTIONS for each in section.fields)
LABELS: Final = {each.pointer: each.label for each in FIELDS} | {
    "/timeline/aware_at": _l("When we became aware"),
    "/organisation/main_establishment": _l("Where the organisation has its main establishment"),
    "/disclosure/recipients_count": _l("How many got them?"),
    "/subjects/total": _l("Number of people"), "/data/records": _l("Number of records"),
    "/reported_by/name": _l("Who told us"), "/reported_by/email": _l("E-mail address of who told us"),
    "/reported_by/phone": _l("Telephone of who told us"),
    "/reported_by/organisation": _l("Whom they work for"),
}  # fmt: skip


def label_of(pointer: str) -> str:
    """How a fact is asked for; the pointer itself where the form does not."""
    return str(LABELS.get(pointer, pointer))


def written(document: Mapping[str, Any], zone: str) -> Sheet:
    """The form, filled in as the document tells it."""
    sheet = write(FIELDS, document, zone)
    sheet.typed["at_a_processor"] = [at_a_processor(document)]
    return sheet


def at_a_processor(document: Mapping[str, Any]) -> str:
    """Whether it happened at a processor, by the document: a chain says yes, an empty one no."""
    if "chain" not in document:
        return "unknown"
    return "yes" if document["chain"] else "no"


def told(
    sheet: Sheet, zone: str, base: Mapping[str, Any], *, now: datetime | None = None
) -> dict[str, Any] | None:
    """The facts document that the form tells, on top of `base`; None with every fault on the sheet.

    What cannot be so is a fault too, unless it stands in `base` already, as a processor told it. Times are
    held against `now` (aware).
    """
    plain = tuple(each for each in FIELDS if each.pointer != "/at_a_processor")
    document = read(plain, sheet, zone, base)
    _settle_chain(document, sheet)
    if not document.get("title"):
        sheet.fault("title", _("A few words are needed to tell incidents apart."))
    try:
        plausibility.check(document, now, before=dict(base) or None)
    except FactsFault as faulty:
        _place(faulty, sheet)
    return None if sheet.faults else document


def readable(
    sheet: Sheet, zone: str, base: Mapping[str, Any], *, now: datetime | None = None
) -> tuple[dict[str, Any], list[str]]:
    """The document of what can be read of the form, and the names of the fields that cannot be yet.

    What is wrong is left as `base` has it; the sheet keeps no fault: the person is still writing.
    """
    as_it_was, typed = written(base, zone).typed, dict(sheet.typed)
    left_out: list[str] = []
    for _round in range(2):  # fields first, then what only shows once they can be read
        scratch = Sheet(typed=dict(typed))
        if (document := told(scratch, zone, base, now=now)) is not None:
            return document, left_out
        for name in scratch.faults:
            left_out.append(name)
            for part in (name, f"{name}.fold"):
                typed[part] = as_it_was.get(part, [])
    return dict(base), left_out


def _settle_chain(document: dict[str, Any], sheet: Sheet) -> None:
    """An answer of no is an empty chain, not knowing is none at all; names of processors say yes."""
    links, answer = document.get("chain") or [], sheet.one("at_a_processor")
    links = [link for link in links if set(link) - {"role"}]
    if links:
        document["chain"] = [_with_role(link, number, sheet) for number, link in enumerate(links)]
    if links and answer == "no":
        sheet.fault("at_a_processor", _("You name a processor below: answer yes, or empty its fields."))
    if not links:
        document.pop("chain", None)
    if not links and answer == "no":
        document["chain"] = []
    if not links and answer == "yes":
        sheet.fault("at_a_processor", _("Name the processor below."))


def _with_role(link: dict[str, Any], number: int, sheet: Sheet) -> dict[str, Any]:
    return {"role": sheet.one(f"chain.{number}.role") or _role(number)} | link


def _place(faulty: FactsFault, sheet: Sheet) -> None:
    known = {each.name for each in FIELDS}
    for each in faulty.errors:
        name = each.pointer[1:].replace("/", ".")
        while name and name not in known:
            name = name.rpartition(".")[0]
        sentence = said(each.detail)
        detail = sentence if name else f"{each.pointer}: {sentence}"
        sheet.fault(name, detail)
