"""A row of a list as a person, or as its faults: each row becomes one or the other, none is dropped.

Nothing is stored, and nothing decided about whom to tell. What cannot be read for certain is a fault and
keeps the whole row out until a person mends it: half a row may be somebody else's.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from foundation import locales
from incident.recipient_lists import cells, words
from incident.recipient_lists.columns import FREE, Columns
from incident.recipient_lists.faults import Code, Fault, Faulty, masked

POSTAL: Final = frozenset({"line1", "line2", "postcode", "city"})
_REST: Final = frozenset({"group", "own_id", "protected_address", "national_id_with_financial"})
_PLAIN: Final = ("name", "email", "phone", "language")
_SIGNS: Final = frozenset("'=#")  # a spreadsheet puts them before what it takes for something else
_NO_REST: Final = ("", "", None, None)
_NONE: Final[Mapping[str, str]] = MappingProxyType({})
_LONGEST_NAME: Final = words.longest("name")
_LONGEST_LINE: Final = words.longest("line")
_LONGEST_POSTCODE: Final = words.longest("postcode")
_SHORT: Final = words.longest("short")
_LONGEST_FREE: Final = words.longest("free")
_POSTCODES: Final[Mapping[str, int]] = words.data()["postcodes"]
_TOWN: Final = re.compile(r"((?:[A-Z]{1,2}-)?\d{3}(?:\d{1,2}| \d{2})) +([^\W\d].*)")
# Blanks of an address line that part no numbers: "12 A" is "12A", but "1, 12" is not "11, 2".
_NEEDLESS: Final = re.compile(r" (?!\d)|(?<=[^\W\d]{2}) ")


class Address(NamedTuple):
    """Where a letter goes; `country` is ISO 3166-1 alpha-2. Line breaks stand in no part."""

    line1: str = ""
    line2: str = ""
    postcode: str = ""
    city: str = ""
    country: str = ""

    @property
    def whole(self) -> bool:
        """Whether a letter can go there."""
        return bool(self.line1 and self.city)


class Keys(NamedTuple):
    """By what two rows are one person, in one list or in several; empty where a row does not say.

    The same `email` is the same person. The same `phone` is so only where one of the two has no e-mail
    address, and `own_id` only between lists that number people alike; `post` (one name at one postal
    address) only where neither says anything else: better two letters to one household than none to one.
    """

    email: str = ""
    phone: str = ""
    own_id: str = ""
    post: str = ""

    @property
    def chief(self) -> str:
        """The first of them that there is, with its kind before it."""
        return next((f"{kind}:{each}" for kind, each in zip(self._fields, self, strict=True) if each), "")


class Person(NamedTuple):
    """One person as the list has them; made a million times, hence a tuple.

    `line` is that of the file, `phone` E.164, `language` one of those asked for, `country` where they
    live (empty where the list does not say). The two flags are None where the list says nothing: that
    is never a no. `fields` are those of the letter. `noted` is what is good to know.
    """

    line: int
    name: str
    email: str = ""
    phone: str = ""
    address: Address | None = None
    language: str = ""
    country: str = ""
    group: str = ""
    own_id: str = ""
    protected_address: bool | None = None
    national_id_with_financial: bool | None = None
    fields: Mapping[str, str] = _NONE
    noted: tuple[Fault, ...] = ()

    @property
    def keys(self) -> Keys:
        """What tells this person from others: case, blanks and ways of writing a number do not."""
        alone = not (self.email or self.phone)  # nothing else says who it is; the rest costs too much
        post = self._post() if alone else ""
        return Keys(self.email.casefold(), self.phone, "".join(self.own_id.split()).casefold(), post)

    def _post(self) -> str:
        if self.address is None:
            return ""
        name, line1, line2, postcode, *rest = map(words.plainly, (self.name, *self.address))
        lines = (_NEEDLESS.sub("", each) for each in (line1, line2))
        return "|".join((*lines, *(each.replace(" ", "") for each in (name, postcode, *rest))))


@dataclass(frozen=True, slots=True)
class Known:
    """What rows are read against: where numbers without a country code are, and the languages of the letter.

    `country` is ISO 3166-1 alpha-2; `language` is for people whose own is not told or none of `languages`.
    """

    country: str
    language: str
    languages: tuple[str, ...] = locales.LOCALES


class Reader:
    """Reads the rows of one list, one by one; nothing of a row is kept."""

    def __init__(self, columns: Columns, known: Known) -> None:
        self._width, self._known = len(columns.fields), known
        used = dict.fromkeys(each for each in columns.fields if each)
        self._steps = [(each, columns.at(each)[0], columns.at(each)[1:]) for each in used]
        self._free = [each for each in used if each.startswith(FREE)]
        self._postal = not used.keys().isdisjoint(POSTAL)
        self._rest = not used.keys().isdisjoint(_REST)
        self._at: tuple[int, ...] | None = None  # where the fields of a plain list stand; -1 for nowhere
        if used.keys() <= set(_PLAIN) and not any(more for _each, _at, more in self._steps):
            self._at = tuple(columns.at(each)[0] if each in used else -1 for each in _PLAIN)

    def read(self, line: int, row: Sequence[str]) -> Person | tuple[Fault, ...]:
        """The person of a row, or every fault in it; `line` is where it begins in the file.

        A field whose cells are empty says nothing. Cells beyond the header may only be empty.
        """
        width = self._width
        if self._at and len(row) == width and (found := self._at_once(line, row)):
            return found
        if len(row) != width and (len(row) < width or any(map(str.strip, row[width:]))):
            return (Fault(line, "", Code.WIDTH if any(map(str.strip, row)) else Code.EMPTY),)
        taking = _Row(line, self._known)
        told = taking.told
        for name, at, more in self._steps:
            cell = row[at].strip()
            if more:
                cell = " ".join(each for each in (cell, *(row[one].strip() for one in more)) if each)
            if cell:
                told[name] = cell
                if cell[0] in "'=#" or cells.LOST in cell:
                    told[name] = taking.take(name, cells.checked)
        if not told:
            return (Fault(line, "", Code.EMPTY),)
        return self._person(taking)

    def _at_once(self, line: int, row: Sequence[str]) -> Person | None:
        """The person of a row without anything to remark; None where one has to look closer.

        Most rows of most lists hold a name, an address, a number and a language, and nothing is wrong with
        them. What this says of a row is what the long way says (held to that by a test).
        """
        name, email, phone, language = (row[at].strip() if at >= 0 else "" for at in self._at or ())
        known = self._known
        if not (name and (email or phone)) or (language and not language.isalpha()) or email[:1] in _SIGNS:
            return None
        try:
            name = cells.name_of(name)
            email = cells.email_of(email) if email else ""
            phone = cells.phone_of(phone, known.country) if phone else ""
        except Faulty:
            return None
        told = cells.language_of(language, known.languages) if language else known.language
        if not told or cells.LOST in name or cells.two_names(name) or name[0] == "'":
            return None
        return Person(line, name, email, phone, None, told)

    def _person(self, taking: "_Row") -> Person | tuple[Fault, ...]:
        told = taking.told
        country = taking.take("country", cells.country_of) if "country" in told else ""
        name, email = taking.name(), taking.take("email", cells.email_of)
        phone = taking.phone(country or self._known.country) if "phone" in told else ""
        address = taking.address(country or self._known.country) if self._postal else None
        group, own_id, protected, financial = taking.rest() if self._rest else _NO_REST
        fields = taking.free(self._free) if self._free else _NONE
        language = taking.language() if "language" in told else self._known.language
        if not (email or phone or taking.faults or (address and address.whole)):
            taking.faults.append(Fault(taking.line, "", Code.NOWHERE))
        if taking.faults:
            return tuple(taking.faults)
        return Person(
            taking.line, name, email, phone, address, language, country, group, own_id,
            protected, financial, fields, tuple(taking.noted),
        )  # fmt: skip


class _Row:
    """One row while it is read: its cells by our fields, and what is wrong with them."""

    __slots__ = ("faults", "known", "line", "noted", "told")

    def __init__(self, line: int, known: Known) -> None:
        self.line, self.known = line, known
        self.told: dict[str, str] = {}
        self.faults: list[Fault] = []
        self.noted: list[Fault] = []

    def take(self, name: str, read: Callable[[str], Any]) -> Any:
        """What a cell says; nothing, with its fault, where it cannot be used."""
        cell = self.told.get(name)
        if not cell:
            return ""
        try:
            return read(cell)
        except Faulty as fault:
            self.faults.append(Fault(self.line, name, fault.code, masked(cell)))
            return ""

    def note(self, name: str, code: Code) -> None:
        self.noted.append(Fault(self.line, name, code, masked(self.told.get(name, ""))))

    def name(self) -> str:
        told = self.told
        if "name" in told:
            name = str(self.take("name", cells.name_of))
        elif "first_name" in told or "last_name" in told:
            parts = [self.take(each, cells.name_of) for each in ("first_name", "last_name")]
            name = " ".join(each for each in parts if each)
            if len(name) > _LONGEST_NAME:
                self.faults.append(Fault(self.line, "last_name", Code.TOO_LONG, masked(name)))
        else:
            self.faults.append(Fault(self.line, "name", Code.NAME_MISSING))
            return ""
        if cells.two_names(name):
            self.note("name" if "name" in told else "first_name", Code.TWO_NAMES)
        return name

    def phone(self, country: str) -> str:
        return str(self.take("phone", lambda cell: cells.phone_of(cell, country)))

    def language(self) -> str:
        cell = self.told["language"]
        found = cells.language_of(cell, self.known.languages) if cell else ""
        if cell and not found:
            self.note("language", Code.LANGUAGE)
        return found or self.known.language

    def address(self, country: str) -> Address | None:
        lines = [*self.take("line1", cells.address_lines_of), *self.take("line2", cells.address_lines_of)]
        postcode, city = self.take("postcode", _postcode), self.take("city", _line)
        if lines and not (postcode or city):
            lines, postcode, city = _apart(lines)
        if not (lines or postcode or city):
            return None
        digits = _POSTCODES.get(country, 0)
        if digits - 2 <= len(postcode) < digits and postcode.isdecimal() and postcode.isascii():
            postcode = postcode.zfill(digits)
            self.note("postcode", Code.POSTCODE_FILLED)
        found = Address(lines[0] if lines else "", ", ".join(lines[1:]), postcode, city, country)
        if not found.whole:
            self.note("line1", Code.ADDRESS_PART)
        return found

    def rest(self) -> tuple[str, str, bool | None, bool | None]:
        group, own_id = self.take("group", _short), self.take("own_id", _short)
        return group, own_id, self._flag("protected_address"), self._flag("national_id_with_financial")

    def _flag(self, name: str) -> bool | None:
        said = self.take(name, cells.flag_of)
        return said if said != "" else None

    def free(self, names: Sequence[str]) -> dict[str, str]:
        told = {each.removeprefix(FREE): self.take(each, _free) for each in names}
        return {name: text for name, text in told.items() if text}


def _postcode(cell: str) -> str:
    return cells.text_of(cell, _LONGEST_POSTCODE)


def _line(cell: str) -> str:
    return cells.text_of(cell, _LONGEST_LINE)


def _short(cell: str) -> str:
    return cells.text_of(cell, _SHORT)


def _free(cell: str) -> str:
    return ", ".join(cells.lines_of(cell, _LONGEST_FREE))


def _apart(lines: list[str]) -> tuple[list[str], str, str]:
    """Postcode and town taken off the end of an address that stands in one cell: "Vej 1, 2100 København"."""
    *before, last = lines
    street, comma, town = last.rpartition(",")
    told = _TOWN.fullmatch((town if comma else last).strip())
    if not told or not (before or comma):
        return lines, "", ""
    return [each for each in (*before, street.strip()) if each], told[1], told[2]
