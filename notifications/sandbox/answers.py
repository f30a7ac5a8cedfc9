"""Answers as the script says: the provider's own, or one that goes wrong."""

import json
import socket
import struct
from collections.abc import Callable, Iterable, Iterator

from flask import Response, jsonify, request

from notifications.sandbox.bench import bench
from notifications.sandbox.script import Fault, Kind

ELSEWHERE = "https://example.invalid/"
PAGE = "<!doctype html><html><head><title>Bad gateway</title></head><body>Please try later.</body></html>"
Refuse = Callable[[Fault, int], Response]


class Dropped(Response):
    """No answer at all: the connection is reset (RST) instead of written to."""

    def __init__(self) -> None:
        super().__init__(response=_Reset(request.environ.get("werkzeug.socket")), status=500)


class _Reset:
    """The server asks for the first bytes of the answer, and gets an end of the connection."""

    def __init__(self, connection: socket.socket | None) -> None:
        self._connection = connection

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._connection is not None:
            # What the client may still send is not waited for; and to linger for zero seconds makes
            # the close a reset (socket(7)).
            self._connection.shutdown(socket.SHUT_RD)
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ConnectionResetError


def perform(
    provider: str,
    operation: str,
    *,
    act: Callable[[], Response],
    refuse: Refuse,
    recipients: Callable[[], Iterable[str]] = lambda: (),
) -> Response:
    """Do what was asked and answer, unless a fault strikes first or after it.

    `recipients` reads them from the request, and is asked only when a rule names some; `refuse` gives
    the provider's form of an error with the fault's code, or with the one given.
    """
    fault = bench().script.take(Fault, provider, recipients, operation)
    if fault is None:
        return act()
    if not fault.accepts:
        return _go_wrong(fault, refuse, None)
    answer = act()
    return answer if answer.status_code >= 400 else _go_wrong(fault, refuse, answer)


def _go_wrong(fault: Fault, refuse: Refuse, answer: Response | None) -> Response:  # noqa: PLR0911
    match fault.kind:
        case Kind.ACCEPT if answer:
            return answer
        case Kind.SLOW if answer:
            bench().scheduler.stopped.wait(fault.seconds)
            return answer
        case Kind.HANG | Kind.ACCEPT_THEN_HANG:
            bench().scheduler.stopped.wait(fault.seconds)
            return Dropped()
        case Kind.RESET_BEFORE_BODY | Kind.RESET_AFTER_BODY:
            return Dropped()
        case Kind.EMPTY:
            return Response(b"", 200, content_type="application/json")
        case Kind.HTML:
            return Response(PAGE, 200, content_type="text/html; charset=utf-8")
        case Kind.TRUNCATED:
            return _cut(answer)
        case Kind.OTHER_SID if answer:
            return _renamed(answer)
        case Kind.REDIRECT:
            headers = {"Location": fault.location or ELSEWHERE}
            return Response(b"", fault.status or 307, headers=headers)
        case _:
            return _error(fault, refuse)


def _error(fault: Fault, refuse: Refuse) -> Response:
    usual = {Kind.TOO_MANY: 429, Kind.REFUSED: 400, Kind.NAMED: 400}.get(fault.kind, 500)
    answer = refuse(fault, fault.status or usual)
    if fault.retry_after is not None:
        answer.headers["Retry-After"] = fault.retry_after
    return answer


def _cut(answer: Response | None) -> Response:
    whole = answer.get_data() if answer else b""
    whole = whole or json.dumps({"status": "queued", "message": "accepted for delivery"}).encode()
    return Response(whole[: len(whole) // 2], 200, content_type="application/json")


def _renamed(answer: Response) -> Response:
    """The same answer about a message that nobody sent."""
    if answer.headers.get("X-Message-Id"):
        answer.headers["X-Message-Id"] = "nobodysentthisone00000"
        return answer
    document = json.loads(answer.get_data() or b"{}")
    document["sid"] = "SM" + "0" * 32
    return jsonify(document)
