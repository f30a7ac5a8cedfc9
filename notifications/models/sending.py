"""The tables of telling many: a sending, its groups with their attempts, and a delivery per person and way.

A group is what is claimed and handed to a provider in one request: many people where the provider takes
many, else one. Its outcome becomes a row for each person in it, so that no row per person is ever changed
before it is inserted, and none is missing once a provider has the group.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
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
from foundation.encryption import EncryptedJSON


class SendingState(StrEnum):
    """What is true of a sending."""

    PLANNING = "planning"  # groups are being made; nobody has been written to
    CANARY = "canary"  # the first few are out; the rest waits for what becomes of them
    RUNNING = "running"
    PAUSED = "paused"  # by a person or by itself; goes on to the person where it stopped
    STOPPED = "stopped"  # by a person, for good; who was not told is on the manual list
    ENDED = "ended"  # nothing more happens by itself


class GroupState(StrEnum):
    """What is true of a group; the words are those of messages."""

    PENDING = "pending"
    SENDING = "sending"
    UNCERTAIN = "uncertain"
    ACCEPTED = "accepted"  # each of its people has a delivery
    REFUSED = "refused"  # for good: each of its people has a delivery that says so
    HELD = "held"  # only a person can say whether it goes again
    CANCELLED = "cancelled"


class Fate(StrEnum):
    """What became of one person by one way."""

    ACCEPTED = "accepted"  # the provider has it and will try
    DELIVERED = "delivered"  # the provider says that it arrived
    FAILED = "failed"  # it did not arrive, or was refused; the next way takes over where there is one
    WAITING = "waiting"  # a letter to be printed, or printed and not posted
    POSTED = "posted"  # a letter handed to the post on a day that a person told
    MANUAL = "manual"  # no way is left: a person sees to it
    SETTLED = "settled"  # a person did, and said how


class Sending(Owned, Base):
    """One text to many people, each alone; from the commit that owes it to the last proof."""

    __tablename__ = "sendings"
    __table_args__ = (
        UniqueConstraint("organisation_id", "source"),
        CheckConstraint("state <> 'paused' OR paused_why IS NOT NULL", name="paused_says_why"),
        Index("ix_sendings_open", "state", sqlite_where=text("state NOT IN ('stopped', 'ended')"),
              postgresql_where=text("state NOT IN ('stopped', 'ended')")),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    about: Mapped[str] = mapped_column(String(80))
    source: Mapped[str] = mapped_column(String(60))  # who gives addresses, and which of theirs
    state: Mapped[str] = mapped_column(String(12), default=SendingState.PLANNING)
    ways: Mapped[list[Any]]  # channels in the order they are tried
    texts: Mapped[dict[str, Any]] = mapped_column(EncryptedJSON)  # locale -> channel -> part -> text
    content_sha256: Mapped[str] = mapped_column(String(64))
    must_by: Mapped[datetime | None]
    people: Mapped[int]  # as approved
    planned: Mapped[int] = mapped_column(default=0)  # of them in groups, or on the manual list at once
    planned_to: Mapped[UUID | None]  # the last person planned; rules.sending.ALL when all are
    canary: Mapped[int] = mapped_column(default=0)  # people in the canary
    canary_at: Mapped[datetime | None]  # when its last group had gone, as far as anybody knows
    created_at: Mapped[datetime]
    paused_at: Mapped[datetime | None]
    paused_by: Mapped[str | None] = mapped_column(String(200))
    paused_why: Mapped[str | None] = mapped_column(String(300))  # or why it was stopped
    paused_from: Mapped[str | None] = mapped_column(String(12))
    told_at: Mapped[datetime | None]  # when people were told that it paused by itself
    ended_at: Mapped[datetime | None]
    tally: Mapped[dict[str, Any]] = mapped_column(default=dict)  # counts as of `tallied_at`
    tallied_at: Mapped[datetime | None]
    heard: Mapped[int] = mapped_column(default=0)  # how often something became of its people once it was over


class SendingGroup(Owned, Base):
    """People who go to a provider together, in one language, by one channel; claimed as one."""

    __tablename__ = "sending_groups"
    __table_args__ = (
        UniqueConstraint("sending_id", "number"),
        CheckConstraint("(state = 'sending') = (lease_until IS NOT NULL)", name="sending_has_a_lease"),
        CheckConstraint("state <> 'uncertain' OR uncertain_at IS NOT NULL", name="uncertain_has_a_time"),
        CheckConstraint(
            "(substr(about, 1, 6) = 'drill/') = (channel = 'pretend')", name="drills_are_pretend"
        ),
        CheckConstraint("(channel = 'pretend') = (instead_of IS NOT NULL)", name="pretend_says_what"),
        Index("ix_sending_groups_due", "ready_at", sqlite_where=text("state = 'pending'"),
              postgresql_where=text("state = 'pending'")),
        Index("ix_sending_groups_leases", "lease_until", sqlite_where=text("state = 'sending'"),
              postgresql_where=text("state = 'sending'")),
        Index("ix_sending_groups_uncertain", "uncertain_at", sqlite_where=text("state = 'uncertain'"),
              postgresql_where=text("state = 'uncertain'")),
        Index("ix_sending_groups_patience", "patience_until",
              sqlite_where=text("patience_until IS NOT NULL"),
              postgresql_where=text("patience_until IS NOT NULL")),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    sending_id: Mapped[UUID] = mapped_column(ForeignKey("sendings.id"))
    about: Mapped[str] = mapped_column(String(80))
    number: Mapped[int]
    channel: Mapped[str] = mapped_column(String(10))
    instead_of: Mapped[str | None] = mapped_column(String(10))
    locale: Mapped[str] = mapped_column(String(10))
    is_canary: Mapped[bool] = mapped_column(default=False)
    size: Mapped[int] = mapped_column(SmallInteger)
    members: Mapped[bytes] = mapped_column(LargeBinary)  # rules.sending.Member, in order: places begin at 0
    state: Mapped[str] = mapped_column(String(12), default=GroupState.PENDING)
    ready_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    provider: Mapped[str | None] = mapped_column(String(20))
    lease_until: Mapped[datetime | None]
    uncertain_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]
    why: Mapped[str | None] = mapped_column(String(300))
    wants_person_at: Mapped[datetime | None]
    told_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    patience_until: Mapped[datetime | None]  # then who has no proof yet is told by the next way as well
    done_at: Mapped[datetime | None]


class SendingAttempt(Owned, Base):
    """One try with a group; its id travels with each message and comes back, with a place, in receipts."""

    __tablename__ = "sending_attempts"
    __table_args__ = (UniqueConstraint("group_id", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    group_id: Mapped[UUID] = mapped_column(ForeignKey("sending_groups.id"))
    number: Mapped[int]
    provider: Mapped[str] = mapped_column(String(20))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(20))  # Outcome
    provider_id: Mapped[str | None] = mapped_column(String(120), index=True)
    code: Mapped[str | None] = mapped_column(String(40))


class Delivery(Owned, Base):
    """One person by one way: what became of it, by whom it is said, and when.

    A million of them come in by one sending: no reference of theirs is checked by the database but to
    whose they are. Groups and sendings are never removed.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("ix_deliveries_group_id_place", "group_id", "place"),
        Index("ix_deliveries_next", "sending_id", "next_at", sqlite_where=text("next_at IS NOT NULL"),
              postgresql_where=text("next_at IS NOT NULL")),
        Index("ix_deliveries_people", "sending_id", "recipient_id",
              sqlite_where=text("fate IN ('manual', 'waiting')"),
              postgresql_where=text("fate IN ('manual', 'waiting')")),
    )  # fmt: skip

    sending_id: Mapped[UUID] = mapped_column(primary_key=True)
    recipient_id: Mapped[UUID] = mapped_column(primary_key=True)  # whose, the source knows
    channel: Mapped[str] = mapped_column(
        String(10), primary_key=True
    )  # "manual" where there was no way from the beginning
    group_id: Mapped[UUID | None]
    place: Mapped[int] = mapped_column(SmallInteger, default=0)  # in the group
    locale: Mapped[str] = mapped_column(String(10))
    country: Mapped[str] = mapped_column(String(2))
    left: Mapped[int] = mapped_column(SmallInteger)  # ways that were not tried yet, as the source counts them
    fate: Mapped[str] = mapped_column(String(12))
    rank: Mapped[int] = mapped_column(SmallInteger, default=0)  # of the receipt that said so
    code: Mapped[str | None] = mapped_column(String(40))  # the provider's; of a letter, which run it is in
    why: Mapped[str | None] = mapped_column(String(300))
    at: Mapped[datetime]  # since when that is its fate
    next_at: Mapped[datetime | None]  # it failed: the next way is taken then
    is_last: Mapped[bool] = mapped_column(default=True)  # no later way was begun for this person
    note: Mapped[str | None] = mapped_column(String(300))  # of a person who settled it; a day of posting


class SendingBudget(Base):
    """How soon a provider may be given more of what goes to many: what is urgent has its share kept free."""

    __tablename__ = "sending_budgets"

    way: Mapped[str] = mapped_column(String(40), primary_key=True)  # channel/provider
    free_at: Mapped[datetime]
    day_from: Mapped[datetime | None]  # since then so many units were given, for 24 hours
    day_units: Mapped[int] = mapped_column(default=0)
