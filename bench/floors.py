"""The least a server can do with a signed report: check it, and as a second floor keep its bytes.

Both run behind the product's own web server with its own settings, and read reports with the product's
own rules. They use the database's driver without anything in between.
"""

import os
import sqlite3
import threading
from collections.abc import Callable
from typing import Any

import psycopg
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import make_url
from standardwebhooks.webhooks import Webhook

from foundation.database import new_id
from incident.rules.facts import parse
from incident.rules.reading import read_json

MAKE = "CREATE TABLE IF NOT EXISTS bench_floor (id TEXT PRIMARY KEY, body {bytes} NOT NULL)"
Insert = Callable[[str, bytes], None]


def validating() -> Flask:
    """The first floor: the signature is checked and the facts are read."""
    return _floor(lambda _id, _body: None)


def inserting() -> Flask:
    """The second floor: besides, the body is inserted and on disk before the answer."""
    url = make_url(os.environ["BREACHCLOCK_DATABASE_URL"])
    return _floor(_Sqlite(str(url.database)) if url.drivername == "sqlite" else _PostgreSQL(url))


def _floor(insert: Insert) -> Flask:
    app = Flask("floor")
    secrets = dict(each.split("=", 1) for each in os.environ["BENCH_SECRETS"].split(" "))

    @app.post("/api/v1/reports/<_endpoint>")
    def receive(_endpoint: str) -> ResponseReturnValue:
        body = request.get_data()
        Webhook(secrets[request.path]).verify(body, dict(request.headers), json_parse=False)
        document: Any = read_json(body)
        parse(document["data"])
        report_id = str(new_id())
        insert(report_id, body)
        return jsonify({"report_id": report_id}), 202

    @app.get("/healthz")
    def health() -> str:
        return "well\n"

    return app


class _Sqlite:
    """Durable as the product's own; writers of a process queue, since SQLite's own waiting is by sleep."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.kept = threading.local()
        self.one_at_a_time = threading.Lock()
        with sqlite3.connect(path) as connection:
            connection.execute(MAKE.format(bytes="BLOB"))

    def _connection(self) -> sqlite3.Connection:
        if not hasattr(self.kept, "connection"):
            self.kept.connection = sqlite3.connect(self.path, isolation_level=None, timeout=15)
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=15000"):
                self.kept.connection.execute(f"PRAGMA {pragma}")
        found: sqlite3.Connection = self.kept.connection
        return found

    def __call__(self, report_id: str, body: bytes) -> None:
        connection = self._connection()
        with self.one_at_a_time:
            connection.execute("INSERT INTO bench_floor VALUES (?, ?)", (report_id, body))


class _PostgreSQL:
    def __init__(self, url: Any) -> None:
        self.where = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self.kept = threading.local()
        with psycopg.connect(self.where) as connection:
            connection.execute(MAKE.format(bytes="BYTEA"))

    def __call__(self, report_id: str, body: bytes) -> None:
        if not hasattr(self.kept, "connection"):
            self.kept.connection = psycopg.connect(self.where, autocommit=True)
        self.kept.connection.execute("INSERT INTO bench_floor VALUES (%s, %s)", (report_id, body))
