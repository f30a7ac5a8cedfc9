"""The words that lists use, from words.toml and from the names that a library knows."""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

from babel import Locale
from babel.core import get_global

from foundation import locales
from incident.rules.plausibility import known_countries

_PARENTHESES: Final = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_SIGNS: Final = re.compile(r"[\W_]+")
_CAMEL: Final = re.compile(r"(?<=[a-zæøåäö])(?=[A-ZÆØÅÄÖ])")


def plainly(text: str) -> str:
    """A text by which words are compared: small letters, one blank for each run of other signs."""
    told = unicodedata.normalize("NFC", _CAMEL.sub(" ", text)).casefold()
    return _SIGNS.sub(" ", told).strip()


@cache
def data() -> Mapping[str, Any]:
    """words.toml."""
    text = resources.files("incident.recipient_lists").joinpath("words.toml").read_text("utf-8")
    return tomllib.loads(text)


def longest(what: str) -> int:
    """The most characters (or lines) that a cell may have."""
    return int(data()["longest"][what])


@cache
def _columns() -> Mapping[str, tuple[str, int]]:
    found: dict[str, tuple[str, int]] = {}
    for field, names in data()["columns"].items():
        for rank, name in enumerate((*names, field)):
            found.setdefault(_close(plainly(name)), (field, rank))
    return found


def column(header: str) -> tuple[str, int] | None:
    """Our field that a header means, and how far down its list the word stands; None where unknown."""
    told = header[:200]
    for called in (plainly(told), plainly(_PARENTHESES.sub(" ", told))):
        if found := _columns().get(_close(called)) or _columns().get(_close(_without(called))):
            return found
    return None


def _close(told: str) -> str:
    """Without blanks: "e mail adresse" and "emailadresse" are one word."""
    return told.replace(" ", "")


def _without(called: str) -> str:
    """The header without the words that say whose the column is."""
    around = data()["around"]["words"]
    for word in sorted(around, key=len, reverse=True):
        called = called.removeprefix(f"{word} ").removesuffix(f" {word}")
    return called


@cache
def flags() -> Mapping[str, bool]:
    """Words for yes and no."""
    told = data()["flags"]
    return {plainly(word): answer for answer in (True, False) for word in told["yes" if answer else "no"]}


@cache
def languages(ours: tuple[str, ...]) -> Mapping[str, str]:
    """Codes and names of the languages we write in, each with its code (ISO 639-1)."""
    found: dict[str, str] = {}
    for code in ours:
        own = Locale.parse(code)
        names = [each.languages.get(code, "") for each in _readers()]
        names += [own.languages.get(code, ""), *data()["languages"].get(code, ())]
        _add(found, code, (code, *names))
    for other, code in locales.FALLBACKS.items():
        if code in ours:
            _add(found, code, (other, *(each.languages.get(other, "") for each in _readers())))
    return found


@cache
def countries() -> Mapping[str, str]:
    """Codes (ISO 3166-1, two letters or three) and names of countries, each with its two letters."""
    found: dict[str, str] = {}
    for code in sorted(known_countries()):
        _add(found, code, (code, *(each.territories.get(code, "") for each in _readers())))
    for code, names in data()["countries"].items():
        _add(found, code, names)
    for other, codes in get_global("territory_aliases").items():
        if len(other) == 3 and other.isalpha() and len(codes) == 1 and codes[0] in known_countries():
            _add(found, codes[0], (other,))
    return found


def _readers() -> Iterable[Locale]:
    return [Locale.parse(each) for each in locales.LOCALES]


def _add(found: dict[str, str], code: str, names: Iterable[str]) -> None:
    for name in names:
        if told := plainly(name):
            found.setdefault(told, code)
