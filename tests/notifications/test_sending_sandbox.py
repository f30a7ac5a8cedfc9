"""Telling many through the providers' own interfaces: groups out over HTTP, signed events back."""

import pytest
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import func, select

from foundation import queue
from foundation.database import database_now, db, everyone, new_id, transaction
from notifications import sending
from notifications.models import Receipt, SendingGroup, SendingState
from notifications.sending import jobs
from tests.notifications import telling as people_to_tell

COUNT = 60


@pytest.fixture
def telling(app, cast, sandbox, monkeypatch):
    """Sixty people with an e-mail address each, three of them with a phone, and the sandbox."""
    mails, texts = (app.extensions["channels"][channel] for channel in ("email", "sms"))
    organisation = next(iter(cast.organisations.values()))
    ring = jobs.ring
    made = people_to_tell.install(app, organisation, f"incident/{new_id()}", monkeypatch)
    monkeypatch.setitem(app.extensions["channels"], "email", mails)
    monkeypatch.setitem(app.extensions["channels"], "sms", texts)
    monkeypatch.setattr(jobs, "ring", ring)
    for number in range(COUNT):
        phone = {"sms": f"+45203040{number:02}"} if number < 3 else {}
        made.people.add(f"Åse <{number}>", email=f"p{number}@example.org", **phone)
    with everyone():
        yield made


def hear(app, sandbox):
    """Every callback that the providers would make, now and here."""
    sandbox.settle()
    answers = sandbox.deliver_held(app.test_client())
    assert {each.status for each in answers} <= {204}


def got(sandbox):
    return sorted(each["to"] for each in sandbox.accepted("sendgrid"))


def test_everybody_gets_one_mail_alone_in_it_and_the_events_find_their_row(app, sandbox, telling):
    sandbox.outcome("p0@example.org", "bounce")
    sandbox.outcome("p7@example.org", "bounce")
    telling.begin()
    telling.go()
    assert len(got(sandbox)) == 50  # the first few
    hear(app, sandbox)
    telling.go()
    hear(app, sandbox)
    telling.go()
    hear(app, sandbox)
    telling.go()

    assert got(sandbox) == sorted(f"p{number}@example.org" for number in range(COUNT))
    assert [each["to"] for each in sandbox.accepted("twilio")] == ["+4520304000"]
    fates = telling.fates()
    assert fates.pop("Åse <0>") == "sms delivered"
    assert fates.pop("Åse <7>") == "email manual"
    assert set(fates.values()) == {"email delivered"}
    assert len(fates) == COUNT - 2
    mail = sandbox.mail_to("p5@example.org")[0]
    assert "Åse <5>" in mail["body"]


def test_a_bell_that_is_lost_is_rung_again(app, sandbox, telling):
    telling.begin()
    bulk = Queue(queue.BULK, connection=queue.server(), serializer=JSONSerializer)
    assert [job.func_name for job in bulk.jobs] == []  # it was planned after the clock rang
    telling.clock()
    assert [list(job.args) for job in bulk.jobs] == [[str(telling.id)]]

    queue.server().flushall()
    telling.clock()
    assert bulk.count == 0  # a moment ago it was rung for
    app.extensions["sendings_rung"].clear()
    telling.clock()

    assert [job.func_name for job in bulk.jobs] == [jobs.JOB]
    telling.work()
    assert len(got(sandbox)) == 50


def test_the_rest_is_rung_for_as_soon_as_it_may_go_however_lately_the_first_few_were(app, sandbox, telling):
    telling.begin()
    telling.clock()
    telling.work()
    bulk = Queue(queue.BULK, connection=queue.server(), serializer=JSONSerializer)
    bulk.empty()
    hear(app, sandbox)
    telling.clock()  # the first few were reached: it may go
    telling.clock()

    assert telling.row().state == SendingState.RUNNING
    assert [list(job.args) for job in bulk.jobs] == [[str(telling.id)]]


def test_a_provider_that_took_it_and_fell_silent_is_asked_and_nobody_is_told_twice(
    app, sandbox, telling, clock
):
    telling.begin()
    sandbox.fail("sendgrid", "reset_after_body")
    telling.go()
    assert telling.groups(is_canary=True)[0].state == "uncertain"
    hear(app, sandbox)
    telling.go()
    hear(app, sandbox)
    telling.go()

    assert got(sandbox) == sorted(f"p{number}@example.org" for number in range(COUNT))
    assert set(telling.fates().values()) == {"email delivered"}


def test_events_told_again_change_nothing(app, sandbox, telling):
    sandbox.call_back("sendgrid", "reversed", copies=2)
    telling.begin()
    telling.go()
    hear(app, sandbox)

    with transaction():
        kept = db.session.scalar(select(func.count()).select_from(Receipt))
    assert kept == len({(each.status, each.place) for each in db.session.scalars(select(Receipt))})
    delivered = sum(fate == "email delivered" for fate in telling.fates().values())
    assert delivered == 50


def test_a_rate_is_kept_to_and_what_waits_goes_later(app, sandbox, telling, clock, monkeypatch):
    app.extensions["sending_rates"]["email/sendgrid"] = 50 * 60 * 60 / 0.8 / 60  # fifty a minute
    telling.begin()
    telling.go()
    hear(app, sandbox)
    telling.go()
    assert telling.row().state == SendingState.RUNNING
    assert len(got(sandbox)) == 50

    clock.move(seconds=61)
    telling.go()
    assert len(got(sandbox)) == COUNT


def test_a_sending_leaves_nothing_of_anybody_in_its_tables(app, sandbox, telling):
    telling.begin()
    telling.go()

    with transaction():
        groups = list(db.session.scalars(select(SendingGroup)))
        standing = sending.of("people:1")
    assert not any(b"example" in each.members for each in groups)
    assert "example.org" not in str(standing)
    assert database_now() >= standing.created_at
