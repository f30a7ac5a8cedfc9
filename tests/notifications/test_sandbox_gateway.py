"""The second ways out in the sandbox: the gateway, the mail server, the chat, and the heart's beat."""

import json
import smtplib
import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import apprise
import pytest
import requests
from standardwebhooks.webhooks import Webhook

from notifications.sandbox.callbacks import Answer
from notifications.sandbox.config import (
    SANDBOX_GATEWAY_SECRET,
    SANDBOX_GATEWAY_TOKEN,
    SANDBOX_SMTP_PASSWORD,
    SANDBOX_SMTP_USER,
)
from notifications.sandbox.keys import CERTIFICATE_FILE
from tests.sandbox import Sandbox

ASTRID, NINA, OLE = "+4520000001", "nina@example.test", "ole@example.test"


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox.start(tmp_path, "http://product.test") as running:
        running.deliver_callbacks_to(lambda *_: Answer(204))
        yield running


# --- the gateway ------------------------------------------------------------------------------------


def ask(sandbox: Sandbox, method: str, path: str, told: Any = None, token: str = SANDBOX_GATEWAY_TOKEN):
    headers = {"Authorization": f"Bearer {token}"}
    return requests.request(method, f"{sandbox.gateway_url}/{path}", json=told, headers=headers, timeout=5)


def text(name: str = "a-1", **more: Any) -> dict[str, Any]:
    return {"to": ASTRID, "text": "Ref K7Q-2MX", "id": name, **more}


def test_the_same_message_twice_is_one_message_and_another_under_its_id_is_refused(sandbox):
    first, again = (ask(sandbox, "POST", "messages", text()) for _ in range(2))
    other = ask(sandbox, "POST", "messages", text(text="Something else"))

    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert first.status_code == 202
    assert other.status_code == 409
    assert len(sandbox.accepted("gateway", ASTRID)) == 1


@pytest.mark.parametrize(
    ("told", "token", "status"),
    [
        (text(), "a real token", 401),
        (text(to="+450"), SANDBOX_GATEWAY_TOKEN, 422),
        (text(text=""), SANDBOX_GATEWAY_TOKEN, 422),
        (text(name=""), SANDBOX_GATEWAY_TOKEN, 422),
    ],
)
def test_what_the_gateway_does_not_take_is_refused(sandbox, told, token, status):
    assert ask(sandbox, "POST", "messages", told, token).status_code == status
    assert sandbox.accepted() == []


def test_receipts_are_signed_and_the_gateway_can_be_asked(sandbox):
    heard: list[dict[str, Any]] = []

    def hear(url, body, headers) -> Answer:
        assert url == "http://product.test/callbacks/gateway/status"
        heard.append(Webhook(SANDBOX_GATEWAY_SECRET).verify(body, dict(headers)))
        return Answer(204)

    sandbox.deliver_callbacks_to(hear)
    sandbox.outcome(ASTRID, "undelivered", provider="gateway", code=27)
    ask(sandbox, "POST", "messages", text())
    sandbox.settle()

    assert [(each["reference"], each["status"], each["code"]) for each in heard] == [
        ("a-1", "sent", ""), ("a-1", "undelivered", "27"),
    ]  # fmt: skip
    told = {"id": heard[0]["id"], "status": "undelivered", "code": "27"}
    assert ask(sandbox, "GET", "messages/a-1").json() == ask(sandbox, "GET", f"messages/{told['id']}").json()
    assert ask(sandbox, "GET", "messages/a-1").json() == told
    assert ask(sandbox, "GET", "messages/a-2").status_code == 404


def test_a_gateway_that_dropped_the_answer_has_the_message_all_the_same(sandbox):
    sandbox.fail("gateway", "reset_after_body")

    with pytest.raises(requests.ConnectionError):
        ask(sandbox, "POST", "messages", text())

    assert ask(sandbox, "GET", "messages/a-1").status_code == 200


# --- the mail server --------------------------------------------------------------------------------


def letter(*to: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Hændelser <i@promark.test>", ", ".join(to or (NINA,)), "Løn"
    mail["Message-ID"] = "<attempt-1@promark.test>"
    mail.set_content("Kære Nina")
    mail.add_alternative("<p>Kære Nina</p>", subtype="html")
    return mail


def post(sandbox: Sandbox, *to: str, password: str = SANDBOX_SMTP_PASSWORD, timeout: float = 5) -> dict:
    with smtplib.SMTP(*sandbox.smtp_at, timeout=timeout) as server:
        server.login(SANDBOX_SMTP_USER, password)
        return server.send_message(letter(*to))


def test_a_mail_lands_in_each_mailbox_as_it_was_written(sandbox):
    post(sandbox, NINA, OLE)
    sandbox.settle()

    [kept] = sandbox.accepted("smtp", NINA)
    assert (kept["subject"], kept["sender_name"], kept["status"]) == ("Løn", "Hændelser", "delivered")
    assert (kept["body"], kept["html"]) == ("Kære Nina", "<p>Kære Nina</p>")
    assert kept["request"] == "<attempt-1@promark.test>"
    assert len(sandbox.accepted("smtp", OLE)) == 1


@pytest.mark.parametrize(
    ("fault", "wrong", "there"),
    [
        ("451", smtplib.SMTPRecipientsRefused, False),
        ("550", smtplib.SMTPRecipientsRefused, False),
        ("reset_before_body", smtplib.SMTPServerDisconnected, False),
        ("reset_after_body", smtplib.SMTPServerDisconnected, True),
        ("hang", smtplib.SMTPServerDisconnected, False),
        ("accept_then_hang", smtplib.SMTPServerDisconnected, True),
    ],
)
def test_the_mail_server_fails_as_told_and_then_behaves(sandbox, fault, wrong, there):
    sandbox.fail("smtp", fault, to=NINA, seconds=2)

    with pytest.raises(wrong) as failed:
        post(sandbox, timeout=0.5)
    if wrong is smtplib.SMTPRecipientsRefused:
        assert failed.value.recipients[NINA][0] == int(fault)
    assert len(sandbox.accepted("smtp")) == there

    post(sandbox)
    assert len(sandbox.accepted("smtp")) == there + 1


def test_only_the_sandboxs_own_name_opens_the_mail_server_and_it_may_be_revoked(sandbox):
    with pytest.raises(smtplib.SMTPAuthenticationError):
        post(sandbox, password="a real one")
    sandbox.fail("smtp", "550", operation="account", times=None)
    with pytest.raises(smtplib.SMTPAuthenticationError):
        post(sandbox)
    with smtplib.SMTP(*sandbox.smtp_at, timeout=5) as server, pytest.raises(smtplib.SMTPSenderRefused):
        server.send_message(letter())
    assert sandbox.accepted() == []


def test_with_a_certificate_of_its_own_the_mail_server_wants_starttls(tmp_path):
    with Sandbox.start(tmp_path, smtp_tls=True) as sandbox:
        with smtplib.SMTP(*sandbox.smtp_at, timeout=5) as server:
            server.starttls(context=ssl.create_default_context(cafile=tmp_path / CERTIFICATE_FILE))
            server.login(SANDBOX_SMTP_USER, SANDBOX_SMTP_PASSWORD)
            server.send_message(letter())
        with pytest.raises(smtplib.SMTPException):
            post(sandbox)

        assert len(sandbox.accepted("smtp", NINA)) == 1


# --- the chat and the heart -------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # Apprise looks for it
def test_what_apprise_posts_to_a_topic_is_on_its_device(sandbox, monkeypatch):
    # The product gives the plugins a `requests` of its own; here Apprise is as its makers left it.
    monkeypatch.setattr("apprise.plugins.ntfy.requests", requests)
    where = sandbox.url.removeprefix("http://")

    told = apprise.Apprise()
    told.add(f"ntfy://{where}/promark-on-call")
    assert told.notify(title="Hændelse 7", body="Ring 4")

    [kept] = sandbox.accepted("chat", "promark-on-call")
    assert (kept["subject"], kept["body"]) == ("Hændelse 7", "Ring 4")


def test_a_plain_text_can_be_posted_to_a_topic(sandbox):
    sandbox.fail("chat", "5xx")
    lost, answer = (requests.post(f"{sandbox.url}/ntfy/promark", data=b"Ring 4", timeout=5) for _ in range(2))

    assert lost.status_code == 500
    assert json.loads(answer.text)["event"] == "message"
    assert [each["body"] for each in sandbox.accepted("chat")] == ["Ring 4"]


def test_the_heart_is_heard(sandbox):
    requests.get(f"{sandbox.url}/heartbeat", timeout=5)
    requests.post(f"{sandbox.url}/heartbeat/fail", timeout=5)

    assert [each["how"] for each in sandbox.heartbeats()] == ["", "fail"]
