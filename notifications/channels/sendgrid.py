"""SendGrid: e-mail out, its signed events in.

202 means queued, no more. The attempt's id travels as a custom argument of the personalization and
comes back in every event; nothing personal goes there, since SendGrid keeps custom arguments openly.
"""

import json
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import HTTPException
from typing import Any

from python_http_client.client import Client
from python_http_client.exceptions import HTTPError
from sendgrid.helpers.eventwebhook import EventWebhook
from sendgrid.helpers.mail.attachment import Attachment
from sendgrid.helpers.mail.click_tracking import ClickTracking
from sendgrid.helpers.mail.content import Content
from sendgrid.helpers.mail.custom_arg import CustomArg
from sendgrid.helpers.mail.email import Email
from sendgrid.helpers.mail.header import Header
from sendgrid.helpers.mail.mail import Mail
from sendgrid.helpers.mail.open_tracking import OpenTracking
from sendgrid.helpers.mail.personalization import Personalization
from sendgrid.helpers.mail.reply_to import ReplyTo
from sendgrid.helpers.mail.to_email import To
from sendgrid.helpers.mail.tracking_settings import TrackingSettings
from sendgrid.sendgrid import SendGridAPIClient

from foundation.settings import Settings
from notifications.channels import Accepted, Answer, CannotAsk, Refusal, Told, Unsure, deadline, to_nobody
from notifications.rules.retry import ACCOUNT

EVENTS_PATH = "/callbacks/sendgrid/events"
OLDEST_EVENT = timedelta(minutes=10)
SERVER_ERROR = 500
ACCEPTED = 202
ASKING = 8.0  # seconds for a question, about all attempts together
NOT_DELIVERED = ("bounce", "blocked", "dropped", "deferred")
NOT_UNDERSTOOD = (HTTPError, HTTPException, OSError, ValueError, AttributeError)
NEVER_CONNECTED = (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError)


class _StayHere(urllib.request.HTTPRedirectHandler):
    """Follows nothing: a redirected message, with our key in its head, would go to a stranger."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


class _Http(Client):
    """The SDK's client, without redirects."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]

    def _build_client(self, name: str | None = None) -> "_Http":
        return _Http(
            host=self.host, version=self._version, request_headers=self.request_headers,
            url_path=[*self._url_path, name] if name else self._url_path,
            append_slash=self.append_slash, timeout=self.timeout,
        )  # fmt: skip

    def _make_request(self, _opener: object, request: Any, timeout: float | None = None) -> Any:
        opener = urllib.request.build_opener(_StayHere)
        return super()._make_request(opener, request, timeout)  # type: ignore[no-untyped-call]


class SendGrid:
    """Sends and asks through the account in the settings."""

    name = "sendgrid"

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def _client(self, limit: float) -> _Http:
        api = SendGridAPIClient(self.settings.sendgrid_api_key, host=self.settings.sendgrid_api_base)
        return _Http(
            host=api.host,
            request_headers=api._default_headers,  # noqa: SLF001  the SDK offers no other
            version=3,
            timeout=limit * deadline.LINGER,  # of each read
        )

    def _mail(
        self, recipient: str, content: dict[str, str], attempt_id: str, reference: str
    ) -> dict[str, Any]:
        person = Personalization()
        person.add_to(To(recipient))
        person.add_custom_arg(CustomArg("a", attempt_id))
        person.add_header(Header("X-Breachclock-Reference", reference))
        sender = Email(self.settings.mail_from, content.get("sender", "Breachclock"))
        mail = Mail(from_email=sender, subject=content["subject"])
        mail.add_content(Content("text/plain", content["text"]))
        if content.get("html"):
            mail.add_content(Content("text/html", content["html"]))
        if content.get("reply_to"):
            mail.reply_to = ReplyTo(content["reply_to"])
        if content.get("attachment"):
            name, kind = content["attachment_name"], content["attachment_type"]
            mail.add_attachment(Attachment(content["attachment"], name, kind, "attachment"))
        mail.add_personalization(person)
        tracking = TrackingSettings()
        tracking.click_tracking = ClickTracking(enable=False, enable_text=False)
        tracking.open_tracking = OpenTracking(enable=False)
        mail.tracking_settings = tracking
        document: dict[str, Any] = mail.get()
        return document

    def send(
        self,
        *,
        recipient: str,
        content: dict[str, str],
        attempt_id: str,
        reference: str,
        limit: float,
        urgent: bool,
        late: Callable[[Answer], object] = to_nobody,
    ) -> Answer:
        """Hand over one e-mail, its recipient alone in it; see `channels.Provider.send`."""
        document = self._mail(recipient, content, attempt_id, reference)
        post = partial(self._client(limit).mail.send.post, request_body=document)
        return deadline.answer(limit, partial(_hand_over, post), provider="SendGrid", late=late)

    def find(self, *, recipient: str, attempt_ids: list[str], reference: str, since: datetime) -> str | None:
        """Ask the Email Activity API for any of our attempts; an account without it cannot be asked."""
        return deadline.ask(ASKING, partial(self._search, attempt_ids))

    def _search(self, attempt_ids: list[str]) -> str | None:
        for attempt_id in attempt_ids:
            if found := self._activity(attempt_id):
                return str(found["msg_id"])
        return None

    def told(self, *, attempt_id: str, provider_id: str) -> Told | None:
        """Ask the Email Activity API what became of an attempt; see `channels.Provider.told`."""
        return deadline.ask(ASKING, partial(self._status, attempt_id))

    def check(self, limit: float) -> str | None:
        """What is wrong with the key, in words, or None; asked within `limit` seconds, sends nothing."""
        try:
            told = deadline.ask(limit, partial(self._read, self._client(limit).scopes))
        except CannotAsk as trouble:
            return f"SendGrid does not answer for this key ({trouble})"
        return None if "mail.send" in told.get("scopes", []) else "The key at SendGrid may not send"

    def _status(self, attempt_id: str) -> Told | None:
        found = self._activity(attempt_id)
        if found is None:
            return None
        if found.get("status") != "not_delivered":
            return Told(str(found.get("status")))
        part = self._client(ASKING).messages._  # apart from its call, or its name is taken for gettext's
        events = self._read(part(found["msg_id"])).get("events", [])
        names = [_event(each) for each in events if isinstance(each, dict)]
        return Told(next((name for name in reversed(names) if name in NOT_DELIVERED), "deferred"))

    def _activity(self, attempt_id: str) -> dict[str, Any] | None:
        query = {"query": f"(unique_args['a']=\"{attempt_id}\")", "limit": 10}
        found = self._read(self._client(ASKING).messages, query).get("messages", [])
        return found[0] if found else None

    def _read(self, place: Any, query: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            document = json.loads(place.get(query_params=query).body or b"{}")
        except NOT_UNDERSTOOD as trouble:
            raise CannotAsk(type(trouble).__name__) from trouble
        return document if isinstance(document, dict) else {}

    def is_genuine(self, body: bytes, signature: str | None, timestamp: str | None, now: datetime) -> bool:
        """Whether SendGrid signed these events (ECDSA over timestamp and body), and lately."""
        key = self.settings.sendgrid_event_public_key
        if not (key and signature and timestamp and timestamp.isascii() and timestamp.isdigit()):
            return False
        if abs(int(timestamp[:20]) - now.timestamp()) > OLDEST_EVENT.total_seconds():
            return False
        checker = EventWebhook()
        try:
            return bool(
                checker.verify_signature(
                    body.decode(), signature, timestamp, checker.convert_public_key_to_ecdsa(key)
                )
            )
        except Exception:  # noqa: BLE001  the library lets malformed base64 and keys through as errors
            return False


def _event(event: dict[str, Any]) -> str:
    """An event of the activity in the words of the event webhook."""
    if event.get("event_name") in ("bounced", "bounce"):
        return "blocked" if event.get("bounce_type") == "blocked" else "bounce"
    return str(event.get("event_name"))


def _hand_over(post: Callable[[], Any]) -> Answer:
    try:
        answer = post()
    except HTTPError as refusal:
        return _refused(refusal)
    except urllib.error.URLError as trouble:
        if isinstance(trouble.reason, NEVER_CONNECTED):
            return Refusal(f"SendGrid could not be reached ({type(trouble.reason).__name__})")
        return Unsure(f"SendGrid did not answer for sure ({type(trouble.reason).__name__})")
    except (OSError, ValueError, HTTPException) as trouble:
        return Unsure(f"SendGrid did not answer for sure ({type(trouble).__name__})")
    provider_id = answer.headers.get("X-Message-Id")
    if answer.status_code != ACCEPTED or not provider_id:
        return Unsure(f"SendGrid's answer was not the expected one ({answer.status_code})")
    return Accepted(provider_id)


def _refused(refusal: HTTPError) -> Answer:
    status = int(refusal.status_code)
    if status >= SERVER_ERROR:
        return Unsure(f"SendGrid failed ({status})")
    if 300 <= status < 400:
        return Refusal("SendGrid's address redirects", code="429")
    wait = _wait(refusal) if status == 429 else None
    return Refusal(
        f"SendGrid refused ({status})", code=str(status), account=str(status) in ACCOUNT, retry_after=wait
    )


def _wait(refusal: HTTPError) -> float | None:
    headers = refusal.headers or {}
    try:
        if "Retry-After" in headers:
            return float(headers["Retry-After"])
        if "X-RateLimit-Reset" in headers:
            return float(headers["X-RateLimit-Reset"]) - datetime.now(UTC).timestamp()
    except ValueError:
        return 60.0
    return None
