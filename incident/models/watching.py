"""The table of paper plans: when one was last written and mailed, and what was in it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database import Base, Owned, new_id


class PaperPlan(Owned, Base):
    """How an organisation's paper plan stands; the plans themselves are files, encrypted."""

    __tablename__ = "paper_plans"
    __table_args__ = (UniqueConstraint("organisation_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    written_at: Mapped[datetime]
    sha256: Mapped[str] = mapped_column(String(64))  # of what it says, not of when it was made
    mailed_at: Mapped[datetime | None]
    mailed_sha256: Mapped[str | None] = mapped_column(String(64))
