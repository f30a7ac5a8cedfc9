"""Work that arrives together is committed together, where it would wait for its turn anyway.

SQLite has one writer at a time; on PostgreSQL work of one kind waits for the same row. Every commit
waits for the disk. Whoever gets the turn takes along what waits behind it in this process, so that a
burst costs few commits instead of one for each.
"""

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy.exc import OperationalError

from foundation.database import db, transaction
from foundation.database.engines import PATIENCE

T = TypeVar("T")
MOST = 16  # works in one transaction; other writers wait for all of them


@dataclass(eq=False, slots=True)
class _Work:
    """Something to do inside a transaction, and how it ended."""

    act: Callable[[], Any]
    value: Any = None
    trouble: Exception | None = None
    ended: bool = False

    def alone(self) -> None:
        """Do it in a transaction of its own; what it raises is kept for whoever waits for it."""
        try:
            with transaction():
                self.value = self.act()
        except Exception as trouble:  # noqa: BLE001  raised again where it is waited for
            self.trouble = trouble

    def outcome(self) -> Any:
        """What it returned. Raises what it raised."""
        if self.trouble is not None:
            raise self.trouble
        return self.value


@dataclass(eq=False, slots=True)
class _Line:
    """Works that wait for the same turn, and who leads."""

    waiting: deque[_Work] = field(default_factory=deque)
    lead: threading.Lock = field(default_factory=threading.Lock)


_lines: defaultdict[Hashable, _Line] = defaultdict(_Line)


def committed(act: Callable[[], T], *, line: Hashable) -> T:
    """Do this inside a transaction, perhaps with others in the same; returns once it is committed.

    `line` names what it waits for on PostgreSQL, such as an organisation whose row it locks. It may be
    done in another thread and, when a transaction with others fails, again in one of its own: it must
    not depend on the request it came with. Raises what it raises, and what a commit does.
    """
    own, place = _Work(act), _lines["" if db.engine.dialect.name == "sqlite" else line]
    place.waiting.append(own)
    _wait(place, own)
    try:
        if not own.ended:
            _do(own, place.waiting)
    finally:
        place.lead.release()
    value: T = own.outcome()
    return value


def _wait(place: _Line, own: _Work) -> None:
    """Wait for the lead, or until somebody has done one's own work. Raises: OperationalError."""
    if place.lead.acquire(timeout=PATIENCE):
        return
    with suppress(ValueError):
        place.waiting.remove(own)
        raise OperationalError("BEGIN", None, TimeoutError("Others write for too long."))
    place.lead.acquire()  # it is being done, and what is being done ends


def _do(own: _Work, waiting: deque[_Work]) -> None:
    """Do one's own work and what waits; taken once it is our turn, since until then more arrive."""
    taken = [own]
    try:
        with transaction():
            taken += _others(own, waiting)
            for work in taken:
                work.value = work.act()
    except Exception as trouble:  # noqa: BLE001  raised again where it is waited for
        if len(taken) == 1 or _cannot(trouble):
            for work in taken:
                work.trouble = trouble
        else:  # whose fault it was shows when each is done alone
            for work in taken:
                work.alone()
    for work in taken:
        work.ended = True


def _cannot(trouble: Exception) -> bool:
    """Whether it is the database that cannot, whoever asks; a deadlock is another matter."""
    gone = isinstance(trouble, OperationalError) and trouble.connection_invalidated
    return gone or (isinstance(trouble, OperationalError) and db.engine.dialect.name == "sqlite")


def _others(own: _Work, waiting: deque[_Work]) -> list[_Work]:
    found: list[_Work] = []
    while waiting and len(found) < MOST - 1:
        other = waiting.popleft()
        if other is not own and not other.ended:
            found.append(other)
    return found
