"""Whether a row of digits can be somebody's number: dates within it, check digits, ranges; nothing is kept.

Denmark's CPR number: day, month, year and four digits of which the first tells the century; until October
2007 all were divisible by 11 when weighed, since then some of birthdays on 1 January are not (CPR-kontoret).
Sweden's personnummer and samordningsnummer (day plus 60): Luhn over ten digits (Skatteverket). Norway's
fødselsnummer, D-number (day plus 40) and H-number (month plus 40): two check digits modulus 11 (Skatteetaten,
folkeregisterforskriften section 2-2). Payment cards: Luhn (ISO/IEC 7812). IBAN: modulus 97 (ISO 13616).
"""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Final

_CPR: Final = (4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
_FIRST: Final = (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)
_SECOND: Final = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)


class Kind(StrEnum):
    """What a number or address is."""

    CPR = "cpr"
    PERSONNUMMER = "personnummer"
    SAMORDNINGSNUMMER = "samordningsnummer"  # of people in Sweden who are not registered there
    FODSELSNUMMER = "fodselsnummer"
    D_NUMBER = "d_number"  # of people in Norway who do not live there
    H_NUMBER = "h_number"  # given by a hospital or a firm until the right one is known
    NATIONAL_INSURANCE = "national_insurance"
    CARD = "card"
    IBAN = "iban"
    EMAIL = "email"


def cpr_birthday(digits: str, today: date) -> date | None:
    """The birthday in ten digits as a CPR number has it; None where there is none, or it lies ahead."""
    year, seventh = int(digits[4:6]), int(digits[6])
    if seventh <= 3:
        century = 1900
    elif seventh in {4, 9}:
        century = 2000 if year <= 36 else 1900
    else:
        century = 2000 if year <= 57 else 1800
    return _day(century + year, int(digits[2:4]), int(digits[:2]), today)


def has_cpr_check(digits: str) -> bool:
    """Whether ten digits pass the modulus 11 that all CPR numbers had until 2007."""
    return _weighed(digits, _CPR)


def swedish_kind(digits: str, sign: str, today: date) -> Kind | None:
    """What ten or twelve digits are in Sweden by their date alone; `sign` + means a hundred years or more."""
    ten = digits[-10:]
    day, month = int(ten[4:6]), int(ten[2:4])
    kind = Kind.SAMORDNINGSNUMMER if day > 60 else Kind.PERSONNUMMER
    if len(digits) == 12:
        year = int(digits[:4])
    else:
        year = today.year - (today.year - int(ten[:2])) % 100 - (100 if sign == "+" else 0)
    if year < 1840 or ten[6:9] == "000":
        return None
    return kind if _day(year, month, day % 60 if day > 60 else day, today) else None


def norwegian_kind(digits: str, today: date) -> Kind | None:
    """What eleven digits are in Norway: date, range of the individual number, both check digits."""
    day, month, year, number = int(digits[:2]), int(digits[2:4]), int(digits[4:6]), int(digits[6:9])
    kind = Kind.FODSELSNUMMER
    if day > 40:
        kind, day = Kind.D_NUMBER, day - 40
    elif month > 40:
        kind, month = Kind.H_NUMBER, month - 40
    full = _norwegian_year(year, number)
    if full is None or not _day(full, month, day, today):
        return None
    return kind if _weighed(digits[:10], _FIRST) and _weighed(digits, _SECOND) else None


def _norwegian_year(year: int, number: int) -> int | None:
    if number <= 499:
        return 1900 + year
    if number >= 500 and year <= 39:
        return 2000 + year
    if number >= 900 and year >= 40:
        return 1900 + year
    return 1800 + year if number <= 749 and year >= 54 else None


def has_luhn(digits: str) -> bool:
    """Whether digits pass Luhn's check (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0 and digits.strip("0") != ""


def has_iban_check(signs: str) -> bool:
    """Whether an IBAN in capitals and without blanks passes modulus 97 (ISO 13616)."""
    return int("".join(str(int(sign, 36)) for sign in signs[4:] + signs[:4])) % 97 == 1


def _day(year: int, month: int, day: int, today: date) -> date | None:
    try:
        born = date(year, month, day)
    except ValueError:
        return None
    return born if born <= today else None


def _weighed(digits: str, weights: Sequence[int]) -> bool:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True)) % 11 == 0
