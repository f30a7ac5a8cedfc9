"""Calls the product back, signed as each provider signs; only ever at the product's own address."""

import json
import queue
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import requests
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from standardwebhooks.webhooks import Webhook
from twilio.request_validator import RequestValidator

from notifications.sandbox.config import SANDBOX_AUTH_TOKEN, SANDBOX_GATEWAY_SECRET, SandboxConfig
from notifications.sandbox.keys import sign_events
from notifications.sandbox.script import Behaviour
from notifications.sandbox.timing import Lanes, Scheduler

TIMEOUT = 3.0
EVENTS_PATH = "/callbacks/sendgrid/events"
GATEWAY_PATH = "/callbacks/gateway/status"
INBOUND_PATH = "/callbacks/twilio/inbound"
FORM_TYPE = "application/x-www-form-urlencoded; charset=UTF-8"
LONGEST_BACK_OFF = 8.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the product answered."""

    status: int
    text: str = ""


Transport = Callable[[str, bytes, Mapping[str, str]], Answer]
Sign = Callable[[], Mapping[str, str]]


def over_http(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Post to the product: three seconds, no redirects, no proxy. Raises OSError when it is not there."""
    with requests.Session() as http:
        http.trust_env = False
        reply = http.post(url, data=body, headers=dict(headers), timeout=TIMEOUT, allow_redirects=False)
        return Answer(reply.status_code, reply.text[:100_000])


@dataclass(slots=True)
class Call:
    """One callback to be made until it is heard or its tries are spent."""

    path: str  # with its query
    body: bytes
    sign: Sign
    repeats_failures: bool  # e-mail events are repeated until a 2xx; SMS callbacks only until heard
    on_answer: Callable[[Answer], None] | None = None
    on_silence: Callable[[], None] | None = None  # when nobody heard it, and its tries are spent
    most_tries: int | None = None
    tries: int = 0
    answered: int | None = None

    def hears(self, answer: Answer) -> None:
        """Take the product's answer."""
        self.answered = answer.status
        if self.on_answer:
            self.on_answer(answer)

    def described(self) -> dict[str, Any]:
        """For the control interface: where to, how often, with what success."""
        return {"path": self.path, "tries": self.tries, "answered": self.answered}


@dataclass(frozen=True, slots=True)
class Held:
    """A callback that waits until a test wants it."""

    call: Call
    url: str
    headers: Mapping[str, str]

    def deliver(self, transport: Transport) -> Answer:
        """Post it now, by this transport; the answer, which its call has heard too."""
        answer = transport(self.url, self.call.body, self.headers)
        self.call.hears(answer)
        return answer


class Caller:
    """Makes the callbacks of a sandbox, lane by lane, and remembers the last thousand."""

    def __init__(
        self, config: SandboxConfig, key: EllipticCurvePrivateKey, scheduler: Scheduler, lanes: Lanes
    ) -> None:
        self._config = config
        self._key = key
        self._scheduler = scheduler
        self._lanes = lanes
        self._validator = RequestValidator(SANDBOX_AUTH_TOKEN)
        self.transport: Transport = over_http
        self.held: queue.SimpleQueue[Held] | None = None  # where callbacks wait instead of being posted
        self.made: deque[Call] = deque(maxlen=1000)

    @property
    def signed_url(self) -> str:
        """The product's address as it stands in signatures."""
        return self._config.signed_url

    def may_call(self, url: str) -> bool:
        """Whether an address is the product's own: nothing else is ever called."""
        own, other = urlsplit(self._config.signed_url), urlsplit(url)
        return (own.scheme, own.netloc) == (other.scheme, other.netloc)

    def form(self, url: str, fields: Mapping[str, str]) -> Call:
        """A callback in Twilio's manner: a form, signed over address and fields (X-Twilio-Signature)."""
        signature: str = self._validator.compute_signature(url, dict(fields))
        headers = {"Content-Type": FORM_TYPE, "X-Twilio-Signature": signature}
        path = urlunsplit(("", "", *urlsplit(url)[2:4], ""))
        body = urlencode(fields).encode()
        return Call(path, body, lambda: headers, repeats_failures=False)

    def events(self, events: list[dict[str, Any]]) -> Call:
        """A callback in SendGrid's manner: a JSON array, signed over the time of the try and the body."""
        body = json.dumps(events, ensure_ascii=False).encode()

        def sign() -> Mapping[str, str]:
            timestamp = str(int(time.time()))
            return {
                "Content-Type": "application/json;charset=utf-8",
                "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
                "X-Twilio-Email-Event-Webhook-Signature": sign_events(
                    self._key, timestamp=timestamp, body=body
                ),
            }

        return Call(EVENTS_PATH, body, sign, repeats_failures=True)

    def receipt(self, told: dict[str, Any]) -> Call:
        """A receipt of the gateway: JSON, signed as Standard Webhooks are, anew at each try."""
        body = json.dumps(told, ensure_ascii=False)
        name, signer = f"msg_{secrets.token_urlsafe(16)}", Webhook(SANDBOX_GATEWAY_SECRET)

        def sign() -> Mapping[str, str]:
            at = datetime.now(UTC)
            return {
                "Content-Type": "application/json",
                "webhook-id": name,
                "webhook-timestamp": str(int(at.timestamp())),
                "webhook-signature": signer.sign(name, at, body),
            }

        return Call(GATEWAY_PATH, body.encode(), sign, repeats_failures=True)

    def inbound(self, fields: Mapping[str, str], lane: str, on_answer: Callable[[Answer], None]) -> None:
        """Tell the product of a reply from a phone; returns when it answered, or after three seconds."""
        call = self.form(self._config.signed_url + INBOUND_PATH, fields)
        heard = threading.Event()

        def tell(answer: Answer) -> None:
            on_answer(answer)
            heard.set()

        call.on_answer = tell
        self.post(call, lane, Behaviour())
        if self.held is None:
            heard.wait(TIMEOUT)

    def post(self, call: Call, lane: str, behaviour: Behaviour) -> None:
        """Make a callback as the behaviour says: in copies, late, or not at all."""
        if behaviour.mode == "never":
            return
        for _ in range(behaviour.copies):
            copy = replace(call)
            self.made.append(copy)
            post = partial(self._lanes.post, lane, partial(self._try, copy))
            if behaviour.delay:
                self._scheduler.after(behaviour.delay, post)
            else:
                post()

    def _try(self, call: Call) -> float | None:
        """One try. Gives the seconds until the next when it was not heard and tries are left."""
        call.tries += 1
        url, headers = self._config.callback_url.rstrip("/") + call.path, call.sign()
        if self.held is not None:
            self.held.put(Held(call, url, headers))
            return None
        try:
            answer = self.transport(url, call.body, headers)
        except OSError:
            answer = None
        if answer:
            call.hears(answer)
        heard = answer is not None and (not call.repeats_failures or answer.status < 300)
        if heard:
            return None
        if call.tries >= (call.most_tries or self._config.callback_tries):
            if call.on_silence:
                call.on_silence()
            return None
        return min(0.25 * 2.0 ** (call.tries - 1), LONGEST_BACK_OFF)
