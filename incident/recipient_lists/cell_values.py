"""Numbers of a spreadsheet as a person sees them: postcodes with their zeros, dates as dates.

Dates are written as in ISO 8601, which no country reads differently, and numbers with all their digits,
up to the fifteen that a spreadsheet keeps.
"""

import re
from collections.abc import Callable
from datetime import datetime, time
from typing import Final

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_datetime, is_timedelta_format
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel

MOST_EXACT: Final = 10**15  # from here on a spreadsheet has lost digits
Shown = Callable[[str], str]
_NOT_SHOWN: Final = re.compile(r"\[[^\]]*\]|_.|\*.")  # colours and countries, widths, fillings
_PIECES: Final = re.compile(r'"([^"]*)"|\\(.)|([0#?])|(.)')
_PLAIN_SIGNS: Final = frozenset(" -+()/")


def as_shown(code: str, *, mac: bool = False) -> Shown:
    """What makes a stored number what a cell of this number format shows.

    `code` is the format as the file has it; `mac` tells that days are counted from 1904.
    """
    epoch = MAC_EPOCH if mac else WINDOWS_EPOCH
    if is_timedelta_format(code):
        return _duration
    if is_date_format(code):
        kind = is_datetime(code.lower())
        return lambda value: _moment(value, epoch, kind)
    pieces = _digits(code)
    return (lambda value: _filled(value, pieces)) if pieces else number


def builtin(number_format: int) -> str:
    """The code of a number format that no file needs to spell out."""
    return str(BUILTIN_FORMATS.get(number_format, "General"))


def number(value: str) -> str:
    """A number with its digits; one too large to have kept them is written with its exponent."""
    if value.isascii() and value.isdigit() and len(value) <= 15:
        return value
    found = _float(value)
    if found is None:
        return value
    if found.is_integer() and abs(found) < MOST_EXACT:
        return str(int(found))
    return format(found, ".15g").upper()


def _float(value: str) -> float | None:
    try:
        found = float(value)
    except ValueError:
        return None
    return found if abs(found) < float("inf") else None


def _moment(value: str, epoch: datetime, kind: str) -> str:
    days = _float(value)
    try:
        found = None if days is None else from_excel(days, epoch)
    except (OverflowError, ValueError):
        found = None
    if isinstance(found, time):
        return found.isoformat("seconds" if found.second else "minutes") if kind == "time" else number(value)
    if not isinstance(found, datetime):
        return number(value)
    if kind == "date" or found.time() == time():
        return found.date().isoformat()
    return found.isoformat(" ", "seconds" if found.second else "minutes")


def _duration(value: str) -> str:
    days = _float(value)
    if days is None or abs(days) > 1e6:
        return number(value)
    minutes, seconds = divmod(round(abs(days) * 86400), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{'-' if days < 0 else ''}{hours}:{minutes:02}:{seconds:02}"


def _digits(code: str) -> list[tuple[bool, str]]:
    """The places of digits (True) and signs of a format such as `+45 00 00 00 00`; empty for any other."""
    pieces: list[tuple[bool, str]] = []
    for quoted, escaped, digit, sign in _PIECES.findall(_NOT_SHOWN.sub("", code.partition(";")[0])):
        if sign and sign not in _PLAIN_SIGNS:
            return []
        pieces.append((bool(digit), digit or quoted or escaped or sign))
    return pieces if any(is_digit for is_digit, _sign in pieces) else []


def _filled(value: str, pieces: list[tuple[bool, str]]) -> str:
    found = _float(value)
    if found is None or not found.is_integer() or abs(found) >= MOST_EXACT:
        return number(value)
    left = str(abs(int(found)))
    places = sum(is_digit for is_digit, _sign in pieces)
    out: list[str] = []
    for is_digit, sign in reversed(pieces):
        if not is_digit:
            out.append(sign)
            continue
        places -= 1
        digit, left = (left, "") if not places else (left[-1:], left[:-1])
        out.append(digit or {"0": "0"}.get(sign, ""))
    return ("-" if found < 0 else "") + "".join(reversed(out)).strip()
