"""One customer by columns: the cells of a form or a row in, details and every fault out."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any, Final, get_args
from uuid import UUID

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from foundation import locales
from incident.customer_lists import contact_cells
from incident.customer_lists.contact_cells import LANGUAGES, Faulty
from incident.rules.vocabulary import DataCategory, SubjectGroup
from incident.spreadsheets import plain

CONTACTS: Final = 3
MOST_HOURS: Final = 8760.0
BETWEEN: Final = "|"  # several values in one cell
CATEGORIES: Final = tuple(get_args(DataCategory))
GROUPS: Final = tuple(get_args(SubjectGroup))
_CONTACT: Final = ("name", "email", "phone", "verified")
COLUMNS: Final = (
    "name", "reference", "agreement", "agreed_on", "notice_hours", "language", "country", "systems",
    "processors", "categories", "groups", "people", "ended",
    *(f"contact{number}_{part}" for number in range(1, CONTACTS + 1) for part in _CONTACT),
)  # fmt: skip
LABELS: Final[Mapping[str, Any]] = {
    "name": _l("Legal name"), "reference": _l("Its own reference"), "agreement": _l("Agreement"),
    "agreed_on": _l("Agreed on"), "notice_hours": _l("Hours to tell it"), "language": _l("Language"),
    "country": _l("Country"), "systems": _l("Systems and services it uses"),
    "processors": _l("Processors its data run through"), "categories": _l("Kinds of data"),
    "groups": _l("Groups of people"), "people": _l("Number of people"), "ended": _l("Ended on"),
    **{
        f"contact{n}_{part}": label
        for n in range(1, CONTACTS + 1)
        for part, label in zip(
            _CONTACT,
            (_l("Contact: name"), _l("Contact: e-mail"), _l("Contact: phone"), _l("Contact: verified on")),
            strict=True,
        )
    },
}  # fmt: skip
OTHER_NAMES: Final = {
    "customer": "name", "legal_name": "name", "kunde": "name", "navn": "name", "kund": "name", "namn": "name",
    "hours": "notice_hours", "timer": "notice_hours", "timmar": "notice_hours", "sprog": "language",
    "språk": "language", "land": "country", "systemer": "systems", "system": "systems",
    "contact_name": "contact1_name", "contact_email": "contact1_email", "contact_phone": "contact1_phone",
    "contact_verified": "contact1_verified", "number_of_people": "people", "ended_on": "ended",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to tell at a customer; `phone` is E.164."""

    name: str
    email: str = ""
    phone: str = ""
    verified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Details:
    """Everything the register holds of one customer; instants are UTC."""

    name: str
    locale: str
    country: str
    reference: str = ""
    agreement: str = ""
    agreed_on: date | None = None
    notice_hours: float | None = None
    systems: tuple[str, ...] = ()
    processors: tuple[UUID, ...] = ()
    categories: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    people: int | None = None
    ended_at: datetime | None = None
    contacts: tuple[Contact, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What cells are read against: the country numbers are in, the usual language, our processors."""

    country: str
    locale: str
    processors: Mapping[str, UUID]  # name -> id
    now: datetime

    def processor(self, name: str) -> UUID | None:
        """The processor of that name, whatever its case."""
        return {key.casefold(): each for key, each in self.processors.items()}.get(name.casefold())


def key_of(name: str) -> str:
    """What tells one customer's name from another's: case and spaces do not."""
    return " ".join(name.split()).casefold()


# --- one customer -------------------------------------------------------------------------------


def details_of(cells: Mapping[str, str], known: Known) -> tuple[Details | None, dict[str, str]]:
    """The details that cells (by column) tell; None with the faults, by column, when there are any."""
    reader = _Cells(cells, known)
    found = Details(
        name=reader.take("name", contact_cells.name_of), reference=reader.take("reference", _text(100)),
        agreement=reader.take("agreement", _text(100)), agreed_on=reader.take("agreed_on", _day),
        notice_hours=reader.take("notice_hours", _hours), locale=reader.take("language", reader.language),
        country=reader.take("country", reader.country), systems=reader.take("systems", _several),
        processors=reader.take("processors", reader.through),
        categories=reader.take("categories", _words(CATEGORIES)),
        groups=reader.take("groups", _words(GROUPS)), people=reader.take("people", _whole),
        ended_at=reader.take("ended", _moment), contacts=tuple(reader.contacts()),
    )  # fmt: skip
    return (None if reader.faults else found), reader.faults


class _Cells:
    """Takes cells one by one and keeps every fault by its column."""

    def __init__(self, cells: Mapping[str, str], known: Known) -> None:
        self.cells, self.known = cells, known
        self.faults: dict[str, str] = {}

    def take(self, column: str, read: Callable[[str], Any]) -> Any:
        try:
            return read(plain(self.cells.get(column) or ""))
        except Faulty as fault:
            self.faults[column] = str(fault)
            return None

    def language(self, cell: str) -> str:
        word = cell.casefold()
        if not word:
            return self.known.locale
        found = LANGUAGES.get(word) or (word if word in locales.LOCALES else None)
        if found is None:
            raise Faulty(_("we write in da, nb, sv and en"))
        return found

    def country(self, cell: str) -> str:
        if not cell:
            return self.known.country
        if not (len(cell) == 2 and cell.isascii() and cell.isalpha()):
            raise Faulty(_("two letters are expected, as DK; the United Kingdom is GB"))
        return cell.upper()

    def through(self, cell: str) -> tuple[UUID, ...]:
        names = _several(cell)
        found = {name: self.known.processor(name) for name in names}
        if missing := [name for name, each in found.items() if each is None]:
            raise Faulty(_("not among our processors: %(names)s", names=", ".join(missing)))
        return tuple(dict.fromkeys(each for each in found.values() if each))

    def contacts(self) -> Iterator[Contact]:
        told = plain(self.cells.get("country") or "").upper()
        country = told if len(told) == 2 else self.known.country
        for number in range(1, CONTACTS + 1):
            place = f"contact{number}_"
            parts = {part: plain(self.cells.get(place + part) or "") for part in _CONTACT}
            if not any(parts.values()):
                continue
            email = self.take(f"{place}email", contact_cells.email_of)
            phone = self.take(f"{place}phone", lambda cell: contact_cells.phone_of(cell, country))
            name = self.take(f"{place}name", contact_cells.name_of)
            verified = self.take(f"{place}verified", _moment)
            if not (parts["email"] or parts["phone"]):
                self.faults[f"{place}email"] = _("there is neither an e-mail address nor a number")
            if verified and verified > self.known.now:
                self.faults[f"{place}verified"] = _("this day is still to come")
            yield Contact(name, email or "", phone or "", verified)


def _text(longest: int) -> Callable[[str], str]:
    def read(cell: str) -> str:
        if len(cell) > longest:
            raise Faulty(_("longer than %(most)d characters", most=longest))
        if not cell.isprintable():
            raise Faulty(_("holds a line break or a control character"))
        return cell

    return read


def _several(cell: str) -> tuple[str, ...]:
    parts = cell.replace("\r", "").replace("\n", BETWEEN).split(BETWEEN)
    found = tuple(dict.fromkeys(" ".join(each.split()) for each in parts if each.strip()))
    if len(found) > 50 or any(len(each) > 200 or not each.isprintable() for each in found):
        raise Faulty(_("at most 50 values of 200 characters, with | between them"))
    return found


def _words(allowed: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    def read(cell: str) -> tuple[str, ...]:
        told = [each.casefold().replace(" ", "_").replace("-", "_") for each in _several(cell)]
        if unknown := [each for each in told if each not in allowed]:
            raise Faulty(_("no word of ours: %(words)s", words=", ".join(unknown)[:200]))
        return tuple(told)

    return read


def _day(cell: str) -> date | None:
    if not cell:
        return None
    try:
        return date.fromisoformat(cell)
    except ValueError:
        raise Faulty(_("a day is written as 2026-10-06")) from None


def _moment(cell: str) -> datetime | None:
    found = _day(cell)
    return datetime.combine(found, time(), UTC) if found else None


def _hours(cell: str) -> float | None:
    if not cell:
        return None
    try:
        hours = float(cell.replace(",", "."))
    except ValueError:
        hours = 0.0
    if not 0 < hours <= MOST_HOURS:
        raise Faulty(_("hours are a number above 0, as 24"))
    return hours


def _whole(cell: str) -> int | None:
    digits = "".join(cell.split()).replace(".", "")
    if not digits:
        return None
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 9):
        raise Faulty(_("a whole number is expected"))
    return int(digits)


MEMBERS: Final = {"language": "locale", "ended": "ended_at"}  # columns that a member is not called after


def over(before: Details, told: Details, columns: Collection[str]) -> Details:
    """What a customer is once a file told more: a column that the file does not have changes nothing."""
    members = {MEMBERS.get(each, each) for each in columns if not each.startswith("contact")}
    changes = {name: getattr(told, name) for name in Details.__slots__ if name in members}
    return replace(before, **changes, contacts=_contacts_over(before.contacts, told.contacts, columns))


def _contacts_over(
    before: Sequence[Contact], told: Sequence[Contact], columns: Collection[str]
) -> tuple[Contact, ...]:
    places = [n for n in range(1, CONTACTS + 1) if any(each.startswith(f"contact{n}_") for each in columns)]
    found: dict[int, Contact] = dict(enumerate(before, start=1))
    for position, number in enumerate(places):
        known = found.pop(number, None)
        if position < len(told):
            fresh = told[position]
            same = known is not None and key_of(known.name) == key_of(fresh.name)
            found[number] = _contact_over(known, fresh, number, columns) if known and same else fresh
    return tuple(found[number] for number in sorted(found))


def _contact_over(known: Contact, fresh: Contact, number: int, columns: Collection[str]) -> Contact:
    """The same person, told of again; what was verified stays so while it is what was verified."""
    told = {part for part in _CONTACT if f"contact{number}_{part}" in columns}
    email = fresh.email if "email" in told else known.email
    phone = fresh.phone if "phone" in told else known.phone
    stays = (email, phone) == (known.email, known.phone)
    verified = fresh.verified_at if "verified" in told else known.verified_at if stays else None
    return Contact(fresh.name, email, phone, verified)


def cells_of(each: Details, names: Mapping[UUID, str]) -> dict[str, str]:
    """The cells that `details_of` reads these details from: a row of the export, a form filled in."""
    cells = {
        "name": each.name, "reference": each.reference, "agreement": each.agreement,
        "agreed_on": each.agreed_on.isoformat() if each.agreed_on else "",
        "notice_hours": "" if each.notice_hours is None else f"{each.notice_hours:g}",
        "language": each.locale, "country": each.country, "systems": BETWEEN.join(each.systems),
        "processors": BETWEEN.join(names[one] for one in each.processors),
        "categories": BETWEEN.join(each.categories), "groups": BETWEEN.join(each.groups),
        "people": "" if each.people is None else str(each.people), "ended": _dated(each.ended_at),
    }  # fmt: skip
    for number, contact in enumerate(each.contacts[:CONTACTS], start=1):
        told = (contact.name, contact.email, contact.phone, _dated(contact.verified_at))
        cells |= dict(zip((f"contact{number}_{part}" for part in _CONTACT), told, strict=True))
    return cells


def _dated(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d}" if at else ""
