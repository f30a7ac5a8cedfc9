"""Reports that arrive in the same moment share a transaction, and each is taken as if it were alone."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from foundation import ledger
from foundation.database import db, everyone, together, transaction, utcnow
from incident import processors, reports
from incident.models import Incident
from tests.attacks.sending import kept, post, report


@pytest.fixture
def alone(monkeypatch):
    """The works that had to be done alone, because the transaction with others failed."""
    done = []

    def noting(work):
        done.append(work)
        original(work)

    original = together._Work.alone
    monkeypatch.setattr(together._Work, "alone", noting)
    return done


def at_once(app, cast, *told):
    """Post each body under its id, all waiting for the same turn, in this order; returns the answers."""

    def send(body, webhook_id):
        with app.app_context():
            return post(app.test_client(), cast.hostco, body, webhook_id=webhook_id)

    db.session.remove()
    with ThreadPoolExecutor(len(told)) as pool:
        running = []
        with together._lead:
            for number, each in enumerate(told, 1):
                running.append(pool.submit(send, *each))
                while len(together._waiting) < number:
                    threading.Event().wait(0.001)
        return [each.result(30) for each in running]


def letter(cast, body):
    """A report as the webhook hands it on, under an id of its own."""
    sender = processors.sender(cast.hostco.path.rsplit("/", 1)[1], utcnow())
    sha256 = hashlib.sha256(body).hexdigest()
    return reports.Letter(sender, uuid4().hex, "application/json", "utf-8", body, sha256)


def ago(minutes):
    return (utcnow() - timedelta(minutes=minutes)).isoformat()


def test_of_two_tellings_the_one_overtaken_on_its_way_changes_nothing(app, cast, client):
    post(client, cast.hostco, report(reference="R1", title="First", at=ago(30)))
    older = report(kind="incident.updated", reference="R1", title="Older", at=ago(20))
    newer = report(kind="incident.updated", reference="R1", title="Newer", at=ago(10))

    at_once(app, cast, (newer, "n"), (older, "o"))

    with everyone():
        incident = db.session.scalars(select(Incident)).one()
        actions = [each.action for each in ledger.entries(incident.chain)]
    # Whoever gets the turn first does its own first, so either may come before the other.
    assert incident.title == "Newer"
    assert incident.facts_number + actions.count("report.overtaken") == 3


def test_the_same_mistake_twice_at_once_is_kept_once(app, cast, client):
    post(client, cast.hostco, report(reference="R1"), webhook_id="w")
    other = report(reference="R2")

    answers = at_once(app, cast, (other, "w"), (other, "w"))

    assert [each.status_code for each in answers] == [409, 409]
    assert kept()[0] == 2


def test_what_extends_and_what_opens_go_together(app, cast, client, alone):
    post(client, cast.hostco, report(reference="R1"))
    update = report(kind="incident.updated", reference="R1", title="More of it")

    answers = at_once(app, cast, (update, "a"), (report(reference="R5"), "b"), (report(reference="R6"), "c"))

    assert [each.status_code for each in answers] == [202] * 3
    assert len({each.json["incident_id"] for each in answers}) == 3
    assert not alone


def test_two_reports_of_one_reference_open_one_incident(app, cast):
    body = report(reference="R5")

    answers = at_once(app, cast, (body, "a"), (body, "b"))

    assert len({each.json["incident_id"] for each in answers}) == 1
    assert len({each.json["report_id"] for each in answers}) == 2


def test_two_groups_of_one_organisation_never_wait_for_each_other(app, cast, client):
    """One extends and then opens, the other opens and then extends, each between the other's steps."""
    if db.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    post(client, cast.hostco, report(reference="X"))
    letters = {
        name: letter(cast, report(reference=reference))
        for name, reference in {"more": "X", "one": "Y", "again": "X", "two": "Z"}.items()
    }
    db.session.remove()

    def do(*names):
        with app.app_context(), everyone(), transaction():
            for name in names:
                told = reports.read(letters[name], now=utcnow())
                reports.accept(letters[name], told, now=utcnow())
                threading.Event().wait(0.3)

    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(do, "more", "one"), pool.submit(do, "two", "again")]
        assert [each.result(20) for each in running] == [None, None]
