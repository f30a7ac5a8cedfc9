"""Keeps the processes of an installation running, as an operator's supervisor does, and kills them."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from foundation.processes import dies_with
from tests.faults.crashing import kill_session
from tests.nursery import Born, Nursery, NurseryDiedError

PAUSE = 0.1  # seconds between a death and the next start
HOPELESS = 4  # starts of a process that never came up, until it is given up


class Supervised:
    """One process by its command line, in a session of its own, so that all it starts can be found.

    With a nursery it is born there; without one the command line starts it, as an operator's does.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        environ: Mapping[str, str],
        log: Path,
        nursery: Nursery | None = None,
    ) -> None:
        self.name = name
        self.argv = list(argv)
        self.environ = dict(environ)
        self.log = log
        self.nursery = nursery
        self.holds_port = False
        self.wanted = False
        self.starts = 0
        self.proven = False  # it has been up once, so that its death is a test's doing
        self.process: subprocess.Popen[bytes] | Born | None = None

    def start(self) -> None:
        """Start it and say that it is to run."""
        self.wanted = True
        self.starts += 1
        with self.log.open("ab") as output, Path(os.devnull).open("rb") as nothing:
            if self.nursery:
                files = (nothing.fileno(), output.fileno(), output.fileno())
                self.process = self.nursery.bear(self.argv, self.environ, files)
                return
            self.process = subprocess.Popen(
                self.argv,
                env=self.environ,
                stdin=nothing,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=dies_with(os.getpid()),  # noqa: PLW1509  it calls the kernel and nothing else
            )

    @property
    def pid(self) -> int:
        """Of the process itself, which leads its session."""
        assert self.process is not None, f"{self.name} was never started"
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs, horses and web processes aside."""
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """Kill -9 of it and of everything it started; the supervisor starts it again."""
        kill_session(self.pid)
        self.wait()

    def kill_parent(self) -> None:
        """Kill -9 of it alone: what it started goes on."""
        os.kill(self.pid, signal.SIGKILL)
        self.wait()

    def freeze(self) -> None:
        """Stop it in the middle of what it does."""
        kill_session(self.pid, number=signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on as if no time had passed."""
        kill_session(self.pid, number=signal.SIGCONT)

    def children(self) -> list[int]:
        """What it started: a worker's horse, the web server's processes."""
        found = []
        for entry in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError, ValueError):
                if int(entry.read_text().rpartition(")")[2].split()[1]) == self.pid:
                    found.append(int(entry.parent.name))
        return found

    def wait(self) -> None:
        """Until it is dead."""
        assert self.process is not None
        self.process.wait(10)


class Supervisor:
    """Starts again what died, as `Restart=always` does."""

    def __init__(self) -> None:
        self.minded: dict[str, Supervised] = {}
        self.hopeless: list[str] = []
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._mind, daemon=True)
        self._thread.start()

    def add(self, process: Supervised) -> Supervised:
        """Start a process and mind it."""
        with self._lock:
            process.start()
            self.minded[process.name] = process
        return process

    def rest(self, name: str) -> None:
        """Kill one and leave it dead."""
        with self._lock:
            process = self.minded[name]
            process.wanted = False
            process.thaw()
            process.kill()

    def wake(self, name: str) -> None:
        """Start one that rests."""
        with self._lock:
            if not self.minded[name].alive:
                self.minded[name].start()

    def forget(self, name: str) -> None:
        """Kill one for good."""
        self.rest(name)
        del self.minded[name]

    def stop(self) -> None:
        """Kill everything."""
        self._stop.set()
        self._thread.join()
        for name in list(self.minded):
            self.rest(name)

    def _mind(self) -> None:
        try:
            while not self._stop.wait(0.05):
                self._look()
        except NurseryDiedError as gone:
            self.hopeless.append(f"anything: {gone}")

    def _look(self) -> None:
        with self._lock:
            dead = [each for each in self.minded.values() if each.wanted and not each.alive]
        for each in dead:
            time.sleep(PAUSE)
            with self._lock:
                self._revive(each)

    def _revive(self, each: Supervised) -> None:
        if not each.wanted or each.alive:
            return
        if each.starts >= HOPELESS and not each.proven:
            each.wanted = False
            self.hopeless.append(each.name)
            return
        if each.holds_port:
            kill_session(each.pid)  # what it left behind would keep the next one out
        each.start()
