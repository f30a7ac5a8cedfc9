"""The tables of processors: who handles personal data for us, where they report, what they sign with."""

import unicodedata
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, validates

from foundation.database import Base, Owned, new_id
from foundation.encryption import EncryptedText

NOTHING = text("'[]'")


def name_key(name: str) -> str:
    """What makes two names the same name: letters whatever their case, width or spacing (NFKC)."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(folded.split())[:660]


class Processor(Owned, Base):
    """Who handles personal data for us and may report; a sub-processor names whom it serves.

    One that has left stays on record: `ended_at` says since when, and its secrets sign no more.
    Lists hold words of the facts document, ISO 3166-1 codes, or for `transfers`
    {"country", "basis", "checked_on"}. Replace a list whole; parts are not tracked.
    """

    __tablename__ = "processors"
    __table_args__ = (
        UniqueConstraint("organisation_id", "name"),
        Index("uq_processors_name_key", "organisation_id", "name_key", unique=True),
        CheckConstraint("serves_id <> id", name="serves_another"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(200))
    name_key: Mapped[str] = mapped_column(String(700), server_default="")
    country: Mapped[str] = mapped_column(String(2))  # where it has its seat
    serves_id: Mapped[UUID | None] = mapped_column(ForeignKey("processors.id"))
    service: Mapped[str] = mapped_column(String(200), default="")
    agreement_reference: Mapped[str] = mapped_column(String(200), server_default="", default="")
    agreement_on: Mapped[date | None] = mapped_column(Date)
    agreement_place: Mapped[str] = mapped_column(
        String(500), server_default="", default=""
    )  # where it stands
    notice_hours: Mapped[float | None]  # by agreement, within how many hours it tells us: art. 33(2), 28(3)
    data_categories: Mapped[list[Any]] = mapped_column(server_default=NOTHING, default=list)
    subject_groups: Mapped[list[Any]] = mapped_column(server_default=NOTHING, default=list)
    people: Mapped[int | None]  # about how many people's data it holds
    countries: Mapped[list[Any]] = mapped_column(server_default=NOTHING, default=list)  # where data are kept
    transfers: Mapped[list[Any]] = mapped_column(server_default=NOTHING, default=list)  # outside the EEA
    systems: Mapped[list[Any]] = mapped_column(server_default=NOTHING, default=list)  # ours, that it runs
    notes: Mapped[str | None] = mapped_column(EncryptedText)
    tested_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_why: Mapped[str | None]

    @validates("name")
    def _key(self, _field: str, name: str) -> str:
        self.name_key = name_key(name)
        return name


class ProcessorContact(Owned, Base):
    """Whom to call there; contact data, so it is encrypted, and removed when it is wanted no more."""

    __tablename__ = "processor_contacts"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    processor_id: Mapped[UUID] = mapped_column(ForeignKey("processors.id"), index=True)
    position: Mapped[int]
    name: Mapped[str] = mapped_column(EncryptedText)
    role: Mapped[str] = mapped_column(String(100), default="")  # "duty desk", "DPO": whom, not who
    email: Mapped[str | None] = mapped_column(EncryptedText)
    phone: Mapped[str | None] = mapped_column(EncryptedText)  # E.164
    verified_at: Mapped[datetime | None]
    verified_by: Mapped[str | None] = mapped_column(String(200))
    added_at: Mapped[datetime]


class Endpoint(Owned, Base):
    """Where one processor posts its reports; the id in the address is not guessable."""

    __tablename__ = "endpoints"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    processor_id: Mapped[UUID] = mapped_column(ForeignKey("processors.id"), unique=True)
    created_at: Mapped[datetime]


class SigningKey(Owned, Base):
    """A secret that a processor signs with; two are live during a rotation, more after another one."""

    __tablename__ = "signing_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    endpoint_id: Mapped[str] = mapped_column(ForeignKey("endpoints.id"), index=True)
    secret: Mapped[str] = mapped_column(EncryptedText)
    created_at: Mapped[datetime]
    retires_at: Mapped[datetime | None]
