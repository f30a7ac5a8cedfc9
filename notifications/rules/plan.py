"""A schedule in force: rotations as layers, and what people changed for a time.

At every moment the first rotation in order that has anybody then is on duty. Overrides come on top: a
replacement or removal acts on who would be on duty, an addition stands beside them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from uuid import UUID

from notifications.rules.oncall import Layer


class Change(StrEnum):
    """What an override does for its time."""

    REPLACE = "replace"  # somebody stands in for a person, or for whoever it would be
    ADD = "add"  # somebody is on duty as well
    REMOVE = "remove"  # a person is not on duty, and nobody stands in


@dataclass(frozen=True, slots=True)
class Override:
    """A change for a time: `before` leaves (None with REPLACE: whoever it would be), `after` comes."""

    id: UUID
    change: Change
    before: UUID | None
    after: UUID | None
    start: datetime
    end: datetime

    @property
    def people(self) -> frozenset[UUID]:
        """Whom it names."""
        return frozenset(each for each in (self.before, self.after) if each)

    @property
    def of_all(self) -> bool:
        """Whether it replaces whoever it would be."""
        return self.change is Change.REPLACE and self.before is None

    def clashes_with(self, other: "Override") -> bool:
        """Whether the two cannot both be so.

        They can when they do not overlap, and when they name different people; beside one that replaces
        whoever it would be, nobody else can be replaced or removed.
        """
        if self.id == other.id or self.end <= other.start or other.end <= self.start:
            return False
        if self.people & other.people:
            return True
        return Change.ADD not in (self.change, other.change) and (self.of_all or other.of_all)


@dataclass(frozen=True, slots=True)
class Held:
    """Somebody on duty at a moment, and by what: `rotation/<id>/<number of the turn>` or `override/<id>`."""

    member: UUID
    source: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """Somebody's time on duty without a break, by one source; `place` 0 is who is called first."""

    member: UUID
    source: str
    place: int
    start: datetime
    end: datetime

    @property
    def overridden(self) -> bool:
        """Whether an override made it so."""
        return self.source.startswith("override/")


@dataclass(frozen=True, slots=True)
class Plan:
    """A schedule as it stands; `absent` are people who are not here any more.

    Their turn falls to the next rotation that has anybody; where they should stand in, nobody is replaced.
    """

    layers: Sequence[Layer]
    overrides: Sequence[Override] = ()
    absent: frozenset[UUID] = frozenset()

    def at(self, at: datetime) -> list[Held]:
        """Who is on duty at a moment, first who is called first; nobody in a gap."""
        in_force = [each for each in self.overrides if each.start <= at < each.end]
        held = [
            changed
            for one in self._by_turn(at)
            if (changed := _changed(one, in_force, self.absent)) is not None
        ]
        held += [
            Held(each.after, f"override/{each.id}")
            for each in in_force
            if each.change is Change.ADD and each.after and each.after not in self.absent
        ]
        first: dict[UUID, Held] = {}
        for each in held:
            first.setdefault(each.member, each)  # who is there already keeps the place
        return list(first.values())

    def _by_turn(self, at: datetime) -> list[Held]:
        for layer in self.layers:
            turn = layer.turn(at)
            if turn and turn[0] not in self.absent:
                return [Held(turn[0], f"rotation/{layer.id}/{turn[1]}")]
        return []

    def stretches(self, start: datetime, end: datetime) -> list[Stretch]:
        """Who is on duty from `start` to `end`; each stretch from its own beginning to its own end."""
        # A turn is no longer than its days, and an override no longer than it is: so far one must look.
        widest = timedelta(days=2 + max((layer.turns.shift_days for layer in self.layers), default=0))
        touching = [each for each in self.overrides if each.start < end and each.end > start]
        first = min([start - widest, *(each.start for each in touching)])
        last = max([end + widest, *(each.end for each in touching)])
        found = joined(self._pieces(first, last))
        return [each for each in found if each.start < end and each.end > start]

    def _pieces(self, start: datetime, end: datetime) -> Iterator[Stretch]:
        edges = {at for layer in self.layers for at in layer.edges(start, end)}
        edges |= {at for each in self.overrides for at in (each.start, each.end)}
        cuts = [start, *sorted(at for at in edges if start < at < end), end]
        for begin, until in pairwise(cuts):
            for place, held in enumerate(self.at(begin)):
                yield Stretch(held.member, held.source, place, begin, until)


def _changed(held: Held, in_force: Iterable[Override], absent: frozenset[UUID]) -> Held | None:
    """Who stands there after the overrides of that moment: at most one acts on a person."""
    for each in in_force:
        if each.change is Change.ADD or not (each.of_all or each.before == held.member):
            continue
        if each.change is Change.REMOVE:
            return None
        if each.after and each.after not in absent and each.after != held.member:
            return Held(each.after, f"override/{each.id}")
    return held


def joined(pieces: Iterable[Stretch]) -> list[Stretch]:
    """Pieces that go on where the one before ended, by the same person, source and place, as one."""
    found: list[Stretch] = []
    open_at: dict[tuple[UUID, str, int], int] = {}
    for each in sorted(pieces, key=lambda one: (one.start, one.place)):
        key = each.member, each.source, each.place
        at = open_at.get(key)
        if at is not None and found[at].end >= each.start:
            found[at] = replace(found[at], end=max(found[at].end, each.end))
        else:
            open_at[key] = len(found)
            found.append(each)
    return found


def cut(stretches: Iterable[Stretch], start: datetime, end: datetime) -> list[Stretch]:
    """The parts of stretches that lie from `start` to `end`."""
    return [
        replace(each, start=max(each.start, start), end=min(each.end, end))
        for each in stretches
        if each.start < end and each.end > start
    ]


def holes(stretches: Iterable[Stretch], start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The times from `start` to `end` at which nobody is on duty."""
    found: list[tuple[datetime, datetime]] = []
    at = start
    for each in sorted(stretches, key=lambda one: one.start):
        if each.start > at:
            found.append((at, min(each.start, end)))
        at = max(at, each.end)
        if at >= end:
            return found
    return [*found, (at, end)] if at < end else found


def changes_of_hands(stretches: Sequence[Stretch]) -> list[tuple[Stretch, Stretch]]:
    """Where one first person ends and another begins at the same instant; who follows himself is none."""
    firsts = sorted((each for each in stretches if each.place == 0), key=lambda one: one.start)
    return [
        (before, after)
        for before, after in pairwise(firsts)
        if before.end == after.start and before.member != after.member
    ]


def last_before_a_gap(stretches: Sequence[Stretch]) -> list[Stretch]:
    """The stretches of first persons whom nobody follows at once."""
    begins = {each.start for each in stretches if each.place == 0}
    return [each for each in stretches if each.place == 0 and each.end not in begins]
