"""A CSV file as rows with their line numbers, and which column holds what, by what its header calls it.

UTF-8 with or without a mark, UTF-16, and Windows-1252 are read, separated by comma, semicolon or tab.
Nothing is known here of what the rows mean.
"""

import csv
import io
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from typing import Final

from flask_babel import gettext as _

from foundation.errors import Invalid
from incident.processor_register import contacts, fields

SEPARATORS: Final = ";,\t"
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
CONTACTS: Final = ("contact", "contact2")
COLUMNS: Final = (
    "name", "works_for", *(each for each in fields.FIELDS if each != "name"),
    *(f"{contact}_{part}" for contact in CONTACTS for part in contacts.PARTS),
)  # fmt: skip
MOST_ROWS: Final = 50_000


@dataclass(frozen=True, slots=True)
class Table:
    """A file as it was read: its header, its rows with the line each begins on, and its hash."""

    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    sha256: str


def read(data: bytes) -> Table:
    """Read a CSV file with a header row. Raises: Invalid when the file as a whole is none."""
    rows = _rows(_text(data))
    if not rows:
        raise Invalid(_("The file is empty."), next_step=_("Send a CSV file with a header row."))
    (_line, header), *more = rows
    if not more:
        raise Invalid(_("There is no row below the header."), next_step=_("One processor a row."))
    if len(more) > MOST_ROWS:
        raise Invalid(_("There are more than %(most)d rows.", most=MOST_ROWS), next_step=_("Split the file."))
    return Table(tuple(each.strip() for each in header), tuple(more), sha256(data).hexdigest())


def guess(header: Sequence[str]) -> dict[int, str]:
    """Which column of the file is which of ours, by its name; of two that mean the same the first."""
    found: dict[int, str] = {}
    for at, cell in enumerate(header):
        ours = _BY_NAME.get(_called(cell))
        if ours and ours not in found.values():
            found[at] = ours
    return found


def plain(cell: str) -> str:
    """A cell without the apostrophe by which spreadsheets and our export keep text from being run."""
    cell = cell.strip()
    return cell[1:] if cell[:1] == "'" and cell.lstrip("'")[:1] in FORMULA else cell


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; `plain` gives it back as it was."""
    return f"'{cell}" if cell.lstrip("'")[:1] in FORMULA and cell else cell


# --- the file -----------------------------------------------------------------------------------


def _text(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _decoded(data, "utf-16")
    if b"\0" in data:
        raise Invalid(
            _("This is not a CSV file: it holds zero bytes."),
            next_step=_("Save the spreadsheet as CSV, comma or semicolon separated, and send that."),
        )
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise Invalid(
            _("The characters of this file cannot be read."), next_step=_("Save it as “CSV UTF-8”.")
        ) from None


def _rows(text: str) -> list[tuple[int, tuple[str, ...]]]:
    """The rows that hold anything, each with the line it begins on."""
    if "\0" in text:
        raise Invalid(_("This is not a CSV file: it holds zero bytes."))
    first = next((line for line in text.splitlines() if line.strip()), "")
    told = re.fullmatch(r"sep=(.)", first.strip(' \r\n"'))  # as Excel writes it
    separator = told[1] if told else max(SEPARATORS, key=first.count)
    found: list[tuple[int, tuple[str, ...]]] = []
    begins = 1
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found.append((begins, tuple(cells)))
            begins = reader.line_num + 1
    except csv.Error:
        raise Invalid(
            _("From line %(line)d on the file cannot be read as CSV.", line=begins),
            next_step=_("Look for a quotation mark that is not closed."),
        ) from None
    return found[1:] if told else found


def _called(cell: str) -> str:
    told = re.sub(r"\([^)]*\)", " ", cell.replace("_", " ").replace("-", " ").replace("/", " "))
    return " ".join(told.split()).casefold().strip(" .:*?")


def _names() -> dict[str, str]:
    found = {each.replace("_", " "): each for each in COLUMNS}
    text = resources.files("incident.processor_register").joinpath("columns.toml").read_text("utf-8")
    for ours, names in tomllib.loads(text).items():
        for name in names:
            found.setdefault(name, ours)
    for part in contacts.PARTS:
        found[f"contact 2 {part}"] = found[f"second contact {part}"] = f"contact2_{part}"
    return found


_BY_NAME: Final = _names()
