"""What others may see of runs: steps as screens show them, gates that are shut, drafts that are asked for."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import aliased

from accounts.models import StaffMember
from foundation.database import db, insert_unless_there, new_id
from foundation.errors import Missing
from playbooks import library, rows
from playbooks.models import EvidenceFile, ReminderRecord, Run, RunState, StepRecord, StepState
from playbooks.rules import timeline
from playbooks.rules.definition import Action, Step
from playbooks.rules.timeline import Kind

NEVER = datetime.max.replace(tzinfo=UTC)
AT_ONCE = timedelta(minutes=15)  # so long what is due at once reads as "now", and not as late
_ASKED = text("kind = 'action' AND NOT paged")  # word for word the index of those few rows
SERVED = "served"  # the rung that says an action was carried out above


@dataclass(frozen=True, slots=True)
class FileView:
    """A file that was attached as evidence; `size` in bytes."""

    id: UUID
    name: str
    size: int
    sha256: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StepView:
    """A step as screens show it; instants are UTC, `owner` and who handed in or approved names of staff."""

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
    evidence: str = ""
    files: tuple[FileView, ...] = ()
    handed_in_by_id: UUID | None = None
    handed_in_by: str | None = None
    handed_in_at: datetime | None = None
    approved_by: str | None = None
    approved_at: datetime | None = None
    added: bool = False

    @property
    def waits(self) -> bool:
        """Whether somebody did it and a second person has yet to approve."""
        return self.state is StepState.OPEN and self.handed_in_at is not None

    def overdue(self, now: datetime) -> bool:
        """Whether it is still open after its due time; what is due at once has its first minutes."""
        first_minutes = timedelta() if self.definition.offset else AT_ONCE
        return self.state is StepState.OPEN and self.due_at is not None and now > self.due_at + first_minutes

    def next_reminder_at(self, now: datetime) -> datetime | None:
        """When it will be spoken of next, if it stays open."""
        if self.state is not StepState.OPEN or self.due_at is None:
            return None
        return timeline.next_reminder_at(self.definition, self.due_at, now)


@dataclass(frozen=True, slots=True)
class Asked:
    """An action that a playbook asks of those above it, and that nobody has carried out yet."""

    about: str
    step_id: UUID
    playbook: str
    title: str
    since: datetime


_HANDED_IN, _APPROVED = aliased(StaffMember), aliased(StaffMember)
_STEPS = (
    select(StepRecord, Run, StaffMember.name, _HANDED_IN.name, _APPROVED.name)
    .join(Run, Run.id == StepRecord.run_id)
    .outerjoin(StaffMember, StaffMember.id == StepRecord.owner_id)
    .outerjoin(_HANDED_IN, _HANDED_IN.id == StepRecord.handed_in_by_id)
    .outerjoin(_APPROVED, _APPROVED.id == StepRecord.approved_by_id)
)


def steps_for(about: str) -> list[StepView]:
    """Every step about this, of running and ended runs, by due time; those without one come last."""
    found = db.session.execute(_STEPS.where(Run.about == about)).all()
    files = _files(row[0].id for row in found if row[0].evidence is not None)
    views = [(row[0].run_id, row[0].position, _view(*row, files=files)) for row in found]
    return [view for *_, view in sorted(views, key=lambda row: (row[2].due_at or NEVER, row[0], row[1]))]


def next_steps(abouts: Collection[str]) -> dict[str, StepView]:
    """Of the open steps about each of these the one due first, with one query for all."""
    found: dict[str, StepView] = {}
    if not abouts:
        return found
    open_ones = _STEPS.where(Run.about.in_(abouts), StepRecord.state == StepState.OPEN)
    ordered = open_ones.order_by(StepRecord.due_at.is_(None), StepRecord.due_at, StepRecord.position)
    for row in db.session.execute(ordered):
        if row[1].about not in found:
            found[row[1].about] = _view(*row)
    return found


def _view(
    record: StepRecord, run: Run, owner: str | None, handed_in_by: str | None, approved_by: str | None,
    *, files: Mapping[UUID, tuple[FileView, ...]] | None = None,
) -> StepView:  # fmt: skip
    return StepView(
        id=record.id, run_id=run.id, playbook=run.playbook,
        playbook_title=library.pinned(run.definition).title, key=record.key,
        title=record.title, role=record.role, owner_id=record.owner_id, owner=owner, due_at=record.due_at,
        state=record.state, done_at=record.done_at, done_by=record.done_by, note=record.note,
        reason=record.reason, definition=rows.definition(run, record), evidence=record.evidence or "",
        files=(files or {}).get(record.id, ()), handed_in_by_id=record.handed_in_by_id,
        handed_in_by=handed_in_by, handed_in_at=record.handed_in_at, approved_by=approved_by,
        approved_at=record.approved_at, added=record.added is not None,
    )  # fmt: skip


def _files(step_ids: Iterable[UUID]) -> dict[UUID, tuple[FileView, ...]]:
    """What was attached to each of these steps, without the files themselves."""
    found: dict[UUID, tuple[FileView, ...]] = {}
    file, wanted = EvidenceFile, list(step_ids)
    columns = (file.step_id, file.id, file.name, file.size, file.sha256, file.by, file.at)
    if not wanted:
        return found
    for row in db.session.execute(select(*columns).where(file.step_id.in_(wanted)).order_by(file.id)):
        view = FileView(row.id, row.name, row.size, row.sha256, row.by, row.at)
        found[row.step_id] = (*found.get(row.step_id, ()), view)
    return found


def evidence_file(about: str, step_id: UUID, file_id: UUID) -> tuple[str, bytes]:
    """Name and content of a file that was attached to this step about this. Raises: Missing."""
    mine = select(StepRecord.id).join(Run, Run.id == StepRecord.run_id).where(Run.about == about)
    steps = mine.where(StepRecord.id == step_id)
    found = db.session.scalar(
        select(EvidenceFile).where(EvidenceFile.id == file_id, EvidenceFile.step_id.in_(steps))
    )
    if found is None:
        raise Missing("There is no such file.")
    return found.name, found.content


def gates(about: str) -> list[str]:
    """The titles of the open steps that stand in the way of closing, by due time."""
    return [step.title for step in steps_for(about) if step.state is StepState.OPEN and step.definition.gate]


# --- what is asked of those above ---------------------------------------------------------------


def wanting(action: str, now: datetime) -> list[Asked]:
    """The open steps whose action of this kind has come due and was not carried out yet.

    Playbooks tell nobody above them: the clock's jobs ask, act, and call `served`.
    """
    wanted = Action(action)
    served_ones = select(ReminderRecord.step_id).where(ReminderRecord.key == SERVED, _ASKED)
    due = (
        select(StepRecord, Run, ReminderRecord.sent_at)
        .join(Run, Run.id == StepRecord.run_id)
        .join(ReminderRecord, ReminderRecord.step_id == StepRecord.id)
        .where(
            _ASKED, Run.state == RunState.RUNNING, StepRecord.state == StepState.OPEN,
            ReminderRecord.key == Kind.ACTION, ReminderRecord.sent_at <= now,
            StepRecord.id.not_in(served_ones),
        )
        .order_by(ReminderRecord.sent_at)
    )  # fmt: skip
    return [
        Asked(run.about, record.id, run.playbook, record.title, since)
        for record, run, since in db.session.execute(due)
        if since and rows.definition(run, record).action is wanted
    ]


def served(step_id: UUID, *, now: datetime) -> bool:
    """Note that a step's action was carried out above; false when it was noted before."""
    record = db.session.get_one(StepRecord, step_id)
    row = {
        "id": new_id(), "organisation_id": record.organisation_id, "run_id": record.run_id,
        "step_id": step_id, "key": SERVED, "kind": Kind.ACTION, "at": now, "sent_at": now, "paged": False,
        "skipped_because": None,
    }  # fmt: skip
    return insert_unless_there(ReminderRecord, row)
