"""Work that arrives together is committed together.

SQLite has one writer at a time, on PostgreSQL work of one kind waits for the same rows, and on both
every commit waits for the disk. Whoever has the lead in this process takes along what waits behind it,
so that a burst costs few commits and few statements instead of as many for each.
"""

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from sqlalchemy.exc import OperationalError

from foundation.database import db, transaction
from foundation.database.engines import PATIENCE

T = TypeVar("T")
MOST = 16  # works in one transaction; other writers wait for all of them
log = structlog.get_logger()


@dataclass(eq=False, slots=True)
class _Work:
    """Something to do inside a transaction, and how it ended."""

    act: Callable[[], Any]
    locks: str
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


_waiting: deque[_Work] = deque()
_lead = threading.Lock()


def committed(act: Callable[[], T], *, locks: str) -> T:
    """Do this inside a transaction, perhaps with others in the same; returns once it is committed.

    `locks` names the row that it locks first: what is done together is done in that order, so that two
    processes never wait for each other. It may be done in another thread and, when a transaction with
    others fails, again in one of its own: it must not depend on the request it came with. Raises what
    it raises, and what a commit does.
    """
    db.session.rollback()  # whoever waits holds nothing meanwhile, not even a snapshot
    own = _Work(act, locks)
    _waiting.append(own)
    _wait(own)
    try:
        if not own.ended:
            _do(own)
    finally:
        with suppress(ValueError):
            _waiting.remove(own)  # done by now, whether it was taken from there or not
        _lead.release()
    value: T = own.outcome()
    return value


def _wait(own: _Work) -> None:
    """Wait for the lead, or until somebody has done one's own work. Raises: OperationalError."""
    if _lead.acquire(timeout=PATIENCE):
        return
    with suppress(ValueError):
        _waiting.remove(own)
        raise OperationalError("BEGIN", None, TimeoutError("Others write for too long."))
    _lead.acquire()  # it is being done, and what is being done ends


def _do(own: _Work) -> None:
    """Do one's own work and what waits; taken once it is our turn, since until then more arrive."""
    taken = [own]
    try:
        with transaction():
            taken += _others(own)
            for work in sorted(taken, key=lambda each: each.locks):
                work.value = work.act()
    except Exception as trouble:  # noqa: BLE001  raised again where it is waited for
        log.warning("together.undone", works=len(taken), trouble=type(trouble).__name__)
        if len(taken) == 1 or _cannot(trouble):
            for work in taken:
                work.trouble = trouble
        else:
            _each_alone(taken)
    for work in taken:
        work.ended = True


def _each_alone(works: list[_Work]) -> None:
    """Show whose fault it was, one by one; where the database cannot, no other need wait to hear it."""
    for number, work in enumerate(works):
        work.alone()
        if isinstance(work.trouble, OperationalError):
            for other in works[number + 1 :]:
                other.trouble = work.trouble
            return


def _cannot(trouble: Exception) -> bool:
    """Whether it is the database that cannot, whoever asks; a deadlock is another matter."""
    gone = isinstance(trouble, OperationalError) and trouble.connection_invalidated
    return gone or (isinstance(trouble, OperationalError) and db.engine.dialect.name == "sqlite")


def _others(own: _Work) -> list[_Work]:
    found: list[_Work] = []
    while _waiting and len(found) < MOST - 1:
        other = _waiting.popleft()
        if other is not own and not other.ended:
            found.append(other)
    return found
