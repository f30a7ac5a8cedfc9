"""Processors that report without a pause: signed, distinct reports over connections kept open."""

import asyncio
import hmac
import json
import time
from base64 import b64decode, b64encode
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from multiprocessing import get_context
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import uuid4

from foundation.database import utcnow
from incident import example

CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a processor reports, by path, and its secret."""

    path: str
    secret: str


@dataclass
class Sample:
    """What came of one load: how long each report took, in seconds, and the ids of those accepted."""

    seconds: float = 0
    latencies: list[float] = field(default_factory=list)
    report_ids: list[str] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Reports accepted in each second of the load."""
        return len(self.latencies) / self.seconds

    def latency(self, percent: int) -> float:
        """The time within which that share of the reports was answered, in seconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


class Senders:
    """A process of its own that sends: the server's work is not timed by who does it."""

    def __init__(self, endpoints: list[Endpoint]) -> None:
        self.endpoints = endpoints
        self.pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown()

    def load(self, address: str, seconds: float) -> Sample:
        """Report for so many seconds over 16 connections, each waiting for its answer."""
        return self.pool.submit(_load, address, self.endpoints, seconds).result()


def _load(address: str, endpoints: list[Endpoint], seconds: float) -> Sample:
    return asyncio.run(_all(address, endpoints, seconds))


async def _all(address: str, endpoints: list[Endpoint], seconds: float) -> Sample:
    sample, letters = Sample(), Letters(endpoints)
    connections = []
    for _ in range(CONNECTIONS):  # one after the other: a burst would all land on one process of the server
        connections.append(await _connect(address))
        await asyncio.sleep(0.02)
    begun = time.perf_counter()
    until = begun + seconds
    await asyncio.gather(*(_one(each, address, letters, until, sample) for each in connections))
    sample.seconds = time.perf_counter() - begun
    return sample


async def _one(
    connection: "Connection", address: str, letters: "Letters", until: float, sample: Sample
) -> None:
    """One connection; opened again when the server closes it, and the same report sent again then."""
    while time.perf_counter() < until:
        request, sent = letters.request(next(letters.numbers), address), time.perf_counter()
        while (answer := await _answer(connection, request)) is None:
            connection[1].close()
            connection = await _connect(address)
        status, body = answer
        if status != 202:
            sample.refused.append(status)
            continue
        sample.latencies.append(time.perf_counter() - sent)
        sample.report_ids.append(json.loads(body).get("report_id", ""))
    connection[1].close()


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _connect(address: str) -> Connection:
    parts = urlsplit(address)
    return await asyncio.open_connection(parts.hostname, parts.port)


async def _answer(connection: Connection, request: bytes) -> tuple[int, bytes] | None:
    """Status and body, or None when the connection was closed instead."""
    reader, writer = connection
    try:
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        return int(head.split(" ", 2)[1]), await reader.readexactly(length)
    except (ConnectionError, asyncio.IncompleteReadError):
        return None


class Letters:
    """Writes reports: the story's first with these changes, each with a reference and an id of its own."""

    def __init__(self, endpoints: list[Endpoint], **changes: Any) -> None:
        facts = {**example.first_report(utcnow()), **changes, "reference": "REFERENCE"}
        told = {"type": "incident.reported", "timestamp": utcnow().isoformat(), "data": facts}
        self.numbers = count()
        self.before, self.after = json.dumps(told).split("REFERENCE")
        self.keys = [
            (each.path, b64decode(each.secret.removeprefix("whsec_")), uuid4().hex[:8]) for each in endpoints
        ]

    def letter(self, number: int, address: str) -> tuple[str, dict[str, str], bytes]:
        """Address, headers and body of a signed report; the processors take turns."""
        path, key, run = self.keys[number % len(self.keys)]
        body = f"{self.before}{run}-{number}{self.after}".encode()
        told, at = f"msg_{uuid4().hex}", int(time.time())
        signature = b64encode(hmac.digest(key, f"{told}.{at}.".encode() + body, "sha256")).decode()
        headers = {
            "Content-Type": "application/json", "webhook-id": told, "webhook-timestamp": str(at),
            "webhook-signature": f"v1,{signature}",
        }  # fmt: skip
        return f"{address}{path}", headers, body

    def request(self, number: int, address: str) -> bytes:
        """The same as the bytes of a request."""
        url, headers, body = self.letter(number, address)
        parts = urlsplit(url)
        headers |= {"Host": parts.netloc, "Content-Length": str(len(body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST {parts.path} HTTP/1.1\r\n{lines}\r\n".encode() + body
