"""The tables of customers: the controllers whose data we process, and what each is told of a breach."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database import Base, Owned, new_id
from foundation.encryption import EncryptedJSON, EncryptedText


class Customer(Owned, Base):
    """A controller for whom we are processor: who it is, what is agreed, and what we handle for it."""

    __tablename__ = "customers"
    __table_args__ = (
        UniqueConstraint("organisation_id", "name_key"),
        CheckConstraint("notice_hours IS NULL OR notice_hours > 0", name="hours_are_positive"),
        CheckConstraint("people IS NULL OR people >= 0", name="people_are_counted"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(200))
    name_key: Mapped[str] = mapped_column(String(200))  # the name without case and double spaces
    reference: Mapped[str] = mapped_column(String(100), default="")
    agreement: Mapped[str] = mapped_column(String(100), default="")
    agreed_on: Mapped[date | None]
    notice_hours: Mapped[float | None]  # from our awareness; none: "without undue delay"
    locale: Mapped[str] = mapped_column(String(5))
    country: Mapped[str] = mapped_column(String(2))
    systems: Mapped[list[Any]] = mapped_column(default=list)
    categories: Mapped[list[Any]] = mapped_column(default=list)  # rules.vocabulary.DataCategory
    groups: Mapped[list[Any]] = mapped_column(default=list)  # rules.vocabulary.SubjectGroup
    people: Mapped[int | None]
    ended_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class CustomerContact(Owned, Base):
    """Whom to tell at a customer when there is a breach, in order."""

    __tablename__ = "customer_contacts"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"), index=True)
    position: Mapped[int]
    name: Mapped[str] = mapped_column(EncryptedText)
    email: Mapped[str | None] = mapped_column(EncryptedText)
    phone: Mapped[str | None] = mapped_column(EncryptedText)
    verified_at: Mapped[datetime | None]


class CustomerProcessor(Owned, Base):
    """A processor of ours that a customer's data run through."""

    __tablename__ = "customer_processors"

    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"), primary_key=True)
    processor_id: Mapped[UUID] = mapped_column(ForeignKey("processors.id"), primary_key=True, index=True)


class FanOut(Owned, Base):
    """How far an incident has been made duties towards customers, and what it was reckoned from."""

    __tablename__ = "fan_outs"

    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"), primary_key=True)
    facts_number: Mapped[int]
    begun_at: Mapped[datetime]
    done_at: Mapped[datetime | None]  # every customer that was affected then has its duty
    customers: Mapped[int] = mapped_column(default=0)


class RoundState(StrEnum):
    """What is true of a round of notices."""

    DRAFT = "draft"  # no customer knows of it
    APPROVED = "approved"  # these texts to exactly these customers, by a second person
    SENDING = "sending"  # messages are written and followed
    COMPLETE = "complete"  # every customer of it was told, or a person saw to it


class NoticeRound(Owned, Base):
    """What all customers are told alike, a text per language, and who approved it with the list."""

    __tablename__ = "notice_rounds"
    __table_args__ = (
        UniqueConstraint("incident_id", "number"),
        CheckConstraint(
            "state = 'draft' OR (approved_sha256 = content_sha256 AND approved_at IS NOT NULL)",
            name="approval_is_of_this_text",
        ),
        CheckConstraint("approved_by_id IS NULL OR approved_by_id <> written_by_id", name="two_people"),
        CheckConstraint(
            "state NOT IN ('sending', 'complete') OR sent_at IS NOT NULL", name="sent_has_a_time"
        ),
        Index("ix_notice_rounds_sending", "state", sqlite_where=text("state = 'sending'"),
              postgresql_where=text("state = 'sending'")),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"))
    number: Mapped[int]
    texts: Mapped[dict[str, Any]] = mapped_column(EncryptedJSON)  # locale -> part -> text
    drafted: Mapped[dict[str, Any]] = mapped_column(EncryptedJSON)  # the same as facts and awareness gave it
    content_sha256: Mapped[str] = mapped_column(String(64))  # over texts and list together
    state: Mapped[str] = mapped_column(String(20), default=RoundState.DRAFT)
    facts_number: Mapped[int]  # what it was drafted from
    aware_at: Mapped[datetime | None]
    drafted_at: Mapped[datetime]
    written_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_members.id"))  # none: the clock
    written_by: Mapped[str] = mapped_column(String(200))
    approved_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_members.id"))
    approved_by: Mapped[str | None] = mapped_column(String(200))
    approved_at: Mapped[datetime | None]
    approved_sha256: Mapped[str | None] = mapped_column(String(64))
    sent_by: Mapped[str | None] = mapped_column(String(200))
    sent_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]


class NoticeState(StrEnum):
    """What is true of one customer's notice."""

    DRAFT = "draft"
    SENT = "sent"  # its messages are in the outbox or further
    DELIVERED = "delivered"  # a provider says that one of them arrived
    UNREACHED = "unreached"  # none arrived: a person must see to it
    TOLD = "told"  # a person told the customer another way
    WITHDRAWN = "withdrawn"  # set aside before it was sent


class ControllerNotice(Owned, Base):
    """What one customer is told: its own part, and what became of it (GDPR art. 33(2))."""

    __tablename__ = "controller_notices"
    __table_args__ = (
        UniqueConstraint("round_id", "customer_id"),
        Index("ix_controller_notices_of", "incident_id", "customer_id"),
        CheckConstraint("(state IN ('delivered', 'told')) = (told_at IS NOT NULL)", name="told_has_a_time"),
        CheckConstraint("state <> 'told' OR told_by IS NOT NULL", name="told_by_somebody"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    round_id: Mapped[UUID] = mapped_column(ForeignKey("notice_rounds.id"))
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"))
    duty_id: Mapped[UUID] = mapped_column(ForeignKey("duties.id"))
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"))
    locale: Mapped[str] = mapped_column(String(5))
    own: Mapped[dict[str, Any]] = mapped_column(EncryptedJSON)  # this customer's part, contacts among it
    sha256: Mapped[str] = mapped_column(String(64))  # of its own part: what was approved
    state: Mapped[str] = mapped_column(String(20), default=NoticeState.DRAFT)
    drafted_at: Mapped[datetime]
    posted_at: Mapped[datetime | None]
    told_at: Mapped[datetime | None]
    told_how: Mapped[str | None] = mapped_column(EncryptedText)  # by what way, and whom
    told_by: Mapped[str | None] = mapped_column(String(200))


class SetAsideState(StrEnum):
    """What is true of a decision that a customer need not be told."""

    PENDING = "pending"
    IN_FORCE = "in_force"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


_ALIVE = text("state IN ('pending', 'in_force')")


class SetAside(Owned, Base):
    """A named person's word that a customer is not affected; in force once a second one agrees."""

    __tablename__ = "customers_set_aside"
    __table_args__ = (
        Index("uq_customers_set_aside_alive", "duty_id", unique=True, sqlite_where=_ALIVE,
              postgresql_where=_ALIVE),
        CheckConstraint("second_by_id IS NULL OR second_by_id <> by_id", name="two_different_people"),
        CheckConstraint("state <> 'in_force' OR second_by_id IS NOT NULL", name="needs_two"),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"), index=True)
    duty_id: Mapped[UUID] = mapped_column(ForeignKey("duties.id"))
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"))
    state: Mapped[str] = mapped_column(String(20), default=SetAsideState.PENDING)
    reason: Mapped[str]
    by_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"))
    by: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]
    second_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_members.id"))
    second_by: Mapped[str | None] = mapped_column(String(200))
    second_at: Mapped[datetime | None]
