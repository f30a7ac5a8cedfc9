"""What the clock does with runs: says what is owed, notes when more will be, ends what is finished."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import func, select

from foundation.database import db, part
from notifications import paging
from notifications.rules.pretend import DRILL
from playbooks import reminding, rows
from playbooks.models import Run, RunState, StepRecord
from playbooks.reminding import CLOCK
from playbooks.rules import timeline
from playbooks.rules.definition import Step
from playbooks.rules.timeline import Owed

ACKNOWLEDGED = "page.acknowledged"
AGAIN = timedelta(minutes=1)
log = structlog.get_logger()


def due(now: datetime, limit: int) -> list[UUID]:
    """The running runs whose time has come, the longest waiting first."""
    found = (
        select(Run.id)
        .where(Run.state == RunState.RUNNING, Run.next_due_at <= now)
        .order_by(Run.next_due_at)
        .limit(limit)
    )
    return list(db.session.scalars(found))


def oldest_due(now: datetime) -> datetime | None:
    """Since when the run that is due longest has waited, drills aside."""
    waiting = Run.state == RunState.RUNNING, Run.next_due_at <= now, ~Run.about.startswith(DRILL)
    return db.session.scalar(select(func.min(Run.next_due_at)).where(*waiting))


def advance(run_id: UUID, now: datetime) -> bool:
    """Do what a run owes at `now`; false when it owes nothing or another clock has it in hand.

    Safe to call twice and from several processes: the run's row is locked, its next instant written
    with what was done, and each reminder is a unique row.
    """
    run = db.session.scalars(
        select(Run)
        .where(Run.id == run_id, Run.state == RunState.RUNNING, Run.next_due_at <= now)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if run is None:
        return False
    settle(run, now)
    return True


def postpone(run_id: UUID, now: datetime) -> None:
    """Look at a run again in a minute, because advancing it failed."""
    run = db.session.get(Run, run_id, with_for_update=True, populate_existing=True)
    if run and run.state is RunState.RUNNING:
        run.next_due_at = now + AGAIN


def settle(run: Run, now: datetime) -> None:
    """Bring a run, which is locked, up to `now`: what was acknowledged, what is finished, what is owed."""
    _fetch_acknowledgement(run, now)
    records = rows.open_steps(run)
    if run.state is RunState.RUNNING and not records:
        rows.finish(run, CLOCK, now)
    if run.state is RunState.RUNNING:
        _do_owed(run, records, rows.settled(run), now)


def _do_owed(
    run: Run, records: Mapping[str, StepRecord], settled: Collection[tuple[str, str]], now: datetime
) -> None:
    """Do all that the open steps owe and note when the run will owe more.

    Each step stands alone: one that cannot be done is tried again in a minute, and silences no other.
    """
    steps = {key: rows.definition(run, record) for key, record in records.items()}
    timed = [(step, records[key].due_at) for key, step in steps.items()]
    moment = timeline.look_at(timed, settled=settled, now=now)
    said = [_attempt(run, records[owed.step.key], owed, now) for owed in moment.owed]
    soon = not all(said) or _awaits_acknowledgement(steps.values())
    run.next_due_at = min(filter(None, [moment.wake_at, now + AGAIN if soon else None]), default=None)
    db.session.flush()


def _attempt(run: Run, record: StepRecord, owed: Owed, now: datetime) -> bool:
    try:
        with part():
            reminding.say(run, record, owed, now)
    except Exception:  # whatever it was, the other steps must still be spoken of
        log.exception("step.reminder_failed", run=str(run.id), step=record.key, rung=owed.rung.key)
        return False
    return True


def _awaits_acknowledgement(open_steps: Iterable[Step]) -> bool:
    return any(ACKNOWLEDGED in step.done_by for step in open_steps)


def _fetch_acknowledgement(run: Run, now: datetime) -> None:
    """Complete what an acknowledged page completes: notifications tell nobody above them."""
    if not _awaits_acknowledgement(rows.definition(run, each) for each in rows.open_steps(run).values()):
        return
    for page in paging.pages_for(run.about):
        if page.started_at >= run.started_at and (name := paging.acknowledged_by(page.id)):
            rows.complete_by(run, ACKNOWLEDGED, name, now)
            return
