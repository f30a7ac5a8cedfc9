"""What a text message from a phone means: stop, start, take it, not me, call me, or nothing known.

A code is two letters and at least two digits, so that a thumb changes its keyboard once; those of the
first releases have eight signs and are understood for ever. Words around a code do not matter, but for
those that say no or ask for a call: who writes both a code and a no has not taken anything.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

SIGNS = "23456789CDFGHJKMNPQRTVWXY"  # of codes: nothing that reads like another sign, no words
LETTERS = "CDFGHJKMNPQRTVWXY"
DIGITS = "23456789"
LENGTH = 8  # of references that nobody need type, and of codes of the first releases
SHORTEST = 4  # signs of a code for a text message
LONGEST_CODE = LENGTH - 1
FULL = 4  # of so many codes of a length one is used up: the next ones are longer, so that guessing stays hard
CANDIDATES = 5  # words of one text that are tried as a code
STOP = frozenset({"stop", "stopall", "stopp", "unsubscribe", "end", "quit", "cancel"})
START = frozenset({"start", "unstop"})
YES = frozenset({
    "ok", "okay", "okey", "yes", "y", "ja", "jo", "jepp", "ack", "1", "take", "tag", "ta", "tar", "tager",
    "jeg tager den", "jeg tar den", "jag tar den", "i take it", "tag den", "ta den", "take it", "mine",
})  # fmt: skip
NO = frozenset({
    "nej", "nei", "no", "not", "ikke", "inte", "ej", "cannot", "cant", "can't", "dont", "don't", "pass",
    "nope",
})  # fmt: skip
NOT_ME = frozenset({  # whole texts that say no without a code
    "nej", "nei", "no", "nope", "pass", "kan ikke", "jeg kan ikke", "ikke mig", "ikke meg", "kan inte",
    "jag kan inte", "inte jag", "cannot", "can't", "cant", "i can't", "i cannot", "not me", "i cant",
})  # fmt: skip
CALL_ME = frozenset({
    "ring", "ring mig", "ring meg", "ring til mig", "ring til meg", "ring mig op", "ring meg opp",
    "call", "call me", "phone me",
})  # fmt: skip
CALL = frozenset({"ring", "ringe", "call", "phone", "opkald", "samtale", "ringsamtal"})
LONGEST = 1600  # characters; more is no answer to us
NEW_CODE = re.compile(rf"[{LETTERS}]{{2}}[{DIGITS}]{{{SHORTEST - 2},{LONGEST_CODE - 2}}}")
OLD_CODE = re.compile(rf"[{SIGNS}]{{{LENGTH}}}")


class Meaning(StrEnum):
    """What the sender wants."""

    STOP = "stop"  # no more text messages
    START = "start"  # text messages again
    CODE = "code"  # take the page with this code
    NOT_ME = "not_me"  # the next one, at once
    CALL = "call"  # call me and read it out
    YES = "yes"  # take one, but which?
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reply:
    """What was meant, and every code that the words may hold, whole words first."""

    meaning: Meaning
    codes: tuple[str, ...] = ()


def read(body: str) -> Reply:
    """The meaning of a text. Case, spaces, dashes and words around a code do not matter."""
    text = unicodedata.normalize("NFKC", body[:LONGEST]).replace("’", "'")
    bare = " ".join(text.split()).strip(".!?\"' ").casefold()
    if bare in STOP:
        return Reply(Meaning.STOP)
    if bare in START:
        return Reply(Meaning.START)
    codes = _codes(text.upper())
    words = set(re.findall(r"[\w']+", text.casefold()))
    if (words & NO and codes) or bare in NOT_ME:
        return Reply(Meaning.NOT_ME, codes)
    if (words & CALL and codes) or bare in CALL_ME:
        return Reply(Meaning.CALL, codes)
    if codes:
        return Reply(Meaning.CODE, codes)
    return Reply(Meaning.YES if bare in YES else Meaning.UNKNOWN)


def _codes(text: str) -> tuple[str, ...]:
    """Words that look like a code, alone or as neighbours that make one: "KT 47", "K7Q2-MXPD"."""
    words = re.findall(r"[A-Z0-9]+", text)
    runs = [
        ["".join(words[i : i + length]) for i in range(len(words) - length + 1)]
        for length in range(1, min(LENGTH, len(words)) + 1)
    ]
    found = dict.fromkeys(run for each in runs for run in each if is_code(run))
    return tuple(found)[:CANDIDATES]


def is_code(word: str) -> bool:
    """Whether a word has the form of a code, in capitals."""
    return bool(NEW_CODE.fullmatch(word) or OLD_CODE.fullmatch(word))


def length_after(used: int) -> int:
    """How many signs the next code of a number has that has had `used` of them already."""
    room, length = len(LETTERS) ** 2 * len(DIGITS) ** 2, SHORTEST
    while used * FULL >= room and length < LONGEST_CODE:
        length, room = length + 1, room * len(DIGITS)
    return length
