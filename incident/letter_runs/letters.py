"""What a run of letters is made of, what becomes of it, and what is wrong with a letter that is left out."""

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Final

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from incident.letter_runs.addresses import Address
from incident.letter_runs.windows import Window

# Our own figures: a batch takes about 1 MiB of memory for each letter while it is made.
LETTERS: Final = 200
SHEETS: Final = 1_000

# Why a letter is left out of a run, and what to do; the codes are kept, the words are shown.
WHY: Final[dict[str, LazyString]] = {
    "missing": _l("The address lacks a part. Complete it, or tell this person in another way."),
    "line_break": _l(
        "There is a line break or a control character in the address. Write each part on one line."
    ),
    "postcode": _l("This is no postcode of its country. A spreadsheet may have taken away its first zero."),
    "no_such_country": _l("The country is not one. Give it by its code of two letters, such as DK."),
    "too_wide": _l("A line of the address is wider than the window, or the name too long. Shorten it."),
    "too_high": _l(
        "The address has more lines than the window shows. Shorten it, or print without a window."
    ),
    "too_many_sheets": _l("The letter has more sheets than the envelope takes. Choose a larger envelope."),
    "unprintable": _l("The letter holds characters that cannot be printed. Write them in other letters."),
}


@dataclass(frozen=True, slots=True)
class Part:
    """A paragraph or several under a heading, which may be empty."""

    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """An approved letter in one language (da, nb, sv or en); thousands of letters may share one."""

    language: str
    subject: str
    parts: tuple[Part, ...]
    closing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter to one person. `key` is the caller's own and is printed nowhere; `reference` is printed."""

    key: str
    reference: str
    address: Address
    text: Text
    opening: str = ""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes: the address as lines, and how to reach them; in the window all is one line."""

    name: str
    lines: tuple[str, ...]
    contact: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """What all letters of a run have in common.

    `number` is that of the incident, `country` (ISO 3166-1 alpha-2) where the letters are posted and `locale`
    the language spoken there, of the sheet and of foreign countries' names; `day` is the date the letters
    carry, `made_at` the aware instant that the files do. A batch has at most `letters` letters and, where it
    has more than one, at most `sheets` sheets of paper.
    """

    number: str
    sender: Sender
    country: str
    locale: str
    day: date
    made_at: datetime
    window: Window
    duplex: bool = True
    drill: bool = False
    letters: int = LETTERS
    sheets: int = SHEETS


@dataclass(frozen=True, slots=True)
class Fault:
    """A letter that is in no batch, and why (a key of `WHY`); `part` says where, never what stands there."""

    key: str
    code: str
    part: str = ""

    @property
    def why(self) -> str:
        """What is wrong and what to do, in the reader's language."""
        return str(WHY[self.code])


@dataclass(frozen=True, slots=True)
class Printed:
    """A letter in a batch: its place there, counted from 1, its pages and the sheets of paper it takes."""

    key: str
    number: int
    pages: int
    sheets: int


@dataclass(frozen=True)
class File:
    """A file of a batch."""

    name: str
    data: bytes = field(repr=False)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of it, byte by byte, as hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def told(self) -> dict[str, str | int]:
        """What the manifest says of it."""
        return {"name": self.name, "sha256": self.sha256, "bytes": len(self.data)}


@dataclass(frozen=True, slots=True)
class Batch:
    """One file of letters for the printer with its address sheets; batches are counted from 1.

    `pages` are those of the file with its blank ones, `sheets` the paper it takes.
    """

    number: int
    letters: tuple[Printed, ...]
    pages: int
    sheets: int
    pdf: File
    sheet_csv: File
    sheet_pdf: File

    @property
    def files(self) -> tuple[File, File, File]:
        """All of its files."""
        return self.pdf, self.sheet_csv, self.sheet_pdf
