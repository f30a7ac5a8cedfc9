"""Reading JSON that a stranger sent: one meaning, or none.

The standard parser is generous: it takes a repeated member's last value, `NaN`, lone surrogates and
nesting without end. Two programs may then read two different reports from the same signed bytes, so
everything of the kind is refused here (RFC 8259 sections 4, 6, 8 and 9, RFC 7493).
"""

import json
import math
import re
from typing import Final, NoReturn

MAX_DEPTH: Final = 64
MAX_DIGITS: Final = 400

# A string that is never closed is taken to the end at once: tried again from each of its quotation marks,
# a mebibyte of them would hold the process for hours.
_STRUCTURE = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
_UNWANTED = re.compile("[\x00\ud800-\udfff]")


class NotJSON(ValueError):
    """The bytes are not JSON that has one meaning; the message says why, without repeating them."""


def read_json(raw: bytes) -> object:
    """Read one JSON document: UTF-8 without a byte order mark, no member twice, numbers finite.

    Raises NotJSON for anything else, also for NUL and lone surrogates in text and for nesting deeper
    than 64, whatever the size of the input. Never raises RecursionError.
    """
    if not raw.strip():
        raise NotJSON("There is nothing to read: the document is empty.")
    if raw.startswith(b"\xef\xbb\xbf"):
        raise NotJSON("The document begins with a byte order mark. Send plain UTF-8.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise NotJSON(f"Byte {fault.start} is not UTF-8.") from None
    _refuse_deep_nesting(raw)
    try:
        document: object = _DECODER.decode(text)
    except json.JSONDecodeError as fault:
        raise NotJSON(f"Not JSON at line {fault.lineno}, column {fault.colno}.") from None
    if "\\u" in text:
        _refuse_unwanted_text(document)
    return document


def text_is_clean(text: str) -> bool:
    """Say whether text can be stored and signed everywhere: neither NUL nor a lone surrogate in it."""
    return _UNWANTED.search(text) is None


def _refuse_deep_nesting(raw: bytes) -> None:
    if raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for token in _STRUCTURE.finditer(raw):
        mark = raw[token.start()]
        if mark in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise NotJSON(f"Nested deeper than {MAX_DEPTH} levels.")
        elif mark in b"]}":
            depth -= 1


def _refuse_unwanted_text(document: object) -> None:
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str) and not text_is_clean(value):
            raise NotJSON("Text holds NUL or half of a surrogate pair.")
        if isinstance(value, dict):
            waiting.extend(value)
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotJSON("An object has the same member twice.")
    return members


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise NotJSON("A number is too great to be read.")
    return value


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise NotJSON("A number is too great to be read.")
    return int(text)


def _refuse_constant(_name: str) -> NoReturn:
    raise NotJSON("NaN and Infinity are not JSON.")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members, parse_float=_finite, parse_int=_integer, parse_constant=_refuse_constant
)
