"""The table of drills: what was exercised, by whom, and what came of it; its incident is marked as one."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database import Base, Owned, new_id


class Drill(Owned, Base):
    """One exercise, by the text its scenario had when it started; its result is kept when it ends."""

    __tablename__ = "drills"
    __table_args__ = (
        UniqueConstraint("incident_id"),
        UniqueConstraint("organisation_id", "number"),
        CheckConstraint("(ended_at IS NULL) = (next_at IS NOT NULL)", name="ended_wakes_nobody"),
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended_by_somebody"),
        Index("ix_drills_due", "next_at", sqlite_where=text("ended_at IS NULL"),
              postgresql_where=text("ended_at IS NULL")),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"))
    number: Mapped[int]  # counted within the organisation; those of incidents have no gap for it
    scenario: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(200))
    definition: Mapped[str] = mapped_column(Text)  # the TOML itself: a later edit changes no drill
    definition_sha256: Mapped[str] = mapped_column(String(64))
    taking_part: Mapped[list[Any]]  # ids of staff, in order; empty: whoever would be called in earnest
    started_by: Mapped[str] = mapped_column(String(200))
    started_at: Mapped[datetime]
    told: Mapped[int] = mapped_column(default=0)  # how many of the scenario's later tellings were given
    next_at: Mapped[datetime | None]  # when the clock looks at it next: a telling is due, or its end
    ends_at: Mapped[datetime]  # when it ends by itself
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(200))
    lesson: Mapped[str] = mapped_column(Text, default="")  # what was learned, in words of those who took part
    result: Mapped[dict[str, Any] | None]  # incident.drills.measuring
