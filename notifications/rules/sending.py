"""What is decided while many are told: the first few, when it stops by itself, who is told by which way next.

Pure; figures are dated rows of `notifications/data/sending.toml`. Ways are counted in bits, as lists of
people count them: who can be told by e-mail and by letter has 1 + 4.
"""

import struct
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

from notifications.rules.retry import Terms

FILE: Final = Path(__file__).parents[1] / "data" / "sending.toml"
EMAIL, SMS, LETTER, MANUAL = "email", "sms", "letter", "manual"
BITS: Final[Mapping[str, int]] = {EMAIL: 1, SMS: 2, LETTER: 4}
_FORM: Final = struct.Struct("16s2sB")
WIDTH: Final = _FORM.size  # bytes of a member: id, country, ways that are left
NOBODY: Final = "  "  # a country that nobody told
ALL: Final = UUID(int=2**128 - 1)  # after the last person
# A group takes longer than a message; its provider shows later what it has.
GROUP = Terms(
    call=timedelta(seconds=30), lease=timedelta(seconds=90), settle=timedelta(seconds=120), tries=8, at_once=0
)  # fmt: skip


class Member(NamedTuple):
    """One person of a group: who, where, and by which ways they could be told besides."""

    id: UUID
    country: str
    left: int


def packed(members: Iterable[Member]) -> bytes:
    """People as a group keeps them, in their order."""
    return b"".join(
        each.id.bytes + f"{each.country:2.2}".encode("ascii", "replace") + bytes((each.left,))
        for each in members
    )


def unpacked(kept: bytes) -> list[Member]:
    """The people of a group, in their order."""
    return list(_unpacked(kept))


@lru_cache(maxsize=4)  # who sends a group writes it down a moment later
def _unpacked(kept: bytes) -> tuple[Member, ...]:
    return tuple(
        Member(UUID(bytes=whole), country.decode().strip(), left)
        for whole, country, left in _FORM.iter_unpack(kept)
    )


def parts(kept: bytes, most: int) -> Iterator[bytes]:
    """The same people in groups of so many at most."""
    return (kept[at : at + most * WIDTH] for at in range(0, len(kept), most * WIDTH))


def first(ways: Sequence[str], bits: int) -> str | None:
    """The first of these ways, in their order, by which somebody can be told; None when there is none."""
    return next((way for way in ways if BITS[way] & bits), None)


def allowed(ways: Sequence[str]) -> int:
    """The bits of these ways."""
    return sum(BITS[way] for way in ways)


class Verdict(Enum):
    """What the first few show."""

    WAIT = "wait"
    GO_ON = "go on"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Counts:
    """People by what is known of them."""

    arrived: int = 0
    failed: int = 0
    open: int = 0  # accepted, or not even that

    def since(self, arrived: int, failed: int) -> "Counts":
        """Without those that somebody looked at before."""
        return Counts(max(self.arrived - arrived, 0), max(self.failed - failed, 0), self.open)


@dataclass(frozen=True, slots=True)
class Figures:
    """The rows in force."""

    least: int
    share: float
    most: int
    wait: timedelta
    failures: float
    few: int
    uncertain: int
    uncertain_share: float
    patience: Mapping[str, timedelta]
    free: float
    hold: timedelta
    held_after: timedelta
    before_deadline: timedelta

    def canary(self, people: int) -> int:
        """How many of so many go first; none where that would be all of them."""
        return (
            0
            if people <= self.least
            else min(people, max(self.least, min(round(people * self.share), self.most)))
        )

    def judge(self, counts: Counts, waited: timedelta | None) -> Verdict:
        """What the first few show; `waited` since a provider has the last of them, else None.

        Failures are heard of first: they are compared with all who are out, whatever is known of them.
        """
        if self.is_too_much(Counts(counts.arrived + counts.open, counts.failed)):
            return Verdict.STOP
        if not counts.open or (waited is not None and waited >= self.wait):
            return Verdict.GO_ON
        return Verdict.WAIT

    def is_too_much(self, counts: Counts) -> bool:
        """Whether so many failed that nothing more goes before a person has looked."""
        return counts.failed > max(self.few, self.failures * (counts.failed + counts.arrived))

    def are_too_many(self, uncertain: int, groups: int) -> bool:
        """Whether nobody knows of so many groups at once that no further one goes."""
        return uncertain >= max(self.uncertain, round(self.uncertain_share * groups))

    def is_for_a_person(self, unknown_since: datetime, must_by: datetime | None, now: datetime) -> bool:
        """Whether a group that nobody knows of, and nobody can be asked about, is a person's to decide."""
        near = must_by is not None and now > must_by - self.before_deadline
        return near or now > unknown_since + self.held_after


def figures(now: datetime) -> Figures:
    """The figures in force at `now` (UTC)."""
    return _on(now.date())


@cache
def _on(day: date) -> Figures:
    canary, stopping, patience, pace = (
        _row(name, day) for name in ("canary", "stopping", "patience", "pace")
    )
    ways = {
        way: timedelta(minutes=patience[f"{way}_minutes"]) for way in BITS if f"{way}_minutes" in patience
    }
    return Figures(
        canary["least"], canary["share"], canary["most"], timedelta(minutes=canary["wait_minutes"]),
        stopping["share"], stopping["few"], stopping["uncertain"], stopping["uncertain_share"], ways,
        pace["free"], timedelta(seconds=pace["hold_seconds"]), timedelta(minutes=pace["held_minutes"]),
        timedelta(hours=pace["before_deadline_hours"]),
    )  # fmt: skip


@cache
def _tables() -> Mapping[str, Sequence[Mapping[str, Any]]]:
    with FILE.open("rb") as file:
        return tomllib.load(file)


def _row(table: str, day: date) -> Mapping[str, Any]:
    """The row that holds on a day (UTC): the latest that has begun, else the first; no day is without."""
    rows = sorted(_tables()[table], key=lambda row: row["valid_from"])
    begun = [row for row in rows if row["valid_from"] <= day]
    return (begun or rows)[-1 if begun else 0]
