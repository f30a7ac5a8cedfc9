"""What the register holds of a processor, field by field: read from text, written back as text.

A form and a CSV file are read by the same rules. Words may be told by their code or as pages show them, in
any of our languages; they are kept as codes.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, Final, get_args

from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from foundation import locales
from incident.forms.words import WORDS
from incident.processor_register.places import country_code, outside_the_eea
from incident.rules.vocabulary import DataCategory, SubjectGroup

CATEGORIES: Final = get_args(DataCategory)
GROUPS: Final = tuple(each for each in get_args(SubjectGroup) if each != "unknown")
BASES: Final[Mapping[str, LazyString]] = {
    "adequacy": _l("Adequacy decision, art. 45"),
    "standard_clauses": _l("Standard contractual clauses, art. 46"),
    "binding_rules": _l("Binding corporate rules, art. 47"),
    "other_safeguards": _l("Other safeguards, art. 46"),
    "derogation": _l("Derogation, art. 49"),
    "none": _l("No basis known"),
}
SHORT: Final = {
    "scc": "standard_clauses", "sccs": "standard_clauses", "standard clauses": "standard_clauses",
    "bcr": "binding_rules", "dpf": "adequacy", "adequacy decision": "adequacy", "": "none",
}  # fmt: skip
MOST_PEOPLE: Final = 2_000_000_000
MOST_HOURS: Final = 8760  # a year, as for promises and limits
LONGEST: Final = {
    "name": 200, "service": 200, "agreement_reference": 200, "agreement_place": 500, "notes": 4000,
}  # fmt: skip
MOST_ITEMS: Final = 100
_ITEMS, _WORDS, _LINES = re.compile(r"[;|\n]"), re.compile(r"[;,|\n]"), re.compile(r"\n")
_TRANSFER = re.compile(r"([^:(]+?)\s*(?:[:(]\s*([^,()]*?)\s*(?:,\s*([^,()]+?))?\s*\)?)?\s*")
_GAP = r"[ .,'\u00a0\u202f]"
_GROUPED = re.compile(rf"[0-9]{{1,3}}({_GAP}[0-9]{{3}})+")
_DATE = re.compile(r"([0-9]{1,2})[./-]([0-9]{1,2})[./-]([0-9]{4})", re.ASCII)

LABELS: Final[Mapping[str, LazyString]] = {
    "name": _l("Name"), "serves": _l("Works for"), "country": _l("Country of its seat"),
    "service": _l("What it does for us"), "agreement_reference": _l("Agreement"),
    "agreement_on": _l("Date of the agreement"), "agreement_place": _l("Where the agreement stands"),
    "notice_hours": _l("Tells us within hours"), "data_categories": _l("Kinds of data"),
    "subject_groups": _l("Whose data"), "people": _l("Number of people, about"),
    "countries": _l("Countries where data are kept"), "transfers": _l("Transfers outside the EEA"),
    "systems": _l("Systems of ours that it runs or feeds"), "notes": _l("Notes"),
}  # fmt: skip
FIELDS: Final = tuple(each for each in LABELS if each != "serves")
Values = dict[str, Any]
Faults = dict[str, list[str]]


def read(typed: Mapping[str, str], *, now: datetime) -> tuple[Values, Faults]:
    """The values of the fields in `typed`, and what is wrong, by field, all of it at once."""
    values: Values = {}
    faults: Faults = {}
    for name, text in typed.items():
        try:
            values[name] = _READ[name](name, text.replace("\r\n", "\n").strip(), now)
        except ValueError as fault:
            faults.setdefault(name, []).extend(str(each) for each in fault.args)
    return values, faults


def written(name: str, value: Any) -> str:
    """A value as somebody would type it, so that reading it gives the same value again."""
    if value is None:
        return ""
    if name == "transfers":
        return "; ".join(_transfer_text(each) for each in value)
    if isinstance(value, list | tuple):
        return "; ".join(str(each) for each in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _transfer_text(each: Mapping[str, str]) -> str:
    checked = f", {each['checked_on']}" if each.get("checked_on") else ""
    return f"{each['country']}: {each['basis']}{checked}"


# --- one by one ---------------------------------------------------------------------------------


def _text(name: str, text: str, _now: datetime) -> str:
    if len(text) > LONGEST[name]:
        raise ValueError(_("longer than %(most)d characters", most=LONGEST[name]))
    allowed = "\n\t" if name == "notes" else ""
    if any(unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") and sign not in allowed for sign in text):
        raise ValueError(_("holds a line break or a control character"))
    return text if name == "notes" else " ".join(text.split())


def _name(name: str, text: str, now: datetime) -> str:
    told = _text(name, text, now)
    if not told:
        raise ValueError(_("a name is needed"))
    return told


def _country(_name: str, text: str, _now: datetime) -> str:
    if not text:
        raise ValueError(_("a country is needed: two letters, as DK"))
    return country_code(text)


def _date(_name: str, text: str, _now: datetime) -> date | None:
    if not text:
        return None
    try:
        if told := _DATE.fullmatch(text):
            day, month, year = (int(each) for each in told.groups())
            return date(year, month, day)
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(_("“%(told)s” is no date; write 2026-03-31", told=text[:40])) from None


def _hours(_name: str, text: str, _now: datetime) -> float | None:
    if not text:
        return None
    try:
        hours = float(text.removesuffix("h").strip().replace(",", "."))
    except ValueError:
        hours = 0.0
    if not 0 < hours <= MOST_HOURS:
        raise ValueError(_("a number of hours is expected, above 0 and up to %(most)d", most=MOST_HOURS))
    return hours


def _people(_name: str, text: str, _now: datetime) -> int | None:
    if not text:
        return None
    told = re.sub(_GAP, "", text) if _GROUPED.fullmatch(text) else text
    if not (told.isascii() and told.isdigit() and int(told[:12]) <= MOST_PEOPLE and len(told) <= 10):
        raise ValueError(_("a whole number is expected"))
    return int(told)


def _many(text: str, between: re.Pattern[str], read_one: Callable[[str], Any]) -> list[Any]:
    """Every item of a list once, in order. Raises: ValueError with what is wrong with each of them."""
    found: list[Any] = []
    wrong: list[str] = []
    for told in filter(None, (each.strip() for each in between.split(text))):
        try:
            value = read_one(told)
        except ValueError as fault:
            wrong += [str(each) for each in fault.args]
            continue
        found += [] if value in found else [value]
    if len(found) > MOST_ITEMS:
        wrong.append(_("more than %(most)d items", most=MOST_ITEMS))
    if wrong:
        raise ValueError(*wrong)
    return found


def _words(known: Iterable[str]) -> Callable[[str, str, datetime], list[str]]:
    codes = tuple(known)

    def one(told: str) -> str:
        found = by_label(codes).get(_plain(told))
        if found is None:
            raise ValueError(_("“%(told)s” is not in the list of words", told=told[:40]))
        return found

    return lambda _name, text, _now: _many(text, _WORDS, one)


def _countries(_name: str, text: str, _now: datetime) -> list[str]:
    return _many(text, _WORDS, country_code)


def _systems(_name: str, text: str, _now: datetime) -> list[str]:
    def one(told: str) -> str:
        if len(told) > 100:
            raise ValueError(_("longer than %(most)d characters", most=100))
        return " ".join(told.split())

    return _many(text, _ITEMS, one)


def _transfers(_name: str, text: str, now: datetime) -> list[dict[str, str | None]]:
    def one(told: str) -> dict[str, str | None]:
        parts = _TRANSFER.fullmatch(told)
        country = country_code(parts[1] if parts else told)
        if not outside_the_eea(country, now):
            raise ValueError(_("%(country)s lies in the EEA: that is no transfer", country=country))
        return {
            "country": country, "basis": _basis((parts and parts[2]) or ""),
            "checked_on": _checked((parts and parts[3]) or "", now),
        }  # fmt: skip

    return _many(text, _ITEMS, one)


def _basis(told: str) -> str:
    found = SHORT.get(_plain(told)) or by_label(tuple(BASES)).get(_plain(told))
    if found is None:
        raise ValueError(_("“%(told)s” is no basis of a transfer", told=told[:40]))
    return found


def _checked(told: str, now: datetime) -> str | None:
    day = _date("", told, now)
    if day and day > now.astimezone(UTC).date():
        raise ValueError(_("the day of the check lies ahead: %(day)s", day=day.isoformat()))
    return day.isoformat() if day else None


@cache
def by_label(codes: tuple[str, ...]) -> Mapping[str, str]:
    """Codes by themselves and by what pages call them in each of our languages."""
    found = {_plain(code): code for code in codes} | {code: code for code in codes}
    labels = {**WORDS, **BASES}
    for locale in locales.LOCALES:
        with force_locale(locale):
            # A comma separates words; a label that holds one is known by what stands before it, too.
            for code in codes:
                label = str(labels[code])
                found.setdefault(_plain(label), code)
                found.setdefault(_plain(label.partition(",")[0]), code)
    return found


def _plain(told: str) -> str:
    return " ".join(told.replace("_", " ").split()).casefold()


_READ: Final[Mapping[str, Callable[[str, str, datetime], Any]]] = {
    "name": _name, "country": _country, "service": _text, "agreement_reference": _text,
    "agreement_on": _date, "agreement_place": _text, "notice_hours": _hours,
    "data_categories": _words(CATEGORIES), "subject_groups": _words(GROUPS), "people": _people,
    "countries": _countries, "transfers": _transfers, "systems": _systems, "notes": _text,
}  # fmt: skip
