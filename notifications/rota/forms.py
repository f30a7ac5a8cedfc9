"""What people type about the rota: kept as typed, and read with all its faults at once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from foundation.errors import Invalid
from notifications.models import Rotation
from notifications.rota.editing import Draft
from notifications.rota.overrides import Wanted
from notifications.rules.oncall import instant
from notifications.rules.plan import Change

LENGTHS = {"daily": 1, "weekly": 7}  # days of a turn; "days" says them itself, and so does "hours"
HANDOVER = "09:00"
LONGEST_TURN = 92  # days
WINDOWS = 6  # rows of hours at most
SPARE = 2  # empty rows for further people
FIRST_YEAR, LAST_YEAR = 2000, 2200

Typed = MultiDict[str, str]


@dataclass
class Hours:
    """One row of hours as typed."""

    days: list[str] = field(default_factory=list)
    start: str = ""
    end: str = ""

    @property
    def empty(self) -> bool:
        """Whether nothing was typed."""
        return not (self.days or self.start or self.end)


@dataclass
class RotationForm:
    """A rotation as typed; dates are ISO 8601, times "HH:MM", both in the schedule's zone."""

    name: str = ""
    kind: str = "weekly"
    days: str = "7"
    first: str = ""
    handover: str = HANDOVER
    until: str = ""
    members: list[str] = field(default_factory=list)
    hours: list[Hours] = field(default_factory=list)

    @classmethod
    def blank(cls, timezone: str, now: datetime) -> "RotationForm":
        """The form of a new rotation: a week each, from this Monday on."""
        today = now.astimezone(ZoneInfo(timezone)).date()
        return cls(first=(today - timedelta(days=today.weekday())).isoformat())

    @classmethod
    def of(cls, row: Rotation, timezone: str) -> "RotationForm":
        """The form of a rotation that is there."""
        first = row.first_handover.astimezone(ZoneInfo(timezone))
        hours = [
            Hours([str(day) for day in each["days"]], each["start"], each["end"])
            for each in row.windows or ()
        ]
        kinds = {days: kind for kind, days in LENGTHS.items()}
        return cls(
            row.name, "hours" if hours else kinds.get(row.shift_days, "days"), str(row.shift_days),
            first.date().isoformat(), f"{first:%H:%M}",
            row.ends_at.astimezone(ZoneInfo(timezone)).date().isoformat() if row.ends_at else "",
            list(row.members), hours,
        )  # fmt: skip

    @classmethod
    def typed(cls, form: Typed) -> "RotationForm":
        """The form as it came."""
        hours = [
            Hours(form.getlist(f"days_{n}"), form.get(f"start_{n}", ""), form.get(f"end_{n}", ""))
            for n in range(WINDOWS)
        ]
        members = [each for each in form.getlist("member") if each]
        names = ("name", "kind", "days", "first", "handover", "until")
        words = {name: form.get(name, "").strip() for name in names}
        return cls(**words, members=members, hours=[each for each in hours if not each.empty])

    @property
    def rows(self) -> list[Hours]:
        """The rows of hours to show: those that are typed and one more."""
        return [*self.hours, Hours()][:WINDOWS]

    def draft(self, timezone: str, known: Iterable[UUID]) -> Draft:
        """What is to be kept, in the zone (IANA) of the schedule. Raises: Invalid naming every fault."""
        faults: list[str] = []
        if not self.name or len(self.name) > 80:
            faults.append(_("Give the rotation a name of at most 80 signs."))
        members = _members(self.members, set(known), faults)
        days = self._days(faults)
        first, handover = _date(self.first), _time(self.handover)
        until = _date(self.until)
        if first is None or handover is None:
            faults.append(_("Say on which day and at what time it hands over for the first time."))
        if self.until and (until is None or (first and until <= first)):
            faults.append(_("It ends on a day after its first one."))
        windows = self._windows(faults)
        if faults or first is None or handover is None:
            raise Invalid(" ".join(faults))
        begin = instant(datetime.combine(first, handover), timezone)
        end = instant(datetime.combine(until, handover), timezone) if until else None
        return Draft(self.name, members, begin, days, windows, begin, end)

    def _days(self, faults: list[str]) -> int:
        if self.kind in LENGTHS:
            return LENGTHS[self.kind]
        if self.days.isdecimal() and 1 <= int(self.days) <= LONGEST_TURN:
            return int(self.days)
        faults.append(_("A turn lasts from 1 to %(most)s days.", most=LONGEST_TURN))
        return 1

    def _windows(self, faults: list[str]) -> list[dict[str, Any]]:
        if self.kind != "hours":
            return []
        found = []
        for each in self.hours:
            start, end = _time(each.start), _time(each.end)
            days = sorted({int(day) for day in each.days if day in tuple("0123456")})
            if start is None or end is None or not days:
                faults.append(_("Every row of hours has days, a beginning and an end."))
            else:
                found.append({"days": days, "start": f"{start:%H:%M}", "end": f"{end:%H:%M}"})
        if not self.hours:
            faults.append(_("Say in which hours this rotation is on duty."))
        return found


def _members(typed: Iterable[str], known: set[UUID], faults: list[str]) -> list[UUID]:
    ids = [identity(one) for one in typed]
    found = [each for each in ids if each is not None and each in known]
    if not found:
        faults.append(_("Name at least one colleague."))
    if len(found) != len(ids):
        faults.append(_("There is no such colleague."))
    return found


@dataclass
class OverrideForm:
    """A change for a time as typed; `start` and `end` are local, as a browser sends them."""

    change: str = Change.REPLACE.value
    before: str = ""
    after: str = ""
    start: str = ""
    end: str = ""
    reason: str = ""

    @classmethod
    def typed(cls, form: Typed) -> "OverrideForm":
        """The form as it came; parts that are missing are as in a blank one."""
        blank = cls()
        return cls(**{name: form.get(name, getattr(blank, name)).strip() for name in cls.__annotations__})

    def wanted(self, timezone: str) -> Wanted:
        """What is to be made, in the zone (IANA) of the schedule. Raises: Invalid naming every fault.

        Of an hour that the clocks show twice a beginning is the first, an end the last.
        """
        start, end = local(self.start, timezone), local(self.end, timezone, last=True)
        faults = []
        if self.change not in tuple(Change):
            faults.append(_("Choose what is to change."))
        if start is None or end is None:
            faults.append(_("Say from when to when, with date and time."))
        if faults or start is None or end is None:
            raise Invalid(" ".join(faults))
        change = Change(self.change)
        before = None if change is Change.ADD else identity(self.before)
        after = None if change is Change.REMOVE else identity(self.after)
        return Wanted(change, before, after, start, end, self.reason)


def schedule(form: Typed) -> tuple[str, str]:
    """Name and zone of a schedule. Raises: Invalid naming every fault."""
    name, zone = form.get("name", "").strip(), form.get("timezone", "").strip()
    faults = []
    if not name or len(name) > 80:
        faults.append(_("Give the schedule a name of at most 80 signs."))
    if zone not in available_timezones():
        faults.append(_("There is no such time zone: it is named like Europe/Copenhagen."))
    if faults:
        raise Invalid(" ".join(faults))
    return name, zone


def local(text: str, timezone: str, *, last: bool = False) -> datetime | None:
    """A local date and time, as "2026-12-24T03:00", as an instant; None for what is none."""
    try:
        typed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant(typed.replace(tzinfo=None), timezone, last=last) if in_a_calendar(typed) else None


def in_a_calendar(day: date) -> bool:
    """Whether a day is of a year that is meant: not what a slip of the finger makes of one."""
    return FIRST_YEAR <= day.year <= LAST_YEAR


def identity(text: str) -> UUID | None:
    """An id, or None for what is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _date(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if in_a_calendar(found) else None


def _time(text: str) -> time | None:
    try:
        return time.fromisoformat(text).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError:
        return None
