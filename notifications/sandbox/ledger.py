"""The ledger of truth: one JSON line for everything that happened, on disk before anybody is told."""

import json
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

Line = dict[str, Any]


class Ledger:
    """Append-only lines under one file; a torn last line, never acknowledged, is cut off at start."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("ab", buffering=0)
        self._write = threading.Lock()
        self._sync = threading.Lock()
        self._written = 0
        self._synced = 0
        self._cut_torn_tail()

    def _cut_torn_tail(self) -> None:
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(self.path, whole)

    def lines(self) -> Iterator[Line]:
        """Every line in the order written; afterwards numbering goes on from the last."""
        with self.path.open("rb") as file:
            for raw in file:
                line: Line = json.loads(raw)
                self._written = self._synced = line["seq"]
                yield line

    def append(self, lines: Sequence[Line], *, durable: bool = True) -> None:
        """Number the lines (`seq`) and write them; with `durable`, return only when they are on disk.

        A line that stands for several takes as many numbers (`count`) and has the last of them.
        """
        with self._write:
            for line in lines:
                self._written += line.get("count", 1)
                line["seq"] = self._written
            self._put(b"".join(_encoded(line) for line in lines))
            last = self._written
        if durable:
            self._wait_for_disk(last)

    def _put(self, content: bytes) -> None:
        before = os.fstat(self._file.fileno()).st_size
        if self._file.write(content) != len(content):
            os.truncate(self.path, before)
            raise OSError(f"{self.path.name} could not take the whole line. Is the disk full?")

    def _wait_for_disk(self, seq: int) -> None:
        """One fsync serves everyone who wrote before it began."""
        with self._sync:
            if self._synced >= seq:
                return
            with self._write:
                reached = self._written
            os.fsync(self._file.fileno())
            self._synced = reached

    def clear(self) -> None:
        """Forget everything (a demo or a test begins anew); numbering goes on."""
        with self._write:
            os.truncate(self.path, 0)
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _encoded(line: Line) -> bytes:
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
