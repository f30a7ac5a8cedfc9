"""The ledger: written with what it records, whole or visibly broken, never changed in place."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from foundation import ledger
from foundation.database import db, everyone, transaction
from tests.people import Cast

AT = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
CHAIN = "incident/6f9b1c1e-0000-7000-8000-000000000001"


def _write(organisation_id: UUID, *actions: str) -> None:
    with transaction():
        for action in actions:
            ledger.append(CHAIN, action, organisation_id=organisation_id, actor="Astrid", at=AT, note="é")


def _unprotected(statement: str) -> None:
    """What somebody with the database in hand could do: lift the protection, then change."""
    with db.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET session_replication_role = replica"))
        else:
            for row in connection.execute(
                text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            ).all():
                connection.execute(text(f"DROP TRIGGER {row.name}"))
        connection.execute(text(statement))
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET session_replication_role = origin"))


@pytest.fixture(autouse=True)
def _for_everyone(app: Flask):
    with everyone():
        yield


def test_entries_follow_each_other_from_the_first_on(cast: Cast) -> None:
    _write(cast.promark, "first", "second")
    _write(cast.promark, "third")

    entries = ledger.entries(CHAIN)
    assert [(e.number, e.action) for e in entries] == [(1, "first"), (2, "second"), (3, "third")]
    assert [e.previous for e in entries] == [ledger.GENESIS, entries[0].hash, entries[1].hash]
    assert ledger.verify() == []


def _until_the_power_goes(organisation_id: UUID) -> None:
    with transaction():
        ledger.append(CHAIN, "lost", organisation_id=organisation_id, actor="Astrid", at=AT)
        raise RuntimeError("the power goes")


def test_of_two_who_begin_a_chain_at_once_one_follows_the_other(app: Flask, cast: Cast) -> None:
    for chain in (f"{CHAIN[:-2]}{number:02d}" for number in range(20)):
        start = Barrier(2)

        def begin(action: str, chain: str = chain, start: Barrier = start) -> None:
            with app.app_context(), everyone():
                start.wait(20)
                with transaction():
                    ledger.append(chain, action, organisation_id=cast.promark, actor="Astrid", at=AT)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(begin, ("first", "second")))

        db.session.rollback()
        assert [each.number for each in ledger.entries(chain)] == [1, 2]
    assert ledger.verify() == []


def test_what_is_not_committed_is_not_recorded(cast: Cast) -> None:
    with pytest.raises(RuntimeError, match="power"):
        _until_the_power_goes(cast.promark)

    assert ledger.entries(CHAIN) == []


def test_nothing_is_recorded_outside_a_transaction(cast: Cast) -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        ledger.append(CHAIN, "loose", organisation_id=cast.promark, actor="Astrid", at=AT)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entries SET actor = 'nobody'",
        "DELETE FROM ledger_entries",
        "DELETE FROM ledger_heads",
        "UPDATE ledger_heads SET number = 0",
    ],
)
def test_the_database_refuses_to_change_or_forget(cast: Cast, statement: str) -> None:
    _write(cast.promark, "first")

    with pytest.raises(DBAPIError, match="append-only"), db.engine.begin() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        ("UPDATE ledger_entries SET actor = 'nobody' WHERE number = 2", 2),
        ("DELETE FROM ledger_entries WHERE number = 2", 2),
        ("DELETE FROM ledger_entries WHERE number = 3", 3),
        ("DELETE FROM ledger_heads", 4),
    ],
    ids=["content changed", "entry taken out", "end taken off", "head taken off"],
)
def test_whoever_lifts_the_protection_is_found_out(cast: Cast, statement: str, number: int) -> None:
    _write(cast.promark, "first", "second", "third")
    _unprotected(statement)
    db.session.rollback()

    broken = [each for each in ledger.verify() if each.chain == CHAIN]
    assert [each.number for each in broken] == [number]


def test_an_entry_reads_back_as_it_was_hashed_on_this_database(cast: Cast) -> None:
    _write(cast.promark, "first")
    db.session.expire_all()

    (entry,) = ledger.entries(CHAIN)
    assert entry.digest() == entry.hash
    assert entry.at == AT
