"""The outbox: of any number of workers one sends, a dead one's message comes back, pages go first."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from uuid import UUID

import pytest
from sqlalchemy import update

from foundation.database import db, everyone, transaction
from notifications import channels, delivery, jobs, outbox
from notifications.channels import Accepted
from notifications.models import Attempt, Kind, Message, State
from notifications.rules.retry import ONCE, PAGING, Terms, is_permanent, wait_before


def test_of_many_workers_one_has_the_message(house):
    message_id = house.post()

    def claim(_):
        with house.app.app_context(), everyone(), transaction():
            return outbox.claim(message_id, provider_of=channels.names(), now=house.now)

    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(claim, range(24)))

    assert len([each for each in claims if each]) == 1
    assert [each.number for each in house.attempts(message_id)] == [1]


def test_a_message_is_not_claimed_before_its_time(house):
    message_id = house.post(ready_at=house.now + timedelta(hours=1))

    assert house.claim(message_id) is None
    house.later(hours=1)
    assert house.claim(message_id) is not None


def test_the_fence_holds_back_who_lost_the_claim(house):
    message_id = house.post(kind=Kind.ONCALL, channel="sms", to="+4520000009")
    lost = house.claim(message_id)
    assert outbox.is_held(lost)

    house.do(delivery.lease_ended, house.message(message_id))
    house.claim(message_id)

    assert not outbox.is_held(lost)


@pytest.mark.parametrize(("kind", "state"), [(Kind.ONCALL, State.PENDING), (Kind.SUBJECT, State.UNCERTAIN)])
def test_the_message_of_a_dead_worker_comes_back_when_its_lease_ends(house, monkeypatch, kind, state):
    message_id = house.post(kind=kind)
    house.claim(message_id)
    monkeypatch.setattr(jobs, "database_now", lambda: house.now)

    assert jobs.end_leases() == 0
    house.later(seconds=61)
    assert jobs.end_leases() == 1

    assert house.message(message_id).state is state


def test_one_message_that_fails_holds_up_none_of_the_others(house, monkeypatch):
    ids = [house.post(key=f"letter:{number}") for number in range(3)]
    for message_id in ids:
        house.claim(message_id)
    house.later(seconds=61)
    real = delivery.lease_ended

    def fail_on_first(message, *, now):
        if message.id == ids[0]:
            raise KeyError("a row nobody expected")
        real(message, now=now)

    monkeypatch.setattr(jobs, "database_now", lambda: house.now)
    monkeypatch.setattr(delivery, "lease_ended", fail_on_first)

    assert jobs.end_leases() == 2
    assert [house.message(each).state for each in ids] == [State.SENDING, State.UNCERTAIN, State.UNCERTAIN]


def test_a_page_is_rung_for_however_many_letters_wait(house):
    for number in range(outbox.BATCH + 10):
        house.post(key=f"letter:{number}")
    house.later(seconds=1)
    page = house.post(kind=Kind.ONCALL, channel="sms", to="+4520000009", key="page")

    waiting = house.do(outbox.due)

    assert waiting["urgent"] == [page]
    assert len(waiting["bulk"]) == outbox.BATCH


def test_what_was_rung_for_is_left_alone_for_five_seconds(house):
    message_id = house.post()

    assert house.do(outbox.due) == {"bulk": [message_id]}
    assert house.do(outbox.due) == {}
    house.later(seconds=6)
    assert house.do(outbox.due) == {"bulk": [message_id]}


def test_what_the_clock_has_no_room_for_is_due_again_at_its_next_look(house, monkeypatch):
    ids = [house.post(key=f"letter:{number}") for number in range(jobs.DIRECT + 3)]
    go_on, begun = Event(), []
    monkeypatch.setattr(jobs, "database_now", lambda: house.now)
    monkeypatch.setattr(jobs, "deliver", lambda each: (begun.append(each), go_on.wait(10)))

    jobs.sweep()  # no queue server: the clock sends by itself

    db.session.rollback()
    still_due = house.do(outbox.due)["bulk"]
    go_on.set()
    assert len(begun) == jobs.DIRECT
    assert sorted([*still_due, *map(UUID, begun)]) == sorted(ids)


def test_an_answer_kept_in_a_file_is_recorded_when_the_database_is_back(house):
    message_id = house.post()
    claimed = house.claim(message_id)
    jobs._keep_in_journal(claimed, Accepted("mail-1"))

    assert jobs.import_journal() == 1

    assert house.message(message_id).provider_id == "mail-1"
    assert jobs.import_journal() == 0


def test_an_answer_that_can_not_be_read_holds_up_no_other(house):
    claimed = house.claim(house.post())
    jobs._keep_in_journal(claimed, Accepted("mail-1"))
    broken = jobs._journal() / "0.json"
    broken.write_text(json.dumps({"something": "else"}))

    assert jobs.import_journal() == 1
    broken.unlink()


def test_the_database_refuses_a_state_without_its_proof(house):
    message_id = house.post()
    for change in ({"state": State.SENDING}, {"state": State.ACCEPTED}, {"state": State.UNREACHED}):
        with pytest.raises(Exception, match=r"(?i)check"), transaction():
            db.session.execute(update(Message).where(Message.id == message_id).values(**change))


def test_an_attempt_is_written_before_anybody_is_asked(house):
    claimed = house.claim(house.post())

    attempt = db.session.get_one(Attempt, claimed.attempt_id)

    assert (attempt.outcome, attempt.provider) == (None, "sendgrid")


def test_a_lease_outlasts_the_call_and_its_recording():
    assert PAGING.lease > PAGING.call
    with pytest.raises(ValueError, match="outlast"):
        Terms(ONCE.call, ONCE.call, ONCE.settle, 1, at_once=0)


def test_waiting_doubles_and_ends_at_a_quarter_of_an_hour():
    assert wait_before(1) <= timedelta(seconds=20)
    assert wait_before(3) >= timedelta(seconds=42)
    assert wait_before(30, retry_after=10**9) == timedelta(minutes=15)
    assert wait_before(1, retry_after=float("nan")) == timedelta(seconds=15)


def test_not_reaching_a_provider_says_nothing_of_the_recipient():
    assert not is_permanent(None, 8)
    assert is_permanent("21211", 1)
    assert not is_permanent("30003", 8)
    assert (is_permanent("1", 1), is_permanent("1", 2)) == (False, True)
