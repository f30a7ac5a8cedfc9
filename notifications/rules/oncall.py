"""Whose turn it is at a moment: people take turns, handing over at the same local time of day.

A time that the clocks leave out is taken an hour later, one that they show twice the first time. So do
handovers and the hours of a rotation, hence two hours that meet on paper meet in the night of a change too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

# What rotations are called that are no first line, but fill a role of an incident.
NAMED_FOR: Final[Mapping[str, frozenset[str]]] = {
    "dpo": frozenset({
        "dpo", "data protection officer", "databeskyttelsesrådgiver", "personvernombud", "dataskyddsombud",
    }),
    "communications": frozenset({
        "communications", "communication", "press", "kommunikation", "kommunikasjon", "presse",
    }),
    "legal": frozenset({"legal", "jura", "jus", "juridik", "jurist"}),
    "it": frozenset({"it"}),
}  # fmt: skip


def named_for(rotation: str) -> str | None:
    """The role that a rotation is named for, as "3 Legal" for "legal"; None for a line that is paged."""
    name = rotation.strip().lstrip("0123456789.)- ").casefold()
    return next((role for role, names in NAMED_FOR.items() if name in names), None)


@dataclass(frozen=True, slots=True)
class Shift:
    """One person's turn, from an instant to the next handover."""

    member: UUID
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Turns:
    """A rotation: members in order, each for `shift_days`, from `first_handover` (aware) on.

    Days are counted in the rotation's own zone, so that a handover at nine stays at nine when the clocks
    change: such a shift is an hour shorter or longer.
    """

    members: Sequence[UUID]
    first_handover: datetime
    shift_days: int
    timezone: str

    def on_call(self, now: datetime) -> UUID | None:
        """Whose shift covers `now`, or None when nobody is in the rotation.

        Before the first handover the first member is on call.
        """
        return self._member(self._number(now)) if self.members else None

    def shift(self, now: datetime) -> Shift | None:
        """The shift that covers `now`, from its own beginning (UTC); one after another are two."""
        if not self.members:
            return None
        number = self._number(now)
        return Shift(self._member(number), self._handover(number), self._handover(number + 1))

    def next_handover(self, now: datetime) -> datetime:
        """The next instant (UTC) at which the shift changes."""
        first = self._handover(0)
        return first if now < first else self._handover(self._number(now) + 1)

    def shifts(self, start: datetime, end: datetime) -> list[Shift]:
        """The shifts that touch the time from `start` to `end`; the first begins at `start`.

        Shifts of one person after another are one.
        """
        found: list[Shift] = []
        at = start
        while at < end and (member := self.on_call(at)):
            change = self.next_handover(at)
            if found and found[-1].member == member:
                found[-1] = Shift(member, found[-1].start, change)
            else:
                found.append(Shift(member, at, change))
            at = change
        return found

    def turn(self, at: datetime) -> tuple[UUID, int] | None:
        """Whose turn covers `at` and which it is, the first being 0; None when nobody is in the rotation."""
        number = self._number(at)
        return (self._member(number), number) if self.members else None

    def handovers(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Every handover after `start` and before `end`, in order."""
        at = self.next_handover(start)
        while at < end:
            yield at
            at = self.next_handover(at)

    def _member(self, number: int) -> UUID:
        return self.members[number % len(self.members)]

    def _handover(self, number: int) -> datetime:
        """The beginning of a shift, the first of which is 0.

        A time that the clocks leave out is taken an hour later, one that they show twice the first time.
        """
        zone = ZoneInfo(self.timezone)
        local = self.first_handover.astimezone(zone).replace(tzinfo=None)
        return (local + timedelta(days=number * self.shift_days)).replace(tzinfo=zone).astimezone(UTC)

    def _number(self, now: datetime) -> int:
        zone = ZoneInfo(self.timezone)
        days = (now.astimezone(zone).date() - self.first_handover.astimezone(zone).date()).days
        number = max(days // self.shift_days, 0)
        return number - 1 if number and self._handover(number) > now else number


def instant(local: datetime, zone: str, *, last: bool = False) -> datetime:
    """The instant (UTC) of a local date and time; of one that the clocks show twice the first, or the last.

    One that they leave out is an hour later on the clock.
    """
    first, second = (local.replace(tzinfo=ZoneInfo(zone), fold=fold) for fold in (0, 1))
    twice = second.astimezone(UTC) > first.astimezone(UTC)
    return (second if last and twice else first).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of a week on the local clock: on these days (0 is Monday) from `start` to `end`.

    Where `end` is no later than `start`, it is that of the day after.
    """

    days: frozenset[int]
    start: time
    end: time

    def spans(self, zone: str, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Each time these hours come (UTC) that touches the time from `start` to `end`."""
        day = start.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)
        while day <= end.astimezone(ZoneInfo(zone)).date():
            span = self._on(day, zone)
            if day.weekday() in self.days and span[0] < span[1] and span[0] <= end and start <= span[1]:
                yield span
            day += timedelta(days=1)

    def _on(self, day: date, zone: str) -> tuple[datetime, datetime]:
        following = day + timedelta(days=1) if self.end <= self.start else day
        begin, end = datetime.combine(day, self.start), datetime.combine(following, self.end)
        return instant(begin, zone), instant(end, zone)


@dataclass(frozen=True, slots=True)
class Layer:
    """One rotation of a schedule: who takes turns, in which hours (none: all), from when to when."""

    id: UUID
    turns: Turns
    windows: Sequence[Window] = ()
    begins_at: datetime | None = None
    ends_at: datetime | None = None

    def turn(self, at: datetime) -> tuple[UUID, int] | None:
        """Whose turn it is and which; None outside its hours and its time."""
        if (self.begins_at and at < self.begins_at) or (self.ends_at and at >= self.ends_at):
            return None
        if self.windows and not any(
            begin <= at < end
            for window in self.windows
            for begin, end in window.spans(self.turns.timezone, at, at)
        ):
            return None
        return self.turns.turn(at)

    def edges(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Every instant from `start` to `end` at which it may become somebody else's turn."""
        if self.turns.members:
            yield from self.turns.handovers(start, end)
        for window in self.windows:
            for span in window.spans(self.turns.timezone, start, end):
                yield from span
        yield from (each for each in (self.begins_at, self.ends_at) if each)
