"""The tables of the rota: schedules, their rotations, what was changed for a time, who was on duty."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database import Base, Owned, new_id
from notifications.rules.plan import Change

_LIVE_SCHEDULE, _LIVE_FEED = text("retired_at IS NULL"), text("revoked_at IS NULL")


class Schedule(Owned, Base):
    """A line that is paged and shown; a retired one keeps the record of who was on duty."""

    __tablename__ = "schedules"
    __table_args__ = (
        Index("uq_schedules_live", "organisation_id", "name", unique=True, sqlite_where=_LIVE_SCHEDULE,
              postgresql_where=_LIVE_SCHEDULE),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(80))
    timezone: Mapped[str] = mapped_column(String(60))
    version: Mapped[int] = mapped_column(
        default=1
    )  # goes up with every edit, so that a second editor is told
    kept_from: Mapped[datetime | None]  # since when it is on record who was on duty
    kept_until: Mapped[datetime | None]  # and until when; what comes after follows from the rotations
    retired_at: Mapped[datetime | None]


class Rotation(Owned, Base):
    """A layer of a schedule: people in an order, handing over at the same local time."""

    __tablename__ = "rotations"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    schedule_id: Mapped[UUID | None] = mapped_column(ForeignKey("schedules.id"), index=True)
    position: Mapped[int] = mapped_column(default=0, server_default="0")  # the first that has anybody counts
    name: Mapped[str] = mapped_column(String(80))
    timezone: Mapped[str] = mapped_column(
        String(60)
    )  # that of its schedule; the release before reads it here
    first_handover: Mapped[datetime]
    shift_days: Mapped[int]
    members: Mapped[list[Any]]  # ids of staff, in order
    windows: Mapped[list[Any] | None] = mapped_column(
        default=list
    )  # [{"days", "start", "end"}]; none: always
    begins_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]


class SwapState(StrEnum):
    """What became of a swap."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class Swap(Owned, Base):
    """One person offers a shift to another, for one of theirs or for nothing; the other answers."""

    __tablename__ = "swaps"
    __table_args__ = (
        CheckConstraint("(state = 'proposed') = (answered_at IS NULL)", name="answered_has_a_time"),
        CheckConstraint("(back_start IS NULL) = (back_end IS NULL)", name="back_is_whole"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    schedule_id: Mapped[UUID] = mapped_column(ForeignKey("schedules.id"), index=True)
    by_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"))
    to_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"))
    start: Mapped[datetime]  # of the shift that is offered
    end: Mapped[datetime]
    back_start: Mapped[datetime | None]  # of the one taken for it
    back_end: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(String(500))
    state: Mapped[SwapState] = mapped_column(
        Enum(SwapState, native_enum=False, length=20, create_constraint=True, name="swapstate",
             values_callable=lambda values: [each.value for each in values]),
        default=SwapState.PROPOSED,
    )  # fmt: skip
    proposed_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]


class Override(Owned, Base):
    """A change of a schedule for a time; one taken back stays, and rewrites nothing of the past."""

    __tablename__ = "overrides"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="takes_time"),
        CheckConstraint("(change = 'remove') = (after_id IS NULL)", name="somebody_comes"),
        CheckConstraint("change <> 'add' OR before_id IS NULL", name="nobody_leaves"),
        CheckConstraint("change <> 'remove' OR before_id IS NOT NULL", name="somebody_leaves"),
        Index("ix_overrides_schedule_id_ends_at", "schedule_id", "ends_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    schedule_id: Mapped[UUID] = mapped_column(ForeignKey("schedules.id"))
    change: Mapped[Change] = mapped_column(
        Enum(Change, native_enum=False, length=20, create_constraint=True, name="change",
             values_callable=lambda values: [each.value for each in values])
    )  # fmt: skip
    before_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_members.id"))
    after_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_members.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(500))
    swap_id: Mapped[UUID | None] = mapped_column(ForeignKey("swaps.id"))
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(200))
    cancelled_at: Mapped[datetime | None]
    cancelled_by: Mapped[str | None] = mapped_column(String(200))


class OnCallRecord(Owned, Base):
    """Who was on duty, kept by the clock: from when to when, by what; nobody edits it."""

    __tablename__ = "on_call_records"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="takes_time"),
        Index("ix_on_call_records_schedule_id_ends_at", "schedule_id", "ends_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    schedule_id: Mapped[UUID] = mapped_column(ForeignKey("schedules.id"))
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"))
    source: Mapped[str] = mapped_column(String(80))  # as in rules.plan.Held
    place: Mapped[int]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]  # moves on while the person stays on duty


class ScheduleFeed(Owned, Base):
    """The secret address of a schedule's calendar, of one person; only its hash is kept."""

    __tablename__ = "schedule_feeds"
    __table_args__ = (
        Index("uq_schedule_feeds_live", "schedule_id", "staff_id", unique=True, sqlite_where=_LIVE_FEED,
              postgresql_where=_LIVE_FEED),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    schedule_id: Mapped[UUID] = mapped_column(ForeignKey("schedules.id"))
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"))
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    made_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
