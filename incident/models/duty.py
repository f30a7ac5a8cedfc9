"""The tables of what is owed: one row for each duty, by its own clock."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Interval, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database import Base, Owned, new_id


class DutyState(StrEnum):
    """What is true of a duty."""

    OPEN = "open"  # owed
    MET = "met"  # done, with proof; its lateness, if any, is frozen
    NOT_REQUIRED = "not_required"  # a named person decided so, with a reason


class Duty(Owned, Base):
    """What we owe to one recipient under one regime; only ever added, with its terms copied."""

    __tablename__ = "duties"
    __table_args__ = (
        UniqueConstraint("incident_id", "regime", "recipient"),
        CheckConstraint("(state = 'met') = (met_at IS NOT NULL)", name="met_has_a_time"),
        CheckConstraint("state <> 'not_required' OR reason IS NOT NULL", name="not_required_has_a_reason"),
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
    met_at: Mapped[datetime | None]
    late_by: Mapped[timedelta | None] = mapped_column(Interval)
    reason: Mapped[str | None]
    created_at: Mapped[datetime]
