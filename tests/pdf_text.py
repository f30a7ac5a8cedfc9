"""Reads what is needed of a PDF that typst made: its text page by page, its tags, its metadata.

No more than that: streams packed by deflate, fonts with two bytes a sign and a table to Unicode.
"""

import re
import zlib
from dataclasses import dataclass

_OBJECT = re.compile(rb"(\d+) 0 obj\s(.*?)\sendobj", re.DOTALL)
_STREAM = re.compile(rb"^(.*?)stream\r?\n(.*)\r?\nendstream", re.DOTALL)
_SHOWN = re.compile(
    rb"(?P<mark>/MCID \d+|/Artifact)|(?P<begins>\bBT\b)|[\d.]+ (?P<height>[\d.]+) cm|"
    rb"/(?P<font>\w+) [\d.]+ Tf|<(?P<hex>[0-9A-Fa-f]+)>|"
    rb"\((?P<text>(?:\\.|[^\\()]|\((?:\\.|[^\\()])*\))*)\)",
    re.DOTALL,
)
_PAIR = re.compile(rb"<(\w{4})>\s*<(\w+)>")
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


@dataclass(frozen=True)
class Read:
    """The text of each page as it stands there, line by line; and every object, unpacked."""

    pages: list[str]
    objects: dict[int, bytes]

    @property
    def text(self) -> str:
        """All of it with one space where there was any gap."""
        return " ".join(" ".join(self.pages).split())

    @property
    def tags(self) -> list[str]:
        """The kind of every tag, in no order."""
        joined = b"\n".join(self.objects.values())
        return [
            each.decode() for each in re.findall(rb"/Type\s*/StructElem\b.*?/S\s*/(\w+)", joined, re.DOTALL)
        ]

    @property
    def said(self) -> str:
        """All objects as one text, to look for what must be said of the file or must not."""
        return b"\n".join(self.objects.values()).decode("utf-8", "replace")


def read(data: bytes) -> Read:
    """Read a whole file. Raises: ValueError when it is no PDF."""
    if not data.startswith(b"%PDF-"):
        raise ValueError("This is no PDF.")
    objects = dict(_objects(data))
    pages = [body for _number, body in sorted(objects.items()) if re.search(rb"/Type\s*/Page\b", body)]
    return Read([_page(body, objects) for body in _in_order(pages, objects)], objects)


def _objects(data: bytes):
    for number, body in _OBJECT.findall(data):
        unpacked = _unpacked(body)
        yield int(number), unpacked
        if re.search(rb"/Type\s*/ObjStm", body):
            yield from _inner(body, unpacked)


def _unpacked(body: bytes) -> bytes:
    parts = _STREAM.match(body)
    if parts is None:
        return body
    packed = b"/FlateDecode" in parts[1]
    return parts[1] + b"stream\n" + (zlib.decompressobj().decompress(parts[2]) if packed else parts[2])


def _inner(body: bytes, unpacked: bytes):
    content = unpacked.partition(b"stream\n")[2]
    first = int(re.search(rb"/First (\d+)", body)[1])
    heads = [int(each) for each in content[:first].split()]
    places = [*heads[1::2], len(content) - first]
    for number, start, end in zip(heads[::2], places, places[1:], strict=False):
        yield number, content[first + start : first + end]


def _in_order(pages: list[bytes], objects: dict[int, bytes]) -> list[bytes]:
    numbers = [
        int(each)
        for body in objects.values() if re.search(rb"/Type\s*/Pages\b", body)
        for each in re.findall(rb"(\d+) 0 R", re.search(rb"/Kids\s*\[(.*?)\]", body, re.DOTALL)[1])
    ]  # fmt: skip
    return [objects[number] for number in numbers if objects[number] in pages]


def _page(body: bytes, objects: dict[int, bytes]) -> str:
    content = objects[int(re.search(rb"/Contents\s*\[?\s*(\d+)", body)[1])].partition(b"stream\n")[2]
    tables = _tables(body, objects)
    lines: list[str] = []
    mark = height = at = None
    font: dict[bytes, str] = {}
    for found in _SHOWN.finditer(content):
        mark, height = found["mark"] or mark, found["height"] or height
        if found["begins"] and mark == b"/Artifact":
            at = None
        if found["font"]:
            font = tables.get(found["font"].decode(), {})
        raw = bytes.fromhex(found["hex"].decode()) if found["hex"] else _plain(found["text"] or b"")
        said = "".join(font.get(raw[place : place + 2], "") for place in range(0, len(raw), 2))
        if said and (mark, height) == at:
            lines[-1] += said
        elif said:
            lines.append(said)
            at = mark, height
    return "\n".join(lines)


def _plain(text: bytes) -> bytes:
    def meant(sign: re.Match[bytes]) -> bytes:
        octal = re.fullmatch(rb"[0-7]{1,3}", sign[1])
        return bytes([int(sign[1], 8)]) if octal else _ESCAPES.get(sign[1], sign[1])

    return re.sub(rb"\\([0-7]{1,3}|.)", meant, text, flags=re.DOTALL)


def _tables(body: bytes, objects: dict[int, bytes]) -> dict[str, dict[bytes, str]]:
    resources = re.search(rb"/Resources\s*(\d+) 0 R", body)
    where = objects[int(resources[1])] if resources else body
    fonts = re.search(rb"/Font\s*<<(.*?)>>", where, re.DOTALL) or re.search(rb"/Font\s*(\d+) 0 R", where)
    if fonts is None:  # a page on which nothing stands
        return {}
    listed = objects[int(fonts[1])] if fonts[1].isdigit() else fonts[1]
    found = {}
    for name, number in re.findall(rb"/(\w+)\s+(\d+) 0 R", listed):
        table = re.search(rb"/ToUnicode\s*(\d+) 0 R", objects[int(number)])
        pairs = _PAIR.findall(objects[int(table[1])]) if table else []
        found[name.decode()] = {
            bytes.fromhex(sign.decode()): bytes.fromhex(meant.decode()).decode("utf-16-be")
            for sign, meant in pairs
        }
    return found
