"""The form of what an organisation registers for filing: its fields by section, read and held to rules."""

import re
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from foundation import locales
from incident import profile
from incident.authorities import Authority
from incident.forms import fields
from incident.forms.fields import Field, Kind, Sheet
from incident.rules.registration import wrong_with

HOLDERS: Final = 4  # lines for people who can sign in; more when more are noted
LONGEST: Final[Mapping[Kind, int]] = {Kind.TEXT: 200, Kind.LONG: 1000}
EMAIL: Final = re.compile(r"[^@\s,;<>]{1,64}@[^@\s,;<>]{1,180}\.[^@\s,;<>.]{2,}")
PHONE: Final = re.compile(r"\+?[0-9][0-9 ()/.-]{4,39}")
WEB: Final = re.compile(r"https?://[^\s]+")
YES_NO: Final = ("yes", "no")
FLAGS: Final = (
    "/is_sole_trader",
    "/dpo/designated",
    "/code_of_conduct/follows",
)  # true or false in a profile
WORDS: Final[Mapping[str, LazyString]] = {
    "yes": _l("Yes"), "no": _l("No"), "unknown": _l("Not said"),
    "private": _l("Private"), "public": _l("Public"),
    "micro": _l("Micro enterprise"), "sme": _l("Small or medium-sized enterprise"),
    "large": _l("Large enterprise"), "other": _l("Other"),
    "lt250": _l("Fewer than 250"), "ge250": _l("250 or more"),
    "dpo": _l("Data protection officer"), "legal_representative": _l("Legal representative"),
    "authorised_or_other": _l("Authorised by it, or other"),
}  # fmt: skip
WRONG: Final[Mapping[str, LazyString]] = {
    "digits": _l("The number has not as many digits as one of this kind has: compare it with the register."),
    "check": _l("The check digit does not fit, so a digit is wrong: compare it with the register."),
    "person": _l(
        "This is written as the number of a person is. Say below that it is a sole trader, or mend it."
    ),
}


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the form with an anchor of its own."""

    key: str
    title: str
    fields: tuple[Field, ...]
    about: str = ""


def say(code: str) -> str:
    """A code of a choice in words."""
    return str(WORDS.get(code, code))


def sections(document: Mapping[str, Any], portals: Iterable[Authority]) -> list[Section]:
    """The form for this profile; who can sign in is asked for each portal of `portals` that wants it."""
    return [
        Section("organisation", _("The organisation"), ORGANISATION),
        Section("size", _("What it is"), SIZE),
        Section("contact", _("Whom the authority may ask"), CONTACT,
                _("Where nobody is named it is the data protection officer.")),
        Section("officer", _("Data protection officer"), OFFICER),
        Section("reporter", _("Who files"), REPORTER,
                _("Only where it is always the same person; else it is who leads the incident.")),
        *_filing(document, portals),
        Section("ico", _("Registration at the ICO"), ICO, _("The ICO's form asks for one of the two.")),
        Section("eea", _("Representative in the EEA"), REPRESENTATIVES["eea"],
                _("For an organisation without an establishment in the EEA (GDPR art. 27).")),
        Section("uk", _("Representative in the United Kingdom"), REPRESENTATIVES["uk"],
                _("For an organisation without an establishment there (UK GDPR art. 27).")),
        Section("code", _("Code of conduct"), CODE, _("One that an authority has approved (art. 40).")),
        Section("prices", _("What telling people costs"), PRICES,
                _("Said before an approval, in place of the prices in the data. Without tax.")),
        Section("kept", _("Contact data of people who were told"), KEPT,
                _("Names and addresses are destroyed so long after everybody was told; the proof stays.")),
    ]  # fmt: skip


def all_fields(several: Iterable[Section]) -> list[Field]:
    """The fields of all sections."""
    return [each for section in several for each in section.fields]


def _filing(document: Mapping[str, Any], portals: Iterable[Authority]) -> Iterator[Section]:
    known = profile.read(document)
    for number, each in enumerate(portals):
        lines = max(HOLDERS, len(known.access(each.key).holders) + 1)
        at = f"/filing/{each.key}"
        held: list[Field] = []
        for line in range(lines):
            held.append(
                Field(f"{at}/holders/{line}/name", _l("Who can sign in, %(number)s", number=line + 1))
            )
            held.append(Field(f"{at}/holders/{line}/checked_on", _l("Tried on"), Kind.TIME))
        held.append(Field(f"{at}/note", _l("Note"), Kind.LONG))
        yield Section(
            "filing" if number == 0 else f"filing-{each.key}",
            _("Who can sign in: %(name)s", name=each.named(locales.current())), tuple(held),
            _("It needs: %(what)s.", what=each.portal.sign_in),
        )  # fmt: skip


ORGANISATION: Final = (
    Field("/legal_name", _l("Name in the register"), hint=_l("Where it is not the name used here.")),
    Field("/registration/kind", _l("Kind of number"),
          hint=_l("CVR, organisasjonsnummer, organisationsnummer, company number …")),
    Field("/registration/number", _l("Registration number")),
    Field("/address", _l("Postal address"), Kind.LONG),
    Field("/phone", _l("Telephone"), hint=_l("With country code: +45 …")),
    Field("/email", _l("E-mail")),
    Field("/website", _l("Website"), hint=_l("With https:// before it.")),
)  # fmt: skip
SIZE: Final = (
    Field("/sector", _l("Sector"), Kind.CHOICE, ("private", "public")),
    Field("/size_class", _l("Size"), Kind.CHOICE, ("micro", "sme", "large", "other")),
    Field("/size_description", _l("Size in words, where it is another")),
    Field("/staff_band", _l("Staff"), Kind.CHOICE, ("lt250", "ge250")),
    Field("/industry", _l("Industry")),
    Field("/is_sole_trader", _l("A sole trader"), Kind.CHOICE, YES_NO),
)
CONTACT: Final = (
    Field("/contact/name", _l("Name")),
    Field("/contact/function", _l("Function")),
    Field("/contact/phone", _l("Telephone")),
    Field("/contact/email", _l("E-mail")),
)
OFFICER: Final = (
    Field("/dpo/designated", _l("One is designated"), Kind.CHOICE, YES_NO),
    Field("/dpo/name", _l("Name")),
    Field("/dpo/phone", _l("Telephone")),
    Field("/dpo/email", _l("E-mail")),
)
REPORTER: Final = (
    Field("/reporter/name", _l("Name")),
    Field("/reporter/function", _l("In what capacity"), Kind.CHOICE,
          ("dpo", "legal_representative", "authorised_or_other")),
    Field("/reporter/function_description", _l("Which, where it is another")),
    Field("/reporter/phone", _l("Telephone")),
    Field("/reporter/email", _l("E-mail")),
)  # fmt: skip
ICO: Final = (
    Field("/ico/registration_number", _l("Registration number at the ICO"), hint=_l("As ZA123456.")),
    Field("/ico/why_none", _l("Why there is none"), Kind.LONG),
)
REPRESENTATIVES: Final = {
    place: (
        Field(f"/representatives/{place}/name", _l("Name")),
        Field(f"/representatives/{place}/phone", _l("Telephone")),
        Field(f"/representatives/{place}/email", _l("E-mail")),
        Field(f"/representatives/{place}/address", _l("Postal address"), Kind.LONG),
    )
    for place in ("eea", "uk")
}
CODE: Final = (
    Field("/code_of_conduct/follows", _l("The organisation keeps to one"), Kind.CHOICE, YES_NO),
    Field("/code_of_conduct/details", _l("Which"), Kind.LONG),
)

PRICES: Final = (
    Field("/prices/currency", _l("Currency"), hint=_l("Its three letters, as DKK.")),
    Field("/prices/each_email", _l("An e-mail")),
    Field("/prices/each_sms", _l("A text message"), hint=_l("Each segment of it.")),
    Field("/prices/each_letter", _l("A letter"), hint=_l("With paper and postage.")),
)
KEPT: Final = (
    Field("/contact_days", _l("Days they are kept"), Kind.WHOLE,
          hint=_l("Empty for what is usual. Fewer than 14 are 14, more than 1095 are 1095.")),
)  # fmt: skip


# --- reading and writing ----------------------------------------------------------------------------


def written(several: Iterable[Field], document: Mapping[str, Any]) -> Sheet:
    """What somebody would have typed to register this profile."""
    return fields.write([_plain(each) for each in several], _with_words(profile.readable(document)), "UTC")


def read(several: Iterable[Field], sheet: Sheet, document: Mapping[str, Any], today: date) -> dict[str, Any]:
    """The profile with what was typed in place; what cannot stand is a fault of the sheet.

    `today` is the organisation's: nobody tried anything on a later day. What the form does not ask is kept.
    """
    asked = [_plain(each) for each in several]
    for each in several:
        _hold(each, sheet, today)
    told = fields.read(asked, sheet, "UTC", _with_words(profile.readable(document)))
    for pointer in FLAGS:
        _to_flag(told, pointer)
    for access in (told.get("filing") or {}).values():
        _hold_holders(access)
    tidied: dict[str, Any] = {
        key: value for key, each in told.items() if (value := _tidied(each)) not in ({}, [])
    }
    _hold_number(sheet, profile.read(tidied))
    _hold_prices(sheet)
    for fault in profile.faults(tidied):
        name = fault.pointer[1:].replace("/", ".")
        if name not in sheet.faults:
            sheet.fault(name, _("This is not what is asked for here."))
    return tidied


def _plain(each: Field) -> Field:
    """The field as the machinery of forms reads it: a day is a line of text."""
    return Field(each.pointer, each.label) if each.kind is Kind.TIME else each


def _with_words(document: Mapping[str, Any]) -> dict[str, Any]:
    found = deepcopy(dict(document))
    for pointer in FLAGS:
        *before, last = pointer[1:].split("/")
        place = fields.find(found, before) if before else found
        if isinstance(place, dict) and isinstance(place.get(last), bool):
            place[last] = "yes" if place[last] else "no"
    return found


def _to_flag(document: dict[str, Any], pointer: str) -> None:
    *before, last = pointer[1:].split("/")
    place = fields.find(document, before) if before else document
    if isinstance(place, dict) and place.get(last) in YES_NO:
        place[last] = place[last] == "yes"


def _hold_holders(access: dict[str, Any]) -> None:
    access["holders"] = [each for each in access.get("holders", []) if each]


def _tidied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: kept for key, each in value.items() if (kept := _tidied(each)) not in ({}, [], None)}
    return value


def _hold(each: Field, sheet: Sheet, today: date) -> None:
    """Hold one field to what it asks for."""
    text, last = sheet.one(each.name).strip(), each.path[-1]
    if not text:
        if last == "name" and "holders" in each.path and sheet.one(each.name[: -len("name")] + "checked_on"):
            sheet.fault(each.name, _("Say who tried it on that day."))
        return
    longest = LONGEST.get(each.kind)
    if longest and len(text) > longest:
        sheet.fault(each.name, _("At most %(number)s characters.", number=longest))
    elif each.kind is Kind.CHOICE and text not in (*each.choices, fields.UNKNOWN):
        sheet.fault(each.name, _("Choose one of the list."))
    elif last == "email" and not EMAIL.fullmatch(text):
        sheet.fault(each.name, _("This is not an e-mail address."))
    elif last == "phone" and not PHONE.fullmatch(text):
        sheet.fault(each.name, _("A telephone number is expected, as +45 12 34 56 78."))
    elif last == "website" and not WEB.fullmatch(text):
        sheet.fault(each.name, _("An address is expected, as https://example.com."))
    elif last == "checked_on":
        _hold_day(each, sheet, text, today)


def _hold_day(each: Field, sheet: Sheet, text: str, today: date) -> None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        sheet.fault(each.name, _("A day is expected, as 2026-10-06."))
        return
    if day > today:
        sheet.fault(each.name, _("That day is still to come: write when it was tried."))


def _hold_prices(sheet: Sheet) -> None:
    amounts = [sheet.one(each.name) for each in PRICES if each.path[-1] != "currency"]
    if any(each.strip() for each in amounts) and not sheet.one("prices.currency").strip():
        sheet.fault("prices.currency", _("Say in which currency they are."))


def _hold_number(sheet: Sheet, known: profile.Profile) -> None:
    registered = known.registration
    wrong = wrong_with(registered.kind, registered.number) if registered.number else None
    if wrong and not (wrong == "person" and known.is_sole_trader):
        sheet.fault("registration.number", str(WRONG[wrong]))
