"""Nobody knows whether it was sent: ask the provider, and where that fails, near the deadline, a person."""

from datetime import timedelta

import pytest

from foundation import ledger
from foundation.database import transaction
from foundation.errors import Invalid, Missing, Refused
from notifications import alarms, jobs, rendering, settling
from notifications.channels import Accepted, CannotAsk, Unsure, deadline
from notifications.models import Kind, Outcome, State
from notifications.rules import texts
from notifications.settling import Choice


class Provider:
    """Answers what it has; the one thing of a provider that settling asks."""

    name = "sendgrid"

    def __init__(self):
        self.has = {}
        self.speaks = True
        self.asked = 0

    def find(self, *, attempt_ids, **_):
        self.asked += 1
        if not self.speaks:
            raise CannotAsk
        return next((self.has[each] for each in attempt_ids if each in self.has), None)


@pytest.fixture
def provider(house, monkeypatch):
    made = Provider()
    monkeypatch.setitem(house.app.extensions["channels"], "email", (made,))
    for module in (settling, jobs):
        monkeypatch.setattr(module, "database_now", lambda: house.now)
    return made


@pytest.fixture
def unsure(house, provider):
    """A letter that the provider may have, and another one that it surely has and shows."""
    house.send(house.post(key="known"), Accepted("known"))
    provider.has[str(house.claimed.attempt_id)] = "known"
    return house.send(house.post(must_by=house.now + timedelta(hours=48)), Unsure("it did not answer")).id


def settle(house):
    looking = deadline.Round()
    return [settling.settle(each, looking) for each in settling.due(house.now)]


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


def test_what_goes_blindly_says_that_it_may_come_twice_and_what_nobody_knows_stays_unknown(
    house, provider, unsure
):
    provider.speaks = False
    first = house.message(unsure).content_sha256
    house.later(hours=42, minutes=1)
    settle(house)

    message = house.message(unsure)
    assert "to gange" in message.content["text"]
    assert message.reference in message.content["text"]
    assert message.content_sha256 == rendering.fingerprint(message.content) != first
    assert [each.outcome for each in house.attempts(unsure)] == [Outcome.UNCERTAIN]
    rewritten = [each for each in ledger.entries(house.about) if each.action == "message.rewritten"]
    assert [each.details["content_sha256"] for each in rewritten] == [message.content_sha256]


def test_what_a_person_sends_again_says_that_it_may_come_twice(house, provider, unsure):
    hold(house, provider, unsure)
    with transaction():
        house.message(unsure).content = {"subject": "s", "text": "t", "html": "h"}

    house.do(settling.decide, unsure, Choice.SEND_AGAIN, by="Dorthe", reason="Anna has nothing.")

    assert "to gange" in house.message(unsure).content["text"]


def test_a_letter_that_can_not_be_written_anew_is_left_to_a_person(house, provider, unsure, monkeypatch):
    provider.speaks = False
    monkeypatch.setitem(texts.NEEDS, "subject_notice", texts.Needs(frozenset({"something new"})))
    house.later(hours=42, minutes=1)

    settle(house)

    assert house.message(unsure).state is State.HELD


def test_after_a_quarter_of_an_hour_a_person_hears_that_nobody_knows(house, provider, unsure):
    provider.speaks = False
    house.later(minutes=14, seconds=59)
    jobs.settle()
    assert not alarms.waiting()
    house.later(seconds=1)
    jobs.settle()

    house.do(alarms.tell)

    message = house.message(unsure)
    assert (message.state, message.wants_person_at) == (State.UNCERTAIN, house.now)
    assert {m.staff_id for m in house.messages(template="not_reached")} == {house.astrid, house.dorthe}


def test_many_letters_nobody_knows_of_raise_one_alarm(house, provider, unsure):
    house.send(house.post(key="letter:2"), Unsure("it did not answer"))
    provider.speaks = False
    house.later(minutes=15)
    jobs.settle()

    house.do(alarms.tell)

    assert len(house.messages(template="not_reached")) == 4  # two people, two ways each


def test_what_is_settled_after_all_wants_no_person_any_more(house, provider, unsure):
    provider.speaks = False
    house.later(minutes=15)
    jobs.settle()
    provider.speaks = True
    provider.has[str(house.claimed.attempt_id)] = "mail-1"
    house.later(seconds=31)

    jobs.settle()

    message = house.message(unsure)
    assert (message.state, message.wants_person_at, message.told_at) == (State.ACCEPTED, None, None)


def test_a_person_may_decide_of_what_nobody_knows_before_it_is_held(house, provider, unsure):
    provider.speaks = False
    house.later(minutes=15)
    jobs.settle()

    house.do(settling.decide, unsure, Choice.MARK_SENT, by="Dorthe", reason="Anna called us.")

    assert house.message(unsure).state is State.ACCEPTED


def test_a_reminder_nobody_is_sure_of_goes_once_more_at_once_and_then_waits(house):
    message_id = house.post(kind=Kind.INTERNAL)

    states = [house.send(message_id, Unsure("it did not answer")).state for _ in range(2)]

    assert states == [State.PENDING, State.UNCERTAIN]


def test_a_reminder_of_which_the_provider_says_nothing_goes_by_another_channel(house, provider):
    message_id = house.post(
        kind=Kind.INTERNAL, fallbacks=(("sms", "+4520000009"),), must_by=house.now + timedelta(days=3)
    )
    for _ in range(2):
        house.send(message_id, Unsure("it did not answer"))
    provider.speaks = False
    house.later(hours=1, seconds=1)

    jobs.settle()

    assert house.message(message_id).state is State.UNREACHED
    assert [m.channel for m in house.messages(state=State.PENDING)] == ["sms"]


def test_a_round_asks_a_silent_provider_once_and_decides_the_others_all_the_same(house, provider):
    ids = [house.post(key=f"letter:{n}", must_by=house.now + timedelta(hours=1)) for n in range(3)]
    for message_id in ids:
        house.send(message_id, Unsure("it did not answer"))
    provider.speaks = False
    house.later(minutes=4)

    assert jobs.settle() == 3

    assert provider.asked == 1
    assert {house.message(each).blind for each in ids} == {1}


def test_a_round_is_short_and_those_left_alone_longest_come_first(house, provider, monkeypatch):
    monkeypatch.setattr(settling, "AT_ONCE", 2)
    ids = [house.send(house.post(key=f"letter:{n}"), Unsure("no answer")).id for n in range(3)]
    house.later(minutes=5)
    with transaction():
        house.message(ids[0]).asked_at = house.now - timedelta(seconds=40)
        house.message(ids[1]).asked_at = house.now - timedelta(seconds=50)

    assert settling.due(house.now) == [ids[2], ids[1]]


def test_a_round_that_lasted_long_enough_leaves_the_rest_to_the_next(house, provider, unsure, monkeypatch):
    house.later(minutes=5)
    monkeypatch.setattr(deadline, "ROUND", -1.0)

    assert jobs.settle() == 0
    assert provider.asked == 0
    assert house.message(unsure).asked_at is None


def test_the_first_message_ever_waits_twice_as_long_for_the_provider_to_show_it(house, provider):
    message_id = house.send(house.post(), Unsure("it did not answer")).id
    house.later(seconds=239)
    assert settle(house) == [False]
    house.later(seconds=31)
    assert settle(house) == [True]

    assert house.message(message_id).state is State.PENDING


def test_a_copy_found_before_its_receipt_is_no_second_copy(house, provider, unsure):
    provider.speaks = False
    house.later(hours=42, minutes=1)
    settle(house)
    house.send(unsure, Unsure("it did not answer"))
    first, second = house.attempts(unsure)
    provider.speaks, provider.has[str(first.id)] = True, "mail-1"
    house.later(minutes=3)
    settle(house)

    house.receipt("processed", number=1, attempt_id=first.id, provider_id="mail-1")

    assert second.number == 2
    assert "message.duplicate_detected" not in house.record()


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
