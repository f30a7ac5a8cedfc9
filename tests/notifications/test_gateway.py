"""The SMS gateway: what it says at once, what it is asked, and what it may tell us later."""

import json
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from standardwebhooks.webhooks import Webhook

from foundation.database import db, utcnow
from notifications import canary
from notifications.channels import Accepted, CannotAsk, Refusal, Told, Unsure
from notifications.channels.gateway import Gateway
from notifications.models import PageState, Receipt, State
from notifications.models.watching import TEST_PAGE, Probe
from notifications.rules.receipts import Says, meaning
from notifications.rules.retry import is_permanent
from tests.notifications.conftest import PHONES
from tests.notifications.installation import a_settings
from tests.sandbox import Sandbox

TO = "+4520000009"
SECRET = "whsec_" + b64encode(b"g" * 32).decode()


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    with Sandbox.start(tmp_path_factory.mktemp("sandbox")) as running:
        running.call_back("gateway", "never")
        yield running


@pytest.fixture
def gateway(sandbox, tmp_path):
    sandbox.behave()
    sandbox.call_back("gateway", "never")
    return Gateway(a_settings(tmp_path, **sandbox.second_environment))


def send(by, attempt=None, *, limit=5.0):
    return by.send(
        recipient=TO, content={"text": "Hej"}, attempt_id=attempt or str(uuid4()), reference="K7Q2MX",
        limit=limit, urgent=True,
    )  # fmt: skip


def find(by, *attempts):
    return by.find(recipient=TO, attempt_ids=list(attempts), reference="K7Q2MX", since=datetime.now(UTC))


def test_what_it_took_it_shows_by_our_id_and_by_its_own(gateway):
    attempt = str(uuid4())

    answer = send(gateway, attempt)

    assert isinstance(answer, Accepted)
    assert find(gateway, str(uuid4()), attempt) == answer.provider_id
    assert isinstance(gateway.told(attempt_id=attempt, provider_id=answer.provider_id), Told)
    assert find(gateway, str(uuid4())) is None
    assert gateway.told(attempt_id=attempt, provider_id="gw-none") is None


def test_the_same_try_twice_is_one_message(gateway, sandbox):
    attempt = str(uuid4())
    before = len(sandbox.accepted("gateway"))

    assert send(gateway, attempt) == send(gateway, attempt)

    assert len(sandbox.accepted("gateway")) == before + 1


@pytest.mark.parametrize(
    ("fault", "options", "expected"),
    [
        ("4xx", {"status": 401}, "account"),
        ("4xx", {"status": 402}, "account"),
        ("4xx", {"status": 422}, "for good"),
        ("429", {"retry_after": "7"}, "for now"),
        ("redirect", {"status": 307, "location": "http://127.0.0.1:9/"}, "for now"),
        ("5xx", {"status": 500}, "unsure"),
        ("empty", {}, "unsure"),
        ("html", {}, "unsure"),
        ("hang", {}, "unsure"),
        ("reset_after_body", {}, "unsure"),
    ],
)
def test_a_no_an_error_and_a_silence_are_told_apart(gateway, sandbox, fault, options, expected):
    sandbox.fail("gateway", fault, times=1, **options)

    answer = send(gateway, limit=1.0)

    kind = {
        "account": isinstance(answer, Refusal) and answer.account,
        "for good": isinstance(answer, Refusal) and not answer.account and is_permanent(answer.code, 1),
        "for now": isinstance(answer, Refusal) and not answer.account and not is_permanent(answer.code, 8),
        "unsure": isinstance(answer, Unsure),
    }  # fmt: skip
    assert [name for name, fits in kind.items() if fits] == [expected]


def test_a_gateway_that_is_not_there_has_nothing(tmp_path, sandbox):
    told = sandbox.second_environment | {"BREACHCLOCK_SMS_GATEWAY_URL": "http://127.0.0.1:1"}
    by = Gateway(a_settings(tmp_path, **told))

    answer = send(by)

    assert (type(answer), answer.code) == (Refusal, None)
    with pytest.raises(CannotAsk):
        find(by, str(uuid4()))


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        ("sent", None, Says.UNDER_WAY), ("delivered", None, Says.DELIVERED),
        ("undelivered", None, Says.REFUSED), ("failed", None, Says.FAILED),
        ("failed", "opted-out", Says.REFUSED), ("read by a cat", None, Says.NOTHING),
    ],
)  # fmt: skip
def test_its_receipts_mean_what_its_contract_says(status, code, says):
    assert meaning("gateway", status, code, 1) is says


# --- what it tells us -------------------------------------------------------------------------------


@pytest.fixture
def served(house, monkeypatch, tmp_path):
    told = {
        "BREACHCLOCK_SMS_GATEWAY_URL": "http://127.0.0.1:1", "BREACHCLOCK_SMS_GATEWAY_TOKEN": "t",
        "BREACHCLOCK_SMS_GATEWAY_SECRET": SECRET, "BREACHCLOCK_SMS_SECOND": "gateway",
    }  # fmt: skip
    monkeypatch.setitem(house.app.extensions["channels"], "sms", (Gateway(a_settings(tmp_path, **told)),))
    return house


def tell(house, path, document, *, secret=SECRET, at=None, body=None, **headers):
    body = json.dumps(document).encode() if body is None else body
    at = at or datetime.now(UTC)
    signed = {
        "webhook-id": "msg_1", "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", at, json.dumps(document)),
    }  # fmt: skip
    return house.app.test_client().post(
        path, data=body, content_type="application/json", headers=signed | headers
    )


def a_text(house, answer=None):
    message = house.send(house.post(channel="sms", to=TO), answer or Accepted("gw-1"))
    return message.id, str(house.attempts(message.id)[0].id)


def test_a_signed_receipt_counts_once_also_before_we_know_the_gateways_id(served):
    message_id, attempt = a_text(served, Unsure("it did not answer"))
    receipt = {"id": "gw-1", "reference": attempt, "status": "delivered"}

    answers = [tell(served, "/callbacks/gateway/status", receipt).status_code for _ in range(2)]

    assert answers == [204, 204]
    assert (served.message(message_id).state, served.message(message_id).provider_id) == (
        State.DELIVERED, "gw-1",
    )  # fmt: skip
    assert db.session.scalar(select(func.count()).select_from(Receipt)) == 1


OTHER = "whsec_" + b64encode(b"x" * 32).decode()
LONG_AGO = datetime.now(UTC) - timedelta(minutes=6)


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": OTHER},
        {"at": LONG_AGO},
        {"body": b'{"id": "gw-1", "status": "failed"}'},
        {"webhook-signature": "notasig"},
        {"webhook-signature": "v1,æøå"},
        {"webhook-timestamp": "1e9"},
        {"webhook-id": "a.b"},
    ],
)
def test_what_the_gateway_did_not_sign_just_so_changes_nothing(served, wrong):
    message_id, attempt = a_text(served)
    receipt = {"id": "gw-1", "reference": attempt, "status": "delivered"}

    answer = tell(served, "/callbacks/gateway/status", receipt, **wrong)

    assert answer.status_code == 403
    assert served.message(message_id).state is State.ACCEPTED


def test_without_a_gateway_nobody_can_speak_for_it(house):
    assert tell(house, "/callbacks/gateway/status", {"id": "gw-1", "status": "sent"}).status_code == 403


@pytest.mark.parametrize("nonsense", [[], {}, {"id": 7, "status": "sent"}, {"id": "gw-1"}, "text"])
def test_a_signed_receipt_without_sense_is_taken_and_changes_nothing(served, nonsense):
    a_text(served)

    assert tell(served, "/callbacks/gateway/status", nonsense).status_code == 204
    assert db.session.scalar(select(func.count()).select_from(Receipt)) == 0


def test_an_answer_from_a_phone_takes_the_page_also_by_the_gateway(served):
    served.page()
    code = next(m.reference for m in served.messages(channel="sms") if m.recipient == PHONES["astrid"])

    answer = tell(
        served, "/callbacks/gateway/inbound", {"id": "in-1", "from": PHONES["astrid"], "text": code}
    )

    assert (answer.status_code, served.the_page().state) == (200, PageState.ACKNOWLEDGED)
    assert answer.json["text"]


def test_a_test_page_is_answered_by_the_gateway_too_and_a_name_is_no_phone(served, monkeypatch):
    number = "+4520009999"
    settings = replace(served.app.config["SETTINGS"], test_number=number)
    monkeypatch.setitem(served.app.config, "SETTINGS", settings)
    served.now = utcnow()
    [line] = [each for each in canary.lines() if each.kind == TEST_PAGE]
    assert served.do(canary.send, line)
    code = served.messages(template="hourly_page")[0].reference

    told = {"id": "in-2", "from": number, "text": f"ok {code}"}
    answers = [tell(served, "/callbacks/gateway/inbound", each)
               for each in (told, {"id": "in-3", "from": "Fake Bank", "text": "STOP"})]  # fmt: skip

    assert [each.status_code for each in answers] == [204, 204]
    assert db.session.scalars(select(Probe.verdict)).all() == ["arrived"]


def test_asked_whether_it_can_be_used_it_sends_nothing_and_says_what_is_wrong(gateway, sandbox):
    before = len(sandbox.accepted("gateway"))

    assert gateway.check(5.0) is None
    gateway.token = "revoked"
    assert "401" in gateway.check(5.0)
    gateway.base = "http://127.0.0.1:1"
    assert "does not answer" in gateway.check(5.0)
    assert len(sandbox.accepted("gateway")) == before
