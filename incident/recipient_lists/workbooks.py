"""XLSX as records, one row of the sheet after the other, in bounded memory.

What is read is what a person sees: the result of a formula, a number in its format. Sheets that are
hidden are read only when they are named; rows that a filter hides are read like the others, and say so.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final

from flask_babel import gettext as _

from foundation.errors import Invalid
from incident.recipient_lists.cell_values import Shown, as_shown, builtin, number
from incident.recipient_lists.shared_strings import SharedStrings, unescaped
from incident.recipient_lists.table_rows import LONGEST_CELL, MOST_COLUMNS, Flaw, FlawKind, Record
from incident.recipient_lists.xml_parts import Attributes, Parts, Pump, damaged

MOST_ROWS: Final = 1_048_576  # of one sheet, by the format
_TRUTH: Final = {"0": "FALSE", "1": "TRUE"}
_YES: Final = frozenset({"1", "true"})


@dataclass(frozen=True, slots=True)
class _Sheet:
    name: str
    part: str
    hidden: bool


class Workbook:
    """An XLSX file; `records` may be asked for again and begins anew."""

    may_be_short = True
    encoding = ""
    separator = ""

    def __init__(self, stream: BinaryIO, *, sheet: str | None = None, in_memory: bool = False) -> None:
        """Take a seekable stream, and the name of a sheet when a person chose one.

        `in_memory` is for small files of which nothing may touch a disk.

        Raises: Invalid when this is no XLSX file, has no such sheet, or no sheet that holds anything.
        """
        self._parts = Parts(stream)
        book = next((part for _id, kind, part in self._parts.related("") if kind == "officeDocument"), "")
        book = book or "xl/workbook.xml"
        if book not in self._parts:
            raise Invalid(
                _("This is no XLSX file, though it is packed like one."),
                next_step=_("Save the list as XLSX or CSV, and send that."),
            )
        related = list(self._parts.related(book))
        found = {kind: part for _id, kind, part in related}
        all_sheets, mac = self._sheets(
            book, {each: part for each, kind, part in related if kind == "worksheet"}
        )
        self._shown = self._styles(found.get("styles", ""), mac=mac)
        self._strings = SharedStrings(self._parts, found.get("sharedStrings", ""), in_memory=in_memory)
        self.sheets = tuple(each.name for each in all_sheets)
        self._pump: Pump | None = None
        self._at_end = False
        try:
            self._sheet = self._chosen(all_sheets, sheet)
        except BaseException:
            self.close()
            raise
        self.sheet = self._sheet.name
        self.total = self._parts.size(self._sheet.part) + self._strings.total

    @property
    def read(self) -> int:
        """How many bytes of `total` were read, both unpacked."""
        if self._at_end:
            return self.total
        return self._strings.read + (self._pump.read if self._pump else 0)

    def records(self) -> Iterator[Record]:
        """Every row that holds anything. Raises: Invalid when the file breaks off."""
        yield from self._records(self._sheet.part)
        self._at_end = True

    def _records(self, part: str) -> Iterator[Record]:
        self._at_end = False
        with self._parts.open(part) as stream:
            made = _Rows(self._strings, self._shown)
            pump = self._pump = Pump(stream, start=made.start, end=made.end, text=made.text)
            more = True
            while more:
                more = pump.step()
                done, made.done = made.done, []
                yield from (record for record in done if not record.blank)

    def _chosen(self, sheets: list[_Sheet], told: str | None) -> _Sheet:
        if told is not None:
            named = next((each for each in sheets if each.name == told), None)
            if named is None:
                raise Invalid(
                    _("There is no sheet “%(name)s” in this file.", name=told[:60]),
                    next_step=_("Choose one of: %(names)s.", names=", ".join(self.sheets)[:500]),
                )
            return named
        for each in sheets:
            if not each.hidden and any(True for _record in self._records(each.part)):
                return each
        raise Invalid(
            _("The sheets of this file are empty."),
            next_step=_("Send a file with a header row, and below it one person a row."),
        )

    def _sheets(self, book: str, parts: Mapping[str, str]) -> tuple[list[_Sheet], bool]:
        sheets, mac = [], False
        for _parent, tag, told in self._parts.starts(book):
            if tag == "workbookPr":
                mac = told.get("date1904") in _YES
            elif tag == "sheet" and told.get("id", "") in parts:
                hidden = told.get("state", "visible") != "visible"
                sheets.append(_Sheet(told.get("name", ""), parts[told["id"]], hidden))
        return sheets, mac

    def _styles(self, part: str, *, mac: bool) -> list[Shown]:
        """For each style of a cell, how it shows a number."""
        codes: dict[str, str] = {}
        shown: list[Shown] = []
        for parent, tag, told in self._parts.starts(part) if part else ():
            if tag == "numFmt" and parent == "numFmts":
                codes[told.get("numFmtId", "")] = told.get("formatCode", "")
            elif tag == "xf" and parent == "cellXfs":
                known = told.get("numFmtId", "0")
                code = codes.get(known) or builtin(int(known) if known.isdecimal() else 0)
                shown.append(as_shown(code[:255], mac=mac))
        return shown

    def close(self) -> None:
        """Let go of the strings and the archive; the stream stays open."""
        self._strings.close()
        self._parts.close()


class _Rows:
    """Makes records of the elements of a sheet."""

    def __init__(self, strings: SharedStrings, shown: list[Shown]) -> None:
        self._strings, self._shown = strings, shown
        self.done: list[Record] = []
        self._line = 0
        self._row: Record | None = None
        self._kind = self._style = ""
        self._column = -1
        self._value: list[str] = []
        self._room = 0
        self._wanted = self._formula = self._phonetic = self._misplaced = False

    def start(self, name: str, told: Attributes) -> None:
        """An element begins."""
        if name == "c" and self._row is not None:
            self._cell(self._row, told)
        elif name in {"v", "t"}:
            self._wanted = self._column >= 0 and not self._phonetic
        elif name == "row":
            if self._row is not None:
                raise damaged()
            said = told.get("r", "")
            line = int(said) if said.isdecimal() and len(said) < 10 else 0
            self._line = line if self._line < line <= MOST_ROWS else self._line + 1
            hidden = told.get("hidden") in _YES
            self._row, self._column = Record(self._line, [], hidden=hidden), -1
        elif name == "f":
            self._formula = True
        elif name == "rPh":
            self._phonetic = True

    def text(self, text: str) -> None:
        """Letters of an element, kept as far as a cell may be long."""
        if self._wanted and self._room > 0:
            self._value.append(text[: self._room])
            self._room -= len(text)

    def end(self, name: str) -> None:
        """An element ends."""
        if name in {"v", "t"}:
            self._wanted = False
        elif name == "c" and self._row is not None:
            self._put(self._row)
        elif name == "row" and self._row is not None:
            self.done.append(self._row)
            self._row, self._column = None, -1
        elif name == "rPh":
            self._phonetic = False

    def _cell(self, row: Record, told: Attributes) -> None:
        self._kind, self._style = told.get("t", "n"), told.get("s", "")
        self._value, self._room, self._formula = [], LONGEST_CELL + 1, False
        column = _column(told.get("r", ""))
        self._misplaced = column is not None and column < len(row.cells)
        self._column = len(row.cells) if column is None or self._misplaced else column

    def _put(self, row: Record) -> None:
        raw = "".join(self._value)
        value, wrong = self._as_shown(raw) if raw else ("", None)
        if self._formula and not raw and self._kind != "str":  # a formula may well result in no text
            wrong = FlawKind.NO_RESULT
        if self._misplaced:
            wrong = FlawKind.MISPLACED
        if not value and not wrong:
            return
        if self._column > MOST_COLUMNS:  # beyond any header: kept as one cell too many
            if len(row.cells) > MOST_COLUMNS:
                return
            self._column = MOST_COLUMNS
        row.cells += [""] * (self._column - len(row.cells))
        row.cells.append(value)
        if wrong:
            row.flaws.append(Flaw(wrong, self._column))

    def _as_shown(self, raw: str) -> tuple[str, FlawKind | None]:
        if self._kind == "s":
            if not (raw.isdecimal() and len(raw) < 12):
                raise damaged()
            try:
                return unescaped(self._strings[int(raw)]), None
            except IndexError:
                raise damaged() from None
        if self._kind in {"str", "inlineStr"}:
            return unescaped(raw), None
        if self._kind == "b":
            return _TRUTH.get(raw, raw), None
        if self._kind == "e":
            return raw, FlawKind.ERROR_VALUE
        if self._kind == "d":
            return raw.removesuffix("T00:00:00").replace("T", " "), None
        style = int(self._style) if self._style.isdecimal() and len(self._style) < 8 else -1
        return (self._shown[style] if 0 <= style < len(self._shown) else number)(raw), None


def _column(place: str) -> int | None:
    """The column of a place such as `AB12`, from 0; None when the cell does not say."""
    found = 0
    for sign in place[:8]:
        if not "A" <= sign <= "Z":
            break
        found = found * 26 + ord(sign) - 64
    return found - 1 if found else None
