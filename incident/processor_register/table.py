"""A CSV file as rows with their line numbers, and which column holds what, by what its header calls it."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from typing import Final

from flask_babel import gettext as _

from foundation.errors import Invalid
from incident import spreadsheets
from incident.processor_register import contacts, fields

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
    (_line, header), *more = spreadsheets.rows_of(data)
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
