"""A sample of data as cells, whatever it is: CSV, XLSX or any text; in memory only, and nothing is kept.

Unlike a list, a sample may be ragged, without header, or no table at all: only what it holds is asked.
"""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from itertools import chain, islice
from typing import Final
from zipfile import ZipFile

from flask_babel import gettext as _

from foundation.errors import Invalid
from incident.recipient_lists import identifiers
from incident.recipient_lists.delimited import LONGEST_LINE, Delimited
from incident.recipient_lists.encodings import encoding_of
from incident.recipient_lists.identifiers import Scan
from incident.recipient_lists.tables import is_binary
from incident.recipient_lists.workbooks import Workbook

MOST_BYTES: Final = 4 << 20
MOST_UNPACKED: Final = 64 << 20
_MOST_SHEETS: Final = 20
_HEAD: Final = 1 << 16
_BINARY: Final = (
    b"%PDF", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf", b"SQLite format", b"\x89PNG", b"\xff\xd8\xff",
    b"\xd0\xcf\x11\xe0",
)  # fmt: skip
_LINES: Final = re.compile(r"[^\r\n]+")


def look(data: bytes, *, now: datetime) -> Scan:
    """Count what a sample holds; `now` is UTC.

    Raises: Invalid when it is too large, empty, no text and no XLSX, or cannot be read; nothing of it is in
    the error or behind it.
    """
    if len(data) > MOST_BYTES:
        raise Invalid(
            _("The sample is larger than %(most)s MiB.", most=MOST_BYTES >> 20),
            next_step=_("Take some thousand rows of it. Nothing was kept."),
        )
    if not data.strip(b"\0 \t\r\n\xef\xbb\xbf"):
        raise Invalid(
            _("The sample is empty."),
            next_step=_("Paste some of the data, or choose a file that holds some."),
        )
    if data.startswith(b"PK\x03\x04"):
        return identifiers.scan(_of_workbook(data), now=now)
    if data.startswith(_BINARY) or is_binary(data[:_HEAD]):
        raise Invalid(
            _("This is no text and no XLSX file."),
            next_step=_("Save the data as XLSX, CSV or text, or paste some of it. Nothing was kept."),
        )
    return identifiers.scan(_of_text(data), now=now)


def _of_text(data: bytes) -> Iterator[str]:
    """The cells of each line by itself: a quotation mark left open swallows nothing."""
    stream = io.BytesIO(data)
    separator = Delimited(stream).separator
    text = data.decode(encoding_of(stream), errors="replace").replace("\0", " ")
    for match in _LINES.finditer(text):
        line = match[0]
        if len(line) > LONGEST_LINE:
            yield from line.split(separator)
        else:
            yield from chain.from_iterable(csv.reader([line], delimiter=separator))


def _of_workbook(data: bytes) -> Iterator[str]:
    """The cells of all sheets, hidden ones too. Raises: Invalid, before the first cell."""
    _refuse_bombs(data)
    book = Workbook(io.BytesIO(data), in_memory=True)
    names = book.sheets
    book.close()
    return _of_sheets(data, names)


def _of_sheets(data: bytes, names: tuple[str, ...]) -> Iterator[str]:
    for name in islice(names, _MOST_SHEETS):
        book = Workbook(io.BytesIO(data), sheet=name, in_memory=True)
        try:
            for record in book.records():
                yield from record.cells
        finally:
            book.close()


def _refuse_bombs(data: bytes) -> None:
    unpacked = MOST_UNPACKED + 1
    with suppress(Exception), ZipFile(io.BytesIO(data)) as packed:
        unpacked = sum(each.file_size for each in packed.infolist())
    if unpacked > MOST_UNPACKED:
        raise Invalid(
            _("This file is damaged, or unpacks to more than a sample can be."),
            next_step=_("Copy some thousand rows to a new spreadsheet, or paste them. Nothing was kept."),
        )
