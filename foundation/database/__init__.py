"""The database: one Base, UTC instants only, one way to write, and no query without an owner.

Three promises are kept here so that nobody need remember them:

* an instant without a zone is refused before it reaches a column;
* a row is written inside `transaction()` or not at all;
* rows of one organisation are invisible to another, unless system work says `everyone()`.
"""

import fcntl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    JSON,
    Connection,
    CursorResult,
    DateTime,
    Dialect,
    Executable,
    ForeignKey,
    LargeBinary,
    MetaData,
    Table,
    Update,
    Uuid,
    event,
    false,
    func,
    select,
)
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    ORMExecuteState,
    Session,
    mapped_column,
    with_loader_criteria,
)
from sqlalchemy.types import TypeDecorator
from uuid_utils.compat import uuid7

from foundation.database.engines import PATIENCE, WRITE
from foundation.database.engines import engine_options as engine_options
from foundation.database.inserts import Insert, Insertable, insert_into
from foundation.database.inserts import Ready as Ready

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s", "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}  # fmt: skip
AT_END = "rows to be inserted at the end"
OUTSIDE = "Rows are written inside transaction() only, and only edges open one."
_turn = threading.Lock()


class UTCDateTime(TypeDecorator[datetime]):
    """An instant, stored in UTC; SQLite drops offsets, so naive values never get that far."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Into the database."""
        if value is not None and value.tzinfo is None:
            raise ValueError("An instant without a zone cannot be stored: give it one, UTC inside.")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Out of the database."""
        return value and (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC))


class Base(DeclarativeBase):
    """What every table subclasses; plain typed SQLAlchemy."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012  read once by SQLAlchemy, never changed
        datetime: UTCDateTime, UUID: Uuid(), bytes: LargeBinary, dict[str, Any]: JSON, list[Any]: JSON,
    }  # fmt: skip


class Owned:
    """A row that belongs to one organisation; every table of the product says so.

    Most rows are found by what they belong to, so only tables that are listed whole index it.
    """

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))


db = SQLAlchemy(metadata=Base.metadata, session_options={"autoflush": True, "expire_on_commit": False})


def new_id() -> UUID:
    """A UUID version 7 (RFC 9562): sorts by time of making, says nothing about anyone."""
    return uuid7()


# --- time ---------------------------------------------------------------------------------------


class _Clock:
    """The wall clock, and for tests and rehearsals the distance it was moved by."""

    offset = timedelta()
    file: Path | None = None

    def moved(self) -> timedelta:
        try:
            return timedelta(seconds=float(self.file.read_text() or 0)) if self.file else self.offset
        except FileNotFoundError:
            return timedelta()


clock = _Clock()


def utcnow() -> datetime:
    """The present instant in UTC; only edges call it and pass it on as `now`."""
    return datetime.now(UTC) + clock.moved()


def database_now() -> datetime:
    """The database's own clock in UTC: leases and due times of several machines agree on it."""
    if db.engine.dialect.name == "sqlite":
        return utcnow()
    told: datetime = db.session.execute(select(func.clock_timestamp())).scalar_one()
    return told.astimezone(UTC) + clock.moved()


# --- by table -----------------------------------------------------------------------------------


def table_of(model: type[Base]) -> Table:
    """The table of a model, for the few paths where rows go in by table and not one by one."""
    return cast(Table, model.__table__)


def ready(model: type[Base], *given: Mapping[str, Any]) -> Ready:
    """Rows that name the same columns, bound for `insert_ready`: what takes time is done before any lock."""
    return _insert(model, tuple(given[0]), unless_there=False).of(given)


def insert_ready(*those: Insertable) -> None:
    """Insert rows made ready, each kind with one statement, past the unit of work, which costs more.

    Raises: RuntimeError outside a transaction; whatever the database raises.
    """
    connection = _writing()
    for each in those:
        each.insert(connection)


def insert_at_end(*those: Ready) -> None:
    """Insert rows made ready at the end of the transaction, each kind with one statement for all of it.

    Kinds go in as they came first, so what others refer to goes first. Who reads them before calls
    `insert_waiting`. Raises: RuntimeError outside a transaction.
    """
    if not before_commit(insert_waiting):
        raise RuntimeError(OUTSIDE)
    gathered(AT_END).extend(those)


def insert_waiting() -> None:
    """Insert now what was to be inserted at the end."""
    kinds: dict[str, list[dict[str, Any]]] = {}
    for each in gathered(AT_END):
        kinds.setdefault(each.text, []).extend(each.bound)
    gathered(AT_END).clear()
    insert_ready(*(Ready(text, bound) for text, bound in kinds.items()))


def insert_rows(model: type[Base], *given: Mapping[str, Any], unless_there: bool = False) -> None:
    """Insert rows that name the same columns, if there are any; as `insert_ready`.

    With `unless_there` those whose like a unique index holds stay out.
    """
    if given:
        insert_ready(_insert(model, tuple(given[0]), unless_there=unless_there).of(given))


def insert_unless_there(model: type[Base], row: Mapping[str, Any]) -> bool:
    """Insert a row unless a unique index holds its like; says whether it went in. Waits for whoever is at it.

    Raises: RuntimeError outside a transaction.
    """
    return _insert(model, tuple(row), unless_there=True).of((row,)).insert(_writing()) == 1


def _insert(model: type[Base], columns: tuple[str, ...], *, unless_there: bool) -> Insert:
    return insert_into(table_of(model), columns, db.engine.dialect, unless_there=unless_there)


def is_writing() -> bool:
    """Whether a transaction is open in which one may write."""
    return bool(db.session().info.get("writing"))


def _writing() -> Connection:
    connection: Connection | None = db.session().info.get("connection")
    if connection is None:
        raise RuntimeError(OUTSIDE)
    return connection


def rows(statement: Executable, **values: Any) -> "CursorResult[Any]":
    """Execute a statement over tables with these values, past the unit of work and past any scope.

    For the few system paths where it counts, such as a report's; the statement says whose rows it means.
    """
    session = db.session()
    connection: Connection = session.info.get("connection") or session.connection()
    return connection.execute(statement, values)


def changed(statement: Executable) -> int:
    """Execute an update, delete or insert and say how many rows it changed: how a race is decided."""
    options: dict[str, Any] = {"preserve_rowcount": True}  # of an insert it is forgotten otherwise
    if isinstance(statement, Update):
        options["synchronize_session"] = False
    return cast("CursorResult[Any]", db.session.execute(statement, execution_options=options)).rowcount


# --- writing ------------------------------------------------------------------------------------


@contextmanager
def transaction() -> Iterator[Session]:
    """Write all of it or none; commits at the end, then does what `after_commit` was given.

    Edges only. What was read before is read afresh inside, under the write lock on SQLite, so
    nothing is decided on stale rows.

    Raises: RuntimeError when opened inside another one; whatever the database raises on commit.
    """
    session = db.session()
    if session.info.get("writing"):
        raise RuntimeError("A transaction is open already: only the edge opens one.")
    session.rollback()
    session.expire_all()  # an earlier commit leaves rows as they were; here nothing is decided on them
    with _in_turn():
        session.info.update(writing=True, before_commit={}, after_commit={}, gathered={})
        try:
            session.info["connection"] = session.connection(execution_options=WRITE)
            yield session
            for action in session.info["before_commit"]:
                action()
            session.commit()
        except BaseException:
            session.rollback()
            raise
        finally:
            session.info.update(writing=False, connection=None)
    for action in session.info["after_commit"]:
        action()


@contextmanager
def _in_turn() -> Iterator[None]:
    """Wait, on SQLite, until no other process or thread of this machine writes.

    SQLite lets writers nap, ever longer, and look again: under load some nap for seconds. Here they are
    woken at once. The lock goes with its holder, however that ends.
    """
    if db.engine.dialect.name != "sqlite":
        yield
        return
    if not _turn.acquire(timeout=PATIENCE):
        raise OperationalError("BEGIN IMMEDIATE", None, TimeoutError("Others write for too long."))
    try:
        with Path(f"{db.engine.url.database}-turn").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    finally:
        _turn.release()


@contextmanager
def part() -> Iterator[None]:
    """A part of the open transaction that is undone alone when it fails, and raises.

    With its rows goes what it gathered, ledger lines among it, and what was to follow the commit: a
    record of what never happened would be worse than none.
    """
    session = db.session()
    info = session.info
    before, after = dict(info["before_commit"]), dict(info["after_commit"])
    gathered_before = {name: list(lines) for name, lines in info["gathered"].items()}
    try:
        with session.begin_nested():
            session.connection()  # sets the savepoint; rows that go in past the session would not
            yield
    except BaseException:
        info.update(before_commit=before, after_commit=after, gathered=gathered_before)
        raise


def before_commit(action: Callable[[], None]) -> bool:
    """Call this once at the end of the open transaction, as part of it; false when nobody opened one."""
    info = db.session().info
    if not info.get("writing"):
        return False
    info["before_commit"][action] = True
    return True


def gathered(name: str) -> list[Any]:
    """A list that lives as long as the open transaction, for what is written together at its end."""
    found: list[Any] = db.session().info["gathered"].setdefault(name, [])
    return found


def after_commit(action: Callable[[], None]) -> None:
    """Call this once when the open transaction is committed, and never when it is not."""
    db.session().info["after_commit"][action] = True


@event.listens_for(Session, "before_flush")
def _only_inside_a_transaction(session: Session, _context: object, _instances: object) -> None:
    if not session.info.get("writing") and (session.new or session.dirty or session.deleted):
        raise RuntimeError(OUTSIDE)
    scope = _scope.get()
    if isinstance(scope, UUID):
        for row in session.new:
            if isinstance(row, Owned) and row.organisation_id not in (None, scope):
                raise RuntimeError("A row of another organisation was about to be written.")


# --- one organisation at a time -----------------------------------------------------------------


class _Everyone(Enum):
    EVERYONE = "every organisation"


_scope: ContextVar[UUID | _Everyone | None] = ContextVar("scope", default=None)


class ScopeMissing(RuntimeError):
    """A query that did not say for which organisation it asks."""


@contextmanager
def acting_for(organisation_id: UUID) -> Iterator[None]:
    """Queries see rows of this organisation only."""
    token = _scope.set(organisation_id)
    try:
        yield
    finally:
        _scope.reset(token)


@contextmanager
def everyone() -> Iterator[None]:
    """System work over all organisations: jobs, callbacks, signing in. Never a page."""
    token = _scope.set(_Everyone.EVERYONE)
    try:
        yield
    finally:
        _scope.reset(token)


def current_scope() -> UUID | None:
    """The organisation acted for, or None for system work and for none set."""
    scope = _scope.get()
    return scope if isinstance(scope, UUID) else None


@event.listens_for(Session, "do_orm_execute")
def _one_organisation(state: ORMExecuteState) -> None:
    scope = _scope.get()
    if scope is _Everyone.EVERYONE or state.is_column_load:
        return
    if not (state.is_select or state.is_update or state.is_delete):
        return
    if scope is None:
        if any(issubclass(mapper.class_, Owned) for mapper in state.all_mappers):
            raise ScopeMissing("Say acting_for(organisation) or everyone() before asking for rows.")
        criteria = with_loader_criteria(Owned, lambda _cls: false(), include_aliases=True)
    else:
        criteria = with_loader_criteria(Owned, lambda cls: cls.organisation_id == scope, include_aliases=True)
    state.statement = state.statement.options(criteria)


def after_fork() -> None:
    """Drop connections inherited from the parent without closing them under its feet."""
    for engine in db.engines.values():
        engine.dispose(close=False)
