"""Two ways out: whoever refuses or fails is left for the other at once, and nobody is told twice for it."""

import os
import time
from collections import Counter
from datetime import timedelta
from threading import Barrier, Thread
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from foundation.database import db, everyone, transaction
from notifications import alarms, channels, circuits, delivery, jobs, outbox, settling
from notifications.channels import Accepted, CannotAsk, Refusal, Unsure, deadline
from notifications.models import Attempt, Circuit, Kind, Message, Outcome, State
from notifications.models.providers import Switch
from notifications.rules.routing import Call, Order, is_down, may_try

TO = "+4520000009"
SUSPENDED = Refusal("Twilio refused (code 20003)", code="20003", account=True)
UNANSWERED = Unsure("it did not answer")
BOTH = ("twilio", "gateway")


class Provider:
    """A way out that shows what it has, or cannot be asked."""

    def __init__(self, name):
        self.name, self.has, self.speaks, self.asked = name, {}, True, []

    def find(self, *, attempt_ids, **_):
        self.asked.append(attempt_ids)
        if not self.speaks:
            raise CannotAsk
        return next((self.has[each] for each in attempt_ids if each in self.has), None)


@pytest.fixture
def ways(house, monkeypatch):
    """Twilio first, the gateway second."""
    made = [Provider(name) for name in BOTH]
    monkeypatch.setitem(house.app.extensions["channels"], "sms", tuple(made))
    for module in (settling, jobs):
        monkeypatch.setattr(module, "database_now", lambda: house.now)
    return made


def text(house, key="text:1", kind=Kind.SUBJECT, **more):
    return house.post(kind=kind, channel="sms", to=TO, key=key, **more)


def went_by(house, message_id):
    return [each.provider for each in house.attempts(message_id)]


def fail(house, times, answer=UNANSWERED):
    """So many texts, one after the other, that nobody answered for."""
    return [house.send(text(house, key=f"failing:{n}"), answer).id for n in range(times)]


# --- the rule --------------------------------------------------------------------------------------


def test_each_provider_gets_its_share_and_a_message_always_the_same_one():
    order = Order(BOTH, (90, 10))
    keys = [str(uuid4()) for _ in range(2000)]

    first = Counter(order.of(key, {})[0] for key in keys)

    assert 1700 < first["twilio"] < 1900
    assert all(order.of(key, {}) == order.of(key, {}) for key in keys)
    assert {order.of(key, {})[0] for key in keys} == {"twilio", "gateway"}
    assert all(Order(BOTH, (0, 1)).of(key, {}) == ("gateway", "twilio") for key in keys)


def test_who_failed_this_message_comes_after_who_did_not():
    assert Order(BOTH).of("any", {"twilio": 1}) == ("gateway", "twilio")
    assert Order(BOTH).of("any", {"twilio": 1, "gateway": 1}) == BOTH


@pytest.mark.parametrize(
    ("calls", "down"),
    [
        ("1uncertain 2uncertain 3not_sent", True),
        ("1None 2uncertain 3void 4uncertain", True),  # one is under way, and says nothing yet
        ("1uncertain 2uncertain", False),
        ("1uncertain 1uncertain 1uncertain", False),  # one message that nobody takes
        ("1uncertain 2uncertain 3accepted", False),
        ("1uncertain 2rejected 3uncertain", False),  # it answered
    ],
)
def test_a_provider_is_down_after_several_messages_in_a_row_and_not_for_one(calls, down):
    made = [Call(each[0], None if each[1:] == "None" else each[1:], None) for each in calls.split()]

    assert is_down(made) is down


def test_only_what_can_wait_finds_out_whether_a_provider_is_well_again():
    assert may_try("internal", timedelta(0))
    assert not may_try("subject", timedelta(minutes=9))
    assert may_try("subject", timedelta(minutes=10))
    assert not may_try("oncall", timedelta(minutes=59))


# --- at work ---------------------------------------------------------------------------------------


def test_after_a_refused_account_everything_goes_by_the_other_at_once(house, ways):
    message = house.send(text(house), SUSPENDED)
    assert (message.state, message.ready_at) == (State.PENDING, house.now)

    house.send(message.id, Accepted("gw-1"))
    page = house.send(text(house, "text:2", Kind.ONCALL), Accepted("gw-2"))

    assert went_by(house, message.id) == ["twilio", "gateway"]
    assert (went_by(house, page.id), page.provider) == (["gateway"], "gateway")


def test_a_refused_account_is_told_of_and_each_switch_is_written_down(house, ways):
    house.send(text(house), SUSPENDED)
    house.do(alarms.tell)
    alarm = house.messages(template="provider_refuses")

    assert {each.channel for each in alarm} == {"sms", "email"}
    assert "SMS gateway" in alarm[0].content["text"]
    switch = db.session.scalars(select(Switch)).one()
    assert (switch.provider, switch.instead, switch.back) == ("twilio", "gateway", False)
    assert "provider.left_alone" in house.record(f"organisation/{house.promark}")
    assert "provider.left_alone" in house.record(f"organisation/{house.softwerk}")


def test_it_is_used_again_once_one_message_shows_that_it_works(house, ways):
    house.send(text(house), SUSPENDED)
    house.later(seconds=61)
    page = house.send(text(house, "page", Kind.ONCALL), Accepted("gw-1"))
    probe = house.post(kind=Kind.INTERNAL, channel="sms", to=TO, key="reminder")
    assert house.claim(probe).provider == "twilio"
    probing = house.claimed
    meanwhile = house.send(text(house, "text:3"), Accepted("gw-2"))
    house.later(seconds=1)
    house.do(delivery.record, probing, Accepted("SM1"))

    after = house.send(text(house, "text:4"), Accepted("SM2"))

    assert [went_by(house, each.id) for each in (page, meanwhile, after)] == [["gateway"]] * 2 + [["twilio"]]
    assert "provider.used_again" in house.record(f"organisation/{house.promark}")


def test_a_communication_that_one_may_have_never_goes_by_the_other_before_that_is_known(house, ways):
    twilio, gateway = ways
    message = house.send(text(house), UNANSWERED)
    assert message.state is State.UNCERTAIN
    fail(house, 3)  # Twilio is left alone by now

    twilio.speaks = False
    for _ in range(3):
        house.later(minutes=3)
        settling.settle(message.id, deadline.Round())

    assert (house.message(message.id).state, went_by(house, message.id)) == (State.UNCERTAIN, ["twilio"])
    assert gateway.asked == []
    twilio.speaks = True
    house.later(minutes=3)
    settling.settle(message.id, deadline.Round())
    assert house.message(message.id).state is State.PENDING
    house.send(message.id, Accepted("gw-1"))
    assert went_by(house, message.id) == ["twilio", "gateway"]


def test_a_page_that_was_not_answered_goes_by_the_other_at_once(house, ways):
    page = house.send(text(house, kind=Kind.ONCALL), UNANSWERED)
    assert (page.state, page.ready_at) == (State.PENDING, house.now)

    house.send(page.id, Accepted("gw-1"))

    assert went_by(house, page.id) == ["twilio", "gateway"]


def test_a_refusal_for_now_goes_to_the_other_at_once_and_then_waits(house, ways):
    wait = Refusal("Twilio asks to wait", code="429")
    message = house.send(text(house), wait)
    assert (message.state, message.ready_at) == (State.PENDING, house.now)

    message = house.send(message.id, Refusal("The gateway asks to wait", code="429"))

    assert message.ready_at > house.now
    assert went_by(house, message.id) == ["twilio", "gateway"]


def test_what_one_refuses_for_good_goes_by_the_other_before_it_is_given_up(house, ways):
    no = Refusal("refused (code 21211)", code="21211")
    message = house.send(text(house), no)
    assert (message.state, message.ready_at) == (State.PENDING, house.now)

    assert house.send(message.id, no).state is State.UNREACHED
    assert went_by(house, message.id) == ["twilio", "gateway"]
    stopped = house.send(text(house, "text:2"), Refusal("refused (code 21610)", code="21610"))
    assert stopped.state is State.UNREACHED, "who has answered STOP is not tried another way"


def test_a_letter_that_may_alone_be_refused_is_given_up_in_the_end_and_holds_up_no_other(
    house, ways, monkeypatch
):
    monkeypatch.setitem(house.app.extensions["channels"], "sms", (ways[0],))
    no = Refusal("refused (5.7.1)", code="smtp-5.7.1", account=True, perhaps_one=True)
    message_id = text(house)
    for _ in range(outbox.terms(Kind.SUBJECT).tries):
        assert house.send(message_id, no).ready_at <= house.now + circuits.LEFT_ALONE
        house.later(seconds=61)

    assert house.message(message_id).state is State.UNREACHED


@pytest.mark.skipif(
    os.environ.get("BREACHCLOCK_TEST_DATABASE") != "postgresql", reason="one writer at a time"
)
def test_what_waited_for_a_provider_is_let_go_in_one_order_and_before_the_provider(house, ways):
    lower, upper = sorted(text(house, key=f"text:{n}") for n in range(2))
    house.do(circuits.leave_alone, "twilio", channel="sms", why="It refuses us.")
    until = db.session.get_one(Circuit, "twilio").open_until
    for message_id in (upper, lower):  # the lower one lies behind the other
        with transaction():
            db.session.execute(update(Message).where(Message.id == message_id).values(ready_at=until))

    def take_again():
        with house.app.app_context(), everyone(), transaction():
            circuits.takes_messages("twilio", channel="sms", asked_at=house.now, now=house.now)

    taking = Thread(target=take_again)
    with transaction():
        db.session.execute(select(Message.id).where(Message.id == lower).with_for_update())
        taking.start()
        taking.join(0.5)
        with db.engine.begin() as another:
            for row in (
                select(Message.id).where(Message.id == upper),
                select(Circuit.provider).where(Circuit.provider == "twilio"),
            ):
                assert another.execute(row.with_for_update(skip_locked=True)).first() is not None
    taking.join(10)
    assert {house.message(each).ready_at for each in (lower, upper)} == {house.now}


def test_a_provider_that_keeps_failing_is_left_alone_and_nobody_is_woken_for_it(house, ways):
    fail(house, 3)

    assert house.claim(text(house)).provider == "gateway"
    assert db.session.get_one(Circuit, "twilio").account is False
    assert not alarms.waiting()
    house.do(delivery.record, house.claimed, Accepted("gw-1"))
    house.later(seconds=61)
    house.send(house.post(kind=Kind.INTERNAL, channel="sms", to=TO, key="probe"), SUSPENDED)
    assert alarms.waiting()  # it refuses us, which is news


def test_the_last_one_that_works_is_never_left_alone_for_failing(house, ways):
    house.send(text(house), SUSPENDED)
    fail(house, 5)

    assert house.claim(text(house, "text:2")).provider == "gateway"


def test_with_one_provider_alone_failing_changes_nothing(house, ways, monkeypatch):
    monkeypatch.setitem(house.app.extensions["channels"], "sms", (ways[0],))
    fail(house, 5)

    assert house.claim(text(house)).provider == "twilio"


def test_when_no_provider_takes_a_page_it_moves_on_at_once_and_waits_no_minute(house, ways):
    message_id = text(house)
    for _ in ways:
        house.send(message_id, SUSPENDED)
    page_id = house.page()
    assert house.the_page().next_at > house.now
    called = next(each for each in house.messages(channel="sms") if each.page_id == page_id)

    claimed = house.do(
        outbox.claim, called.id, provider_of=channels.names(), kept_back=delivery.nobody_takes_it
    )

    assert (claimed, house.the_page().next_at) == (None, house.now)
    assert house.message(called.id).ready_at == house.now + circuits.LEFT_ALONE


def test_a_receipt_of_one_provider_says_nothing_of_an_attempt_by_the_other(house, ways):
    message = house.send(text(house), Accepted("SM1"))
    attempt = house.attempts(message.id)[0]

    house.receipt("delivered", provider="gateway", attempt_id=attempt.id, provider_id="SM1")

    assert house.message(message.id).state is State.ACCEPTED
    assert house.attempts(message.id)[0].outcome is Outcome.ACCEPTED


def test_a_provider_that_the_settings_name_no_more_is_not_taken_for_one_that_has_nothing(
    house, ways, monkeypatch
):
    message = house.send(text(house), UNANSWERED)
    monkeypatch.setitem(house.app.extensions["channels"], "sms", (ways[1],))
    house.later(minutes=10)

    settling.settle(message.id, deadline.Round())

    assert house.message(message.id).state is State.UNCERTAIN


def test_the_page_of_messages_shows_the_ways_out_and_what_changed(house, ways):
    house.send(text(house), SUSPENDED)
    shown = house.browser("dorthe").get("/messages").text

    assert "left alone" in shown
    assert "from Twilio to SMS gateway" in shown
    assert [each.provider for each in circuits.standing() if each.until] == ["twilio"]


def test_who_only_asks_to_wait_takes_no_messages_yet(house, ways):
    house.do(circuits.leave_alone, "twilio", channel="sms", why=SUSPENDED.why)

    for code, minutes in (("429", 11), ("smtp-421", 2)):
        house.later(minutes=minutes)
        house.do(delivery.record, *waits_for_answer(house, code), Refusal("asks to wait", code=code))
        assert "twilio" not in circuits.working(BOTH)


def waits_for_answer(house, key):
    """A message that the provider which is left alone was given, to try it."""
    house.claim(text(house, key=key))
    assert house.attempts(house.claimed.message_id)[-1].provider == "twilio"
    return (house.claimed,)


@pytest.mark.skipif(
    os.environ.get("BREACHCLOCK_TEST_DATABASE") != "postgresql", reason="one writer at a time"
)
def test_two_that_fail_at_once_are_not_both_left_alone(house, ways):
    tried = [text(house, key=f"tried:{number}") for number in range(6)]
    with transaction():
        for number, message_id in enumerate(tried):
            db.session.add(
                Attempt(
                    organisation_id=house.promark, message_id=message_id, number=1, rank=0,
                    provider=BOTH[number % 2], started_at=house.now, ended_at=house.now,
                    outcome=Outcome.UNCERTAIN,
                )
            )  # fmt: skip
    start = Barrier(2)

    def judge(provider):
        with house.app.app_context(), everyone(), transaction():
            start.wait()
            circuits.failed(provider, channel="sms", now=house.now)
            time.sleep(0.5)

    threads = [Thread(target=judge, args=(each,)) for each in BOTH]
    for each in threads:
        each.start()
    for each in threads:
        each.join(20)

    db.session.rollback()
    assert len(circuits.working(BOTH)) == 1
