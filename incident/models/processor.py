"""The tables of processors: who handles personal data for us, where they report, what they sign with."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database import Base, Owned, new_id
from foundation.encryption import EncryptedText


class Processor(Owned, Base):
    """Who handles personal data for us and may report; a sub-processor names whom it serves."""

    __tablename__ = "processors"
    __table_args__ = (UniqueConstraint("organisation_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(200))
    country: Mapped[str] = mapped_column(String(2))
    serves_id: Mapped[UUID | None] = mapped_column(ForeignKey("processors.id"))
    service: Mapped[str] = mapped_column(String(200), default="")
    tested_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Endpoint(Owned, Base):
    """Where one processor posts its reports; the id in the address is not guessable."""

    __tablename__ = "endpoints"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    processor_id: Mapped[UUID] = mapped_column(ForeignKey("processors.id"), unique=True)
    created_at: Mapped[datetime]


class SigningKey(Owned, Base):
    """A secret that a processor signs with; during a rotation two are live."""

    __tablename__ = "signing_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    endpoint_id: Mapped[str] = mapped_column(ForeignKey("endpoints.id"), index=True)
    secret: Mapped[str] = mapped_column(EncryptedText)
    created_at: Mapped[datetime]
    retires_at: Mapped[datetime | None]
