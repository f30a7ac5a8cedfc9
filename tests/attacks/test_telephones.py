"""Telephones in the wrong hands: guessed codes, borrowed numbers, floods, links pressed twice or too late."""

import re
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from sqlalchemy import select
from twilio.request_validator import RequestValidator

from foundation.database import db, everyone
from notifications.models import Acknowledgement, Message, Page, PageState
from tests import people
from tests.story.driver import Story

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def story(app, cast, sandbox, clock, work):
    made = Story(app, cast, sandbox, clock, work, twice=False)
    made.hostco_reports()
    made.work()
    return made


def write(story, sender, body):
    """A text as Twilio hands it over, signed: under whatever number its sender gave itself."""
    told = story.app.config["SETTINGS"]
    path = "/callbacks/twilio/inbound"
    form = {"AccountSid": told.twilio_account_sid, "MessageSid": f"SM{uuid4().hex}", "From": sender,
            "To": told.twilio_from, "Body": body}  # fmt: skip
    signature = RequestValidator(told.twilio_auth_token).compute_signature(told.public_url + path, form)
    answer = story.app.test_client().post(
        path, data=urlencode(form), content_type=FORM, headers={"X-Twilio-Signature": signature}
    )
    assert answer.status_code == 200
    return answer.text


def state(story):
    with everyone():
        db.session.rollback()
        return db.session.scalars(select(Page.state).order_by(Page.id)).first()


def takers():
    with everyone():
        return list(db.session.scalars(select(Acknowledgement.way)))


def link(story):
    body = story.sandbox.sms_to(people.ASTRIDS_PHONE)[-1]["body"]
    return re.search(r"/a/[\w-]+", body)[0]


def test_codes_are_not_guessed_under_somebody_elses_number(story):
    code = story.code_for(people.ASTRIDS_PHONE)
    wrong = [f"HH{number}" for number in range(22, 100) if "0" not in str(number) and "1" not in str(number)]

    for guess in wrong[:10]:
        assert "yours" not in write(story, people.ASTRIDS_PHONE, guess)
    said = write(story, people.ASTRIDS_PHONE, code)

    assert "yours" not in said
    assert state(story) is PageState.OPEN  # louder, not quieter
    story.app.test_client().post(link(story))
    assert takers() == ["link"]


def test_a_flood_of_texts_gets_five_answers_and_takes_nothing(story):
    said = [write(story, people.ASTRIDS_PHONE, f"ok ok ok {number}") for number in range(60)]

    assert sum("<Message>" in each for each in said) == 5
    assert state(story) is PageState.OPEN
    write(story, people.ASTRIDS_PHONE, story.code_for(people.ASTRIDS_PHONE))
    assert takers() == ["sms"]


@pytest.mark.parametrize("sender", ["12345", "BREACHCLCK", "+４４７７００９００１０１", "tel:+447700900101"])
def test_who_is_no_telephone_is_neither_heard_nor_answered(story, sender):
    code = story.code_for(people.ASTRIDS_PHONE)

    assert all("<Message>" not in write(story, sender, each) for each in (code, "ok", "STOP", "START"))
    assert state(story) is PageState.OPEN


def test_a_stranger_with_the_right_code_takes_nothing_and_hears_nothing(story):
    code = story.code_for(people.ASTRIDS_PHONE)

    said = [write(story, "+4599999998", each) for each in (code, f"nej {code}", f"ring {code}", "ok", "STOP")]

    assert all("<Message>" not in each for each in said)
    assert state(story) is PageState.OPEN
    with everyone():
        assert not db.session.scalar(select(select(Message.id).where(Message.channel == "voice").exists()))


def test_scanners_and_browsers_that_fetch_ahead_take_nothing(story):
    browser, address = story.app.test_client(), link(story)

    for method in (browser.get, browser.head, browser.options):
        assert method(address, headers={"Purpose": "prefetch", "Sec-Purpose": "prefetch"}).status_code == 200
    assert browser.post(address, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 400

    assert state(story) is PageState.OPEN


def test_a_button_pressed_twice_or_sent_again_a_night_later_acts_once(story):
    browser, address = story.app.test_client(), link(story)
    once = re.search(r'name="once" value="([\w-]+)"', browser.get(address).text)[1]
    pressed = {"do": "take", "once": once}
    for _ in range(2):
        assert browser.post(address, data=pressed).status_code == 303
    assert takers() == ["link"]
    again = re.search(r'name="once" value="([\w-]+)"', browser.get(address).text)[1]
    browser.post(address, data={"do": "pass", "once": again})
    assert state(story) is PageState.OPEN

    browser.post(address, data=pressed)

    assert state(story) is PageState.OPEN


@pytest.mark.parametrize("do", ["release", "take; DROP", "", "hand_over", "%00"])
def test_a_button_that_is_none_does_nothing(story, do):
    assert story.app.test_client().post(link(story), data={"do": do, "to": "x"}).status_code in {
        303,
        400,
        404,
    }
    assert state(story) is PageState.OPEN
