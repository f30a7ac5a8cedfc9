"""The tables of escalation: each ringing of each person by each way, answers, teams, whom it goes to at last.

A row of `rings` is written when a page's turn comes to a person: one for each of their ways, posted at
once or at its time. So a later method is a row with a time, caught up after any outage.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database import Base, Owned, new_id
from foundation.encryption import EncryptedJSON

WAITS = "posted_at IS NULL AND dropped_at IS NULL"


class Ring(Owned, Base):
    """A page rings a person by one of their ways: at once, after their delay, or in a bundle with others."""

    __tablename__ = "rings"
    __table_args__ = (
        UniqueConstraint("page_id", "number", "staff_id", "way"),
        CheckConstraint("posted_at IS NULL OR dropped_at IS NULL", name="posted_or_dropped"),
        CheckConstraint("(dropped_at IS NULL) = (why IS NULL)", name="dropped_says_why"),
        Index("ix_rings_waiting", "at", sqlite_where=text(WAITS), postgresql_where=text(WAITS)),
        Index("ix_rings_of_person", "staff_id", "channel", "posted_at"),
        Index("ix_rings_message", "message_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    page_id: Mapped[UUID] = mapped_column(ForeignKey("pages.id"))
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"))
    number: Mapped[int]  # which ringing of the page this belongs to, from 1
    way: Mapped[str] = mapped_column(String(40))  # `ways.Way.key`
    channel: Mapped[str] = mapped_column(String(20))
    rung_at: Mapped[datetime]  # when the page's turn came to the person
    at: Mapped[datetime]  # when this way is rung
    held: Mapped[bool] = mapped_column(default=False)  # goes in one message with others
    posted_at: Mapped[datetime | None]
    message_id: Mapped[UUID | None] = mapped_column(ForeignKey("messages.id"))  # one, of all in a bundle
    dropped_at: Mapped[datetime | None]
    why: Mapped[str | None] = mapped_column(String(80))


class Answer(Owned, Base):
    """What a person said to a page besides taking it; taking is an `Acknowledgement`."""

    __tablename__ = "page_answers"
    __table_args__ = (Index("ix_page_answers_page_id", "page_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    page_id: Mapped[UUID] = mapped_column(ForeignKey("pages.id"))
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"))
    number: Mapped[int]  # how often the page had rung
    what: Mapped[str] = mapped_column(String(20))  # declined, released, handed_over, call_me
    way: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime]


class Team(Owned, Base):
    """People who are paged together."""

    __tablename__ = "teams"
    __table_args__ = (UniqueConstraint("organisation_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(80))
    members: Mapped[list[Any]]  # ids of staff, by name
    revision: Mapped[int] = mapped_column(default=1, server_default="1")


class LastResort(Owned, Base):
    """Whom a page goes to when the rounds of its policy are over, or a step of it reaches nobody."""

    __tablename__ = "last_resorts"
    __table_args__ = (UniqueConstraint("organisation_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    backstop: Mapped[list[Any]]  # targets as in a policy; rung first, and where a step reaches nobody
    management: Mapped[list[Any]]  # targets as in a policy; rung as well from the next time on
    revision: Mapped[int] = mapped_column(default=1, server_default="1")


class HeldReminder(Owned, Base):
    """A reminder that can wait, kept to go with others in one message."""

    __tablename__ = "held_reminders"
    __table_args__ = (
        UniqueConstraint("organisation_id", "dedupe_key"),
        Index("ix_held_reminders_waiting", "at", sqlite_where=text("message_id IS NULL"),
              postgresql_where=text("message_id IS NULL")),
        Index("ix_held_reminders_about", "about"),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"))
    about: Mapped[str] = mapped_column(String(80))
    template: Mapped[str] = mapped_column(String(60))
    context: Mapped[dict[str, Any]] = mapped_column(EncryptedJSON)
    dedupe_key: Mapped[str] = mapped_column(String(300))
    held_at: Mapped[datetime]
    at: Mapped[datetime]  # when it goes at the latest
    message_id: Mapped[UUID | None] = mapped_column(ForeignKey("messages.id"))
