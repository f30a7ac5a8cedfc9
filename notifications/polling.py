"""What a provider accepted and never spoke of again: it is asked, and nothing is left to hope for hours.

Receipts get lost, and mail servers put mail off for days, longer than any deadline here. What the
provider says when asked counts as a receipt does: once, and by its rank.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update

from foundation.database import changed, database_now, db, transaction
from notifications import channels, delivery
from notifications.channels import Told
from notifications.channels.deadline import Round
from notifications.models import Attempt, Channel, Kind, Message, State

SILENT_FOR = timedelta(minutes=15)  # so long without a last receipt, and as long between two questions
ASKED_FOR = timedelta(days=3)  # mail servers are tried so long; later nobody is asked any more
LATE_AFTER = timedelta(hours=6)  # an e-mail put off so long gets company by a second channel
AT_ONCE = 20  # messages a round


def due(now: datetime) -> list[UUID]:
    """The accepted messages to ask about, those left alone longest first."""
    waits = Message.state == State.ACCEPTED, Message.accepted_at.between(now - ASKED_FOR, now - SILENT_FOR)
    lately = Message.asked_at.is_(None) | (Message.asked_at <= now - SILENT_FOR)
    return list(
        db.session.scalars(
            select(Message.id)
            .where(*waits, lately, _speaks())
            .order_by(func.coalesce(Message.asked_at, Message.accepted_at))
            .limit(AT_ONCE)
        )
    )


def _speaks() -> ColumnElement[bool]:
    """Whose provider could say that it arrived: of the others silence means nothing."""
    return Message.provider.not_in(channels.MUTE)


def ask(message_id: UUID, looking: Round) -> bool:
    """Ask what became of one message and take the answer in; true when there was one.

    A provider that was silent before in this round is not asked again in it.
    """
    message = db.session.get_one(Message, message_id)
    attempt = db.session.scalars(
        select(Attempt)
        .where(
            Attempt.message_id == message_id,
            Attempt.provider == message.provider,
            Attempt.provider_id == message.provider_id,
        )
        .order_by(Attempt.number.desc())
    ).first()
    if looking.is_over() or attempt is None or attempt.provider in looking.silent:
        return False
    channel, name = message.channel, attempt.provider
    attempt_id, provider_id = attempt.id, attempt.provider_id or ""
    db.session.rollback()  # hold no connection while the provider thinks
    told = None
    try:
        told = channels.provider(channel, name).told(attempt_id=str(attempt_id), provider_id=provider_id)
    except channels.CannotAsk:
        looking.silent.add(name)
    with transaction():
        changed(update(Message).where(Message.id == message_id).values(asked_at=database_now()))
        return _take_in(told, name, attempt_id, provider_id)


def _take_in(told: Told | None, provider: str, attempt_id: UUID, provider_id: str) -> bool:
    if told is None:
        return False
    return delivery.receipt(
        provider=provider, event_id=f"asked:{attempt_id}:{told.status}", status=told.status,
        attempt_id=attempt_id, provider_id=provider_id, code=told.code, now=database_now(),
    )  # fmt: skip


def late(now: datetime) -> list[UUID]:
    """E-mails to people and authorities that a provider has had for hours, not days, and not delivered."""
    return list(
        db.session.scalars(
            select(Message.id)
            .where(
                Message.state == State.ACCEPTED,
                Message.accepted_at.between(now - ASKED_FOR, now - LATE_AFTER),
                Message.late_at.is_(None),
                Message.channel == Channel.EMAIL,
                Message.kind.in_((Kind.SUBJECT, Kind.AUTHORITY)),
                _speaks(),
            )
            .order_by(Message.accepted_at)
            .limit(AT_ONCE)
        )
    )


def take_another_way(message_id: UUID) -> bool:
    """Send a late communication by its next channel as well, else call a person; true when done, once."""
    with transaction():
        message, now = db.session.get_one(Message, message_id, with_for_update=True), database_now()
        if message.state is not State.ACCEPTED or message.late_at:
            return False
        message.late_at = now
        if not (message.kind is Kind.SUBJECT and delivery.fall_back(message, now)):
            delivery.call_a_person(message, why="accepted, and not delivered for hours", now=now)
    return True
