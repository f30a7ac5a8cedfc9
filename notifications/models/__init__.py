"""The tables of delivery: messages and their attempts, receipts, pages, contact methods, the rota."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    CheckConstraint,
    Enum,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
    false,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database import Base, Owned, new_id
from foundation.encryption import EncryptedJSON, EncryptedText, blind_index


class Kind(StrEnum):
    """Why a message is sent; decides whether a copy or silence is worse."""

    ONCALL = "oncall"  # a page: a second copy is harmless, silence is not
    SUBJECT = "subject"  # a communication to a data subject: never twice
    AUTHORITY = "authority"  # a notification by e-mail: never twice
    INTERNAL = "internal"  # a reminder to staff: at most once more


class Channel(StrEnum):
    """A way to a person."""

    SMS = "sms"
    VOICE = "voice"  # a call that reads the text out
    EMAIL = "email"
    CHAT = "chat"  # a chat or push service, by an address of Apprise
    PRETEND = "pretend"  # of a drill: to nobody, by no provider


OUTSIDE = (Channel.SMS, Channel.VOICE, Channel.EMAIL, Channel.CHAT)  # those that reach somebody


class State(StrEnum):
    """What is true of a message in the world."""

    PENDING = "pending"  # waits for its time; no provider has it
    SENDING = "sending"  # a worker holds it and is talking to the provider
    UNCERTAIN = "uncertain"  # the provider may have it: nobody answered for sure
    ACCEPTED = "accepted"  # the provider has it and will try
    DELIVERED = "delivered"  # the provider says that it arrived
    HELD = "held"  # only a person can say whether to send it again
    UNREACHED = "unreached"  # given up on this channel, with a reason; never retried by itself
    CANCELLED = "cancelled"  # withdrawn before any provider had it


class Outcome(StrEnum):
    """How one attempt ended."""

    ACCEPTED = "accepted"  # the provider said yes to us
    FOUND = "found"  # we did not hear its yes, but found the message there
    NOT_SENT = "not_sent"  # provably not taken; may be tried again
    REJECTED = "rejected"  # refused for good on this channel
    UNCERTAIN = "uncertain"  # no sure answer
    VOID = "void"  # looked for after the settling time and not there
    FAILED = "failed"  # taken, then reported as not delivered
    DUPLICATE = "duplicate"  # turned out to be a second copy


def _enum(kind: type[StrEnum], *, every: bool = True) -> Enum:
    return Enum(
        kind, native_enum=False, length=20, create_constraint=every, name=kind.__name__.lower(),
        values_callable=lambda values: [each.value for each in values],
    )  # fmt: skip


class Message(Owned, Base):
    """One text to one recipient by one channel, from the commit that owes it to its last receipt."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("organisation_id", "dedupe_key"),
        CheckConstraint("(state = 'sending') = (lease_until IS NOT NULL)", name="sending_has_a_lease"),
        CheckConstraint("state <> 'uncertain' OR uncertain_at IS NOT NULL", name="uncertain_has_a_time"),
        CheckConstraint(
            "state NOT IN ('accepted', 'delivered') OR provider_id IS NOT NULL",
            name="accepted_has_the_providers_id",
        ),
        CheckConstraint("state <> 'unreached' OR why IS NOT NULL", name="unreached_says_why"),
        CheckConstraint(
            "(substr(about, 1, 6) = 'drill/') = (channel = 'pretend')", name="drills_are_pretend"
        ),
        CheckConstraint("(channel = 'pretend') = (instead_of IS NOT NULL)", name="pretend_says_what"),
        CheckConstraint("instead_of IN ('sms', 'voice', 'email', 'chat')", name="instead_of"),
        Index("ix_messages_due", "ready_at", sqlite_where=text("state = 'pending'"),
              postgresql_where=text("state = 'pending'")),
        Index("ix_messages_leases", "lease_until", sqlite_where=text("state = 'sending'"),
              postgresql_where=text("state = 'sending'")),
        Index("ix_messages_uncertain", "uncertain_at", sqlite_where=text("state = 'uncertain'"),
              postgresql_where=text("state = 'uncertain'")),
        Index("ix_messages_accepted", "accepted_at", sqlite_where=text("state = 'accepted'"),
              postgresql_where=text("state = 'accepted'")),
        Index("ix_messages_alarms", "wants_person_at",
              sqlite_where=text("wants_person_at IS NOT NULL AND told_at IS NULL"),
              postgresql_where=text("wants_person_at IS NOT NULL AND told_at IS NULL")),
        Index("ix_messages_about", "about"),
        Index("ix_messages_staff", "staff_id", "created_at", sqlite_where=text("staff_id IS NOT NULL"),
              postgresql_where=text("staff_id IS NOT NULL")),
        Index("ix_messages_reply", "recipient_index", "reference"),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    about: Mapped[str] = mapped_column(String(80))
    kind: Mapped[Kind] = mapped_column(_enum(Kind))
    channel: Mapped[Channel] = mapped_column(_enum(Channel))
    instead_of: Mapped[Channel | None] = mapped_column(_enum(Channel, every=False))  # what a drill pretends
    template: Mapped[str] = mapped_column(String(60))
    locale: Mapped[str] = mapped_column(String(10))
    context: Mapped[dict[str, Any]] = mapped_column(EncryptedJSON)
    content: Mapped[dict[str, str]] = mapped_column(EncryptedJSON)
    content_sha256: Mapped[str] = mapped_column(String(64))
    recipient: Mapped[str] = mapped_column(EncryptedText)
    recipient_index: Mapped[str] = mapped_column(String(64))
    fallbacks: Mapped[list[list[str]]] = mapped_column(EncryptedJSON)
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_members.id"))
    page_id: Mapped[UUID | None] = mapped_column(ForeignKey("pages.id"), index=True)
    dedupe_key: Mapped[str] = mapped_column(String(300))
    reference: Mapped[str] = mapped_column(String(12))
    link_hash: Mapped[str | None] = mapped_column(String(64), unique=True)

    state: Mapped[State] = mapped_column(_enum(State), default=State.PENDING)
    ready_at: Mapped[datetime]
    must_by: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    blind: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    uncertain_at: Mapped[datetime | None]
    rung_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]
    provider: Mapped[str | None] = mapped_column(String(20))
    provider_id: Mapped[str | None] = mapped_column(String(120))
    why: Mapped[str | None] = mapped_column(String(300))
    wants_person_at: Mapped[datetime | None]  # reached nobody: a person must see to it
    told_at: Mapped[datetime | None]  # when that person was told
    created_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]  # since when the provider has it, as it says itself
    late_at: Mapped[datetime | None]  # when a second way was taken, or a person called, for it did not arrive
    done_at: Mapped[datetime | None]

    @property
    def way(self) -> Channel:
        """The channel it takes, or would take if this were no drill: by it the text is written."""
        return self.instead_of or self.channel

    def reindex(self) -> None:
        """Renew the index by which a reply finds its message, after a key rotation."""
        self.recipient_index = blind_index(self.recipient)


class Attempt(Owned, Base):
    """One try with a provider; its id travels with the message and comes back in receipts."""

    __tablename__ = "attempts"
    __table_args__ = (
        UniqueConstraint("message_id", "number"),
        Index("ix_attempts_provider_started_at", "provider", "started_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id"))
    number: Mapped[int]
    provider: Mapped[str] = mapped_column(String(20))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[Outcome | None] = mapped_column(_enum(Outcome))
    provider_id: Mapped[str | None] = mapped_column(String(120), index=True)
    code: Mapped[str | None] = mapped_column(String(40))
    rank: Mapped[int] = mapped_column(default=0)


class Receipt(Base):
    """What a provider said later, each once; kept also when it fits no attempt of ours."""

    __tablename__ = "receipts"
    __table_args__ = (UniqueConstraint("provider", "event_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    provider: Mapped[str] = mapped_column(String(20))
    event_id: Mapped[str] = mapped_column(String(200))
    attempt_id: Mapped[UUID | None] = mapped_column(index=True)
    place: Mapped[int | None] = mapped_column(SmallInteger)  # of the person, where an attempt is for many
    provider_id: Mapped[str | None] = mapped_column(String(120))
    status: Mapped[str] = mapped_column(String(40))
    code: Mapped[str | None] = mapped_column(String(40))
    received_at: Mapped[datetime]


class Circuit(Base):
    """A provider that refuses our account, or fails: left alone until a time, and people are told."""

    __tablename__ = "circuits"

    provider: Mapped[str] = mapped_column(String(20), primary_key=True)
    open_until: Mapped[datetime]
    opened_at: Mapped[datetime]
    why: Mapped[str] = mapped_column(String(300))
    account: Mapped[bool] = mapped_column(default=True, server_default=true())  # else it fails
    closed_at: Mapped[datetime | None]  # it took a message again
    told_at: Mapped[datetime | None]


class Stop(Owned, Base):
    """Communications of an organisation are stopped, since people were told twice; a person releases them."""

    __tablename__ = "stops"
    __table_args__ = (
        Index("ix_stops_in_force", "organisation_id", unique=True,
              sqlite_where=text("released_at IS NULL"), postgresql_where=text("released_at IS NULL")),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    stopped_at: Mapped[datetime]
    why: Mapped[str] = mapped_column(String(300))
    told_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    released_by: Mapped[str | None] = mapped_column(String(200))


class PageState(StrEnum):
    """What is true of a page."""

    OPEN = "open"  # nobody has taken it; the next person is paged at next_at
    ACKNOWLEDGED = "acknowledged"  # somebody has taken it
    ENDED = "ended"  # what it was about needs nobody any more


class Page(Owned, Base):
    """An urgent call for a person, with a copy of the escalation policy that no later edit can change."""

    __tablename__ = "pages"
    __table_args__ = (
        CheckConstraint("(state = 'open') = (next_at IS NOT NULL)", name="open_has_a_next_time"),
        Index("ix_pages_due", "next_at", sqlite_where=text("state = 'open'"),
              postgresql_where=text("state = 'open'")),
        Index("ix_pages_one_open", "about", "template", unique=True, sqlite_where=text("state = 'open'"),
              postgresql_where=text("state = 'open'")),
        Index("ix_pages_about", "about"),
        Index("ix_pages_organisation_id", "organisation_id"),
        Index("ix_pages_quiet", "quiet_until", sqlite_where=text("state = 'acknowledged'"),
              postgresql_where=text("state = 'acknowledged'")),
        Index("ix_pages_nobody", "nobody_at", sqlite_where=text("nobody_at IS NOT NULL"),
              postgresql_where=text("nobody_at IS NOT NULL")),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    about: Mapped[str] = mapped_column(String(80))
    template: Mapped[str] = mapped_column(String(60))
    context: Mapped[dict[str, Any]]
    policy: Mapped[list[Any]]
    must_by: Mapped[datetime | None]
    state: Mapped[PageState] = mapped_column(_enum(PageState), default=PageState.OPEN)
    turn: Mapped[int] = mapped_column(default=0)  # how often the policy has moved on
    next_at: Mapped[datetime | None]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    policy_name: Mapped[str | None] = mapped_column(String(80))
    rounds: Mapped[int] = mapped_column(default=3, server_default="3")
    wider: Mapped[list[Any] | None]  # after the rounds: lists of targets, one more of them each time
    number: Mapped[int] = mapped_column(default=0, server_default="0")  # how often it has rung
    quiet_until: Mapped[datetime | None]  # when what was taken comes back
    offered_to_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_members.id"))  # and not yet taken by
    nobody_at: Mapped[datetime | None]  # a step reached nobody, and nobody was told of it yet
    nobody: Mapped[list[Any] | None]  # numbers of the steps that reached nobody when last it moved on


class Acknowledgement(Owned, Base):
    """Somebody took it: who, when, by which way, and until when they had it."""

    __tablename__ = "acknowledgements"
    __table_args__ = (
        Index("uq_acknowledgements_current", "page_id", unique=True, sqlite_where=text("ended_at IS NULL"),
              postgresql_where=text("ended_at IS NULL")),
        Index("ix_acknowledgements_page_id", "page_id"),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    page_id: Mapped[UUID] = mapped_column(ForeignKey("pages.id"))
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"))
    at: Mapped[datetime]
    way: Mapped[str] = mapped_column(String(20))
    ended_at: Mapped[datetime | None]  # it came back, was given up, or a colleague took it over


class ContactMethod(Owned, Base):
    """A number or address of a member of staff."""

    __tablename__ = "contact_methods"
    __table_args__ = (
        UniqueConstraint("staff_id", "channel", "address_index"),
        CheckConstraint("channel IN ('sms', 'voice', 'email', 'chat')", name="channel"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"), index=True)
    channel: Mapped[Channel] = mapped_column(_enum(Channel, every=False))
    address: Mapped[str] = mapped_column(EncryptedText)
    address_index: Mapped[str] = mapped_column(String(64), index=True)
    position: Mapped[int] = mapped_column(default=0)
    delay_minutes: Mapped[int] = mapped_column(default=0, server_default="0")  # it waits so long for others
    verified_at: Mapped[datetime | None]
    opted_out_at: Mapped[datetime | None]

    def reindex(self) -> None:
        """Renew the index by which a reply finds its sender, after a key rotation."""
        self.address_index = blind_index(self.address)


class EscalationPolicy(Owned, Base):
    """Whom to page, and whom next when nobody answers."""

    __tablename__ = "escalation_policies"
    __table_args__ = (UniqueConstraint("organisation_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(80))
    # Each step has "targets" and "minutes" until the next; a target is one of rules.escalation.KINDS with an
    # id or a name. A step of one target may name it itself; "rotation" is the schedule of the same id.
    steps: Mapped[list[Any]]
    rounds: Mapped[int] = mapped_column(default=3, server_default="3")  # before it goes wider
    in_force: Mapped[bool] = mapped_column(default=False, server_default=false())  # else the first by name
    revision: Mapped[int] = mapped_column(default=1, server_default="1")


class DrillLadder(Owned, Base):
    """Whom the pages of one drill go to, where others take part than would be paged in earnest."""

    __tablename__ = "drill_ladders"
    __table_args__ = (CheckConstraint("substr(about, 1, 6) = 'drill/'", name="of_a_drill"),)

    about: Mapped[str] = mapped_column(String(80), primary_key=True)
    steps: Mapped[list[Any]]  # as those of a policy


from notifications.models.contact import ContactCode as ContactCode  # noqa: E402
from notifications.models.contact import QuietHours as QuietHours  # noqa: E402
from notifications.models.escalation import Answer as Answer  # noqa: E402
from notifications.models.escalation import HeldReminder as HeldReminder  # noqa: E402
from notifications.models.escalation import LastResort as LastResort  # noqa: E402
from notifications.models.escalation import Ring as Ring  # noqa: E402
from notifications.models.escalation import Team as Team  # noqa: E402
from notifications.models.phone import ReplyCode as ReplyCode  # noqa: E402  tables of the parts, one line each
from notifications.models.providers import Switch as Switch  # noqa: E402
from notifications.models.rota import OnCallRecord as OnCallRecord  # noqa: E402  needs Base alone
from notifications.models.rota import Override as Override  # noqa: E402
from notifications.models.rota import Rotation as Rotation  # noqa: E402
from notifications.models.rota import Schedule as Schedule  # noqa: E402
from notifications.models.rota import ScheduleFeed as ScheduleFeed  # noqa: E402
from notifications.models.rota import Swap as Swap  # noqa: E402
from notifications.models.rota import SwapState as SwapState  # noqa: E402
from notifications.models.sending import Delivery as Delivery  # noqa: E402
from notifications.models.sending import Fate as Fate  # noqa: E402
from notifications.models.sending import GroupState as GroupState  # noqa: E402
from notifications.models.sending import Sending as Sending  # noqa: E402
from notifications.models.sending import SendingAttempt as SendingAttempt  # noqa: E402
from notifications.models.sending import SendingBudget as SendingBudget  # noqa: E402
from notifications.models.sending import SendingGroup as SendingGroup  # noqa: E402
from notifications.models.sending import SendingState as SendingState  # noqa: E402
from notifications.models.watching import Probe as Probe  # noqa: E402  its tables refer to those above
