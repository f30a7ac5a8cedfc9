"""What became of a message: accepted, refused, unsure, and what the provider said later.

Every change is made on the row under its lock and only from the state it fits; a second telling of
the same thing changes nothing. Giving up makes the next channel's message, or asks for a person, in
the same transaction.
"""

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update

from foundation import queue
from foundation.database import db
from notifications import breaker, circuits, hurrying, outbox, received, rendering, standing
from notifications.channels import Accepted, Answer, Refusal
from notifications.models import Attempt, Channel, Kind, Message, Outcome, State
from notifications.rules import receipts, retry

UNANSWERED = 2  # a page that so many calls left unanswered moves on while it is tried again
UNKNOWN = (None, Outcome.UNCERTAIN)  # of an attempt whose fate nobody knows


@dataclass(frozen=True, slots=True)
class Line:
    """One message as the delivery log shows it; the address stays out."""

    id: UUID
    kind: str
    channel: str
    template: str
    locale: str
    state: str
    attempts: int
    staff_id: UUID | None
    reference: str
    why: str | None
    wants_person: bool
    created_at: datetime
    done_at: datetime | None
    dedupe_key: str
    about: str
    pretend: bool  # of a drill: `channel` is the one it would have taken


def record(claimed: outbox.Claim, answer: Answer, *, now: datetime) -> None:
    """Write down how an attempt ended. A claim that was lost meanwhile only keeps the evidence."""
    message = _locked(claimed.message_id)
    attempt = db.session.get_one(Attempt, claimed.attempt_id)
    attempt.ended_at = now
    if isinstance(answer, Accepted) or _looked_at_it(answer, claimed.number):
        circuits.takes_messages(
            attempt.provider, channel=claimed.channel, asked_at=claimed.started_at, now=now
        )
    if isinstance(answer, Accepted):
        found(message, attempt, answer.provider_id, Outcome.ACCEPTED, now=now)
        _said_at_once(attempt, answer, now)
        return
    if attempt.outcome not in UNKNOWN:
        return  # a receipt was quicker, and it knows better than a broken answer
    attempt.outcome = Outcome.UNCERTAIN
    ours = message.state is State.SENDING and message.attempts == claimed.number
    if isinstance(answer, Refusal):
        ours = ours or _waits_only_for(message, attempt)
        attempt.code = answer.code
        attempt.outcome = Outcome.NOT_SENT
        if ours:
            _refused(message, attempt, answer, now=now)
    elif ours:
        unsure(message, why=answer.why, now=now)
    circuits.failed(attempt.provider, channel=claimed.channel, now=now)


def _said_at_once(attempt: Attempt, answer: Accepted, now: datetime) -> None:
    """Take in what the provider said with its yes of what became of it, as the receipt that it is."""
    if answer.says:
        db.session.flush()
        receipt(
            provider=attempt.provider, event_id=f"{answer.provider_id}:{answer.says}", status=answer.says,
            attempt_id=attempt.id, provider_id=answer.provider_id, code=None, now=now,
        )  # fmt: skip


def _waits_only_for(message: Message, attempt: Attempt) -> bool:
    """Whether this attempt is all that nobody is sure of: its late no is then as good as a quick one."""
    others = select(Attempt.id).where(*_unknown(message), Attempt.id != attempt.id)
    return message.state is State.UNCERTAIN and not db.session.scalar(select(others.exists()))


def found(message: Message, attempt: Attempt, provider_id: str, outcome: Outcome, *, now: datetime) -> None:
    """The provider has this attempt: told so at once, by a receipt, or found by asking."""
    if attempt.outcome in (Outcome.ACCEPTED, Outcome.FOUND, Outcome.FAILED, Outcome.DUPLICATE):
        attempt.provider_id = attempt.provider_id or provider_id
        return
    attempt.provider_id, attempt.outcome = provider_id, outcome
    if message.state in (State.ACCEPTED, State.DELIVERED) and message.provider_id == provider_id:
        return  # the same copy: it was found before anybody knew which attempt it was
    if message.state in (State.ACCEPTED, State.DELIVERED):
        attempt.outcome = Outcome.DUPLICATE
        _log(message, "message.duplicate_detected", now, attempt=attempt.number)
        breaker.duplicate_of(message, now)
        return
    _enter(message, State.ACCEPTED)
    message.provider, message.provider_id = attempt.provider, provider_id
    message.accepted_at, message.done_at, message.why = now, None, None
    _log(message, "message.accepted", now, attempt=attempt.number, provider=attempt.provider)


def unsure(message: Message, *, why: str, now: datetime) -> None:
    """Nobody answered for sure. A page goes again at once, a reminder once so; all else waits to be known."""
    if message.blind < outbox.terms(message.kind).at_once:
        message.blind += 1
        _again(message, why=why, now=now, wait=timedelta(0))
        if message.kind is Kind.ONCALL and message.blind >= UNANSWERED:
            hurrying.ring_failed(message, now)
        return
    _enter(message, State.UNCERTAIN)
    message.uncertain_at, message.why = now, why
    _log(message, "message.uncertain", now, why=why)


def lease_ended(message: Message, *, now: datetime) -> None:
    """Whoever held the message is dead or frozen; what the provider has is not known."""
    db.session.execute(
        update(Attempt)
        .where(Attempt.message_id == message.id, Attempt.outcome.is_(None))
        .values(outcome=Outcome.UNCERTAIN, ended_at=now)
    )
    unsure(message, why="the process that was sending it died or froze", now=now)


def not_there(message: Message, *, now: datetime) -> None:
    """The provider was asked after the settling time and has no such message: it goes again."""
    db.session.execute(update(Attempt).where(*_unknown(message)).values(outcome=Outcome.VOID, ended_at=now))
    _again(message, why="the provider did not have it", now=now, wait=timedelta(0))


def send_blindly(message: Message, *, now: datetime) -> None:
    """Send again what the provider may have, since silence is worse now; what nobody knows stays unknown."""
    message.blind += 1
    if say_that_it_may_come_twice(message, now=now):
        _again(message, why="sent again without knowing", now=now, wait=timedelta(0))
    else:
        hold(message, why="it could not be written anew to say that it may come twice", now=now)


def say_that_it_may_come_twice(message: Message, *, now: datetime) -> bool:
    """Write the text anew, in its language, with a word on the copy; false when it cannot be written."""
    told = message.context | {"again": True, "reference": message.reference, "token": None}
    try:
        message.content = rendering.render(message.template, message.locale, message.way, told)
    except rendering.Unrenderable:
        return False
    message.content_sha256 = rendering.fingerprint(message.content)
    _log(message, "message.rewritten", now, why="it may come twice", content_sha256=message.content_sha256)
    return True


def is_unknown(message: Message) -> bool:
    """Whether an attempt was made of which nobody knows what became of it."""
    return bool(db.session.scalar(select(select(Attempt.id).where(*_unknown(message)).exists())))


def _unknown(message: Message) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    fate = Attempt.outcome.is_(None) | (Attempt.outcome == Outcome.UNCERTAIN)
    return Attempt.message_id == message.id, fate


def call_a_person(message: Message, *, why: str, now: datetime) -> None:
    """Put a message before a person while the rest goes on; cleared when it is known what became of it."""
    message.wants_person_at, message.told_at, message.why = outbox.wanted(message.about, now), None, why
    _log(message, "message.wants_a_person", now, why=why)


def hold(message: Message, *, why: str, now: datetime) -> None:
    """Leave the message to a person, and say so."""
    _enter(message, State.HELD)
    message.why = why
    message.wants_person_at = outbox.wanted(message.about, now)
    _log(message, "message.held", now, why=why)


def _looked_at_it(answer: Answer, tries: int) -> bool:
    """Whether a provider refused for the message's own sake: one that only asks to wait takes nothing yet."""
    return isinstance(answer, Refusal) and not answer.account and retry.is_permanent(answer.code, tries)


def _refused(message: Message, attempt: Attempt, answer: Refusal, *, now: datetime) -> None:
    if answer.account:
        circuits.leave_alone(attempt.provider, channel=message.channel, why=answer.why, now=now)
        wait = timedelta(0) if circuits.another(message.channel, attempt.provider) else circuits.LEFT_ALONE
        _again(message, why=answer.why, now=now, wait=wait, counts=answer.perhaps_one)
        return
    fresh = set(circuits.another(message.channel, attempt.provider)) - outbox.tried(message).keys()
    if retry.is_permanent(answer.code, attempt.number):
        attempt.outcome = Outcome.REJECTED
        # It provably has not gone, and another provider may know more, but of a STOP.
        if fresh and answer.code not in retry.OPTED_OUT:
            _again(message, why=answer.why, now=now, wait=timedelta(0))
        else:
            unreached(message, why=answer.why, code=answer.code, now=now)
    else:
        wait = timedelta(0) if fresh else _wait(attempt.number, answer.retry_after)
        _again(message, why=answer.why, now=now, wait=wait)


def nobody_takes_it(message: Message, now: datetime) -> None:
    """Every provider of the channel is left alone: a page does not wait for them, it moves on."""
    if message.kind is Kind.ONCALL:
        hurrying.ring_failed(message, now)


def way_is_gone(message: Message, now: datetime) -> None:
    """Whom it goes to has this way no more: the next one takes over, or the next person, or one is asked."""
    unreached(message, why=standing.GONE, code=None, now=now)


def _again(message: Message, *, why: str, now: datetime, wait: timedelta, counts: bool = True) -> None:
    """Back to the outbox, unless its attempts are spent."""
    if counts and message.attempts >= outbox.terms(message.kind).tries:
        unreached(message, why=f"{why}; {message.attempts} attempts were made", code=None, now=now)
        return
    _enter(message, State.PENDING)
    message.ready_at, message.why, message.rung_at = now + wait, why, None
    if message.kind is Kind.ONCALL and wait:
        hurrying.ring_failed(message, now)
    queue.ring_after_commit(queue.MESSAGES)
    _log(message, "message.retried", now, why=why, ready_at=message.ready_at)


def _wait(attempt: int, retry_after: float | None = None) -> timedelta:
    return retry.wait_before(attempt, retry_after, spread=random.uniform(0.7, 1.3))  # noqa: S311


def unreached(message: Message, *, why: str, code: str | None, now: datetime) -> None:
    """Give up on this channel: the next one takes over, or the next person, or a person is asked."""
    _enter(message, State.UNREACHED)
    message.why, message.done_at = why, now
    if code in retry.OPTED_OUT:
        received.opted_out(message.recipient, now=now)
    if message.kind is Kind.ONCALL:
        hurrying.ring_failed(message, now)
    _log(message, "message.unreached", now, why=why, code=code)
    if not fall_back(message, now) and (message.kind is not Kind.ONCALL or code in retry.OPTED_OUT):
        message.wants_person_at = outbox.wanted(message.about, now)


def fall_back(message: Message, now: datetime) -> bool:
    """Send by the next way that the person still has, once; false when there is none."""
    left = standing.fallbacks(message)
    if not left:
        return False
    (channel, address), *rest = left
    outbox.post(
        organisation_id=message.organisation_id, about=message.about, kind=message.kind,
        template=message.template, context=message.context, dedupe_key=f"{message.dedupe_key}>{channel}",
        recipient=outbox.recipient(
            message.about, channel, address, message.locale, message.staff_id, tuple(rest)
        ),
        must_by=message.must_by, page_id=message.page_id, now=now,
    )  # fmt: skip
    return True


def receipt(
    *,
    provider: str,
    event_id: str,
    status: str,
    attempt_id: UUID | None,
    provider_id: str | None,
    code: str | None,
    now: datetime,
) -> bool:
    """Take in what a provider says later; false when it was said before.

    Order and repetition do not matter: each event counts once, and only a higher rank counts.
    """
    code, provider_id = (code or "")[:40] or None, (provider_id or "")[:120] or None  # as rows hold them
    if not received.keep(provider, event_id, status, attempt_id, provider_id, code, now):
        return False
    attempt = received.attempt_of(provider, attempt_id, provider_id)
    if attempt is None:
        return True
    message = _locked(attempt.message_id)
    db.session.refresh(attempt)  # another receipt may have come while we waited for the lock
    status = receipts.as_meant(provider, status, wants_answer=message.kind is Kind.ONCALL)
    rank = receipts.rank(provider, status)
    if not rank or rank <= attempt.rank:
        return True
    attempt.rank, attempt.code = rank, code or attempt.code
    _apply(message, attempt, receipts.meaning(provider, status, code, message.attempts), provider_id, now)
    return True


def _apply(
    message: Message, attempt: Attempt, says: receipts.Says, provider_id: str | None, now: datetime
) -> None:
    found(message, attempt, provider_id or attempt.provider_id or str(attempt.id), Outcome.FOUND, now=now)
    if says is receipts.Says.UNDER_WAY:
        return
    if says is receipts.Says.DELIVERED:
        _delivered(message, attempt, now)
        return
    attempt.outcome = Outcome.FAILED
    if message.state is not State.ACCEPTED or _another_lives(attempt):
        return
    why = f"{attempt.provider} could not deliver it" + (f" (code {attempt.code})" if attempt.code else "")
    if says is receipts.Says.REFUSED:
        unreached(message, why=why, code=attempt.code, now=now)
    else:
        _again(message, why=why, now=now, wait=_wait(attempt.number))


def _delivered(message: Message, attempt: Attempt, now: datetime) -> None:
    """It arrived; a copy that arrives is as good as the first."""
    if message.state is State.DELIVERED:
        return
    _enter(message, State.DELIVERED)
    message.done_at = now
    message.provider, message.provider_id = attempt.provider, attempt.provider_id
    _log(message, "message.delivered", now, attempt=attempt.number, provider=attempt.provider)


def _another_lives(attempt: Attempt) -> bool:
    """Whether the provider still has another copy of the same message that may arrive."""
    db.session.flush()
    alive = (Outcome.ACCEPTED, Outcome.FOUND, Outcome.DUPLICATE)
    other = select(Attempt.id).where(
        Attempt.message_id == attempt.message_id, Attempt.id != attempt.id, Attempt.outcome.in_(alive)
    )
    return bool(db.session.scalar(select(other.exists())))


def _locked(message_id: UUID) -> Message:
    """The row, read afresh under its lock."""
    return db.session.get_one(Message, message_id, with_for_update=True, populate_existing=True)


def _enter(message: Message, state: State) -> None:
    message.state = state
    message.lease_until = None
    message.wants_person_at, message.told_at = None, None
    if state is not State.UNCERTAIN:
        message.uncertain_at = None


def _log(message: Message, action: str, now: datetime, **details: Any) -> None:
    db.session.flush()
    outbox.enter(
        message.about, action, organisation_id=message.organisation_id, actor="Breachclock", at=now,
        message=message.id, channel=message.channel, **details,
    )  # fmt: skip


def log_for(about: str) -> list[Line]:
    """Every message about one thing, oldest first, without addresses."""
    return [_line(each) for each in _messages(Message.about == about)]


def waiting_for_a_person() -> list[Line]:
    """Every message that only a person can decide of, oldest first; drills aside."""
    earnest = Message.channel != Channel.PRETEND
    return [_line(each) for each in _messages(Message.wants_person_at.is_not(None) & earnest)]


def _messages(which: ColumnElement[bool]) -> Iterable[Message]:
    return db.session.scalars(select(Message).where(which).order_by(Message.id))


def _line(m: Message) -> Line:
    return Line(
        m.id, m.kind, m.way, m.template, m.locale, m.state, m.attempts, m.staff_id, m.reference,
        m.why, m.wants_person_at is not None, m.created_at, m.done_at, m.dedupe_key, m.about,
        m.channel is Channel.PRETEND,
    )  # fmt: skip


def unreached_count(about: str) -> int:
    """How many messages about one thing wait for a person."""
    return unreached_counts([about]).get(about, 0)


def unreached_counts(abouts: Collection[str]) -> dict[str, int]:
    """The same for many things with one query; those with none are left out."""
    if not abouts:
        return {}
    rows = db.session.execute(
        select(Message.about, func.count().label("unreached"))
        .where(Message.about.in_(abouts), Message.wants_person_at.is_not(None))
        .group_by(Message.about)
    )
    return {row.about: row.unreached for row in rows}
