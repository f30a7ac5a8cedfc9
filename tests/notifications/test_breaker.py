"""The breaker: when people are told twice, communications stop until a person releases them."""

from datetime import timedelta

import pytest

from foundation.errors import Invalid, Refused
from notifications import alarms, breaker, delivery
from notifications.channels import Accepted
from notifications.models import Kind, State


def told_twice(house, number, kind=Kind.SUBJECT):
    """A message that two workers sent, one of them frozen past its lease."""
    message_id = house.post(kind=kind, key=f"letter:{number}")
    lost = house.claim(message_id)
    copies = [lost]
    with_copies(house, message_id, copies)
    return message_id


def with_copies(house, message_id, claims, more=1):
    for _ in range(more):
        house.do(delivery.lease_ended, house.message(message_id))
        if house.message(message_id).state is State.UNCERTAIN:
            house.do(lambda *, now: delivery.not_there(house.message(message_id), now=now))
        claims.append(house.claim(message_id))
    for number, claimed in enumerate(claims):
        house.do(delivery.record, claimed, Accepted(f"mail-{message_id}-{number}"))


def stopped(house):
    return breaker.stop_of(house.promark) is not None


def test_one_person_told_twice_stops_nothing(house):
    told_twice(house, 1)

    assert not stopped(house)
    assert house.claim(house.post(key="letter:2")) is not None


def test_two_of_few_told_twice_stop_communications_and_nothing_else(house):
    told_twice(house, 1)
    told_twice(house, 2)

    letter = house.post(key="letter:3")
    assert house.claim(letter) is None
    assert house.message(letter).ready_at == house.now + breaker.LOOK_AGAIN
    for kind in (Kind.ONCALL, Kind.AUTHORITY, Kind.INTERNAL):
        assert house.claim(house.post(kind=kind, key=kind)) is not None
    assert house.record(f"organisation/{house.promark}") == ["communications.stopped"]


def test_two_of_many_told_twice_are_chance(house):
    for number in range(100):
        house.send(house.post(key=f"fine:{number}"), Accepted(f"fine-{number}"))
    told_twice(house, 1)
    told_twice(house, 2)

    assert not stopped(house)


def test_one_person_told_three_times_stops_communications(house):
    for number in range(100):
        house.send(house.post(key=f"fine:{number}"), Accepted(f"fine-{number}"))
    message_id = house.post()
    with_copies(house, message_id, [house.claim(message_id)], more=2)

    assert stopped(house)


def test_copies_of_pages_stop_nothing(house):
    for number in range(4):
        told_twice(house, number, Kind.ONCALL)
    told_twice(house, 5)

    assert not stopped(house)


def test_copies_of_long_ago_do_not_count(house):
    told_twice(house, 1)
    house.later(minutes=16)
    told_twice(house, 2)

    assert not stopped(house)


def test_dpo_and_on_call_hear_of_it_once(house):
    told_twice(house, 1)
    told_twice(house, 2)

    assert alarms.waiting()
    house.do(alarms.tell)

    assert {m.staff_id for m in house.messages(template="sending_stopped")} == {house.astrid, house.dorthe}
    assert not alarms.waiting()


def test_a_released_stop_counts_anew(house):
    told_twice(house, 1)
    told_twice(house, 2)
    house.do(breaker.release, house.promark, by="Dorthe", reason="A frozen machine; it is gone.")
    house.later(seconds=1)

    told_twice(house, 3)

    assert not stopped(house)
    assert house.record(f"organisation/{house.promark}")[-1] == "communications.released"


def test_a_release_needs_a_reason_and_a_stop(house):
    with pytest.raises(Refused):
        house.do(breaker.release, house.promark, by="Dorthe", reason="Why not.")
    told_twice(house, 1)
    told_twice(house, 2)
    with pytest.raises(Invalid, match="reason"):
        house.do(breaker.release, house.promark, by="Dorthe", reason=" ")


def test_the_dpo_sees_the_stop_and_releases_it(house):
    told_twice(house, 1)
    told_twice(house, 2)
    browser = house.browser("dorthe")

    page = browser.get("/messages").text
    answer = browser.post("/messages/releases", data={"reason": "A frozen machine; it is gone."})

    assert "Communications to people are stopped" in page
    assert "4 copies of 2 messages" in page
    assert "&lt;time" not in page
    assert answer.status_code == 303
    assert "are stopped" not in browser.get("/messages").text


@pytest.mark.parametrize("name", ["astrid", "eskil", "olga"])
def test_nobody_else_releases_it(house, name):
    told_twice(house, 1)
    told_twice(house, 2)

    house.browser(name).post("/messages/releases", data={"reason": "Let go."})

    assert stopped(house)


def test_what_waited_goes_when_released(house):
    told_twice(house, 1)
    told_twice(house, 2)
    letter = house.post(key="letter:3")
    house.claim(letter)
    house.do(breaker.release, house.promark, by="Dorthe", reason="A frozen machine; it is gone.")
    house.later(seconds=60)

    assert house.claim(letter) is not None
    assert house.now - house.message(letter).created_at == timedelta(minutes=1)
