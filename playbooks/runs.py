"""Carries playbooks out: start, complete, skip, move, advance; each change with its ledger entry.

Stage functions: they never commit, and `now` is an aware instant. `about` is a chain of the ledger
("incident/<uuid>"), all that is known here of an incident. An acknowledged page quiets nothing: a
step is spoken of until it is done, skipped with a reason, or its run has ended.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import func, select

from accounts.models import StaffMember
from foundation import ledger, queue
from foundation.database import (
    Ready,
    db,
    insert_at_end,
    insert_ready,
    insert_unless_there,
    new_id,
    part,
    ready,
)
from foundation.errors import Refused
from notifications import paging
from notifications.rules.pretend import DRILL
from playbooks import library, reminding, rows
from playbooks.models import Run, RunState, StepRecord, StepState
from playbooks.reminding import CLOCK
from playbooks.rules import timeline
from playbooks.rules.definition import EVENTS, Anchor, Playbook, Step
from playbooks.rules.timeline import Owed

ACKNOWLEDGED = "page.acknowledged"
NEVER = datetime.max.replace(tzinfo=UTC)
AGAIN = timedelta(minutes=1)
AT_ONCE = timedelta(minutes=15)  # so long what is due at once reads as "now", and not as late
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class StepView:
    """A step as screens show it; instants are UTC, `owner` a name of staff."""

    id: UUID
    run_id: UUID
    playbook: str
    playbook_title: str
    key: str
    title: str
    role: str
    owner_id: UUID | None
    owner: str | None
    due_at: datetime | None
    state: StepState
    done_at: datetime | None
    done_by: str | None
    note: str
    reason: str | None
    definition: Step

    def overdue(self, now: datetime) -> bool:
        """Whether it is still open after its due time; what is due at once has its first minutes."""
        first_minutes = timedelta() if self.definition.offset else AT_ONCE
        return self.state is StepState.OPEN and self.due_at is not None and now > self.due_at + first_minutes

    def next_reminder_at(self, now: datetime) -> datetime | None:
        """When it will be spoken of next, if it stays open."""
        if self.state is not StepState.OPEN or self.due_at is None:
            return None
        return timeline.next_reminder_at(self.definition, self.due_at, now)


_STEPS = (
    select(StepRecord, Run, StaffMember.name)
    .join(Run, Run.id == StepRecord.run_id)
    .outerjoin(StaffMember, StaffMember.id == StepRecord.owner_id)
)


# --- starting and moving ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Start:
    """A run about to start: its row but for what messages call it, its steps, and how the ledger tells it."""

    row: dict[str, Any]
    steps: Ready
    entry: dict[str, Any]


def prepare(
    playbook_key: str,
    *,
    organisation_id: UUID,
    about: str,
    anchors: Mapping[str, datetime],
    facts: Mapping[str, Any],
    owners: Mapping[str, UUID] | None = None,
    actor: str,
    now: datetime,
) -> Start:
    """All of a run that can be known beforehand, for `begin`; needs no transaction.

    `facts` is the facts document; `owners` staff by role. Raises: KeyError for an unknown playbook,
    ValueError for an unknown anchor or a naive instant.
    """
    book = library.playbook(playbook_key)
    stored = {Anchor(name).value: _stored(at) for name, at in anchors.items()}
    run_id, known = new_id(), timeline.anchors_in(stored)
    ruled_out = {step.key for step in book.steps if not step.applies(facts)}
    row = {
        "id": run_id, "organisation_id": organisation_id, "about": about, "playbook": book.key,
        "definition_hash": book.hash, "definition": book.text, "anchors": stored,
        "state": RunState.RUNNING, "next_due_at": now, "started_at": now,
        "started_by": actor,
    }  # fmt: skip
    steps = [
        {"organisation_id": organisation_id, "run_id": run_id}
        | _row(position, step, owners or {}, timeline.due_at(step, known))
        | (_ruled_out(step, now) if step.key in ruled_out else {})
        for position, step in enumerate(book.steps)
    ]
    entry = {
        "organisation_id": organisation_id, "actor": actor, "at": now, "playbook": book.key,
        "definition": book.hash, "anchors": stored,
        "not_applicable": [step.key for step in book.steps if step.key in ruled_out],
    }  # fmt: skip
    return Start(row, ready(StepRecord, *steps), entry)


def begin(prepared: Start, *, summary: str, about_is_new: bool = False) -> UUID:
    """Begin a prepared run; its id, or that of the one that runs already.

    `summary` is what messages call it, an incident's number, without personal data; `about_is_new` that
    nothing can run about it yet. What the run owes at once the clock does, which is rung for: beginning
    is on the way of every report.
    """
    row = prepared.row | {"summary": summary}
    if about_is_new:
        insert_at_end(ready(Run, row), prepared.steps)
    elif insert_unless_there(Run, row):
        insert_ready(prepared.steps)
    else:
        return rows.running(row["about"], row["playbook"]).id
    ledger.append(row["about"], "playbook.started", **prepared.entry)
    queue.ring_after_commit(queue.RUNS)
    run_id: UUID = row["id"]
    return run_id


def start(playbook_key: str, *, summary: str, **known: Any) -> UUID:
    """Prepare a run and begin it, in the caller's transaction; arguments as theirs."""
    return begin(prepare(playbook_key, **known), summary=summary)


def _row(position: int, step: Step, owners: Mapping[str, UUID], due_at: datetime | None) -> dict[str, Any]:
    return {
        "id": new_id(), "position": position, "key": step.key, "title": step.title, "role": step.role,
        "owner_id": owners.get(step.role),
        "due_at": due_at, "note": "", "state": StepState.OPEN, "done_at": None, "done_by": None,
        "reason": None,
    }  # fmt: skip


def _ruled_out(step: Step, now: datetime) -> dict[str, Any]:
    reason = "The facts rule it out: " + ", ".join(each.fact for each in step.only_if)
    return {"state": StepState.NOT_APPLICABLE, "done_at": now, "done_by": CLOCK, "reason": reason}


def _stored(at: datetime) -> str:
    if at.tzinfo is None:
        raise ValueError("An anchor needs an instant with a zone.")
    return at.astimezone(UTC).isoformat()


def move_anchor(
    about: str,
    anchor: str,
    at: datetime,
    *,
    actor: str,
    reason: str,
    now: datetime,
    playbook: str | None = None,
) -> None:
    """Give or correct an anchor: what is not done moves with it, and what is then owed is done at once.

    In every run about this, or in those of one playbook. Raises: ValueError for an unknown anchor or a
    naive instant.
    """
    anchor, stored = Anchor(anchor).value, _stored(at)
    for run in rows.lock_running(about):
        if playbook not in (None, run.playbook):
            continue
        before = run.anchors.get(anchor)
        steps = [step for step in library.pinned(run.definition).steps if step.anchor == anchor]
        if not steps or before == stored:
            continue
        run.anchors = {**run.anchors, anchor: stored}
        known, records = timeline.anchors_in(run.anchors), rows.open_steps(run)
        moved = [step.key for step in steps if step.key in records]
        for step in steps:
            if step.key in records:
                records[step.key].due_at = timeline.due_at(step, known)
        reminding.enter(
            run, "anchor.moved", actor, now, reason=reason, anchor=anchor, before=before, after=stored,
            steps=moved,
        )  # fmt: skip
        _settle(run, now)


# --- steps --------------------------------------------------------------------------------------


def complete_step(step_id: UUID, *, by: str, now: datetime, note: str = "") -> None:
    """A person did the step; `by` is their name, `note` what they say of it.

    Raises: Missing when there is none, Refused when it is not open any more.
    """
    run, record = rows.open_step(step_id)
    rows.close(run, record, StepState.DONE, by=by, now=now, note=note)
    _settle(run, now)


def skip_step(step_id: UUID, *, by: str, reason: str, now: datetime) -> None:
    """A person leaves the step out and says why.

    Raises: Refused without a reason or when it is not open any more, Missing when there is none.
    """
    if not reason.strip():
        raise Refused("A step is left out only with a reason.", next_step="Say why it is not needed here.")
    run, record = rows.open_step(step_id)
    rows.close(run, record, StepState.SKIPPED, by=by, now=now, reason=reason.strip())
    _settle(run, now)


def happened(about: str, event: str, *, actor: str, now: datetime) -> int:
    """Something happened to the incident: steps that it does are done, runs that it ends are ended.

    Returns how many steps it completed. Raises: ValueError for an event outside `definition.EVENTS`.
    """
    if event not in EVENTS:
        raise ValueError(f"{event!r} is no event that playbooks know; see playbooks/rules/definition.py.")
    completed = 0
    for run in rows.lock_running(about):
        completed += rows.complete_by(run, event, actor, now)
        if event in library.pinned(run.definition).ended_by:
            rows.end(run, actor, f"It ends with {event}.", now)
        _settle(run, now)
    return completed


def end(about: str, playbook_key: str | None = None, *, actor: str, reason: str, now: datetime) -> None:
    """End what runs about this, or one playbook of it; its open steps no longer apply, for this reason."""
    for run in rows.lock_running(about):
        if playbook_key in (None, run.playbook):
            rows.end(run, actor, reason, now)


def steps_for(about: str) -> list[StepView]:
    """Every step about this, of running and ended runs, by due time; those without one come last."""
    found = db.session.execute(_STEPS.where(Run.about == about))
    views = [(record.run_id, record.position, _view(record, run, owner)) for record, run, owner in found]
    return [view for *_, view in sorted(views, key=lambda row: (row[2].due_at or NEVER, row[0], row[1]))]


def next_steps(abouts: Collection[str]) -> dict[str, StepView]:
    """Of the open steps about each of these the one due first, with one query for all."""
    found: dict[str, StepView] = {}
    if not abouts:
        return found
    open_ones = _STEPS.where(Run.about.in_(abouts), StepRecord.state == StepState.OPEN)
    ordered = open_ones.order_by(StepRecord.due_at.is_(None), StepRecord.due_at, StepRecord.position)
    for record, run, owner in db.session.execute(ordered):
        if run.about not in found:
            found[run.about] = _view(record, run, owner)
    return found


def _view(record: StepRecord, run: Run, owner: str | None) -> StepView:
    book = library.pinned(run.definition)
    return StepView(
        id=record.id, run_id=run.id, playbook=run.playbook, playbook_title=book.title, key=record.key,
        title=record.title, role=record.role, owner_id=record.owner_id, owner=owner, due_at=record.due_at,
        state=record.state, done_at=record.done_at, done_by=record.done_by, note=record.note,
        reason=record.reason, definition=book.step(record.key),
    )  # fmt: skip


# --- the clock ----------------------------------------------------------------------------------


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
    _settle(run, now)
    return True


def postpone(run_id: UUID, now: datetime) -> None:
    """Look at a run again in a minute, because advancing it failed."""
    run = db.session.get(Run, run_id, with_for_update=True, populate_existing=True)
    if run and run.state is RunState.RUNNING:
        run.next_due_at = now + AGAIN


def _settle(run: Run, now: datetime) -> None:
    """Bring a run up to `now`: what was acknowledged, what is finished, what is owed."""
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
    book = library.pinned(run.definition)
    closed = {step.key for step in book.steps if step.key not in records}
    moment = timeline.look(book, timeline.anchors_in(run.anchors), closed=closed, settled=settled, now=now)
    said = [_attempt(run, records[owed.step.key], owed, now) for owed in moment.owed]
    soon = not all(said) or _awaits_acknowledgement(book, records)
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


def _awaits_acknowledgement(book: Playbook, open_keys: Iterable[str]) -> bool:
    return any(ACKNOWLEDGED in book.step(key).done_by for key in open_keys)


def _fetch_acknowledgement(run: Run, now: datetime) -> None:
    """Complete what an acknowledged page completes: notifications tell nobody above them."""
    if not _awaits_acknowledgement(library.pinned(run.definition), rows.open_steps(run)):
        return
    for page in paging.pages_for(run.about):
        if page.started_at >= run.started_at and (name := paging.acknowledged_by(page.id)):
            rows.complete_by(run, ACKNOWLEDGED, name, now)
            return
