"""Reads a list of people to be told: a CSV file in, people and every fault with its line out.

Nothing is dropped in silence. A row with a fault is named and is nobody until it is mended or a person
leaves it out with a reason; rows that are the same person are folded into one and shown. This module
decides nothing about whom to tell, and stores nothing.
"""

import json
import unicodedata
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256

from email_validator import EmailNotValidError, validate_email
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, is_possible_number, parse

from foundation import locales
from foundation.encryption import KeyMissing, keyring
from foundation.errors import Invalid
from incident import spreadsheets
from incident.spreadsheets import plain

MOST_BYTES = 1024 * 1024
MOST_PEOPLE = 1000  # written to the outbox in one transaction
LONGEST_NAME = 200
HEADERS = {
    "name": {"name", "full name", "navn", "fulde navn", "namn", "fullständigt namn", "fullt navn"},
    "email": {"email", "e-mail", "mail", "e-mail address", "email address", "e-mailadresse", "e-post",
              "epost", "e-postadresse", "e-postadress", "mailadresse", "mejl"},
    "phone": {"phone", "mobile", "telephone", "mobile phone", "phone number", "telefon", "tlf", "mobil",
              "mobilnummer", "telefonnummer", "mobiltelefon", "mobilnr"},
    "locale": {"language", "locale", "lang", "sprog", "språk"},
}  # fmt: skip
LANGUAGES = {
    "danish": "da", "dansk": "da", "danska": "da",
    "norwegian": "nb", "norsk": "nb", "bokmål": "nb", "norska": "nb",
    "swedish": "sv", "svensk": "sv", "svenska": "sv",
    "english": "en", "engelsk": "en", "engelska": "en",
}  # fmt: skip
COLUMNS = {"name": _l("name"), "email": _l("e-mail"), "phone": _l("phone"), "locale": _l("language")}


@dataclass(frozen=True, slots=True)
class Person:
    """One person as the list has them; `phone` is E.164, `line` the line of the file they stand on."""

    line: int
    name: str
    email: str
    phone: str
    locale: str

    @property
    def key(self) -> str:
        """What tells this person from others: the e-mail address, or the number where there is none."""
        return self.email.casefold() or self.phone


@dataclass(frozen=True, slots=True)
class Noted:
    """Something to know of a line: a fault that keeps it out, or what was made of it."""

    line: int
    what: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file says: people, faults, rows folded into another, and languages that were assumed."""

    people: tuple[Person, ...]
    faults: tuple[Noted, ...]
    folded: tuple[Noted, ...]
    assumed: tuple[Noted, ...]
    columns: dict[str, str] = field(default_factory=dict)  # ours -> as the file calls it
    file_sha256: str = ""

    @property
    def faulty_lines(self) -> tuple[int, ...]:
        """The lines that would be left out, each once."""
        return tuple(dict.fromkeys(each.line for each in self.faults))


def read(data: bytes, *, country: str, locale: str) -> Reading:
    """Read a list with a header row, as spreadsheets save it.

    `country` (ISO 3166-1 alpha-2) is where numbers without a country code are; `locale` is for people
    whose language is not told or is none of ours. Raises: Invalid when the file as a whole is no list.
    """
    if len(data) > MOST_BYTES:
        raise Invalid(_("The file is larger than 1 MiB."), next_step=_("Split it into several lists."))
    header, *rows = spreadsheets.rows_of(data)
    reader = _Rows(header[1], country, locale)
    for line, cells in rows:
        reader.take(line, cells)
    people, folded = _fold(reader.people)
    if not people and not reader.faults:
        raise Invalid(_("There is nobody on this list."), next_step=_("Below the header, one person a row."))
    if len(people) > MOST_PEOPLE:
        raise Invalid(
            _("There are more than %(most)d people on this list.", most=MOST_PEOPLE),
            next_step=_("Split it: this release tells at most so many in one communication."),
        )
    named = {ours: header[1][position].strip() for ours, position in reader.columns.items()}
    return Reading(
        people, tuple(reader.faults), folded, tuple(reader.assumed), named, sha256(data).hexdigest()
    )


# --- the file -----------------------------------------------------------------------------------


def _columns(header: Sequence[str]) -> dict[str, int]:
    """Where our columns are, by what the header calls them."""
    found: dict[str, int] = {}
    for position, cell in enumerate(header):
        called = " ".join(cell.replace("_", " ").split()).casefold().rstrip(".:")
        for ours, names in HEADERS.items():
            if called in names:
                if ours in found:
                    raise Invalid(
                        _("Two columns are called %(column)s.", column=COLUMNS[ours]),
                        next_step=_("Keep the one that counts."),
                    )
                found[ours] = position
    if "name" not in found or not {"email", "phone"} & found.keys():
        raise Invalid(
            _("The header row names no column for the name, or none for e-mail or phone."),
            next_step=_("Call the columns: name, e-mail, phone, language (or navn, e-mail, telefon, sprog)."),
        )
    return found


# --- the rows -----------------------------------------------------------------------------------


class Faulty(ValueError):
    """Why a row is nobody yet."""


class _Rows:
    """Takes rows one by one and keeps people and faults apart."""

    def __init__(self, header: Sequence[str], country: str, locale: str) -> None:
        self.columns, self.width = _columns(header), len(header)
        self.country, self.locale = country, locale
        self.people: list[Person] = []
        self.faults: list[Noted] = []
        self.assumed: list[Noted] = []

    def take(self, line: int, cells: Sequence[str]) -> None:
        """Read one row; a fault keeps the whole row out."""
        try:
            self.people.append(self._person(line, self._told(cells)))
        except Faulty as fault:
            self.faults.append(Noted(line, str(fault)))

    def _told(self, cells: Sequence[str]) -> dict[str, str]:
        if len(cells) != self.width:
            raise Faulty(_("the row has more or fewer columns than the header"))
        return {ours: cells[at] for ours, at in self.columns.items()}

    def _person(self, line: int, told: dict[str, str]) -> Person:
        name = name_of(told["name"])
        email, phone = email_of(told.get("email", "")), phone_of(told.get("phone", ""), self.country)
        if not (email or phone):
            raise Faulty(_("there is neither an e-mail address nor a number"))
        return Person(line, name, email, phone, self._language(line, told.get("locale", "")))

    def _language(self, line: int, told: str) -> str:
        word = plain(told).casefold()
        if not word:
            return self.locale
        if found := LANGUAGES.get(word) or locales.known(word):
            return found
        said = _("“%(word)s” is no language of ours: %(language)s is taken", word=word[:40],
                 language=locales.language(self.locale, locales.current()))  # fmt: skip
        self.assumed.append(Noted(line, said))
        return self.locale


def _fold(people: Sequence[Person]) -> tuple[tuple[Person, ...], tuple[Noted, ...]]:
    """Rows of one person made one: by the e-mail address, and by the number where a row has no address.

    Two addresses with one number stay two people: better two letters to one household than none to one.
    """
    found: dict[str, Person] = {}
    by_phone: dict[str, str] = {}
    folded: list[Noted] = []
    for person in sorted(people, key=lambda each: not each.email):
        key = person.key if person.email else by_phone.get(person.phone, person.key)
        first = found.get(key)
        if first is None:
            found[key] = person
        else:
            found[key] = replace(first, phone=first.phone or person.phone)
            folded.append(_folded(person, first))
        if found[key].phone:
            by_phone.setdefault(found[key].phone, key)
    return tuple(sorted(found.values(), key=_by_line)), tuple(sorted(folded, key=_by_line))


def _folded(person: Person, first: Person) -> Noted:
    if person.name.casefold() == first.name.casefold():
        return Noted(person.line, _("is the person of line %(line)d", line=first.line))
    return Noted(person.line, _("has the address of line %(line)d under another name", line=first.line))


def _by_line(each: Person | Noted) -> int:
    return each.line


def name_of(cell: str) -> str:
    """A name on one line, without links and formulas. Raises: Faulty."""
    name = plain(cell)
    if not name:
        raise Faulty(_("the name is missing"))
    if len(name) > LONGEST_NAME:
        raise Faulty(_("the name is longer than %(most)d characters", most=LONGEST_NAME))
    if any(unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for sign in name):
        raise Faulty(_("the name holds a line break or a control character"))
    if name[0] in spreadsheets.FORMULA:
        raise Faulty(_("the name begins like a formula"))
    if "://" in name or "www." in name.casefold():
        raise Faulty(_("the name holds a link"))
    return " ".join(name.split())


def email_of(cell: str) -> str:
    """An address as it is written to; empty for none. Raises: Faulty."""
    address = plain(cell)
    if not address:
        return ""
    try:
        found = validate_email(
            address, check_deliverability=False, test_environment=True, allow_smtputf8=False
        )
    except EmailNotValidError:
        raise Faulty(_("the e-mail address is none that can be written to")) from None
    return found.normalized


def phone_of(cell: str, country: str) -> str:
    """A number as E.164; empty for none. Raises: Faulty."""
    number = plain(cell)
    if not number:
        return ""
    if not set(number) <= set("0123456789+()-./  "):
        raise Faulty(_("the number is not one (a spreadsheet may have rewritten it)"))
    try:
        found = parse(number, country)
    except NumberParseException:
        found = None
    if found is None or not is_possible_number(found):
        raise Faulty(_("the number has too few or too many digits for its country"))
    return format_number(found, PhoneNumberFormat.E164)


# --- from preview to list -----------------------------------------------------------------------


def seal(reading: Reading, bound_to: str) -> str:
    """The reading as a text that only this installation can open, to be sent along by the preview page."""
    plain = json.dumps({"for": bound_to, "reading": asdict(reading)}, ensure_ascii=False).encode()
    return keyring.encrypt(zlib.compress(plain)).decode()


def unseal(text: str, bound_to: str) -> Reading:
    """The reading that a preview page sent back. Raises: Invalid when it is not of this communication."""
    try:
        told = json.loads(zlib.decompress(keyring.decrypt(text.encode())))
    except (KeyMissing, ValueError, zlib.error):
        told = {}
    if told.get("for") != bound_to:
        raise Invalid(_("The preview is out of date."), next_step=_("Send the list again."))
    found = told["reading"]
    return Reading(
        tuple(Person(**each) for each in found["people"]), _noted(found["faults"]), _noted(found["folded"]),
        _noted(found["assumed"]), found["columns"], found["file_sha256"],
    )  # fmt: skip


def _noted(rows: list[dict[str, str]]) -> tuple[Noted, ...]:
    return tuple(Noted(int(each["line"]), each["what"]) for each in rows)


def by_language(read: Iterable[str]) -> dict[str, int]:
    """How many people read which language, in our order of languages."""
    told = list(read)
    return {locale: told.count(locale) for locale in locales.LOCALES if locale in told}
