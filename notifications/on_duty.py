"""Whose turn it is: who is on call, by the rota and what people changed in it; and who was, by the record.

What follows from the rotations holds from `Schedule.kept_until` on. What came before stands on record: the
clock keeps it, and so does every edit before it changes anything, so that no edit rewrites the past.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import select, update

from accounts.models import StaffMember
from accounts.permissions import pageable
from foundation.database import changed, db, insert_rows, new_id
from foundation.errors import Invalid
from notifications.models import OnCallRecord, Override, Rotation, Schedule
from notifications.rules import plan as rules
from notifications.rules.oncall import Layer, Turns, Window, named_for
from notifications.rules.plan import Plan, Stretch


@dataclass(frozen=True, slots=True)
class Gap:
    """Nobody is on duty in a schedule (its id, name and zone) from `start` to `end`."""

    schedule: UUID
    name: str
    start: datetime
    end: datetime
    timezone: str


def schedules(organisation_id: UUID) -> list[Schedule]:
    """The schedules of an organisation, by name; those retired are none."""
    mine = Schedule.organisation_id == organisation_id, Schedule.retired_at.is_(None)
    return list(db.session.scalars(select(Schedule).where(*mine).order_by(Schedule.name)))


def schedules_at(organisation_id: UUID, at: datetime) -> list[Schedule]:
    """The schedules there were, are or will be at a moment, by name: with those that were retired later."""
    there = Schedule.retired_at.is_(None) | (Schedule.retired_at > at)
    mine = select(Schedule).where(Schedule.organisation_id == organisation_id, there)
    return list(db.session.scalars(mine.order_by(Schedule.name, Schedule.id)))


def lines(organisation_id: UUID) -> list[Schedule]:
    """The schedules that are paged, the first line first.

    Those that are named for a role of an incident, such as "Legal", are no line of those on call, unless
    there is no other.
    """
    found = schedules(organisation_id)
    return [each for each in found if named_for(each.name) is None] or found


def on_call(organisation_id: UUID, at: datetime) -> list[UUID]:
    """Who is on call at a moment, past or to come, the first line's person first."""
    found = [each for people in holders_of(lines(organisation_id), at).values() for each in people]
    return list(dict.fromkeys(found))


def holders(schedule_id: UUID, at: datetime) -> list[UUID]:
    """Who is on duty in a schedule at a moment; nobody where there is no such schedule, or a gap."""
    schedule = db.session.get(Schedule, schedule_id)
    return holders_of([schedule], at)[schedule_id] if schedule else []


def holders_of(those: Sequence[Schedule], at: datetime) -> dict[UUID, list[UUID]]:
    """Who is on duty at a moment, by schedule, in a few queries for all."""
    past = {each.id for each in those if is_on_record(each, at)}
    kept = _records(past, at, at)
    plans = _plans([each for each in those if each.id not in past], at, at)
    found: dict[UUID, list[UUID]] = {}
    for each in those:
        if each.id in past:
            found[each.id] = [one.member for one in sorted(kept.get(each.id, ()), key=lambda one: one.place)]
        else:
            found[each.id] = [] if each.retired_at else [held.member for held in plans[each.id].at(at)]
    return found


def is_on_record(schedule: Schedule, at: datetime) -> bool:
    """Whether it stands on record who was on duty then."""
    return bool(schedule.kept_from and schedule.kept_until and schedule.kept_from <= at < schedule.kept_until)


def stretches(those: Sequence[Schedule], start: datetime, end: datetime) -> dict[UUID, list[Stretch]]:
    """Who was, is and will be on duty from `start` to `end`, by schedule, each stretch whole."""
    kept, plans = _records({each.id for each in those}, start, end), _plans(those, start, end)
    return {
        each.id: [
            one
            for one in _whole(each, kept.get(each.id, []), plans[each.id].stretches(start, end))
            if one.start < end and one.end > start
        ]
        for each in those
    }


def laid_down(organisation_id: UUID) -> list[tuple[str, int, list[str]]]:
    """What people decided about the rota: of each schedule its name, how often it was edited, its overrides.

    The same until somebody changes something, however much time passes.
    """
    those = schedules(organisation_id)
    mine = Override.schedule_id.in_([each.id for each in those]), Override.cancelled_at.is_(None)
    changes = db.session.execute(select(Override.schedule_id, Override.id).where(*mine).order_by(Override.id))
    made = [(schedule_id, str(override_id)) for schedule_id, override_id in changes]
    return [(each.name, each.version, [one for of, one in made if of == each.id]) for each in those]


def _whole(schedule: Schedule, kept: Sequence[Stretch], planned: Sequence[Stretch]) -> list[Stretch]:
    """The record where there is one, and what follows from the rotations before and after it."""
    if not planned or not schedule.kept_from or not schedule.kept_until:
        return [*kept] or [*planned]
    earliest, latest = min(each.start for each in planned), max(each.end for each in planned)
    before = rules.cut(planned, earliest, min(schedule.kept_from, latest))
    after = [] if schedule.retired_at else rules.cut(planned, max(schedule.kept_until, earliest), latest)
    return rules.joined([*before, *kept, *after])


def gaps(organisation_id: UUID, start: datetime, end: datetime) -> list[Gap]:
    """Where nobody is on duty from `start` to `end`, in the schedules that are paged, the earliest first."""
    those = lines(organisation_id)
    found = stretches(those, start, end)
    return sorted(
        (
            Gap(each.id, each.name, *hole, each.timezone)
            for each in those
            for hole in rules.holes(found[each.id], start, end)
        ),
        key=lambda gap: (gap.start, gap.name),
    )


# --- what a schedule is made of --------------------------------------------------------------------


def rotations(schedule_id: UUID) -> list[Rotation]:
    """The rotations of a schedule in their order: the first that has anybody at a moment counts."""
    mine = select(Rotation).where(Rotation.schedule_id == schedule_id)
    return list(db.session.scalars(mine.order_by(Rotation.position, Rotation.id)))


def plan(schedule: Schedule, start: datetime, end: datetime) -> Plan:
    """The pure view of a schedule, with the overrides that touch the time from `start` to `end`."""
    return _plans([schedule], start, end)[schedule.id]


def _plans(those: Sequence[Schedule], start: datetime, end: datetime) -> dict[UUID, Plan]:
    if not those:
        return {}
    ids = [each.id for each in those]
    layers: dict[UUID, list[Layer]] = {each: [] for each in ids}
    found = select(Rotation).where(Rotation.schedule_id.in_(ids)).order_by(Rotation.position, Rotation.id)
    zones = {each.id: each.timezone for each in those}
    for row in db.session.scalars(found):
        if row.schedule_id:
            layers[row.schedule_id].append(layer(row, zones[row.schedule_id]))
    overrides: dict[UUID, list[rules.Override]] = {each: [] for each in ids}
    in_force = select(Override).where(
        Override.schedule_id.in_(ids), Override.cancelled_at.is_(None), Override.ends_at > start,
        Override.starts_at <= end,
    )  # fmt: skip
    for each in db.session.scalars(in_force.order_by(Override.starts_at, Override.id)):
        overrides[each.schedule_id].append(pure(each))
    gone = _absent(those[0].organisation_id, layers.values(), overrides.values())
    return {each: Plan(layers[each], overrides[each], gone) for each in ids}


def _absent(
    organisation_id: UUID, layers: Iterable[Sequence[Layer]], overrides: Iterable[Sequence[rules.Override]]
) -> frozenset[UUID]:
    """Of those whom the rota names, who is not here any more, or may not be paged."""
    named = {one for some in layers for each in some for one in each.turns.members}
    named |= {one for some in overrides for each in some for one in each.people}
    here = select(StaffMember.id).where(StaffMember.organisation_id == organisation_id, pageable())
    return frozenset(named - set(db.session.scalars(here)))


def layer(rotation: Rotation, timezone: str) -> Layer:
    """The pure view of a rotation in the zone (IANA) of its schedule."""
    members = tuple(UUID(each) for each in rotation.members)
    turns = Turns(members, rotation.first_handover, rotation.shift_days, timezone)
    windows = tuple(map(window, rotation.windows or ()))
    return Layer(rotation.id, turns, windows, rotation.begins_at, rotation.ends_at)


def window(stored: Mapping[str, object]) -> Window:
    """Hours of a week as they are stored: {"days": [0, 4], "start": "17:00", "end": "08:00"}."""
    days = stored["days"]
    return Window(
        frozenset(days if isinstance(days, list) else ()), time.fromisoformat(str(stored["start"])),
        time.fromisoformat(str(stored["end"])),
    )  # fmt: skip


def pure(row: Override) -> rules.Override:
    """The pure view of an override."""
    return rules.Override(row.id, row.change, row.before_id, row.after_id, row.starts_at, row.ends_at)


def add_rotation(*, organisation_id: UUID, name: str, timezone: str, first_handover: datetime,
                 shift_days: int, members: Sequence[UUID]) -> UUID:  # fmt: skip
    """Make a schedule of one rotation and return its id; `first_handover` is an aware instant.

    Raises: Invalid when nobody is in it, or a shift is shorter than a day.
    """
    if not members:
        raise Invalid(_("Nobody is in this rotation."), next_step=_("Name at least one colleague."))
    if shift_days < 1:
        raise Invalid(_("A shift lasts a day at least."), next_step=_("Give it one day or more."))
    made = new_id()
    db.session.add(Schedule(id=made, organisation_id=organisation_id, name=name, timezone=timezone))
    db.session.flush()
    rotation = Rotation(
        id=made, organisation_id=organisation_id, schedule_id=made, name=name, timezone=timezone,
        first_handover=first_handover, shift_days=shift_days, members=[str(each) for each in members],
    )  # fmt: skip
    db.session.add(rotation)
    return made


# --- the record ------------------------------------------------------------------------------------


def _records(those: Collection[UUID], start: datetime, end: datetime) -> dict[UUID, list[Stretch]]:
    found: dict[UUID, list[Stretch]] = {}
    if those:
        mine = select(OnCallRecord).where(
            OnCallRecord.schedule_id.in_(those), OnCallRecord.ends_at > start, OnCallRecord.starts_at <= end
        )
        for row in db.session.scalars(mine.order_by(OnCallRecord.starts_at, OnCallRecord.place)):
            one = Stretch(row.staff_id, row.source, row.place, row.starts_at, row.ends_at)
            found.setdefault(row.schedule_id, []).append(one)
    return found


def unkept(now: datetime) -> list[UUID]:
    """The schedules whose record ends before now."""
    behind = Schedule.kept_until.is_(None) | (Schedule.kept_until < now)
    return list(db.session.scalars(select(Schedule.id).where(Schedule.retired_at.is_(None), behind)))


def keep(schedule_id: UUID, *, now: datetime) -> Schedule | None:
    """Put on record who was on duty since the record ended, until now; None for a schedule that is none.

    Takes the whole interval, however long nobody kept it. Locks the schedule, so that of two at once the
    second finds nothing left to do. Whoever edits a schedule calls this first, in the same transaction.
    """
    schedule = db.session.scalars(
        select(Schedule).where(Schedule.id == schedule_id).with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()  # fmt: skip
    if schedule is None or schedule.retired_at:
        return None
    if schedule.kept_from is None or schedule.kept_until is None:
        schedule.kept_from = schedule.kept_until = now
    elif schedule.kept_until < now:
        since = schedule.kept_until
        for each in rules.cut(plan(schedule, since, now).stretches(since, now), since, now):
            _keep(schedule, each)
        schedule.kept_until = now
    db.session.flush()
    return schedule


def _keep(schedule: Schedule, each: Stretch) -> None:
    """Let the record of a stretch go on, or begin."""
    going_on = (
        OnCallRecord.schedule_id == schedule.id, OnCallRecord.staff_id == each.member,
        OnCallRecord.source == each.source, OnCallRecord.place == each.place,
        OnCallRecord.ends_at == each.start,
    )  # fmt: skip
    if not changed(update(OnCallRecord).where(*going_on).values(ends_at=each.end)):
        insert_rows(
            OnCallRecord,
            {
                "id": new_id(), "organisation_id": schedule.organisation_id, "schedule_id": schedule.id,
                "staff_id": each.member, "source": each.source, "place": each.place,
                "starts_at": each.start, "ends_at": each.end,
            },
        )  # fmt: skip
