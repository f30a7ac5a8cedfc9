"""The whole story, made twice by impatient people and machines; and followed by a reader of everything
that is written down outside the database's encrypted columns.
"""

import io
import logging
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
import structlog
from flask import Flask
from sqlalchemy import select

from foundation import logs
from foundation.database import db, everyone
from foundation.ledger import Entry
from tests import people
from tests.story.driver import ELLEN, ELLENS_PHONE, KAREN, LIST, SVEN, Story

pytestmark = pytest.mark.story
CANARY_ROW = "Zzcanary Qvist;zzcanary.qvist@canary.example;+44 7700 900154;English\r\n"
CANARIES = ("zzcanary", "qvist", "canary.example", "7700900154", "7700 900154", "moller", "møller", "aberg")
IN_FACTS = "Zzcanary Qvist was on sick leave."


@pytest.fixture
def written() -> Iterator[Callable[[], str]]:
    """Everything that is logged while the test runs, as it would stand on standard error."""
    root = logging.getLogger()
    before = root.handlers, root.level, sys.excepthook, threading.excepthook
    configured = structlog.get_config()  # the app that other tests share logs by it
    stream = io.StringIO()
    logs.init(stream, process="web")
    yield stream.getvalue
    root.handlers, sys.excepthook, threading.excepthook = before[0], before[2], before[3]
    root.setLevel(before[1])
    logging.captureWarnings(capture=False)
    structlog.configure(**configured)


def test_when_every_request_is_made_twice_nobody_is_told_twice(impatient: Story) -> None:
    impatient.whole()
    impatient.work()

    told = Counter(
        (each["to"], each["subject"] or each["body"][:40]) for each in impatient.sandbox.accepted()
    )
    opened = actions(impatient)

    assert [key for key, count in told.items() if count > 1] == []
    assert {KAREN, SVEN, ELLEN, ELLENS_PHONE, people.ASTRIDS_PHONE} <= {to for to, _what in told}
    for action in ("incident.opened", "report.received", "incident.confirmed", "assessment.recorded",
                   "page.acknowledged", "communication.sent", "communication.completed"):  # fmt: skip
        assert opened[action] == 1, action
    assert opened["notification.filed"] == 2  # two authorities are owed one each
    assert opened["awareness.fixed"] == 1


def actions(story: Story) -> Counter[str]:
    with everyone():
        db.session.rollback()
        chain = story.incident[1:].replace("incidents", "incident")
        return Counter(db.session.scalars(select(Entry.action).where(Entry.chain == chain)))


def test_personal_data_of_the_story_is_in_no_log_no_queue_no_address_and_no_figure(
    story: Story, app: Flask, written: Callable[[], str]
) -> None:
    server = app.extensions["queue_server"]
    seen: list[str] = []
    story.after_work = lambda: seen.append(everything_in(server))
    story.hostco_reports(description=IN_FACTS, title="Zzcanary Qvist's file")
    story.astrid_takes_it()
    story.astrid_fixes_awareness()
    story.astrid_confirms()
    story.dorthe_decides()
    story.dorthe_notifies()
    story.sandbox.outcome("zzcanary.qvist@canary.example", "bounce")
    story.sandbox.outcome("+447700900154", "undelivered", code="30005")
    place = story.astrid_prepares_letters(LIST + CANARY_ROW)
    app.test_client().get("/nowhere/zzcanary.qvist@canary.example")
    story.dorthe_sends(place)
    story.work()
    on_screen = story.dorthe.open(f"{place}/recipients")
    figures = app.test_client().get("/metrics").text
    ledger = whole_ledger()

    assert "Z•••• Q••••" in on_screen  # it did go through
    assert "not reached" in on_screen
    assert "request.answered" in written()
    assert len(seen) > 3
    for where, text in {"log": written(), "queue": "".join(seen), "figures": figures, "ledger": ledger,
                        "addresses": " ".join(story.addresses)}.items():  # fmt: skip
        assert [each for each in CANARIES if each in text.lower()] == [], where


def everything_in(server) -> str:
    """Keys and values of the queue server, whatever their type."""
    read = {
        b"string": server.get, b"hash": server.hgetall, b"set": server.smembers,
        b"list": lambda key: server.lrange(key, 0, -1),
        b"zset": lambda key: server.zrange(key, 0, -1),
    }  # fmt: skip
    return "".join(f"{key!r} {read[server.type(key)](key)!r}\n" for key in server.keys("*"))


def whole_ledger() -> str:
    with everyone():
        db.session.rollback()
        rows = db.session.scalars(select(Entry)).all()
        return "".join(f"{each.actor} {each.action} {each.reason} {each.details}\n" for each in rows)
