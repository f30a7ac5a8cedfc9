"""The tables of what processors without machines report by, and of what was refused at the door."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database import Base, Owned, new_id
from foundation.encryption import EncryptedText


class ReportingLink(Owned, Base):
    """An address by which a processor reports without an account; whoever knows it may."""

    __tablename__ = "reporting_links"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    processor_id: Mapped[UUID] = mapped_column(ForeignKey("processors.id"), index=True)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    note: Mapped[str] = mapped_column(String(200))  # for whom it was made
    made_by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]  # when a report last came by it


class OfflineKey(Owned, Base):
    """The key inside one offline form; it signs the files of that form and nothing else."""

    __tablename__ = "offline_keys"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    processor_id: Mapped[UUID] = mapped_column(ForeignKey("processors.id"), index=True)
    secret: Mapped[str] = mapped_column(EncryptedText)
    note: Mapped[str] = mapped_column(String(200))
    made_by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class Submission(Owned, Base):
    """How a report came that a person typed into a form of ours: by which link or file, and who says so."""

    __tablename__ = "submissions"
    __table_args__ = (
        UniqueConstraint("link_id", "form_id", "body_sha256"),
        UniqueConstraint("offline_key_id", "form_id", "body_sha256"),
        CheckConstraint("link_id IS NOT NULL OR offline_key_id IS NOT NULL", name="came_by_something"),
        Index("ix_submissions_mailed", "link_id", "created_at", sqlite_where=text("mailed_index IS NOT NULL"),
              postgresql_where=text("mailed_index IS NOT NULL")),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    report_id: Mapped[UUID] = mapped_column(ForeignKey("reports.id"), unique=True)
    incident_id: Mapped[UUID | None] = mapped_column(ForeignKey("incidents.id"), index=True)
    link_id: Mapped[UUID | None] = mapped_column(ForeignKey("reporting_links.id"))
    offline_key_id: Mapped[str | None] = mapped_column(ForeignKey("offline_keys.id"))
    form_id: Mapped[str] = mapped_column(String(200))  # a double tap, a retry or a replay has the same
    body_sha256: Mapped[str] = mapped_column(String(64))
    typed_by: Mapped[str] = mapped_column(EncryptedText)
    locale: Mapped[str] = mapped_column(String(5))
    status_hash: Mapped[str] = mapped_column(String(64), unique=True)
    status_secret: Mapped[str] = mapped_column(EncryptedText)  # shown again to whoever sends the same again
    mailed_index: Mapped[str | None] = mapped_column(String(64))  # blind index of where a confirmation went
    created_at: Mapped[datetime]


class ReportConfirmation(Owned, Base):
    """That a report which a program signed has been confirmed by e-mail, or had nobody to confirm it to."""

    __tablename__ = "report_confirmations"

    report_id: Mapped[UUID] = mapped_column(ForeignKey("reports.id"), primary_key=True)
    processor_id: Mapped[UUID] = mapped_column(ForeignKey("processors.id"))
    mailed_index: Mapped[str | None] = mapped_column(String(64))  # as of a submission
    created_at: Mapped[datetime] = mapped_column(index=True)


class Quarantined(Base):
    """Requests that were refused, folded: how often the same came, never what it held.

    `organisation_id` is empty for addresses that nobody has; queries here name it themselves. A row
    without a hash counts what came beyond the hour's bound.
    """

    __tablename__ = "quarantined"
    __table_args__ = (
        Index("ix_quarantined_endpoint_id", "endpoint_id", "first_at"),
        Index("ix_quarantined_last_at", "last_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    endpoint_id: Mapped[str | None] = mapped_column(ForeignKey("endpoints.id"))
    fold: Mapped[str] = mapped_column(String(64), unique=True)  # keyed hash of what makes two the same
    reason: Mapped[str] = mapped_column(String(20))
    body_sha256: Mapped[str | None] = mapped_column(String(64))
    address: Mapped[str | None] = mapped_column(EncryptedText)
    count: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    told_at: Mapped[datetime | None]  # when on-call was told of it
    seen_at: Mapped[datetime | None]  # when a person dealt with it, and what they wrote
    seen_by: Mapped[str | None] = mapped_column(String(200))
    seen_reason: Mapped[str | None]
