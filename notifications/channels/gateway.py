"""A generic SMS gateway over HTTP, the second way for texts: its contract is docs/operations/gateway.md.

It gets the attempt's id as the id of the message, so that it can be asked by an id that we know even if
its answer never reached us, and a request that comes twice is one message. Its callbacks are signed as
Standard Webhooks say.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, cast
from urllib.parse import quote
from uuid import uuid4

import requests
from standardwebhooks.webhooks import Webhook
from werkzeug.datastructures import Headers

from foundation.settings import Settings
from notifications.channels import Accepted, Answer, CannotAsk, Refusal, Told, Unsure, deadline, to_nobody
from notifications.channels.one_by_one import OneByOne

STATUS_PATH = "/callbacks/gateway/status"
INBOUND_PATH = "/callbacks/gateway/inbound"
ASKING = 8.0  # seconds for a question, about all attempts together
LONGEST_ID = 120
MOST_SIGNATURES = 5
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
NOT_OURS = (401, 402, 403)  # of our account: a wrong or revoked token, an empty balance, a suspension
NOT_THIS = (400, 413, 422)  # of this message, for good
OPTED_OUT = "opted-out"


class Gateway(OneByOne):
    """Sends and asks through the gateway in the settings."""

    name = "gateway"

    def __init__(self, settings: Settings) -> None:
        self.base, self.token = settings.sms_gateway_url, settings.sms_gateway_token
        self.secret = settings.sms_gateway_secret

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
        told = {"to": recipient, "text": content["text"], "id": attempt_id}
        call = partial(_hand_over, partial(self._call, "POST", "messages", limit, told))
        return deadline.answer(limit, call, provider="The gateway", late=late)

    def find(self, *, recipient: str, attempt_ids: list[str], reference: str, since: datetime) -> str | None:
        """Ask for each of our attempts by the id that the gateway got with it."""
        return deadline.ask(ASKING, partial(self._search, attempt_ids))

    def _search(self, attempt_ids: list[str]) -> str | None:
        for attempt_id in attempt_ids:
            if found := self._ask(attempt_id):
                return _id(found) or attempt_id
        return None

    def told(self, *, attempt_id: str, provider_id: str) -> Told | None:
        """Ask for one SMS by the gateway's id; see `channels.Provider.told`."""
        return deadline.ask(ASKING, partial(self._status, provider_id))

    def check(self, limit: float) -> str | None:
        """What is wrong with the account, in words, or None; asked within `limit` seconds, sends nothing.

        Asked for a message that cannot be there: whoever may ask is told so.
        """
        try:
            deadline.ask(limit, partial(self._ask, f"check-{uuid4()}"))
        except CannotAsk as trouble:
            return f"The gateway does not answer for this account ({trouble})"
        return None

    def _status(self, provider_id: str) -> Told | None:
        found = self._ask(provider_id)
        return Told(str(found.get("status")), str(found.get("code") or "") or None) if found else None

    def _ask(self, message_id: str) -> dict[str, Any] | None:
        """What the gateway says of one message; None when it has none of that id. Raises: CannotAsk."""
        try:
            answer = self._call("GET", f"messages/{quote(message_id, safe='')}", ASKING)
            if answer.status_code == 404:
                return None
            found = answer.json() if answer.status_code == 200 else None
        except (requests.exceptions.RequestException, ValueError) as trouble:
            raise CannotAsk(type(trouble).__name__) from trouble
        if not isinstance(found, dict) or not found.get("status"):
            raise CannotAsk(f"the gateway answered {answer.status_code}")
        return found

    def _call(self, method: str, path: str, limit: float, told: Any = None) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False  # no .netrc may stand in for our token
            session.headers["Authorization"] = f"Bearer {self.token}"
            wait = (min(deadline.CONNECT, limit / 2), limit * deadline.LINGER)  # to connect, for each read
            return session.request(
                method, f"{self.base}/{path}", json=told, timeout=wait, allow_redirects=False
            )

    def is_genuine(self, body: bytes, headers: Headers) -> bool:
        """Whether the gateway signed exactly this body within the last five minutes."""
        told = {name: headers.getlist(name) for name in HEADERS}
        if any(len(each) != 1 for each in told.values()):
            return False
        plain = {name: each[0] for name, each in told.items()}
        identity, signatures = plain["webhook-id"], plain["webhook-signature"].split(" ")
        if "." in identity or not plain["webhook-timestamp"].isdigit() or len(signatures) > MOST_SIGNATURES:
            return False  # an id with a dot in it could be shifted into the timestamp
        try:
            Webhook(self.secret).verify(body, plain, json_parse=False)
        except Exception:  # noqa: BLE001  hostile headers raise whatever they break
            return False
        return True


def _hand_over(post: Callable[[], requests.Response]) -> Answer:
    try:
        answer = post()
    except requests.exceptions.RequestException as trouble:
        return deadline.broken(trouble, provider="The gateway")
    if answer.status_code != 202:
        return _refused(answer)
    found = _id(_document(answer))
    return Accepted(found) if found else Unsure("The gateway's answer named no message")


def _refused(answer: requests.Response) -> Answer:
    status = answer.status_code
    if status in NOT_OURS:
        return Refusal(f"The gateway refused our account ({status})", code=str(status), account=True)
    if status in NOT_THIS:
        says = str(_document(answer).get("code") or status)[:40]
        code = OPTED_OUT if says == OPTED_OUT else "400"
        return Refusal(f"The gateway refused (code {says})", code=code)
    if status == 429:
        return Refusal("The gateway asks to wait", code="429", retry_after=_seconds(answer))
    if 300 <= status < 400:
        return Refusal("The gateway's address redirects", code="429")
    if status == 404:
        return Refusal("The gateway's address is none of a gateway (404)")
    return Unsure(f"The gateway failed ({status})")


def _document(answer: requests.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return cast(dict[str, Any], found) if isinstance(found, dict) else {}


def _id(found: dict[str, Any]) -> str | None:
    """The gateway's id of a message, or None for what cannot be one."""
    told = found.get("id")
    plain = isinstance(told, str) and 0 < len(told) <= LONGEST_ID and told.isprintable() and told.isascii()
    return cast(str, told) if plain else None


def _seconds(answer: requests.Response) -> float | None:
    try:
        return float(answer.headers["Retry-After"])
    except KeyError:
        return None
    except ValueError:
        return 60.0  # an HTTP date: rare, and our own back-off goes on from there
