"""What every page set by typst needs: text as paragraphs of lines, and the signs that no font has.

What people wrote is handed to a template as JSON and set as text: nothing in it is read as markup.
"""

import re
import unicodedata
from typing import Final

# What would turn or hide the signs around it, so that a reader sees other words than were approved.
_TURNS: Final = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_REFUSED: Final = re.compile(r'(?:the text|the codepoint) `"((?:\\.|[^"\\`])+)"`')
_ESCAPED: Final = re.compile(r"\\u\{([0-9a-f]+)\}|\\(.)")
_BREAKS: Final = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")


def paragraphs(text: str) -> list[list[str]]:
    """A text as paragraphs of lines, without the signs that turn others round."""
    plain = _TURNS.sub("", _BREAKS.sub("\n", unicodedata.normalize("NFC", text)))
    parts = re.split(r"\n[ \t]*\n", plain.replace("\t", " ").strip())
    return [[line.strip() for line in part.splitlines() if line.strip()] for part in parts if part.strip()]


def line(text: str) -> str:
    """The same as one line."""
    return " ".join(each for part in paragraphs(text) for each in part)


def strange(diagnostic: str) -> frozenset[str]:
    """The signs that typst says it cannot print, from the text of its error."""
    found = "".join(_ESCAPED.sub(_unescaped, each) for each in _REFUSED.findall(diagnostic))
    return frozenset(found) - frozenset(" \n")


def _unescaped(sign: re.Match[str]) -> str:
    return chr(int(sign[1], 16)) if sign[1] else sign[2]
