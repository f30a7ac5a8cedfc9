"""The sandbox as SendGrid, through SendGrid's own SDK over HTTP."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient
from sendgrid.helpers.eventwebhook import EventWebhook
from sendgrid.helpers.mail import Content, CustomArg, Email, Mail, Personalization, Substitution, To

from notifications.sandbox.callbacks import Answer
from notifications.sandbox.config import SANDBOX_API_KEY
from tests.sandbox import Sandbox

NINA, OLE = "nina@example.test", "ole@example.test"
PRODUCT = "http://product.test"


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox.start(tmp_path, PRODUCT, cancel_margin=0) as running:
        running.deliver_callbacks_to(lambda *_: Answer(204))
        yield running


@pytest.fixture
def sendgrid(sandbox: Sandbox) -> SendGridAPIClient:
    return client_of(sandbox)


def client_of(sandbox: Sandbox, key: str = SANDBOX_API_KEY) -> SendGridAPIClient:
    client = SendGridAPIClient(key, host=sandbox.url)
    client.client.timeout = 5
    return client


def a_mail(*people: str, subject: str = "A breach of your data", **more: Any) -> dict[str, Any]:
    mail = Mail(from_email=Email("incidents@promark.test", "ProMark"), subject=subject)
    mail.add_content(Content("text/plain", "Dear %name%, Ref K7Q-2MX"))
    mail.add_content(Content("text/html", "<p>Dear %name%</p>"))
    for number, address in enumerate(people or [NINA]):
        person = Personalization()
        person.add_to(To(address))
        person.add_custom_arg(CustomArg("a", f"attempt-{number}"))
        person.add_substitution(Substitution("%name%", address.partition("@")[0]))
        mail.add_personalization(person, index=number)
    return {**mail.get(), **more}


@pytest.fixture
def send(sendgrid: SendGridAPIClient) -> Callable[[dict[str, Any]], str]:
    def post(mail: dict[str, Any]) -> str:
        answer = sendgrid.client.mail.send.post(request_body=mail)
        assert (answer.status_code, answer.body) == (202, b"")
        return answer.headers["X-Message-Id"]

    return post


class Heard:
    """A product that hears every event and checks its signature as SendGrid's SDK does."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.arrays: list[list[dict[str, Any]]] = []
        self.checker = EventWebhook(sandbox.environment["SENDGRID_EVENT_PUBLIC_KEY"])
        self.answers: Iterator[Answer] | None = None
        sandbox.deliver_callbacks_to(self.hear)

    def hear(self, url, body, headers) -> Answer:
        assert url == f"{PRODUCT}/callbacks/sendgrid/events"
        signature, timestamp = (
            headers[f"X-Twilio-Email-Event-Webhook-{n}"] for n in ("Signature", "Timestamp")
        )
        assert self.checker.verify_signature(body.decode(), signature, timestamp)
        assert not self.checker.verify_signature(body.decode() + " ", signature, timestamp)
        answer = next(self.answers) if self.answers else Answer(204)
        if answer.status < 300:
            self.arrays.append(json.loads(body))
        return answer

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for array in self.arrays for event in array]

    def names(self) -> list[str]:
        return [event["event"] for event in self.events]


def refusal_of(call: Callable[[], object]) -> tuple[int, dict[str, Any]]:
    with pytest.raises(HTTPError) as refused:
        call()
    return refused.value.status_code, json.loads(refused.value.body)["errors"][0]


def without(mail: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in mail.items() if key != name}


@pytest.mark.parametrize(
    ("mail", "field"),
    [
        (without(a_mail(), "personalizations"), "personalizations"),
        (a_mail(personalizations=[]), "personalizations"),
        (a_mail(personalizations=[{"to": [{"email": NINA}]}] * 1001), "personalizations"),
        (a_mail(personalizations=[{"to": []}]), "personalizations.0.to"),
        (a_mail(personalizations=[{"to": [{"email": "nina@"}]}]), "personalizations.0.to.0.email"),
        (a_mail(personalizations=[{"to": [{"email": NINA}, {"email": NINA}]}]), "personalizations.0.to"),
        (
            a_mail(personalizations=[{"to": [{"email": NINA}], "custom_args": {"a": 1}}]),
            "personalizations.0.custom_args",
        ),
        (without(a_mail(), "from"), "from.email"),
        (without(a_mail(), "subject"), "subject"),
        (without(a_mail(), "content"), "content"),
        (a_mail(content=[{"type": "text/plain", "value": ""}]), "content"),
        (a_mail(send_at="soon"), "send_at"),
        (a_mail(send_at=int(time.time()) + 73 * 3600), "send_at"),
        (a_mail(batch_id="nobody made it"), "batch_id"),
    ],
)
def test_what_sendgrid_would_not_take_is_refused_naming_the_field(sandbox, sendgrid, mail, field):
    status, error = refusal_of(lambda: sendgrid.client.mail.send.post(request_body=mail))

    assert (status, error["field"]) == (400, field)
    assert sandbox.accepted() == []


def test_a_key_other_than_the_sandboxs_own_opens_nothing(sandbox):
    stranger = client_of(sandbox, "SG.a-real-looking.key")

    assert refusal_of(lambda: stranger.client.mail.send.post(request_body=a_mail()))[0] == 401
    assert refusal_of(stranger.client.mail.batch.post)[0] == 401
    assert sandbox.accepted() == []


def test_the_scopes_tell_that_the_key_is_good(sendgrid):
    assert "mail.send" in sendgrid.client.scopes.get().to_dict["scopes"]


def test_every_recipient_of_a_mail_is_a_line_of_the_ledger(sandbox, send):
    people = [f"person{number}@example.test" for number in range(1000)]

    message_id = send(a_mail(*people))

    lines = sandbox.accepted()
    assert [line["to"] for line in lines] == people
    assert {line["request"] for line in lines} == {message_id}
    assert lines[7]["body"] == "Dear person7, Ref K7Q-2MX"
    assert lines[7]["custom_args"] == {"a": "attempt-7"}


def test_events_carry_the_custom_arguments_flat_and_the_message_id_as_prefix(sandbox, send):
    heard = Heard(sandbox)

    message_id = send(a_mail(NINA, OLE))
    sandbox.settle()

    assert heard.names() == ["processed", "processed", "delivered", "delivered"]
    assert [event["a"] for event in heard.events] == ["attempt-0", "attempt-1"] * 2
    assert {event["sg_message_id"].startswith(message_id + ".") for event in heard.events} == {True}
    assert len({event["sg_event_id"] for event in heard.events}) == 4
    assert len(heard.arrays) == 2


@pytest.mark.parametrize(
    ("outcome", "events"),
    [("bounce", ["processed", "bounce"]), ("dropped", ["dropped"]), ("deferred", ["processed", "deferred"])],
)
def test_a_mail_meets_the_end_it_was_given(sandbox, send, outcome, events):
    heard = Heard(sandbox)
    sandbox.outcome(NINA, outcome, reason="because")

    send(a_mail(NINA))
    sandbox.settle()

    assert heard.names() == events
    assert "because" in {heard.events[-1].get("reason"), heard.events[-1].get("response")}
    assert sandbox.mail_to(NINA)[0]["status"] == outcome


def test_a_deferred_mail_may_still_arrive(sandbox, send):
    heard = Heard(sandbox)
    sandbox.outcome(NINA, "deferred", then="delivered")

    send(a_mail(NINA))
    sandbox.settle()

    assert heard.names() == ["processed", "deferred", "delivered"]


def test_one_recipient_may_bounce_while_the_other_of_the_same_mail_is_reached(sandbox, send):
    heard = Heard(sandbox)
    sandbox.outcome(NINA, "bounce")

    send(a_mail(NINA, OLE))
    sandbox.settle()

    last = {event["email"]: event["event"] for event in heard.events}
    assert last == {NINA: "bounce", OLE: "delivered"}


def test_events_are_repeated_until_the_product_takes_them(sandbox, send):
    heard = Heard(sandbox)
    heard.answers = iter([Answer(503), Answer(500), Answer(204), Answer(204)])

    send(a_mail())
    sandbox.settle()

    assert heard.names() == ["processed", "delivered"]


def test_email_activity_finds_a_mail_by_address_argument_and_id(sandbox, sendgrid, send):
    message_id = send(a_mail(NINA, OLE))
    sandbox.settle()

    def found(query: str) -> list[str]:
        answer = sendgrid.client.messages.get(query_params={"query": query, "limit": 10})
        return [message["to_email"] for message in answer.to_dict["messages"]]

    assert found(f'to_email="{NINA}"') == [NINA]
    assert found("(unique_args['a']=\"attempt-1\")") == [OLE]
    assert found(f"msg_id LIKE '{message_id}%' AND status=\"delivered\"") == [OLE, NINA]
    assert found('to_email="stranger@example.test"') == []
    assert found("") == [OLE, NINA]


@pytest.mark.parametrize("query", ["to_email=", 'password="x"', 'to_email="a" OR status="b"'])
def test_a_query_that_cannot_be_read_is_refused(sendgrid, query):
    status, error = refusal_of(lambda: sendgrid.client.messages.get(query_params={"query": query}))

    assert (status, error["field"]) == (400, "query")


def test_email_activity_does_not_see_what_is_fresher_than_the_lag(sandbox, sendgrid, send):
    sandbox.lag_searches("sendgrid", 0.5)
    send(a_mail())
    sandbox.settle()

    assert sendgrid.client.messages.get().to_dict["messages"] == []
    sandbox.wait_for(lambda: sendgrid.client.messages.get().to_dict["messages"])


def test_a_mail_for_later_is_accepted_now_and_arrives_when_due(sandbox, send):
    heard = Heard(sandbox)
    due = int(time.time()) + 2

    send(a_mail(send_at=due))

    assert sandbox.mail_to(NINA)[0]["status"] == "queued"
    assert heard.events == []
    sandbox.wait_for(lambda: heard.names() == ["processed", "delivered"])
    assert time.time() >= due


def a_batch(sendgrid: SendGridAPIClient) -> str:
    return sendgrid.client.mail.batch.post().to_dict["batch_id"]


def stop(sendgrid: SendGridAPIClient, batch_id: str, status: str = "cancel") -> Any:
    return sendgrid.client.user.scheduled_sends.post(request_body={"batch_id": batch_id, "status": status})


def test_a_cancelled_batch_is_discarded_when_it_is_due(sandbox, sendgrid, send):
    heard, batch_id = Heard(sandbox), a_batch(sendgrid)
    send(a_mail(NINA, OLE, batch_id=batch_id, send_at=int(time.time()) + 1))

    assert stop(sendgrid, batch_id).status_code == 201

    sandbox.wait_for(lambda: sandbox.mail_to(OLE)[0]["status"] == "cancelled")
    assert heard.events == []
    assert sendgrid.client.messages.get().to_dict["messages"] == []


def test_a_batch_cancelled_before_its_mail_was_accepted_discards_it_all_the_same(sandbox, sendgrid, send):
    batch_id = a_batch(sendgrid)
    stop(sendgrid, batch_id)

    send(a_mail(batch_id=batch_id))

    sandbox.wait_for(lambda: sandbox.mail_to(NINA)[0]["status"] == "cancelled")


def test_a_paused_batch_goes_out_when_it_is_resumed(sandbox, sendgrid, send):
    batch_id = a_batch(sendgrid)
    stop(sendgrid, batch_id, "pause")
    send(a_mail(batch_id=batch_id))
    time.sleep(0.2)
    assert sandbox.mail_to(NINA)[0]["status"] == "queued"

    assert sendgrid.client.user.scheduled_sends._(batch_id).delete().status_code == 204

    sandbox.wait_for(lambda: sandbox.mail_to(NINA)[0]["status"] == "delivered")


def test_a_pause_may_become_a_cancellation(sandbox, sendgrid, send):
    batch_id = a_batch(sendgrid)
    stop(sendgrid, batch_id, "pause")
    send(a_mail(batch_id=batch_id))

    one = sendgrid.client.user.scheduled_sends._(batch_id)
    assert one.patch(request_body={"status": "cancel"}).status_code == 204

    assert one.get().to_dict == [{"batch_id": batch_id, "status": "cancel"}]
    sandbox.wait_for(lambda: sandbox.mail_to(NINA)[0]["status"] == "cancelled")


def test_no_more_than_ten_batches_are_stopped_at_one_time(sendgrid):
    for _ in range(10):
        stop(sendgrid, a_batch(sendgrid))

    eleventh = a_batch(sendgrid)

    assert refusal_of(lambda: stop(sendgrid, eleventh))[0] == 400


def test_a_batch_that_is_nearly_due_cannot_be_stopped_any_more(tmp_path):
    with Sandbox.start(tmp_path, PRODUCT) as sandbox:
        sendgrid = client_of(sandbox)
        batch_id = a_batch(sendgrid)
        late, early = int(time.time()) + 300, int(time.time()) + 1800
        sendgrid.client.mail.send.post(request_body=a_mail(batch_id=batch_id, send_at=late))
        other = a_batch(sendgrid)
        sendgrid.client.mail.send.post(request_body=a_mail(batch_id=other, send_at=early))

        assert refusal_of(lambda: stop(sendgrid, batch_id))[1]["field"] == "batch_id"
        assert stop(sendgrid, other).status_code == 201
