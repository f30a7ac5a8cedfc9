"""A page by telephone: a key takes it or passes it on, once; silence and machines take nothing."""

import os
import re
import time
from threading import Event, Thread
from uuid import uuid4

import pytest

from accounts.models import Role, StaffMember
from foundation.database import db, everyone, transaction, utcnow
from notifications import callbacks, paging, voice, ways
from notifications.channels import Accepted
from notifications.models import PageState, State
from tests.notifications.conftest import PHONES
from tests.notifications.test_callbacks import ACCOUNT, SIGNED, post_form, text

SID = "CA" + "c" * 32
KEYS = "/callbacks/twilio/voice/keys"


class Telephone:
    """Astrid's, which rings about the page; each method is what Twilio tells us of it."""

    def __init__(self, house, sid=SID):
        self.house, self.sid = house, sid
        self.message = house.send(house.messages(channel="voice")[-1].id, Accepted(sid))
        self.attempt = house.claimed.attempt_id

    def ask(self, path="/callbacks/twilio/voice", *, attempt=None, query="", **fields):
        sent = {"CallSid": self.sid, "To": self.message.recipient, "CallStatus": "in-progress"} | fields
        said = post_form(self.house, f"{path}?a={attempt or self.attempt}&l=en{query}", sent).text
        db.session.rollback()  # a call is answered in a thread of its own: look afresh
        return said

    def press(self, key, **more):
        return self.ask(KEYS, Digits=key, **more)

    def end(self, status="completed"):
        self.ask("/callbacks/twilio/voice/status", CallStatus=status)
        return self.house.message(self.message.id)


@pytest.fixture
def page_id(house):
    return house.page()


@pytest.fixture
def phone(house, page_id):
    house.do(paging.call_me, page_id, house.astrid)
    return Telephone(house)


def test_who_picks_up_hears_what_it_is_about_and_what_the_keys_do(house, phone):
    said = phone.ask()

    assert 'language="en-GB"' in said
    assert "P M, 2 0 2 6, 0 0 1 2" in said
    assert "Press 4 to take it" in said
    assert house.the_page().state is PageState.OPEN
    assert "Astrid" not in said


def test_four_takes_it_and_says_so(house, phone):
    phone.ask()

    assert "It is yours: P M" in phone.press("4")
    assert house.takers() == [house.astrid]
    assert phone.end().state is State.DELIVERED


def test_six_passes_it_on_at_once_and_says_to_whom(house, phone):
    phone.ask()

    assert "Birk is called now" in phone.press("6")
    assert house.paged() == ["astrid", "birk"]
    assert (phone.end().state, house.the_page().state) == (State.DELIVERED, PageState.OPEN)


@pytest.mark.parametrize("key", ["5", "9", "44", "", "４", "٤", "4\n"])
def test_any_other_key_says_it_again_and_takes_nothing(house, phone, key):
    assert "Press 4 to take it" in phone.press(key)
    assert house.takers() == []


@pytest.mark.parametrize("status", ["completed", "busy", "no-answer", "failed", "canceled"])
def test_a_call_without_a_key_reached_nobody_and_the_next_is_called_now(house, status):
    house.now = utcnow()
    with transaction():
        ways.add_contact_method(
            organisation_id=house.promark, staff_id=house.astrid, channel="voice", address=PHONES["astrid"],
            position=2, verified_at=house.now,
        )  # fmt: skip
    house.page()
    house.later(seconds=1)
    phone = Telephone(house)
    phone.ask()  # a machine picks up as well

    assert phone.end(status).state is State.UNREACHED
    assert house.the_page().next_at <= utcnow()
    assert house.takers() == []


def test_the_same_key_told_again_a_night_later_takes_nothing(house, phone):
    phone.ask()
    phone.press("4")
    house.do(paging.release, house.the_page().id, house.astrid, reason="Too tired")

    said = phone.press("4")

    assert "Birk" in said or "next person" in said
    assert house.the_page().state is PageState.OPEN
    assert house.record().count("page.acknowledged") == 1


def test_twilio_asking_twice_hears_the_same_and_nothing_happens_twice(house, phone):
    said = [phone.press("4") for _ in range(2)]

    assert said[0] == said[1]
    assert house.record().count("page.acknowledged") == 1


def test_a_late_key_hears_who_has_it(house, phone, page_id):
    phone.ask()
    house.do(paging.acknowledge, page_id, house.birk, way="screen")

    assert "Birk has it already" in phone.press("4")
    assert "Birk has it already" in phone.ask()
    assert house.takers() == [house.birk]


def test_an_end_that_is_told_before_the_key_does_not_undo_it(house, phone):
    assert phone.end("completed").state is State.UNREACHED

    phone.press("4")

    assert house.message(phone.message.id).state is State.DELIVERED
    assert house.takers() == [house.astrid]


@pytest.mark.parametrize(
    "wrong",
    [
        {"CallSid": "CA" + "d" * 32}, {"To": PHONES["birk"]}, {"attempt": uuid4()},
        {"CallSid": "SM" + "c" * 32},
    ],
)  # fmt: skip
def test_another_call_another_number_and_another_attempt_take_nothing(house, phone, wrong):
    phone.ask()

    said = phone.press("4", **wrong)

    assert "Hangup" in said
    assert "Say" not in said
    assert house.takers() == []


def test_a_text_messages_attempt_is_no_call(house, phone):
    sms = house.send(house.messages(channel="sms")[0].id, Accepted("SM" + "b" * 32))

    assert "Say" not in phone.press("4", attempt=house.attempts(sms.id)[0].id)
    assert house.takers() == []


@pytest.mark.parametrize("path", ["", "/keys", "/status"])
def test_what_twilio_did_not_sign_is_refused_on_every_address_of_a_call(house, phone, path):
    address = f"/callbacks/twilio/voice{path}?a={phone.attempt}"
    form = {
        "AccountSid": ACCOUNT,
        "CallSid": SID,
        "To": PHONES["astrid"],
        "Digits": "4",
        "CallStatus": "busy",
    }

    for headers in ({}, {SIGNED: "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}):
        assert house.app.test_client().post(address, data=form, headers=headers).status_code == 403
    forged = post_form(house, address, form, token="guessed")

    assert forged.status_code == 403
    assert (house.takers(), house.message(phone.message.id).state) == ([], State.ACCEPTED)


@pytest.mark.parametrize("gone", [{"active": False}, {"role": Role.AUDITOR}])
def test_somebody_who_left_or_is_paged_no_more_takes_nothing_by_a_call(house, phone, gone):
    with transaction():
        db.session.query(StaffMember).filter_by(id=house.astrid).update(gone)

    assert "Say" not in phone.press("4")
    assert house.takers() == []


def test_while_our_house_is_slow_the_caller_is_asked_to_wait_and_the_key_counts_once(
    house, phone, monkeypatch
):
    monkeypatch.setattr(callbacks, "ANSWERED_WITHIN", 0.3)
    real, slow = voice.pressed, [1.2]

    def late(*args, **known):
        time.sleep(slow.pop() if slow else 0)
        return real(*args, **known)

    monkeypatch.setattr(voice, "pressed", late)
    said = phone.press("4")
    again = re.search(r"<Redirect[^>]*>([^<]+)<", said)[1].replace("&amp;", "&")
    assert "One moment" in said
    time.sleep(1.5)
    db.session.rollback()

    told = post_form(house, again, {"CallSid": SID, "To": PHONES["astrid"]}).text

    assert "It is yours" in told
    assert house.record().count("page.acknowledged") == 1


def test_a_house_that_stays_slow_sends_the_caller_to_another_way(house, phone, monkeypatch):
    monkeypatch.setattr(callbacks, "ANSWERED_WITHIN", 0.0)

    said = phone.press("4", query="&n=4")

    assert "Reply to the text message instead" in said
    assert "Redirect" not in said


def test_the_taker_who_asks_for_a_call_may_give_it_back_by_a_key(house, page_id):
    house.do(paging.acknowledge, page_id, house.astrid, way="sms")
    house.now = utcnow()
    answer = text(house, f"ring {house.messages(channel='sms')[0].reference}")
    house.later(seconds=5)
    phone = Telephone(house)

    assert "you are called now" in answer.text
    assert "Press 4" in phone.ask()
    phone.press("6")
    assert house.the_page().state is PageState.OPEN


@pytest.mark.skipif(
    os.environ.get("BREACHCLOCK_TEST_DATABASE") != "postgresql", reason="one writer at a time"
)
def test_a_key_that_is_told_twice_at_once_says_the_same_twice(house, phone):
    call = voice.Call(phone.attempt, SID, phone.message.recipient)
    said, done, end = {}, Event(), Event()

    def press(name):
        with house.app.app_context(), everyone(), transaction():
            said[name] = voice.pressed(call, "4", now=house.now).sentences
            if name == "first":
                done.set()
                end.wait(10)

    db.session.rollback()
    first, second = (Thread(target=press, args=(name,)) for name in ("first", "second"))
    first.start()
    done.wait(10)
    second.start()
    time.sleep(0.5)  # it has read the page, and waits for what the first one writes
    end.set()
    first.join(20)
    second.join(20)

    assert said["first"] == said["second"]
    assert house.takers() == [house.astrid]
