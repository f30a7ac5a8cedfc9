"""The watchdog: its own process with its own keys, that needs nothing of what it watches."""

import os
import socket
import subprocess
import sys
import time
from ast import literal_eval
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from aiosmtpd.controller import Controller

from notifications.watchdog.config import ConfigFault, read
from tests.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
ASTRID, BIRK = "+447700900101", "+447700900102"


class Watched(ThreadingHTTPServer):
    """What is watched: it answers as it is told."""

    status, body, headers = 200, b"{}", ()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/readyz"


@pytest.fixture
def watched():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(self.server.status)
            for name, value in self.server.headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(self.server.body)

        def log_message(self, *_args):
            pass

    with Watched(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def mailbox():
    class Box:
        kept = ()

        async def handle_DATA(self, _server, _session, envelope):  # noqa: N802  aiosmtpd calls it so
            Box.kept += (envelope,)
            return "250 taken"

    Box.kept = ()
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    server = Controller(Box(), hostname="127.0.0.1", port=port)
    server.start()
    yield port, Box
    server.stop()


@pytest.fixture
def config(tmp_path, watched, sandbox_server, mailbox):
    sandbox_server.reset()
    sandbox_server.behave()
    told = sandbox_server.environment
    path = tmp_path / "watchdog.toml"
    path.write_text(f"""
name = "Breachclock of ProMark"
[timing]
every_seconds = 1
silent_after_seconds = 0
timeout_seconds = 2
[[watch]]
url = "{watched.url}"
[[contact]]
name = "Astrid"
sms = "{ASTRID}"
email = "astrid@promark.example"
[[contact]]
name = "Birk"
sms = "{BIRK}"
level = 2
[twilio]
account_sid = "{told["TWILIO_ACCOUNT_SID"]}"
auth_token = "{told["TWILIO_AUTH_TOKEN"]}"
from = "{told["TWILIO_FROM"]}"
base = "{told["TWILIO_API_BASE"]}"
[smtp]
url = "smtp://127.0.0.1:{mailbox[0]}"
from = "watchdog@promark.example"
""")
    path.chmod(0o600)
    return path


def run(config, *options):
    """The watchdog by its command line, with an environment that knows nothing of the product's."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("BREACHCLOCK_")}
    command = [
        sys.executable,
        "-c",
        "import wsgi; wsgi.main()",
        "watchdog",
        "--config",
        str(config),
        *options,
    ]
    return subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False
    )


def bodies(sandbox: Sandbox, number):
    return [each["body"] for each in sandbox.sms_to(number)]


def test_it_says_nothing_while_all_is_well(config, sandbox_server):
    assert run(config, "--once").returncode == 0
    assert sandbox_server.accepted() == []


def test_it_tells_by_every_way_of_its_own_once_and_again_when_all_is_well(
    config, watched, sandbox_server, mailbox
):
    watched.status, watched.body = 503, b'{"faults": ["the clock has not ended a round for 190 s"]}'
    run(config, "--once")
    run(config, "--once")  # a restart: what was told is remembered

    (alarm,) = bodies(sandbox_server, ASTRID)
    assert "Breachclock of ProMark is silent: /readyz: status 503 (the clock has not ended" in alarm
    assert len(mailbox[1].kept) == 1
    assert bodies(sandbox_server, BIRK) == [], "the second round is wider"
    watched.status = 200
    run(config, "--once")
    run(config, "--once")
    assert [each for each in bodies(sandbox_server, ASTRID) if "answers again" in each] == [
        bodies(sandbox_server, ASTRID)[-1]
    ]
    assert len(bodies(sandbox_server, ASTRID)) == 2


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ((("Transfer-Encoding", "chunked"),), b"40\r\nbroken off"),
        ((), b"[" * 4000),
        ((("Content-Encoding", "gzip"),), b"\xff\x00"),
    ],
)
def test_whatever_stands_in_a_refusal_it_is_told_and_the_watchdog_lives(
    config, watched, sandbox_server, headers, body
):
    watched.status, watched.headers, watched.body = 503, headers, body

    said = run(config, "--once")

    assert "Traceback" not in said.stderr
    assert len(bodies(sandbox_server, ASTRID)) == 1


def test_one_way_that_fails_holds_up_none_of_the_others(config, watched, sandbox_server, mailbox):
    sandbox_server.fail("twilio", "4xx", times=None, status=401, code=20003)
    watched.status = 500

    said = run(config, "--once")

    assert len(mailbox[1].kept) == 1
    assert "alarm to Astrid by sms: TwilioRestException" in said.stderr
    assert "sandbox-token" not in said.stderr


def test_a_machine_that_is_gone_and_a_file_nobody_writes_are_silence(config, tmp_path, sandbox_server):
    old = tmp_path / "heartbeat"
    old.touch()
    os.utime(old, (time.time() - 600,) * 2)
    text = config.read_text()
    start = text.index("[[watch]]")
    end = text.index("[[contact]]")
    config.write_text(
        f'{text[:start]}[[watch]]\nurl = "http://127.0.0.1:1/readyz"\n[[watch]]\nfile = "{old}"\n{text[end:]}'
    )

    run(config, "--once")

    (alarm,) = bodies(sandbox_server, ASTRID)
    assert "no answer (ConnectionRefusedError)" in alarm
    assert "heartbeat: not written for" in alarm


def test_a_test_rings_everybody_and_says_which_way_does_not_work(config, sandbox_server, mailbox):
    assert run(config, "--test").returncode == 0
    assert "Nothing has happened" in bodies(sandbox_server, BIRK)[0]

    sandbox_server.fail("twilio", "4xx", to=BIRK, times=None, status=400, code=21211)
    failed = run(config, "--test")
    assert failed.returncode == 1
    assert "test to Birk by sms: TwilioRestException" in failed.stderr


def test_a_faulty_file_says_all_that_is_wrong_at_once_and_no_secret(tmp_path):
    path = tmp_path / "watchdog.toml"
    path.write_text("""
nmae = "x"
[timing]
every_seconds = "often"
again_after_minutes = []
[[watch]]
url = "ftp://x"
[[contact]]
name = "Astrid"
sms = "12"
level = 2
[twilio]
account_sid = "AC1"
auth_token = "hunter2"
""")

    with pytest.raises(ConfigFault) as wrong:
        read(path)

    told = "\n".join(wrong.value.faults)
    for part in (
        "nmae",
        "every_seconds",
        "again_after_minutes",
        "ftp://x",
        "'12'",
        "level 1",
        "[twilio] from",
    ):
        assert part in told
    assert "hunter2" not in told
    assert run(path, "--check").returncode == 1


@contextmanager
def quickly(seconds):
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < seconds


def test_it_starts_in_a_second_and_loads_nothing_of_the_product(config):
    with quickly(3):  # a second on a machine of its own
        assert run(config, "--check").returncode == 0
    loaded = "import sys, notifications.watchdog; print({each.split('.')[0] for each in sys.modules})"
    told = subprocess.run(
        [sys.executable, "-c", loaded], cwd=ROOT, capture_output=True, text=True, check=True
    )
    of_the_product = {"foundation", "accounts", "flask", "sqlalchemy", "redis", "rq", "twilio", "apprise"}
    assert not of_the_product & literal_eval(told.stdout)
