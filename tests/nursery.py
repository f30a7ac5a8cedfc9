"""Bears the processes that tests kill: by a fork of one that has loaded the product, in a tenth of the time.

What is asked for is what a command line asks for: `python -c …` or `python -m …`, variables, a folder,
three files. The fork becomes that process and nothing else: it leads a session, has nothing open, nothing
caught and no thread, and ends as the interpreter ends. Only what was imported is older than itself.
"""

import gc
import json
import os
import random
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from foundation.processes import dies_with

ROOT = Path(__file__).parents[1]
NUMBER = struct.Struct("i")
LARGEST = 200_000  # bytes of a command line with its variables


class NurseryDiedError(Exception):
    """The process that bears the others is gone, and all of them with it."""


class Born:
    """A process as its starter sees it; what is here of `subprocess.Popen` is as there."""

    def __init__(self, told: int) -> None:
        self._told = told
        self._lock = threading.Lock()
        self.returncode: int | None = None
        self.pid = self._read()

    def _read(self) -> int:
        number = os.read(self._told, NUMBER.size)
        if not number:
            os.close(self._told)
            raise NurseryDiedError("The nursery of processes died, or was killed.")
        return int(NUMBER.unpack(number)[0])

    def poll(self) -> int | None:
        """What it ended with, a signal as a negative number; None while it runs.

        Raises: NurseryDiedError.
        """
        with self._lock:
            if self.returncode is None and select.select([self._told], [], [], 0)[0]:
                self.returncode = self._read()
                os.close(self._told)
        return self.returncode

    def wait(self, timeout: float) -> int:
        """Until it ends. Raises: TimeoutExpired."""
        end = time.monotonic() + timeout
        while (ended := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(0.005)
        return ended


class Nursery:
    """A process that has everything loaded, unless it is to be `empty`, and does nothing but fork."""

    def __init__(self, *, empty: bool = False) -> None:
        self._ask, asked = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with asked:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.nursery", str(asked.fileno()), "" if empty else "load"],
                cwd=ROOT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                pass_fds=[asked.fileno()],
                start_new_session=True,
                preexec_fn=dies_with(os.getpid()),  # noqa: PLW1509  it calls the kernel and nothing else
            )

    def bear(
        self,
        argv: Sequence[str],
        environ: Mapping[str, str],
        files: tuple[int, int, int],
        *,
        folder: Path = ROOT,
    ) -> Born:
        """Start a process; `files` are what it reads, prints and complains to. Raises: NurseryDiedError."""
        assert argv[0] == sys.executable, f"not a program in Python: {argv[0]}"
        assert argv[1] in ("-c", "-m"), f"no such start is known: {argv[1]}"
        told, telling = os.pipe()
        order = json.dumps({"argv": list(argv), "environ": dict(environ), "folder": str(folder)}).encode()
        assert len(order) < LARGEST, "a longer command line than the nursery reads"
        try:
            socket.send_fds(self._ask, [order], [*files, telling])
        except OSError as trouble:
            os.close(told)
            raise NurseryDiedError("The nursery of processes died, or was killed.") from trouble
        finally:
            os.close(telling)
        return Born(told)

    def close(self) -> None:
        """End it and everything that it bore."""
        self._ask.close()
        self.process.wait(10)


@cache
def nursery() -> Nursery:
    """The nursery of this test run. The kernel ends it with the thread that asked first: the main one."""
    assert threading.current_thread() is threading.main_thread()
    return Nursery()


# --- in the nursery ---------------------------------------------------------------------------------


def _load() -> None:
    """Import all that the processes import, and keep the collector from what stays anyway."""
    import wsgi  # noqa: PLC0415  only the nursery needs it

    for name in (
        *wsgi.BLUEPRINTS, *wsgi.COMMANDS, *(run.rpartition(".")[0] for _, run, *_ in wsgi.recurring()),
        "accounts.sign_in", "foundation.http", "gunicorn.app.wsgiapp", "gunicorn.workers.gthread", "psycopg",
        "sqlalchemy.dialects.postgresql.psycopg", "sqlalchemy.dialects.sqlite.pysqlite", "tests.faults.entry",
    ):  # fmt: skip
        import_module(name)
    gc.collect()
    gc.freeze()


def _serve(asked: socket.socket) -> Callable[[], object] | None:
    """Fork whenever asked, and tell of each end. Returns what to do in a fork, None when tests are over."""
    living: dict[int, tuple[int, int]] = {}  # the process and whom to tell, by what shows its end
    watched = select.poll()
    watched.register(asked, select.POLLIN)
    while True:
        for ready, _ in watched.poll():
            if ready != asked.fileno():
                watched.unregister(ready)
                os.close(ready)
                pid, telling = living.pop(ready)
                _tell(telling, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
                os.close(telling)
                continue
            order, files, *_ = socket.recv_fds(asked, LARGEST, 4)
            if not order:
                return None
            threads = len(list(Path("/proc/self/task").iterdir()))
            assert threads == 1, "a fork of a process with threads is not what a command line starts"
            parent = os.getpid()
            pid = os.fork()
            if pid == 0:
                return _become(json.loads(order), files[:3], parent)
            _tell(files[3], pid)
            for each in files[:3]:
                os.close(each)
            end = os.pidfd_open(pid)
            living[end] = (pid, files[3])
            watched.register(end, select.POLLIN)


def _tell(telling: int, number: int) -> None:
    try:
        os.write(telling, NUMBER.pack(number))
    except BrokenPipeError:  # nobody asks any more
        return


def _become(order: dict[str, Any], files: list[int], parent: int) -> Callable[[], object]:
    """Be the process that was ordered; returns what it does."""
    os.setsid()
    if ask := dies_with(parent):
        ask()
    for number, each in enumerate(files):
        os.dup2(each, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.environ.clear()
    os.environ.update(order["environ"])
    time.tzset()
    os.chdir(order["folder"])
    random.seed()
    kind, what, *rest = order["argv"][1:]
    sys.argv = [kind, *rest]
    if kind == "-m":
        return lambda: runpy.run_module(what, run_name="__main__", alter_sys=True)
    code = compile(what, "<string>", "exec")
    return lambda: exec(code, {"__name__": "__main__"})  # as `python -c` does


def _main() -> None:
    asked = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)  # a shell in the background lets both be ignored
    if sys.argv[2]:
        _load()
    if do := _serve(asked):
        asked.detach()
        do()


if __name__ == "__main__":
    _main()
