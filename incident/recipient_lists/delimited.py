"""CSV as records, one line after the other: in bounded memory, and none swallowed by the one above.

A quotation mark that is not closed is a flaw of the line it stands on; reading goes on with the next line.
"""

import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO, Final, TextIO

from flask_babel import gettext as _

from foundation.errors import Invalid
from incident.recipient_lists.encodings import ENCODINGS, encoding_of
from incident.recipient_lists.table_rows import Flaw, FlawKind, Record

SEPARATORS: Final = ";,\t|"
LONGEST_LINE: Final = 100_000  # letters; below the 131,072 at which the csv module gives up on a field
MOST_LINES: Final = 100  # of one record: an address has ten
MOST_AGAIN: Final = 1 << 28  # letters read a second time after open quotes, in the whole file
_SAMPLE: Final = 1 << 16
_SEP_LINE: Final = re.compile(r'"?sep=([^"\w\s]|\t)"?[;,\t|]*', re.IGNORECASE)


class _TooLong(Exception):
    """A line that does not end."""


class _Endless(Exception):
    """A record of more lines than any record has."""


class Delimited:
    """A CSV file; `records` may be asked for again and begins anew."""

    may_be_short = False
    sheet = ""
    sheets: tuple[str, ...] = ()

    def __init__(
        self, stream: BinaryIO, *, encoding: str | None = None, separator: str | None = None
    ) -> None:
        """Take a seekable stream; `encoding` (a codec of ENCODINGS) and `separator` when a person told them.

        Raises: Invalid when what was told is none that can be read.
        """
        if encoding is not None and encoding not in ENCODINGS:
            raise Invalid(
                _("“%(name)s” is no encoding that is read here.", name=encoding[:40]),
                next_step=_("Choose one of: %(names)s.", names=", ".join(dict.fromkeys(ENCODINGS.values()))),
            )
        if separator is not None and separator not in tuple(SEPARATORS):
            raise Invalid(
                _("This separator is not read here."),
                next_step=_("Choose semicolon, comma, tab or vertical bar."),
            )
        self._stream = stream
        self.total = stream.seek(0, io.SEEK_END)
        self.encoding = encoding or encoding_of(stream)
        self._counted = _Counted(stream)
        self._told, found = _separator(self._text())
        self.separator = separator or found

    @property
    def read(self) -> int:
        """How many bytes were read, at most 128 KiB ahead of the record that was given last."""
        return self._counted.read_so_far

    def records(self) -> Iterator[Record]:
        """Every line and record that holds anything. Raises: Invalid when nearly every quote is open."""
        lines = _Lines(self._text())
        reader = csv.reader(lines, delimiter=self.separator, strict=True, skipinitialspace=True)
        width = again = 0
        while True:
            begins = lines.begin()
            try:
                cells = lines.split(self.separator) or next(reader)
            except StopIteration:
                return
            except _TooLong:
                flaw = FlawKind.ROW_TOO_LONG if len(lines.taken) == 1 else FlawKind.OPEN_QUOTE
            except (csv.Error, _Endless):
                flaw = FlawKind.OPEN_QUOTE
            else:
                if not (len(lines.taken) > 1 and self._several(lines.taken, width)):
                    record = Record(begins, cells)
                    if begins <= self._told or record.blank:
                        continue
                    width = width or len(cells)
                    yield record
                    continue
                flaw = FlawKind.OPEN_QUOTE
            again += lines.give_back()
            if again > MOST_AGAIN:
                raise Invalid(
                    _("From line %(line)d on the file cannot be read as CSV.", line=begins),
                    next_step=_("Look for a quotation mark that is not closed."),
                )
            yield Record(begins, [], [Flaw(flaw)])

    def _several(self, lines: list[str], width: int) -> bool:
        """Whether two lines of a record could each be a row: then two stray quotes made one row of many."""
        return width > 2 and sum(line.count(self.separator) >= width - 1 for line in lines) > 1

    def _text(self) -> TextIO:
        self._counted = _Counted(self._stream)
        buffered = io.BufferedReader(self._counted, 1 << 16)
        return io.TextIOWrapper(buffered, self.encoding, errors="replace", newline="")

    def close(self) -> None:
        """Nothing of its own is open; the stream is its owner's."""


class _Counted(io.RawIOBase):
    """What was read of a stream that somebody else closes."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.read_so_far = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill the buffer as far as the stream goes."""
        self._stream.seek(self.read_so_far)  # another reader may have moved it
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self.read_so_far += len(data)
        return len(data)


class _Lines:
    """The lines of a text, none longer than can be held, which can be given back."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._back: deque[str] = deque()
        self._number = 0
        self._letters = 0
        self.taken: list[str] = []

    def begin(self) -> int:
        """Begin a record; gives the number of its first line."""
        self.taken = []
        self._letters = 0
        return self._number + 1

    def split(self, separator: str) -> list[str] | None:
        """The cells of the next line, without the csv module where it would do no more than split it.

        A line without a quotation mark is a record, and its cells stand between the separators.
        """
        line = self._back.popleft() if self._back else self._read()
        if not line or '"' in line or len(line) > LONGEST_LINE:
            self._back.appendleft(line)
            return None
        self._number += 1
        self.taken.append(line)
        self._letters += len(line)
        cells = line.rstrip("\r\n").split(separator)
        if line[0] == " " or f"{separator} " in line:
            return [each.lstrip(" ") for each in cells]
        return cells

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if self.taken and (len(self.taken) >= MOST_LINES or self._letters > LONGEST_LINE):
            raise _Endless
        line = self._back.popleft() if self._back else self._read()
        if not line:
            raise StopIteration
        self._number += 1
        self.taken.append(line)
        self._letters += len(line)
        if self._letters > LONGEST_LINE:
            raise _TooLong if len(line) > LONGEST_LINE else _Endless
        return line

    def give_back(self) -> int:
        """All lines of this record but its first stand before us again; gives how many letters those are."""
        back = self.taken[1:]
        self._back.extendleft(reversed(back))
        self._number -= len(back)
        return sum(map(len, back))

    def _read(self) -> str:
        line = self._text.readline(LONGEST_LINE + 1)
        rest = line
        while len(rest) > LONGEST_LINE and not rest.endswith(("\n", "\r")):
            rest = self._text.readline(LONGEST_LINE + 1)
        return line


def _separator(text: TextIO) -> tuple[int, str]:
    """The line on which Excel says the separator (0 for none), and the separator, said or found.

    Found is the one that gives most columns, in rows as wide as the first.
    """
    sample = text.read(_SAMPLE)
    lines = list(io.StringIO(sample, newline=""))
    lines = lines[:-1] if len(sample) == _SAMPLE and len(lines) > 1 else lines
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    if lines and (told := _SEP_LINE.fullmatch(lines[first].rstrip("\r\n"))):
        return first + 1, told[1]
    return 0, max(SEPARATORS, key=lambda separator: _score(lines[first : first + 50], separator))


def _score(lines: list[str], separator: str) -> tuple[float, float]:
    try:
        found = [row for row in csv.reader(lines, delimiter=separator, skipinitialspace=True) if any(row)]
    except csv.Error:
        return 0.0, 0.0
    if not found:  # nothing but separators
        return 0.0, 1.0
    width = len(found[0])
    agree = sum(len(row) == width for row in found) / len(found)
    return agree * (width - 1), agree
