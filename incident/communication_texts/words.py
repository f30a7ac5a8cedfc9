"""What a communication is looked through for, by language: one file each in word_lists/."""

import re
import tomllib
import unicodedata
from functools import cache
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from incident.rules.dated import DatedRow, RuleDataFault, Sentence

FOLDER: Final = Path(__file__).parent / "word_lists"
_BULLET: Final = re.compile(r"(?m)^[^\S\n]*(?:[-–—•*·]|\d{1,2}[.)])\s+")


class WordList(DatedRow):
    """The words of one language; each is explained in word_lists/en.toml."""

    concrete: list[Sentence]
    hollow: list[Sentence]
    advises: list[Sentence]
    nothing: list[Sentence]
    abbreviations: list[Sentence]
    jargon: dict[Sentence, Sentence]


def of(locale: str) -> WordList | None:
    """The words of a language by its code ("da"); None where nobody has written any, never another's.

    Raises: RuleDataFault naming the file and what is wrong in it.
    """
    return _all().get(locale)


@cache
def _all() -> dict[str, WordList]:
    return {file.stem: read(file) for file in sorted(FOLDER.glob("*.toml"))}


def read(file: Path) -> WordList:
    """One file of words. Raises: RuleDataFault naming it and what is wrong in it."""
    try:
        return WordList.model_validate(tomllib.loads(file.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValidationError) as fault:
        raise RuleDataFault([f"{file.name}: {fault}"]) from None


def folded(text: str) -> str:
    """Text as it is compared: one line, small letters, one kind of apostrophe, no bullets."""
    plain = unicodedata.normalize("NFC", _BULLET.sub(" ", text)).replace("\u00ad", "").replace("’", "'")
    return " ".join(plain.casefold().split())
