"""Starts the provider sandbox and asks it what each phone and mailbox got.

    with Sandbox.start(home, callback_url="http://127.0.0.1:8072") as sandbox:
        sandbox.fail("twilio", "accept_then_hang", to=ASTRID)
        …
        assert [sms["body"] for sms in sandbox.sms_to(ASTRID)] == […]

It runs in a thread of the test (the default) or as a process of its own that `kill()` can kill. Either
way everything goes over HTTP, as with the providers.
"""

import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import requests
from flask.testing import FlaskClient
from twilio.http.http_client import TwilioHttpClient

from notifications.sandbox.app import create_sandbox
from notifications.sandbox.callbacks import Answer, Held
from notifications.sandbox.config import SandboxConfig, environment, second_environment
from notifications.sandbox.keys import event_public_key
from notifications.sandbox.server import SandboxServer

Sms = dict[str, Any]
Mail = dict[str, Any]
OPENAPI = os.environ.get("BREACHCLOCK_SANDBOX_OPENAPI")
STARTS_WITHIN = 20.0


class Sandbox:
    """A running sandbox, seen by a test."""

    def __init__(self, config: SandboxConfig, port: int = 0) -> None:
        self.config = config
        self.port = port
        self.url = ""
        self.server: SandboxServer | None = None
        self.process: subprocess.Popen[str] | None = None
        self._http = requests.Session()
        self._http.trust_env = False
        self._kept: queue.SimpleQueue[Held] = queue.SimpleQueue()
        self._receiver: Callable[[str, bytes, Mapping[str, str]], Answer] | None = None

    @classmethod
    def start(
        cls,
        home: Path,
        callback_url: str = "http://127.0.0.1:8072",
        port: int = 0,
        *,
        process: bool = False,
        **options: Any,
    ) -> Self:
        """Start in a thread or as a process; `options` are further fields of SandboxConfig."""
        options.setdefault("openapi", Path(OPENAPI) if OPENAPI else None)
        options.setdefault("delay", 0.02)
        sandbox = cls(SandboxConfig(home=home, callback_url=callback_url, **options), port)
        sandbox.start_again(process=process)
        return sandbox

    def start_again(self, *, process: bool = False) -> None:
        """Start on the same home and, once it had one, on the same port."""
        if process:
            self._start_process()
        else:
            self.server = SandboxServer(create_sandbox(self.config), "127.0.0.1", self.port)
            self.url = self.server.url
            self.config = replace(self.config, smtp_port=self.server.smtp.port)
            self.server.start()
        self.port = int(self.url.rpartition(":")[2])
        if self._receiver:
            self.deliver_callbacks_to(self._receiver)

    def _start_process(self) -> None:
        config = self.config
        command = [sys.executable, "-m", "notifications.sandbox", "--bind", f"127.0.0.1:{self.port}"]
        command += ["--home", str(config.home), "--callback-url", config.callback_url]
        command += ["--delay", str(config.delay), "--cancel-margin", str(config.cancel_margin)]
        command += ["--callback-tries", str(config.callback_tries)]
        command += ["--smtp-port", str(config.smtp_port), "--speech", str(config.speech)]
        command += ["--public-url", config.public_url] if config.public_url else []
        command += ["--openapi", str(config.openapi)] if config.openapi else []
        root = Path(__file__).parents[1]
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("TWILIO", "SENDGRID", "BREACHCLOCK_SM"))
        }
        self.process = subprocess.Popen(command, cwd=root, env=clean, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("Sandbox ready: "), f"the sandbox did not start: {line!r}"
        self.url = line.removeprefix("Sandbox ready: ").strip()

    def stop(self) -> None:
        """Stop it as an operator would."""
        if self.server:
            self.server.stop()
            self.server = None
        if self.process:
            self.process.terminate()
            self._end_process()

    def kill(self) -> None:
        """Kill -9: only for a sandbox in a process of its own."""
        assert self.process is not None, "start it with process=True to kill it"
        self.process.send_signal(signal.SIGKILL)
        self._end_process()

    def _end_process(self) -> None:
        assert self.process is not None
        self.process.wait(10)
        if self.process.stdout:
            self.process.stdout.close()
        self.process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._http.close()

    @property
    def gateway_url(self) -> str:
        """Where the second provider of text messages is reached."""
        return f"{self.url}/gateway"

    @property
    def smtp_at(self) -> tuple[str, int]:
        """Host and port of the mail server."""
        host, _, port = self._call("GET", "health")["smtp"].rpartition(":")
        return host, int(port)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point a product at this sandbox."""
        return environment(url=self.url, public_key=event_public_key(self.config.home))

    @property
    def second_environment(self) -> dict[str, str]:
        """The variables that give a product the gateway and the mail server as well."""
        host, port = self.smtp_at
        return second_environment(url=self.url, smtp_at=f"{host}:{port}")

    # What it got

    def accepted(self, provider: str | None = None, to: str | None = None) -> list[dict[str, Any]]:
        """The ledger: everything accepted from the product, in order. The truth of every fault test."""
        asked = {"provider": provider or "", "to": to or ""}
        return list(self._call("GET", "ledger", params=asked)["accepted"])

    def sms_to(self, number: str) -> list[Sms]:
        """Text messages accepted for a number, oldest first."""
        return self.accepted("twilio", number)

    def mail_to(self, address: str) -> list[Mail]:
        """Mails accepted for an address, oldest first."""
        return self.accepted("sendgrid", address)

    def heartbeats(self) -> list[dict[str, str]]:
        """When the product's heart beat, and how."""
        return list(self._call("GET", "heartbeats")["heartbeats"])

    def everything(self) -> list[dict[str, Any]]:
        """Every message of every provider, replies and answers to them too, in order."""
        return list(self._call("GET", "everything")["messages"])

    def conversation(self, number: str) -> list[Sms]:
        """Everything on a phone: messages, replies, answers to them."""
        return list(self._call("GET", f"phones/{number}")["messages"])

    def callbacks(self) -> list[dict[str, Any]]:
        """Callbacks made: path, tries, what was answered."""
        return list(self._call("GET", "callbacks")["callbacks"])

    # What it is told

    def fail(
        self, provider: str, fault: str, to: str | None = None, times: int | None = 1, **options: Any
    ) -> int:
        """Let requests fail (see notifications.sandbox.script.Kind); gives the rule's number."""
        told = {"provider": provider, "fault": fault, "to": to, "times": times, **options}
        return int(self._call("POST", "faults", told)["number"])

    def outcome(self, address: str, status: str, times: int | None = None, **options: Any) -> int:
        """Say what becomes of messages to an address: "undelivered", "bounce", …"""
        provider = options.pop("provider", "sendgrid" if "@" in address else "twilio")
        told = {"provider": provider, "to": address, "status": status, "times": times, **options}
        return int(self._call("POST", "outcomes", told)["number"])

    def call_back(self, provider: str, mode: str = "in_order", to: str | None = None, **options: Any) -> int:
        """Say how receipts come: mode "in_order", "reversed", "never"; copies=, delay=."""
        told = {"provider": provider, "mode": mode, "to": to, **options}
        return int(self._call("POST", "callbacks", told)["number"])

    def switch(self, address: str, name: str, *, on: bool = True) -> None:
        """Put on a switch of a device (see notifications.sandbox.switches), or take it off; "all" of them."""
        self._call("POST" if on else "DELETE", f"devices/{address}/switches/{name}")

    def lag_searches(self, provider: str, seconds: float) -> None:
        """Hide accepted messages from searches for so long."""
        self._call("POST", "search_lag", {"provider": provider, "seconds": seconds})

    def behave(self) -> None:
        """Take away all faults, outcomes, ways of calling back, and lags."""
        self._call("DELETE", "faults")

    def reset(self) -> None:
        """Begin anew."""
        self._call("POST", "reset")

    def names(self, names: dict[str, str]) -> None:
        """Name phones and mailboxes."""
        self._call("POST", "names", names)

    def reply(self, number: str, text: str) -> Sms:
        """Write from a phone; the product has been told when this returns, or was not there."""
        return self._call("POST", f"phones/{number}/replies", {"text": text})

    # Telephone calls

    def calls_to(self, number: str) -> list[dict[str, Any]]:
        """Calls accepted for a number, oldest first; `talk` says what was said and pressed."""
        return self.accepted("voice", number)

    def pick_up(self, sid: str) -> dict[str, Any]:
        """Answer a call that rings; its document is fetched as callbacks are delivered."""
        return self._call("POST", f"calls/{sid}/answer")

    def press(self, sid: str, keys: str) -> dict[str, Any]:
        """Press keys in a call."""
        return self._call("POST", f"calls/{sid}/press", {"keys": keys})

    def hang_up(self, sid: str) -> dict[str, Any]:
        """Put the receiver down."""
        return self._call("POST", f"calls/{sid}/hang_up")

    def decline(self, sid: str) -> dict[str, Any]:
        """Refuse a call that rings: busy."""
        return self._call("POST", f"calls/{sid}/decline")

    def ring_out(self, sid: str) -> dict[str, Any]:
        """Let a call ring until nobody answered."""
        return self._call("POST", f"calls/{sid}/ring_out")

    def be_silent(self, sid: str) -> dict[str, Any]:
        """Press nothing until the product waits no longer."""
        return self._call("POST", f"calls/{sid}/be_silent")

    # Callbacks without HTTP

    def deliver_callbacks_to(
        self, receiver: Callable[[str, bytes, Mapping[str, str]], Answer] | FlaskClient
    ) -> None:
        """Give callbacks to a callable or a Flask test client instead of posting them (thread only)."""
        assert self.server is not None, "a sandbox in another process can only post its callbacks"
        take = through(receiver) if isinstance(receiver, FlaskClient) else receiver
        self._receiver = take
        self.server.bench.caller.transport, self.server.bench.caller.held = take, None

    def hold_callbacks(self) -> None:
        """Keep callbacks until `deliver_held`, so that a test has them in its own thread (thread only)."""
        assert self.server is not None
        self._kept = self.server.bench.caller.held = queue.SimpleQueue()

    def held(self) -> Iterator[tuple[str, bytes, Mapping[str, str]]]:
        """Callbacks held so far, in the order they would have been posted; each is given once."""
        yield from ((each.url, each.call.body, each.headers) for each in self._held())

    def _held(self) -> Iterator[Held]:
        with suppress(queue.Empty):
            while True:
                yield self._kept.get_nowait()

    def deliver_held(
        self, receiver: Callable[[str, bytes, Mapping[str, str]], Answer] | FlaskClient
    ) -> list[Answer]:
        """Deliver what is held, now and here."""
        take = through(receiver) if isinstance(receiver, FlaskClient) else receiver
        return [each.deliver(take) for each in self._held()]

    # Waiting

    def wait_for(self, what: Callable[[], Any], within: float = 5.0) -> Any:
        """Poll until `what()` is true and give it; fails the test when it never is."""
        end = time.monotonic() + within
        while not (found := what()):
            assert time.monotonic() < end, f"waited {within} s in vain"
            time.sleep(0.02)
        return found

    def settle(self, within: float = 5.0) -> None:
        """Wait until every state is reached and every callback made."""

        def at_rest() -> bool:
            health = self._call("GET", "health")
            return not health["scheduled"] and not health["callbacks_waiting"]

        self.wait_for(at_rest, within)

    def _call(self, method: str, path: str, told: Any = None, **options: Any) -> dict[str, Any]:
        address = f"{self.url}/_sandbox/{path}"
        answer = self._http.request(method, address, json=told, timeout=STARTS_WITHIN, **options)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found


def through(client: FlaskClient) -> Callable[[str, bytes, Mapping[str, str]], Answer]:
    """Callbacks as requests of a Flask test client: same address, bytes and headers."""

    def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        answer = client.post(url, data=body, headers=dict(headers))
        return Answer(answer.status_code, answer.get_data(as_text=True))

    return post


class ToSandbox(TwilioHttpClient):
    """The SDK's HTTP client, turned from api.twilio.com to a sandbox."""

    def __init__(self, url: str, timeout: float = 5.0) -> None:
        super().__init__(timeout=timeout, max_retries=0)
        self._url = url

    def request(  # type: ignore[override]  # the SDK names it uri above and url below
        self, method: str, url: str, *args: Any, **kwargs: Any
    ) -> Any:
        """Swap scheme and host only: the rest is the SDK's own."""
        return super().request(method, url.replace("https://api.twilio.com", self._url), *args, **kwargs)
