"""The parts of an XLSX file, read as a stream by expat: never whole, never deeper or larger than allowed.

Openpyxl would keep a node for every row and all strings of the file in memory.
"""

import posixpath
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any, BinaryIO, Final
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from flask_babel import gettext as _

from foundation.errors import Invalid

MOST_UNPACKED: Final = 4 << 30  # bytes of one part; a million rows of ten cells are half a GiB
MOST_SMALL: Final = 16 << 20  # bytes of a part that is read whole: styles, names of sheets
MOST_RATIO: Final = 200  # unpacked to packed; rows of a spreadsheet come to 10 to 50
MOST_DIRECTORY: Final = 32 << 20  # bytes of the archive's table of contents
MOST_NAMES: Final = 500  # different names of elements and attributes in one part
DEEPEST: Final = 100
_PIECE: Final = 1 << 16
_TOKEN: Final = 1 << 20  # bytes that one tag may take

Attributes = dict[str, str]


def damaged() -> Invalid:
    """The refusal of a file that breaks off or contradicts itself."""
    return Invalid(
        _("This XLSX file is damaged."),
        next_step=_("Open it in the spreadsheet program, save it again as XLSX or CSV, and send that."),
    )


def too_large() -> Invalid:
    """The refusal of a file that unpacks to more than any list."""
    return Invalid(
        _("This XLSX file unpacks to more than a list of people can be."),
        next_step=_("Copy the rows to a new spreadsheet, save that, or save it as CSV."),
    )


class _Modest:
    """A stream from which nobody reads more than a table of contents at once."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable

    def read(self, size: int = -1) -> bytes:
        """Read `size` bytes. Raises: BadZipFile when that is more than a table of contents may be."""
        if size > MOST_DIRECTORY:
            raise BadZipFile
        return self._stream.read(size if size >= 0 else MOST_DIRECTORY)


class Parts:
    """The archive, by the names of its parts."""

    def __init__(self, stream: BinaryIO) -> None:
        """Take a seekable stream. Raises: Invalid when it is no whole ZIP archive."""
        stream.seek(0)
        try:
            self._zip = ZipFile(_Modest(stream))
        except (BadZipFile, OSError, ValueError, NotImplementedError, UnicodeDecodeError):
            raise damaged() from None
        self._infos = {info.filename.casefold().lstrip("/"): info for info in self._zip.infolist()}

    def __contains__(self, name: str) -> bool:
        return name.casefold() in self._infos

    def size(self, name: str) -> int:
        """Bytes of a part, unpacked; 0 for none."""
        info = self._infos.get(name.casefold())
        return info.file_size if info else 0

    def open(self, name: str, *, most: int = MOST_UNPACKED) -> IO[bytes]:
        """A part to be read as a stream. Raises: Invalid when it is not there or unpacks to too much."""
        info = self._infos.get(name.casefold())
        if info is None or info.flag_bits & 1 or info.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
            raise damaged()
        if info.file_size > most or _is_bomb(info):
            raise too_large()
        try:
            return self._zip.open(info)
        except (BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError):
            raise damaged() from None

    def starts(self, name: str) -> Iterator[tuple[str, str, Attributes]]:
        """The elements of a small part in their order: parent, name and attributes, without namespaces."""
        path: list[str] = [""]
        found: list[tuple[str, str, Attributes]] = []

        def start(tag: str, attributes: Attributes) -> None:
            found.append((path[-1], tag, {local(key): value for key, value in attributes.items()}))
            path.append(tag)

        def end(_tag: str) -> None:
            path.pop()

        with self.open(name, most=MOST_SMALL) as stream:
            pump = Pump(stream, start=start, end=end)
            while pump.step():
                yield from found
                found.clear()
        yield from found

    def related(self, name: str) -> Iterator[tuple[str, str, str]]:
        """What a part refers to: id, the last word of its type, and the name of the part."""
        folder, file = posixpath.split(name)
        relations = posixpath.join(folder, "_rels", f"{file}.rels")
        if relations not in self:
            return
        for _parent, tag, attributes in self.starts(relations):
            target = attributes.get("Target", "")
            if tag == "Relationship" and attributes.get("TargetMode") != "External":
                whole = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
                kind = attributes.get("Type", "").rpartition("/")[2]
                yield attributes.get("Id", ""), kind, posixpath.normpath(whole)

    def close(self) -> None:
        """Close the archive; the stream stays open."""
        self._zip.close()


class Pump:
    """Feeds a part to handlers piece by piece; document types, entities and bottomless depth are refused."""

    def __init__(
        self,
        stream: IO[bytes],
        *,
        start: Callable[[str, Attributes], None],
        end: Callable[[str], None],
        text: Callable[[str], None] | None = None,
    ) -> None:
        self._stream, self._start, self._end = stream, start, end
        self._names: set[str] = set()
        self._depth = 0
        self.read = 0
        self._parser: Any = expat.ParserCreate(None, None, None)
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = _refuse
        self._parser.StartElementHandler = self._starts
        self._parser.EndElementHandler = self._ends
        if text:
            self._parser.CharacterDataHandler = text

    def step(self) -> bool:
        """Read one piece; False when the part is at its end. Raises: Invalid."""
        try:
            piece = self._stream.read(_PIECE)
            self.read += len(piece)
            self._parser.Parse(piece, not piece)
        except (expat.ExpatError, zlib.error, BadZipFile, EOFError, OSError, LookupError):
            raise damaged() from None
        if piece and self.read - self._parser.CurrentByteIndex > _TOKEN:
            raise too_large()
        return bool(piece)

    def _starts(self, name: str, attributes: Attributes) -> None:
        self._names.add(name)
        self._names.update(attributes)
        self._depth += 1
        if self._depth > DEEPEST or len(self._names) > MOST_NAMES:
            raise too_large()
        self._start(local(name), attributes)

    def _ends(self, name: str) -> None:
        self._depth -= 1
        self._end(local(name))


def local(name: str) -> str:
    """A name without the prefix of its namespace."""
    return name.rpartition(":")[2] if ":" in name else name


def _refuse(*_told: object) -> None:
    raise damaged()


def _is_bomb(info: ZipInfo) -> bool:
    return info.file_size > MOST_SMALL and info.file_size > MOST_RATIO * info.compress_size
