"""What to do when nobody knows whether a provider has a message: ask it, and if that fails, people.

A message that must not arrive twice waits until the provider has had time to show it, is looked for,
and goes again only when it is surely not there. Near the deadline silence becomes worse than a copy,
and the last word is a person's (docs/decisions/0002-redis-is-a-doorbell.md, the table of kinds).
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import select

from foundation import ledger, queue
from foundation.database import database_now, db, transaction
from foundation.errors import Invalid, Missing, Refused
from notifications import channels, delivery, outbox
from notifications.models import Attempt, Message, Outcome, State


class Choice(StrEnum):
    """What a person decides of a message that nobody else can decide of."""

    SEND_AGAIN = "send_again"  # rather a second copy than none
    MARK_SENT = "mark_sent"  # it is known from elsewhere that the person has it
    GIVE_UP = "give_up"  # not on this channel; the person is told by other means, or not at all


ASK_AGAIN = timedelta(seconds=30)
BLIND_BEFORE = timedelta(hours=6)  # so near the deadline a second copy is better than none
HOLD_BEFORE = timedelta(hours=12)  # so near, what was sent blindly once is a person's to decide
HOLD_AFTER = timedelta(hours=1)  # without a deadline: so long unasked, then a person


def due(now: datetime) -> list[UUID]:
    """The messages that are unsure and were not asked about lately."""
    rows = db.session.execute(
        select(Message.id, Message.kind, Message.uncertain_at)
        .where(
            Message.state == State.UNCERTAIN,
            Message.asked_at.is_(None) | (Message.asked_at < now - ASK_AGAIN),
        )
        .limit(outbox.BATCH)
    )
    return [r.id for r in rows if r.uncertain_at + outbox.terms(r.kind).settle <= now]


def settle(message_id: UUID) -> bool:
    """Ask about one message and act on the answer; true when it was decided."""
    message = db.session.get_one(Message, message_id)
    attempts = list(
        db.session.scalars(select(Attempt).where(Attempt.message_id == message_id).order_by(Attempt.number))
    )
    answer, asked = None, True
    question: dict[str, Any] = {
        "recipient": message.recipient, "attempt_ids": [str(a.id) for a in attempts],
        "reference": message.reference, "since": attempts[0].started_at,
    }  # fmt: skip
    provider = channels.provider(message.channel)
    canary = _canary(message)
    db.session.rollback()  # hold no connection while the provider thinks
    try:
        answer = provider.find(**question)
        if answer is None and canary and provider.find(**canary) is None:
            asked = False  # it does not show what it surely has, so its no proves nothing
    except channels.CannotAsk:
        asked = False
    with transaction():
        return _decide(message_id, answer, asked=asked, now=database_now())


def _decide(message_id: UUID, answer: str | None, *, asked: bool, now: datetime) -> bool:
    message = db.session.get_one(Message, message_id, with_for_update=True)
    if message.state is not State.UNCERTAIN:
        return False
    message.asked_at = now
    if answer:
        last = db.session.scalars(
            select(Attempt).where(Attempt.message_id == message_id).order_by(Attempt.number.desc())
        ).first()
        assert last is not None, "an unsure message has an attempt"  # noqa: S101
        delivery.found(message, last, answer, Outcome.FOUND, now=now)
        return True
    if asked:
        delivery.not_there(message, now=now)
        return True
    return _nobody_knows(message, now)


def _nobody_knows(message: Message, now: datetime) -> bool:
    """The provider cannot be asked: once blindly near the deadline, then a person decides."""
    assert message.uncertain_at is not None  # noqa: S101  the table's own check
    if message.must_by is None:
        late = now > message.uncertain_at + HOLD_AFTER
    else:
        late = message.blind > 0 and now > message.must_by - HOLD_BEFORE
    if late:
        delivery.hold(message, why="the provider cannot say whether it has the message", now=now)
        return True
    if message.must_by and now > message.must_by - BLIND_BEFORE:
        message.blind += 1
        delivery.not_there(message, now=now)
        return True
    return False


def _canary(message: Message) -> dict[str, Any] | None:
    """A message that the provider surely has, to see whether its search shows such things at all."""
    known = db.session.execute(
        select(Message, Attempt)
        .join(Attempt, Attempt.message_id == Message.id)
        .where(
            Message.channel == message.channel,
            Message.provider == message.provider,
            Attempt.outcome == Outcome.ACCEPTED,
            Message.id != message.id,
        )
        .order_by(Attempt.started_at.desc())
        .limit(1)
    ).first()
    if known is None:
        return None
    other, attempt = known
    return {
        "recipient": other.recipient, "attempt_ids": [str(attempt.id)],
        "reference": other.reference, "since": attempt.started_at,
    }  # fmt: skip


def decide(message_id: UUID, choice: Choice, *, by: str, reason: str, now: datetime) -> str:
    """A person decides of a message that is held, or that reached nobody; returns what it is about.

    Raises: Missing when there is none, Invalid without a reason, Refused when nothing is left to decide.
    """
    message = db.session.get(Message, message_id, with_for_update=True, populate_existing=True)
    if message is None:
        raise Missing(_("There is no such message."))
    if not reason.strip():
        raise Invalid(_("A decision needs a reason."), next_step=_("Say why; it goes into the record."))
    if message.state not in (State.HELD, State.UNREACHED) or message.wants_person_at is None:
        raise Refused(
            _("Somebody decided this already, or it was found meanwhile."),
            next_step=_("Look at the message again."),
        )
    _apply(message, choice, now)
    message.wants_person_at = None
    ledger.append(
        message.about, "message.decided", organisation_id=message.organisation_id, actor=by, at=now,
        reason=reason.strip(), message=message.id, choice=choice, channel=message.channel,
    )  # fmt: skip
    return message.about


def _apply(message: Message, choice: Choice, now: datetime) -> None:
    if choice is Choice.SEND_AGAIN:
        message.state, message.ready_at, message.rung_at = State.PENDING, now, None
        message.why, message.done_at, message.told_at = "a person sent it again", None, None
        queue.ring_after_commit()
    elif choice is Choice.MARK_SENT:
        message.state, message.done_at, message.why = State.ACCEPTED, now, "a person says that it was sent"
        message.provider_id = message.provider_id or "said by a person"
    else:
        message.state, message.done_at, message.why = State.UNREACHED, now, "a person gave it up"
