"""Numbers under which an organisation is registered, and whether one can be right by its check digit.

Denmark's CVR number: eight digits, weighed 2 7 6 5 4 3 2 1, their sum divisible by 11 (Erhvervsstyrelsen).
Norway's organisasjonsnummer: nine digits, weighed 3 2 7 6 5 4 3 2, the last one makes up for the rest
modulus 11 (Brønnøysundregistrene). Sweden's organisationsnummer: ten digits by Luhn, the third at least 2,
or one begins with 16 and has twelve (Bolagsverket). Of other numbers nothing is known here.
"""

from collections.abc import Callable, Mapping
from typing import Final, Literal, TypeAlias

Wrong: TypeAlias = Literal["digits", "check", "person"]

_DANISH: Final = (2, 7, 6, 5, 4, 3, 2, 1)
_NORWEGIAN: Final = (3, 2, 7, 6, 5, 4, 3, 2, 1)
# What a country calls its number; how it is written in a profile.
KINDS: Final[Mapping[str, str]] = {
    "DK": "CVR", "NO": "organisasjonsnummer", "SE": "organisationsnummer",
}  # fmt: skip


def digits_of(number: str) -> str:
    """The digits of a number as people write it: without blanks, points, dashes, and a country before it."""
    kept = number.strip().upper().removeprefix("DK").removeprefix("NO").removesuffix("MVA")
    for each in " \u00a0\u2009.-\u2010\u2011\u2013":
        kept = kept.replace(each, "")
    return kept


def wrong_with(kind: str, number: str) -> Wrong | None:
    """What cannot be right of a number: how many digits, its check digit, or that it is a person's.

    None where it can be right, and for a kind that is not checked here.
    """
    check = _CHECKS.get(kind.strip().lower())
    return check(digits_of(number)) if check else None


def _weighed(digits: str, weights: tuple[int, ...]) -> Wrong | None:
    if not _are_digits(digits, len(weights)):
        return "digits"
    total = sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))
    return None if total % 11 == 0 and int(digits) else "check"


def _swedish(digits: str) -> Wrong | None:
    if _are_digits(digits, 12) and digits.startswith("16"):
        digits = digits[2:]
    if not _are_digits(digits, 10):
        return "digits"
    if int(digits[2]) < 2:  # a month: the number of a person, as a sole trader has it
        return "person"
    doubled = (int(digit) * (2 - place % 2) for place, digit in enumerate(digits))
    return None if sum(sum(divmod(each, 10)) for each in doubled) % 10 == 0 else "check"


def _are_digits(text: str, count: int) -> bool:
    return len(text) == count and text.isascii() and text.isdigit()


_CHECKS: Final[Mapping[str, Callable[[str], Wrong | None]]] = {
    "cvr": lambda digits: _weighed(digits, _DANISH),
    "organisasjonsnummer": lambda digits: _weighed(digits, _NORWEGIAN),
    "organisationsnummer": _swedish,
}
