"""The table of switches: when a provider was left alone and when it was used again."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database import Base, new_id


class Switch(Base):
    """A provider is left alone, or takes messages again; of the whole installation, as its account is."""

    __tablename__ = "provider_switches"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(index=True)
    channel: Mapped[str] = mapped_column(String(20))
    provider: Mapped[str] = mapped_column(String(20))
    instead: Mapped[str | None] = mapped_column(String(20))  # which one its messages go by; None: they wait
    back: Mapped[bool]  # it takes messages again
    why: Mapped[str] = mapped_column(String(300))
