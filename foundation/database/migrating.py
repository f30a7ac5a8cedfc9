"""Migrations: brings a database to this release, and says whether it is there."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from foundation.database import db

MIGRATING = 72_1972  # PostgreSQL's advisory lock while one process migrates


def migrate(folder: Path) -> None:
    """Bring the database to the newest migration in `folder`; of several processes one does it."""
    with db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_lock(MIGRATING)))
            connection.commit()
        try:
            command.upgrade(alembic(folder, connection), "head")
            connection.commit()
        finally:
            if connection.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_unlock(MIGRATING)))
                connection.commit()


def is_current(folder: Path) -> bool:
    """Whether the database is at the newest migration in `folder`."""
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == _newest(folder)


@cache
def _newest(folder: Path) -> str | None:
    """The newest migration in a folder, whose files are read once: they come with the release."""
    config = Config()
    config.set_main_option("script_location", str(folder))
    return ScriptDirectory.from_config(config).get_current_head()


def alembic(folder: Path, connection: Connection) -> Config:
    """What Alembic's own commands want to know of the migrations in `folder`."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(folder))
    return config
