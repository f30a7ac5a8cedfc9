"""Whose steps are whose: an incident's roles give open steps an owner, in every run about it.

Stage functions: they never commit, `now` is an aware instant, `about` a chain of the ledger.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from foundation.database import db
from playbooks import reminding, rows
from playbooks.models import Run, RunState, StepRecord, StepState


@dataclass(frozen=True, slots=True)
class Task:
    """An open step as lists over many incidents show it; without `due_at` it waits for its time."""

    id: UUID
    about: str
    title: str
    role: str
    owner_id: UUID | None
    due_at: datetime | None


def assign(
    about: str, role: str, staff_id: UUID | None, *, actor: str, now: datetime, before: UUID | None = None
) -> int:
    """Give the open steps of a role to a person; returns how many changed hands.

    Steps that nobody owns, and those of `before`, who had the role; what a person was given by name stays
    theirs. `staff_id` None gives them back to everyone with the role. What was reminded stays reminded.
    """
    changed = 0
    for run in rows.lock_running(about):
        given = [
            record for record in rows.open_steps(run).values()
            if record.role == role and record.owner_id in (None, before) and record.owner_id != staff_id
        ]  # fmt: skip
        for record in given:
            record.owner_id = staff_id
        if given:
            db.session.flush()
            keys = [record.key for record in sorted(given, key=lambda each: each.position)]
            reminding.enter(run, "steps.assigned", actor, now, role=role, staff=staff_id, steps=keys)
        changed += len(given)
    return changed


def without_owner(roles: Collection[str]) -> set[tuple[str, str]]:
    """What has open steps of these roles that nobody owns, each with the role."""
    found = (
        select(Run.about, StepRecord.role)
        .join(Run, Run.id == StepRecord.run_id)
        .where(
            StepRecord.state == StepState.OPEN, StepRecord.owner_id.is_(None), StepRecord.role.in_(roles),
            Run.state == RunState.RUNNING,
        )
        .distinct()
    )  # fmt: skip
    return {(about, role) for about, role in db.session.execute(found)}


def tasks(abouts: Collection[str]) -> list[Task]:
    """The open steps about these, those due first coming first; one query for all."""
    if not abouts:
        return []
    found = (
        select(StepRecord, Run.about)
        .join(Run, Run.id == StepRecord.run_id)
        .where(Run.about.in_(abouts), StepRecord.state == StepState.OPEN)
        .order_by(StepRecord.due_at.is_(None), StepRecord.due_at, StepRecord.position)
    )
    return [
        Task(step.id, about, step.title, step.role, step.owner_id, step.due_at)
        for step, about in db.session.execute(found)
    ]
