"""One cell in, what it says out: a name, an address, a number, a language, a yes or no. Raises Faulty.

A million rows are read, so what many cells share is worked out once: the domain of an address, the head
of a number, a word. What is not in the plain shape is asked of the library, cell by cell.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from email_validator import EmailNotValidError, validate_email
from email_validator.rfc_constants import CASE_INSENSITIVE_MAILBOX_NAMES
from phonenumbers import (
    NumberParseException,
    PhoneNumberFormat,
    ValidationResult,
    format_number,
    is_possible_number_with_reason,
    parse,
)

from incident.recipient_lists import words
from incident.recipient_lists.faults import Code, Faulty
from incident.spreadsheets import FORMULA

_LONGEST_NAME: Final = words.longest("name")
_LONGEST_LINE: Final = words.longest("line")
_MOST_LINES: Final = words.longest("lines")
_TURNS: Final = "\u200e\u200f\u202a\u202c\u2066\u2067\u2068\u2069\ufeff\u200b\u2060"
LOST: Final = "\ufffd"  # what a decoder leaves where it could read no letter
_JOINS: Final = "\u200c\u200d"  # Persian and Indian names are written with them
_ERROR: Final = re.compile(r"#(?:[A-ZÅÄÖÆØ/0]+[!?]|N/A|I/T|SAKNAS!?|#+)")
_LINK: Final = re.compile(r"://|www\.", re.IGNORECASE)
_AND: Final = re.compile(r"\S (?:&|\+|og|och|and) \S", re.IGNORECASE)
_AN_ADDRESS: Final = re.compile(r"\S@\S")
_SOMEBODY_ELSE: Final = re.compile(r"\S@\S|[;|\t]|\+\d[\d ()-]{6,}|\d{8,}")
_PLAIN_NAME: Final = re.compile(r"[^\W\d_]+(?:[ '-][^\W\d_]+)*")  # letters alone: no rule forbids any of it
_LINE_BREAK: Final = re.compile(r"\r\n|[\n\r\v\f\u2028\u2029\x85]")


def checked(cell: str) -> str:
    """A cell that begins with a sign that wants a second look, or lost one: what it says. Raises: Faulty."""
    if LOST in cell:
        raise Faulty(Code.LOST)
    if cell[0] == "'" and cell.lstrip("'")[:1] in FORMULA:
        cell = cell[1:].strip()
    if cell[:1] == "=":
        raise Faulty(Code.FORMULA)
    if cell[:1] == "#" and _ERROR.fullmatch(cell):
        raise Faulty(Code.FORMULA_ERROR)
    return cell


# --- names and texts ----------------------------------------------------------------------------


def name_of(cell: str) -> str:
    """A name on one line, without links and formulas. Raises: Faulty."""
    if len(cell) <= _LONGEST_NAME and _PLAIN_NAME.fullmatch(cell) and cell[0].isalpha():
        return cell
    if len(cell) > _LONGEST_NAME:
        raise Faulty(Code.TOO_LONG)
    if not (cell.isascii() or cell.isprintable()):
        cell = cell.strip(_TURNS).strip()
    name = cell if cell.isprintable() else _spaced(cell)
    if not name or name[0] in FORMULA:
        raise Faulty(Code.FORMULA if name else Code.NAME_MISSING)
    if "@" in name and _AN_ADDRESS.search(name):
        raise Faulty(Code.NAME_NONE)
    if ";" in name or "|" in name:
        raise Faulty(Code.SEVERAL)
    if _LINK.search(name):
        raise Faulty(Code.NAME_LINK)
    if not any(map(str.isalpha, name)):
        raise Faulty(Code.NAME_NONE)
    return " ".join(name.split()) if "  " in name else name


def _spaced(text: str) -> str:
    """A text on one line: blanks of any width become one, what turns or breaks it is a fault."""
    for sign in text:
        if sign not in _JOINS and unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
            raise Faulty(Code.SIGNS)
    return " ".join(text.split())


def two_names(name: str) -> bool:
    """Whether a name may be that of two people: "Ida & Ole Holm". Firms are called so too."""
    return name.count(" ") > 1 and _AND.search(name) is not None


def text_of(cell: str, most: int) -> str:
    """A text on one line, of at most so many characters. Raises: Faulty."""
    if len(cell) > most:
        raise Faulty(Code.TOO_LONG)
    if cell[0] == "@":
        raise Faulty(Code.FORMULA)
    return cell if cell.isprintable() else _spaced(cell)


def lines_of(cell: str, most: int) -> tuple[str, ...]:
    """The lines of a cell of an address or of a field of the letter. Raises: Faulty.

    A quotation mark that is not closed swallows rows: a cell of several lines that holds what belongs to
    somebody else (an address, a number, a separator) is a fault.
    """
    if cell.isprintable():
        return (text_of(cell, most),)
    lines = [each.strip() for each in _LINE_BREAK.split(cell)]
    if len(lines) > 1 and _SOMEBODY_ELSE.search(cell):
        raise Faulty(Code.SEVERAL)
    if len(lines) > _MOST_LINES:
        raise Faulty(Code.SEVERAL)
    return tuple(text_of(each, most) for each in lines if each)


def address_lines_of(cell: str) -> tuple[str, ...]:
    """The lines of a cell of a postal address. Raises: Faulty."""
    if "@" in cell and _AN_ADDRESS.search(cell):
        raise Faulty(Code.SEVERAL)
    return lines_of(cell, _LONGEST_LINE)


# --- e-mail -------------------------------------------------------------------------------------

_LOCAL: Final = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*")
_ONE_CASE: Final = frozenset(CASE_INSENSITIVE_MAILBOX_NAMES)
_LONGEST_LOCAL: Final = 64  # RFC 5321, 4.5.3.1.1
_LONGEST_EMAIL: Final = 254  # RFC 3696, erratum 1690


def email_of(cell: str) -> str:
    """An address as it is written to, its domain in ASCII. Raises: Faulty."""
    local, at, domain = cell.partition("@")
    if not at:
        raise Faulty(Code.EMAIL)
    if "@" in domain:
        raise Faulty(Code.EMAILS)
    if (
        len(cell) <= _LONGEST_EMAIL
        and _LOCAL.fullmatch(local)
        and len(local) <= _LONGEST_LOCAL
        and local.lower() not in _ONE_CASE
    ):
        found = _domain(domain)
        if not found or len(local) + 1 + len(found) > _LONGEST_EMAIL:
            raise Faulty(Code.EMAIL)
        return f"{local}@{found}"
    return _validated(cell)


@lru_cache(maxsize=16_384)
def _domain(domain: str) -> str:
    """A domain in ASCII, or nothing when there can be none of this name."""
    try:
        return _validated(f"a@{domain}")[2:]
    except Faulty:
        return ""


def _validated(address: str) -> str:
    if len(address) > 2 * _LONGEST_EMAIL:
        raise Faulty(Code.EMAIL)
    try:
        found = validate_email(
            address, check_deliverability=False, test_environment=True, allow_smtputf8=False
        )
    except (EmailNotValidError, UnicodeError):
        raise Faulty(Code.EMAIL) from None
    return found.ascii_email or found.normalized


# --- phone --------------------------------------------------------------------------------------

_WITHOUT: Final = dict.fromkeys(map(ord, " ()-./\u00a0\u202f\u2009\u2010\u2011\u2013" + _TURNS))
_DIALLED: Final = re.compile(r"\+?[0-9]{3,20}")
_REWRITTEN: Final = re.compile(r"\d[.,]?\d*E[+-]?\d+|\+?\d{5,}[.,]\d{1,2}", re.IGNORECASE)
_ROUNDED: Final = "000000"  # 4,52E+09 written out again: many people, one number
_TWO: Final = re.compile(r"\d(?:\D*\d){4,}\s*[/,;|&\n]\s*(?:\D?\d){5,}|\+.*\+", re.DOTALL)
_HEADS: Final[dict[str, int]] = words.data()["phones"]["heads"]
_CODES: Final[dict[str, int]] = words.data()["phones"]["codes"]
_ABROAD: Final = {code: 1 + len(code) + digits for code, digits in _CODES.items()}
_LONGEST_PHONE: Final = 60


def phone_of(cell: str, country: str) -> str:
    """A number as E.164; `country` (ISO 3166-1 alpha-2) is where one without a country code is.

    Raises: Faulty, also where a spreadsheet may have lost digits: what is left may be somebody else's.
    """
    plain = _DIALLED.fullmatch(cell)
    dialled = cell if plain else cell.translate(_WITHOUT)
    if len(cell) > _LONGEST_PHONE or not (plain or _DIALLED.fullmatch(dialled)) or dialled.endswith(_ROUNDED):
        raise Faulty(_why_no_number(cell))
    if not plain and ("/" in cell or "." in cell) and (_TWO.search(cell) or _REWRITTEN.fullmatch(cell)):
        raise Faulty(_why_no_number(cell))
    if dialled[:3] == "000":
        raise Faulty(Code.PHONE_DIGITS)
    depth = _HEADS.get(country, 0)
    if depth and dialled[:2] == "00":
        dialled = f"+{dialled[2:]}"
    if dialled[0] == "+":
        depth = _ABROAD.get(dialled[1:3]) or _ABROAD.get(dialled[1:4], 0)
    rule = _rule(dialled[:depth], len(dialled), country) if 0 < depth < len(dialled) else None
    return rule[0] + dialled[rule[1] :] if rule else _parsed(dialled, country)


def _why_no_number(cell: str) -> Code:
    told = cell[:_LONGEST_PHONE].strip()
    digits = told.translate(_WITHOUT)
    if _TWO.search(told):
        return Code.PHONES
    if _REWRITTEN.fullmatch(told) or digits.endswith(_ROUNDED):
        return Code.PHONE_REWRITTEN
    return Code.PHONE_DIGITS if digits.removeprefix("+").isdecimal() else Code.PHONE


@lru_cache(maxsize=32_768)
def _rule(head: str, length: int, country: str) -> tuple[str, int] | None:
    """What stands before, and from which sign on the number follows; None: ask the library each time."""
    sample = head + "2345678912345678"[: length - len(head)]
    try:
        found = _parsed(sample, country)
        code = str(parse(found, None).country_code)
    except (Faulty, NumberParseException):
        return None
    if code not in _CODES:
        return None
    for begins in range(len(head)):
        kept = sample[begins:]
        if found.endswith(kept):
            return found[: -len(kept)], begins
    return None


@lru_cache(maxsize=1024)
def _parsed(dialled: str, country: str) -> str:
    try:
        number = parse(dialled, country)
    except NumberParseException:
        raise Faulty(Code.PHONE_DIGITS) from None
    if is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        raise Faulty(Code.PHONE_DIGITS)
    return format_number(number, PhoneNumberFormat.E164)


# --- words --------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def language_of(cell: str, ours: tuple[str, ...]) -> str:
    """The language of ours that a code, a tag such as da-DK or a word means; nothing for another."""
    told, known = words.plainly(cell[:100]), words.languages(ours)
    return known.get(told) or known.get(told.partition(" ")[0], "")


@lru_cache(maxsize=4096)
def country_of(cell: str) -> str:
    """The country (ISO 3166-1 alpha-2) that a code or a word means. Raises: Faulty."""
    found = words.countries().get(words.plainly(cell[:100]))
    if found is None:
        raise Faulty(Code.COUNTRY)
    return found


@lru_cache(maxsize=4096)
def flag_of(cell: str) -> bool:
    """Yes or no by a word. Raises: Faulty: what is not understood is never taken for a no."""
    found = words.flags().get(words.plainly(cell[:100]))
    if found is None:
        raise Faulty(Code.FLAG)
    return found
