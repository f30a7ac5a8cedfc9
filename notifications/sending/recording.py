"""What became of a group: taken, refused, unsure; and a row for each of its people in the same transaction.

Every change is made on the group under its lock and only from the state it fits; a second telling of the
same thing changes nothing. Who could not be told by this way at all is written down before anybody is asked.
"""

import random
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, update

from foundation import queue
from foundation.database import changed, db
from notifications import breaker, circuits
from notifications.channels import Accepted, Answer, Many, Refusal
from notifications.models import (
    Channel,
    Delivery,
    Fate,
    GroupState,
    Outcome,
    Receipt,
    Sending,
    SendingAttempt,
    SendingGroup,
)
from notifications.rules import retry, routing
from notifications.rules.receipts import Rank
from notifications.rules.sending import GROUP, Member, figures, unpacked
from notifications.sending import applying, budgets, claiming, pausing, reasons, rows
from notifications.sending.claiming import Claim

TAKEN = (Outcome.ACCEPTED, Outcome.FOUND, Outcome.DUPLICATE)
UNKNOWN = (None, Outcome.UNCERTAIN)  # of an attempt whose fate nobody knows
NOT_ASKED = "not-asked"  # our own code: the attempt says nothing of the provider


def leave_out(claimed: Claim, lacking: Collection[UUID], told: Collection[UUID], *, now: datetime) -> bool:
    """Write down who of a claimed group does not go with it; false when the claim stands no more.

    `lacking` have no address by this way; `told` know already, by another.
    """
    group = rows.group_locked(claimed.group_id)
    if not _is_ours(group, claimed):
        return False
    for ids, fate, reason in ((lacking, Fate.FAILED, reasons.NO_ADDRESS), (told, Fate.SETTLED, None)):
        those = [(place, group.locale, each) for place, each in enumerate(claimed.members) if each.id in ids]
        failed = fate is Fate.FAILED
        rows.add_deliveries(
            group.sending_id, group.organisation_id, those, channel=claimed.way, fate=fate, now=now,
            group_id=group.id, rank=Rank.FAILED if failed else 0, next_at=now if failed else None,
            is_last=failed, note=None if failed else applying.ELSEWHERE,
            **(reason._asdict() if reason else {}),
        )  # fmt: skip
    for some in rows.pieces(list(told)):
        mine = Delivery.sending_id == group.sending_id, Delivery.recipient_id.in_(some)
        changed(update(Delivery).where(*mine, Delivery.fate.in_(rows.KNOWN), Delivery.channel != claimed.way)
                .values(is_last=True))  # fmt: skip
    return True


def nobody_left(claimed: Claim, *, now: datetime) -> None:
    """None of a group can be told by its way: no provider was asked."""
    group, attempt = _both(claimed)
    attempt.ended_at, attempt.outcome, attempt.code = now, Outcome.NOT_SENT, NOT_ASKED
    if _is_ours(group, claimed):
        _enter(group, GroupState.REFUSED, now, why=reasons.NO_ADDRESS.why)


def put_back(claimed: Claim, why: str, *, failed: bool, now: datetime) -> None:
    """No provider was asked: a group goes again, after some time where something failed.

    Where that fails again and again the sending pauses, and people are told.
    """
    sending, _group = rows.both_locked(claimed.group_id)
    group, attempt = _both(claimed)
    if attempt.outcome is None:
        attempt.ended_at, attempt.outcome, attempt.code = now, Outcome.NOT_SENT, NOT_ASKED
    if not _is_ours(group, claimed):
        return
    again(group, why, now=now, wait=retry.wait_before(claimed.number) if failed else timedelta(0))
    if failed and claimed.number >= GROUP.tries:
        pausing.by_itself(sending, why, now)


def record(claimed: Claim, many: Many, *, now: datetime) -> None:
    """Write down how an attempt ended. A claim that was lost meanwhile only keeps the evidence."""
    answer = many.answer
    if not isinstance(answer, Accepted):
        rows.both_locked(claimed.group_id)  # what a no or a silence leads to may be done to the sending
    group, attempt = _both(claimed)
    attempt.ended_at = now
    if isinstance(answer, Accepted) or _looked_at_it(answer, claimed.number):
        circuits.takes_messages(attempt.provider, channel=group.channel, asked_at=claimed.started_at, now=now)
    if isinstance(answer, Accepted):
        taken(group, attempt, many, Outcome.ACCEPTED, now=now)
        return
    if attempt.outcome not in UNKNOWN:  # a receipt was quicker, and it knows better than a broken answer
        if attempt.outcome in TAKEN:
            _refused_of_it(group, many.refused, now)
        return
    attempt.outcome = Outcome.UNCERTAIN
    ours = _is_ours(group, claimed)
    if isinstance(answer, Refusal):
        ours = ours or _waits_only_for(group, attempt)
        attempt.code, attempt.outcome = answer.code, Outcome.NOT_SENT
    if ours:
        _refused_alone(group, attempt, many, now)
    if ours and isinstance(answer, Refusal):
        _refused(group, attempt, answer, now)
    elif ours:
        unsure(group, answer.why, now=now)
    _in_trouble(group, attempt.provider, now)


def taken(
    group: SendingGroup, attempt: SendingAttempt, many: Many, outcome: Outcome, *, now: datetime
) -> None:
    """A provider said yes to a group, but for those whom it refused one by one; see `accept`."""
    assert isinstance(many.answer, Accepted)  # noqa: S101
    accept(group, attempt, many.answer.provider_id, outcome, now=now)
    _refused_of_it(group, many.refused, now)
    _said_at_once(group, attempt.provider, many, now)


def _refused_of_it(group: SendingGroup, refused: Mapping[int, Refusal], now: datetime) -> None:
    for place, refusal in refused.items():
        applying.refused(group, place, why=refusal.why, code=refusal.code, now=now)


def _refused_alone(group: SendingGroup, attempt: SendingAttempt, many: Many, now: datetime) -> None:
    """Write down who was refused for good before the rest was: they were in no request that counts.

    Not of a text that goes to nobody: a person looks at that.
    """
    if isinstance(many.answer, Refusal) and many.answer.code == retry.UNFILLED:
        return
    there, members = rows.there(group.id), unpacked(group.members)
    for place, refusal in many.refused.items():
        if place in there or not retry.is_permanent(refusal.code, attempt.number):
            continue
        _add_refused(group, [(place, group.locale, members[place])], refusal, now)


def _add_refused(
    group: SendingGroup, those: Iterable[tuple[int, str, Member]], refusal: Refusal, now: datetime
) -> None:
    rows.add_deliveries(
        group.sending_id, group.organisation_id, those, channel=rows.way_of(group), fate=Fate.FAILED, now=now,
        group_id=group.id, why=refusal.why[:300], code=(refusal.code or "")[:40] or None, rank=Rank.FAILED,
        next_at=now,
    )  # fmt: skip


def _both(claimed: Claim) -> tuple[SendingGroup, SendingAttempt]:
    group = rows.group_locked(claimed.group_id)
    return group, db.session.get_one(SendingAttempt, claimed.attempt_id, populate_existing=True)


def _is_ours(group: SendingGroup, claimed: Claim) -> bool:
    """Whether a locked group is still in the hands of whoever claimed it."""
    return (group.state, group.attempts) == (GroupState.SENDING, claimed.number)


def _said_at_once(group: SendingGroup, provider: str, many: Many, now: datetime) -> None:
    """Take in what a provider said with its yes of what became of all whom it did not refuse."""
    if isinstance(many.answer, Accepted) and (says := many.answer.says):
        taken = (place for place in range(group.size) if place not in many.refused)
        said = [applying.Word(place, says, None) for place in taken]
        applying.apply(group, provider, said, now)


def _waits_only_for(group: SendingGroup, attempt: SendingAttempt) -> bool:
    """Whether this attempt is all that nobody is sure of: its late no is then as good as a quick one."""
    unknown = SendingAttempt.outcome.is_(None) | (SendingAttempt.outcome == Outcome.UNCERTAIN)
    others = select(SendingAttempt.id).where(
        SendingAttempt.group_id == group.id, unknown, SendingAttempt.id != attempt.id
    )
    return group.state == GroupState.UNCERTAIN and not db.session.scalar(select(others.exists()))


def accept(
    group: SendingGroup, attempt: SendingAttempt, provider_id: str, outcome: Outcome, *, now: datetime
) -> None:
    """The provider has this attempt: told so at once, by a receipt, found by asking, or said by a person.

    Both are read under the group's lock. Each of its people gets a row, and what was said of them before
    is applied to it.
    """
    if attempt.outcome in TAKEN:
        attempt.provider_id = attempt.provider_id or provider_id[:120]
        return
    attempt.provider_id, attempt.outcome = provider_id[:120], outcome
    if group.state == GroupState.ACCEPTED or _was_divided(group):
        attempt.outcome = Outcome.DUPLICATE
        _told_twice(group, attempt, now)
        return
    over = group.state in (GroupState.REFUSED, GroupState.CANCELLED)
    _enter(group, GroupState.ACCEPTED, now)
    group.provider, group.accepted_at = attempt.provider, now
    if wait := figures(now).patience.get(rows.way_of(group)):
        group.patience_until = now + wait
    if over:  # it was given up, and went after all
        given_up = [Delivery.group_id == group.id, Delivery.fate.in_((Fate.FAILED, Fate.MANUAL))]
        if group.size > 1:  # not who had no address or was refused alone: they were not in it
            given_up.append(Delivery.rank < Rank.FAILED)
        changed(update(Delivery).where(*given_up).values(fate=Fate.ACCEPTED, rank=0, at=now, next_at=None))
    else:
        _add_people(group, now)
    _apply_what_came_before(group, attempt, now)


def _was_divided(group: SendingGroup) -> bool:
    """Whether its people went in other groups: then this is a second copy, or will be."""
    return group.state == GroupState.CANCELLED and group.why != reasons.STOPPED.why


def _add_people(group: SendingGroup, now: datetime) -> None:
    """A row for each person of a group who has none; it is not their last where another way told them."""
    there, members, told = rows.there(group.id), unpacked(group.members), set()
    if not _is_first(group):
        ids = [each.id for each in members]
        rows.hold_others(group.sending_id, ids)
        told = rows.told(group.sending_id, ids)
    kinds: tuple[tuple[bool, list[tuple[int, str, Member]]], ...] = ((True, []), (False, []))
    for place, each in enumerate(members):
        if place not in there:
            kinds[bool(told) and each.id in told][1].append((place, group.locale, each))
    for is_last, those in kinds:
        rows.add_deliveries(
            group.sending_id, group.organisation_id, those, channel=rows.way_of(group), fate=Fate.ACCEPTED,
            now=now, group_id=group.id, is_last=is_last,
        )  # fmt: skip


def _is_first(group: SendingGroup) -> bool:
    ways = db.session.scalar(select(Sending.ways).where(Sending.id == group.sending_id)) or []
    return bool(ways[:1] == [rows.way_of(group)])


def _apply_what_came_before(group: SendingGroup, attempt: SendingAttempt, now: datetime) -> None:
    kept = db.session.execute(
        select(Receipt.place, Receipt.status, Receipt.code).where(
            Receipt.attempt_id == attempt.id, Receipt.provider == attempt.provider
        )
    )
    applying.apply(group, attempt.provider, words(group, kept), now)


def words(group: SendingGroup, kept: Iterable[tuple[int | None, str, str | None]]) -> list[applying.Word]:
    """Receipts (place, status, code) as words of the people of a group; a lone person needs no place."""
    said = []
    for place, status, code in kept:
        here = 0 if place is None and group.size == 1 else place
        if here is not None and 0 <= here < group.size:
            said.append(applying.Word(here, status, code))
    return said


def _told_twice(group: SendingGroup, attempt: SendingAttempt, now: datetime) -> None:
    """A second copy was found; drills aside, too many of them stop all communications."""
    sending = db.session.get_one(Sending, group.sending_id)
    rows.enter(sending, "sending.duplicate_detected", now, people=group.size, attempt=attempt.number)
    if group.channel != Channel.PRETEND:
        db.session.flush()
        breaker.group_told_twice(group.organisation_id, now)


def unsure(group: SendingGroup, why: str, *, now: datetime) -> None:
    """Nobody answered for sure: it waits to be known; of too many such at once the sending pauses itself."""
    _enter(group, GroupState.UNCERTAIN, now, why=why)
    group.uncertain_at, group.done_at = now, None
    db.session.flush()
    mine = SendingGroup.sending_id == group.sending_id
    uncertain = db.session.scalar(
        select(func.count()).select_from(SendingGroup).where(mine, SendingGroup.state == GroupState.UNCERTAIN)
    )
    groups = db.session.scalar(select(func.max(SendingGroup.number)).where(mine))
    if figures(now).are_too_many(uncertain or 0, groups or 0):
        why = f"nobody knows of {uncertain} groups whether the provider has them"
        pausing.by_itself(rows.locked(group.sending_id), why, now)


def lease_ended(group: SendingGroup, *, now: datetime) -> None:
    """Whoever held the group is dead or frozen; what the provider has is not known."""
    mine = SendingAttempt.group_id == group.id, SendingAttempt.outcome.is_(None)
    changed(update(SendingAttempt).where(*mine).values(outcome=Outcome.UNCERTAIN, ended_at=now))
    unsure(group, "the process that was sending it died or froze", now=now)


def again(group: SendingGroup, why: str, *, now: datetime, wait: timedelta = timedelta(0)) -> None:
    """It goes again: no provider has it, or a person says so."""
    _enter(group, GroupState.PENDING, now, why=why)
    group.ready_at, group.done_at = now + wait, None
    queue.ring_after_commit(queue.SENDINGS)


def void(group: SendingGroup, *, now: datetime) -> None:
    """None of a group's attempts of which nobody knew reached a provider."""
    unknown = SendingAttempt.outcome.is_(None) | (SendingAttempt.outcome == Outcome.UNCERTAIN)
    mine = SendingAttempt.group_id == group.id, unknown
    changed(update(SendingAttempt).where(*mine).values(outcome=Outcome.VOID, ended_at=now))


def _looked_at_it(answer: Answer, tries: int) -> bool:
    ours = (retry.UNFILLED, retry.TOO_LARGE)  # it was not asked
    if not isinstance(answer, Refusal) or answer.account or answer.code in ours:
        return False
    return retry.is_permanent(answer.code, tries)


def _refused(group: SendingGroup, attempt: SendingAttempt, answer: Refusal, now: datetime) -> None:
    provider, channel = attempt.provider, group.channel
    if len(rows.there(group.id)) == group.size:  # each of them was refused alone, or left out
        attempt.outcome = Outcome.REJECTED
        _enter(group, GroupState.REFUSED, now, why=answer.why)
        return
    others = circuits.another(channel, provider)
    if answer.account:
        circuits.leave_alone(provider, channel=channel, why=answer.why, now=now)
        if answer.perhaps_one and attempt.number >= GROUP.tries:
            attempt.outcome = Outcome.REJECTED
            _give_up(group, answer, now)
            return
        again(group, answer.why, now=now, wait=timedelta(0) if others else circuits.LEFT_ALONE)
        return
    if retry.is_permanent(answer.code, attempt.number):
        attempt.outcome = Outcome.REJECTED
        _give_up(group, answer, now)
        return
    wait = retry.wait_before(attempt.number, answer.retry_after, spread=random.uniform(0.7, 1.3))  # noqa: S311
    if answer.retry_after or answer.code in retry.BUSY:
        budgets.hold(channel, provider, until=now + wait)
    if answer.code is not None and attempt.number >= GROUP.tries:
        _give_up(group, answer, now)
    else:
        again(group, answer.why, now=now, wait=wait)


def _give_up(group: SendingGroup, answer: Refusal, now: datetime) -> None:
    """Of many, find out whom it was refused for, by halves; of one, the next way takes over."""
    if group.size > 1:
        sending = rows.locked(group.sending_id)
        if answer.code == retry.UNFILLED:  # it goes to nobody so, however it is divided
            again(group, answer.why, now=now)
            pausing.by_itself(sending, answer.why, now)
            return
        claiming.halve(sending, group, (group.size + 1) // 2, f"divided: {answer.why}"[:300], now=now)
        queue.ring_after_commit(queue.SENDINGS)
        return
    _enter(group, GroupState.REFUSED, now, why=answer.why)
    _add_refused(group, [(0, group.locale, each) for each in unpacked(group.members)], answer, now)


def _in_trouble(group: SendingGroup, provider: str, now: datetime) -> None:
    """A call did not end as it should: after some in a row nothing more goes to this provider for a while."""
    if group.channel == Channel.PRETEND:
        return
    db.session.flush()
    calls = db.session.execute(
        select(SendingAttempt.group_id, SendingAttempt.outcome, SendingAttempt.code)
        .where(SendingAttempt.provider == provider, SendingAttempt.started_at > now - routing.WITHIN)
        .order_by(SendingAttempt.started_at.desc())
        .limit(2 * routing.IN_A_ROW)
    )
    if not routing.is_down([routing.Call(*row) for row in calls]):
        return
    if circuits.another(group.channel, provider):
        why = f"{routing.IN_A_ROW} groups failed one after the other"
        circuits.leave_alone(provider, channel=group.channel, why=why, now=now, account=False)
    else:
        budgets.hold(group.channel, provider, until=now + figures(now).hold)


def hold(group: SendingGroup, why: str, *, now: datetime) -> None:
    """Leave a group to a person, who is told."""
    _enter(group, GroupState.HELD, now, why=why)
    group.wants_person_at, group.done_at = now, None
    sending = db.session.get_one(Sending, group.sending_id)
    rows.enter(sending, "sending.group_held", now, people=group.size, reason=why)


def _enter(group: SendingGroup, state: GroupState, now: datetime, *, why: str | None = None) -> None:
    if state in (GroupState.ACCEPTED, GroupState.REFUSED):
        rows.count_anew([group.sending_id])
    group.state, group.lease_until, group.why = state, None, why and why[:300]
    group.wants_person_at = group.told_at = group.uncertain_at = group.asked_at = None
    group.done_at = now


def earlier(claimed: Claim) -> Mapping[int, str]:
    """Who of a group has a row already, by place: they do not go with it again."""
    if claimed.number == 1:
        return {}
    found = db.session.execute(
        select(Delivery.place, Delivery.fate).where(Delivery.group_id == claimed.group_id)
    )
    return {row.place: row.fate for row in found}
