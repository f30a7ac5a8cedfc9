"""The database of a run of tests: what stands in it is kept under a name, and put in its place again.

On SQLite that is a copy of a file. On PostgreSQL a copy of a database takes longer than most tests, so rows
are put back into the tables that are there; whoever changed the tables themselves gets a new copy.
"""

import shutil
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Protocol

import psycopg
from psycopg import sql

from tests import servers
from tests.servers import PostgreSQL

TEMPLATE: Final = "template_of_tests"  # what every test begins with
NAME: Final = "breachclock"
AGAIN_AFTER: Final = 200  # rows that were put back leave dead ones behind
_ALONE: Final = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
# Another answer as soon as a table, a column, a trigger, a constraint or a function was made, changed or
# removed: rows of the catalogue have the number of the transaction that wrote them.
_SHAPE: Final = "SELECT (SELECT count(*) FROM pg_class), " + ", ".join(
    f"(SELECT count(*) FROM {each}), (SELECT max(xmin::text::bigint) FROM {each})"
    for each in ("pg_attribute", "pg_trigger", "pg_constraint", "pg_proc", "pg_attrdef")
)


# How many rows of each table were ever inserted, changed or removed.
_WRITTEN: Final = (
    "SELECT relname, pg_stat_get_tuples_inserted(oid) + pg_stat_get_tuples_updated(oid) "
    "+ pg_stat_get_tuples_deleted(oid) FROM pg_class "
    "WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
)


class Databases(Protocol):
    """The database of a run; nobody may be connected while it is kept or put back."""

    url: str

    def keep(self, name: str) -> None:
        """Keep what stands there under this name."""

    def has(self, name: str) -> bool:
        """Whether something is kept under this name."""

    def put_back(self, name: str) -> None:
        """Put in place what is kept under this name."""

    def begin_anew(self) -> None:
        """Put in place what every test begins with."""

    def is_untouched(self) -> bool:
        """Whether nothing was written since then."""


def of(kind: str, folder: Path, stack: ExitStack) -> Databases:
    """The database of a run, "sqlite" or "postgresql"; a server lives as long as `stack`."""
    if kind == "postgresql":
        return OnPostgreSQL(stack.enter_context(servers.postgresql()))
    return OnSQLite(folder)


class OnSQLite:
    """A file and its copies."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / f"{NAME}.sqlite3"
        self.url = f"sqlite:///{self.file}"
        self.begun: list[tuple[int, int]] = []

    def keep(self, name: str) -> None:
        shutil.copy(self.file, self.folder / name)

    def has(self, name: str) -> bool:
        return (self.folder / name).exists()

    def put_back(self, name: str) -> None:
        for each in self._files():
            each.unlink(missing_ok=True)
        shutil.copy(self.folder / name, self.file)

    def begin_anew(self) -> None:
        self.put_back(TEMPLATE)
        self.begun = self._written()

    def is_untouched(self) -> bool:
        return self._written() == self.begun

    def _files(self) -> list[Path]:
        return [self.file, *(Path(f"{self.file}-{ending}") for ending in ("wal", "shm"))]

    def _written(self) -> list[tuple[int, int]]:
        """Sizes and times of the file and of what was written beside it; an empty file is nothing."""
        found = [each.stat() for each in self._files()[:2] if each.exists()]
        return [(each.st_size, each.st_mtime_ns) for each in found if each.st_size]


class OnPostgreSQL:
    """A database, a whole copy of it, and copies of its rows in schemas beside the tables.

    Only tables that somebody wrote to are put back: most tests write to some ten of more than a hundred.
    """

    def __init__(self, server: PostgreSQL) -> None:
        self.server, self.url = server, server.create(NAME)
        self.shape: tuple[object, ...] = ()
        self.kept: dict[str, dict[str, bool]] = {}  # by name: tables that were copied, and whether with rows
        self.stands = TEMPLATE
        self.counted: dict[str, int] = {}
        self.put = 0
        self.begun = ""

    def keep(self, name: str) -> None:
        with self._connected() as connection:
            tables = self._count(connection) if name == TEMPLATE else self._apart(connection)
            self.kept[name] = self._copied(connection, name, tables)
            self._stands(connection, name)
            self.shape = self._shape(connection)
        if name == TEMPLATE:
            self.server.create(TEMPLATE, NAME)

    def has(self, name: str) -> bool:
        return name in self.kept

    def put_back(self, name: str) -> None:
        if not self._rows_are_back(name):
            self._copy_whole()
            if name != TEMPLATE:
                raise LookupError(f"{name} went with the tables it was kept beside")

    def begin_anew(self) -> None:
        self.put += 1
        if self.put % AGAIN_AFTER:
            self.put_back(TEMPLATE)
        else:
            self._copy_whole()
        self.begun = self._written()

    def is_untouched(self) -> bool:
        return self._written() == self.begun

    # --- rows -----------------------------------------------------------------------------------

    def _copied(self, connection: psycopg.Connection, name: str, tables: Iterable[str]) -> dict[str, bool]:
        """Copy the rows of these tables into a schema of this name."""
        schema, found = sql.Identifier(name), {}
        with connection.transaction():
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema))
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
            for each in tables:
                copy = sql.SQL("CREATE TABLE {0}.{1} AS SELECT * FROM public.{1}")
                found[each] = bool(connection.execute(copy.format(schema, sql.Identifier(each))).rowcount)
        return found

    def _rows_are_back(self, name: str) -> bool:
        """Put rows back; false where the tables are not those they were, or somebody holds them."""
        try:
            with self._connected() as connection:
                tables = self._apart(connection)
                if self._shape(connection) != self.shape:
                    return False
                connection.execute("SET lock_timeout = '5s'")
                with connection.transaction():
                    connection.execute(self._back(name, tables | self._differs(name)))
                self._stands(connection, name)
        except psycopg.OperationalError:
            return False
        return True

    def _back(self, name: str, tables: Iterable[str]) -> sql.Composed:
        """How the rows of these tables get back, without waking a trigger."""
        said: list[sql.Composable] = [sql.SQL("SET LOCAL session_replication_role = replica")]
        for each in tables:
            table, whose = sql.Identifier(each), name if each in self.kept[name] else TEMPLATE
            said.append(sql.SQL("DELETE FROM public.{}").format(table))
            if self.kept[whose][each]:
                rows = sql.SQL("INSERT INTO public.{0} SELECT * FROM {1}.{0}")
                said.append(rows.format(table, sql.Identifier(whose)))
        return sql.SQL("; ").join(said)

    def _apart(self, connection: psycopg.Connection) -> set[str]:
        """The tables that may have other rows than those of the template."""
        connection.execute(_ALONE)  # and what they counted is told: a backend tells it before it ends
        now = self._count(connection).items()
        written = {each for each, count in now if count != self.counted.get(each)}
        return written | self._differs(self.stands)

    def _differs(self, name: str) -> set[str]:
        return set() if name == TEMPLATE else set(self.kept[name])

    def _stands(self, connection: psycopg.Connection, name: str) -> None:
        connection.execute("SELECT pg_stat_force_next_flush()")
        self.stands, self.counted = name, self._count(connection)

    def _count(self, connection: psycopg.Connection) -> dict[str, int]:
        return dict(connection.execute(_WRITTEN).fetchall())

    def _copy_whole(self) -> None:
        self.server.drop(NAME)
        self.server.create(NAME, TEMPLATE)
        self.kept = {TEMPLATE: self.kept[TEMPLATE]}
        with self._connected() as connection:
            self._stands(connection, TEMPLATE)
            self.shape = self._shape(connection)

    def _shape(self, connection: psycopg.Connection) -> tuple[object, ...]:
        return connection.execute(_SHAPE).fetchone() or ()

    def _written(self) -> str:
        """The number of the next transaction that writes."""
        with self._connected() as connection:
            found = connection.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text").fetchone()
        return str(found)

    def _connected(self) -> psycopg.Connection:
        return psycopg.connect(f"host={self.server.folder} user=postgres dbname={NAME}", autocommit=True)
