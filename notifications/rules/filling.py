"""Texts with marks for what differs from person to person: ⟦name⟧ in text, ⟦name.html⟧ in HTML.

A value is only ever a value: it can hold no mark, adds no line to a header, and is escaped in HTML. A mark
that nobody fills never reaches a reader: the text is refused instead, before anything is sent.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from html import escape
from typing import Final

OPEN, CLOSE, HTML = "⟦", "⟧", ".html"
SUBJECT, TEXT, HTML_PART = "subject", "text", "html"
_MARK: Final = re.compile(rf"{OPEN}([^{OPEN}{CLOSE}\r\n]{{1,120}}){CLOSE}")
_BRACKETS: Final = str.maketrans({OPEN: "[", CLOSE: "]"})
_ESCAPED: Final = re.compile("[&<>\"']")
_KEPT: Final = frozenset("\n\t")
_UNSAFE: Final = frozenset({"Cc", "Cs"})  # control signs, halves of letters
_BREAKS: Final = re.compile("[\u2028\u2029]")


class Unfillable(ValueError):
    """A text that cannot be filled: a stray bracket, a mark of the wrong kind, or one without a value."""


def marks(content: Mapping[str, str]) -> frozenset[str]:
    """The names that a text wants filled, over its subject, its text and its HTML.

    Raises: Unfillable for a bracket that is no mark, and for a mark that is escaped where it must not be
    or is not where it must.
    """
    found: set[str] = set()
    for part in (SUBJECT, TEXT, HTML_PART):
        for name in _names(content.get(part) or "", part):
            if name.endswith(HTML) is not (part == HTML_PART):
                raise Unfillable(f"{OPEN}{name}{CLOSE} may not stand in the {part}")
            found.add(name.removesuffix(HTML))
    return frozenset(found)


def _names(text: str, part: str) -> list[str]:
    names = _MARK.findall(text)
    if len(names) != text.count(OPEN) or len(names) != text.count(CLOSE):
        raise Unfillable(f"The {part} has a bracket {OPEN} or {CLOSE} that belongs to no mark")
    return names


def lacking(wanted: Iterable[str], values: Mapping[str, str]) -> list[str]:
    """The names that have no value; an empty one is a value."""
    return sorted(name for name in wanted if name not in values)


def plain(value: str) -> str:
    """A value as it may stand in a text: no marks, no control signs but line breaks and tabs."""
    if value.isalnum():
        return value
    if OPEN in value or CLOSE in value:
        value = value.translate(_BRACKETS)
    if "\r" in value:
        value = value.replace("\r\n", "\n").replace("\r", "\n")
    if value.isprintable():
        return value
    return "".join(sign for sign in value if sign in _KEPT or unicodedata.category(sign) not in _UNSAFE)


def line(value: str) -> str:
    """A value as it may stand in a header: on one line."""
    return " ".join(_BREAKS.sub(" ", plain(value)).split())


def substitutions(
    wanted: Iterable[str], values: Mapping[str, str], *, text: bool = True, html: bool = True
) -> dict[str, str]:
    """What stands in for each mark of one person, as SendGrid's `substitutions`: mark to value.

    `text` and `html` say which of the two forms the content uses. Raises: KeyError for a missing value.
    """
    filled: dict[str, str] = {}
    for name in wanted:
        value = plain(values[name])
        if text:
            filled[f"{OPEN}{name}{CLOSE}"] = value
        if html:
            filled[f"{OPEN}{name}{HTML}{CLOSE}"] = escape(value) if _ESCAPED.search(value) else value
    return filled


def subject(text: str, values: Mapping[str, str]) -> str:
    """A subject with its marks filled, on one line. Raises: KeyError for a missing value."""
    return line(_MARK.sub(lambda mark: line(values[mark[1]]), text))


def filled(content: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """A whole content with every mark filled for one person; parts that are no text stay as they are.

    Raises: Unfillable, also when a value is missing.
    """
    if missing := lacking(marks(content), values):
        raise Unfillable(f"There is no value for {', '.join(missing)}")
    done = dict(content)
    if SUBJECT in content:
        done[SUBJECT] = subject(content[SUBJECT], values)
    if TEXT in content:
        done[TEXT] = _MARK.sub(lambda mark: plain(values[mark[1]]), content[TEXT])
    if content.get(HTML_PART):
        done[HTML_PART] = _MARK.sub(
            lambda mark: escape(plain(values[mark[1].removesuffix(HTML)])), content[HTML_PART]
        )
    return done
