"""Nobody knows whether it was sent: ask the provider, and where that fails, near the deadline, a person."""

from datetime import timedelta

import pytest

from foundation.errors import Invalid, Missing, Refused
from notifications import settling
from notifications.channels import Accepted, CannotAsk, Unsure
from notifications.models import Outcome, State
from notifications.settling import Choice


class Provider:
    """Answers what it has; the one thing of a provider that settling asks."""

    name = "sendgrid"

    def __init__(self):
        self.has = {}
        self.speaks = True

    def find(self, *, attempt_ids, **_):
        if not self.speaks:
            raise CannotAsk
        return next((self.has[each] for each in attempt_ids if each in self.has), None)


@pytest.fixture
def provider(house, monkeypatch):
    made = Provider()
    monkeypatch.setitem(house.app.extensions["channels"], "email", made)
    monkeypatch.setattr(settling, "database_now", lambda: house.now)
    return made


@pytest.fixture
def unsure(house, provider):
    """A letter that the provider may have, and another one that it surely has and shows."""
    house.send(house.post(key="known"), Accepted("known"))
    provider.has[str(house.claimed.attempt_id)] = "known"
    return house.send(house.post(must_by=house.now + timedelta(hours=48)), Unsure("it did not answer")).id


def settle(house):
    return [settling.settle(each) for each in settling.due(house.now)]


def hold(house, provider, message_id):
    provider.speaks = False
    house.later(hours=42, minutes=1)
    settle(house)
    house.send(message_id, Unsure("it did not answer"))
    house.later(minutes=3)
    settle(house)
    assert house.message(message_id).state is State.HELD


def test_nobody_is_asked_before_the_provider_had_time_to_show_it(house, unsure):
    house.later(seconds=119)
    assert settling.due(house.now) == []
    house.later(seconds=1)
    assert settling.due(house.now) == [unsure]


def test_what_the_provider_has_is_not_sent_again(house, provider, unsure):
    provider.has[str(house.claimed.attempt_id)] = "mail-1"
    house.later(seconds=120)

    assert settle(house) == [True]

    message = house.message(unsure)
    assert (message.state, message.provider_id) == (State.ACCEPTED, "mail-1")
    assert house.attempts(unsure)[0].outcome is Outcome.FOUND


def test_what_the_provider_surely_lacks_goes_again(house, unsure):
    house.later(seconds=120)

    assert settle(house) == [True]

    assert house.message(unsure).state is State.PENDING
    assert house.attempts(unsure)[0].outcome is Outcome.VOID


def test_a_provider_that_does_not_show_what_it_has_proves_nothing(house, provider, unsure):
    provider.has.clear()
    house.later(seconds=120)

    assert settle(house) == [False]
    assert house.message(unsure).state is State.UNCERTAIN


def test_a_provider_that_can_not_be_asked_is_asked_again(house, provider, unsure):
    provider.speaks = False
    house.later(seconds=120)

    assert settle(house) == [False]
    assert settling.due(house.now) == []
    house.later(seconds=31)
    assert settling.due(house.now) == [unsure]


def test_near_the_deadline_it_goes_once_blindly_and_then_a_person_decides(house, provider, unsure):
    provider.speaks = False
    house.later(hours=41)
    assert settle(house) == [False]
    house.later(hours=1, minutes=1)
    assert settle(house) == [True]
    assert house.message(unsure).state is State.PENDING

    house.send(unsure, Unsure("it did not answer"))
    house.later(minutes=3)
    settle(house)

    message = house.message(unsure)
    assert (message.state, message.wants_person_at, message.blind) == (State.HELD, house.now, 1)


def test_a_receipt_that_comes_meanwhile_is_the_last_word(house, provider, unsure):
    hold(house, provider, unsure)

    house.receipt("delivered")

    message = house.message(unsure)
    assert (message.state, message.wants_person_at) == (State.DELIVERED, None)


@pytest.mark.parametrize(
    ("choice", "state"),
    [
        (Choice.SEND_AGAIN, State.PENDING),
        (Choice.MARK_SENT, State.ACCEPTED),
        (Choice.GIVE_UP, State.UNREACHED),
    ],
)
def test_a_person_decides_with_a_reason_in_the_record(house, provider, unsure, choice, state):
    hold(house, provider, unsure)

    house.do(settling.decide, unsure, choice, by="Dorthe", reason="Anna called us.")

    message = house.message(unsure)
    assert (message.state, message.wants_person_at) == (state, None)
    assert house.record()[-1] == "message.decided"


def test_a_decision_needs_a_reason(house, provider, unsure):
    hold(house, provider, unsure)

    with pytest.raises(Invalid, match="reason"):
        house.do(settling.decide, unsure, Choice.SEND_AGAIN, by="Dorthe", reason="  ")


def test_a_decision_is_made_once(house, provider, unsure):
    hold(house, provider, unsure)
    house.do(settling.decide, unsure, Choice.GIVE_UP, by="Dorthe", reason="Letter by post.")

    with pytest.raises(Refused):
        house.do(settling.decide, unsure, Choice.SEND_AGAIN, by="Birk", reason="Again.")


def test_what_is_sure_is_not_a_persons_to_decide(house, unsure):
    with pytest.raises(Refused):
        house.do(settling.decide, house.messages()[0].id, Choice.SEND_AGAIN, by="Dorthe", reason="Again.")
    with pytest.raises(Missing):
        house.do(settling.decide, house.promark, Choice.SEND_AGAIN, by="Dorthe", reason="Again.")
