"""The tables of how a person is reached: codes that verify a way, and quiet hours."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database import Base, Owned, new_id


class ContactCode(Owned, Base):
    """A code that was sent to a way to verify it; only the newest of a way counts.

    The row stays when the way is removed, since it counts against the next one asked for.
    """

    __tablename__ = "contact_codes"
    __table_args__ = (
        Index("ix_contact_codes_staff_id", "staff_id", "sent_at"),
        Index("ix_contact_codes_address_index", "address_index", "sent_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"))
    method_id: Mapped[UUID | None] = mapped_column(ForeignKey("contact_methods.id"), index=True)
    address_index: Mapped[str] = mapped_column(String(64))  # under the key of its day; it is short-lived
    code_hash: Mapped[str] = mapped_column(String(64))  # keyed, and bound to this row
    sent_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)  # wrong ones
    used_at: Mapped[datetime | None]


class QuietHours(Owned, Base):
    """When a person is left alone with what can wait, in that person's zone."""

    __tablename__ = "quiet_hours"

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"), primary_key=True)
    timezone: Mapped[str] = mapped_column(String(64))
    spans: Mapped[list[Any]]  # [{"days": [0, 1], "from": "22:00", "to": "07:00"}], Monday is 0
