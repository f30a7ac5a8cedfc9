"""Receipts get lost and mail is put off: the provider is asked, and nobody hopes for days."""

from datetime import timedelta

import pytest

from foundation.database import transaction
from notifications import jobs, polling, settling
from notifications.channels import Accepted, CannotAsk, Told
from notifications.channels.sendgrid import SendGrid
from notifications.channels.twilio import Twilio
from notifications.models import Kind, State
from notifications.settling import Choice
from tests.notifications.installation import a_settings
from tests.sandbox import Sandbox

BY_SMS = (("sms", "+4520000009"),)
PHONE = "+4520000009"


class Provider:
    """Says of a message what it is told to say."""

    def __init__(self, name):
        self.name = name
        self.says = Told("sent")
        self.asked = []

    def told(self, *, provider_id, **_):
        self.asked.append(provider_id)
        if self.says is None:
            raise CannotAsk
        return self.says


@pytest.fixture
def twilio(house, monkeypatch):
    for module in (polling, jobs):
        monkeypatch.setattr(module, "database_now", lambda: house.now)
    made = Provider("twilio")
    monkeypatch.setitem(house.app.extensions["channels"], "sms", (made,))
    return made


@pytest.fixture
def sendgrid(house, monkeypatch, twilio):
    made = Provider("sendgrid")
    made.says = Told("processed")
    monkeypatch.setitem(house.app.extensions["channels"], "email", (made,))
    return made


def an_accepted_text(house, number=1):
    message_id = house.post(channel="sms", to=PHONE, key=f"text:{number}")
    return house.send(message_id, Accepted(f"SM{number}")).id


def test_a_receipt_that_never_comes_is_asked_for_after_a_quarter_of_an_hour(house, twilio):
    message_id = an_accepted_text(house)
    twilio.says = Told("delivered")
    house.later(minutes=14, seconds=59)
    assert jobs.poll() == 0
    house.later(seconds=1)

    assert jobs.poll() == 1

    assert (house.message(message_id).state, twilio.asked) == (State.DELIVERED, ["SM1"])


def test_a_failure_found_by_asking_is_one_like_any_other(house, twilio):
    message_id = an_accepted_text(house)
    twilio.says = Told("undelivered", "30005")
    house.later(minutes=15)

    jobs.poll()

    message = house.message(message_id)
    assert (message.state, message.wants_person_at) == (State.UNREACHED, house.now)


def test_what_is_told_when_asked_takes_nothing_back(house, twilio):
    message_id = an_accepted_text(house)
    house.receipt("sent")
    twilio.says = Told("queued")
    house.later(minutes=15)

    jobs.poll()

    assert house.attempts(message_id)[0].rank == 4


def test_a_message_is_asked_about_every_quarter_of_an_hour_and_no_more_after_three_days(house, twilio):
    an_accepted_text(house)
    for _ in range(60):
        house.later(minutes=1)
        jobs.poll()
    assert len(twilio.asked) == 4

    house.later(days=3)
    jobs.poll()
    assert len(twilio.asked) == 4


def test_a_provider_that_can_not_be_asked_is_asked_once_a_round_and_not_always_for_the_same(house, twilio):
    for number in range(3):
        an_accepted_text(house, number)
    twilio.says = None
    house.later(minutes=15)

    jobs.poll()
    assert len(twilio.asked) == 1
    for _ in range(2):
        jobs.poll()

    assert sorted(twilio.asked) == ["SM0", "SM1", "SM2"]


def test_those_left_alone_longest_are_asked_about_first(house, twilio):
    ids = [an_accepted_text(house, number) for number in range(3)]
    house.later(hours=1)
    with transaction():
        house.message(ids[0]).asked_at = house.now - timedelta(minutes=20)
        house.message(ids[1]).asked_at = house.now - timedelta(minutes=40)

    jobs.poll()

    assert twilio.asked == ["SM2", "SM1", "SM0"]


def test_a_silent_provider_keeps_nobody_from_asking_the_other(house, twilio, sendgrid):
    an_accepted_text(house)
    letter = house.send(house.post(), Accepted("mail-1")).id
    twilio.says, sendgrid.says = None, Told("delivered")
    house.later(minutes=15)

    jobs.poll()

    assert house.message(letter).state is State.DELIVERED


def test_a_round_asks_about_twenty_at_most(house, twilio):
    for number in range(polling.AT_ONCE + 5):
        an_accepted_text(house, number)
    house.later(minutes=15)

    jobs.poll()

    assert len(twilio.asked) == polling.AT_ONCE


def test_a_person_who_marked_it_as_sent_is_not_asked_about_it(house, twilio):
    message_id = an_accepted_text(house)
    house.receipt("failed", code="30005")
    house.do(settling.decide, message_id, Choice.MARK_SENT, by="Dorthe", reason="She called.")
    house.later(hours=1)

    jobs.poll()

    assert twilio.asked == []


def test_a_letter_put_off_for_six_hours_gets_company_by_text_message_once(house, sendgrid):
    letter = house.send(house.post(fallbacks=BY_SMS), Accepted("mail-1")).id
    house.receipt("deferred")
    house.later(hours=5, minutes=59)
    jobs.poll()
    assert house.messages(channel="sms") == []

    for _ in range(3):
        house.later(minutes=1)
        jobs.poll()
    house.receipt("bounce")

    assert [m.recipient for m in house.messages(channel="sms")] == [PHONE]
    assert house.message(letter).wants_person_at is None


@pytest.mark.parametrize(("kind", "fallbacks"), [(Kind.SUBJECT, ()), (Kind.AUTHORITY, BY_SMS)])
def test_a_letter_put_off_that_has_no_other_way_is_put_before_a_person(house, sendgrid, kind, fallbacks):
    letter = house.send(house.post(kind=kind, fallbacks=fallbacks), Accepted("mail-1")).id
    house.later(hours=6)

    jobs.poll()

    message = house.message(letter)
    assert (message.state, message.wants_person_at) == (State.ACCEPTED, house.now)
    assert house.messages(channel="sms") == []
    assert polling.late(house.now) == []


def test_a_letter_put_off_that_arrives_after_all_wants_nobody(house, sendgrid):
    letter = house.send(house.post(), Accepted("mail-1")).id
    house.later(hours=6)
    jobs.poll()

    house.receipt("delivered")

    assert house.message(letter).wants_person_at is None


# --- against the sandbox, which speaks as the providers do -----------------------------------------


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    with Sandbox.start(
        tmp_path_factory.mktemp("box"), callback_url="https://breachclock.promark.example"
    ) as made:
        made.hold_callbacks()
        yield made


@pytest.mark.parametrize(("outcome", "code"), [("delivered", None), ("undelivered", 30005)])
def test_twilio_says_what_became_of_a_text(box, tmp_path, outcome, code):
    box.reset()
    box.outcome(PHONE, outcome, code=code)
    provider = Twilio(a_settings(tmp_path, **box.environment))
    sent = provider.send(
        recipient=PHONE, content={"text": "Hej"}, attempt_id="1", reference="K7Q2MXPD", limit=5, urgent=True
    )
    box.settle()

    assert provider.told(attempt_id="1", provider_id=sent.provider_id) == Told(outcome, code and str(code))
    assert provider.told(attempt_id="2", provider_id="SM" + "0" * 32) is None


@pytest.mark.parametrize(
    ("outcome", "told"), [("delivered", "delivered"), ("bounce", "bounce"), ("deferred", "processed")]
)
def test_sendgrid_says_what_became_of_a_letter(box, tmp_path, outcome, told):
    box.reset()
    box.outcome("anna@example.org", outcome)
    provider = SendGrid(a_settings(tmp_path, **box.environment))
    content = {"subject": "Brud", "text": "Kære Anna", "html": ""}
    sent = provider.send(
        recipient="anna@example.org", content=content, attempt_id="1", reference="K7Q2MXPD", limit=5,
        urgent=False,
    )  # fmt: skip
    box.settle()

    assert provider.told(attempt_id="1", provider_id=sent.provider_id) == Told(told)
    assert provider.told(attempt_id="2", provider_id="none") is None


def test_a_provider_that_fails_can_not_be_asked(box, tmp_path):
    box.reset()
    for name in ("twilio", "sendgrid"):
        box.fail(name, "5xx", times=None, operation="fetch", status=503)
        box.fail(name, "5xx", times=None, operation="search", status=503)
    settings = a_settings(tmp_path, **box.environment)

    for provider in (Twilio(settings), SendGrid(settings)):
        with pytest.raises(CannotAsk):
            provider.told(attempt_id="1", provider_id="SM" + "0" * 32)


def test_a_mail_server_that_says_nothing_later_is_not_asked_and_its_mail_is_not_late(
    house, monkeypatch, twilio
):
    silent = Provider("smtp")
    monkeypatch.setitem(house.app.extensions["channels"], "email", (silent,))
    message = house.send(house.post(fallbacks=BY_SMS), Accepted("a@localhost.test"))
    an_accepted_text(house)

    house.later(hours=7)
    jobs.poll()

    assert (silent.asked, twilio.asked) == ([], ["SM1"])
    assert [each.state for each in house.messages(channel="email")] == [State.ACCEPTED]
    assert house.message(message.id).late_at is None


def test_letters_of_a_mail_server_that_the_settings_name_no_more_are_not_sent_once_more(
    house, monkeypatch, sendgrid
):
    monkeypatch.setitem(house.app.extensions["channels"], "email", (Provider("smtp"),))
    house.send(house.post(fallbacks=BY_SMS), Accepted("a@localhost.test"))
    monkeypatch.setitem(house.app.extensions["channels"], "email", (sendgrid,))

    house.later(hours=7)
    jobs.poll()

    assert house.messages(channel="sms") == []


def test_a_letter_of_weeks_ago_is_not_late_any_more(house, sendgrid):
    house.send(house.post(fallbacks=BY_SMS), Accepted("mail-1"))
    house.later(days=21)

    jobs.poll()

    assert house.messages(channel="sms") == []
