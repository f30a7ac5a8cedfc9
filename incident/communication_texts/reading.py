"""How hard a text is to read: a figure by the measure of its language, and what the figure means in words.

Lix counts words a sentence and long words; it is made for Swedish and holds for its neighbours. English has
the Automated Readability Index, which counts letters and is the same on every machine. Both are hints.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from tomllib import loads
from typing import Annotated, Final, Literal

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from pydantic import BaseModel, ConfigDict, Field

from incident.communication_texts import words
from incident.rules.dated import DatedRow, RuleDataFault, Sentence, breaks, rows_of

Band = Literal["very_easy", "easy", "medium", "hard", "very_hard"]
FILE: Final = Path(__file__).parent / "reading.toml"
ORDER: Final[tuple[Band, ...]] = ("very_easy", "easy", "medium", "hard", "very_hard")
MEANING: Final[dict[str, LazyString]] = {
    "very_easy": _l("very easy, as a book for children"),
    "easy": _l("easy, as a story or a simple letter"),
    "medium": _l("ordinary, as a newspaper"),
    "hard": _l("hard, as an official report"),
    "very_hard": _l("very hard, as a law or a research paper"),
}
NAMES: Final[dict[str, LazyString]] = {
    "lix": _l("Lix %(figure)s: %(meaning)s."),
    "ari": _l("About %(figure)s years of school (ARI): %(meaning)s."),
}
_WORD: Final = re.compile(r"[^\W_]+(?:[-'.&/][^\W_]+)*")
_STOP: Final = re.compile(r"(?<![.!?:…])([.!?:…]++)[\"')\]»”]*+(?=\s|$)")
_NEAR: Final = 40  # signs looked at before and after a stop
_LONG: Final = 6  # letters; a word with more counts as long in lix


class Step(BaseModel):
    """A band of figures and the one below which it holds; None in the hardest."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    band: Band
    below: int | None = None


class Measure(DatedRow):
    """A measure, the languages it fits, its bands from easy to hard."""

    measure: Literal["lix", "ari"]
    languages: Annotated[list[Sentence], Field(min_length=1)]
    bands: Annotated[list[Step], Field(min_length=1)]
    aim: Band
    enough_words: Annotated[int, Field(gt=0)]

    def band_of(self, figure: float) -> Band:
        """The band that a figure falls into."""
        return next(each.band for each in self.bands if each.below is None or figure < each.below)


@dataclass(frozen=True, slots=True)
class Reading:
    """How hard a text is; `enough` is false where it is so short that the figure says little.

    `hard` is true beyond what a communication should be; `longest` is its longest sentence.
    """

    measure: str
    figure: float
    band: Band
    words: int
    sentences: int
    long_words: int
    enough: bool
    hard: bool
    longest: str

    @property
    def said(self) -> str:
        """Figure and meaning in the language of the page."""
        return str(NAMES[self.measure]) % {"figure": round(self.figure), "meaning": str(MEANING[self.band])}


def measure_of(locale: str, now: datetime) -> Measure | None:
    """The measure for a language now (UTC); None where none is known to fit it. Raises: RuleDataFault."""
    day = now.date()
    return next((row for row in _measures() if locale in row.languages and row.holds_on(day)), None)


@cache
def _measures() -> tuple[Measure, ...]:
    faults: list[str] = []
    rows = rows_of(loads(FILE.read_text("utf-8")).get("measures"), Measure, FILE.name, faults)
    for name in ("lix", "ari"):
        faults += breaks([row for row in rows if row.measure == name], f"{FILE.name}: {name}")
    for row in rows:
        if [each.band for each in row.bands] != list(ORDER) or row.bands[-1].below is not None:
            faults.append(f"{FILE.name}: {row.measure}: five bands from easy to hard, the last without end")
    if faults:
        raise RuleDataFault(faults)
    return tuple(rows)


def read(text: str, locale: str, *, now: datetime) -> Reading | None:
    """How hard a text in a language is; None for no words, or a language that no measure here fits."""
    measure, sentences = measure_of(locale, now), tuple(sentences_of(text, locale))
    found = [_words(each) for each in sentences]
    count = sum(map(len, found))
    if measure is None or not count:
        return None
    letters = sum(sum(map(str.isalnum, word)) for sentence in found for word in sentence)
    long = sum(sum(map(str.isalpha, word)) > _LONG for sentence in found for word in sentence)
    each = count / len(found)
    figure = each + 100 * long / count if measure.measure == "lix" else _ari(letters / count, each)
    band = measure.band_of(figure)
    longest = max(zip(found, sentences, strict=True), key=lambda pair: len(pair[0]))[1]
    return Reading(
        measure.measure, round(figure, 1), band, count, len(found), long, count >= measure.enough_words,
        ORDER.index(band) > ORDER.index(measure.aim), longest,
    )  # fmt: skip


def longest(text: str, locale: str, most: int = 3) -> tuple[str, ...]:
    """The longest sentences of a text, the longest first: what makes it hard, and what to shorten first."""
    found = sorted(sentences_of(text, locale), key=lambda each: -len(_words(each)))
    return tuple(found[:most])


def _ari(letters: float, each: float) -> float:
    """Letters a word and words a sentence as a year of school, never below the first."""
    return max(1.0, 4.71 * letters + 0.5 * each - 21.43)


def _words(sentence: str) -> list[str]:
    """The words of a sentence; a number is none, "e-mail" is one."""
    return [each for each in _WORD.findall(sentence) if any(map(str.isalpha, each))]


def sentences_of(text: str, locale: str) -> Iterator[str]:
    """The sentences of a text that have words in them; addresses of pages and e-mail are left out.

    A line ends a sentence unless the next one goes on in small letters. A full stop does not where a
    small letter follows ("5. maj") or where an abbreviation of the language has it.
    """
    plain = unicodedata.normalize("NFC", text).replace("\u00ad", "").replace("’", "'")
    known = words.of(locale)
    short = {each.casefold() for each in known.abbreviations} if known else set()
    for line in _lines(re.sub(r"\S++", _without_address, plain)):
        begin = 0
        for stop in _STOP.finditer(line):
            if _ends(line, stop, short):
                yield from _said(line[begin : stop.end()])
                begin = stop.end()
        yield from _said(line[begin:])


def _without_address(found: re.Match[str]) -> str:
    """A run of signs, or only the stop after it where it is the address of a page or of e-mail."""
    run = found[0]
    if "://" in run or "@" in run or run.lower().startswith("www."):
        return run[-1] if run[-1] in ".!?:" else ""
    return run


def _lines(text: str) -> list[str]:
    """Lines, put together again where somebody broke a sentence to fit a width."""
    found: list[str] = []
    broken = False
    for line in (each.strip() for each in text.splitlines()):
        if line and line[0].islower() and broken:
            found[-1] += f" {line}"
        elif line:
            found.append(line)
        broken = bool(line)
    return found


def _ends(line: str, stop: re.Match[str], short: set[str]) -> bool:
    mark, after = stop[1], line[stop.end() : stop.end() + _NEAR].lstrip(" \"'(«“–-")
    if "!" in mark or "?" in mark:
        return True
    if after and after[0].islower():
        return False
    last = (line[max(0, stop.end(1) - _NEAR) : stop.end(1)].split() or [""])[-1].casefold().lstrip("(\"'")
    return last not in short and not re.fullmatch(r"[^\W\d_]\.", last)


def _said(sentence: str) -> Iterator[str]:
    text = " ".join(sentence.split())
    if _words(text):
        yield text
