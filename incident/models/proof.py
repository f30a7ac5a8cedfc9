"""The tables of proof and of forgetting: codes to check, coverage reports, contact data destroyed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database import Base, Owned, new_id
from foundation.encryption import EncryptedBytes, EncryptedJSON


class CodeKey(Base):
    """The installation's secret behind codes and signatures; it outlives the keys that it is stored under.

    A code stands in letters for years, so this secret is never replaced; the first row is the one in use.
    """

    __tablename__ = "code_keys"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    secret: Mapped[bytes] = mapped_column(EncryptedBytes)  # 32 bytes
    made_at: Mapped[datetime]


class WrongCodes(Base):
    """How many wrong codes were typed in one hour, of one organisation's communications or of nobody's."""

    __tablename__ = "wrong_codes"
    __table_args__ = (Index("ix_wrong_codes_hour", "hour"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"))
    fold: Mapped[str] = mapped_column(String(80), unique=True)  # hour, kind and whose
    kind: Mapped[str] = mapped_column(String(8))  # slip, or wrong though it is well formed
    hour: Mapped[datetime]
    count: Mapped[int]
    told_at: Mapped[datetime | None]


class CoverageReport(Owned, Base):
    """Who was told, as it stood when somebody had it reported; signed, and never changed."""

    __tablename__ = "coverage_reports"
    __table_args__ = (UniqueConstraint("communication_id", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    communication_id: Mapped[UUID] = mapped_column(ForeignKey("subject_communications.id"))
    number: Mapped[int]
    document: Mapped[dict[str, Any]] = mapped_column(EncryptedJSON)
    sha256: Mapped[str] = mapped_column(String(64))  # of the document as canonical JSON
    signature: Mapped[str] = mapped_column(String(100))  # Ed25519 over the same bytes, base64
    made_by: Mapped[str] = mapped_column(String(200))
    made_at: Mapped[datetime]


class Forgetting(Owned, Base):
    """When the contact data of an incident's people is destroyed, and what a person said about it."""

    __tablename__ = "forgettings"
    __table_args__ = (
        CheckConstraint("(held_at IS NULL) = (held_why IS NULL)", name="held_says_why"),
        Index("ix_forgettings_open", "looked_at", sqlite_where=text("swept_at IS NULL"),
              postgresql_where=text("swept_at IS NULL")),
    )  # fmt: skip

    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"), primary_key=True)
    looked_at: Mapped[datetime]
    due_at: Mapped[datetime | None]  # while nothing stands against it; moved when people are told again
    warned_at: Mapped[datetime | None]
    held_at: Mapped[datetime | None]  # a person wants it kept, as for a court
    held_by: Mapped[str | None] = mapped_column(String(200))
    held_why: Mapped[str | None]
    forgotten_at: Mapped[datetime | None]
    swept_at: Mapped[datetime | None]  # what was sealed under the destroyed key is removed as well
