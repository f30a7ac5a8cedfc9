"""One report becomes a duty and a drafted notice for each of 2,000 customers, on the embedded database.

What the clock does after a report, part by part, each part committed and on disk: duties, the rungs of
their ladders, notices with their own part encrypted, the ledger. The floor inserts as many bare rows, one
for each customer, by the driver alone, in parts of the same size, as durably.
"""

import sqlite3
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from sqlalchemy import func, select

from accounts.models import Organisation
from bench.installation import Installation, installation
from foundation.database import db, everyone, transaction, utcnow
from incident import customers, example, intake, jobs
from incident.controller_notices.fan_out import BATCH
from incident.customer_lists import Contact, Details, Reading
from incident.models import ControllerNotice, Duty, Processor
from incident.rules.facts import parse

MANY = 2000
GOAL = 60.0  # seconds


def run(database: str, *, seconds: float, rounds: int) -> None:
    """Measure and print; fails when a customer has no duty, or no notice."""
    del seconds
    whole, used, floor = [], [], []
    for _ in range(rounds):
        with installation(database) as made:
            seconds_of_all, seconds_of_a_core = _fanned_out(made)
            whole.append(seconds_of_all)
            used.append(seconds_of_a_core)
        floor.append(_bare_rows())
    took, bare = median(whole), median(floor)
    print(
        f"  {took / bare:5.0f} times as many bare rows  {MANY} customers in {took:.1f} s, floor {bare:.2f} s"
    )
    print(f"  {took / GOAL:5.2f} of the goal  slowest round {max(whole):.1f} s, a core {median(used):.1f} s")


def _fanned_out(made: Installation) -> tuple[float, float]:
    """Seconds from the report being in to the last customer's duty and notice, and those of a core."""
    with made.app.app_context(), everyone():
        now = utcnow()
        promark = db.session.scalars(select(Organisation).where(Organisation.key == "promark")).one()
        host = db.session.scalars(select(Processor).where(Processor.name == "NordHost AS")).one()
        listed = tuple(_customer(number, host) for number in range(MANY))
        with transaction():
            customers.take_over(promark.id, Reading(listed, rows=MANY), by="Bench", now=now)
        document = example.first_report(now)
        told = intake.Told(promark.id, document, parse(document), "HostCo ApS", host.serves_id)
        with transaction():
            intake.open_incident(told, now=now)
        start, before = time.perf_counter(), time.process_time()
        jobs.owe_customers()
        took = time.perf_counter() - start, time.process_time() - before
        _check()
        db.session.remove()
        db.engine.dispose()
    return took


def _customer(number: int, host: Processor) -> Details:
    return Details(
        name=f"Customer {number:04} A/S", locale=("da", "nb", "sv", "en")[number % 4], country="DK",
        reference=f"C-{number:05}", agreement="DPA", notice_hours=(None, 24.0, 48.0)[number % 3],
        systems=("Time registration",), processors=(host.id,), categories=("name", "absence"),
        groups=("employees",), people=number,
        contacts=(Contact("Karin Vagt", f"privacy@customer{number}.example", "+4570101010"),),
    )  # fmt: skip


def _check() -> None:
    duties = db.session.scalar(select(func.count()).select_from(Duty).where(Duty.regime == "gdpr-33-2"))
    notices = db.session.scalar(select(func.count()).select_from(ControllerNotice))
    if (duties, notices) != (MANY, MANY):
        raise SystemExit(f"Of {MANY} customers {duties} have a duty, {notices} a notice.")


def _bare_rows() -> float:
    """Seconds to insert as many bare rows in parts of the same size, each part on disk."""
    with TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder, "floor"), isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("CREATE TABLE bare (id TEXT PRIMARY KEY, incident TEXT, recipient TEXT, due TEXT)")
        start = time.perf_counter()
        for first in range(0, MANY, BATCH):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                "INSERT INTO bare VALUES (?, 'incident', ?, '2026-10-06')",
                [(f"{number:036}", f"customer/{number:036}") for number in range(first, first + BATCH)],
            )
            connection.execute("COMMIT")
        took = time.perf_counter() - start
        connection.close()
    return took
