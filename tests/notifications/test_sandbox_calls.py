"""The sandbox as Twilio's voice interface, through Twilio's own SDK over HTTP."""

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from notifications.sandbox.callbacks import Answer
from notifications.sandbox.config import SANDBOX_ACCOUNT_SID, SANDBOX_AUTH_TOKEN, SANDBOX_NUMBER
from tests.sandbox import Sandbox, ToSandbox

ASTRID, BIRK = "+4520000001", "+4520000002"
PRODUCT = "http://product.test"
EVENTS = ["initiated", "ringing", "answered", "completed"]
MENU = """<?xml version="1.0" encoding="UTF-8"?><Response>
<Gather numDigits="1" timeout="8" action="/callbacks/twilio/voice/keys?a=1">
  <Say language="da-DK">Hændelse 7. Tast 4 for at tage den.</Say></Gather>
<Say language="da-DK">Vi ringer igen.</Say></Response>"""
TAKEN = "<Response><Say language='da-DK'>Den er din.</Say><Hangup/><Say>never</Say></Response>"


class Product:
    """Answers what a call asks, checking each signature as Twilio's SDK does."""

    def __init__(self) -> None:
        self.validator = RequestValidator(SANDBOX_AUTH_TOKEN)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.pages = {"/callbacks/twilio/voice": MENU, "/callbacks/twilio/voice/keys": TAKEN}

    def hear(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        assert self.validator.validate(url, form, headers["X-Twilio-Signature"]), url
        self.asked.append((urlsplit(url).path.rpartition("/")[2], form))
        page = self.pages.get(urlsplit(url).path, "")
        return Answer(200, page) if page else Answer(204)

    def told(self) -> list[str]:
        """The states that status callbacks told of, in order."""
        return [form["CallStatus"] for place, form in self.asked if place == "status"]

    def digits(self) -> list[str]:
        return [form["Digits"] for _, form in self.asked if "Digits" in form]


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox.start(tmp_path, PRODUCT) as running:
        yield running


@pytest.fixture
def product(sandbox: Sandbox) -> Product:
    made = Product()
    sandbox.deliver_callbacks_to(made.hear)
    return made


@pytest.fixture
def twilio(sandbox: Sandbox) -> Iterator[Client]:
    http = ToSandbox(sandbox.url)
    yield Client(SANDBOX_ACCOUNT_SID, SANDBOX_AUTH_TOKEN, http_client=http)
    http.session.close()


@pytest.fixture
def ring(twilio: Client, sandbox: Sandbox) -> Callable[..., str]:
    def a_call(to: str = ASTRID, **more: object) -> str:
        told = {
            "url": f"{PRODUCT}/callbacks/twilio/voice?a=1", "status_callback_event": EVENTS,
            "status_callback": f"{PRODUCT}/callbacks/twilio/voice/status?a=1", "timeout": 30,
        }  # fmt: skip
        sid = twilio.calls.create(to=to, from_=SANDBOX_NUMBER, **told | more).sid
        sandbox.settle()
        return sid

    return a_call


def said(sandbox: Sandbox, number: str = ASTRID) -> list[tuple[str, str, str]]:
    turns = sandbox.calls_to(number)[-1]["talk"]["turns"]
    return [(turn["who"], turn["language"], turn["text"]) for turn in turns]


def test_somebody_answers_hears_it_and_takes_it_by_a_key(sandbox, product, twilio, ring):
    sid = ring()
    assert twilio.calls(sid).fetch().status == "ringing"

    sandbox.pick_up(sid)
    sandbox.settle()
    assert sandbox.calls_to(ASTRID)[0]["talk"]["waits"]
    sandbox.press(sid, "4")
    sandbox.settle()

    assert said(sandbox) == [
        ("product", "da-DK", "Hændelse 7. Tast 4 for at tage den."), ("person", "", "4"),
        ("product", "da-DK", "Den er din."),
    ]  # fmt: skip
    assert product.told() == ["initiated", "ringing", "in-progress", "completed"]
    assert product.digits() == ["4"]
    assert twilio.calls(sid).fetch().status == "completed"


def test_keys_are_taken_until_the_finishing_key(sandbox, product, ring):
    product.pages["/callbacks/twilio/voice"] = MENU.replace('numDigits="1"', 'finishOnKey="*"')
    sid = ring()
    sandbox.pick_up(sid)
    sandbox.settle()

    sandbox.press(sid, "12*")
    sandbox.settle()

    assert product.digits() == ["12"]


@pytest.mark.parametrize("empty", [False, True])
def test_silence_goes_on_with_the_document_or_is_told_where_that_is_asked_for(sandbox, product, ring, empty):
    if empty:
        product.pages["/callbacks/twilio/voice"] = MENU.replace(
            "<Gather", '<Gather actionOnEmptyResult="true"'
        )
    sid = ring()
    sandbox.pick_up(sid)
    sandbox.settle()

    sandbox.be_silent(sid)
    sandbox.settle()

    assert said(sandbox)[-1][2] == ("Den er din." if empty else "Vi ringer igen.")
    assert product.digits() == ([""] if empty else [])


@pytest.mark.parametrize("end", ["busy", "no-answer", "failed", "canceled"])
def test_a_call_nobody_answers_ends_as_told_and_speaks_to_nobody(sandbox, product, twilio, ring, end):
    sandbox.outcome(ASTRID, end, provider="voice")

    sid = ring()

    assert twilio.calls(sid).fetch().status == end
    assert product.told()[-1] == end
    assert said(sandbox) == []


def test_a_call_rings_no_longer_than_asked(sandbox, product, ring):
    ring(timeout=1)

    sandbox.wait_for(lambda: product.told()[-1:] == ["no-answer"])


def test_a_machine_answers_and_is_known_for_one_where_that_is_asked_for(sandbox, product, ring):
    sandbox.outcome(ASTRID, "machine", provider="voice")

    ring(machine_detection="Enable")

    assert [form.get("AnsweredBy") for place, form in product.asked if place == "voice"] == ["machine_start"]
    assert product.digits() == []
    assert product.told()[-1] == "completed"


def test_a_redirect_is_followed_and_a_document_nobody_can_follow_ends_the_call(sandbox, product, ring):
    product.pages["/callbacks/twilio/voice"] = "<Response><Redirect>voice/keys</Redirect></Response>"
    product.pages["/callbacks/twilio/voice/keys"] = "<Response><Say>One"
    product.pages["/callbacks/twilio/keys"] = "<Response><Pause/><Dial/></Response>"

    sandbox.pick_up(ring())
    sandbox.settle()

    assert [place for place, _ in product.asked if place != "status"] == ["voice", "keys"]
    assert said(sandbox)[-1][2].startswith("We are sorry, an application error has occurred.")
    assert product.told()[-1] == "completed"


def test_events_may_come_in_reverse_and_only_those_asked_for_come(sandbox, product, ring):
    sandbox.call_back("voice", "reversed")
    sandbox.outcome(ASTRID, "completed", provider="voice", keys="4")

    ring(status_callback_event=["answered", "completed"])

    assert product.told() == ["completed", "in-progress"]
    assert product.digits() == ["4"]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"to": "+450"}, 21211),
        ({"url": "http://elsewhere.test/"}, 21205),
        ({"url": None}, 21205),
        ({"from_": "+4599999999"}, 21210),
        ({"status_callback": "http://elsewhere.test/"}, 21609),
        ({"status_callback_event": ["rung"]}, 21626),
        ({"timeout": 601}, 20001),
    ],
)
def test_what_twilio_would_not_call_is_refused_with_its_code(sandbox, twilio, form, code):
    told = {"to": ASTRID, "from_": SANDBOX_NUMBER, "url": f"{PRODUCT}/callbacks/twilio/voice"}

    with pytest.raises(TwilioRestException) as refused:
        twilio.calls.create(**told | form)

    assert refused.value.code == code
    assert sandbox.accepted() == []


def test_calls_are_listed_and_ended_as_the_sdk_asks(sandbox, product, twilio, ring):
    first, second = ring(), ring(BIRK)

    twilio.calls(second).update(status="canceled")

    assert [each.sid for each in twilio.calls.list()] == [second, first]
    assert [each.sid for each in twilio.calls.list(to=ASTRID, status="ringing")] == [first]
    assert twilio.calls(second).fetch().status == "canceled"


def test_a_fault_of_voice_leaves_texts_alone(sandbox, product, twilio):
    sandbox.fail("voice", "5xx", times=None)

    with pytest.raises(TwilioRestException):
        twilio.calls.create(to=ASTRID, from_=SANDBOX_NUMBER, url=f"{PRODUCT}/callbacks/twilio/voice")
    twilio.messages.create(to=ASTRID, from_=SANDBOX_NUMBER, body="Ref K7Q-2MX")

    assert [each["provider"] for each in sandbox.accepted()] == ["twilio"]


def test_a_call_on_its_way_ends_when_the_sandbox_was_away(sandbox, product, ring):
    sid = ring()
    sandbox.stop()

    sandbox.start_again()

    assert [call["status"] for call in sandbox.calls_to(ASTRID) if call["id"] == sid] == ["failed"]
