"""A list as spreadsheets save it: CSV in the encodings and with the separators that they use.

Nothing is known here of what the rows mean.
"""

import csv
import io
import re
from typing import Final

from flask_babel import gettext as _

from foundation.errors import Invalid

SEPARATORS: Final = ";,\t"
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run, at the head of a cell


def rows_of(data: bytes) -> list[tuple[int, tuple[str, ...]]]:
    """The rows that hold anything, each with the line it begins on; the first is the header.

    UTF-8 with or without a mark, UTF-16 and Windows-1252 are read; the separator is what the first row
    has most of, or what Excel's `sep=` line says. Raises: Invalid when the file as a whole is no list.
    """
    text = _text(data)
    first = next((line for line in text.splitlines() if line.strip()), "")
    told = re.fullmatch(r"sep=(.)", first.strip(' \r\n"'))
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
    found = found[1:] if told else found
    if not found:
        raise Invalid(_("The file is empty."), next_step=_("Send a CSV file with a header row."))
    return found


def _text(data: bytes) -> str:
    marked = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            raise Invalid(
                _("This is not a CSV file: it holds zero bytes."),
                next_step=_("Save the spreadsheet as CSV, comma or semicolon separated, and send that."),
            )
        return text
    raise Invalid(
        _("The characters of this file are neither UTF-8 nor Windows-1252."),
        next_step=_("Save it as “CSV UTF-8” and send it again."),
    )


def plain(cell: str) -> str:
    """A cell without the apostrophe by which spreadsheets and our export keep text from being run."""
    cell = cell.strip()
    return cell[1:].strip() if cell[:1] == "'" and cell.lstrip("'")[:1] in FORMULA else cell


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; `plain` gives it back as it was."""
    return f"'{cell}" if cell and cell.lstrip("'")[:1] in FORMULA else cell
