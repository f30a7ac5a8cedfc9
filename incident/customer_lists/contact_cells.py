"""The cells of a contact at a customer: name, e-mail, phone; a cell in, what it says or its fault out."""

import unicodedata
from dataclasses import dataclass
from typing import Final

from email_validator import EmailNotValidError, validate_email
from flask_babel import gettext as _
from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, is_possible_number, parse

from incident import spreadsheets
from incident.spreadsheets import plain

LONGEST_NAME: Final = 200
LANGUAGES: Final = {
    "danish": "da", "dansk": "da", "danska": "da",
    "norwegian": "nb", "norsk": "nb", "bokmål": "nb", "norska": "nb",
    "swedish": "sv", "svensk": "sv", "svenska": "sv",
    "english": "en", "engelsk": "en", "engelska": "en",
}  # fmt: skip


class Faulty(ValueError):
    """Why a cell cannot be taken as it is."""


@dataclass(frozen=True, slots=True)
class Noted:
    """A fault of a line, which keeps it out."""

    line: int
    what: str


def name_of(cell: str) -> str:
    """A name on one line, without links and formulas. Raises: Faulty."""
    name = plain(cell)
    if not name:
        raise Faulty(_("the name is missing"))
    if len(name) > LONGEST_NAME:
        raise Faulty(_("the name is longer than %(most)d characters", most=LONGEST_NAME))
    if any(unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for sign in name):
        raise Faulty(_("the name holds a line break or a control character"))
    if name[0] in spreadsheets.FORMULA:
        raise Faulty(_("the name begins like a formula"))
    if "://" in name or "www." in name.casefold():
        raise Faulty(_("the name holds a link"))
    return " ".join(name.split())


def email_of(cell: str) -> str:
    """An address as it is written to; empty for none. Raises: Faulty."""
    address = plain(cell)
    if not address:
        return ""
    try:
        found = validate_email(
            address, check_deliverability=False, test_environment=True, allow_smtputf8=False
        )
    except EmailNotValidError:
        raise Faulty(_("the e-mail address is none that can be written to")) from None
    return found.normalized


def phone_of(cell: str, country: str) -> str:
    """A number as E.164; empty for none. Raises: Faulty."""
    number = plain(cell)
    if not number:
        return ""
    if not set(number) <= set("0123456789+()-./  "):
        raise Faulty(_("the number is not one (a spreadsheet may have rewritten it)"))
    try:
        found = parse(number, country)
    except NumberParseException:
        found = None
    if found is None or not is_possible_number(found):
        raise Faulty(_("the number has too few or too many digits for its country"))
    return format_number(found, PhoneNumberFormat.E164)
