"""The tables of what is owed: duties, their stages, the rungs of their reminders, reasons for delay."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Interval, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database import Base, Owned, new_id
from foundation.encryption import EncryptedBytes, EncryptedText


class DutyState(StrEnum):
    """What is true of a duty."""

    OPEN = "open"  # owed, and nobody has begun
    IN_PREPARATION = "in_preparation"  # owed, and something is drafted
    FILED_IN_PART = "filed_in_part"  # told, and parts of it are still owed
    MET = "met"  # done, with proof; its lateness, if any, is frozen
    NOT_REQUIRED = "not_required"  # a named person decided so, with a reason


OWED: Final = (DutyState.OPEN, DutyState.IN_PREPARATION, DutyState.FILED_IN_PART)
UNFILED: Final = (DutyState.OPEN, DutyState.IN_PREPARATION)  # owed, and nobody outside knows anything yet


class Duty(Owned, Base):
    """What we owe to one recipient under one regime; only ever added, with its terms copied.

    The database itself refuses its removal, other terms, and another lateness once it was filed.
    """

    __tablename__ = "duties"
    __table_args__ = (
        UniqueConstraint("incident_id", "regime", "recipient"),
        CheckConstraint("(state = 'met') = (met_at IS NOT NULL)", name="met_has_a_time"),
        CheckConstraint("state <> 'not_required' OR reason IS NOT NULL", name="not_required_has_a_reason"),
        CheckConstraint(
            "state IN ('open', 'in_preparation', 'filed_in_part', 'met', 'not_required')",
            name="state_is_known",
        ),
        CheckConstraint("state <> 'in_preparation' OR prepared_at IS NOT NULL", name="prepared_has_a_time"),
        CheckConstraint(
            "state NOT IN ('filed_in_part', 'met') OR first_filed_at IS NOT NULL", name="filed_has_a_time"
        ),
        CheckConstraint(
            "state NOT IN ('open', 'in_preparation') OR first_filed_at IS NULL", name="filed_stays_filed"
        ),
        CheckConstraint("(late_by IS NULL) = (first_filed_at IS NULL)", name="lateness_is_of_a_filing"),
        CheckConstraint(
            "state <> 'not_required' OR decision_id IS NOT NULL OR closing IS NOT NULL",
            name="not_required_was_decided",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"), index=True)
    regime: Mapped[str] = mapped_column(String(40))
    recipient: Mapped[str] = mapped_column(String(60))
    clock_kind: Mapped[str] = mapped_column(String(40))
    provision: Mapped[str] = mapped_column(String(200))
    terms: Mapped[dict[str, Any]]
    starts_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(20), default=DutyState.OPEN)
    prepared_at: Mapped[datetime | None]
    first_filed_at: Mapped[datetime | None]
    met_at: Mapped[datetime | None]
    late_by: Mapped[timedelta | None] = mapped_column(Interval)  # of the first filing; 0 in time
    reason: Mapped[str | None]
    decision_id: Mapped[UUID | None] = mapped_column(ForeignKey("decisions.id"))
    closing: Mapped[str | None] = mapped_column(String(40))  # what ended it without one: a rejection
    created_at: Mapped[datetime]

    @property
    def is_owed(self) -> bool:
        """Whether anything of it is still owed."""
        return self.state in OWED

    @property
    def is_unfiled(self) -> bool:
        """Whether it is owed and nobody outside was told anything yet: its clock runs."""
        return self.state in UNFILED


class DutyStage(Owned, Base):
    """One part of a duty with a due time and a filing of its own: an early warning, a final report."""

    __tablename__ = "duty_stages"
    __table_args__ = (
        UniqueConstraint("duty_id", "number"),
        CheckConstraint("(filed_at IS NULL) = (filed_by IS NULL)", name="filing_has_a_name"),
        CheckConstraint("(filed_at IS NULL) = (late_by IS NULL)", name="lateness_is_of_a_filing"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    duty_id: Mapped[UUID] = mapped_column(ForeignKey("duties.id"))
    number: Mapped[int]
    key: Mapped[str] = mapped_column(String(40))
    provision: Mapped[str] = mapped_column(String(200))
    terms: Mapped[dict[str, Any]]  # from when, how long, how sure: as the rules had it when it was made
    starts_at: Mapped[datetime | None]  # None while what it starts at has not happened
    due_at: Mapped[datetime | None]
    filed_at: Mapped[datetime | None]
    filed_by: Mapped[str | None] = mapped_column(String(200))
    late_by: Mapped[timedelta | None] = mapped_column(Interval)
    reference: Mapped[str | None] = mapped_column(String(200))
    receipt_name: Mapped[str | None] = mapped_column(String(200))
    receipt: Mapped[bytes | None] = mapped_column(EncryptedBytes)
    receipt_sha256: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime]


class RungKind(StrEnum):
    """What a rung of the ladder is for."""

    REMINDER = "reminder"  # so long before it is due
    OVERDUE = "overdue"  # so long after it was due
    AGEING = "ageing"  # so long after it began, where nothing names a due time
    DRAFT = "draft"  # something to be drafted by itself
    REASONS = "reasons"  # somebody to be asked why it takes so long


_WAITING = text("sent_at IS NULL AND set_aside_at IS NULL")
_COUNTS = text("set_aside_at IS NULL OR replaced_by_id IS NOT NULL")


class DutyRung(Owned, Base):
    """One rung of a duty's ladder: when it is spoken of; given once, replaced, or set aside with a reason."""

    __tablename__ = "duty_rungs"
    __table_args__ = (
        Index("uq_duty_rungs_once", "duty_id", "stage", "key", "counts_to", unique=True,
              sqlite_where=_COUNTS, postgresql_where=_COUNTS),
        Index("ix_duty_rungs_waiting", "at", sqlite_where=_WAITING, postgresql_where=_WAITING),
        Index("ix_duty_rungs_of_incident", "incident_id", sqlite_where=_WAITING, postgresql_where=_WAITING),
        CheckConstraint("sent_at IS NULL OR set_aside_at IS NULL", name="sent_or_set_aside"),
        CheckConstraint(
            "(set_aside_at IS NULL) = (set_aside_because IS NULL)", name="set_aside_has_a_reason"
        ),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"))
    duty_id: Mapped[UUID] = mapped_column(ForeignKey("duties.id"))
    stage: Mapped[str] = mapped_column(String(40), default="")  # of which stage; empty: of the whole
    key: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(20))
    page: Mapped[bool]  # whether who is on call is paged, and not only its owner reminded
    at: Mapped[datetime]
    counts_to: Mapped[datetime]  # the due time it is reckoned from; where there is none, the beginning
    sent_at: Mapped[datetime | None]
    set_aside_at: Mapped[datetime | None]
    set_aside_because: Mapped[str | None] = mapped_column(String(200))
    replaced_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("duty_rungs.id"))
    created_at: Mapped[datetime]


class DelayReason(Owned, Base):
    """Why a duty takes longer than the law allows, as it becomes known; never changed, only added to."""

    __tablename__ = "delay_reasons"
    __table_args__ = (UniqueConstraint("duty_id", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    duty_id: Mapped[UUID] = mapped_column(ForeignKey("duties.id"))
    number: Mapped[int]
    text: Mapped[str] = mapped_column(EncryptedText)
    by: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]


class RegimeSwitch(Owned, Base):
    """A neighbouring regime that an organisation says it is under, and since when."""

    __tablename__ = "regime_switches"
    __table_args__ = (UniqueConstraint("organisation_id", "regime"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    regime: Mapped[str] = mapped_column(String(40))
    recipient: Mapped[str] = mapped_column(String(60))  # whom it tells under it
    on: Mapped[bool]
    by: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]


class ContractClause(Owned, Base):
    """What an organisation has agreed to tell somebody: an insurer, a bank, a customer."""

    __tablename__ = "contract_clauses"
    __table_args__ = (
        UniqueConstraint("organisation_id", "key"),
        CheckConstraint("hours IS NULL OR hours > 0", name="hours_are_a_span"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(String(60))  # the recipient of its duties
    name: Mapped[str] = mapped_column(String(200))
    clause: Mapped[str] = mapped_column(String(200))  # the place in the contract
    hours: Mapped[float | None]  # None: without a figure
    anchor: Mapped[str] = mapped_column(String(20))
    active: Mapped[bool]
    by: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]


class IncidentMoment(Owned, Base):
    """A moment that a regime counts from and only a person can tell, as the classification as major."""

    __tablename__ = "incident_moments"
    __table_args__ = (UniqueConstraint("incident_id", "anchor", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"))
    anchor: Mapped[str] = mapped_column(String(20))
    number: Mapped[int]  # the latest holds
    moment: Mapped[datetime]
    reason: Mapped[str]
    by: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]
