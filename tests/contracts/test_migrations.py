"""Migrations: numbered without gaps, one head, and exactly the tables the code has."""

import re

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask

from foundation.database import Base, db, migrating
from foundation.database.migrating import is_current
from tests.contracts.codebase import ROOT

VERSIONS = ROOT / "migrations" / "versions"


def test_migrations_are_numbered_without_gaps_and_follow_each_other() -> None:
    files = sorted(VERSIONS.glob("*.py"))
    numbers = [file.name[:4] for file in files]

    assert numbers == [f"{n:04d}" for n in range(1, len(files) + 1)]
    before = None
    for file in files:
        text = file.read_text()
        assert re.search(rf'^revision = "{file.name[:4]}"$', text, re.MULTILINE)
        expected = f'"{before}"' if before else "None"
        assert f"down_revision = {expected}" in text
        before = file.name[:4]


def test_the_migrated_database_has_the_tables_of_the_models(app: Flask) -> None:
    assert is_current(app.config["DATA"] / "migrations")
    assert _differences() == []


def test_every_migration_can_be_taken_back_and_brought_up_again(app: Flask) -> None:
    folder = app.config["DATA"] / "migrations"
    db.session.remove()
    with db.engine.connect() as connection:
        config = migrating.alembic(folder, connection)
        for _revision in VERSIONS.glob("*.py"):
            command.downgrade(config, "-1")
            command.upgrade(config, "+1")
            command.downgrade(config, "-1")
            connection.commit()

    migrating.migrate(folder)

    assert is_current(folder)
    assert _differences() == []


def _differences() -> list[object]:
    """How the database differs from the models."""
    with db.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_object": _is_ours}
        )
        return list(compare_metadata(context, Base.metadata))


def _is_ours(_what: object, name: str, *_more: object) -> bool:
    """Whether it is the product's: tests have tables of their own."""
    return not name.startswith("test_")


def test_every_table_belongs_to_an_organisation_or_says_why_not() -> None:
    of_nobody = {
        "organisations",  # is one
        "receipts",  # a provider's word, kept also when it fits nothing of ours
        "circuits",  # the state of a provider's account
        "provider_switches",  # when it changed; the ledger of each organisation has it too
        "beats",  # the clock's
        "code_keys",  # the installation's secret behind every code and signature
        "sending_budgets",  # of a provider, whoever sends by it
        "automatic_answers",  # counted per number, before anybody knows whose it is
    }
    unowned = {
        name
        for name, table in Base.metadata.tables.items()
        if "organisation_id" not in table.columns and _is_ours(table, name)
    }

    assert unowned <= of_nobody
