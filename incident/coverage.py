"""Whom a communication has reached, by what providers and people have said; what was sent is not yet told.

It comes out of the tally that a sending keeps of itself, so that no page counts a million rows. What was
sent before there were sendings is counted from its messages.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from foundation.database import db
from incident.models import Incident, SubjectCommunication
from notifications import fates, sending, told

ACCEPTED, DELIVERED, FAILED = "accepted", "delivered", "failed"
WAITING, POSTED, MANUAL, SETTLED = "waiting", "posted", "manual", "settled"
SOURCE: Final = "communication"  # as sendings call what is told here
PENDING: Final = "pending"  # nothing has gone out to them by this way yet
HELD: Final = "held"  # only in what was sent before there were sendings
REACHED: Final = frozenset({DELIVERED, POSTED})
OVER: Final = frozenset({"ended", "stopped"})
OLD: Final = {
    "delivered": DELIVERED, "accepted": ACCEPTED, "unreached": MANUAL, "cancelled": MANUAL, "held": HELD,
}  # fmt: skip


class Row(NamedTuple):
    """So many people by one way with one fate, in one language and country; each person is in one row."""

    channel: str
    fate: str
    locale: str
    country: str
    people: int


@dataclass(frozen=True, slots=True)
class Canary:
    """The first few, who go alone: how many, and whether the rest still waits for what becomes of them."""

    people: int = 0
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many people a communication is for, and what became of how many, as of `at` (UTC)."""

    total: int
    rows: tuple[Row, ...] = ()
    state: str = "ended"
    at: datetime | None = None
    last_at: datetime | None = None  # when the last one was reached, as the provider told it
    paused_why: str | None = None
    paused_by: str | None = None
    canary: Canary = field(default_factory=Canary)
    pending: tuple[Row, ...] = ()  # whom a way is chosen for that has not gone; no list of theirs says where

    @property
    def informed(self) -> int:
        """How many a provider says a message arrived for, or whose letter was posted; nothing less counts."""
        return self.count(*REACHED)

    @property
    def posted(self) -> int:
        """How many of them by a letter that was posted on a day that a person told."""
        return self.count(POSTED)

    @property
    def settled(self) -> int:
        """How many a person settled with words: told otherwise, or beyond telling."""
        return self.count(SETTLED)

    @property
    def manual(self) -> int:
        """How many no way is left for: a person sees to them."""
        return self.count(MANUAL)

    @property
    def waiting(self) -> int:
        """How many nothing has gone out to yet, or of whom the next way is being taken."""
        return max(self.total - self.count(ACCEPTED, WAITING, MANUAL, SETTLED, HELD, *REACHED), 0)

    @property
    def gone_out(self) -> bool:
        """Whether nothing waits on our side any more: a provider or the post has each, or a person does."""
        return self.total > 0 and not self.waiting and not self.count(WAITING, HELD)

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen by itself."""
        if self.state in OVER:
            return self.total > 0 and not self.count(ACCEPTED, WAITING)
        return self.gone_out and not self.count(ACCEPTED)

    @property
    def complete(self) -> bool:
        """Whether everybody was reached, or settled by a person."""
        return self.total > 0 and self.informed + self.settled >= self.total

    @property
    def moving(self) -> bool:
        """Whether something may change by itself soon."""
        return not self.ended and self.state not in ("paused", *OVER)

    def count(self, *of: str) -> int:
        """How many have one of these fates."""
        return sum(each.people for each in self.rows if each.fate in of)

    def by_way(self) -> dict[str, Counter[str]]:
        """How many by way and fate, with those who wait for it."""
        return self._by(lambda each: each.channel, *self.pending)

    def by_language(self) -> dict[str, Counter[str]]:
        """How many by language and fate, with those who wait."""
        return self._by(lambda each: each.locale, *self.pending)

    def by_country(self) -> dict[str, Counter[str]]:
        """How many by country and fate; "" where no list says. Who waits is not among them."""
        return self._by(lambda each: each.country)

    @property
    def whole(self) -> Counter[str]:
        """How many by fate; whom nothing has gone out to yet as such."""
        found: Counter[str] = Counter()
        for each in self.rows:
            found[each.fate] += each.people
        found[FAILED], found[PENDING] = 0, self.waiting
        return found

    def _by(self, key: Callable[[Row], str], *more: Row) -> dict[str, Counter[str]]:
        found: dict[str, Counter[str]] = {}
        for each in (*self.rows, *more):
            found.setdefault(key(each), Counter())[each.fate] += each.people
        return dict(sorted(found.items(), key=lambda pair: -pair[1].total()))


@dataclass(frozen=True, slots=True)
class Together:
    """How many people several communications are for, and how many were told; `posted` by a letter alone."""

    total: int
    informed: int
    posted: int


def source_of(communication_id: UUID) -> str:
    """How a sending calls a communication."""
    return f"{SOURCE}:{communication_id}"


def chain_of_communication(communication: SubjectCommunication) -> str:
    """The chain of the incident, or the drill, that a communication belongs to."""
    return db.session.get_one(Incident, communication.incident_id).chain


def of(communication: SubjectCommunication) -> Coverage:
    """The coverage of a communication as it was last tallied."""
    standing = sending.of(source_of(communication.id))
    if standing is None:
        return _of_messages(communication)
    return Coverage(
        standing.people, tuple(_rows(standing.tally)), standing.state, standing.tallied_at,
        paused_why=standing.paused_why, paused_by=standing.paused_by,
        canary=Canary(standing.canary, standing.state == "canary"), pending=tuple(_pending(standing.tally)),
    )  # fmt: skip


def together(communications: Sequence[SubjectCommunication]) -> Together:
    """Several communications taken together: whom one did not reach, and another told, is one person told.

    What was sent before there were sendings keeps its own counts.
    """
    begun = {each.id for each in communications if told.sending_of(source_of(each.id))}
    once = begun if len(begun) > 1 else set[UUID]()
    alone = [of(each) for each in communications if each.id not in once]
    found = told.together([source_of(each) for each in once]) if once else told.Together(0, 0, 0)
    return Together(
        found.people + sum(each.total for each in alone),
        found.reached + sum(each.informed for each in alone),
        found.posted + sum(each.posted for each in alone),
    )


def settled(found: Coverage, count: int) -> Coverage:
    """The coverage once so many of the manual list are settled, before the tally says so."""
    left, rows = count, list[Row]()
    for each in found.rows:
        now = min(left, each.people) if each.fate == MANUAL else 0
        left -= now
        rows += [each._replace(people=each.people - now), each._replace(fate=SETTLED, people=now)]
    return replace(found, rows=tuple(each for each in rows if each.people))


def _of_messages(communication: SubjectCommunication) -> Coverage:
    """What was sent before there were sendings: one message to each, named after communication and person."""
    found = fates.of(chain_of_communication(communication), f"subject:{communication.id}:")
    counted = Counter((each.channel, OLD.get(each.state, FAILED)) for each in found.values())
    if communication.completed_at:  # whom no message reached a person has settled
        counted = Counter({
            (channel, SETTLED if fate == MANUAL else fate): count
            for (channel, fate), count in counted.items()
        })  # fmt: skip
    times = [each.done_at for each in found.values() if each.delivered and each.done_at]
    rows = (Row(channel, fate, "", "", count) for (channel, fate), count in counted.items())
    return Coverage(communication.recipients, tuple(rows), "running", last_at=max(times, default=None))


def _rows(tally: Mapping[str, Any]) -> Iterator[Row]:
    return (Row(*each) for each in tally.get("counts", ()))


def _pending(tally: Mapping[str, Any]) -> Iterator[Row]:
    return (Row(channel, PENDING, locale, "", count) for channel, locale, count in tally.get("grouped", ()))
