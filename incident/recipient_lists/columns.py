"""Which column of a list is what: a guess by its header and a sample of its cells, then a person's choice.

A guess decides nothing: a person sees it beside the sample and chooses. Numbers of persons (CPR,
personnummer) are no field: no column is guessed to hold one that is needed.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from foundation import locales
from foundation.errors import Invalid
from incident.recipient_lists import cells, words
from incident.recipient_lists.faults import Faulty
from incident.spreadsheets import plain

FREE: Final = "field:"  # and a name of its own: what a letter may say of one person
MOST_FREE: Final = 20
LABELS: Final[Mapping[str, Any]] = {
    "name": _l("name"), "first_name": _l("first name"), "last_name": _l("last name"), "email": _l("e-mail"),
    "phone": _l("phone"), "line1": _l("address"), "line2": _l("second line of the address"),
    "postcode": _l("postcode"), "city": _l("town"), "country": _l("country"), "language": _l("language"),
    "group": _l("group of people"), "own_id": _l("your own number for the person"),
    "protected_address": _l("protected address"),
    "national_id_with_financial": _l("national number together with financial data"),
}  # fmt: skip
FIELDS: Final = tuple(LABELS)
JOINED: Final = frozenset({"first_name", "last_name", "line1", "line2"})  # several columns may make one
WAYS: Final = ("email", "phone", "line1")
_FREE_NAME: Final = re.compile(r"field:[a-z][a-z0-9_]{0,39}")
_ENOUGH: Final = 0.8  # of the cells that hold anything
_DOUBT: Final = 0.5
_SAMPLE: Final = 200  # rows


class By(StrEnum):
    """What a guess rests on."""

    HEADER = "header"  # the column is called so
    CONTENT = "content"  # its cells look so
    TAKEN = "taken"  # it is that as well, and another column has the field: a person chooses
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Guess:
    """What one column may be; `field` is empty where nothing is known or another column has it."""

    field: str = ""
    by: By = By.NOTHING


@dataclass(frozen=True, slots=True)
class Columns:
    """What a person chose: for each column of the file our field, or nothing."""

    header: tuple[str, ...]
    fields: tuple[str, ...]

    def at(self, field: str) -> tuple[int, ...]:
        """The positions of the columns that make this field, from the left."""
        return tuple(at for at, each in enumerate(self.fields) if each == field)

    def named(self) -> dict[str, str]:
        """Our fields, each with what the file calls its columns."""
        used = dict.fromkeys(each for each in self.fields if each)
        return {each: " + ".join(self.header[at].strip() for at in self.at(each)) for each in used}


# --- guessing -----------------------------------------------------------------------------------


def guess(header: Sequence[str], sample: Sequence[Sequence[str]], *, country: str) -> tuple[Guess, ...]:
    """What each column may be, by what it is called and else by a sample of the rows below the header.

    `country` (ISO 3166-1 alpha-2) is where numbers without a country code are. Nothing is raised.
    """
    below = [_cells_of(sample, at) for at in range(len(header))]
    found = [Guess()] * len(header)
    _by_header(header, below, found)
    _by_content(below, found, country)
    fields = {each.field for each in found}
    if "name" in fields:
        found = [Guess("", By.TAKEN) if each.field in ("first_name", "last_name") else each for each in found]
    return tuple(found)


def headless(header: Sequence[str]) -> bool:
    """Whether the first row looks like a person and not like a header: it holds an address or a number.

    It is then to be read as a row, with columns that are chosen by their content.
    """
    return any(_EMAIL.fullmatch(plain(cell)) or _NUMBER.fullmatch(plain(cell)) for cell in header)


def _cells_of(sample: Sequence[Sequence[str]], at: int) -> list[str]:
    told = (plain(row[at]) for row in sample[:_SAMPLE] if at < len(row))
    return [cell for cell in told if cell]


def _by_header(header: Sequence[str], below: Sequence[Sequence[str]], found: list[Guess]) -> None:
    meant = [(at, words.column(cell)) for at, cell in enumerate(header)]
    ranked = sorted((told[1], at, told[0]) for at, told in meant if told)
    for _rank, at, field in ranked:
        if field in _LOOKS and below[at] and _share(below[at], _LOOKS[field]) < _DOUBT:
            continue  # "Mail: yes" is no address
        taken = any(each.field == field for each in found)
        found[at] = Guess("", By.TAKEN) if taken else Guess(field, By.HEADER)


def _by_content(below: Sequence[Sequence[str]], found: list[Guess], country: str) -> None:
    for field, fits in _by_kind(country):
        shares = [
            _share(each, fits) if each and known.by is By.NOTHING else 0.0
            for each, known in zip(below, found, strict=True)
        ]
        taken = any(each.field == field or (field == "name" and each.field in _NAMES) for each in found)
        for at in sorted(range(len(shares)), key=lambda at: (-shares[at], at)):
            if shares[at] < _ENOUGH:
                break
            found[at] = Guess("", By.TAKEN) if taken else Guess(field, By.CONTENT)
            taken = True


_NAMES: Final = frozenset({"first_name", "last_name"})
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_NUMBER: Final = re.compile(r"(?:\+|00)[\d ()./-]{7,20}|\d{2}(?:[ -]?\d{2}){3}|0\d{1,3}[ -]\d[\d ]{4,9}")
_WORDS: Final = re.compile(r"[^\W\d_][^\d_@/;]*[ ][^\W\d_][^\d_@/;]*")
_LOOKS: Final[Mapping[str, Callable[[str], bool]]] = {
    "email": lambda cell: "@" in cell,
    "phone": lambda cell: sum(map(str.isdigit, cell)) >= 5,
}


def _by_kind(country: str) -> Iterator[tuple[str, Callable[[str], bool]]]:
    """The kinds that cells tell by themselves, the surest first."""
    yield "email", lambda cell: _EMAIL.fullmatch(cell) is not None
    yield "phone", lambda cell: _is_number(cell, country)
    yield "language", lambda cell: not cell.isupper() and bool(cells.language_of(cell, locales.LOCALES))
    yield "country", _is_country
    yield "name", lambda cell: _WORDS.fullmatch(cell) is not None


def _share(told: Sequence[str], fits: Callable[[str], bool]) -> float:
    return sum(map(fits, told)) / len(told)


def _is_number(cell: str, country: str) -> bool:
    """Whether a cell is written like a number: the digits alone may be anything."""
    if not _NUMBER.fullmatch(cell) or (cell.isdigit() and not cell.startswith("00")):
        return False
    try:
        return bool(cells.phone_of(cell, country))
    except Faulty:
        return False


def _is_country(cell: str) -> bool:
    try:
        return bool(cells.country_of(cell))
    except Faulty:
        return False


# --- choosing -----------------------------------------------------------------------------------


def guessed(header: Sequence[str], found: Sequence[Guess]) -> Columns:
    """The guess taken as it is. Raises: Invalid as `chosen` does."""
    return chosen(header, {at: each.field for at, each in enumerate(found)})


def chosen(header: Sequence[str], told: Mapping[int, str]) -> Columns:
    """What a person chose, by position from 0. Raises: Invalid where nobody could be told by it."""
    fields = [""] * len(header)
    for at, field in told.items():
        if not 0 <= at < len(header) or not (field in ("", *FIELDS) or _FREE_NAME.fullmatch(field)):
            raise Invalid(
                _("The choice of columns does not fit this file."), next_step=_("Choose the columns again.")
            )
        fields[at] = field
    _one_column_each(fields)
    used = set(fields)
    if {"name"} | _NAMES <= used or ("name" in used and used & _NAMES):
        raise Invalid(
            _("Both the whole name and its parts are chosen."), next_step=_("Keep the one or the other.")
        )
    if not used & {"name", *_NAMES} or not used & set(WAYS):
        raise Invalid(
            _("No column holds the name, or none holds e-mail, phone or address."),
            next_step=_("Choose one for the name, and one by which people are reached."),
        )
    return Columns(tuple(header), tuple(fields))


def _one_column_each(fields: Sequence[str]) -> None:
    used = [each for each in fields if each and each not in JOINED]
    for field in used:
        if used.count(field) > 1:
            raise Invalid(
                _("Two columns are called %(column)s.", column=LABELS.get(field, field.removeprefix(FREE))),
                next_step=_("Keep the one that counts."),
            )
    if sum(each.startswith(FREE) for each in used) > MOST_FREE:
        raise Invalid(
            _("More than %(most)d columns are fields of the letter.", most=MOST_FREE),
            next_step=_("Keep those that the letter uses."),
        )


def free_field(header: str) -> str:
    """The field of the letter that a column would be by its header: "Kunde nr." is field:kunde_nr."""
    plainly = words.plainly(header)
    for sign, written in (("æ", "ae"), ("ø", "oe"), ("å", "aa"), ("ä", "ae"), ("ö", "oe")):
        plainly = plainly.replace(sign, written)
    name = re.sub(r"[^a-z0-9]+", "_", plainly).strip("_")[:36].strip("_")
    return f"{FREE}{name}" if name[:1].isalpha() else f"{FREE}f_{name}".rstrip("_")
