"""What most tests begin with is made once and laid again: a copy of the database as it stood then."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from foundation import database
from foundation.database import db
from tests.databases import Databases

FRESH = 60.0  # seconds: times in it are of when it was made, and tests take it for now
Value = TypeVar("Value")


class _Laid:
    copies: Databases | None = None

    def __init__(self) -> None:
        self.made: dict[str, tuple[float, object]] = {}


_laid = _Laid()


def by(copies: Databases) -> None:
    """Whose databases are to be laid; nothing made in others is."""
    _laid.copies = copies
    _laid.made.clear()


def forget() -> None:
    """Make everything anew."""
    _laid.made.clear()


def once(name: str, make: Callable[[], Value]) -> Value:
    """What `make` returns, and the database as it leaves it; both from before where they are fresh.

    In a test that has written something already, or moved the time, it is made as ever.
    """
    copies = _laid.copies
    if copies is None or database.clock.offset != timedelta() or not copies.is_untouched():
        return make()
    made_at, value = _laid.made.get(name, (-FRESH, None))
    if time.monotonic() - made_at < FRESH and copies.has(name):
        _leave()
        copies.put_back(name)
        return value  # type: ignore[return-value]
    made_at, value = time.monotonic(), make()
    _leave()
    copies.keep(name)
    _laid.made[name] = (made_at, value)
    return value


def _leave() -> None:
    db.session.remove()
    db.engine.dispose()
