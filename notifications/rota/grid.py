"""The calendar of the rota as it is drawn: rows of days, and on them who is on duty, in parts of the width.

A day is as wide as any other, also one of 23 or 25 hours: an instant stands where it falls in its own day.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

from accounts import people
from accounts.models import StaffMember
from notifications import on_duty
from notifications.models import Schedule
from notifications.rota import hints
from notifications.rules.oncall import instant, named_for
from notifications.rules.plan import Stretch, cut, holes, joined

COLOURS = 8
WIDE, NARROW = 22.0, 9.0  # per cent of a row from which a whole name fits on any screen, and where none does


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the picture; colours repeat after some, hence names and initials stand there too."""

    id: UUID
    name: str
    initials: str
    colour: int
    mine: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of duty in a row, or a gap where `person` is None; x and width in per cent of the row."""

    person: Person | None
    start: datetime
    end: datetime
    x: float
    width: float
    place: int  # beside how many others it lies
    overridden: bool

    @property
    def size(self) -> str:
        """How much of a name has room."""
        return "wide" if self.width >= WIDE else "narrow" if self.width < NARROW else "mid"


@dataclass(frozen=True, slots=True)
class Track:
    """One schedule in one row; `depth` is how many lie beside each other."""

    schedule_id: UUID
    name: str
    timezone: str
    depth: int
    bars: list[Bar]


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a row."""

    day: date
    start: datetime
    holiday: str
    today: bool
    outside: bool  # of the month that is shown
    weekend: bool
    x: float


@dataclass(frozen=True, slots=True)
class Row:
    """Some days beside each other; `now` is where this moment stands in them, if it does."""

    days: list[Day]
    tracks: list[Track]
    now: float | None


@dataclass(frozen=True, slots=True)
class Grid:
    """A calendar: its rows, who is in it, and from which day the ones before and after it are."""

    view: str
    day: date
    rows: list[Row]
    people: list[Person]
    before: date
    after: date


def of(
    reader: StaffMember, view: str, day: date, *, now: datetime, only: UUID | None = None
) -> Grid:  # fmt: skip
    """The calendar around a day: the `month`, the `week`, or the next days as a `strip`.

    In the zone of the reader's organisation; of one schedule when `only` names it.
    """
    organisation = reader.organisation
    those = [each for each in on_duty.schedules(organisation.id) if only in (None, each.id)]
    rows, before, after = _days(view, day)
    zone = organisation.timezone
    start, end = _midnight(rows[0][0], zone), _midnight(rows[-1][-1] + timedelta(days=1), zone)
    found = on_duty.stretches(those, start, end)
    cast = _people(reader, found.values())
    names = hints.between(organisation.country, rows[0][0], rows[-1][-1], reader.locale)
    drawing = _Drawing(those, found, cast, names, zone, day, now)
    drawn = [drawing.row(days) for days in rows]
    return Grid(view, day, drawn, sorted(cast.values(), key=lambda each: each.name), before, after)


def _days(view: str, day: date) -> tuple[list[list[date]], date, date]:
    """The days of each row, and a day in the calendars before and after."""
    week = day - timedelta(days=day.weekday())
    if view == "week":
        return [[week + timedelta(days=n)] for n in range(7)], week - timedelta(7), week + timedelta(7)
    if view == "strip":
        return [[day + timedelta(days=n) for n in range(14)]], day - timedelta(14), day + timedelta(14)
    first = day.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    at, rows = first - timedelta(days=first.weekday()), []
    while at < following:
        rows.append([at + timedelta(days=n) for n in range(7)])
        at += timedelta(days=7)
    return rows, (first - timedelta(days=1)).replace(day=1), following


def _midnight(day: date, zone: str) -> datetime:
    return instant(datetime.combine(day, time()), zone)


def _people(reader: StaffMember, found: Iterable[Sequence[Stretch]]) -> Mapping[UUID, Person]:
    seen = {each.member for stretches in found for each in stretches}
    staff = [each for each in people.staff_of(reader.organisation_id) if each.id in seen]
    return {each.id: person(each, n, reader) for n, each in enumerate(staff)}


def person(each: StaffMember, number: int, reader: StaffMember) -> Person:
    """Somebody as the picture shows them to a reader, the `number`th by name."""
    words = each.name.split()
    initials = "".join(word[0] for word in (words[0], words[-1])[: len(words)]).upper()
    return Person(each.id, each.name, initials, number % COLOURS, each.id == reader.id)


@dataclass(frozen=True, slots=True)
class _Drawing:
    """What every row is drawn of."""

    those: Sequence[Schedule]
    found: Mapping[UUID, list[Stretch]]
    cast: Mapping[UUID, Person]
    names: Mapping[date, str]
    zone: str
    shown: date
    now: datetime

    def row(self, days: list[date]) -> Row:
        """Some days and who is on duty on them."""
        edges = [_midnight(day, self.zone) for day in [*days, days[-1] + timedelta(days=1)]]
        drawn = [self._day(day, edges[n], 100 * n / len(days)) for n, day in enumerate(days)]
        tracks = [_track(each, self.found[each.id], self.cast, edges) for each in self.those]
        here = edges[0] <= self.now < edges[-1]
        return Row(drawn, tracks, _place(self.now, edges) if here else None)

    def _day(self, day: date, start: datetime, x: float) -> Day:
        today = self.now.astimezone(ZoneInfo(self.zone)).date()
        return Day(
            day, start, self.names.get(day, ""), day == today, day.month != self.shown.month,
            day.weekday() >= 5, round(x, 3),
        )  # fmt: skip


def _track(
    schedule: Schedule, found: Sequence[Stretch], cast: Mapping[UUID, Person], edges: list[datetime]
) -> Track:
    start, end = edges[0], edges[-1]
    # Turns of one person after another are drawn as one.
    shown = [each if each.overridden else replace(each, source="") for each in found]
    parts = cut(joined(shown), start, end)
    known = max(start, schedule.kept_from or start)  # before it nobody knows of a gap
    bars = [_bar(cast.get(each.member), each, edges, each.place) for each in parts]
    if named_for(schedule.name) is None:
        bars += [
            _bar(None, Stretch(schedule.id, "", 0, *hole), edges, 0) for hole in holes(parts, known, end)
        ]
    bars.sort(key=lambda bar: (bar.start, bar.place))
    depth = 1 + max((bar.place for bar in bars), default=0)
    return Track(schedule.id, schedule.name, schedule.timezone, depth, bars)


def _bar(whose: Person | None, part: Stretch, edges: list[datetime], place: int) -> Bar:
    x = _place(part.start, edges)
    return Bar(whose, part.start, part.end, x, round(_place(part.end, edges) - x, 3), place, part.overridden)


def _place(at: datetime, edges: Sequence[datetime]) -> float:
    """Where an instant stands between the first and the last edge, in per cent; every day is as wide."""
    for n, (begin, until) in enumerate(pairwise(edges)):
        if at <= until:
            return round(100 * (n + max((at - begin) / (until - begin), 0)) / (len(edges) - 1), 3)
    return 100.0
