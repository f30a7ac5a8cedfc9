"""The table of probes: canaries and test pages, what we send to ourselves to see that it arrives."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database import Base, Owned, new_id
from notifications.rules.watching import Verdict

CANARY, TEST_PAGE = "canary", "test_page"


class Probe(Owned, Base):
    """One canary or test page: of which message, and what became of it; forgotten after some days."""

    __tablename__ = "probes"
    __table_args__ = (
        UniqueConstraint("kind", "channel", "slot"),
        CheckConstraint("kind IN ('canary', 'test_page')", name="kind"),
        CheckConstraint("channel IN ('sms', 'email')", name="channel"),
        CheckConstraint("verdict IN ('waiting', 'arrived', 'late', 'failed')", name="verdict"),
        CheckConstraint("verdict <> 'arrived' OR ended_at IS NOT NULL", name="arrived_has_a_time"),
        Index("ix_probes_latest", "kind", "channel", "sent_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(20))
    channel: Mapped[str] = mapped_column(String(20))
    slot: Mapped[int]  # which of the day: two clocks send no two
    message_id: Mapped[UUID | None] = mapped_column(ForeignKey("messages.id"))
    sent_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]  # when it arrived, or was answered, also where that was too late
    verdict: Mapped[str] = mapped_column(String(20), default=Verdict.WAITING)
    why: Mapped[str | None] = mapped_column(String(300))
    told_at: Mapped[datetime | None]  # when people were told that it failed
