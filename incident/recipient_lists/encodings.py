"""Which letters the bytes of a text file are, told by the bytes themselves.

What is not certain is shown to a person with a sample of the rows, and they may say otherwise: Mac Roman
is never guessed, since its bytes are letters in Windows-1252 too.
"""

import codecs
import re
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO, Final

ENCODINGS: Final = {
    "utf-8-sig": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32": "UTF-32",
    "cp1252": "Windows-1252",
    "iso8859-15": "ISO-8859-15",
    "mac-roman": "Mac Roman",
}  # the codec, and what it is called on the screen
MARKS: Final = (
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
)
SURE: Final = 10_000  # as many letters beyond ASCII that are right in UTF-8 are no accident
_PIECE: Final = 1 << 20
_WRONG: Final = re.compile("[\udc80-\udcff]")
_BEYOND: Final = re.compile("[^\x00-\x7f]")
# Bytes that Windows-1252 prints and ISO-8859-15 does not.
_WINDOWS: Final = bytes(range(0x80, 0xA0))
# Bytes that are Š š ž Œ œ Ÿ in ISO-8859-15 and signs that no word holds in Windows-1252.
_IN_LATIN_9: Final = b"\xa6\xa8\xb8\xbc\xbd\xbe"
_LATIN_9: Final = re.compile(rb"[A-Za-z\xc0-\xff][\xa6\xa8\xb8\xbc-\xbe]|[\xa6\xa8\xb8\xbc-\xbe][A-Za-z]")


def encoding_of(stream: BinaryIO) -> str:
    """The codec of a text from its beginning; reads as far as it must to be sure, in pieces of 1 MiB.

    UTF-8 with some bytes that are wrong is UTF-8 all the same: its other letters would be lost otherwise.
    """
    stream.seek(0)
    head = stream.read(4096)
    for mark, codec in MARKS:
        if head.startswith(mark):
            return codec
    if codec := without_mark(head):
        return codec
    return "utf-8-sig" if _is_utf_8(stream) else _of_one_byte(stream)


def without_mark(head: bytes) -> str:
    """The codec of UTF-16 that does not say so, by its zeros in every second byte; empty for any other."""
    half = len(head) // 2
    if half and head[1::2].count(0) > half * 0.7 and not head[0::2].count(0):
        return "utf-16-le"
    if half and head[0::2].count(0) > half * 0.7 and not head[1::2].count(0):
        return "utf-16-be"
    return ""


def _is_utf_8(stream: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    right = wrong = 0
    for piece in _pieces(stream):
        text = decoder.decode(piece)
        if text.isascii():
            continue
        bad = len(_WRONG.findall(text))
        wrong += bad
        right += len(_BEYOND.findall(text)) - bad
        if right > SURE and not wrong:
            return True
        if wrong > SURE and (not right or right + wrong > 10 * SURE):
            return right >= wrong
    wrong += len(decoder.decode(b"", final=True))
    return right >= wrong


def _of_one_byte(stream: BinaryIO) -> str:
    latin_9 = False
    for piece in _pieces(stream):
        if _holds(piece, _WINDOWS):
            return "cp1252"
        if not latin_9 and _holds(piece, _IN_LATIN_9):
            latin_9 = _LATIN_9.search(piece) is not None
    return "iso8859-15" if latin_9 else "cp1252"


def _holds(piece: bytes, any_of: bytes) -> bool:
    """Whether any of these bytes is there; a hundred times quicker than a pattern."""
    return len(piece.translate(None, any_of)) != len(piece)


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    stream.seek(0)
    return iter(partial(stream.read, _PIECE), b"")
