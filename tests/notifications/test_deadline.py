"""A call to a provider ends in time, whatever the provider does; what it says later still counts."""

import socket
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import pytest

from foundation.database import db
from notifications import channels, jobs
from notifications.channels import Accepted, CannotAsk, Refusal, Unsure, deadline
from notifications.channels.sendgrid import SendGrid
from notifications.channels.twilio import Twilio
from notifications.models import Outcome, State
from notifications.rules import retry
from tests.notifications.installation import a_settings

SID = "SM" + "a" * 32
LETTER = {"subject": "Brud", "text": "Kære Anna", "html": ""}
YES = {
    "twilio": f'HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n\r\n{{"sid": "{SID}"}}',
    "sendgrid": "HTTP/1.1 202 Accepted\r\nX-Message-Id: mail-1\r\nContent-Length: 0\r\n\r\n",
}
TO = {"twilio": "+4520000001", "sendgrid": "anna@example.org"}
SPEAKS_FOR = 2.0
MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)


@contextmanager
def slow_provider(said):
    """A provider that takes every request and says its answer bit by bit, never silent for long."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server, said.encode()), daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def serve(server, said):
    with suppress(OSError):
        while True:
            connection, _ = server.accept()
            threading.Thread(target=speak, args=(connection, said), daemon=True).start()


def speak(connection, said):
    with suppress(OSError), connection:
        read_request(connection)
        for sign in said:
            connection.sendall(bytes([sign]))
            time.sleep(SPEAKS_FOR / len(said))


def read_request(connection):
    """Read head and body whole: closing before that would reset the connection."""
    with connection.makefile("rb") as stream:
        length = 0
        while (line := stream.readline()) not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        stream.read(length)


@pytest.fixture(params=["twilio", "sendgrid"])
def slow(request, tmp_path):
    with slow_provider(YES[request.param]) as url:
        settings = a_settings(tmp_path, TWILIO_API_BASE=url, SENDGRID_API_BASE=url)
        yield Twilio(settings) if request.param == "twilio" else SendGrid(settings)


def send(provider, limit, **other):
    return provider.send(
        recipient=TO[provider.name], content=LETTER, attempt_id="1", reference="K7Q2MXPD", limit=limit,
        urgent=True, **other,
    )  # fmt: skip


def test_a_provider_that_answers_byte_by_byte_holds_nobody_past_the_limit(slow):
    begun = time.monotonic()

    answer = send(slow, 0.5)

    assert isinstance(answer, Unsure)
    assert time.monotonic() - begun < 1.2


def test_what_it_says_after_the_limit_is_told_all_the_same(slow):
    told, heard = [], threading.Event()

    send(slow, 0.5, late=lambda answer: (told.append(answer), heard.set()))

    assert heard.wait(10)
    assert isinstance(told[0], Accepted)


def test_a_question_ends_in_time_too(slow, monkeypatch):
    monkeypatch.setattr(f"{type(slow).__module__}.ASKING", 0.5)
    begun = time.monotonic()

    with pytest.raises(CannotAsk):
        slow.find(recipient="+4520000001", attempt_ids=["1"], reference="K7Q2MXPD", since=MIDNIGHT)

    assert time.monotonic() - begun < 1.2


def test_a_late_yes_is_recorded_by_its_attempt(house, monkeypatch):
    go_on, answered = threading.Event(), threading.Event()
    message_id = house.post()
    slow_yes = slowly(Accepted("mail-1"), go_on)
    with sending(house, monkeypatch, slow_yes, answered):
        assert house.message(message_id).state is State.PENDING
        jobs.deliver(str(message_id))
        before = house.message(message_id).state
        go_on.set()
        assert answered.wait(10)

    db.session.rollback()  # our own look at the database is older
    message = house.message(message_id)
    assert (before, message.state, message.provider_id) == (State.UNCERTAIN, State.ACCEPTED, "mail-1")


def test_a_late_no_sends_it_again_at_once_instead_of_asking_first(house, monkeypatch):
    go_on, answered = threading.Event(), threading.Event()
    message_id = house.post()
    slow_no = slowly(Refusal("SendGrid refused (429)", code="429"), go_on)
    with sending(house, monkeypatch, slow_no, answered):
        jobs.deliver(str(message_id))
        go_on.set()
        assert answered.wait(10)

    db.session.rollback()
    assert house.message(message_id).state is State.PENDING
    assert house.attempts(message_id)[0].outcome is Outcome.NOT_SENT


def slowly(answer, go_on):
    def call():
        go_on.wait(10)
        return answer

    return call


@contextmanager
def sending(house, monkeypatch, call, answered):
    """SendGrid by this call, with a short limit; sets `answered` when the late answer was recorded."""

    class Slow:
        name = "sendgrid"

        def send(self, *, late, **_):
            return deadline.answer(0.2, call, provider="SendGrid", late=late)

    real = jobs._record_late

    def record_late(*args):
        real(*args)
        answered.set()

    monkeypatch.setitem(house.app.extensions["channels"], "email", (Slow(),))
    monkeypatch.setattr(jobs, "_record_late", record_late)
    monkeypatch.setattr(jobs, "database_now", lambda: house.now)
    yield


def test_calls_nobody_waits_for_have_a_limit_and_what_was_not_begun_is_provably_not_sent(monkeypatch):
    monkeypatch.setattr(deadline, "_room", threading.BoundedSemaphore(1))
    go_on = threading.Event()
    call = slowly(Accepted("mail-1"), go_on)
    first = deadline.answer(0.1, call, provider="SendGrid", late=channels.to_nobody)

    second = deadline.answer(0.1, call, provider="SendGrid", late=channels.to_nobody)

    go_on.set()
    assert isinstance(first, Unsure)
    assert isinstance(second, Refusal)
    assert not retry.is_permanent(second.code, 8)


def test_what_a_call_raises_is_raised_where_it_is_waited_for():
    def fail():
        raise CannotAsk("no")

    with pytest.raises(CannotAsk, match="no"):
        deadline.within(5, fail)
