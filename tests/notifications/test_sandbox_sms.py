"""The sandbox as Twilio, through Twilio's own SDK over HTTP."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from notifications.sandbox.callbacks import Answer
from notifications.sandbox.config import SANDBOX_ACCOUNT_SID, SANDBOX_AUTH_TOKEN, SANDBOX_NUMBER
from tests.sandbox import Sandbox, ToSandbox

ASTRID, BIRK = "+4520000001", "+4520000002"
PRODUCT = "http://product.test"
STATUS = f"{PRODUCT}/callbacks/twilio/status"


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox.start(tmp_path, PRODUCT) as running:
        running.deliver_callbacks_to(lambda *_: Answer(204))
        yield running


@pytest.fixture
def twilio(sandbox: Sandbox) -> Iterator[Client]:
    http = ToSandbox(sandbox.url)
    yield Client(SANDBOX_ACCOUNT_SID, SANDBOX_AUTH_TOKEN, http_client=http)
    http.session.close()


@pytest.fixture
def send(twilio: Client) -> Callable[..., str]:
    def an_sms(to: str = ASTRID, body: str = "Ref K7Q-2MX", **more: object) -> str:
        return twilio.messages.create(to=to, from_=SANDBOX_NUMBER, body=body, **more).sid

    return an_sms


class Heard:
    """A product that hears every callback and checks its signature as Twilio's SDK does."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.validator = RequestValidator(SANDBOX_AUTH_TOKEN)
        self.answer = Answer(204)
        sandbox.deliver_callbacks_to(self.hear)

    def hear(self, url, body, headers) -> Answer:
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        assert self.validator.validate(url, form, headers["X-Twilio-Signature"]), url
        self.calls.append((url, form))
        return self.answer

    def statuses(self) -> list[str]:
        return [form["MessageStatus"] for _, form in self.calls]


def code_of(call: Callable[[], object]) -> int:
    with pytest.raises(TwilioRestException) as refused:
        call()
    return refused.value.code


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"to": "+45", "body": "x"}, 21211),
        ({"to": "20000001", "body": "x"}, 21211),
        ({"to": "+450", "body": "x"}, 21211),
        ({"to": "", "body": "x"}, 21604),
        ({"to": ASTRID, "body": ""}, 21602),
        ({"to": ASTRID, "body": "x" * 1601}, 21617),
        ({"to": ASTRID, "body": "x", "from_": None}, 21603),
        ({"to": ASTRID, "body": "x", "from_": "+4599999999"}, 21606),
        ({"to": ASTRID, "body": "x", "status_callback": "not an address"}, 21609),
        ({"to": ASTRID, "body": "x", "status_callback": "http://elsewhere.test/"}, 21609),
        ({"to": ASTRID, "body": "x", "validity_period": 36_001}, 20001),
    ],
)
def test_what_twilio_would_not_take_is_refused_with_its_code(twilio, sandbox, form, code):
    assert code_of(lambda: twilio.messages.create(**{"from_": SANDBOX_NUMBER, **form})) == code
    assert sandbox.accepted() == []


@pytest.mark.parametrize(
    ("sid", "token"),
    [(SANDBOX_ACCOUNT_SID, "a real token"), ("AC" + "0" * 32, SANDBOX_AUTH_TOKEN), ("AC" + "0" * 32, "x")],
)
def test_credentials_other_than_the_sandboxs_own_open_nothing(sandbox, sid, token):
    http = ToSandbox(sandbox.url)
    stranger = Client(sid, token, http_client=http)

    assert code_of(lambda: stranger.messages.create(to=ASTRID, from_=SANDBOX_NUMBER, body="x")) == 20003
    assert sandbox.accepted() == []
    http.session.close()


def test_a_request_without_credentials_is_refused_as_twilio_refuses(sandbox):
    answer = requests.post(
        f"{sandbox.url}/2010-04-01/Accounts/{SANDBOX_ACCOUNT_SID}/Messages.json", timeout=5
    )

    assert (answer.status_code, answer.json()["code"], answer.json()["status"]) == (401, 20003, 401)


def test_the_account_can_be_fetched_to_check_credentials(twilio):
    assert twilio.api.accounts(SANDBOX_ACCOUNT_SID).fetch().status == "active"


def test_an_accepted_message_stands_in_the_ledger_and_reaches_its_phone(sandbox, twilio, send):
    sid = send(body="Incident 7. Ref K7Q-2MX", status_callback=f"{STATUS}?a=1")
    sandbox.settle()

    [kept] = sandbox.sms_to(ASTRID)
    assert (kept["id"], kept["body"], kept["status"]) == (sid, "Incident 7. Ref K7Q-2MX", "delivered")
    fetched = twilio.messages(sid).fetch()
    assert (fetched.status, fetched.direction, fetched.error_code) == ("delivered", "outbound-api", None)
    assert fetched.date_sent is not None


def test_the_first_status_is_only_in_the_answer_and_the_rest_are_called_back_in_order(sandbox, twilio):
    heard = Heard(sandbox)

    created = twilio.messages.create(
        to=ASTRID, from_=SANDBOX_NUMBER, body="x", status_callback=f"{STATUS}?a=17&b=%C3%A6"
    )
    sandbox.settle()

    assert created.status == "queued"
    assert heard.statuses() == ["sending", "sent", "delivered"]
    assert {url for url, _ in heard.calls} == {f"{STATUS}?a=17&b=%C3%A6"}
    assert {form["MessageSid"] for _, form in heard.calls} == {created.sid}


@pytest.mark.parametrize(
    ("outcome", "code", "statuses"),
    [
        ("undelivered", 30003, ["sending", "sent", "undelivered"]),
        ("failed", 30036, ["sending", "failed"]),
        ("sent", None, ["sending", "sent"]),
    ],
)
def test_a_message_meets_the_end_it_was_given(sandbox, send, outcome, code, statuses):
    heard = Heard(sandbox)
    sandbox.outcome(ASTRID, outcome, code=code)

    send(status_callback=STATUS)
    sandbox.settle()

    assert heard.statuses() == statuses
    assert heard.calls[-1][1].get("ErrorCode") == (str(code) if code else None)
    assert sandbox.sms_to(ASTRID)[0]["error_code"] == code


def test_an_outcome_is_for_the_recipient_it_names_only(sandbox, send):
    sandbox.outcome(ASTRID, "undelivered", code=30005)

    send(to=BIRK)
    sandbox.settle()

    assert sandbox.sms_to(BIRK)[0]["status"] == "delivered"


def test_receipts_come_reversed_when_told(sandbox, send):
    heard = Heard(sandbox)
    sandbox.call_back("twilio", "reversed")

    send(status_callback=STATUS)
    sandbox.settle()

    assert heard.statuses() == ["delivered", "sent", "sending"]


def test_receipts_come_many_times_when_told(sandbox, send):
    heard = Heard(sandbox)
    sandbox.call_back("twilio", copies=50)

    send(status_callback=STATUS)
    sandbox.settle(15)

    assert [heard.statuses().count(status) for status in ("sending", "sent", "delivered")] == [50, 50, 50]


def test_receipts_never_come_when_told(sandbox, send):
    heard = Heard(sandbox)
    sandbox.call_back("twilio", "never", to=ASTRID)

    send(status_callback=STATUS)
    sandbox.settle()

    assert heard.calls == []
    assert sandbox.sms_to(ASTRID)[0]["status"] == "delivered"


def test_receipts_come_late_when_told_though_the_message_has_arrived(sandbox, send):
    heard = Heard(sandbox)
    sandbox.call_back("twilio", delay=0.6)

    send(status_callback=STATUS)
    sandbox.wait_for(lambda: sandbox.sms_to(ASTRID)[0]["status"] == "delivered")

    assert heard.calls == []
    sandbox.wait_for(lambda: heard.statuses() == ["sending", "sent", "delivered"])


def test_a_receipt_is_told_again_until_the_product_is_there(sandbox, send):
    answers = iter(
        [OSError("nobody listens"), OSError("nobody listens"), Answer(204), Answer(204), Answer(204)]
    )
    heard: list[str] = []

    def hear(_url, body, _headers) -> Answer:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        heard.append(dict(parse_qsl(body.decode()))["MessageStatus"])
        return answer

    sandbox.deliver_callbacks_to(hear)

    send(status_callback=STATUS)
    sandbox.settle()

    assert heard == ["sending", "sent", "delivered"]


def test_a_search_gives_the_newest_first_over_many_pages(twilio, send):
    sids = [send(body=f"no. {number}") for number in range(7)]
    send(to=BIRK)

    found = list(twilio.messages.stream(to=ASTRID, page_size=3))

    assert [message.sid for message in found] == sids[::-1]
    assert [message.body for message in found][:2] == ["no. 6", "no. 5"]


def test_a_search_by_day_sent_leaves_out_what_was_not_sent(sandbox, twilio, send):
    sandbox.outcome(BIRK, "queued")
    sent = send()
    send(to=BIRK)
    sandbox.settle()
    moment = twilio.messages(sent).fetch().date_sent
    later, earlier = moment + timedelta(minutes=1), moment - timedelta(minutes=1)

    assert [message.sid for message in twilio.messages.list(date_sent=moment.date())] == [sent]
    assert [message.sid for message in twilio.messages.list(date_sent_before=later)] == [sent]
    assert [message.sid for message in twilio.messages.list(date_sent_after=earlier)] == [sent]
    assert twilio.messages.list(date_sent_before=earlier) == []


def test_a_search_does_not_see_what_is_fresher_than_the_lag_but_a_fetch_does(sandbox, twilio, send):
    sandbox.lag_searches("twilio", 0.5)

    sid = send()

    assert twilio.messages.list(to=ASTRID) == []
    assert twilio.messages(sid).fetch().sid == sid
    sandbox.wait_for(lambda: twilio.messages.list(to=ASTRID))


def test_a_message_that_does_not_exist_is_not_found(twilio):
    assert code_of(twilio.messages("SM" + "0" * 32).fetch) == 20404


def test_a_reply_is_told_signed_and_its_answer_shows_on_the_phone(sandbox):
    heard = Heard(sandbox)
    heard.answer = Answer(
        200, "<?xml version='1.0'?><Response><Message>Thanks &amp; good night</Message></Response>"
    )

    sandbox.reply(ASTRID, "1 æøå")

    [(url, form)] = heard.calls
    assert urlsplit(url).path == "/callbacks/twilio/inbound"
    assert (form["From"], form["To"], form["Body"]) == (ASTRID, SANDBOX_NUMBER, "1 æøå")
    assert (form["AccountSid"], form["NumMedia"]) == (SANDBOX_ACCOUNT_SID, "0")
    assert [each["body"] for each in sandbox.conversation(ASTRID)] == ["1 æøå", "Thanks & good night"]
    assert sandbox.accepted() == []


def test_an_answer_with_entities_is_not_even_read(sandbox):
    heard = Heard(sandbox)
    heard.answer = Answer(200, '<!DOCTYPE r [<!ENTITY a "boom">]><Response><Message>&a;</Message></Response>')

    sandbox.reply(ASTRID, "1")

    assert [each["body"] for each in sandbox.conversation(ASTRID)] == ["1"]


def test_a_number_that_said_stop_is_refused_until_it_says_start(sandbox, send):
    Heard(sandbox)
    sandbox.reply(ASTRID, " stop ")
    assert code_of(send) == 21610

    sandbox.reply(ASTRID, "START")

    assert send()
