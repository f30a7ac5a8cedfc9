"""We write to ourselves every few minutes, by the whole way, and tell people when it does not come back."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from foundation.database import acting_for, database_now, db, everyone, transaction
from foundation.ledger import Entry
from notifications import canary, figures, jobs
from notifications.models import Message, State
from notifications.models.watching import Probe
from notifications.rules.watching import Verdict
from tests.people import ASTRID, ASTRIDS_PHONE, DORTHE

NUMBER, MAILBOX = "+447700900999", "canary@promark.example"


@pytest.fixture
def tested(app, monkeypatch):
    """The installation has a number and a mailbox of its own."""
    told = replace(app.config["SETTINGS"], test_number=NUMBER, test_email=MAILBOX)
    monkeypatch.setitem(app.config, "SETTINGS", told)
    return app


def probes(kind="canary", channel="sms"):
    db.session.rollback()
    with everyone():
        mine = Probe.kind == kind, Probe.channel == channel
        return [p.verdict for p in db.session.scalars(select(Probe).where(*mine).order_by(Probe.sent_at))]


def mails(sandbox, address):
    return [mail["subject"] for mail in sandbox.mail_to(address)]


def test_without_a_number_or_mailbox_nothing_goes(app, work, sandbox):
    work()

    assert sandbox.accepted() == []


def test_a_canary_comes_back_and_is_counted_nowhere(tested, work, sandbox, clock):
    work()

    assert len(sandbox.mail_to(MAILBOX)) == 1
    assert probes() == probes(channel="email") == ["arrived"]
    with everyone():
        assert (
            db.session.scalar(select(func.count()).select_from(Entry).where(Entry.chain.like("probe/%"))) == 0
        )
        told = {name: value for name, _what, value in canary.figures(database_now())}
    assert 0 <= told["canary_sms_round_trip_seconds"] < 60
    assert told["canary_email_failing"] == 0
    work()
    assert len(sandbox.mail_to(MAILBOX)) == 1, "not before its time"
    clock.move(minutes=5)
    work()
    assert len(sandbox.mail_to(MAILBOX)) == 2


def test_two_clocks_that_both_find_it_due_send_one(tested, sandbox, monkeypatch):
    monkeypatch.setattr(canary, "_last_sent", lambda _line: None)  # neither has seen the other's
    now = database_now()
    monkeypatch.setattr(jobs, "database_now", lambda: now)
    with everyone():
        assert [jobs.send_probes() for _ in range(2)] == [3, 0]


def test_one_that_cannot_be_sent_or_judged_keeps_no_other_and_nothing_else_from_it(
    tested, work, sandbox, clock, monkeypatch
):
    judge, send = canary._judge, canary._send
    broken = []

    def fails(act):
        def acts(what, *more):
            if (what.kind, what.channel) == ("canary", "sms"):
                broken.append(act.__name__)
                raise RuntimeError("broken")
            return act(what, *more)

        return acts

    monkeypatch.setattr(canary, "_judge", fails(judge))
    work()
    assert probes() == ["waiting"]
    assert probes(channel="email") == ["arrived"]
    monkeypatch.setattr(canary, "_send", fails(send))
    clock.move(minutes=5)
    work()

    assert set(broken) == {"_judge", "_send"}
    assert (len(probes()), probes(channel="email")) == (1, ["arrived", "arrived"])


def test_every_organisation_sees_how_the_probes_stand(tested, cast, work):
    work()
    with acting_for(cast.organisations["softwerk"]):
        found = {each.kind + each.channel: each.verdict for each in canary.standing()}

    assert found == {"canarysms": "arrived", "canaryemail": "arrived", "test_pagesms": "waiting"}


def test_one_without_a_receipt_is_told_by_the_other_way_once(tested, work, sandbox, clock):
    sandbox.call_back("twilio", "never", to=NUMBER)
    work()
    clock.move(minutes=6)
    work()
    alarms = [each for each in mails(sandbox, ASTRID) if "may not arrive" in each]

    assert probes()[0] == Verdict.LATE
    assert len(alarms) == 1
    assert sandbox.sms_to(ASTRIDS_PHONE) == [], "not by the way that failed"
    for _ in range(3):
        clock.move(minutes=6)
        work()
    assert len([each for each in mails(sandbox, ASTRID) if "may not arrive" in each]) == 1
    with everyone():
        assert figures.wanting_a_person() == 0


def test_of_a_mail_server_which_sends_no_receipts_its_yes_is_the_end_of_the_way(tested, work, clock):
    work()
    with everyone(), transaction():
        probe = db.session.scalars(select(Probe).where(Probe.channel == "email")).one()
        probe.verdict, probe.ended_at = Verdict.WAITING, None
        message = db.session.get_one(Message, probe.message_id)
        message.state, message.provider, message.done_at = State.ACCEPTED, "smtp", None
    clock.move(minutes=6)
    work()

    assert probes(channel="email")[0] == Verdict.ARRIVED


def test_one_that_is_refused_wants_nobody_and_waits_for_nothing(tested, work, sandbox, clock):
    sandbox.fail("sendgrid", "4xx", to=MAILBOX, times=None, status=400)
    work()
    work()

    assert probes(channel="email") == ["failed"]
    assert any(each["to"] == ASTRIDS_PHONE for each in sandbox.accepted("twilio"))
    with everyone():
        waiting = select(func.count()).select_from(Message).where(Message.wants_person_at.is_not(None))
        assert db.session.scalar(waiting) == 0


def the_page(sandbox):
    return next(each["body"] for each in sandbox.sms_to(NUMBER) if "OK" in each["body"])


def test_a_test_page_is_answered_by_its_code_and_gets_no_answer(tested, work, sandbox):
    work()
    code = the_page(sandbox).split()[-1]
    sandbox.reply(NUMBER, f"ok {code.lower()}")
    work()

    assert probes("test_page") == ["arrived"]
    assert [each["direction"] for each in sandbox.conversation(NUMBER)].count("answer") == 0


def test_a_test_page_that_nobody_answers_is_told_once(tested, work, sandbox, clock):
    work()
    clock.move(minutes=16)
    work()
    clock.move(minutes=20)
    work()

    assert probes("test_page") == ["late"]
    assert len([each for each in mails(sandbox, DORTHE) if "not answered" in each]) == 1


def test_a_stop_from_the_test_number_is_no_answer(tested, work, sandbox):
    work()
    sandbox.reply(NUMBER, "STOP")
    work()

    assert probes("test_page") == ["waiting"]


def test_old_probes_are_forgotten_with_their_messages(tested, work, sandbox, clock):
    work()
    clock.move(days=8)
    work()

    with everyone():
        db.session.rollback()
        oldest = db.session.scalar(select(func.min(Message.created_at)).where(Message.about.like("probe/%")))
    assert database_now() - oldest < canary.watching.terms().kept
    assert len(probes()) == 1
