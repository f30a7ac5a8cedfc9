"""Twilio: SMS out, its signed callbacks in.

Twilio takes no idempotency key, so the attempt's id travels in the address of the status callback: the
signature covers it, and a callback proves that Twilio has the message even if we died before its
answer reached us.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit, urlunsplit

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.twiml.messaging_response import MessagingResponse

from foundation.settings import Settings
from notifications.channels import Accepted, Answer, CannotAsk, Refusal, To, Told, Unsure, deadline, to_nobody
from notifications.channels.one_by_one import OneByOne
from notifications.rules.retry import ACCOUNT, PERMANENT

STATUS_PATH = "/callbacks/twilio/status"
INBOUND_PATH = "/callbacks/twilio/inbound"
PAGE_VALID = 300  # seconds: a page that could not be delivered by then is overtaken by the next
NOTICE_VALID = 4 * 3600
LOOK_BACK = timedelta(minutes=5)
SERVER_ERROR = 500
TOO_MANY = 429
NOT_FOUND = 404
ASKING = 8.0  # seconds for a question, all of its pages together
Kept = TypeVar("Kept")  # a message or a call, as the SDK has it
NOT_UNDERSTOOD = (TwilioException, requests.exceptions.RequestException, ValueError, KeyError, TypeError)


class Http(TwilioHttpClient):
    """The SDK's client with an end to every call, no retries of its own, and our base address."""

    def __init__(self, base: str, limit: float) -> None:
        super().__init__(max_retries=0)
        self.timeout: Any = (min(deadline.CONNECT, limit / 2), limit * deadline.LINGER)  # connect, each read
        self.base = urlsplit(base)
        self.retry_after: float | None = None

    def request(  # type: ignore[override]  # the SDK itself names it uri above and url below
        self, method: str, url: str, *args: Any, **kwargs: Any
    ) -> Response:
        """Ask at our own base address, and follow no redirect with our credentials."""
        parts = urlsplit(url)._replace(scheme=self.base.scheme, netloc=self.base.netloc)
        kwargs["allow_redirects"] = False
        answer = super().request(method, urlunsplit(parts), *args, **kwargs)
        self.retry_after = _seconds((answer.headers or {}).get("Retry-After"))
        return answer


def _seconds(header: str | None) -> float | None:
    try:
        return float(header) if header else None
    except ValueError:
        return 60.0  # an HTTP date: rare, and our own back-off goes on from there


def connected(settings: Settings, limit: float) -> tuple[Client, Http]:
    """The SDK's client for the account in the settings, and what it calls by."""
    http = Http(settings.twilio_api_base, limit)
    return Client(settings.twilio_account_sid, settings.twilio_auth_token, http_client=http), http


def fetched(fetch: Callable[[], Kept]) -> Kept | None:
    """What Twilio has under an id; None when it has nothing under it. Raises: CannotAsk."""
    try:
        return fetch()
    except TwilioRestException as refusal:
        if refusal.status == NOT_FOUND:
            return None
        raise CannotAsk(f"TwilioRestException {refusal.status}") from refusal
    except NOT_UNDERSTOOD as trouble:
        raise CannotAsk(type(trouble).__name__) from trouble


class Twilio(OneByOne):
    """Sends and asks through the account in the settings."""

    name = "twilio"

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.validator = RequestValidator(settings.twilio_auth_token)

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
        """Hand over one SMS; see `channels.Provider.send`."""
        valid = PAGE_VALID if urgent else NOTICE_VALID
        return self._hand_over(recipient, content, f"?a={attempt_id}", valid=valid, limit=limit, late=late)

    def _hand_over(
        self, recipient: str, content: dict[str, str], query: str, *, valid: int, limit: float,
        late: Callable[[Answer], object],
    ) -> Answer:  # fmt: skip
        client, http = connected(self.settings, limit)
        create = partial(
            client.messages.create,
            to=recipient,
            from_=self.settings.twilio_from,
            body=content["text"],
            status_callback=f"{self.settings.public_url}{STATUS_PATH}{query}",
            validity_period=valid,
        )
        return deadline.answer(limit, partial(hand_over, create, http), provider="Twilio", late=late)

    def hand_over_one(
        self,
        person: To,
        content: dict[str, str],
        *,
        attempt_id: str,
        reference: str,
        limit: float,
        late: Callable[[Answer], object],
    ) -> Answer:
        """Hand over one of many; see `one_by_one.OneByOne`."""
        query = f"?a={attempt_id}&n={person.place}"
        return self._hand_over(person.address, content, query, valid=NOTICE_VALID, limit=limit, late=late)

    def find(self, *, recipient: str, attempt_ids: list[str], reference: str, since: datetime) -> str | None:
        """Look for our reference in what Twilio has for this number since the attempt.

        Filtered by number alone: the day filter works on a date that is empty until it is sent.
        """
        return deadline.ask(ASKING, partial(self._search, recipient, reference, since - LOOK_BACK))

    def _search(self, recipient: str, reference: str, oldest: datetime) -> str | None:
        client, _http = connected(self.settings, ASKING)
        try:
            for message in client.messages.stream(to=recipient, page_size=50, limit=500):
                created = message.date_created
                if created and created.replace(tzinfo=created.tzinfo or UTC) < oldest:
                    return None
                if re.search(rf"(?<![\w-]){re.escape(reference)}(?![\w-])", message.body or ""):
                    return str(message.sid)
        except NOT_UNDERSTOOD as trouble:
            raise CannotAsk(type(trouble).__name__) from trouble
        return None

    def told(self, *, attempt_id: str, provider_id: str) -> Told | None:
        """Fetch one SMS by its id; see `channels.Provider.told`."""
        return deadline.ask(ASKING, partial(self._fetch, provider_id))

    def check(self, limit: float) -> str | None:
        """What is wrong with the account, in words, or None; asked within `limit` seconds, sends nothing."""
        try:
            status = deadline.within(limit, partial(self._account, limit))
        except (deadline.TimeIsUp, deadline.NotBegun, *NOT_UNDERSTOOD) as trouble:
            known = trouble.status if isinstance(trouble, TwilioRestException) else type(trouble).__name__
            return f"Twilio does not answer for this account ({known})"
        return None if status == "active" else f"The account at Twilio is {status}"

    def _account(self, limit: float) -> str:
        client, _http = connected(self.settings, limit)
        return str(client.api.accounts(self.settings.twilio_account_sid).fetch().status)

    def _fetch(self, sid: str) -> Told | None:
        client, _http = connected(self.settings, ASKING)
        found = fetched(client.messages(sid).fetch)
        if found is None:
            return None
        return Told(str(found.status), str(found.error_code) if found.error_code else None)

    def is_genuine(self, path_and_query: str, form: dict[str, str], signature: str | None) -> bool:
        """Whether Twilio signed this callback for our public address (HMAC-SHA1, its webhook guide)."""
        if not signature:
            return False
        return bool(self.validator.validate(self.settings.public_url + path_and_query, form, signature))


def spoken(text: str | None) -> str:
    """TwiML that answers a text message, or answers nothing."""
    document = MessagingResponse()
    if text:
        document.message(text)
    return str(document)


class Made(Protocol):
    """What Twilio answers when it has made a message or a call."""

    sid: str | None


def hand_over(create: Callable[[], Made], http: Http, prefix: str = "SM") -> Answer:
    """What Twilio answered to making a message, or what else begins with this prefix."""
    try:
        taken = create()
    except TwilioRestException as refusal:
        return _refused(refusal, http.retry_after)
    except requests.exceptions.RequestException as trouble:
        return deadline.broken(trouble, provider="Twilio")
    except (TwilioException, ValueError, KeyError, TypeError) as trouble:
        return Unsure(f"Twilio's answer could not be read ({type(trouble).__name__})")
    if not taken.sid or not taken.sid.startswith(prefix):
        return Unsure("Twilio's answer named nothing that it made")
    return Accepted(taken.sid)


def _refused(refusal: TwilioRestException, retry_after: float | None) -> Answer:
    code = str(refusal.code or refusal.status)
    if refusal.status >= SERVER_ERROR:
        return Unsure(f"Twilio failed ({refusal.status})")
    if 300 <= refusal.status < 400:
        return Refusal(f"Twilio's address redirects ({refusal.status})", code=str(TOO_MANY))
    if refusal.status == TOO_MANY:
        return Refusal("Twilio asks to wait", code=str(TOO_MANY), retry_after=retry_after)
    account = code in ACCOUNT or (refusal.status in (401, 403) and code not in PERMANENT)
    return Refusal(f"Twilio refused (code {code})", code=code, account=account)
