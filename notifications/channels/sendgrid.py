"""SendGrid: e-mail out, its signed events in.

202 means queued, no more. The attempt's id travels as a custom argument of the personalization and
comes back in every event; nothing personal goes there, since SendGrid keeps custom arguments openly.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from http.client import HTTPException
from typing import Any

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
from notifications.channels import Answer, CannotAsk, Many, Told, deadline, to_nobody
from notifications.channels import To as Person
from notifications.channels.sendgrid_calls import Http, Kept, answer_of
from notifications.channels.sendgrid_groups import Group
from notifications.rules import grouping

EVENTS_PATH = "/callbacks/sendgrid/events"
OLDEST_EVENT = timedelta(minutes=10)
ASKING = 8.0  # seconds for a question, about all attempts together
NOT_DELIVERED = ("bounce", "blocked", "dropped", "deferred")
NOT_UNDERSTOOD = (HTTPError, HTTPException, OSError, ValueError, AttributeError)


class SendGrid:
    """Sends and asks through the account in the settings."""

    name = "sendgrid"
    most = grouping.limit(name, "people")

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.kept = Kept(settings.sendgrid_api_base)

    def _client(self, limit: float, kept: Kept | None = None) -> Http:
        api = SendGridAPIClient(self.settings.sendgrid_api_key, host=self.settings.sendgrid_api_base)
        return Http(
            host=api.host,
            request_headers=api._default_headers,  # noqa: SLF001  the SDK offers no other
            version=3,
            timeout=limit * deadline.LINGER,  # of each read
            kept=kept,
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
        return deadline.answer(limit, partial(answer_of, post), provider="SendGrid", late=late)

    def send_many(
        self,
        people: Sequence[Person],
        *,
        content: Mapping[str, str],
        attempt_id: str,
        reference: str,
        limit: float,
        late: Callable[[Many], object] = to_nobody,
    ) -> Many:
        """Hand over up to a thousand e-mails in one request; see `channels.Provider.send_many`.

        Whom SendGrid names as the reason why it refuses all is left out, and the others go again: of a
        refused request it has nothing.
        """
        group = Group(content, attempt_id, reference, sender=self.settings.mail_from)
        return group.send(people, self._client(limit, self.kept), limit=limit, late=late)

    def find(self, *, recipient: str, attempt_ids: list[str], reference: str, since: datetime) -> str | None:
        """Ask the Email Activity API for any of our attempts; an account without it cannot be asked."""
        return deadline.ask(ASKING, partial(self._search, attempt_ids))

    def _search(self, attempt_ids: list[str]) -> str | None:
        for attempt_id in attempt_ids:
            if found := self._activity(attempt_id):
                return str(found[0]["msg_id"])
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
        several = self._activity(attempt_id)
        if not several:
            return None
        if len(several) > 1:
            raise CannotAsk("a group has as many fates as people")
        found = several[0]
        if found.get("status") != "not_delivered":
            return Told(str(found.get("status")))
        part = self._client(ASKING).messages._  # apart from its call, or its name is taken for gettext's
        events = self._read(part(found["msg_id"])).get("events", [])
        names = [_event(each) for each in events if isinstance(each, dict)]
        return Told(next((name for name in reversed(names) if name in NOT_DELIVERED), "deferred"))

    def _activity(self, attempt_id: str) -> list[dict[str, Any]]:
        query = {"query": f"(unique_args['a']=\"{attempt_id}\")", "limit": 10}
        found = self._read(self._client(ASKING).messages, query).get("messages", [])
        return found if isinstance(found, list) else []

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
