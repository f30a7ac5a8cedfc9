"""The tables of people to be told: lists, who is on them, and the key that their addresses are under.

Addresses are sealed under a key of their incident's own, which can be destroyed: what stays then is who was
told by which way, under a keyed hash. Lists belong to the incident; a communication picks from them.
"""

from datetime import datetime, timedelta
from enum import IntFlag, StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database import Base, Owned, new_id
from foundation.encryption import EncryptedBytes


class Ways(IntFlag):
    """By which ways a person can be told, as their row says."""

    NONE = 0
    EMAIL = 1
    SMS = 2
    LETTER = 4


class ListState(StrEnum):
    """How far a list is."""

    UPLOADED = "uploaded"  # the file is here; somebody says which column is what
    READING = "reading"  # rows are taken over, some thousand at a time
    READ = "read"  # every row is a person or a fault
    REFUSED = "refused"  # it is no list, or the end of the file never came; nobody of it is told
    WITHDRAWN = "withdrawn"  # a person took it back before anybody of it was told


GONE: Final = (ListState.REFUSED, ListState.WITHDRAWN)


FOUND_BY: Final = {
    "ix_recipients_email": ("email_key", "email_key IS NOT NULL"),
    "ix_recipients_phone": ("phone_key", "phone_key IS NOT NULL AND email_key IS NOT NULL"),
    "ix_recipients_phone_alone": ("phone_key", "phone_key IS NOT NULL AND email_key IS NULL"),
    "ix_recipients_post": ("post_key", "post_key IS NOT NULL"),
    "ix_recipients_own": ("own_key", "own_key IS NOT NULL"),
}


def _found_by(name: str, key: str, where: str) -> Index:
    return Index(name, key, "id", sqlite_where=text(where), postgresql_where=text(where))


class IncidentKey(Owned, Base):
    """What the addresses of one incident's people are under; itself under the installation's keys."""

    __tablename__ = "incident_keys"
    __table_args__ = (CheckConstraint("(key IS NULL) = (destroyed_at IS NOT NULL)", name="gone_or_there"),)

    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"), primary_key=True)
    key: Mapped[bytes | None] = mapped_column(EncryptedBytes)  # 32 bytes
    hash_key: Mapped[bytes] = mapped_column(EncryptedBytes)  # 32 bytes; stays: who was told is known
    made_at: Mapped[datetime]
    destroyed_at: Mapped[datetime | None]
    destroyed_by: Mapped[str | None] = mapped_column(String(200))
    destroyed_why: Mapped[str | None]


class RecipientList(Owned, Base):
    """One file of people to be told, from upload to its last row; read by one process at a time."""

    __tablename__ = "recipient_lists"
    __table_args__ = (
        UniqueConstraint("incident_id", "number"),
        CheckConstraint("state <> 'refused' OR why IS NOT NULL", name="refused_says_why"),
        Index("ix_recipient_lists_ready_at", "ready_at", sqlite_where=text("ready_at IS NOT NULL"),
              postgresql_where=text("ready_at IS NOT NULL")),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(String(12), default=ListState.UPLOADED)
    file_name: Mapped[str] = mapped_column(String(255))
    file_sha256: Mapped[str] = mapped_column(String(64))
    file_bytes: Mapped[int] = mapped_column(BigInteger)
    file_kept: Mapped[bool] = mapped_column(default=True)  # sealed beside the database until it was read
    sheet: Mapped[str | None] = mapped_column(String(100))
    encoding: Mapped[str | None] = mapped_column(String(20))
    country: Mapped[str] = mapped_column(String(2))  # where numbers without a country code are
    locale: Mapped[str] = mapped_column(String(5))  # of people whose own language is not told
    has_header: Mapped[bool] = mapped_column(default=True)
    columns: Mapped[list[Any]]  # our field for each column of the file, "" for none
    header: Mapped[list[Any]]  # what the file calls them
    ready_at: Mapped[datetime | None]  # there is something to do: to read, or to remove its rows
    lease_until: Mapped[datetime | None]
    lines_read: Mapped[int] = mapped_column(default=0)  # up to here rows are committed
    bytes_read: Mapped[int] = mapped_column(BigInteger, default=0)
    people: Mapped[int] = mapped_column(default=0)
    faulty: Mapped[int] = mapped_column(default=0)  # rows that are nobody
    noted: Mapped[int] = mapped_column(default=0)  # good to know
    folded: Mapped[int] = mapped_column(default=0)  # rows of people who stand in another row already
    taken_out: Mapped[int] = mapped_column(default=0)  # people that somebody took out, with a reason
    rows_sha256: Mapped[str | None] = mapped_column(String(64))  # over its people in their order
    why: Mapped[str | None] = mapped_column(String(400))
    left_out_why: Mapped[str | None]  # the reason a person gave for leaving faulty rows out
    left_out_by: Mapped[str | None] = mapped_column(String(200))
    uploaded_by: Mapped[str] = mapped_column(String(200))
    uploaded_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_members.id"))
    uploaded_at: Mapped[datetime]
    read_at: Mapped[datetime | None]

    @property
    def told_once(self) -> int:
        """How many it adds to who can be told: without who stands in another row, or was taken out."""
        return max(self.people - self.folded - self.taken_out, 0)

    def time_left(self, now: datetime) -> timedelta | None:
        """How long its file is still read, at the pace since its columns were chosen; None without a pace."""
        if self.state != ListState.READING or not (self.ready_at and self.bytes_read):
            return None
        return max(now - self.ready_at, timedelta()) * (max(self.file_bytes / self.bytes_read, 1) - 1)


class RowFault(Owned, Base):
    """What is wrong with a row of a list, or what was made of it; the cell is masked."""

    __tablename__ = "row_faults"
    __table_args__ = (Index("ix_row_faults_list_id_line", "list_id", "line"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    list_id: Mapped[UUID] = mapped_column(ForeignKey("recipient_lists.id"))
    line: Mapped[int]
    column: Mapped[str] = mapped_column(String(48))
    code: Mapped[str] = mapped_column(String(24))
    shown: Mapped[str] = mapped_column(String(40))
    keeps_out: Mapped[bool]


class Recipient(Owned, Base):
    """One row of a list: a person to be told, or the same person as an earlier row says."""

    __tablename__ = "recipients"
    __table_args__ = (
        UniqueConstraint("list_id", "line"),
        Index("ix_recipients_incident_id_id", "incident_id", "id"),
        # Of two rows with one number it counts whether they have an e-mail address, and the first is wanted:
        # hence two indexes. Equal hashes may be of two incidents of one organisation.
        *(_found_by(name, key, where) for name, (key, where) in FOUND_BY.items()),
        Index("ix_recipients_folded_into_id", "folded_into_id",
              sqlite_where=text("folded_into_id IS NOT NULL"),
              postgresql_where=text("folded_into_id IS NOT NULL")),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)  # in the order of the list
    incident_id: Mapped[UUID]  # that of the list, which the database checks
    list_id: Mapped[UUID] = mapped_column(ForeignKey("recipient_lists.id"))
    line: Mapped[int]
    locale: Mapped[str] = mapped_column(String(5))
    country: Mapped[str] = mapped_column(String(2))  # empty where the list does not say
    group: Mapped[str] = mapped_column(String(100))  # of people, as the list calls it; empty for none
    ways: Mapped[int] = mapped_column(SmallInteger)  # Ways, those of rows folded into it with it
    protected: Mapped[bool | None]  # the address is protected; None where the list does not say
    financial: Mapped[bool | None]  # national number together with financial data
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # name, addresses, fields; None once forgotten
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32))  # of what is sealed, in the clear, keyed
    email_key: Mapped[bytes | None] = mapped_column(LargeBinary(16))  # keyed hashes: to fold, and to find
    phone_key: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    post_key: Mapped[bytes | None] = mapped_column(LargeBinary(16))  # name and address, where a letter is all
    own_key: Mapped[bytes | None] = mapped_column(LargeBinary(16))  # the organisation's number: to find only
    folded_into_id: Mapped[UUID | None] = mapped_column(ForeignKey("recipients.id"))
    left_out_why: Mapped[str | None]  # a person took this row out, and said why
