"""The rota as people look at it: who is on call now and next, the coming weeks, the ladder of a page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from accounts import people
from accounts.models import Role, StaffMember
from foundation.database import db
from notifications import paging
from notifications.models import Channel, ContactMethod, EscalationPolicy, Rotation
from notifications.rules.oncall import Shift

WEEKS = timedelta(weeks=4)


@dataclass(frozen=True, slots=True)
class Bar:
    """A shift in the picture: where it begins and how long it is, in thousandths of the whole."""

    name: str
    number: int  # of the person, for its colour
    start: datetime
    end: datetime
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class Row:
    """One rotation: who now, who next, and its shifts."""

    name: str
    timezone: str
    now: Bar
    next: Bar | None
    bars: list[Bar]


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the escalation policy: whom it pages, and how long it waits for an answer."""

    names: list[str]
    minutes: int


@dataclass(frozen=True, slots=True)
class Reach:
    """How a colleague can be reached: how many ways, without the addresses."""

    name: str
    sms: int
    email: int
    stopped: int


@dataclass(frozen=True, slots=True)
class Picture:
    """All that the page of the rota shows of an organisation."""

    start: datetime
    rows: list[Row]
    ladder: list[Rung]
    reach: list[Reach]
    weeks: list[tuple[int, datetime]]


def picture(organisation_id: UUID, now: datetime) -> Picture:
    """The rota of an organisation, from `now` on for four weeks."""
    names = {each.id: each.name for each in people.staff_of(organisation_id)}
    rotations = db.session.scalars(
        select(Rotation).where(Rotation.organisation_id == organisation_id).order_by(Rotation.name)
    ).all()
    rows = [row for each in rotations if (row := _row(each, names, now))]
    steps = _steps(organisation_id, now)
    ladder = [Rung([each.name for each in whom], step.get("minutes", 5)) for step, whom in steps]
    listed = {UUID(member) for each in rotations for member in each.members}
    listed |= {person.id for _step, whom in steps for person in whom}
    weeks = [(i * 250, now + timedelta(weeks=i)) for i in range(4)]
    return Picture(now, rows, ladder, _reach(organisation_id, listed), weeks)


def _row(rotation: Rotation, names: dict[UUID, str], now: datetime) -> Row | None:
    turns = paging.turns(rotation)
    order = list(dict.fromkeys(turns.members))
    bars = [_bar(shift, names, order.index(shift.member), now) for shift in turns.shifts(now, now + WEEKS)]
    if not bars:
        return None
    return Row(rotation.name, rotation.timezone, bars[0], bars[1] if len(bars) > 1 else None, bars)


def _bar(shift: Shift, names: dict[UUID, str], number: int, now: datetime) -> Bar:
    x = max(round((shift.start - now) / WEEKS * 1000), 0)
    end = min(round((shift.end - now) / WEEKS * 1000), 1000)
    return Bar(names.get(shift.member, "?"), number % 6, shift.start, shift.end, x, end - x)


def _steps(organisation_id: UUID, now: datetime) -> list[tuple[dict[str, Any], Sequence[StaffMember]]]:
    policy = db.session.scalars(
        select(EscalationPolicy)
        .where(EscalationPolicy.organisation_id == organisation_id)
        .order_by(EscalationPolicy.name)
    ).first()
    steps = policy.steps if policy and policy.steps else paging.BACKSTOP
    return [(step, paging.people_of(organisation_id, step, now)) for step in steps]


def _reach(organisation_id: UUID, listed: Iterable[UUID]) -> list[Reach]:
    methods = db.session.scalars(
        select(ContactMethod).where(ContactMethod.organisation_id == organisation_id)
    ).all()
    wanted = set(listed)
    chosen = [
        each for each in people.staff_of(organisation_id)
        if each.active and (each.id in wanted or each.role in (Role.RESPONDER, Role.DPO))
    ]  # fmt: skip
    return [_reach_of(person.name, [m for m in methods if m.staff_id == person.id]) for person in chosen]


def _reach_of(name: str, methods: Sequence[ContactMethod]) -> Reach:
    open_ways = [each.channel for each in methods if each.opted_out_at is None]
    sms, email = open_ways.count(Channel.SMS), open_ways.count(Channel.EMAIL)
    return Reach(name, sms, email, stopped=len(methods) - len(open_ways))


def own_ways(staff_id: UUID) -> list[ContactMethod]:
    """A person's own numbers and addresses; shown to that person alone."""
    mine = ContactMethod.staff_id == staff_id
    return list(db.session.scalars(select(ContactMethod).where(mine).order_by(ContactMethod.position)))
