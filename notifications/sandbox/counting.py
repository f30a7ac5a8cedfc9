"""A SendGrid that only counts, for benches: it answers as the whole one does and keeps nothing of a mail.

Nothing is on disk and nobody is told of receipts; connections are kept, as the real one keeps them.
`GET /_sandbox/counts` says how many requests and people there were, and how many came a second time.
"""

import hmac
import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from notifications.sandbox.config import SANDBOX_API_KEY
from notifications.sandbox.mail import MOST_PERSONALIZATIONS, recipients_of

LARGEST = 30 * 1024 * 1024
SEND, COUNTS = "/v3/mail/send", "/_sandbox/counts"


class Counts:
    """What was given, by number; people are known again by a hash of their address."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests = self._people = self._bytes = 0
        self._seen: set[int] = set()

    def take(self, addresses: list[str], size: int) -> None:
        """Count one request of `size` bytes."""
        known = [hash(each) for each in addresses]
        with self._lock:
            self._requests += 1
            self._people += len(addresses)
            self._bytes += size
            self._seen.update(known)

    def told(self) -> dict[str, int]:
        """The counts by name; `repeated` are people beyond the first time."""
        with self._lock:
            repeated = self._people - len(self._seen)
            counts = {"requests": self._requests, "people": self._people, "bytes": self._bytes}
            return {**counts, "repeated": repeated}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: "CountingServer"

    def do_POST(self) -> None:
        """Take a mail: 202 and an id, or SendGrid's form of an error."""
        size = int(self.headers.get("Content-Length") or 0)
        if size > LARGEST:
            self.close_connection = True
            self._refuse(413, "The JSON payload you have included in your request is too large.")
            return
        body = self.rfile.read(size)
        key = self.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(key, f"Bearer {SANDBOX_API_KEY}".encode()):
            self._refuse(401, "The provided authorization grant is invalid, expired, or revoked")
        elif self.path != SEND:
            self._refuse(404, "not found")
        elif not (addresses := _addresses(body)):
            self._refuse(400, "Bad Request")
        else:
            self.server.counts.take(addresses, size)
            self._answer(202, b"", {"X-Message-Id": secrets.token_urlsafe(16)})

    def do_GET(self) -> None:
        """The counts."""
        if self.path == COUNTS:
            self._answer(200, json.dumps(self.server.counts.told()).encode())
        else:
            self._refuse(404, "not found")

    def _refuse(self, status: int, message: str) -> None:
        told = {"errors": [{"message": message, "field": None, "help": None}]}
        self._answer(status, json.dumps(told).encode())

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
        """Keep quiet."""


class CountingServer(ThreadingHTTPServer):
    """Listens and counts. Raises OSError when somebody else listens there."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, host: str, port: int) -> None:
        super().__init__((host, port), _Handler)
        self.counts = Counts()
        self.url = f"http://{host}:{self.server_address[1]}"


def _addresses(body: bytes) -> list[str]:
    """Everybody in a mail; nobody where it is none that SendGrid would take."""
    try:
        mail = json.loads(body)
    except ValueError:
        return []
    people = mail.get("personalizations") if isinstance(mail, dict) else None
    if not isinstance(people, list) or len(people) > MOST_PERSONALIZATIONS:
        return []
    return recipients_of(mail)
