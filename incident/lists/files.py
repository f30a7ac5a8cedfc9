"""Files of people, sealed under the key of their incident while they wait to be read; never plain on disk.

A file is kept in pieces of 64 KiB, each sealed by AES-256-GCM with its number and whether it is the last:
a reader can go to any place, and a file that was cut, or whose pieces were moved, is damaged and not short.
"""

import io
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import current_app
from flask_babel import gettext as _

from foundation.database import new_id
from foundation.errors import Invalid
from foundation.settings import Settings
from incident.lists.keys import NONCE, Damaged, Key, key_of
from incident.models import RecipientList

MOST_BYTES: Final = 2 << 30
MOST_BY_FORM: Final = 32 << 20  # held in memory as it comes
PIECE: Final = 1 << 16
_TAG: Final = 16
_MARK: Final = b"breachclock list"
_HEAD: Final = len(_MARK) + 16  # and the salt of the file's key


class KeptFile(NamedTuple):
    """A file that was kept: the id by which it is found, the hash and size of what was sent."""

    id: UUID
    sha256: str
    bytes: int


def folder() -> Path:
    """Where the files of this installation wait; every process that reads lists must see it."""
    told: Settings = current_app.config["SETTINGS"]
    return told.home / "lists"


def keep(stream: BinaryIO, home: Path, key: Key) -> KeptFile:
    """Seal a stream into a file of this folder: whole and safe on disk when this returns, else not there.

    Raises: Invalid when it is larger than 2 GiB; OSError when the disk is full.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = new_id()
    draft, path = home / f"{made}.part", home / f"{made}.sealed"
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            digest, size = _seal(stream, file, key)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        _sync(home)
    finally:
        draft.unlink(missing_ok=True)
    return KeptFile(made, digest, size)


def _seal(stream: BinaryIO, file: BinaryIO, key: Key) -> tuple[str, int]:
    salt = secrets.token_bytes(_HEAD - len(_MARK))
    cipher, digest, size = key.of_file(salt), sha256(), 0
    file.write(_MARK + salt)
    pieces = _pieces(stream)
    piece = next(pieces, b"")
    number = 0
    while True:
        following = next(pieces, b"")
        digest.update(piece)
        size += len(piece)
        if size > MOST_BYTES:
            raise Invalid(_("The file is larger than 2 GiB."), next_step=_("Split it into several lists."))
        file.write(cipher.encrypt(_nonce(number), piece, _place(number, last=not following)))
        if not following:
            return digest.hexdigest(), size
        piece, number = following, number + 1


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    """The stream in pieces that are all full but the last, however little it gives at a time."""
    gathered = bytearray()
    while read := stream.read(PIECE):
        gathered += read
        while len(gathered) >= PIECE:
            yield bytes(gathered[:PIECE])
            del gathered[:PIECE]
    if gathered:
        yield bytes(gathered)


def _nonce(number: int) -> bytes:
    return number.to_bytes(NONCE, "big")


def _place(number: int, *, last: bool) -> bytes:
    return b"%d last" % number if last else b"%d" % number


def _sync(home: Path) -> None:
    place = os.open(home, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)


class _Pieces(io.RawIOBase):
    """A sealed file as the plain one, read from any place; one piece is in memory."""

    def __init__(self, file: BinaryIO, key: Key) -> None:
        self._file, self._at, self._held, self._piece = file, 0, -1, b""
        sealed = file.seek(0, os.SEEK_END) - _HEAD
        file.seek(0)
        head = file.read(_HEAD)
        if not head.startswith(_MARK) or sealed < _TAG:
            raise Damaged("This is no file of a list.")
        self._cipher: AESGCM = key.of_file(head[len(_MARK) :])
        self._last = (sealed - 1) // (PIECE + _TAG)
        self._size = sealed - _TAG * (self._last + 1)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        begins = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, begins + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if self._at >= self._size:
            return 0
        number, within = divmod(self._at, PIECE)
        given = self._open(number)[within : within + len(buffer)]
        buffer[: len(given)] = given
        self._at += len(given)
        return len(given)

    def _open(self, number: int) -> bytes:
        if number != self._held:
            self._file.seek(_HEAD + number * (PIECE + _TAG))
            sealed = self._file.read(PIECE + _TAG)
            place = _place(number, last=number == self._last)
            try:
                self._piece = self._cipher.decrypt(_nonce(number), sealed, place)
            except (InvalidTag, ValueError):
                raise Damaged("A file of a list was changed on the disk, or is not whole.") from None
            self._held = number
        return self._piece

    def close(self) -> None:
        self._file.close()
        super().close()


def open(kept: RecipientList) -> BinaryIO:  # noqa: A001  the word for it; nobody imports it bare
    """The file of a list, to be read from any place; who opens it closes it.

    Raises: FileNotFoundError when it was removed; Damaged; Forgotten.
    """
    key = key_of(kept.incident_id)
    file = path_of(kept.id).open("rb")
    try:
        return io.BufferedReader(_Pieces(file, key), PIECE)
    except BaseException:
        file.close()
        raise


def path_of(list_id: UUID) -> Path:
    """Where the file of a list is, or was."""
    return folder() / f"{list_id}.sealed"


def remove(kept: RecipientList | UUID) -> None:
    """Remove the file of a list, if it is there; call it after the commit that makes it needless."""
    path_of(kept if isinstance(kept, UUID) else kept.id).unlink(missing_ok=True)


def strays(before: datetime) -> Iterator[UUID]:
    """Files that have been here since before this instant, whether a list has them or not; drafts go."""
    for path in folder().glob("*"):
        with suppress(FileNotFoundError, ValueError):
            if path.stat().st_mtime < before.timestamp():
                if path.suffix == ".part":
                    path.unlink()
                else:
                    yield UUID(path.stem)
