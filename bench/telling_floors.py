"""The least that telling many costs: rows in, and groups to a provider with a durable row for each person.

By the database's driver and one kept connection to the provider, with nothing of the product between:
nothing is normalised, sealed, folded, rendered or written down but what is named here.
"""

import csv
import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import psycopg
import requests
from sqlalchemy import make_url

from foundation.settings import Settings

PART = 5_000  # rows in one transaction, as the product takes them in
GROUP = 1_000
Row = tuple[Any, ...]
TABLES = """
CREATE TABLE IF NOT EXISTS bench_people (
  id INTEGER PRIMARY KEY, uid TEXT UNIQUE, name TEXT NOT NULL, email TEXT NOT NULL, phone TEXT,
  language TEXT);
CREATE TABLE IF NOT EXISTS bench_groups (id INTEGER PRIMARY KEY, state TEXT NOT NULL, claimed TEXT);
CREATE TABLE IF NOT EXISTS bench_told (
  person INTEGER PRIMARY KEY, batch INTEGER NOT NULL, place INTEGER NOT NULL, fate TEXT NOT NULL, at TEXT);
"""
TEXT = "Dear -name-,\n\nyour address was taken from a system of ours.\n" * 8


class Floor(NamedTuple):
    """Seconds that the two parts took."""

    rows: float
    groups: float


def run(url: str, settings: Settings, listed: Path) -> Floor:
    """Take the rows in, then tell them in groups by as many processes as the database bears."""
    here = make_url(url)
    place = f"{here.database}.floor"
    if here.drivername != "sqlite":
        place = here.set(drivername="postgresql").render_as_string(hide_password=False)
    kind = _Sqlite if here.drivername == "sqlite" else _PostgreSQL
    base = kind(place)
    base.make()
    begun = time.perf_counter()
    people = _take_in(base, listed)
    taken = time.perf_counter() - begun
    base.groups(-(-people // GROUP))
    with ProcessPoolExecutor(kind.processes, mp_context=get_context("spawn")) as pool:
        list(pool.map(time.sleep, [0.01] * kind.processes))  # they are up
        begun = time.perf_counter()
        sent = [
            pool.submit(_tell, kind, place, settings.sendgrid_api_base, settings.sendgrid_api_key)
            for _ in range(kind.processes)
        ]
        told = sum(each.result() for each in sent)
        took = time.perf_counter() - begun
    if told != people:
        raise SystemExit(f"The floor told {told} of {people} people.")
    base.drop()
    return Floor(taken, took)


def _take_in(base: "_Sqlite | _PostgreSQL", listed: Path) -> int:
    """Read, check and insert; rows that fail stay out."""
    number = 0
    with listed.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter=";")
        next(rows)
        checked = _checked(rows)
        while part := list(islice(checked, PART)):
            base.people([(number + at, *row) for at, row in enumerate(part)])
            number += len(part)
    return number


def _checked(rows: Iterator[list[str]]) -> Iterator[Row]:
    for row in rows:
        if len(row) != 4:
            continue
        name, email, phone, language = map(str.strip, row)
        if name and email.count("@") == 1 and " " not in email and language in ("da", "nb", "sv", "en"):
            yield uuid4().hex, name, email.lower(), phone, language


def _tell(kind: "type[_Sqlite | _PostgreSQL]", place: str, provider: str, key: str) -> int:
    """Claim a group, hand it over, insert a row for each of its people; until none is left."""
    base, told = kind(place), 0
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {key}"
        session.headers["Content-Type"] = "application/json"
        while (group := base.claim()) is not None:
            people = base.of_group(group)
            answer = session.post(f"{provider}/v3/mail/send", data=_mail(group, people), timeout=30)
            answer.raise_for_status()
            base.told(group, people)
            told += len(people)
    base.close()
    return told


def _mail(group: int, people: Sequence[Row]) -> bytes:
    personal = [
        {
            "to": [{"email": email}], "custom_args": {"a": str(group), "n": str(at)},
            "substitutions": {"-name-": name},
        }
        for at, (_id, email, name) in enumerate(people)
    ]  # fmt: skip
    mail = {
        "personalizations": personal, "from": {"email": "a@b.example"}, "subject": "Data",
        "content": [{"type": "text/plain", "value": TEXT}],
    }  # fmt: skip
    return json.dumps(mail).encode()


class _Sqlite:
    """Durable as the product's own."""

    processes = 1

    def __init__(self, path: str) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None, timeout=60)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            self.connection.execute(f"PRAGMA {pragma}")

    @contextmanager
    def _all_or_none(self) -> Iterator[sqlite3.Connection]:
        self.connection.execute("BEGIN IMMEDIATE")
        yield self.connection
        self.connection.execute("COMMIT")

    def make(self) -> None:
        self.connection.executescript(TABLES)

    def drop(self) -> None:
        for each in ("people", "groups", "told"):
            self.connection.execute(f"DROP TABLE bench_{each}")
        self.close()

    def people(self, rows: Sequence[Row]) -> None:
        with self._all_or_none() as connection:
            connection.executemany("INSERT INTO bench_people VALUES (?, ?, ?, ?, ?, ?)", rows)

    def groups(self, number: int) -> None:
        with self._all_or_none() as connection:
            connection.executemany("INSERT INTO bench_groups VALUES (?, 'pending', NULL)",
                                   [(each,) for each in range(number)])  # fmt: skip

    def claim(self) -> int | None:
        with self._all_or_none() as connection:
            row = connection.execute(
                "UPDATE bench_groups SET state = 'sending', claimed = ? WHERE id = (SELECT id FROM"
                " bench_groups WHERE state = 'pending' ORDER BY id LIMIT 1) RETURNING id", (time.time(),)
            ).fetchone()  # fmt: skip
        return None if row is None else int(row[0])

    def of_group(self, group: int) -> list[Row]:
        return self.connection.execute(
            "SELECT id, email, name FROM bench_people WHERE id >= ? AND id < ?",
            (group * GROUP, (group + 1) * GROUP),
        ).fetchall()

    def told(self, group: int, people: Sequence[Row]) -> None:
        rows = [(each[0], group, at, "accepted", "2026-11-28") for at, each in enumerate(people)]
        with self._all_or_none() as connection:
            connection.executemany("INSERT INTO bench_told VALUES (?, ?, ?, ?, ?)", rows)
            connection.execute("UPDATE bench_groups SET state = 'accepted' WHERE id = ?", (group,))

    def close(self) -> None:
        self.connection.close()


class _PostgreSQL:
    """Rows go in by COPY."""

    processes = 2

    def __init__(self, place: str) -> None:
        self.connection = psycopg.connect(place, autocommit=True)

    def make(self) -> None:
        self.connection.execute(TABLES)

    def drop(self) -> None:
        self.connection.execute("DROP TABLE bench_people, bench_groups, bench_told")
        self.close()

    def _copy(self, table: str, rows: Sequence[Row]) -> None:
        with self.connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def people(self, rows: Sequence[Row]) -> None:
        with self.connection.transaction():
            self._copy("bench_people", rows)

    def groups(self, number: int) -> None:
        self._copy("bench_groups", [(each, "pending", None) for each in range(number)])

    def claim(self) -> int | None:
        row = self.connection.execute(
            "UPDATE bench_groups SET state = 'sending', claimed = now() WHERE id = ANY(ARRAY(SELECT id FROM"
            " bench_groups WHERE state = 'pending' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)) RETURNING id"
        ).fetchone()  # fmt: skip
        return None if row is None else int(row[0])

    def of_group(self, group: int) -> list[Row]:
        return self.connection.execute(
            "SELECT id, email, name FROM bench_people WHERE id >= %s AND id < %s ORDER BY id",
            (group * GROUP, (group + 1) * GROUP),
        ).fetchall()

    def told(self, group: int, people: Sequence[Row]) -> None:
        rows = [(each[0], group, at, "accepted", "2026-11-28") for at, each in enumerate(people)]
        with self.connection.transaction():
            self._copy("bench_told", rows)
            self.connection.execute("UPDATE bench_groups SET state = 'accepted' WHERE id = %s", (group,))

    def close(self) -> None:
        self.connection.close()
