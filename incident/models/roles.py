"""The tables of who does what in an incident: roles, standing deputies, handover notes, calendar feeds."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database import Base, Owned, new_id
from foundation.encryption import EncryptedJSON

_CURRENT, _LIVE, _UNTOLD = text("until IS NULL"), text("revoked_at IS NULL"), text("told_at IS NULL")
ROLES = "role IN ('lead', 'dpo', 'communications', 'legal', 'it')"


class RoleHeld(Owned, Base):
    """Who held a role of an incident from when until when; without a person, nobody was named.

    A change is a new row. The database itself has one current row per incident and role.
    """

    __tablename__ = "incident_roles"
    __table_args__ = (
        Index("uq_incident_roles_current", "incident_id", "role", unique=True,
              sqlite_where=_CURRENT, postgresql_where=_CURRENT),
        Index("ix_incident_roles_incident_id", "incident_id"),
        Index("ix_incident_roles_holder", "staff_id", sqlite_where=_CURRENT, postgresql_where=_CURRENT),
        CheckConstraint(ROLES, name="role_is_known"),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"))
    role: Mapped[str] = mapped_column(String(20))  # rules.roles.Role
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_members.id"))
    source: Mapped[str] = mapped_column(String(20))  # rules.roles.Source
    since: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(200))
    by_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_members.id"))  # none: the clock filled it
    reason: Mapped[str | None]
    until: Mapped[datetime | None]


class Deputy(Owned, Base):
    """Whom an organisation names for a role by default; the ledger knows who was named before."""

    __tablename__ = "role_deputies"
    __table_args__ = (
        UniqueConstraint("organisation_id", "role"),
        CheckConstraint(ROLES, name="role_is_known"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    role: Mapped[str] = mapped_column(String(20))
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"))
    named_at: Mapped[datetime]
    named_by: Mapped[str] = mapped_column(String(200))


class Handover(Owned, Base):
    """A change of shift while an incident was open: who was asked for a note, what it says, who read it.

    Once per incident, shift and person. The note is encrypted, since people may name people in it; the
    ledger has its hash.
    """

    __tablename__ = "handovers"
    __table_args__ = (
        UniqueConstraint("incident_id", "from_id", "ends_at"),
        Index("ix_handovers_untold", "ends_at", sqlite_where=_UNTOLD, postgresql_where=_UNTOLD),
        Index("ix_handovers_from", "from_id", "ends_at"),
        Index("ix_handovers_to", "to_id", sqlite_where=text("read_at IS NULL"),
              postgresql_where=text("read_at IS NULL")),
        CheckConstraint("(written_at IS NULL) = (note_sha256 IS NULL)", name="note_has_its_hash"),
        CheckConstraint("read_at IS NULL OR told_at IS NOT NULL", name="read_after_told"),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"))
    rotation: Mapped[str] = mapped_column(String(80))  # its name then
    began_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    from_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"))
    to_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"))
    asked_at: Mapped[datetime | None]  # none: whose shift ends is not here any more, or may not see it
    note: Mapped[dict[str, Any] | None] = mapped_column(EncryptedJSON)  # done, open, watch
    note_sha256: Mapped[str | None] = mapped_column(String(64))
    written_at: Mapped[datetime | None]
    summary: Mapped[dict[str, Any] | None] = mapped_column(EncryptedJSON)  # made by us, where no note came
    told_at: Mapped[datetime | None]  # when the change had come and who comes on was told
    read_at: Mapped[datetime | None]


class CalendarFeed(Owned, Base):
    """The secret address of a person's calendar: only its hash is kept, and one is live at a time."""

    __tablename__ = "calendar_feeds"
    __table_args__ = (
        Index("uq_calendar_feeds_live", "staff_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"))
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    made_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class CalendarEntry(Owned, Base):
    """What a person's calendar was last told of one thing, so that a change is told as a change.

    Holds numbers and provisions, no titles and nobody's data.
    """

    __tablename__ = "calendar_entries"
    __table_args__ = (UniqueConstraint("staff_id", "uid"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"))
    uid: Mapped[str] = mapped_column(String(160))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    zone: Mapped[str] = mapped_column(String(64))  # IANA; "UTC" for a deadline
    kind: Mapped[str] = mapped_column(String(20))  # rules.agenda.Event
    summary: Mapped[str] = mapped_column(String(200))
    path: Mapped[str] = mapped_column(String(120))
    sequence: Mapped[int] = mapped_column(default=0)
    made_at: Mapped[datetime]
    modified_at: Mapped[datetime]
    gone_at: Mapped[datetime | None]
