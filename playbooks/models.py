"""Tables of playbooks being carried out. What a state claims, its row must be able to show."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Enum,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database import Base, Owned, new_id
from foundation.encryption import EncryptedBytes, EncryptedText
from playbooks.rules.timeline import Kind


def _choice(kind: type[StrEnum]) -> Enum:
    return Enum(
        kind, native_enum=False, length=20, values_callable=lambda every: [each.value for each in every]
    )


class RunState(StrEnum):
    """Where a run stands."""

    RUNNING = "running"  # at least one step is open, and the clock minds it
    ENDED = "ended"  # no step is open; nothing more will be said about it


class StepState(StrEnum):
    """Where a step of a run stands."""

    OPEN = "open"  # somebody still has to do it, or, once handed in, a second person to approve it
    DONE = "done"  # somebody did it, or an event showed that it is done
    SKIPPED = "skipped"  # a named person left it out, with a reason
    NOT_APPLICABLE = "not_applicable"  # the facts rule it out, or what it was about has ended


class Run(Owned, Base):
    """A playbook being carried out about one thing, by the text it had when it started."""

    __tablename__ = "playbook_runs"
    __table_args__ = (
        Index(
            "uq_playbook_runs_one_running", "about", "playbook", unique=True,
            sqlite_where=text("state = 'running'"), postgresql_where=text("state = 'running'"),
        ),
        Index(
            "ix_playbook_runs_due", "next_due_at",
            sqlite_where=text("state = 'running'"), postgresql_where=text("state = 'running'"),
        ),
        CheckConstraint("state IN ('running', 'ended')", name="state"),
        CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name="ended_has_its_time"),
        CheckConstraint("state = 'running' OR next_due_at IS NULL", name="ended_wakes_nobody"),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    about: Mapped[str] = mapped_column(String(80), index=True)  # a chain of the ledger
    playbook: Mapped[str] = mapped_column(String(40))
    definition_hash: Mapped[str] = mapped_column(String(64))
    definition: Mapped[str] = mapped_column(Text)  # the TOML itself: a later edit changes no run
    anchors: Mapped[dict[str, Any]]  # name to ISO 8601 instant; replace the whole, parts are not tracked
    summary: Mapped[str] = mapped_column(String(200))  # what messages call it; never personal data
    state: Mapped[RunState] = mapped_column(_choice(RunState), default=RunState.RUNNING)
    next_due_at: Mapped[datetime | None]
    started_at: Mapped[datetime]
    started_by: Mapped[str] = mapped_column(String(200))
    ended_at: Mapped[datetime | None]


class StepRecord(Owned, Base):
    """One step of a run: whose it is, until when, and how it ended."""

    __tablename__ = "playbook_steps"
    __table_args__ = (
        Index(
            "ix_playbook_steps_without_owner",
            "role",
            sqlite_where=text("state = 'open' AND owner_id IS NULL"),
            postgresql_where=text("state = 'open' AND owner_id IS NULL"),
        ),
        UniqueConstraint("run_id", "key"),
        CheckConstraint("state IN ('open', 'done', 'skipped', 'not_applicable')", name="state"),
        CheckConstraint("(state = 'open') = (done_at IS NULL)", name="closed_has_its_time"),
        CheckConstraint("(done_at IS NULL) = (done_by IS NULL)", name="closed_has_its_author"),
        CheckConstraint(
            "state IN ('open', 'done') OR (reason IS NOT NULL AND reason <> '')",
            name="left_out_with_a_reason",
        ),
        CheckConstraint(
            "NOT evidence_asked OR (state <> 'done' AND handed_in_by_id IS NULL) OR evidence IS NOT NULL",
            name="done_with_evidence",
        ),
        CheckConstraint("handed_in_by_id IS NULL OR approval_asked", name="handed_in_for_approval"),
        CheckConstraint(
            "NOT approval_asked OR state <> 'done' OR approved_by_id IS NOT NULL", name="done_with_approval"
        ),
        CheckConstraint(
            "approved_by_id IS NULL OR (handed_in_by_id IS NOT NULL AND approved_by_id <> handed_in_by_id)",
            name="approved_by_a_second_person",
        ),
        CheckConstraint("(handed_in_by_id IS NULL) = (handed_in_at IS NULL)", name="handed_in_at_a_time"),
        CheckConstraint("(approved_by_id IS NULL) = (approved_at IS NULL)", name="approved_at_a_time"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("playbook_runs.id"), index=True)
    position: Mapped[int]
    key: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(20))
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_members.id"))
    due_at: Mapped[datetime | None]
    state: Mapped[StepState] = mapped_column(_choice(StepState), default=StepState.OPEN)
    done_at: Mapped[datetime | None]  # when it left the open state, in whichever way
    done_by: Mapped[str | None] = mapped_column(String(200))
    note: Mapped[str] = mapped_column(Text, default="")
    reason: Mapped[str | None] = mapped_column(Text)
    evidence_asked: Mapped[bool] = mapped_column(default=False, server_default=false())
    evidence: Mapped[str | None] = mapped_column(EncryptedText)  # what shows that it is done, and where
    approval_asked: Mapped[bool] = mapped_column(default=False, server_default=false())
    handed_in_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_members.id"))
    handed_in_at: Mapped[datetime | None]
    approved_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_members.id"))
    approved_at: Mapped[datetime | None]
    added: Mapped[dict[str, Any] | None]  # of a step that a person added: what its TOML would say


class EvidenceFile(Owned, Base):
    """A file that shows a step was done: kept byte by byte, never changed."""

    __tablename__ = "playbook_evidence_files"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    step_id: Mapped[UUID] = mapped_column(ForeignKey("playbook_steps.id"), index=True)
    name: Mapped[str] = mapped_column(EncryptedText)
    content: Mapped[bytes] = mapped_column(EncryptedBytes)
    size: Mapped[int]  # bytes
    sha256: Mapped[str] = mapped_column(String(64))
    by: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]


class OwnPlaybook(Owned, Base):
    """One version of a playbook that an organisation wrote itself; versions are only ever added.

    It takes the place of ours of the same key until it is retired.
    """

    __tablename__ = "own_playbooks"
    __table_args__ = (
        UniqueConstraint("organisation_id", "key", "number"),
        CheckConstraint("(retired_at IS NULL) = (retired_by IS NULL)", name="retired_by_somebody"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(String(40))
    number: Mapped[int]  # its version, from 1
    text: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    made_by: Mapped[str] = mapped_column(String(200))
    made_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
    retired_by: Mapped[str | None] = mapped_column(String(200))


class ReminderRecord(Owned, Base):
    """A rung of a step's ladder that was given, or passed over because a later one said more."""

    __tablename__ = "playbook_reminders"
    __table_args__ = (
        UniqueConstraint("step_id", "key"),
        Index(
            "ix_playbook_reminders_asked", "step_id",
            sqlite_where=text("kind = 'action' AND NOT paged"),
            postgresql_where=text("kind = 'action' AND NOT paged"),
        ),
        CheckConstraint("(sent_at IS NULL) = (skipped_because IS NOT NULL)", name="sent_or_skipped"),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("playbook_runs.id"), index=True)
    step_id: Mapped[UUID] = mapped_column(ForeignKey("playbook_steps.id"))
    key: Mapped[str] = mapped_column(String(60))  # rules.timeline.Rung.key
    kind: Mapped[Kind] = mapped_column(_choice(Kind))
    at: Mapped[datetime]  # when it was meant to be given
    sent_at: Mapped[datetime | None]
    paged: Mapped[bool] = mapped_column(default=False)  # who is on call was paged, not only the owner told
    skipped_because: Mapped[str | None] = mapped_column(String(200))
