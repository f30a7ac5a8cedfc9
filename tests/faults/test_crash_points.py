"""Killed or frozen at a line of the sender, with no queue server at all: the clock repairs it.

The tables are the design's: copies at the provider by the line at which the sender died.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select

from foundation.database import db
from foundation.ledger import Entry
from notifications.models import Stop
from tests.faults import crashing
from tests.faults.crashing import Act, Point
from tests.faults.installation import WORKERS, Installation
from tests.nursery import nursery

pytestmark = pytest.mark.faults

SUBJECT = {
    Point.BEFORE_CLAIM: 1,
    Point.INSIDE_CLAIM: 1,
    Point.BEFORE_FENCE: 1,
    Point.BEFORE_SEND: 1,
    Point.AFTER_SEND: 1,
    Point.INSIDE_RECORD: 1,
    Point.AFTER_RECORD: 1,
}
ONCALL = {**SUBJECT, Point.AFTER_SEND: 2, Point.INSIDE_RECORD: 2}


@contextmanager
def only_horses(product: Installation) -> Iterator[None]:
    """Neither clock nor workers nor queue server, and providers that never call back."""
    for provider in ("twilio", "sendgrid"):
        product.sandbox.call_back(provider, "never")
    for name in ("clock", *WORKERS):
        product.supervisor.rest(name)
    product.queue.kill()
    yield


@contextmanager
def horses(product: Installation, ids: list[UUID]) -> Iterator[None]:
    """A process that forks a sender for each of these; gone at the end, frozen forks too."""
    command = [sys.executable, "-c", "from tests.faults import entry; entry.horses()"]
    (reads, writes), (heard, says) = os.pipe(), os.pipe()
    with (product.logs / "horses.log").open("ab") as log:
        parent = nursery().bear(command, product.environ, (reads, says, log.fileno()))
    os.close(reads)
    os.close(says)
    try:
        with os.fdopen(writes, "wb") as told:
            told.write("".join(f"{each}\n" for each in ids).encode())
        with os.fdopen(heard, "rb") as said:
            assert said.readline() == b"all started\n"
        yield
    finally:
        crashing.kill_session(parent.pid)
        parent.wait(10)


def armed(product: Installation, act: Act, points: list[Point]) -> dict[UUID, tuple[str, Point]]:
    """One message of each kind and channel for each point."""
    made = {}
    for point in points:
        for channel in ("email", "sms"):
            for kind in ("subject", "authority"):
                made[product.notice(channel=channel, kind=kind, crash=point, act=act)] = (kind, point)
        for message_id in product.page(crash=point, act=act).values():
            made[message_id] = ("oncall", point)
    return made


def test_a_sender_killed_at_any_line_loses_nothing_and_tells_no_subject_twice(product: Installation):
    with only_horses(product):
        made = armed(product, Act.KILL_ALONE, list(SUBJECT))
        with horses(product, list(made)):
            for message_id, (_kind, point) in made.items():
                product.wait_for(
                    lambda p=point, m=message_id: crashing.is_spent(product.crashes, p, m), f"{point}"
                )

        product.supervisor.wake("clock")
        product.wait_until_sent(*made)

    copies = product.copies()
    told = {(kind, point, copies[each]) for each, (kind, point) in made.items()}
    expected = {("subject", point, number) for point, number in SUBJECT.items()}
    expected |= {("authority", point, number) for point, number in SUBJECT.items()}
    expected |= {("oncall", point, number) for point, number in ONCALL.items()}
    assert told == expected


def test_a_sender_frozen_past_its_lease_is_refused_by_the_fence(product: Installation):
    copies = frozen_and_thawed(product, Point.BEFORE_FENCE)

    assert copies == {("subject", 1), ("authority", 1), ("oncall", 1)}


def test_a_sender_frozen_behind_the_fence_adds_one_copy_and_is_found_out(product: Installation):
    copies = frozen_and_thawed(product, Point.BEFORE_SEND)

    assert copies == {("subject", 2), ("authority", 2), ("oncall", 2)}
    with product.at_work():
        found_out = select(func.count()).where(Entry.action == "message.duplicate_detected")
        assert db.session.scalar(found_out) == 6
        assert db.session.scalar(select(Stop.id)), "two people told twice stop communications"


def frozen_and_thawed(product: Installation, point: Point) -> set[tuple[str, int]]:
    with only_horses(product):
        made = armed(product, Act.FREEZE, [point])
        if point is Point.BEFORE_SEND:
            product.may_be_twice |= set(made)  # the one exception that the design names and accepts
        with horses(product, list(made)):
            pids = [
                product.wait_for(lambda m=each: crashing.frozen(product.crashes, point, m), "a frozen sender")
                for each in made
            ]
            product.supervisor.wake("clock")
            product.wait_until_sent(*made)
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
            product.wait_for(lambda: not any(map(is_running, pids)), "the end of the thawed senders")
    copies = product.copies()
    return {(kind, copies[each]) for each, (kind, _point) in made.items()}


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # gone before it was opened, or before it was read
        return False
