"""What the sandbox does when told to fail, seen through the providers' own SDKs; and what it keeps."""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from notifications.sandbox.app import RealCredentials, create_sandbox
from notifications.sandbox.callbacks import Answer
from notifications.sandbox.config import (
    SANDBOX_ACCOUNT_SID,
    SANDBOX_API_KEY,
    SANDBOX_AUTH_TOKEN,
    SANDBOX_NUMBER,
    SandboxConfig,
)
from notifications.sandbox.keys import event_public_key
from notifications.sandbox.ledger import Ledger
from notifications.sandbox.server import PortTaken, SandboxServer
from tests.sandbox import Sandbox, ToSandbox

ASTRID, BIRK, NINA = "+4520000001", "+4520000002", "nina@example.test"
MAIL = {
    "personalizations": [{"to": [{"email": NINA}], "custom_args": {"a": "1"}}],
    "from": {"email": "incidents@promark.test"},
    "subject": "A breach",
    "content": [{"type": "text/plain", "value": "x"}],
}
PRODUCT = "http://127.0.0.1:9"


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox.start(tmp_path, PRODUCT) as running:
        yield running


def send_sms(sandbox: Sandbox, to: str = ASTRID, timeout: float = 5) -> str:
    http = ToSandbox(sandbox.url, timeout)
    try:
        client = Client(SANDBOX_ACCOUNT_SID, SANDBOX_AUTH_TOKEN, http_client=http)
        return client.messages.create(to=to, from_=SANDBOX_NUMBER, body="Ref K7Q-2MX").sid
    finally:
        http.session.close()


def send_mail(sandbox: Sandbox, timeout: float = 5) -> str:
    client = SendGridAPIClient(SANDBOX_API_KEY, host=sandbox.url)
    client.client.timeout = timeout
    return client.client.mail.send.post(request_body=MAIL).headers["X-Message-Id"]


@pytest.mark.parametrize(
    ("fault", "accepted"), [("hang", 0), ("accept_then_hang", 1)], ids=["nothing taken", "taken"]
)
def test_a_provider_that_hangs_answers_nothing(sandbox, fault, accepted):
    sandbox.fail("twilio", fault)
    sandbox.fail("sendgrid", fault)

    with pytest.raises(requests.ReadTimeout):
        send_sms(sandbox, timeout=0.4)
    with pytest.raises(TimeoutError):
        send_mail(sandbox, timeout=0.4)

    assert [len(sandbox.sms_to(ASTRID)), len(sandbox.mail_to(NINA))] == [accepted, accepted]


def test_a_hang_ends_in_a_dropped_connection(sandbox):
    sandbox.fail("twilio", "hang", seconds=0.2)

    with pytest.raises(requests.ConnectionError):
        send_sms(sandbox)


@pytest.mark.parametrize(("fault", "accepted"), [("reset_before_body", 0), ("reset_after_body", 1)])
def test_a_reset_connection_gives_no_answer(sandbox, fault, accepted):
    sandbox.fail("twilio", fault)
    sandbox.fail("sendgrid", fault)

    with pytest.raises(requests.ConnectionError):
        send_sms(sandbox)
    with pytest.raises(OSError):  # a reset met while reading, or a broken pipe while writing
        send_mail(sandbox)

    assert [len(sandbox.sms_to(ASTRID)), len(sandbox.mail_to(NINA))] == [accepted, accepted]


def test_a_reset_is_a_reset_and_no_polite_end(sandbox):
    sandbox.fail("twilio", "reset_after_body")

    with pytest.raises(requests.ConnectionError, match="Connection reset by peer"):
        send_sms(sandbox)


@pytest.mark.parametrize("wait", ["30", "99999999", "Fri, 31 Dec 2027 23:59:59 GMT", None])
def test_too_many_requests_says_how_long_to_wait_or_nothing(sandbox, wait):
    sandbox.fail("sendgrid", "429", retry_after=wait)

    with pytest.raises(HTTPError) as refused:
        send_mail(sandbox)

    assert refused.value.status_code == 429
    assert refused.value.headers.get("Retry-After") == wait
    assert sandbox.accepted() == []


@pytest.mark.parametrize(("status", "code"), [(400, 21211), (400, 21610), (403, 30002), (401, 20003)])
def test_a_refusal_carries_its_code(sandbox, status, code):
    sandbox.fail("twilio", "4xx", status=status, code=code)

    with pytest.raises(TwilioRestException) as refused:
        send_sms(sandbox)

    assert (refused.value.status, refused.value.code) == (status, code)
    assert sandbox.accepted() == []


@pytest.mark.parametrize("status", [400, 401, 403, 413])
def test_a_refused_mail_is_refused_in_sendgrids_form(sandbox, status):
    sandbox.fail("sendgrid", "4xx", status=status)

    with pytest.raises(HTTPError) as refused:
        send_mail(sandbox)

    assert refused.value.status_code == status
    assert json.loads(refused.value.body)["errors"][0]["message"]


@pytest.mark.parametrize("accepted", [False, True])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_may_hide_an_accepted_message(sandbox, status, accepted):
    sandbox.fail("twilio", "5xx", status=status, accepted=accepted)

    with pytest.raises(TwilioRestException) as failed:
        send_sms(sandbox)

    assert failed.value.status == status
    assert len(sandbox.accepted()) == accepted


def test_an_empty_success_names_no_message(sandbox):
    sandbox.fail("twilio", "empty")

    assert send_sms(sandbox) is None

    assert len(sandbox.accepted()) == 1


@pytest.mark.parametrize("fault", ["html", "truncated"])
def test_a_success_that_cannot_be_read_is_no_proof_of_anything(sandbox, fault):
    sandbox.fail("twilio", fault)

    with pytest.raises(json.JSONDecodeError):
        send_sms(sandbox)

    assert len(sandbox.accepted()) == 1


def test_a_success_without_an_id_may_name_a_mail_that_was_not_taken(sandbox):
    sandbox.fail("sendgrid", "empty", accepted=False)

    client = SendGridAPIClient(SANDBOX_API_KEY, host=sandbox.url).client
    answer = client.mail.send.post(request_body=MAIL)

    assert (answer.status_code, answer.headers.get("X-Message-Id")) == (200, None)
    assert sandbox.accepted() == []


def test_an_answer_may_name_a_message_that_nobody_sent(sandbox):
    sandbox.fail("twilio", "other_sid")
    sandbox.fail("sendgrid", "other_sid")

    sid, message_id = send_sms(sandbox), send_mail(sandbox)

    [sms, mail] = sandbox.accepted()
    assert sms["id"] != sid
    assert mail["request"] != message_id


def test_a_redirect_is_answered_and_nothing_taken(sandbox):
    sandbox.fail("twilio", "redirect", location="http://127.0.0.1:9/elsewhere")

    with pytest.raises(TwilioRestException) as sent_on:
        send_sms(sandbox)

    assert sent_on.value.status == 307
    assert sandbox.accepted() == []


def test_a_fault_strikes_as_often_as_told_and_no_more(sandbox):
    sandbox.fail("twilio", "5xx", times=2)

    for _ in range(2):
        with pytest.raises(TwilioRestException):
            send_sms(sandbox)

    assert send_sms(sandbox)


def test_faults_strike_in_the_order_they_were_told(sandbox):
    sandbox.fail("twilio", "accept")
    sandbox.fail("twilio", "429")

    assert send_sms(sandbox)
    with pytest.raises(TwilioRestException):
        send_sms(sandbox)


@pytest.mark.parametrize("to", [ASTRID, r"\+452000000[13]"])
def test_a_fault_strikes_the_recipients_it_names(sandbox, to):
    sandbox.fail("twilio", "5xx", to=to, times=None)

    assert send_sms(sandbox, BIRK)
    with pytest.raises(TwilioRestException):
        send_sms(sandbox, ASTRID)


def test_a_search_can_fail_while_sending_works(sandbox):
    sandbox.fail("sendgrid", "5xx", operation="search", status=503)
    send_mail(sandbox)

    with pytest.raises(HTTPError) as failed:
        SendGridAPIClient(SANDBOX_API_KEY, host=sandbox.url).client.messages.get()

    assert failed.value.status_code == 503


def test_a_request_that_is_refused_anyway_stays_refused_under_an_accepting_fault(sandbox):
    sandbox.fail("twilio", "accept_then_hang", seconds=30)

    with pytest.raises(TwilioRestException) as refused:
        send_sms(sandbox, to="+45")

    assert refused.value.code == 21211


def test_taking_faults_away_makes_the_provider_well(sandbox):
    sandbox.fail("twilio", "5xx", times=None)
    sandbox.behave()

    assert send_sms(sandbox)


@pytest.mark.parametrize(
    "rule",
    [
        {"provider": "nobody", "fault": "hang"},
        {"provider": "twilio", "fault": "explode"},
        {"provider": "twilio", "fault": "4xx", "status": 200},
        {"provider": "twilio", "fault": "hang", "times": 0},
        {"provider": "twilio", "fault": "hang", "seconds": "long"},
        {"provider": "twilio", "fault": "hang", "operation": "sleep"},
        {"provider": "twilio", "fault": "5xx", "accepted": "maybe"},
        ["hang"],
    ],
)
def test_a_rule_that_cannot_be_followed_is_refused_with_what_is_allowed(sandbox, rule):
    answer = requests.post(f"{sandbox.url}/_sandbox/faults", json=rule, timeout=5)

    assert answer.status_code == 422
    assert answer.json()["error"].endswith(".")


def test_many_at_once_may_hang_and_others_are_served(sandbox):
    sandbox.fail("twilio", "hang", to=ASTRID, times=None)
    hanging = [threading.Thread(target=_try_sms, args=(sandbox,)) for _ in range(40)]
    for thread in hanging:
        thread.start()

    assert send_sms(sandbox, BIRK)

    for thread in hanging:
        thread.join()


def _try_sms(sandbox: Sandbox) -> None:
    with pytest.raises(requests.ReadTimeout):
        send_sms(sandbox, timeout=1)


# What it keeps


def test_what_was_accepted_survives_kill_9(tmp_path):
    sandbox = Sandbox.start(tmp_path, PRODUCT, process=True)
    sids = [send_sms(sandbox) for _ in range(5)]
    message_id = send_mail(sandbox)

    sandbox.kill()
    with pytest.raises((requests.ConnectionError, urllib.error.URLError)):
        send_sms(sandbox)
    sandbox.start_again(process=True)

    with sandbox:
        assert [line["id"] for line in sandbox.sms_to(ASTRID)] == sids
        assert [line["request"] for line in sandbox.mail_to(NINA)] == [message_id]
        sandbox.wait_for(lambda: {line["status"] for line in sandbox.accepted()} == {"delivered"})
        before = max(line["seq"] for line in sandbox.accepted())
        send_sms(sandbox)
        assert sandbox.accepted()[-1]["seq"] > before


def test_a_message_on_its_way_when_killed_goes_on_where_it_was(tmp_path):
    with Sandbox.start(tmp_path, PRODUCT, delay=60) as sandbox:
        send_sms(sandbox)
        batch = requests.post(
            f"{sandbox.url}/v3/mail/batch", headers={"Authorization": f"Bearer {SANDBOX_API_KEY}"}, timeout=5
        ).json()["batch_id"]

    with Sandbox.start(tmp_path, PRODUCT) as again:
        again.wait_for(lambda: again.sms_to(ASTRID)[0]["status"] == "delivered")
        shown = requests.get(
            f"{again.url}/v3/mail/batch/{batch}",
            headers={"Authorization": f"Bearer {SANDBOX_API_KEY}"},
            timeout=5,
        )
        assert shown.status_code == 200


def test_a_line_cut_off_by_a_crash_is_dropped_and_the_rest_kept(tmp_path):
    with Sandbox.start(tmp_path, PRODUCT, delay=60) as sandbox:
        sid = send_sms(sandbox)
    with (tmp_path / "ledger.jsonl").open("a") as file:
        file.write('{"kind":"message","id":"SMcut')

    with Sandbox.start(tmp_path, PRODUCT, delay=60) as again:
        later = send_sms(again)
        assert [line["id"] for line in again.accepted()] == [sid, later]

    with Sandbox.start(tmp_path, PRODUCT, delay=60) as third:
        assert [line["id"] for line in third.accepted()] == [sid, later]


def test_nothing_is_acknowledged_before_it_is_on_disk(tmp_path, monkeypatch):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    on_disk: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda _: on_disk.append((tmp_path / "ledger.jsonl").stat().st_size))

    ledger.append([{"kind": "message"}])
    assert on_disk == [(tmp_path / "ledger.jsonl").stat().st_size]

    ledger.append([{"kind": "state"}], durable=False)
    assert len(on_disk) == 1
    ledger.close()


def test_many_senders_at_once_are_all_in_the_ledger_once(sandbox):
    threads = [threading.Thread(target=lambda: [send_sms(sandbox) for _ in range(5)]) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    lines = sandbox.accepted()
    assert len({line["id"] for line in lines}) == 50
    assert [line["seq"] for line in lines] == sorted({line["seq"] for line in lines})


def test_a_reset_begins_anew(sandbox):
    send_sms(sandbox)
    sandbox.fail("twilio", "5xx")

    sandbox.reset()

    assert sandbox.accepted() == []
    assert send_sms(sandbox)


def test_a_reset_leaves_nothing_on_its_way(sandbox):
    def nobody_there(*_: object) -> Answer:
        raise OSError("nobody listens")

    sandbox.deliver_callbacks_to(nobody_there)
    send_mail(sandbox)
    sandbox.wait_for(lambda: any(call["tries"] > 1 for call in sandbox.callbacks()))

    sandbox.reset()

    sandbox.settle(1)
    assert sandbox.callbacks() == []


def test_a_state_that_came_after_a_reset_does_no_harm_at_the_next_start(tmp_path):
    with Sandbox.start(tmp_path, PRODUCT) as sandbox:
        send_sms(sandbox)
        [message] = sandbox.server.bench.store.accepted()
        sandbox.reset()
        sandbox.server.bench.store.change([message], "sent", None, message.at)
        sandbox.stop()

        sandbox.start_again()

        assert sandbox.accepted() == []


def test_the_event_key_can_be_asked_for_before_the_first_start(tmp_path):
    key = event_public_key(tmp_path)

    with Sandbox.start(tmp_path, PRODUCT) as sandbox:
        health = requests.get(f"{sandbox.url}/_sandbox/health", timeout=5).json()

    assert health["event_public_key"] == key == (tmp_path / "event_public_key").read_text().strip()


def test_many_askers_for_the_event_key_get_one_and_the_same(tmp_path):
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(event_public_key(tmp_path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(found)) == 1


@pytest.mark.parametrize(
    "name", ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "SENDGRID_API_KEY", "SENDGRID_API_KEY_FILE"]
)
def test_beside_a_real_account_it_refuses_to_start(tmp_path, monkeypatch, name):
    monkeypatch.setenv(name, "of a real account")

    with pytest.raises(RealCredentials, match=name):
        create_sandbox(SandboxConfig(home=tmp_path))


def test_beside_its_own_credentials_it_starts(tmp_path, monkeypatch):
    for name, value in Sandbox(SandboxConfig(home=tmp_path)).environment.items():
        monkeypatch.setenv(name, value)

    with Sandbox.start(tmp_path) as sandbox:
        assert sandbox.accepted() == []


def test_a_port_that_is_taken_is_said(sandbox, tmp_path):
    app = create_sandbox(SandboxConfig(home=tmp_path / "other"))

    with pytest.raises(PortTaken, match=str(sandbox.port)):
        SandboxServer(app, "127.0.0.1", sandbox.port)

    app.extensions["bench"].close()


def test_its_command_line_tells_how_a_product_is_pointed_at_it(tmp_path):
    command = [sys.executable, "-m", "notifications.sandbox", "--home", str(tmp_path), "--environment"]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert told["TWILIO_ACCOUNT_SID"] == SANDBOX_ACCOUNT_SID
    assert told["SENDGRID_API_BASE"] == "http://127.0.0.1:8073"
    assert told["SENDGRID_EVENT_PUBLIC_KEY"] == event_public_key(tmp_path)


# What the providers' own documents refuse


def test_what_a_providers_document_refuses_is_refused(tmp_path):
    documents = tmp_path / "documents"
    documents.mkdir()
    sms = {"type": "object", "properties": {"Attempt": {"type": "integer"}}, "required": ["To"]}
    post = {"requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": sms}}}}
    paths = {"/2010-04-01/Accounts/{AccountSid}/Messages.json": {"post": post}}
    (documents / "twilio_api_v2010.json").write_text(json.dumps({"paths": paths, "components": {}}))
    mail = {"type": "object", "properties": {"categories": {"$ref": "#/components/schemas/Few"}}}
    body = {"content": {"application/json": {"schema": mail}}}
    parts = {"requestBodies": {"PostMailSend": body}, "schemas": {"Few": {"type": "array", "maxItems": 1}}}
    (documents / "sendgrid_mail_v3.json").write_text(json.dumps({"components": parts}))

    with Sandbox.start(tmp_path, PRODUCT, openapi=documents) as sandbox:
        assert _status_of_sms(sandbox, Attempt="often") == 400
        assert _status_of_sms(sandbox, Attempt="2") == 201
        assert _status_of_mail(sandbox, categories=["a", "b"]) == 400
        assert _status_of_mail(sandbox, categories=["a"], custom_args={"a": "1"}) == 202


def _status_of_sms(sandbox: Sandbox, **more: str) -> int:
    url = f"{sandbox.url}/2010-04-01/Accounts/{SANDBOX_ACCOUNT_SID}/Messages.json"
    form = {"To": ASTRID, "From": SANDBOX_NUMBER, "Body": "x", **more}
    return requests.post(
        url, data=form, auth=(SANDBOX_ACCOUNT_SID, SANDBOX_AUTH_TOKEN), timeout=5
    ).status_code


def _status_of_mail(sandbox: Sandbox, **more: object) -> int:
    headers = {"Authorization": f"Bearer {SANDBOX_API_KEY}"}
    return requests.post(
        f"{sandbox.url}/v3/mail/send", json={**MAIL, **more}, headers=headers, timeout=5
    ).status_code


def test_callbacks_can_be_held_and_delivered_when_a_test_wants_them(sandbox):
    sandbox.hold_callbacks()
    send_mail(sandbox)
    sandbox.settle()

    taken: list[str] = []
    answers = sandbox.deliver_held(lambda url, *_: taken.append(url) or Answer(204))

    assert taken == [f"{PRODUCT}/callbacks/sendgrid/events"] * 2
    assert [answer.status for answer in answers] == [204, 204]


def test_a_message_is_delivered_within_a_third_of_a_second_by_default(tmp_path):
    with Sandbox.start(tmp_path, PRODUCT, delay=SandboxConfig(home=tmp_path).delay) as sandbox:
        sandbox.call_back("twilio", "never")
        began = time.monotonic()
        send_sms(sandbox)
        sandbox.wait_for(lambda: sandbox.sms_to(ASTRID)[0]["status"] == "delivered")

    assert time.monotonic() - began < 0.6  # sent, asked for, and a busy machine
