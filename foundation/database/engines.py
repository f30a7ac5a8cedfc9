"""What each database needs to be durable and shared; SQLite is told so at every connection."""

from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import Connection

PATIENCE = 15  # seconds that a writer waits for others
WRITE = {"breachclock_write": True}  # how a connection says that it is going to


def engine_options(url: str) -> dict[str, Any]:
    """Options of the engine for this address: what each database needs to be durable and shared."""
    # The connection that was given back last is the next: what it holds in its cache is what was just used,
    # and of those beyond what is needed none holds any.
    every = {"hide_parameters": True, "pool_size": 16, "pool_use_lifo": True}
    if url.startswith("sqlite"):
        return every | {"connect_args": {"timeout": PATIENCE, "check_same_thread": False}}
    limits = "-c lock_timeout=8000 -c statement_timeout=20000 -c idle_in_transaction_session_timeout=30000"
    options = f"-c synchronous_commit=on -c timezone=UTC {limits}"
    kept = {"max_overflow": 4, "pool_timeout": 5, "pool_pre_ping": True}
    return every | kept | {"connect_args": {"connect_timeout": 3, "options": options}}


@event.listens_for(Engine, "connect")
def _durable_sqlite(connection: Any, _record: object) -> None:
    if type(connection).__module__.partition(".")[0] != "sqlite3":
        return
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=15000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@event.listens_for(Engine, "begin")
def _begin(connection: Connection) -> None:
    """Writers take SQLite's write lock at once: a lock upgraded later loses updates."""
    if connection.dialect.name == "sqlite":
        write = WRITE.items() <= connection.get_execution_options().items()
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
