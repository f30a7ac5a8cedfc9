"""Words that few people use, with plainer ones; hints, which stand in nobody's way."""

import re
from dataclasses import dataclass
from functools import lru_cache

from incident.communication_texts import words
from incident.communication_texts.words import WordList


@dataclass(frozen=True, slots=True)
class Hint:
    """A word as it stands in the text, how often, and what could be said instead."""

    word: str
    times: int
    instead: str


def hints(text: str, locale: str) -> tuple[Hint, ...] | None:
    """The words of a text that can be said more plainly; None where nobody has listed any in its language."""
    known = words.of(locale)
    return None if known is None else hints_by(known, text)


def hints_by(known: WordList, text: str) -> tuple[Hint, ...]:
    """The same by a list of words."""
    plain, found = words.folded(text), []
    for word, instead in known.jargon.items():
        seen = _pattern(words.folded(word)).findall(plain)
        if seen:
            found.append(Hint(seen[0], len(seen), instead))
    return tuple(found)


@lru_cache(maxsize=1024)
def _pattern(word: str) -> re.Pattern[str]:
    ending = r"[\w-]*" if word.endswith("*") else ""
    return re.compile(rf"(?<!\w){re.escape(word.rstrip('*'))}{ending}(?!\w)")
