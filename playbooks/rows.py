"""Rows of runs: found, locked before they are changed, and closed with their ledger entry.

A run's row is locked before any of its steps is read for a change: whoever holds it decides alone.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from foundation.database import db
from foundation.errors import Missing, Refused
from playbooks import library, reminding
from playbooks.models import ReminderRecord, Run, RunState, StepRecord, StepState
from playbooks.rules import added
from playbooks.rules.definition import Step


def running(about: str, playbook_key: str) -> Run:
    """The running run of this playbook about this, where it is known that there is one."""
    return db.session.scalars(
        select(Run).where(Run.about == about, Run.playbook == playbook_key, Run.state == RunState.RUNNING)
    ).one()


def lock_running(about: str) -> list[Run]:
    """What runs about this, locked in one order so that two changes cannot wait for each other."""
    running = select(Run).where(Run.about == about, Run.state == RunState.RUNNING).order_by(Run.id)
    return list(db.session.scalars(running.with_for_update().execution_options(populate_existing=True)))


def open_steps(run: Run) -> dict[str, StepRecord]:
    """The open steps of a run by key."""
    found = select(StepRecord).where(StepRecord.run_id == run.id, StepRecord.state == StepState.OPEN)
    fresh = found.execution_options(populate_existing=True)
    return {record.key: record for record in db.session.scalars(fresh)}


def open_step(step_id: UUID) -> tuple[Run, StepRecord]:
    """An open step with its run, which is locked first; the step is read after that.

    Raises: Missing when there is none, Refused when it is not open any more.
    """
    own = select(Run).join(StepRecord, StepRecord.run_id == Run.id).where(StepRecord.id == step_id)
    run = db.session.scalars(
        own.with_for_update(of=Run).execution_options(populate_existing=True)
    ).one_or_none()
    record = db.session.get(StepRecord, step_id, populate_existing=True) if run else None
    if run is None or record is None:
        raise Missing("There is no such step.")
    if record.state is not StepState.OPEN:
        raise Refused(f"This step is closed already ({record.done_by}).", next_step="Look at the record.")
    return run, record


def definition(run: Run, record: StepRecord) -> Step:
    """What a step of a run says: as the run's own text has it, or as the person who added it wrote."""
    if record.added is None:
        return library.pinned(run.definition).step(record.key)
    due = record.due_at or run.started_at  # an added step has a due time, always
    return added.step(
        record.key, record.title, record.role, due, record.added, approval=record.approval_asked
    )


def owners(runs: Iterable[Run]) -> dict[str, UUID]:
    """Who owns the open steps of each role in these runs, where that is one person."""
    found: dict[str, set[UUID]] = {}
    for run in runs:
        for record in open_steps(run).values():
            if record.owner_id:
                found.setdefault(record.role, set()).add(record.owner_id)
    return {role: each.pop() for role, each in found.items() if len(each) == 1}


def settled(run: Run) -> set[tuple[str, str]]:
    """What was given or passed over before, as (step key, rung key)."""
    rows = db.session.execute(
        select(StepRecord.key, ReminderRecord.key)
        .join(StepRecord, StepRecord.id == ReminderRecord.step_id)
        .where(ReminderRecord.run_id == run.id)
    )
    return {(step, rung) for step, rung in rows}


def complete_by(run: Run, event: str, actor: str, now: datetime) -> int:
    """Complete the open steps that this event does; returns how many."""
    count = 0
    for record in open_steps(run).values():
        by_hand = record.evidence_asked or record.approval_asked
        if event in definition(run, record).done_by and not by_hand:
            close(run, record, StepState.DONE, by=actor, now=now, note=event)
            count += 1
    return count


def close(
    run: Run, record: StepRecord, state: StepState, *, by: str, now: datetime, note: str = "",
    reason: str | None = None, done_by: str | None = None, **details: object,
) -> None:  # fmt: skip
    """Close an open step; pages stop once nobody need be paged any more.

    `done_by` is who did it, where that is not who closes it.
    """
    record.state, record.done_at, record.done_by = state, now, done_by or by
    record.note, record.reason = note, reason
    db.session.flush()
    action = "step.completed" if state is StepState.DONE else f"step.{state}"
    reminding.enter_step(run, record, action, by, now, reason=reason, due_at=record.due_at, **details)
    reminding.end_pages(run, record, actor=by, now=now)


def end(run: Run, actor: str, reason: str, now: datetime) -> None:
    """End a run: its open steps do not apply any more, for this reason."""
    for record in open_steps(run).values():
        close(run, record, StepState.NOT_APPLICABLE, by=actor, now=now, reason=reason)
    finish(run, actor, now)


def finish(run: Run, actor: str, now: datetime) -> None:
    """Note that no step of the run is open."""
    run.state, run.ended_at, run.next_due_at = RunState.ENDED, now, None
    db.session.flush()
    reminding.enter(run, "playbook.ended", actor, now)
