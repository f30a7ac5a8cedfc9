"""A postal address as the lines that a country writes, or what is wrong with it."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from tomllib import loads
from typing import Any, Final

from foundation import locales
from incident import typesetting

DATA: Final = "addresses.toml"
NEEDED: Final = ("name", "line1", "city")
PARTS: Final = ("name", "line1", "line2", "postcode", "city")
LONGEST: Final = 200  # signs of one part; no window shows more, and setting them only to see takes long
_STREET: Final = frozenset({"name", "line1", "line2"})


@dataclass(frozen=True, slots=True)
class Address:
    """Where a letter goes; `country` by ISO 3166-1 alpha-2, empty for the country it is sent from."""

    name: str
    line1: str
    postcode: str
    city: str
    line2: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an address; one that is `whole` may not be broken into two."""

    text: str
    whole: bool


@dataclass(frozen=True, slots=True)
class Format:
    """How a country writes an address; without a pattern any postcode, or none, will do."""

    lines: tuple[str, ...]
    postcode: re.Pattern[str] | None = None
    capitals: frozenset[str] = field(default_factory=frozenset)


class Unusable(ValueError):
    """An address that cannot be written; `code` says why and `part` where."""

    def __init__(self, code: str, part: str) -> None:
        super().__init__(f"{code}: {part}")
        self.code, self.part = code, part


def lines_of(address: Address, *, sent_from: str, locale: str) -> tuple[Line, ...]:
    """The lines of an address as its country writes them, the country in capitals where it is abroad.

    `sent_from` is the country it is posted in, `locale` the language spoken there. Raises: Unusable.
    """
    country = (address.country.strip() or sent_from).upper()
    if not re.fullmatch("[A-Z]{2}", country) or locales.country(country, locale) == country:
        raise Unusable("no_such_country", "country")
    written = format_of(country)
    told = {part: _told(getattr(address, part), part) for part in PARTS}
    told["postcode"] = _postcode(told["postcode"], country, written)
    for part in NEEDED:
        if not told[part]:
            raise Unusable("missing", part)
    told |= {part: told[part].upper() for part in written.capitals}
    return tuple(_lines(told, written, country, sent_from, locale))


def _lines(
    told: dict[str, str], written: Format, country: str, sent_from: str, locale: str
) -> Iterator[Line]:
    for pattern in written.lines:
        text = " ".join(pattern.format(**told).split())
        if text:
            yield Line(text, whole=not any(f"{{{part}}}" in pattern for part in _STREET))
    if country != sent_from.upper():
        yield Line(locales.country(country, locale).upper(), whole=True)


def _told(text: str, part: str) -> str:
    """One part as one line. A line break in it may hide a second address, and is no part of a name."""
    plain = text.strip()
    if any(unicodedata.category(sign) in ("Cc", "Zl", "Zp") for sign in plain.replace("\t", " ")):
        raise Unusable("line_break", part)
    if len(plain) > LONGEST:
        raise Unusable("too_wide", part)
    return typesetting.line(plain)


def _postcode(told: str, country: str, written: Format) -> str:
    if written.postcode is None:
        return told
    if not told:
        raise Unusable("missing", "postcode")
    plain = re.sub(r"[\s.-]", "", told.upper()).removeprefix(country)
    found = written.postcode.fullmatch(plain)
    if found is None:
        raise Unusable("postcode", "postcode")
    return " ".join(found.groups())


def format_of(country: str) -> Format:
    """How a country (ISO 3166-1 alpha-2, capitals) writes an address; as most do where no row says it."""
    return _formats().get(country) or _formats()[""]


@cache
def _formats() -> dict[str, Format]:
    data = loads(files("incident.letter_runs").joinpath(DATA).read_text("utf-8"))
    found = {"": _format(data["other"])}
    for row in data["format"]:
        found |= dict.fromkeys(row["countries"], _format(row))
    return found


def _format(row: dict[str, Any]) -> Format:
    pattern = re.compile(row["postcode"], re.ASCII) if "postcode" in row else None
    return Format(tuple(row["lines"]), pattern, frozenset(row.get("capitals", ())))
