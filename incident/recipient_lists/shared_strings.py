"""The strings of an XLSX file by their numbers: read no further than asked for, kept outside memory.

A million rows have millions of strings. They are kept in a file without a name, small ones in memory,
encrypted under a key that nobody has beyond this process: people's names and addresses are among them.
"""

import re
from array import array
from bisect import bisect_right
from functools import lru_cache
from tempfile import SpooledTemporaryFile
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from incident.recipient_lists.table_rows import LONGEST_CELL, LOST
from incident.recipient_lists.xml_parts import Attributes, Parts, Pump

IN_MEMORY: Final = 4 << 20  # bytes, before a file is made
_BLOCK: Final = 4096  # bytes that are written and read together
_BLOCKS: Final = 1024  # of them in memory
_BETWEEN: Final = "\0"  # no XML document holds it
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")


class SharedStrings:
    """`strings[7]` is the eighth; `read` of `total` bytes of the part were read so far."""

    def __init__(self, parts: Parts, name: str, *, in_memory: bool = False) -> None:
        """Take the part of that name; an empty name for a file that has none.

        `in_memory` makes no file, whatever the size: for whoever has limited that.
        """
        self.total = parts.size(name)
        self._stream = parts.open(name) if name else None
        self._pump = (
            Pump(self._stream, start=self._start, end=self._end, text=self._text) if self._stream else None
        )
        self._kept = SpooledTemporaryFile(max_size=0 if in_memory else IN_MEMORY)  # noqa: SIM115 - closed with the table
        self._cipher = AESGCM(AESGCM.generate_key(128))
        self._firsts, self._places = array("Q"), array("Q")  # of each block: its first number, its place
        self._end_of_blocks = 0
        self._open: list[str] = []  # the block that is being filled
        self._open_first = self._open_bytes = 0
        self._item: list[str] | None = None
        self._room = 0
        self._wanted = False
        self._phonetic = False
        self._block = lru_cache(_BLOCKS)(self._read_block)

    @property
    def read(self) -> int:
        """Bytes of the part that were read so far."""
        return self._pump.read if self._pump else 0

    def __getitem__(self, number: int) -> str:
        while number >= self._open_first + len(self._open):
            if not (self._pump and self._pump.step()):
                break
        if number >= self._open_first:
            return self._open[number - self._open_first]
        if number < 0:
            raise IndexError
        block = bisect_right(self._firsts, number) - 1
        return self._block(block)[number - self._firsts[block]]

    def _start(self, name: str, _attributes: Attributes) -> None:
        if name == "si":
            self._item, self._room = [], LONGEST_CELL + 1
        elif name == "rPh":
            self._phonetic = True
        elif name == "t":
            self._wanted = self._item is not None and not self._phonetic

    def _text(self, text: str) -> None:
        if self._wanted and self._item is not None and self._room > 0:
            self._item.append(text[: self._room])
            self._room -= len(text)

    def _end(self, name: str) -> None:
        if name == "t":
            self._wanted = False
        elif name == "rPh":
            self._phonetic = False
        elif name == "si" and self._item is not None:
            whole = "".join(self._item)
            self._item = None
            self._open.append(whole)
            self._open_bytes += len(whole) + 1
            if self._open_bytes >= _BLOCK:
                self._put_away()

    def _put_away(self) -> None:
        nonce = len(self._firsts).to_bytes(12)
        block = self._cipher.encrypt(nonce, _BETWEEN.join(self._open).encode(), None)
        self._kept.seek(self._end_of_blocks)
        self._kept.write(block)
        self._firsts.append(self._open_first)
        self._places.append(self._end_of_blocks)
        self._end_of_blocks += len(block)
        self._open_first += len(self._open)
        self._open, self._open_bytes = [], 0

    def _read_block(self, block: int) -> list[str]:
        begins = self._places[block]
        ends = self._places[block + 1] if block + 1 < len(self._places) else self._end_of_blocks
        self._kept.seek(begins)
        whole = self._cipher.decrypt(block.to_bytes(12), self._kept.read(ends - begins), None)
        return whole.decode().split(_BETWEEN)

    def close(self) -> None:
        """Let go of the strings, and of the file they are in."""
        self._block.cache_clear()
        self._kept.close()
        if self._stream:
            self._stream.close()


def unescaped(text: str) -> str:
    """A string with the signs that XML cannot hold, which spreadsheets write as `_x000D_`."""
    return _ESCAPED.sub(_sign, text) if "_x" in text else text


def _sign(found: re.Match[str]) -> str:
    sign = chr(int(found[1], 16))
    return LOST if "\ud800" <= sign <= "\udfff" else sign
