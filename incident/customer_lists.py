"""Reads customers: cells of a form or rows of a CSV file in, details and every fault out; nothing is stored.

One row is one customer. A row with a fault keeps the whole file out, so that nothing is half imported;
all faults of all rows are told at once. The export has the same columns, so that it can be read back.
"""

import csv
import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time
from hashlib import sha256
from typing import Any, Final, get_args
from uuid import UUID

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from foundation import locales
from foundation.encryption import KeyMissing, keyring
from foundation.errors import Invalid
from incident import recipients
from incident.recipients import LANGUAGES, Faulty, Noted, plain
from incident.rules.vocabulary import DataCategory, SubjectGroup

MOST_BYTES: Final = 1024 * 1024
MOST_ROWS: Final = 5000
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


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file says: customers and faults, each fault with its line."""

    customers: tuple[Details, ...] = ()
    faults: tuple[Noted, ...] = ()
    columns: tuple[str, ...] = ()
    rows: int = 0
    file_sha256: str = ""
    lines: tuple[int, ...] = ()


def key_of(name: str) -> str:
    """What tells one customer's name from another's: case and spaces do not."""
    return " ".join(name.split()).casefold()


# --- one customer -------------------------------------------------------------------------------


def details_of(cells: Mapping[str, str], known: Known) -> tuple[Details | None, dict[str, str]]:
    """The details that cells (by column) tell; None with the faults, by column, when there are any."""
    reader = _Cells(cells, known)
    found = Details(
        name=reader.take("name", recipients.name_of), reference=reader.take("reference", _text(100)),
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
            told = {part: plain(self.cells.get(place + part) or "") for part in _CONTACT}
            if not any(told.values()):
                continue
            email = self.take(f"{place}email", recipients.email_of)
            phone = self.take(f"{place}phone", lambda cell: recipients.phone_of(cell, country))
            name = self.take(f"{place}name", recipients.name_of)
            verified = self.take(f"{place}verified", _moment)
            if not (told["email"] or told["phone"]):
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


# --- a file -------------------------------------------------------------------------------------


def read(data: bytes, known: Known, *, progress: Callable[[int], object] = lambda _rows: None) -> Reading:
    """Read a CSV file with a header row; encoding and separator are found out.

    Every fault of every row is told. `progress` is called with how many rows were read. Raises: Invalid
    when the file as a whole is no list of customers.
    """
    if len(data) > MOST_BYTES:
        raise Invalid(_("The file is larger than 1 MiB."), next_step=_("Split it into several lists."))
    header, *rows = recipients.rows_of(recipients.text_of(data))
    columns = _columns(header[1])
    if not rows:
        raise Invalid(_("There is no customer on this list."), next_step=_("Below the header, one a row."))
    if len(rows) > MOST_ROWS:
        raise Invalid(
            _("There are more than %(most)d rows.", most=MOST_ROWS),
            next_step=_("Split the file into several."),
        )
    found, faults, lines = [], [], []
    names: dict[str, int] = {}
    for number, (line, cells) in enumerate(rows, start=1):
        details, wrong = _row(cells, columns, len(header[1]), known)
        faults += [Noted(line, what) for what in wrong]
        if details:
            first = names.setdefault(key_of(details.name), line)
            if first != line:
                faults.append(Noted(line, _("has the name of line %(line)d", line=first)))
            found.append(details)
            lines.append(line)
        progress(number)
    hashed = sha256(data).hexdigest()
    return Reading(tuple(found), tuple(faults), tuple(columns), len(rows), hashed, tuple(lines))


def _row(
    cells: Sequence[str], columns: Mapping[str, int], width: int, known: Known
) -> tuple[Details | None, list[str]]:
    if len(cells) != width:
        return None, [_("the row has more or fewer columns than the header")]
    details, wrong = details_of({ours: cells[at] for ours, at in columns.items()}, known)
    return details, [f"{LABELS[column]}: {what}" for column, what in wrong.items()]


def _columns(header: Sequence[str]) -> dict[str, int]:
    """Where our columns are; a column we do not know is refused, for what it says would be lost."""
    found: dict[str, int] = {}
    unknown = []
    for position, cell in enumerate(header):
        called = "_".join(cell.replace("-", " ").replace("_", " ").split()).casefold().rstrip(".:")
        ours = called if called in COLUMNS else OTHER_NAMES.get(called)
        if ours is None:
            unknown.append(cell.strip() or _("(empty)"))
        elif ours in found:
            raise Invalid(
                _("Two columns are called %(column)s.", column=LABELS[ours]),
                next_step=_("Keep the one that counts."),
            )
        else:
            found[ours] = position
    if unknown or "name" not in found:
        what = _("These columns are not known: %(names)s.", names=", ".join(unknown)[:300])
        raise Invalid(
            what if unknown else _("No column is called name."),
            next_step=_("The template file has all columns; leave out those you do not need."),
        )
    return found


def written(customers: Sequence[Details], names: Mapping[UUID, str]) -> str:
    """A CSV file of customers, semicolon separated, that `read` reads back; `names` are of processors."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";")
    writer.writerow(COLUMNS)
    for each in customers:
        cells = cells_of(each, names)
        writer.writerow([_safe(cells.get(column, "")) for column in COLUMNS])
    return "\ufeff" + out.getvalue()


def _safe(cell: str) -> str:
    return f"'{cell}" if cell[:1] in (*recipients.FORMULA, "\t", "\r") else cell


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


# --- from preview to register -------------------------------------------------------------------


def seal(reading: Reading, bound_to: str) -> str:
    """The reading as a text that only this installation can open, to be sent along by the preview page."""
    plain_text = json.dumps({"for": bound_to, "reading": asdict(reading)}, ensure_ascii=False, default=str)
    return keyring.encrypt(zlib.compress(plain_text.encode())).decode()


def unseal(text: str, bound_to: str) -> Reading:
    """The reading that a preview page sent back. Raises: Invalid when it is not whole, or another's."""
    try:
        told = json.loads(zlib.decompress(keyring.decrypt(text.encode())))
    except (KeyMissing, ValueError, zlib.error):
        told = {}
    if told.get("for") != bound_to:
        raise Invalid(_("The preview is out of date."), next_step=_("Send the file again."))
    found = told["reading"]
    faults = tuple(Noted(int(each["line"]), each["what"]) for each in found["faults"])
    return Reading(
        tuple(_unsealed(each) for each in found["customers"]), faults, tuple(found["columns"]),
        found["rows"], found["file_sha256"], tuple(found["lines"]),
    )  # fmt: skip


def _unsealed(told: dict[str, Any]) -> Details:
    contacts = tuple(
        Contact(each["name"], each["email"], each["phone"], _at(each["verified_at"]))
        for each in told.pop("contacts")
    )
    several = {name: tuple(told.pop(name)) for name in ("systems", "categories", "groups")}
    return Details(
        **{
            **told, **several, "contacts": contacts, "ended_at": _at(told["ended_at"]),
            "processors": tuple(UUID(each) for each in told["processors"]),
            "agreed_on": date.fromisoformat(told["agreed_on"]) if told["agreed_on"] else None,
        }
    )  # fmt: skip


def _at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
