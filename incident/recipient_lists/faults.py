"""What is wrong with a row: a code, the column by our name, and the cell masked so that it names nobody."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from flask_babel import lazy_gettext as _l

LONGEST_SHOWN: Final = 24
HIDDEN: Final = "•"


class Code(StrEnum):
    """Why a row is nobody yet, or what was made of it."""

    EMPTY = "empty"  # no cell of ours holds anything
    WIDTH = "width"  # more or fewer cells than the header: values may stand in the wrong column
    NOWHERE = "nowhere"  # no e-mail address, no number, no postal address
    FORMULA = "formula"  # a spreadsheet would run it
    FORMULA_ERROR = "formula_error"  # a spreadsheet could not compute it: #REF!
    SIGNS = "signs"  # control characters, line breaks, signs that turn the direction of reading
    LOST = "lost"  # a letter that the encoding of the file has not
    TOO_LONG = "too_long"
    NAME_MISSING = "name_missing"
    NAME_LINK = "name_link"
    NAME_NONE = "name_none"  # no letter in it, or an e-mail address: columns have moved
    EMAIL = "email"
    EMAILS = "emails"  # two addresses in one cell
    PHONE = "phone"
    PHONES = "phones"  # two numbers in one cell
    PHONE_DIGITS = "phone_digits"
    PHONE_REWRITTEN = "phone_rewritten"  # 4,52E+09: digits are lost
    SEVERAL = "several"  # one cell that holds what belongs to two people
    COUNTRY = "country"
    FLAG = "flag"
    LANGUAGE = "language"  # kept: told in another language
    ADDRESS_PART = "address_part"  # kept: no letter can go there
    POSTCODE_FILLED = "postcode_filled"  # kept: zeros that a spreadsheet took were put back
    TWO_NAMES = "two_names"  # kept: perhaps two people behind one address
    HIDDEN = "hidden"  # kept: the spreadsheet does not show the row
    SHARED = "shared"  # kept, folded by its number alone into a row of another name


KEPT: Final = frozenset(
    {
        Code.LANGUAGE, Code.ADDRESS_PART, Code.POSTCODE_FILLED, Code.TWO_NAMES, Code.HIDDEN, Code.SHARED,
    }
)  # fmt: skip
SAID: Final[Mapping[Code, Any]] = {
    Code.EMPTY: _l("the row is empty"),
    Code.WIDTH: _l("the row has more or fewer columns than the header"),
    Code.NOWHERE: _l("there is neither an e-mail address nor a number nor a postal address"),
    Code.FORMULA: _l("the cell begins like a formula"),
    Code.FORMULA_ERROR: _l("the spreadsheet could not compute this cell"),
    Code.SIGNS: _l("the cell holds a line break or a control character"),
    Code.LOST: _l("a letter in the cell cannot be read: save the file as UTF-8"),
    Code.TOO_LONG: _l("the cell is longer than can be right"),
    Code.NAME_MISSING: _l("the name is missing"),
    Code.NAME_LINK: _l("the name holds a link"),
    Code.NAME_NONE: _l("this is no name (the columns may have moved)"),
    Code.EMAIL: _l("the e-mail address is none that can be written to"),
    Code.EMAILS: _l("there are two e-mail addresses in one cell: one row for each person"),
    Code.PHONE: _l("the number is not one"),
    Code.PHONES: _l("there are two numbers in one cell: keep the one that counts"),
    Code.PHONE_DIGITS: _l("the number has too few or too many digits for its country"),
    Code.PHONE_REWRITTEN: _l("a spreadsheet has rewritten the number: take it from where it was exported"),
    Code.SEVERAL: _l("the cell holds what belongs to several people (look for a quotation mark)"),
    Code.COUNTRY: _l("there is no country of this name or code"),
    Code.FLAG: _l("yes or no is expected"),
    Code.LANGUAGE: _l("no language of ours: the list's own is taken"),
    Code.ADDRESS_PART: _l("the postal address is not whole: no letter can go there"),
    Code.POSTCODE_FILLED: _l("zeros at the head of the postcode were put back"),
    Code.TWO_NAMES: _l("these may be two people: one row for each, or both share the communication"),
    Code.HIDDEN: _l("the row is hidden in the file: it is read like the others"),
    Code.SHARED: _l("another row has this number and another name: one message goes to both"),
}


class Faulty(ValueError):
    """Why a cell cannot be used."""

    def __init__(self, code: Code) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a row, or what was made of it; `column` is our name, empty for the whole row.

    `line` is that of the file. `shown` is the cell with its letters and digits hidden.
    """

    line: int
    column: str
    code: Code
    shown: str = ""

    @property
    def keeps_out(self) -> bool:
        """Whether the row is nobody until this is mended; else it is good to know."""
        return self.code not in KEPT


def masked(cell: str) -> str:
    """The cell as a list of faults may show it: its first sign and its marks, letters and digits hidden.

    Of two signs or fewer none is shown. Signs without a shape, that could turn or break a page, become �.
    """
    begins = cell[:LONGEST_SHOWN]
    first = 1 if len(cell) > 2 else 0
    hidden = "".join(
        sign if at < first and sign.isprintable() else _hidden(sign) for at, sign in enumerate(begins)
    )
    return f"{hidden}…" if len(cell) > LONGEST_SHOWN else hidden


def _hidden(sign: str) -> str:
    if not sign.isprintable():
        return "\N{REPLACEMENT CHARACTER}"
    return sign if sign.isascii() and not sign.isalnum() else HIDDEN
