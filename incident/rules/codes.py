"""Codes that people type off a letter: twenty signs in groups of five, safe against slips of hand and eye.

The signs are Crockford's base32 (no I, L, O, U). O is read as 0, I and L as 1; case, blanks and dashes do
not matter. The last sign is a check over GF(32) that finds every single wrong sign and every two
neighbours that changed places. It proves nothing: what a code proves is in the signs before it.
Source: https://www.crockford.com/base32.html
"""

import re
from typing import Final

SIGNS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH: Final = 20
LONGEST: Final = 80  # typed signs that are looked at: more is no code
BITS: Final = 5 * (LENGTH - 1)
_READ: Final = {sign: value for value, sign in enumerate(SIGNS)} | {"O": 0, "I": 1, "L": 1}
_DROPPED: Final = re.compile(r"[\s\-‐‑‒–—−_.,:·]+")
_FIELD: Final = 0b100101  # x^5 + x^2 + 1, which makes 2 a generator of GF(32)


def _powers() -> tuple[int, ...]:
    found, value = [], 1
    for _place in range(31):
        found.append(value)
        value <<= 1
        value ^= _FIELD if value & 32 else 0
    return tuple(found)


_EXP: Final = _powers()
_LOG: Final = {value: place for place, value in enumerate(_EXP)}
# By place and value: the value times 2^(place + 1). Places differ in weight, so neighbours cannot be swapped.
_TIMES: Final = tuple(
    tuple(0 if value == 0 else _EXP[(_LOG[value] + place + 1) % 31] for value in range(32))
    for place in range(LENGTH - 1)
)

# The same two signs at a time, for a million codes: what is printed, and what a pair adds to the check.
_PAIRS: Final = tuple(one + other for one in SIGNS for other in SIGNS)
_OF_PAIRS: Final = tuple(
    tuple(
        _TIMES[place][pair >> 5] ^ (_TIMES[place + 1][pair & 31] if place + 2 < LENGTH else 0)
        for pair in range(1024)
    )
    for place in range(0, LENGTH, 2)
)


def written(number: int) -> str:
    """A number of 95 bits as a code: "8QK2M-0VXRT-…". Raises: ValueError when it is no such number."""
    if not 0 <= number < 1 << BITS:
        raise ValueError("A code holds 95 bits.")
    pairs = [number << 5 >> shift & 1023 for shift in range(90, -1, -10)]
    for table, pair in zip(_OF_PAIRS, pairs, strict=True):
        pairs[-1] ^= table[pair]
    signs = "".join([_PAIRS[pair] for pair in pairs])
    return f"{signs[:5]}-{signs[5:10]}-{signs[10:15]}-{signs[15:]}"


class Slip(ValueError):
    """What was typed is no code: too short, too long, a strange sign, or a slip that the check found."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind  # empty, short, long, sign, check


def read(typed: str) -> int:
    """The number of a code as somebody typed it. Raises: Slip."""
    signs = _DROPPED.sub("", typed[:LONGEST]).upper()
    if not signs:
        raise Slip("empty")
    if any(sign not in _READ for sign in signs):
        raise Slip("sign")
    if len(signs) != LENGTH or len(typed) > LONGEST:
        raise Slip("short" if len(signs) < LENGTH else "long")
    *values, check = (_READ[sign] for sign in signs)
    if _check(values) != check:
        raise Slip("check")
    number = 0
    for value in values:
        number = number << 5 | value
    return number


def _check(values: list[int]) -> int:
    found = 0
    for table, value in zip(_TIMES, values, strict=True):
        found ^= table[value]
    return found
