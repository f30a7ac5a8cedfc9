"""Who is on call at a moment: people take turns, handing over at the same local time of day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Shift:
    """One person's turn, from an instant to the next handover."""

    member: UUID
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Turns:
    """A rotation: members in order, each for `shift_days`, from `first_handover` (aware) on."""

    members: Sequence[UUID]
    first_handover: datetime
    shift_days: int
    timezone: str

    def on_call(self, now: datetime) -> UUID | None:
        """Whose shift covers `now`, or None when nobody is in the rotation.

        Days are counted in the rotation's own zone, so that a handover at nine stays at nine when
        the clocks change. Before the first handover the first member is on call.
        """
        if not self.members:
            return None
        zone = ZoneInfo(self.timezone)
        start, local = self.first_handover.astimezone(zone), now.astimezone(zone)
        days = (local.date() - start.date()).days
        if local.time() < start.time():
            days -= 1
        return self.members[max(days, 0) // self.shift_days % len(self.members)]

    def next_handover(self, now: datetime) -> datetime:
        """The next instant at which the shift changes, in the rotation's zone."""
        zone = ZoneInfo(self.timezone)
        start, local = self.first_handover.astimezone(zone), now.astimezone(zone)
        elapsed = max((local.date() - start.date()).days, 0) // self.shift_days
        for shift in (elapsed, elapsed + 1):
            change = start.replace(tzinfo=None) + timedelta(days=shift * self.shift_days)
            if (aware := change.replace(tzinfo=zone)) > now:
                return aware
        raise AssertionError("A handover always follows.")

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
