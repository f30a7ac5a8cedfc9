"""A file of rows, whatever a spreadsheet saved it as: opened, its header known, its rows given one by one.

Memory does not grow with the file, and no row ends the reading: what is wrong with one is said at the row.
A file that as a whole is no list is refused with what to do. What the columns mean is not known here.
"""

import re
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Protocol, Self

from flask_babel import gettext as _

from foundation.errors import Invalid
from incident.recipient_lists.delimited import Delimited
from incident.recipient_lists.encodings import MARKS, without_mark
from incident.recipient_lists.table_rows import MOST_COLUMNS, Record, Row, clean, fitted
from incident.recipient_lists.workbooks import Workbook

MOST_BYTES: Final = 4 << 30
_HEAD: Final = 1 << 16
_ODD: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_DATA: Final = re.compile(r"\S@\S|(?:\d[ .()/-]?){6}")  # an address or a number, which no heading holds
# How files begin that are sent by mistake, and how a person calls them.
_OTHER_KINDS: Final = (
    (b"%PDF", "PDF"), (b"{\\rtf", "RTF"), (b"<", "HTML/XML"), (b"{", "JSON"), (b"\x1f\x8b", "GZIP"),
    (b"Rar!", "RAR"), (b"7z\xbc\xaf", "7z"), (b"SQLite format", "SQLite"), (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
)  # fmt: skip


class Source(Protocol):
    """A file as records; `read` of `total` bytes were read so far."""

    may_be_short: bool
    encoding: str
    separator: str
    sheet: str
    sheets: tuple[str, ...]
    total: int

    @property
    def read(self) -> int:
        """Bytes read so far."""

    def records(self) -> Iterator[Record]:
        """The rows as they stand in the file, from its beginning."""

    def close(self) -> None:
        """Let go of what was opened."""


class Table:
    """A list as header and rows; a context manager, for it may hold a file open.

    `header` has one cell a column, all empty where the first row is data already (`has_header` is false).
    `encoding` and `separator` are of CSV, `sheet` and `sheets` of XLSX, and empty otherwise.
    """

    def __init__(
        self, source: Source, name: str, *, has_header: bool | None, closing: Callable[[], object]
    ) -> None:
        """Read as far as the second row. Raises: Invalid when there is nobody in the file."""
        self._source, self._closing = source, closing
        self.name = name
        self.encoding, self.separator = source.encoding, source.separator
        self.sheet, self.sheets = source.sheet, source.sheets
        first, *more = [*islice(source.records(), 2)] or [Record(1, [])]
        if first.blank:
            raise Invalid(_("The file is empty."), next_step=_("Send a CSV file with a header row."))
        self._first = first.line
        self.has_header = not _is_data(first) if has_header is None else has_header
        self._width = _width(first)
        cells = tuple(clean(cell).strip() for cell in first.cells[: self._width])
        self.header = cells if self.has_header else ("",) * self._width
        if self.has_header and not more:
            raise Invalid(
                _("There is nobody on this list."), next_step=_("Below the header, one person a row.")
            )

    @property
    def read(self) -> int:
        """How many bytes were read; with `total` the progress of `rows`, true to 128 KiB."""
        return self._source.read

    @property
    def total(self) -> int:
        """How many bytes there are to read; unpacked ones of an XLSX file."""
        return self._source.total

    def rows(self) -> Iterator[Row]:
        """Every row below the header that holds anything, with its line in the file or sheet.

        A second call begins anew, and `read` is then of the second. Raises: Invalid when the file breaks
        off, after the rows before.
        """
        for record in self._source.records():
            if not (self.has_header and record.line == self._first):
                yield fitted(record, self._width, may_be_short=self._source.may_be_short)

    def sample(self, most: int = 200) -> tuple[Row, ...]:
        """The first rows, for guesses and for the screen."""
        return tuple(islice(self.rows(), most))

    def close(self) -> None:
        """Let go of the file."""
        self._source.close()
        self._closing()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_table(
    path_or_stream: Path | str | BinaryIO,
    name: str = "",
    *,
    encoding: str | None = None,
    separator: str | None = None,
    sheet: str | None = None,
    has_header: bool | None = None,
) -> Table:
    """Open a CSV or XLSX file: a path, or a seekable binary stream that stays open afterwards.

    `name` is what people call the file. What kind it is, is told by its bytes. `encoding` (a codec of
    `encodings.ENCODINGS`), `separator`, `sheet` and `has_header` are what a person said; None is to find
    out. A CSV file that is all ASCII is read once through before the first row, to be sure of that.
    Raises: Invalid when the file as a whole is no list; FileNotFoundError for a path that leads nowhere.
    """
    if isinstance(path_or_stream, Path | str):
        stream: BinaryIO = Path(path_or_stream).open("rb")  # noqa: SIM115 - closed with the table
        closing: Callable[[], object] = stream.close
    else:
        stream, closing = path_or_stream, _nothing
    source: Source | None = None
    try:
        if _is_packed(stream):
            source = Workbook(stream, sheet=sheet)
        else:
            source = Delimited(stream, encoding=encoding, separator=separator)
        return Table(source, name, has_header=has_header, closing=closing)
    except BaseException:
        if source:
            source.close()
        closing()
        raise


def _is_packed(stream: BinaryIO) -> bool:
    """Whether this is a ZIP archive, as XLSX is, and not text. Raises: Invalid when it is neither."""
    size = stream.seek(0, 2)
    stream.seek(0)
    head = stream.read(_HEAD)
    if size > MOST_BYTES:
        raise Invalid(_("The file is larger than 4 GiB."), next_step=_("Split it into several lists."))
    if not head.strip():
        raise Invalid(_("The file is empty."), next_step=_("Send a CSV file with a header row."))
    if head.startswith(b"PK\x03\x04"):
        return True
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise Invalid(
            _("This is a workbook of an old Excel, or one that is locked by a password."),
            next_step=_("Open it, save it as XLSX without a password, and send that."),
        )
    if other := next((kind for sign, kind in _OTHER_KINDS if head.lstrip().startswith(sign)), ""):
        raise Invalid(
            _("This is no list: it is a file of the kind %(kind)s.", kind=other),
            next_step=_("Save the list as XLSX or CSV, and send that."),
        )
    if is_binary(head):
        raise Invalid(
            _("This is no list: it does not hold text."),
            next_step=_("Save the list as XLSX or CSV, and send that."),
        )
    return False


def is_binary(head: bytes) -> bool:
    """Whether there are more signs that no text holds than some broken cells have."""
    marked = head.startswith(tuple(mark for mark, _codec in MARKS))
    return not marked and not without_mark(head[:4096]) and len(_ODD.findall(head)) > len(head) / 10


def _is_data(first: Record) -> bool:
    return any(_DATA.search(cell) for cell in first.cells)


def _width(first: Record) -> int:
    """How many columns there are. Raises: Invalid when the first row cannot be read, or is no row."""
    if first.flaws and not any(first.cells):
        raise Invalid(
            _("The first row, on line %(line)d, cannot be read.", line=first.line),
            next_step=_("Look there for a quotation mark that is not closed."),
        )
    width = len(first.cells)
    if width > MOST_COLUMNS:
        raise Invalid(
            _("There are more than %(most)d columns.", most=MOST_COLUMNS),
            next_step=_("Keep the columns that are needed to tell people."),
        )
    return width


def _nothing() -> None:
    """A stream is closed by whoever opened it."""
