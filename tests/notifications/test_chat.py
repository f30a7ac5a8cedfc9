"""Chat services: accepted, refused or unsure as it is, and no call to where no message may go."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from notifications.channels import Accepted, Refusal, Unsure, chat
from notifications.rules import chat as rules
from notifications.rules.retry import is_permanent
from tests.notifications.installation import a_settings

EARNEST = {
    "BREACHCLOCK_SMS": "twilio", "BREACHCLOCK_EMAIL": "sendgrid", "TWILIO_API_BASE": "https://api.twilio.com",
    "SENDGRID_API_BASE": "https://api.sendgrid.com", "BREACHCLOCK_MAIL_FROM": "bc@promark.example",
}  # fmt: skip


@dataclass
class Ntfy:
    """A small ntfy: keeps what it gets, and answers as a test wants it to."""

    port: int = 0
    status: int = 200
    location: str = ""
    wait: float = 0
    got: list[dict] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"ntfy://127.0.0.1:{self.port}/astrid"


@pytest.fixture
def ntfy() -> Iterator[Ntfy]:
    made = Ntfy()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            made.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            time.sleep(made.wait)
            self.send_response(made.status)
            for name, value in (("Location", made.location), ("Retry-After", "7")):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"{}")

        def do_GET(self):
            made.got.append({"followed": self.path})
            self.send_error(200)

        def log_message(self, *_args):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def sandboxed(tmp_path_factory):
    return chat.Chat(a_settings(tmp_path_factory.mktemp("home")))


@pytest.fixture(scope="module")
def earnest(tmp_path_factory):
    return chat.Chat(a_settings(tmp_path_factory.mktemp("home"), **EARNEST))


def send(provider, address, *, limit=5.0, text="PM-2026-0012 https://x.example/a/1"):
    return provider.send(
        recipient=address,
        content={"text": text},
        attempt_id="a1",
        reference="K7Q2MXPD",
        limit=limit,
        urgent=True,
    )


def test_a_message_arrives_whole_and_its_yes_is_accepted(sandboxed, ntfy):
    answer = send(sandboxed, ntfy.address)

    assert answer == Accepted("chat-a1")
    assert ntfy.got == [
        {"topic": "astrid", "title": "Breachclock", "message": "PM-2026-0012 https://x.example/a/1"}
    ]


@pytest.mark.parametrize(
    ("status", "kind", "permanent"),
    [(500, Unsure, None), (404, Refusal, True), (403, Refusal, True), (429, Refusal, False)],
)
def test_a_no_and_a_fault_are_told_apart(sandboxed, ntfy, status, kind, permanent):
    ntfy.status = status

    answer = send(sandboxed, ntfy.address)

    assert type(answer) is kind
    if permanent is not None:
        assert is_permanent(answer.code, 1) is permanent
        assert not answer.account  # one person's address says nothing of the others'
    if status == 429:
        assert answer.retry_after == 7


def test_a_redirect_is_followed_nowhere(sandboxed, ntfy):
    ntfy.status, ntfy.location = 302, f"http://127.0.0.1:{ntfy.port}/inside"

    answer = send(sandboxed, ntfy.address)

    assert isinstance(answer, Refusal)
    assert [each for each in ntfy.got if "followed" in each] == []


def test_a_slow_service_is_unsure_in_time(sandboxed, ntfy):
    ntfy.wait = 1.5
    began = time.monotonic()

    answer = send(sandboxed, ntfy.address, limit=0.4)

    assert isinstance(answer, Unsure)
    assert time.monotonic() - began < 1.2


def test_nobody_listening_means_that_nobody_has_it(sandboxed):
    answer = send(sandboxed, "ntfy://127.0.0.1:1/astrid")

    assert isinstance(answer, Refusal)
    assert not is_permanent(answer.code, 1)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "169.254.169.254", "10.1.2.3"],
)
def test_in_earnest_nothing_inside_the_house_is_called(earnest, ntfy, host):
    answer = send(earnest, f"ntfys://{host}:{ntfy.port}/astrid")

    assert isinstance(answer, Refusal)
    assert answer.code == "chat-address"
    assert ntfy.got == []


def test_a_name_that_leads_inside_once_it_is_called_is_not_called(earnest, ntfy, monkeypatch):
    """The name is looked up once, and what was looked at is what is connected to."""
    asked = []

    def looked_up(host, port, **_options):
        asked.append(host)
        return [(2, 1, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr("socket.getaddrinfo", looked_up)

    answer = send(earnest, f"ntfys://chat.example.org:{ntfy.port}/astrid")

    assert answer.code == "chat-address"
    assert asked == ["chat.example.org"]
    assert ntfy.got == []


@pytest.mark.parametrize(
    "place",
    [
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "fe80::1%eth0",
        "fd00::1",
        "100.64.0.1",
        "224.0.0.1",
    ],
)
def test_an_address_inside_the_house_stays_one_however_it_is_written(place):
    assert not rules.may_call(place, rehearsal=False)


def test_public_addresses_are_called_in_earnest_and_this_machine_in_a_rehearsal():
    assert [rules.may_call(each, rehearsal=False) for each in ("93.184.216.34", "2606:4700::1")] == [True] * 2
    assert [rules.may_call(each, rehearsal=True) for each in ("127.0.0.1", "93.184.216.34")] == [True, False]


def test_a_rehearsal_reaches_nobody_outside(sandboxed):
    assert send(sandboxed, "ntfys://93.184.216.34/astrid", limit=3).code == "chat-address"


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd", "json://10.0.0.1/", "mailto://user:pw@mail.example.org", "syslog://", "exec://id",
        "ntfys://ntfy.sh/a?attach=file:///etc/passwd", "ntfys://ntfy.sh/a?verify=no", "ntfys://ntfy.sh/one/two",
        "workflows://host.example/a/b?template=/etc/passwd", "ntfys://ntfy.sh/" + "a" * 500, "nothing", "",
        "https://hooks.slack.com.evil.example/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_service_we_let_in_is_refused(earnest, address):
    with pytest.raises(chat.NotSuch):
        chat.service_of(address, rehearsal=False)
    assert send(earnest, address).code == "chat-address"


def test_clear_text_is_for_rehearsals(ntfy):
    assert chat.service_of(ntfy.address, rehearsal=True).name == "ntfy"
    with pytest.raises(chat.NotSuch):
        chat.service_of(ntfy.address, rehearsal=False)


@pytest.mark.parametrize("service", rules.SERVICES, ids=lambda each: each.name)
def test_every_service_takes_its_own_example_and_calls_through_our_guard(service):
    assert chat.service_of(service.example, rehearsal=False) == service
    module = chat._class_of(service).__module__
    assert vars(__import__(module, fromlist=["requests"]))["requests"] is chat.guarded


def test_a_plugin_that_calls_outside_of_a_message_gets_nowhere():
    with pytest.raises(chat._MayNot):
        chat.guarded.get("https://example.org")
    assert not hasattr(chat.guarded, "Session")


def test_an_owner_is_shown_no_secret():
    assert rules.shown("ntfys://user:secret@ntfy.example.org/topic-name") == "ntfy ntfy.example.org …ame"
    assert "T0000" not in rules.shown("slack://T0000/B0000/XXXXXX")
