"""Chat and push services, through Apprise: ntfy, Slack, Teams, Matrix and what else data/chat.toml lets in.

Apprise says yes or no, and its plugins call by `requests`. Here they get another `requests`: one that keeps
what was answered, so that we can tell "no" from "nobody knows", and that goes nowhere it may not: no
redirect, no clear text, no address inside the house, looked at when the connection is made and not before.

These services send no receipts: accepted is all that is ever known.
"""

import importlib
import logging
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NewConnectionError

from foundation.settings import Settings
from notifications.channels import Accepted, Answer, CannotAsk, Refusal, Told, Unsure, deadline, to_nobody
from notifications.channels.one_by_one import OneByOne
from notifications.rules import chat as rules
from notifications.rules.chat import Service

TITLE = "Breachclock"
NAMED = "The chat service"
SERVER_ERROR, TOO_MANY, REDIRECTS = 500, 429, 300
LARGEST = 1_000_000  # bytes of an answer; more is no answer to us
WAITING = frozenset({408, 425, TOO_MANY})  # statuses that ask to come again
WITHHELD = frozenset({"Session", "session", "sessions", "adapters", "api"})  # ways around what is kept here


class NotSuch(ValueError):
    """An address that is none of ours: of no service that is let in, or not readable by it."""


class _MayNot(requests.exceptions.InvalidURL):
    """A call to a place that no message may go to."""


@dataclass(slots=True)
class _Call:
    """One message's calls: what may be reached, how long each may take, and what was answered last."""

    rehearsal: bool
    limit: float
    asked: int = 0
    barred: bool = False  # it was about to go where it may not
    status: int = 0
    retry_after: float | None = None
    trouble: Exception | None = None


_under: ContextVar[_Call | None] = ContextVar("the message that is being sent", default=None)


# --- what plugins call by --------------------------------------------------------------------------


def _connected(connection: HTTPConnection, connect: Callable[[], socket.socket]) -> socket.socket:
    """A connection to the very address that was looked at, not to what the name says a moment later."""
    call, host = _under.get(), connection._dns_host  # noqa: SLF001  urllib3 offers no other place
    try:
        found = socket.getaddrinfo(host, connection.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as trouble:
        raise NewConnectionError(connection, f"{type(trouble).__name__}") from trouble
    places = list(dict.fromkeys(str(each[4][0]) for each in found))
    if call is None or not all(rules.may_call(each, rehearsal=call.rehearsal) for each in places):
        raise _barred(call)
    try:
        for place in places[:-1]:
            connection._dns_host = place  # noqa: SLF001
            with suppress(HTTPError):
                return connect()
        connection._dns_host = places[-1]  # noqa: SLF001
        return connect()
    finally:
        connection._dns_host = host  # noqa: SLF001  by it the certificate is checked


def _barred(call: _Call | None) -> _MayNot:
    if call:
        call.barred = True  # the libraries wrap what is raised
    return _MayNot()


class _Plain(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connected(self, super()._new_conn)


class _Secure(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connected(self, super()._new_conn)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


class _Adapter(HTTPAdapter):
    """Connects by the classes above, and by no proxy."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}


class Guarded:
    """What a plugin takes for `requests`."""

    def __getattr__(self, name: str) -> Any:
        """Names of errors and codes are those of `requests`; ways around this one are not there."""
        if name in WITHHELD:
            raise AttributeError(name)
        return getattr(requests, name)

    def get(self, url: str, **kwargs: Any) -> requests.Response:
        """As `requests.get`."""
        return self.request("GET", url, **kwargs)

    def post(self, url: str, **kwargs: Any) -> requests.Response:
        """As `requests.post`."""
        return self.request("POST", url, **kwargs)

    def put(self, url: str, **kwargs: Any) -> requests.Response:
        """As `requests.put`."""
        return self.request("PUT", url, **kwargs)

    def delete(self, url: str, **kwargs: Any) -> requests.Response:
        """As `requests.delete`."""
        return self.request("DELETE", url, **kwargs)

    def request(self, method: str, url: str, **kwargs: Any) -> requests.Response:
        """As `requests.request`, with our limits whatever the plugin says of its own."""
        call = _under.get()
        if call is None:
            raise _MayNot
        call.asked += 1
        call.status, call.trouble = 0, None
        try:
            if not call.rehearsal and not url.lower().startswith("https://"):
                raise _barred(call)
            answer = _ask(method, url, call.limit, kwargs)
        except (OSError, requests.exceptions.RequestException) as trouble:
            call.trouble = trouble
            raise
        call.status, call.retry_after = answer.status_code, _seconds(answer.headers.get("Retry-After"))
        return answer


def _ask(method: str, url: str, limit: float, options: dict[str, Any]) -> requests.Response:
    own = {
        "timeout": (min(deadline.CONNECT, limit / 2), limit * deadline.LINGER),  # connect, each read
        "allow_redirects": False, "verify": True, "stream": True, "proxies": {},
    }  # fmt: skip
    with requests.Session() as session:
        session.trust_env = False  # no proxy, and no passwords of this machine's user
        session.mount("http://", _Adapter())
        session.mount("https://", _Adapter())
        answer = session.request(method, url, **options | own)
        answer._content = _whole(answer)  # noqa: SLF001  read here, so that it has an end
        return answer


def _whole(answer: requests.Response) -> bytes:
    read = b""
    for piece in answer.iter_content(16_384):
        read += piece
        if len(read) > LARGEST:
            raise requests.exceptions.ContentDecodingError("The answer does not end.")
    return read


def _seconds(header: str | None) -> float | None:
    try:
        return float(header) if header else None
    except ValueError:
        return 60.0  # an HTTP date: rare, and our own back-off goes on from there


guarded = Guarded()

# --- addresses -------------------------------------------------------------------------------------


def service_of(address: str, *, rehearsal: bool) -> Service:
    """The service of an address that can be sent to. Raises: NotSuch, saying what is wrong with it."""
    return _read(address, rehearsal=rehearsal)[0]


def _read(address: str, *, rehearsal: bool) -> tuple[Service, Any]:
    """The service of an address and the plugin that speaks to it. Raises: NotSuch."""
    if len(address) > rules.LONGEST:
        raise NotSuch(f"It is longer than {rules.LONGEST} characters.")
    service = rules.service_of(address, rehearsal=rehearsal)
    if service is None:
        raise NotSuch("No chat service that is let in begins so.")
    cls = _class_of(service)
    native = address.lower().startswith("https://")
    return service, _plugin(service, cls, (cls.parse_native_url if native else cls.parse_url)(address))


def _class_of(service: Service) -> Any:
    """The class of Apprise for a service, with our `requests` in its module."""
    name = f"apprise.plugins.{service.module}"
    module = importlib.import_module(name)
    for each in [key for key in sys.modules if key == name or key.startswith(f"{name}.")]:
        if hasattr(sys.modules[each], "requests"):
            vars(sys.modules[each])["requests"] = guarded
    logging.getLogger("apprise").disabled = True  # it would log hosts and answers
    return getattr(module, service.cls)


def _plugin(service: Service, cls: Any, parts: dict[str, Any] | None) -> Any:
    from apprise import AppriseAsset  # noqa: PLC0415  only where it sends
    from apprise.exception import AppriseException  # noqa: PLC0415

    if not parts:
        raise NotSuch(f"{service.name} cannot read it.")
    given = [name for kind in ("qsd", "qsd+", "qsd-", "qsd:") for name in parts.get(kind, ())]
    if foreign := rules.foreign(service, given):
        raise NotSuch(f"It has options that are not let in: {', '.join(foreign)[:80]}.")
    asset = AppriseAsset(async_mode=False, http_redirects=False, secure_logging=True, image_url_mask="")
    try:
        plugin = cls(**parts, asset=asset)
    except (AppriseException, TypeError, ValueError):
        raise NotSuch(f"{service.name} cannot use it.") from None
    if len(plugin) != 1:
        raise NotSuch("It leads to several places; a message goes to one.")
    return plugin


# --- the provider ----------------------------------------------------------------------------------


class Chat(OneByOne):
    """Sends to chat services; each person's address holds all that is needed."""

    name = "chat"

    def __init__(self, settings: Settings) -> None:
        self.rehearsal = settings.rehearsal

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
        """Hand over one message; see `channels.Provider.send`."""
        call = partial(self._hand_over, recipient, content["text"], attempt_id, limit)
        return deadline.answer(limit, call, provider=NAMED, late=late)

    def _hand_over(self, recipient: str, text: str, attempt_id: str, limit: float) -> Answer:
        try:
            _service, plugin = _read(recipient, rehearsal=self.rehearsal)
        except NotSuch as wrong:
            return Refusal(f"{NAMED}'s address cannot be used. {wrong}", code="chat-address")
        call = _Call(self.rehearsal, limit)
        token = _under.set(call)
        try:
            worked = _sent(plugin, text)
        except Exception as trouble:  # noqa: BLE001  a fault of a plugin is no reason to know less than it did
            call.trouble = call.trouble or (trouble if call.asked else None)
            worked = False
        finally:
            _under.reset(token)
        return Accepted(f"chat-{attempt_id}") if worked else _not_accepted(call)

    def find(self, *, recipient: str, attempt_ids: list[str], reference: str, since: datetime) -> str | None:
        """Nobody can be asked what became of a chat message. Raises: CannotAsk."""
        raise CannotAsk("Chat services tell nothing.")

    def told(self, *, attempt_id: str, provider_id: str) -> Told | None:
        """Nobody says what became of it; accepted is final."""
        return None


def _sent(plugin: Any, text: str) -> bool:
    from apprise import Apprise, NotifyFormat  # noqa: PLC0415

    postbox = Apprise(asset=plugin.asset)
    postbox.add(plugin)
    return bool(postbox.notify(body=text, title=TITLE, body_format=NotifyFormat.TEXT))


def _not_accepted(call: _Call) -> Answer:
    """What a no of Apprise means, by what was answered to the last of its calls."""
    if call.barred:
        return Refusal(f"{NAMED} lies where no message may go", code="chat-address")
    if call.trouble is not None:
        name = type(call.trouble).__name__
        if deadline.was_never_asked(call.trouble):
            return Refusal(f"{NAMED} could not be reached ({name})")
        return Unsure(f"{NAMED} did not answer for sure ({name})")
    if not call.asked:
        return Refusal(f"{NAMED} was not asked")
    return _refused(call.status, call.retry_after)


def _refused(status: int, retry_after: float | None) -> Answer:
    if status in WAITING:
        return Refusal(f"{NAMED} asks to wait ({status})", code=str(TOO_MANY), retry_after=retry_after)
    if status >= SERVER_ERROR:
        return Unsure(f"{NAMED} failed ({status})")
    if status < REDIRECTS:
        return Unsure(f"{NAMED}'s answer was not the expected one ({status})")
    return Refusal(f"{NAMED} refused ({status})", code=f"chat-{status}")
