"""The words of the chain of times: an instant with its zone, source, certainty and doubt; a telling."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from incident.rules.facts import Facts


class Point(StrEnum):
    """What happened at an instant of the chain."""

    OCCURRED = "occurred"
    ENDED = "ended"
    NOTICED = "noticed"
    AWARE = "aware"  # a processor or sub-processor knew
    TOLD = "told"  # it told the next one, in the end us
    ARRIVED = "arrived"  # the report came in here, by our own clock
    WE_AWARE = "we_aware"


class Certainty(StrEnum):
    """How sure an instant is."""

    EXACT = "exact"
    ESTIMATED = "estimated"
    DERIVED = "derived"  # nobody said it; it follows from another instant
    CONTRADICTED = "contradicted"  # it does not fit what else is told
    UNKNOWN = "unknown"


class Origin(StrEnum):
    """Where an instant comes from."""

    REPORT = "report"
    FORM = "form"
    RECEIPT = "receipt"  # our own clock, when the report came in
    TELLING = "telling"  # who is told knows: derived from the telling of the link below
    PERSON = "person"  # fixed by a named person
    RULES = "rules"  # provisional awareness, as the rules take it
    NOBODY = "nobody"


class Doubt(StrEnum):
    """Why an instant does not fit."""

    BEFORE_IT_BEGAN = "before_it_began"
    BEFORE_IT_KNEW = "before_it_knew"  # told the next one before it knew itself
    AFTER_IT_WAS_TOLD = "after_it_was_told"  # says it knew later than it was told
    AFTER_THE_REPORT = "after_the_report"  # told us later than its own report arrived
    TWO_TIMES = "two_times"  # the facts give two times for the same
    NOT_YET = "not_yet"  # has not happened yet


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the facts: the document with its offsets, who told it, when it was kept (UTC)."""

    number: int
    document: Mapping[str, Any]
    source: str
    at: datetime
    by_report: bool


@dataclass(frozen=True, slots=True)
class Held:
    """A moment of awareness as it was once held; `at` may be unknown."""

    at: datetime | None
    provisional: bool
    reason: str
    by: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Material:
    """What a chain is made of; `facts` are those of the last of `versions`, which are oldest first.

    `reporter` is the registered name of who reported, empty when it was one of ours. `agreed` are the hours
    that each agreement gives for telling on, by `key_of` the name; where it names none our default holds.
    """

    facts: Facts
    versions: Sequence[Version]
    awareness: Sequence[Held]
    received_at: datetime
    now: datetime
    reporter: str = ""
    agreed: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Who says so, since which version of the facts, and when that was kept (UTC)."""

    origin: Origin
    by: str = ""
    version: int | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was said of the same instant before it was overtaken."""

    at: datetime
    offset: str
    estimated: bool
    by: str


@dataclass(frozen=True, slots=True)
class Instant:
    """One point of the chain. `at` is UTC, `offset` as it was told ("+01:00", "Z"; empty when nobody did).

    `who` and `whom` are names; empty is us or, for `who` of the breach, nobody. `pointer` is the fact to
    ask for. `gap` are the hours since the known point before, less than nothing where they contradict.
    """

    point: Point
    who: str
    whom: str
    at: datetime | None
    offset: str
    source: Source
    certainty: Certainty
    pointer: str
    doubt: Doubt | None = None
    earlier: tuple[Earlier, ...] = ()
    gap: float | None = None


@dataclass(frozen=True, slots=True)
class Telling:
    """How long one link kept to itself what it knew; `hours` None while a time is unknown or contradicted.

    `whom` is empty for us. `allowed` hours by agreement, or by our default where `agreed` is False.
    """

    who: str
    whom: str
    hours: float | None
    allowed: float
    agreed: bool

    @property
    def late(self) -> bool | None:
        """Whether it told later than it had to; None when that is not known."""
        return None if self.hours is None else self.hours > self.allowed


@dataclass(frozen=True, slots=True)
class Chain:
    """The whole chain, from the breach to our awareness, and how each link told on."""

    instants: tuple[Instant, ...]
    tellings: tuple[Telling, ...]

    @property
    def unknown(self) -> int:
        """How many instants nobody has told."""
        return sum(each.at is None for each in self.instants)

    @property
    def doubted(self) -> int:
        """How many do not fit what else is told."""
        return sum(each.doubt is not None for each in self.instants)

    def telling_of(self, each: Instant) -> Telling | None:
        """How late the telling at this instant was; None for every other point."""
        if each.point is not Point.TOLD:
            return None
        return next((one for one in self.tellings if (one.who, one.whom) == (each.who, each.whom)), None)
