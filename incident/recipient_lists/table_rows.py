"""What every table gives, whatever file it was: rows with their lines, and what is wrong with one.

A flaw keeps its row from being a person; it never ends the reading. Nothing is known here of what the
cells mean.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from flask_babel import lazy_gettext as _l

LONGEST_CELL: Final = 2000  # letters; a whole address, or a paragraph of a letter
MOST_COLUMNS: Final = 500
LOST: Final = "\ufffd"  # what a decoder leaves where it could read no letter


class FlawKind(StrEnum):
    """What is wrong with a row before anybody asks what its cells mean."""

    ZERO_BYTE = "zero_byte"  # a cell holds NUL, which no database takes as text
    LOST_LETTER = "lost_letter"  # bytes that are no letter in the encoding of the file
    CELL_TOO_LONG = "cell_too_long"  # the cell was cut
    ROW_TOO_LONG = "row_too_long"  # one line without end; nothing of it was kept
    TOO_MANY_CELLS = "too_many_cells"  # more than the header; the others were left out
    TOO_FEW_CELLS = "too_few_cells"  # fewer than the header; which are missing is not known
    OPEN_QUOTE = "open_quote"  # a quotation mark that is not closed would swallow the rows below
    ERROR_VALUE = "error_value"  # the spreadsheet shows an error, as #N/A
    NO_RESULT = "no_result"  # a formula whose result was not saved with it
    MISPLACED = "misplaced"  # the cell says that it stands where another one does


FLAWS: Final = {
    FlawKind.ZERO_BYTE: _l("a zero byte"),
    FlawKind.LOST_LETTER: _l("a letter that cannot be read in the encoding of this file"),
    FlawKind.CELL_TOO_LONG: _l("the cell is longer than %(most)d characters", most=LONGEST_CELL),
    FlawKind.ROW_TOO_LONG: _l("the line is too long to be a row"),
    FlawKind.TOO_MANY_CELLS: _l("the row has more cells than the header"),
    FlawKind.TOO_FEW_CELLS: _l("the row has fewer cells than the header"),
    FlawKind.OPEN_QUOTE: _l("a quotation mark is not closed"),
    FlawKind.ERROR_VALUE: _l("the cell shows an error of the spreadsheet"),
    FlawKind.NO_RESULT: _l("a formula without its result"),
    FlawKind.MISPLACED: _l("two cells stand in one place"),
}


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong with a row; `column` counts from 0 and is None for the whole row."""

    kind: FlawKind
    column: int | None = None


class Row(NamedTuple):
    """A row as wide as the header; `line` is where it begins in the file, counted from 1.

    With a flaw the cells are what could be read, safe to show and to store, and nobody's data. `hidden` is
    a row that its spreadsheet does not show; it may well be a person.
    """

    line: int
    cells: tuple[str, ...]
    flaws: tuple[Flaw, ...] = ()
    hidden: bool = False


@dataclass(slots=True)
class Record:
    """A row as it stands in the file, before it is held to the header."""

    line: int
    cells: list[str]
    flaws: list[Flaw] = field(default_factory=list)
    hidden: bool = False

    @property
    def blank(self) -> bool:
        """Whether there is nothing in it, not even a flaw."""
        return not self.flaws and not "".join(self.cells).strip()


def fitted(record: Record, width: int, *, may_be_short: bool) -> Row:
    """The record as a row of `width` cells, each of a length and of letters that can be stored.

    `may_be_short` is for files that leave out empty cells at the end of a row.
    """
    cells, flaws = record.cells, record.flaws
    if len(cells) != width:
        cells, flaws = _widened(cells, flaws, width, may_be_short=may_be_short)
    whole = "".join(cells)
    if len(whole) > LONGEST_CELL or "\0" in whole or LOST in whole:
        flaws = [*flaws, *_flaws_of(cells)]
        cells = [clean(cell) for cell in cells]
    return Row(record.line, tuple(cells), tuple(flaws) if flaws else (), record.hidden)


def clean(cell: str) -> str:
    """A cell cut to the length allowed, with a sign for what is no letter."""
    return cell[:LONGEST_CELL].replace("\0", LOST)


def _widened(
    cells: Sequence[str], flaws: list[Flaw], width: int, *, may_be_short: bool
) -> tuple[list[str], list[Flaw]]:
    kept, more = list(cells[:width]), cells[width:]
    if any(cell.strip() for cell in more):
        flaws = [*flaws, Flaw(FlawKind.TOO_MANY_CELLS)]
    if len(kept) < width:
        if not may_be_short and not flaws:
            flaws = [Flaw(FlawKind.TOO_FEW_CELLS)]
        kept += [""] * (width - len(kept))
    return kept, flaws


def _flaws_of(cells: Iterable[str]) -> list[Flaw]:
    return [Flaw(kind, column) for column, cell in enumerate(cells) for kind in _kinds(cell)]


def _kinds(cell: str) -> list[FlawKind]:
    wrong = {
        FlawKind.ZERO_BYTE: "\0" in cell,
        FlawKind.LOST_LETTER: LOST in cell,
        FlawKind.CELL_TOO_LONG: len(cell) > LONGEST_CELL,
    }
    return [kind for kind, found in wrong.items() if found]
