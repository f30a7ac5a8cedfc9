"""Tables of organisations, of the staff who act for them, and of their sign-ins."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Enum, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from foundation.database import Base, Owned, new_id


class Role(StrEnum):
    """What a member of staff is there for; what each may do stands in `permissions`."""

    RESPONDER = "responder"  # is called at night, finds out what happened, stops it
    DPO = "dpo"  # answers for what the authority and the people concerned are told
    AUDITOR = "auditor"  # reads everything afterwards and changes nothing
    ADMIN = "admin"  # looks after people, processors and settings, and decides no incident
    NONE = "none"  # works here, and has no business with incidents


class Organisation(Base):
    """A controller whose incidents these are; every other row belongs to one."""

    __tablename__ = "organisations"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    country: Mapped[str] = mapped_column(String(2))  # ISO 3166-1 alpha-2, of its main establishment
    locale: Mapped[str] = mapped_column(String(5))  # of pages and pages' messages, where nobody chose
    timezone: Mapped[str] = mapped_column(String(64))  # IANA name; times are shown in it
    incident_prefix: Mapped[str] = mapped_column(String(8))  # "PM" in PM-2026-0007
    incident_counter: Mapped[int] = mapped_column(default=0)
    # Legal name, registration, address, contact points, establishments, promise, letter languages:
    # what packs and letters need of a controller. Replace the whole document; parts are not tracked.
    profile: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]


class StaffMember(Owned, Base):
    """A person who acts for one organisation.

    The e-mail address is kept readable, unlike that of people concerned: it is how staff sign in.
    Second factors and passkeys will be tables of their own that point here.
    """

    __tablename__ = "staff_members"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str] = mapped_column(String(254), unique=True)
    password: Mapped[str | None] = mapped_column(String(255))  # Argon2id; none: cannot sign in by password
    role: Mapped[Role] = mapped_column(
        Enum(Role, native_enum=False, length=20, values_callable=lambda roles: [r.value for r in roles])
    )
    locale: Mapped[str] = mapped_column(String(5))
    active: Mapped[bool] = mapped_column(default=True)
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)  # a new one ends every sign-in
    created_at: Mapped[datetime]

    organisation: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)

    @validates("email")
    def _lower_case(self, _name: str, email: str) -> str:
        return email.strip().lower()

    # What Flask-Login asks of a person

    @property
    def is_authenticated(self) -> bool:
        """Whoever was found by a sign-in is signed in."""
        return True

    @property
    def is_anonymous(self) -> bool:
        """Never: staff have names."""
        return False

    @property
    def is_active(self) -> bool:
        """Whether this person may sign in at all."""
        return self.active

    def get_id(self) -> str:
        """What the cookie holds of a person; changes when password, role or standing do."""
        return self.fs_uniquifier


class SignIn(Owned, Base):
    """One person signed in on one device, until it ends; the cookie alone opens nothing."""

    __tablename__ = "sign_ins"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    staff_member_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)  # SHA-256 of what the cookie holds
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
