"""The table of answering by text message: the codes that were ever given out, each once for its number."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database import Base, Owned, new_id
from foundation.encryption import EncryptedText, blind_index


class ReplyCode(Owned, Base):
    """A code given out to a number, and never again to the same: no old text takes a new page."""

    __tablename__ = "reply_codes"
    __table_args__ = (UniqueConstraint("recipient_index", "code"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    recipient: Mapped[str] = mapped_column(EncryptedText)
    recipient_index: Mapped[str] = mapped_column(String(64))
    code: Mapped[str] = mapped_column(String(12))
    created_at: Mapped[datetime]

    def reindex(self) -> None:
        """Renew the index, after a key rotation: the codes of before stay given out."""
        self.recipient_index = blind_index(self.recipient)
