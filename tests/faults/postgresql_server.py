"""The PostgreSQL server of the test run, to be killed and started again on the same files."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from tests import servers

STARTED: "list[subprocess.Popen[bytes]]" = []  # servers in the place of one that was killed


def stop_started() -> None:
    """End the servers that were started here: at the end of the test run."""
    for process in STARTED:
        process.send_signal(signal.SIGQUIT)
        process.wait(10)


class PostgreSQLServer:
    """Finds the running server by its folder; kills it, and starts it again on its files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.argv: list[str] = []

    def kill(self) -> None:
        """Kill -9 of the server and of everything that serves a connection."""
        pid = int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        self.argv = Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")
        children = _children(pid)
        for each in (pid, *children):
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        servers.wait_for(lambda: not any(_is_running(each) for each in (pid, *children)), "its death")

    def start(self) -> None:
        """Start it again, unless it runs; it goes through its log and answers."""
        if not self.argv:
            return
        for left in ("data/postmaster.pid", ".s.PGSQL.5432.lock"):  # its body is not buried yet
            (self.folder / left).unlink(missing_ok=True)
        user = servers.NOBODY if os.geteuid() == 0 else None
        with (self.folder / "server.log").open("ab") as log:
            process = subprocess.Popen(
                self.argv, user=user, group=user, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}, start_new_session=True,
                preexec_fn=servers.dies_with(os.getpid()),  # noqa: PLW1509
            )  # fmt: skip
        STARTED.append(process)
        self.argv = []
        time.sleep(0.2)
        servers.wait_for(servers.PostgreSQL(self.folder, iter(())).answers, "PostgreSQL")


def _children(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError):
            if int(entry.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(entry.parent.name))
    return found


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
