"""What to do when nobody knows whether a provider has a message: ask it, and if that fails, people.

A message that must not arrive twice waits until the provider has had time to show it, is looked for,
and goes again only when it is surely not there. Near the deadline silence becomes worse than a copy,
and the last word is a person's (docs/decisions/0002-redis-is-a-doorbell.md, the table of kinds).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import and_, func, or_, select

from foundation import ledger, queue
from foundation.database import database_now, db, transaction
from foundation.errors import Invalid, Missing, Refused
from notifications import channels, delivery, outbox
from notifications.channels.deadline import Round
from notifications.models import Attempt, Kind, Message, Outcome, State


class Choice(StrEnum):
    """What a person decides of a message that nobody else can decide of."""

    SEND_AGAIN = "send_again"  # rather a second copy than none
    MARK_SENT = "mark_sent"  # it is known from elsewhere that the person has it
    GIVE_UP = "give_up"  # not on this channel; the person is told by other means, or not at all


DECIDABLE = (State.HELD, State.UNREACHED, State.UNCERTAIN, State.ACCEPTED)
ASK_AGAIN = timedelta(seconds=30)
BLIND_BEFORE = timedelta(hours=6)  # so near the deadline a second copy is better than none
HOLD_BEFORE = timedelta(hours=12)  # so near, what was sent blindly once is a person's to decide
HOLD_AFTER = timedelta(hours=1)  # without a deadline: so long unasked, then a person
CALL_AFTER = timedelta(minutes=15)  # so long nobody knows: a person hears of it, deadline or not
AT_ONCE = 20  # messages a round: the clock must end its rounds to be seen to live
NOBODY_SAYS = "the provider cannot say whether it has the message"


class Heard(Enum):
    """What the provider's answer amounts to."""

    HAS_IT = "has it"
    NOT_THERE = "not there"
    TOO_EARLY = "not there, and nothing yet shows that it would say so"
    NOTHING = "it cannot be asked, or does not show what it surely has"


@dataclass(frozen=True, slots=True)
class Found:
    """Which provider has a message, and its id of it."""

    provider: str
    provider_id: str


def due(now: datetime) -> list[UUID]:
    """The messages that are unsure and were not asked about lately, those left alone longest first."""
    old_enough = or_(
        *(
            and_(Message.kind == kind, Message.uncertain_at <= now - outbox.terms(kind).settle)
            for kind in Kind
        )
    )
    lately = Message.asked_at.is_(None) | (Message.asked_at < now - ASK_AGAIN)
    return list(
        db.session.scalars(
            select(Message.id)
            .where(Message.state == State.UNCERTAIN, old_enough, lately)
            .order_by(func.coalesce(Message.asked_at, Message.uncertain_at))
            .limit(AT_ONCE)
        )
    )


def settle(message_id: UUID, looking: Round) -> bool:
    """Ask about one message, while the round has time, and act on the answer; true when it was decided.

    A provider that was silent before in this round is not asked again in it.
    """
    if looking.is_over():
        return False
    message = db.session.get_one(Message, message_id)
    heard, found = _ask_all(message, looking)
    db.session.rollback()
    with transaction():
        return _decide(message_id, heard, found, now=database_now())


def _ask_all(message: Message, looking: Round) -> tuple[Heard, Found | None]:
    """What the providers say that may have it. It is not there when each of them says so for sure."""
    message_id, channel = message.id, message.channel
    said = set()
    for name in _may_have(message_id):
        heard, provider_id = _ask(message_id, channel, name, looking)
        if provider_id:
            return heard, Found(name, provider_id)
        said.add(heard)
    return next((each for each in (Heard.NOTHING, Heard.TOO_EARLY) if each in said), Heard.NOT_THERE), None


def _may_have(message_id: UUID) -> list[str]:
    """The providers with an attempt of which nobody knows what became of it."""
    made = Attempt.message_id == message_id
    unknown = Attempt.outcome.is_(None) | (Attempt.outcome == Outcome.UNCERTAIN)
    found = db.session.scalars(select(Attempt.provider).where(made, unknown).order_by(Attempt.number))
    return list(dict.fromkeys(found)) or list(
        db.session.scalars(select(Attempt.provider).where(made).distinct())
    )


def _ask(message_id: UUID, channel: str, name: str, looking: Round) -> tuple[Heard, str | None]:
    """What one provider says of its attempts; one that was silent in this round is not asked again in it."""
    if name in looking.silent:
        return Heard.NOTHING, None
    try:
        return _answer(message_id, channels.provider(channel, name))
    except channels.CannotAsk:
        looking.silent.add(name)
        return Heard.NOTHING, None


def _answer(message_id: UUID, provider: channels.Provider) -> tuple[Heard, str | None]:
    """What the provider says, and its id of the message; holds no connection while it thinks."""
    message = db.session.get_one(Message, message_id)
    attempts = db.session.scalars(
        select(Attempt)
        .where(Attempt.message_id == message_id, Attempt.provider == provider.name)
        .order_by(Attempt.number)
    ).all()
    question, canary = _question(message, attempts), _canary(message, provider.name)
    patient = outbox.terms(message.kind).settle * 2
    early = message.uncertain_at is None or database_now() < message.uncertain_at + patient
    db.session.rollback()
    if found := provider.find(**question):
        return Heard.HAS_IT, found
    if canary is None:  # the first message ever: nothing shows how soon it would be seen
        return (Heard.TOO_EARLY if early else Heard.NOT_THERE), None
    return (Heard.NOT_THERE if provider.find(**canary) else Heard.NOTHING), None


def _question(message: Message, attempts: Sequence[Attempt]) -> dict[str, Any]:
    return {
        "recipient": message.recipient, "attempt_ids": [str(each.id) for each in attempts],
        "reference": message.reference, "since": attempts[0].started_at,
    }  # fmt: skip


def _decide(message_id: UUID, heard: Heard, found: Found | None, *, now: datetime) -> bool:
    message = db.session.get_one(Message, message_id, with_for_update=True)
    if message.state is not State.UNCERTAIN:
        return False
    message.asked_at = now
    if found:
        last = db.session.scalars(
            select(Attempt)
            .where(Attempt.message_id == message_id, Attempt.provider == found.provider)
            .order_by(Attempt.number.desc())
        ).first()
        assert last is not None, "whoever was asked had an attempt"  # noqa: S101
        delivery.found(message, last, found.provider_id, Outcome.FOUND, now=now)
        return True
    if heard is Heard.NOT_THERE:
        delivery.not_there(message, now=now)
        return True
    return heard is Heard.NOTHING and _nobody_knows(message, now)


def _nobody_knows(message: Message, now: datetime) -> bool:
    """The provider cannot be asked: once blindly near the deadline, then a person decides."""
    assert message.uncertain_at is not None  # noqa: S101  the table's own check
    if message.kind is Kind.INTERNAL:  # a reminder comes again by itself; no person need decide of it
        if late := now > message.uncertain_at + HOLD_AFTER:
            delivery.unreached(message, why=NOBODY_SAYS, code=None, now=now)
        return late
    if message.must_by is None:
        late = now > message.uncertain_at + HOLD_AFTER
    else:
        late = message.blind > 0 and now > message.must_by - HOLD_BEFORE
    if late:
        delivery.hold(message, why=NOBODY_SAYS, now=now)
        return True
    if message.must_by and now > message.must_by - BLIND_BEFORE:
        delivery.send_blindly(message, now=now)
        return True
    return False


def unsettled(now: datetime) -> list[UUID]:
    """Messages of which nobody has known for long what became of them, and no person was told."""
    return list(
        db.session.scalars(
            select(Message.id)
            .where(
                Message.state == State.UNCERTAIN,
                Message.kind.in_((Kind.SUBJECT, Kind.AUTHORITY)),
                Message.uncertain_at <= now - CALL_AFTER,
                Message.wants_person_at.is_(None),
            )
            .limit(outbox.BATCH)
        )
    )


def call_a_person(message_id: UUID) -> bool:
    """Tell a person that nobody knows of a message, while the provider is asked on; true when done."""
    with transaction():
        message, now = db.session.get_one(Message, message_id, with_for_update=True), database_now()
        if message.state is not State.UNCERTAIN or message.wants_person_at:
            return False
        delivery.call_a_person(message, why=NOBODY_SAYS, now=now)
    return True


def _canary(message: Message, provider: str) -> dict[str, Any] | None:
    """A message that the provider surely has, to see whether its search shows such things at all."""
    known = db.session.execute(
        select(Message, Attempt)
        .join(Attempt, Attempt.message_id == Message.id)
        .where(
            Message.channel == message.channel,
            Attempt.provider == provider,
            Attempt.outcome == Outcome.ACCEPTED,
            Message.id != message.id,
        )
        .order_by(Attempt.started_at.desc())
        .limit(1)
    ).first()
    if known is None:
        return None
    other, attempt = known
    return _question(other, [attempt])


def decide(message_id: UUID, choice: Choice, *, by: str, reason: str, now: datetime) -> str:
    """A person decides of a message that wants one; returns what it is about.

    Raises: Missing when there is none, Invalid without a reason, Refused when nothing is left to decide.
    """
    message = db.session.get(Message, message_id, with_for_update=True, populate_existing=True)
    if message is None:
        raise Missing(_("There is no such message."))
    if not reason.strip():
        raise Invalid(_("A decision needs a reason."), next_step=_("Say why; it goes into the record."))
    if message.state not in DECIDABLE or message.wants_person_at is None:
        raise Refused(
            _("Somebody decided this already, or it was found meanwhile."),
            next_step=_("Look at the message again."),
        )
    _apply(message, choice, now)
    message.wants_person_at, message.uncertain_at = None, None
    ledger.append(
        message.about, "message.decided", organisation_id=message.organisation_id, actor=by, at=now,
        reason=reason.strip(), message=message.id, choice=choice, channel=message.channel,
    )  # fmt: skip
    return message.about


def _apply(message: Message, choice: Choice, now: datetime) -> None:
    if choice is Choice.SEND_AGAIN:
        if delivery.is_unknown(message):
            delivery.say_that_it_may_come_twice(message, now=now)
        message.state, message.ready_at, message.rung_at = State.PENDING, now, None
        message.why, message.done_at, message.told_at = "a person sent it again", None, None
        queue.ring_after_commit(queue.MESSAGES)
    elif choice is Choice.MARK_SENT:
        message.state, message.done_at, message.why = State.ACCEPTED, now, "a person says that it was sent"
        message.accepted_at = None  # the provider said nothing, and is not asked
        message.provider_id = message.provider_id or "said by a person"
    else:
        message.state, message.done_at, message.why = State.UNREACHED, now, "a person gave it up"
