"""What board and incident page show: gathered with a fixed number of queries, decided nowhere here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from accounts.permissions import Permission, current_staff, may
from foundation.database import db
from incident import decisions, doubts
from incident.access import visible_incidents
from incident.models import Clock, Decision, Incident, Processor, Report, ReportState
from incident.rules.lifecycle import State
from notifications import delivery, paging
from playbooks import runs
from playbooks.runs import StepView

OPEN = (State.REPORTED, State.CONFIRMED)
LAW = ("authority_notification", "notice_to_controller")
PROMISES = ("own_promise_authority", "own_promise_subjects")
SOON = timedelta(hours=24)
MOST_CLOSED = 10


@dataclass(frozen=True, slots=True)
class Row:
    """One incident on the board."""

    incident: Incident
    processor: str | None
    law: Clock | None
    promise: Clock | None
    next_step: StepView | None
    unreached: int
    nobody_has: bool
    doubted: bool  # what was told holds what cannot be so, and no person has cleared it up


@dataclass(frozen=True, slots=True)
class Waiting:
    """A decision that waits for a second person, for somebody who can be that person."""

    incident: Incident
    decision: Decision


@dataclass(frozen=True, slots=True)
class Board:
    """The board and its counts; all of them of incidents that the reader may see."""

    rows: list[Row]
    over: list[Incident]
    within_a_day: int
    overdue: int
    nobody_has: int
    faulty_reports: int
    waiting: list[Waiting]


def board(now: datetime) -> Board:
    """Open incidents by time left, with what is next and what went wrong."""
    incidents = list(
        db.session.scalars(
            visible_incidents()
            .where(Incident.state.in_(OPEN))
            .order_by(Incident.next_due_at.is_(None), Incident.next_due_at, Incident.number)
        )
    )
    rows = _rows(incidents)
    due = [each.next_due_at for each in incidents if each.next_due_at]
    return Board(
        rows=rows, over=_lately_over(), within_a_day=sum(now <= each <= now + SOON for each in due),
        overdue=sum(each < now for each in due), nobody_has=sum(row.nobody_has for row in rows),
        faulty_reports=faulty_reports(), waiting=_waiting(),
    )  # fmt: skip


def _waiting() -> list[Waiting]:
    """What waits for the reader to agree to it; nothing for those who cannot."""
    staff = current_staff()
    if not may(staff, Permission.AGREE_TO_DECISION):
        return []
    return [
        Waiting(incident, decision) for incident, decision in decisions.waiting_in(visible_incidents())
        if decisions.hindrance(decision, staff) is None
    ]  # fmt: skip


def _rows(incidents: Sequence[Incident]) -> list[Row]:
    abouts = [each.chain for each in incidents]
    clocks = _clocks([each.id for each in incidents])
    names = processor_names([each.processor_id for each in incidents if each.processor_id])
    steps, unreached = runs.next_steps(abouts), delivery.unreached_counts(abouts)
    waiting, doubted = paging.nobody_has(abouts), doubts.marked(incidents)
    return [
        Row(
            incident=each, processor=names.get(each.processor_id) if each.processor_id else None,
            law=first_of(clocks.get(each.id, []), LAW), promise=first_of(clocks.get(each.id, []), PROMISES),
            next_step=steps.get(each.chain), unreached=unreached.get(each.chain, 0),
            nobody_has=each.chain in waiting, doubted=each.id in doubted,
        )
        for each in incidents
    ]  # fmt: skip


def _clocks(incident_ids: Sequence[UUID]) -> dict[UUID, list[Clock]]:
    found: dict[UUID, list[Clock]] = {}
    for clock in db.session.scalars(select(Clock).where(Clock.incident_id.in_(incident_ids))):
        found.setdefault(clock.incident_id, []).append(clock)
    return found


def first_of(clocks: Sequence[Clock], kinds: Sequence[str]) -> Clock | None:
    """Of these kinds the clock to look at: running before stopped, then the earliest end."""
    mine = [each for each in clocks if each.kind in kinds]
    mine.sort(key=lambda each: (each.stopped_at is not None, each.due_at is None, each.due_at or 0))
    return next(iter(mine), None)


def processor_names(ids: Sequence[UUID]) -> dict[UUID, str]:
    """Names of processors by id."""
    rows = db.session.execute(select(Processor.id, Processor.name).where(Processor.id.in_(ids)))
    return {row.id: row.name for row in rows}


def _lately_over() -> list[Incident]:
    ended = visible_incidents().where(Incident.state.not_in(OPEN))
    return list(db.session.scalars(ended.order_by(Incident.reported_at.desc()).limit(MOST_CLOSED)))


def faulty_reports() -> int:
    """How many reports wait for a person to read them."""
    waiting = select(func.count()).select_from(Report).where(Report.state == ReportState.FAULTY)
    return db.session.scalar(waiting) or 0
