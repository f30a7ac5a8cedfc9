"""Receipts of groups: a thousand at once, each told once, of a person by attempt and place."""

import time
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from foundation.database import db
from notifications import callbacks
from notifications.models import Receipt, State
from notifications.received import Told
from tests.notifications.test_callbacks import mailed, receipts, sid, tell_events, tell_status

__all__ = ["mailed"]


def event(attempt, place, name="delivered", **more):
    return {
        "event": name, "sg_event_id": f"{name}-{place}", "a": str(attempt), "n": str(place),
        "sg_message_id": "group-1.filter-1-0.0", "email": "anna@example.test", "timestamp": 1, **more,
    }  # fmt: skip


def kept():
    return {
        (each.attempt_id, each.place, each.status, each.code, each.provider_id)
        for each in db.session.scalars(select(Receipt).execution_options(populate_existing=True))
    }


@pytest.fixture
def taken(monkeypatch):
    """What is handed on, call by call."""
    calls = []
    take = callbacks.receipts.take

    def noted(events, *, now):
        calls.append(list(events))
        return take(events, now=now)

    monkeypatch.setattr(callbacks.receipts, "take", noted)
    return calls


def test_a_thousand_events_are_taken_in_one_call_and_each_once(house, taken):
    attempt = uuid4()
    events = [event(attempt, place) for place in range(1000)]

    assert [tell_events(house, events).status_code for _ in range(2)] == [204, 204]

    assert [len(call) for call in taken] == [1000, 1000]
    assert receipts() == 1000
    assert taken[0][7] == Told("sendgrid", "delivered-7", "delivered", attempt, 7, "group-1", None)


def test_a_bounce_is_of_its_person_with_its_code(house, taken):
    attempt = uuid4()

    tell_events(house, [
        event(attempt, 3, "bounce", status="5.1.1", type="bounce"),
        event(attempt, 4, "bounce", status="5.7.1", type="blocked"),
    ])  # fmt: skip

    assert {each[1:4] for each in kept()} == {(3, "bounce", "5.1.1"), (4, "blocked", "5.7.1")}


def test_events_of_messages_and_of_groups_come_in_one_request(house, mailed, taken):
    single = {"event": "delivered", "sg_event_id": "one", "a": str(house.claimed.attempt_id)}

    assert tell_events(house, [event(uuid4(), 0), single, event(uuid4(), 1)]).status_code == 204

    assert [len(call) for call in taken] == [2]
    assert house.message(mailed).state is State.DELIVERED


@pytest.mark.parametrize("place", [None, 7, "", "-1", "x", "1e3", "99999", "٣", ["1"], {}])
def test_a_place_that_is_none_makes_no_receipt_of_a_group(house, taken, place):
    assert tell_events(house, [event(uuid4(), 0) | {"n": place}]).status_code == 204

    assert (taken, receipts()) == ([], 1)


def test_long_and_odd_words_of_a_provider_fit_their_columns(house):
    odd = event(uuid4(), 1, "e" * 300, sg_event_id="x" * 900, status="<script>", sg_message_id="m" * 500)

    assert tell_events(house, [odd]).status_code == 204
    assert receipts() == 1


def test_when_the_database_will_not_take_them_they_are_wanted_again(house, mailed, monkeypatch):
    single = {"event": "delivered", "sg_event_id": "one", "a": str(house.claimed.attempt_id)}

    def locked(*_args, **_kwargs):
        raise OperationalError("insert", {}, Exception("database is locked"))

    monkeypatch.setattr(callbacks.receipts, "take", locked)
    answer = tell_events(house, [event(uuid4(), 0), single])

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert house.message(mailed).state is State.DELIVERED


def test_unsigned_events_of_groups_change_nothing(house, taken):
    assert tell_events(house, [event(uuid4(), 0)], at=1).status_code == 403
    assert (taken, receipts()) == ([], 0)


def test_a_status_of_a_text_message_in_a_group_has_attempt_and_place(house, taken):
    attempt = uuid4()

    assert tell_status(house, "delivered", attempt=f"{attempt}&n=0").status_code == 204

    assert taken == [[Told("twilio", f"{sid()}:delivered", "delivered", attempt, 0, sid(), None)]]


def test_halves_of_letters_keep_no_receipt_from_being_taken_in(house):
    attempt = uuid4()
    odd = event(attempt, 0) | {"sg_event_id": "half \ud800", "sg_message_id": "\udfff.filter"}

    assert tell_events(house, [odd, event(attempt, 1)]).status_code == 204
    assert receipts() == 2


def test_five_thousand_events_are_read_in_a_second(house, monkeypatch):
    """Reading alone, without the database; at a tenth of the aim, for a busy machine."""
    taken = []
    monkeypatch.setattr(callbacks.receipts, "take", lambda events, *, now: taken.append((now, len(events))))
    events, begun = [event(uuid4(), place) for place in range(1000)], time.process_time()

    tell_events(house, events)

    assert taken[0][1] == 1000
    assert 1000 / (time.process_time() - begun) > 5000 / 10
