"""Fields of a form: typed text becomes a document, and a document becomes what would have been typed.

A field left alone says nothing: what is not known is left out of the document and never becomes a "no".
Times are local to the organisation. A time that was twice is asked about, one that never was is refused.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel.speaklater import LazyString
from werkzeug.datastructures import MultiDict

from foundation import locales
from incident.rules.local_time import AmbiguousTime, LocalTimeFault, resolve_local

Typed = Mapping[str, list[str]]
UNKNOWN: Final = "unknown"
_NUMBER: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?", re.ASCII)


class Kind(StrEnum):
    """How a field is filled in."""

    TEXT = "text"  # one line
    LONG = "long"  # several lines
    LINES = "lines"  # a list, one item a line
    TIME = "time"  # a local time, with the question which of two where it was twice
    CHOICE = "choice"  # one word of a list; "not known" is one of them
    MANY = "many"  # any words of a list
    WHOLE = "whole"  # a whole number
    NUMBER = "number"  # a number, with a point or a comma
    FLAG = "flag"  # a tick
    COUNTRIES = "countries"  # people by country: "DK 260", one country a line


@dataclass(frozen=True, slots=True)
class Field:
    """One fact on a form: where it stands in the document, and how it is asked for."""

    pointer: str
    label: LazyString
    kind: Kind = Kind.TEXT
    choices: tuple[str, ...] = ()
    hint: LazyString | None = None
    default: str = UNKNOWN  # what a choice says when nobody has chosen

    @property
    def name(self) -> str:
        """Its name in the form."""
        return self.pointer[1:].replace("/", ".")

    @property
    def path(self) -> list[str]:
        """The members that lead to it."""
        return self.pointer[1:].split("/")


@dataclass
class Sheet:
    """A form as it stands on the page: what is typed, what is wrong with it, what must be asked back."""

    typed: dict[str, list[str]] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=dict)
    questions: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)

    def one(self, name: str) -> str:
        """What stands in a field."""
        return next(iter(self.typed.get(name, [])), "")

    def all(self, name: str) -> list[str]:
        """Everything that is ticked in a field."""
        return self.typed.get(name, [])

    def fault(self, name: str, detail: str) -> None:
        """Say what is wrong with a field; "" is the form as a whole."""
        self.faults.setdefault(name, []).append(detail)

    def time(self, name: str, zone: str) -> datetime | None:
        """The instant (UTC) of a local time, or None when none is typed or it must be asked about."""
        text = self.one(name).strip()
        if not text:
            return None
        fold = {"0": 0, "1": 1}.get(self.one(f"{name}.fold"))
        try:
            return resolve_local(text, zone, fold)
        except AmbiguousTime as twice:
            self.questions[name] = twice.candidates
            self.fault(name, _("Clocks showed this time twice that night. Say which it was."))
        except LocalTimeFault as fault:
            self.fault(name, str(fault))
        return None


def sheet_of(form: MultiDict[str, str]) -> Sheet:
    """What was typed, whatever it is."""
    return Sheet(typed={name: form.getlist(name) for name in form})


# --- reading ------------------------------------------------------------------------------------


def read(fields: Sequence[Field], sheet: Sheet, zone: str, base: Mapping[str, Any]) -> dict[str, Any]:
    """The document: `base` with the fields' values in place; what cannot be read is a fault of the sheet.

    A field that was left as `base` has it stays exactly so, to the second; what the form does not ask for
    is kept.
    """
    document = deepcopy(dict(base))
    before = write(fields, base, zone).typed
    for each in fields:
        if _said(sheet, each) == _said_in(before, each):
            continue
        _remove(document, each.path)
        value = _READ[each.kind](each, sheet, zone)
        if value not in (None, "", [], {}):
            _put(document, each.path, value)
    return _tidied(document)


def _said(sheet: Sheet, each: Field) -> tuple[list[str], list[str]]:
    return _said_in(sheet.typed, each)


def _said_in(typed: Mapping[str, list[str]], each: Field) -> tuple[list[str], list[str]]:
    told = [text.replace("\r\n", "\n").strip() for text in typed.get(each.name, [])]
    fold = typed.get(f"{each.name}.fold", [])
    return [text for text in told if text not in ("", UNKNOWN)], fold


def _text(each: Field, sheet: Sheet, _zone: str) -> str:
    text = sheet.one(each.name).replace("\r\n", "\n").strip()
    return text.upper() if each.path[-1] == "country" else text


def _lines(each: Field, sheet: Sheet, _zone: str) -> list[str]:
    return [line.strip() for line in sheet.one(each.name).splitlines() if line.strip()]


def _time(each: Field, sheet: Sheet, zone: str) -> str | None:
    at = sheet.time(each.name, zone)
    return at.isoformat().replace("+00:00", "Z") if at else None


def _choice(each: Field, sheet: Sheet, _zone: str) -> str | None:
    chosen = sheet.one(each.name)
    return None if chosen in ("", UNKNOWN) else chosen


def _many(each: Field, sheet: Sheet, _zone: str) -> list[str]:
    return list(dict.fromkeys(sheet.all(each.name)))


def _whole(each: Field, sheet: Sheet, _zone: str) -> int | None:
    text = sheet.one(each.name).strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        sheet.fault(each.name, _("A whole number is expected."))
        return None
    return int(text)


def _number(each: Field, sheet: Sheet, _zone: str) -> float | None:
    text = sheet.one(each.name).strip().replace(",", ".")
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        sheet.fault(each.name, _("A number is expected, as 2 or 0.5."))
        return None
    return float(text)


def _flag(each: Field, sheet: Sheet, _zone: str) -> bool | None:
    return True if sheet.one(each.name) else None


def _countries(each: Field, sheet: Sheet, _zone: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in _lines(each, sheet, ""):
        country, _space, count = line.partition(" ")
        count = count.strip()
        if not (count.isascii() and count.isdigit() and len(count) <= 15):
            sheet.fault(each.name, _("Write one country a line, as DK 260."))
            continue
        found[country.upper()] = int(count)
    return found


_READ: Final[Mapping[Kind, Callable[[Field, Sheet, str], Any]]] = {
    Kind.TEXT: _text, Kind.LONG: _text, Kind.LINES: _lines, Kind.TIME: _time, Kind.CHOICE: _choice,
    Kind.MANY: _many, Kind.WHOLE: _whole, Kind.NUMBER: _number, Kind.FLAG: _flag, Kind.COUNTRIES: _countries,
}  # fmt: skip


# --- the document -------------------------------------------------------------------------------


def _put(document: dict[str, Any], path: list[str], value: object) -> None:
    place: Any = document
    for name, following in zip(path, [*path[1:], ""], strict=True):
        if not following:
            break
        if isinstance(place, list):
            while len(place) <= int(name):
                place.append({})
            place = place[int(name)]
        else:
            place = place.setdefault(name, [] if following.isdigit() else {})
    place[path[-1]] = value


def find(document: Mapping[str, Any], path: Sequence[str]) -> Any:
    """What stands at a path, or None."""
    place: Any = document
    for name in path:
        if isinstance(place, list):
            place = place[int(name)] if name.isdigit() and int(name) < len(place) else None
        else:
            place = place.get(name) if isinstance(place, Mapping) else None
    return place


def _remove(document: dict[str, Any], path: list[str]) -> None:
    place = find(document, path[:-1])
    if isinstance(place, dict):
        place.pop(path[-1], None)


def _tidied(document: dict[str, Any]) -> dict[str, Any]:
    """Without parts in which nothing is left; an empty chain says that no processor is in it."""
    if document.get("chain"):
        document["chain"] = [link for link in document["chain"] if link]
    return {name: value for name, value in document.items() if value != {}}


# --- writing ------------------------------------------------------------------------------------


def write(fields: Sequence[Field], document: Mapping[str, Any], zone: str) -> Sheet:
    """What somebody would have typed to tell this document; times are local to the zone."""
    sheet = Sheet()
    for each in fields:
        value = find(document, each.path)
        if value is None:
            if each.default != UNKNOWN:
                sheet.typed[each.name] = [each.default]
            continue
        if each.kind is Kind.TIME:
            text, fold = local_text(datetime.fromisoformat(value), zone)
            sheet.typed[each.name] = [text]
            if fold is not None:
                sheet.typed[f"{each.name}.fold"] = [str(fold)]
        else:
            sheet.typed[each.name] = _written(each.kind, value)
    return sheet


def _written(kind: Kind, value: Any) -> list[str]:
    if kind is Kind.MANY:
        return [str(each) for each in value]
    if kind is Kind.LINES:
        return ["\n".join(value)]
    if kind is Kind.COUNTRIES:
        return ["\n".join(f"{country} {count}" for country, count in value.items())]
    if kind is Kind.FLAG:
        return ["yes"] if value else []
    if kind is Kind.NUMBER:
        return [f"{value:g}"]
    return [str(value)]


def local_text(at: datetime, zone: str) -> tuple[str, int | None]:
    """An instant as a local time for a form, and which passing it is where that time was twice."""
    local = locales.local(at, zone).replace(second=0, microsecond=0)
    text = local.replace(tzinfo=None).isoformat(timespec="minutes")
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return text, local.fold if twice else None


# --- two at once --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Both:
    """A field that two people changed: what each of them says."""

    field: Field
    theirs: list[str]
    mine: list[str]


def merge(fields: Sequence[Field], base: Sheet, theirs: Sheet, mine: Sheet) -> tuple[Sheet, list[Both]]:
    """What a colleague saved with my changes on top; and the fields that both of us changed otherwise."""
    merged = Sheet(typed=dict(theirs.typed))
    both = []
    for each in fields:
        was, saved, typed = (_said(sheet, each) for sheet in (base, theirs, mine))
        if typed in (was, saved):
            continue
        if saved != was:
            both.append(Both(each, saved[0], typed[0]))
        for name in (each.name, f"{each.name}.fold"):
            merged.typed[name] = mine.typed.get(name, [])
    for name in mine.typed.keys() - {key for each in fields for key in (each.name, f"{each.name}.fold")}:
        merged.typed[name] = mine.typed[name]
    return merged, both
