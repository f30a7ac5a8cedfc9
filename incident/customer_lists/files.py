"""A file of customers: read with every fault of every row, written, carried from preview to register."""

import csv
import io
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from flask_babel import gettext as _

from foundation.encryption import KeyMissing, keyring
from foundation.errors import Invalid
from incident import spreadsheets
from incident.customer_lists.cells import (
    COLUMNS,
    LABELS,
    OTHER_NAMES,
    Contact,
    Details,
    Known,
    cells_of,
    details_of,
    key_of,
)
from incident.customer_lists.contact_cells import Noted

MOST_BYTES: Final = 1024 * 1024
MOST_ROWS: Final = 5000


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file says: customers and faults, each fault with its line."""

    customers: tuple[Details, ...] = ()
    faults: tuple[Noted, ...] = ()
    columns: tuple[str, ...] = ()
    rows: int = 0
    file_sha256: str = ""
    lines: tuple[int, ...] = ()


def read(data: bytes, known: Known, *, progress: Callable[[int], object] = lambda _rows: None) -> Reading:
    """Read a CSV file with a header row; encoding and separator are found out.

    Every fault of every row is told. `progress` is called with how many rows were read. Raises: Invalid
    when the file as a whole is no list of customers.
    """
    if len(data) > MOST_BYTES:
        raise Invalid(_("The file is larger than 1 MiB."), next_step=_("Split it into several lists."))
    header, *rows = spreadsheets.rows_of(data)
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
        writer.writerow([spreadsheets.harmless(cells.get(column, "")) for column in COLUMNS])
    return "\ufeff" + out.getvalue()


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
