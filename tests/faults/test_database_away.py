"""The database locked, killed, back again: what is acknowledged is kept, and nothing goes twice."""

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.conftest import DATABASE
from tests.faults.crashing import Act, Point
from tests.faults.installation import Installation
from tests.faults.postgresql_server import PostgreSQLServer
from tests.faults.test_reports import Letter, forget, incidents

pytestmark = pytest.mark.faults
on_postgresql = pytest.mark.skipif(DATABASE != "postgresql", reason="PostgreSQL is a server that can be away")
on_sqlite = pytest.mark.skipif(DATABASE == "postgresql", reason="SQLite has one writer at a time")


@contextmanager
def locked(product: Installation) -> Iterator[None]:
    """Another program writes, and does not end."""
    path = product.environ["BREACHCLOCK_DATABASE_URL"].removeprefix("sqlite:///")
    other = sqlite3.connect(path, isolation_level=None, timeout=10)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@on_sqlite
def test_a_report_while_another_program_holds_the_database_is_asked_for_again(product: Installation):
    letter = Letter()

    with locked(product):
        answer = letter.send(product, timeout=60)
    again = letter.send_until_answered(product)

    forget(product)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert again.json()["duplicate"] is False
    assert incidents(product, letter) == 1


@on_sqlite
def test_a_yes_that_cannot_be_recorded_is_not_forgotten(product: Installation):
    """The provider has it while the database is held past the lease: the answer waits in a file.

    Nobody else can tell: there are no receipts, and the provider answers no question.
    """
    product.sandbox.call_back("twilio", "never")
    product.sandbox.fail("twilio", "5xx", times=None, operation="search", status=503)
    notice = product.notice(channel="sms", crash=Point.AFTER_SEND, act=Act.FREEZE)
    thaw = product.wait_until_frozen(Point.AFTER_SEND, notice)
    with locked(product):
        thaw()
        time.sleep(7)

    product.wait_until_sent(notice)
    assert product.copies_of(notice) == 1


@pytest.fixture
def server(product: Installation) -> Iterator[PostgreSQLServer]:
    """The database server, up again at the end."""
    found = PostgreSQLServer(product.databases.server.folder)
    yield found
    found.start()


@on_postgresql
def test_reports_while_the_database_is_away_are_asked_for_again_and_kept_once(product: Installation, server):
    letters = [Letter() for _ in range(8)]
    letters[0].send(product)
    server.kill()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda letter: letter.send(product, timeout=30), letters))
    red = product.faults()
    server.start()
    again = [letter.send_until_answered(product) for letter in letters]

    forget(product)
    assert {(each.status_code, each.headers.get("Retry-After")) for each in answers} == {(503, "30")}
    assert any("database" in each for each in red)
    assert [each.json()["duplicate"] for each in again] == [True] + [False] * 7
    assert [incidents(product, each) for each in letters] == [1] * 8
    product.wait_for(lambda: not product.faults(), "a green light")


@on_postgresql
def test_a_database_killed_with_messages_under_way_loses_none_and_sends_none_twice(
    product: Installation, server
):
    for provider in ("twilio", "sendgrid"):
        product.sandbox.call_back(provider, "never")
    page = product.page()
    notices = [product.notice(channel=("sms", "email")[each % 2]) for each in range(12)]
    held = product.notice(channel="sms", crash=Point.AFTER_SEND, act=Act.FREEZE)
    thaw = product.wait_until_frozen(Point.AFTER_SEND, held)

    server.kill()
    thaw()
    time.sleep(7)
    server.start()

    product.wait_until_sent(held, *notices, *page.values())
    copies = product.copies()
    assert [copies[each] for each in [held, *notices]] == [1] * 13
