"""What holds for people's own ways of being reached: limits as data, codes, and which way rings when."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

FILE = Path(__file__).parents[1] / "data" / "contacts.toml"


@dataclass(frozen=True, slots=True)
class Limits:
    """The figures of data/contacts.toml."""

    digits: int
    valid: timedelta
    tries: int
    again_after: timedelta
    an_hour_per_address: int
    a_day_per_person: int
    methods: int
    delays: tuple[int, ...]  # minutes
    tests_an_hour: int
    margin: timedelta
    longest_wait: timedelta
    spans: int


def _read() -> Limits:
    known = tomllib.loads(FILE.read_text(encoding="utf-8"))
    code, methods, quiet = known["code"], known["methods"], known["quiet"]
    return Limits(
        digits=code["digits"], valid=timedelta(minutes=code["valid_minutes"]), tries=code["tries"],
        again_after=timedelta(seconds=code["again_after_seconds"]),
        an_hour_per_address=code["an_hour_per_address"], a_day_per_person=code["a_day_per_person"],
        methods=methods["most"], delays=tuple(methods["delays"]), tests_an_hour=known["test"]["an_hour"],
        margin=timedelta(hours=quiet["margin_hours"]),
        longest_wait=timedelta(hours=quiet["longest_wait_hours"]), spans=quiet["most"],
    )  # fmt: skip


LIMITS = _read()


class Tried(StrEnum):
    """What became of a code that somebody typed."""

    RIGHT = "right"
    WRONG = "wrong"
    SPENT = "spent"  # too many wrong ones: only a new code counts
    EXPIRED = "expired"
    NONE = "none"  # no code is waited for


def may_try(*, tries: int, expires_at: datetime, used: bool, now: datetime) -> Tried | None:
    """Why a code cannot be right any more, whatever is typed; None while it can."""
    if used:
        return Tried.NONE
    if tries >= LIMITS.tries:
        return Tried.SPENT
    return Tried.EXPIRED if now >= expires_at else None


def wait_for_code(
    *, to_method: Sequence[datetime], to_address: Sequence[datetime], by_person: Sequence[datetime],
    now: datetime,
) -> timedelta:  # fmt: skip
    """How long nobody may be sent another code, given when earlier ones went; zero when one may go now."""
    spans = (
        _wait(to_method, 1, LIMITS.again_after, now),
        _wait(to_address, LIMITS.an_hour_per_address, timedelta(hours=1), now),
        _wait(by_person, LIMITS.a_day_per_person, timedelta(days=1), now),
    )
    return max(spans)


def wait_for_test(earlier: Sequence[datetime], now: datetime) -> timedelta:
    """How long a person cannot have oneself rung again; zero when it is possible now."""
    return _wait(earlier, LIMITS.tests_an_hour, timedelta(hours=1), now)


def _wait(earlier: Sequence[datetime], most: int, span: timedelta, now: datetime) -> timedelta:
    """Until there are fewer than `most` within the last `span`."""
    lately = sorted(each for each in earlier if each > now - span)
    return lately[-most] + span - now if len(lately) >= most else timedelta(0)


def delays(minutes: Sequence[int]) -> list[timedelta]:
    """When each of a person's ways rings, given what each is set to: the first of them always at once."""
    least = min(minutes, default=0)
    return [timedelta(minutes=each - least) for each in minutes]
