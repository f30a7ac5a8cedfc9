"""The filing log: what was handed to an authority, and what came back. Rows are added and never change."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Interval, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database import Base, Owned, new_id
from foundation.encryption import EncryptedBytes, EncryptedText


class Channel(StrEnum):
    """By which way a notification reached its authority."""

    PORTAL = "portal"
    EMAIL = "e-mail"
    TELEPHONE = "telephone"
    POST = "post"
    UNKNOWN = "unknown"  # recorded before the log was kept, in words that name none of these


class AuthorityFiling(Owned, Base):
    """One filing of one notification: when, by whom, by which way, and the pack byte by byte.

    The database refuses a row whose text is not the approved one, a second one of the same notification,
    and every change and removal. The packs and reasons may be encrypted anew; hashes say that the packs are
    the same, and the ledger holds the reasons.
    """

    __tablename__ = "authority_filings"
    __table_args__ = (
        UniqueConstraint("notification_id"),
        CheckConstraint(
            "channel IN ('portal', 'e-mail', 'telephone', 'post', 'unknown')", name="channel_is_known"
        ),
        CheckConstraint("case_number IS NOT NULL OR why_no_number IS NOT NULL", name="number_or_why_none"),
        CheckConstraint("filed_at <= recorded_at", name="filed_before_it_is_recorded"),
        CheckConstraint("(pack_pdf IS NULL) = (pack_pdf_sha256 IS NULL)", name="pdf_has_its_hash"),
        CheckConstraint("(pack_json IS NULL) = (pack_json_sha256 IS NULL)", name="json_has_its_hash"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"), index=True)
    duty_id: Mapped[UUID] = mapped_column(ForeignKey("duties.id"))
    notification_id: Mapped[UUID] = mapped_column(ForeignKey("authority_notifications.id"))
    authority: Mapped[str] = mapped_column(String(60))
    number: Mapped[int]  # of the notification
    kind: Mapped[str] = mapped_column(String(20))  # initial, further, final, correction, withdrawal
    channel: Mapped[str] = mapped_column(String(20))
    filed_at: Mapped[datetime]
    filed_by: Mapped[str] = mapped_column(String(200))
    filed_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_members.id"))  # None: long ago
    recorded_at: Mapped[datetime]
    why_later: Mapped[str | None] = mapped_column(EncryptedText)  # why it was recorded so long afterwards
    why_late: Mapped[str | None] = mapped_column(EncryptedText)  # reasons for the delay that the text lacks
    why_late_owed: Mapped[bool] = mapped_column(
        default=False, server_default=false()
    )  # the authority has not got them: a further notification tells them
    case_number: Mapped[str | None] = mapped_column(
        String(80)
    )  # as told at the filing; later ones are proofs
    why_no_number: Mapped[str | None] = mapped_column(EncryptedText)
    number_confirmed: Mapped[bool] = mapped_column(default=False)  # a person said that it is written so
    content_sha256: Mapped[str] = mapped_column(String(64))
    pack_pdf: Mapped[bytes | None] = mapped_column(
        EncryptedBytes, deferred=True
    )  # None: filed before packs were kept, or not to be printed
    pack_pdf_sha256: Mapped[str | None] = mapped_column(String(64))
    pack_json: Mapped[bytes | None] = mapped_column(EncryptedBytes, deferred=True)
    pack_json_sha256: Mapped[str | None] = mapped_column(String(64))
    due_at: Mapped[datetime | None]  # of its duty, as it stood then
    late_by: Mapped[timedelta | None] = mapped_column(Interval)  # of the duty's first filing; 0 in time

    @property
    def reasons(self) -> str | None:
        """Every reason told with it, as the ledger has them."""
        return " ".join(filter(None, (self.why_late, self.why_later, self.why_no_number))) or None


class FilingProof(Owned, Base):
    """What came back for a filing: a receipt byte by byte, or the case number told later."""

    __tablename__ = "filing_proofs"
    __table_args__ = (
        UniqueConstraint("filing_id", "number"),
        UniqueConstraint("filing_id", "sha256"),
        CheckConstraint("sha256 IS NOT NULL OR case_number IS NOT NULL", name="proves_something"),
        CheckConstraint(
            "(data IS NULL) = (sha256 IS NULL) AND (name IS NULL) = (sha256 IS NULL) "
            "AND (media_type IS NULL) = (sha256 IS NULL)",
            name="receipt_is_whole",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    filing_id: Mapped[UUID] = mapped_column(ForeignKey("authority_filings.id"))
    number: Mapped[int]
    name: Mapped[str | None] = mapped_column(String(200))
    media_type: Mapped[str | None] = mapped_column(String(80))  # as the content shows it, not the name
    data: Mapped[bytes | None] = mapped_column(EncryptedBytes, deferred=True)
    sha256: Mapped[str | None] = mapped_column(String(64))
    case_number: Mapped[str | None] = mapped_column(String(80))  # the latest holds
    number_confirmed: Mapped[bool] = mapped_column(default=False)
    why: Mapped[str | None]  # why another number than the one before
    by: Mapped[str] = mapped_column(String(200))
    by_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_members.id"))
    at: Mapped[datetime]
