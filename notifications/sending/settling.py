"""Groups of which nobody knows whether the provider has them: it is asked, and where that fails, a person.

None goes a second time before its provider has shown that it would show it, or a person has decided.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import func, select

from foundation import queue
from foundation.database import database_now, db, transaction
from foundation.errors import Invalid, Missing, Refused
from notifications import channels
from notifications.channels.deadline import Round
from notifications.models import GroupState, Outcome, Sending, SendingAttempt, SendingGroup
from notifications.rules import grouping
from notifications.rules.sending import GROUP, figures, unpacked
from notifications.sending import recording, rows
from notifications.sending.source import Addressed, of
from notifications.settling import ASK_AGAIN, AT_ONCE, NOBODY_SAYS, Heard

DECIDABLE = (GroupState.HELD, GroupState.UNCERTAIN)


def due(now: datetime) -> list[UUID]:
    """The groups that are unsure and were not asked about lately, those left alone longest first."""
    lately = SendingGroup.asked_at.is_(None) | (SendingGroup.asked_at < now - ASK_AGAIN)
    return list(
        db.session.scalars(
            select(SendingGroup.id)
            .where(
                SendingGroup.state == GroupState.UNCERTAIN,
                SendingGroup.uncertain_at <= now - GROUP.settle,
                lately,
            )
            .order_by(func.coalesce(SendingGroup.asked_at, SendingGroup.uncertain_at))
            .limit(AT_ONCE)
        )
    )


def settle(group_id: UUID, looking: Round) -> bool:
    """Ask about one group, while the round has time, and act on the answer; true when it was decided."""
    if looking.is_over():
        return False
    group = db.session.get_one(SendingGroup, group_id, populate_existing=True)
    asked_of = group.attempts
    attempts = list(
        db.session.scalars(
            select(SendingAttempt)
            .where(SendingAttempt.group_id == group_id, _unknown())
            .order_by(SendingAttempt.number.desc())
        )
    )
    heard, found = Heard.NOT_THERE, None
    for attempt in attempts:
        heard, found = _ask(group, attempt, looking)
        if heard is not Heard.NOT_THERE:
            break
    db.session.rollback()
    with transaction():
        return _decide(group_id, asked_of, heard, found, now=database_now())


def _unknown() -> Any:
    return SendingAttempt.outcome.is_(None) | (SendingAttempt.outcome == Outcome.UNCERTAIN)


def _ask(
    group: SendingGroup, attempt: SendingAttempt, looking: Round
) -> tuple[Heard, tuple[UUID, str] | None]:
    """What the provider says of one attempt, and whether it shows by now what it got after it."""
    name, channel, attempt_id = attempt.provider, group.channel, attempt.id
    if name in looking.silent:
        return Heard.NOTHING, None
    question, canary = _question(group, attempt), _canary(group, attempt)
    soon = group.uncertain_at is None or database_now() < group.uncertain_at + grouping.shows_after(name)
    db.session.rollback()  # hold no connection while the provider thinks
    try:
        provider = channels.provider(channel, name)
        if found := provider.find(**question):
            return Heard.HAS_IT, (attempt_id, found)
        if canary is None or soon:  # nothing shows that it would be seen
            return Heard.NOTHING, None
        return (Heard.NOT_THERE if provider.find(**canary) else Heard.NOTHING), None
    except channels.CannotAsk:
        looking.silent.add(name)
        return Heard.NOTHING, None


def _question(group: SendingGroup, attempt: SendingAttempt) -> dict[str, Any]:
    """How a provider is asked for an attempt; by address and text as well, where a group is one person."""
    person = _person(group)
    return {
        "recipient": person.address, "attempt_ids": [str(attempt.id)],
        "reference": person.reference or rows.reference(group.id), "since": attempt.started_at,
    }  # fmt: skip


def _person(group: SendingGroup) -> Addressed:
    """Whom a group of one goes to; nobody where it is of more, or where their address is gone."""
    nobody = Addressed("", {})
    if group.size > 1:
        return nobody
    source = db.session.scalar(select(Sending.source).where(Sending.id == group.sending_id)) or ""
    ids = [each.id for each in unpacked(group.members)]
    return next(iter(of(source).addresses(rows.way_of(group), ids).values()), nobody)


def _canary(group: SendingGroup, attempt: SendingAttempt) -> dict[str, Any] | None:
    """The next group that the provider surely has: where its search shows that, it would show this one.

    One that went before this attempt says nothing of what its search shows since.
    """
    known = db.session.execute(
        select(SendingGroup, SendingAttempt)
        .join(SendingAttempt, SendingAttempt.group_id == SendingGroup.id)
        .where(
            SendingGroup.channel == group.channel, SendingAttempt.provider == attempt.provider,
            SendingAttempt.started_at >= attempt.started_at, SendingAttempt.outcome == Outcome.ACCEPTED,
            SendingGroup.id != group.id, SendingGroup.organisation_id == group.organisation_id,
        )
        .order_by(SendingAttempt.started_at)
        .limit(1)
    ).first()  # fmt: skip
    return _question(*known) if known else None


def _decide(
    group_id: UUID, asked_of: int, heard: Heard, found: tuple[UUID, str] | None, *, now: datetime
) -> bool:
    """Act on an answer about the first so many attempts: a no says nothing of one made meanwhile."""
    group = rows.group_locked(group_id)
    if group.state != GroupState.UNCERTAIN or group.uncertain_at is None:
        return False
    if group.attempts != asked_of and not found:
        return False
    group.asked_at = now
    if found:
        attempt = db.session.get_one(SendingAttempt, found[0], populate_existing=True)
        recording.accept(group, attempt, found[1], Outcome.FOUND, now=now)
        return True
    if heard is Heard.NOT_THERE:
        recording.void(group, now=now)
        recording.again(group, "the provider did not have it", now=now)
        return True
    must_by = db.session.scalar(select(Sending.must_by).where(Sending.id == group.sending_id))
    if not figures(now).is_for_a_person(group.uncertain_at, must_by, now):
        return False
    recording.hold(group, NOBODY_SAYS, now=now)
    return True


def release_held(group_id: UUID, went: bool, *, by: str, why: str, now: datetime) -> None:  # noqa: FBT001
    """A person decides of a group that nobody knows of: it went, or it is sent again.

    Raises: Missing when there is none, Invalid without a reason, Refused when nothing is left to decide.
    """
    if db.session.get(SendingGroup, group_id) is None:
        raise Missing(_("There is no such group."))
    if not why.strip():
        raise Invalid(_("A decision needs a reason."), next_step=_("Say why; it goes into the record."))
    group = rows.group_locked(group_id)
    if group.state not in DECIDABLE:
        raise Refused(
            _("Somebody decided this already, or it was found meanwhile."),
            next_step=_("Look at the sending again."),
        )
    sending = db.session.get_one(Sending, group.sending_id)
    if went:
        attempt = db.session.scalars(
            select(SendingAttempt)
            .where(SendingAttempt.group_id == group_id)
            .order_by(SendingAttempt.number.desc())
            .limit(1)
            .execution_options(populate_existing=True)
        ).one()
        recording.accept(group, attempt, "said by a person", Outcome.FOUND, now=now)
    else:
        recording.void(group, now=now)
        recording.again(group, "a person sent it again", now=now)
    rows.enter(
        sending, "sending.group_released", now, by=by, reason=why.strip(), people=group.size, went=went
    )
    queue.ring_after_commit(queue.SENDINGS)
