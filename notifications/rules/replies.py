"""What a text message from a phone means: stop, start, the code of a page, a bare yes, or nothing known."""

import re
from dataclasses import dataclass
from enum import StrEnum

SIGNS = "23456789CDFGHJKMNPQRTVWXY"  # of codes: nothing that reads like another sign, no words
LENGTH = 8
STOP = frozenset({"stop", "stopall", "stopp", "unsubscribe", "end", "quit", "cancel"})
START = frozenset({"start", "unstop"})
YES = frozenset({"ok", "okay", "okey", "yes", "y", "ja", "jo", "jepp", "ack", "1"})
LONGEST = 1600  # characters; more is no answer to us


class Meaning(StrEnum):
    """What the sender wants."""

    STOP = "stop"  # no more text messages
    START = "start"  # text messages again
    CODE = "code"  # take the page with this code
    YES = "yes"  # take one, but which?
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reply:
    """What was meant, and every code that the words may hold, in their order."""

    meaning: Meaning
    codes: tuple[str, ...] = ()


def read(body: str) -> Reply:
    """The meaning of a text. Case, spaces, dashes and words around a code do not matter."""
    text = body[:LONGEST]
    bare = text.strip().strip(".!?\"' ").casefold()
    if bare in STOP:
        return Reply(Meaning.STOP)
    if bare in START:
        return Reply(Meaning.START)
    if codes := _codes(text.upper()):
        return Reply(Meaning.CODE, codes)
    return Reply(Meaning.YES if bare in YES else Meaning.UNKNOWN)


def _codes(text: str) -> tuple[str, ...]:
    """Words that look like a code, alone or as neighbours that make one: "K7Q2 MXPD", "K7Q2-MXPD"."""
    words = re.findall(r"[A-Z0-9]+", text)
    runs = (
        "".join(words[i:j]) for i in range(len(words)) for j in range(i + 1, min(i + LENGTH, len(words)) + 1)
    )
    return tuple(dict.fromkeys(run for run in runs if len(run) == LENGTH and set(run) <= set(SIGNS)))
