"""What processes use, with all that they started: processor time, and memory at its highest."""

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Self

TICKS = os.sysconf("SC_CLK_TCK")
EVERY = 0.1  # seconds between looks


class Watch:
    """Looks at processes and their children while it is entered."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._roots = dict(pids)
        self._seconds: dict[int, float] = {}
        self._before: dict[int, float] = {}
        self._peak: dict[int, int] = {}
        self._of: dict[int, str] = {}
        self._rest = 0.0
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._look()
        self._before = dict(self._seconds)
        self._rest = max((_kibibytes(each, "VmRSS:") for each in self._roots.values()), default=0) / 1024
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()
        self._look()

    @property
    def seconds(self) -> float:
        """Processor time, user and system, since it was entered."""
        return sum(self._seconds.values()) - sum(self._before.values())

    @property
    def mebibytes(self) -> float:
        """The most memory that one of the processes ever had (VmHWM)."""
        return max(self._peak.values(), default=0) / 1024

    @property
    def peaks(self) -> dict[str, float]:
        """The same in MiB by the name of the process, its children counted with it."""
        found: dict[str, float] = {}
        for pid, kibibytes in self._peak.items():
            name = self._of[pid]
            found[name] = max(found.get(name, 0.0), kibibytes / 1024)
        return found

    @property
    def more(self) -> float:
        """How much more, in MiB, that is than the largest of them had when it was entered."""
        return self.mebibytes - self._rest

    def _run(self) -> None:
        while not self._ends.wait(EVERY):
            self._look()

    def _look(self) -> None:
        for pid, name in self._alive().items():
            self._of[pid] = name
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it ended between two looks
            self._seconds[pid] = (int(fields[11]) + int(fields[12])) / TICKS
            self._peak[pid] = max(self._peak.get(pid, 0), _kibibytes(pid, "VmHWM:"))

    def _alive(self) -> dict[int, str]:
        """The processes and all that they started, with the name of whose they are."""
        found = {pid: name for name, pid in self._roots.items()}
        left = list(found)
        while left:
            pid = left.pop()
            try:
                told = Path(f"/proc/{pid}/task/{pid}/children").read_text()
            except OSError:
                continue
            more = {int(each): found[pid] for each in told.split() if int(each) not in found}
            found |= more
            left.extend(more)
        return found


def _kibibytes(pid: int, name: str) -> int:
    """A line of the kernel's account of a process; nothing of one that ended."""
    try:
        told = Path(f"/proc/{pid}/status").read_text().partition(name)[2]
    except OSError:
        return 0
    return int(told.split(maxsplit=1)[0]) if told else 0
