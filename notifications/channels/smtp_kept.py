"""Connections to a mail server that are at rest between the messages of one sending.

Each message is still one of its own, to one recipient, answered for alone. Before a connection is used
again the server is asked to begin anew (RSET): one that went away meanwhile has nothing of the next.
"""

import os
import smtplib
import time
from contextlib import suppress
from threading import Lock
from typing import NamedTuple
from weakref import WeakKeyDictionary

from notifications.rules import grouping

TROUBLE = (OSError, smtplib.SMTPException, ValueError)


class _AtRest(NamedTuple):
    server: smtplib.SMTP
    pid: int
    since: float  # of the steady clock


class Connections:
    """A few connections at rest, of this process alone; a child that was forked has none of its parent's."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._at_rest: list[_AtRest] = []
        self._carried: WeakKeyDictionary[smtplib.SMTP, int] = WeakKeyDictionary()  # messages

    def take(self, limit: float) -> smtplib.SMTP | None:
        """A connection that is ready for one more message, each answer within `limit` seconds, or None."""
        while (found := self._next()) is not None:
            with suppress(*TROUBLE):
                if found.sock is not None:
                    found.sock.settimeout(limit)
                    if found.rset()[0] == 250:
                        return found
            found.close()
        return None

    def _next(self) -> smtplib.SMTP | None:
        with self._lock:
            while self._at_rest:
                one = self._at_rest.pop()
                fresh = time.monotonic() - one.since <= grouping.idle("smtp")
                if one.pid == os.getpid() and fresh:
                    return one.server
                one.server.close()
        return None

    def put(self, server: smtplib.SMTP) -> None:
        """Keep a connection whose last message was answered; one that has carried enough is ended."""
        with self._lock:
            carried = self._carried[server] = self._carried.get(server, 0) + 1
            room = len(self._at_rest) < grouping.limit("smtp", "connections")
            if room and carried < grouping.limit("smtp", "messages"):
                self._at_rest.append(_AtRest(server, os.getpid(), time.monotonic()))
                return
        with suppress(*TROUBLE):
            server.putcmd("QUIT")  # nobody waits for its goodbye
        server.close()

    def close(self) -> None:
        """End every connection at rest."""
        with self._lock:
            for one in self._at_rest:
                one.server.close()
            self._at_rest.clear()
