"""Calls to SendGrid by its SDK's own client, and what its answers amount to.

The client follows no redirect, and can keep its connection: a group every few milliseconds would spend
most of its time on greeting.
"""

import os
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy
from io import BytesIO
from threading import Lock
from typing import Any, cast

import requests
from python_http_client.client import Client
from python_http_client.exceptions import HTTPError, handle_error
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

from notifications.channels import Accepted, Answer, Refusal, Unsure, deadline
from notifications.rules import grouping
from notifications.rules.retry import ACCOUNT

SERVER_ERROR = 500
ACCEPTED = 202
NEVER_CONNECTED = (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError)


class Kept:
    """Connections to one address that are used again, in this process and while they did not rest long."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._lock = Lock()
        self._session: requests.Session | None = None
        self._pid, self._used = 0, 0.0

    def session(self) -> requests.Session:
        """The session at work; a process that forked, or a long rest, gets another."""
        with self._lock:
            now, pid = time.monotonic(), os.getpid()
            if self._session is None or pid != self._pid or now - self._used > grouping.idle("sendgrid"):
                self._session, self._pid = _session(self.base), pid
            self._used = now
            return self._session


def _session(base: str) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no .netrc may stand in for our key
    session.proxies = get_environ_proxies(base, no_proxy=None)
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_connections=1, pool_maxsize=16, max_retries=0))
    return session


class _Whole:
    """An answer of `requests` as the SDK reads one."""

    def __init__(self, answer: requests.Response) -> None:
        self._answer = answer

    def getcode(self) -> int:
        """Its status."""
        return self._answer.status_code

    def read(self) -> bytes:
        """Its body."""
        return self._answer.content

    def info(self) -> Any:
        """Its headers."""
        return self._answer.headers


class _StayHere(urllib.request.HTTPRedirectHandler):
    """Follows nothing: a redirected message, with our key in its head, would go to a stranger."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


class Http(Client):
    """The SDK's client, without redirects; over kept connections where it is given some."""

    def __init__(self, *, kept: Kept | None = None, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self.kept = kept

    def _build_client(self, name: str | None = None) -> "Http":
        return Http(
            host=self.host, version=self._version, request_headers=self.request_headers,
            url_path=[*self._url_path, name] if name else self._url_path,
            append_slash=self.append_slash, timeout=self.timeout, kept=self.kept,
        )  # fmt: skip

    def _make_request(self, _opener: object, request: Any, timeout: float | None = None) -> Any:
        if self.kept:
            return _over(self.kept, request, float(timeout or self.timeout))
        opener = urllib.request.build_opener(_StayHere)
        return super()._make_request(opener, request, timeout)  # type: ignore[no-untyped-call]


def _over(kept: Kept, request: urllib.request.Request, timeout: float) -> _Whole:
    """Ask over a kept connection. Raises what the SDK raises for a refusal, and what `requests` does."""
    answer = kept.session().request(
        request.get_method(), request.full_url, data=cast(bytes, request.data),
        headers=dict(request.header_items()),
        timeout=(min(deadline.CONNECT, timeout), timeout), allow_redirects=False,
    )  # fmt: skip
    if answer.status_code >= 300:
        told = urllib.error.HTTPError(
            request.full_url, answer.status_code, answer.reason or "", answer.headers,  # type: ignore[arg-type]
            BytesIO(answer.content),
        )  # fmt: skip
        raise handle_error(told)
    return _Whole(answer)


def answer_of(post: Callable[[], Any]) -> Answer:
    """What SendGrid answered to a request that hands something over."""
    try:
        answer = post()
    except HTTPError as refusal:
        return refused(refusal)
    except requests.exceptions.RequestException as trouble:
        return deadline.broken(trouble, provider="SendGrid")
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


def refused(refusal: HTTPError) -> Answer:
    """What an error of SendGrid amounts to."""
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
            return float(headers["X-RateLimit-Reset"]) - _told_at(headers)
    except ValueError:
        return 60.0
    return None


def _told_at(headers: Mapping[str, str]) -> float:
    """What time it was at SendGrid when it answered: its clock counts to the reset, and ours may be wrong.

    Raises: ValueError where it does not say.
    """
    return parsedate_to_datetime(headers.get("Date", "")).timestamp()
