"""How many text messages a text takes, and which sign is to blame where it takes more.

A text whose signs are all in the alphabet of GSM goes as 7 bits a sign; signs of its extension table take
the room of two. One sign outside it, and the whole text goes as UCS-2, where a message has room for less
than half. Source: 3GPP TS 23.038 and 23.040: 160 or 153 places, 70 or 67.
"""

import unicodedata
from dataclasses import dataclass
from typing import Final, Literal

from notifications.rendering import GSM_BASIC, GSM_EXTENDED, gsm

ALONE: Final = {"GSM-7": 160, "UCS-2": 70}
JOINED: Final = {"GSM-7": 153, "UCS-2": 67}  # the rest says which part of the whole it is


@dataclass(frozen=True, slots=True)
class Foreign:
    """A sign that the alphabet of GSM has not: how often, where first (from 1), and what could stand instead.

    `instead` is empty where nothing in the alphabet is like it; `code` is such as "U+2019".
    """

    sign: str
    code: str
    name: str
    times: int
    first: int
    instead: str


@dataclass(frozen=True, slots=True)
class Segments:
    """What a text is as text messages: `used` of the places of `count` messages, `left` in the last one."""

    alphabet: Literal["GSM-7", "UCS-2"]
    count: int
    used: int
    left: int
    doubled: tuple[str, ...]
    foreign: tuple[Foreign, ...]


def of(text: str) -> Segments:
    """Count a text exactly as given; an empty one takes no message.

    A sign of two places is never cut in half: the place before it stays empty and the next message has it.
    """
    foreign = _foreign(text)
    alphabet: Literal["GSM-7", "UCS-2"] = "UCS-2" if foreign else "GSM-7"
    places = [_places(sign, alphabet) for sign in text]
    used = sum(places)
    doubled = tuple(dict.fromkeys(each for each in text if each in GSM_EXTENDED)) if not foreign else ()
    if used <= ALONE[alphabet]:
        return Segments(alphabet, min(used, 1), used, ALONE[alphabet] - used if used else 0, doubled, foreign)
    count, taken, room = 1, 0, JOINED[alphabet]
    for each in places:
        if taken + each > room:
            count, taken = count + 1, 0
        taken += each
    return Segments(alphabet, count, used, room - taken, doubled, foreign)


def _places(sign: str, alphabet: str) -> int:
    if alphabet == "GSM-7":
        return 2 if sign in GSM_EXTENDED else 1
    return 2 if ord(sign) > 0xFFFF else 1


def _foreign(text: str) -> tuple[Foreign, ...]:
    found: dict[str, Foreign] = {}
    for place, sign in enumerate(text, start=1):
        if sign in GSM_BASIC or sign in GSM_EXTENDED:
            continue
        code, known = f"U+{ord(sign):04X}", found.get(sign)
        if known is None:
            instead = gsm(sign)
            like = instead if all(each in GSM_BASIC for each in instead) else ""
            found[sign] = Foreign(sign, code, unicodedata.name(sign, code), 1, place, like)
        else:
            found[sign] = Foreign(sign, code, known.name, known.times + 1, known.first, known.instead)
    return tuple(found.values())
