"""What providers tell us of people in groups: kept each once, many in one transaction, and applied.

A receipt of an attempt proves that the provider has its group, whatever we heard ourselves.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, select

from foundation.database import db, insert_rows, new_id
from notifications.models import (
    GroupState,
    Outcome,
    Receipt,
    SendingAttempt,
    SendingGroup,
)
from notifications.received import Told
from notifications.rules import receipts
from notifications.sending import applying, recording, rows


def take(events: Sequence[Told], *, now: datetime) -> int:
    """Keep what is told for the first time, and apply what is of groups of ours; returns how many that were.

    Inside the caller's transaction: what fails is told again as a whole.
    """
    fresh = _keep(list({(each.provider, each.event_id): each for each in events}.values()), now)
    attempts = _attempts({each.attempt_id for each in events})
    by_attempt: dict[UUID, list[Told]] = defaultdict(list)
    for each in events:
        attempt = attempts.get(each.attempt_id)
        if attempt and attempt.provider == each.provider and (each.provider, each.event_id) in fresh:
            by_attempt[attempt.id].append(each)
    # In one order for all who do, so that two calls never wait for each other.
    for attempt_id in sorted(by_attempt, key=lambda one: (attempts[one].group_id, one)):
        _apply(attempts[attempt_id], by_attempt[attempt_id], now)
    _count_anew({attempts[each].group_id for each in by_attempt})
    return len(fresh)


def _attempts(ids: Collection[UUID]) -> dict[UUID, SendingAttempt]:
    found: dict[UUID, SendingAttempt] = {}
    for some in rows.pieces(list(ids)):
        wanted = select(SendingAttempt).where(SendingAttempt.id.in_(some))
        found |= {each.id: each for each in db.session.scalars(wanted)}
    return found


def _keep(events: Sequence[Told], now: datetime) -> set[tuple[str, str]]:
    """Keep what was not told before; returns which these are. What fits no attempt of ours is kept too.

    What another call keeps at the same moment may be among them: applied twice it changes nothing.
    """
    fresh = {(each.provider, each.event_id): each for each in events}
    for provider in {each.provider for each in events}:
        for some in rows.pieces([each for of, each in fresh if of == provider]):
            for each in db.session.scalars(_THERE, {"of": provider, "some": some}).all():
                del fresh[provider, each]
    given = [{"id": new_id(), "received_at": now, **each._asdict()} for each in fresh.values()]
    insert_rows(Receipt, *given, unless_there=True)
    return set(fresh)


_THERE = select(Receipt.event_id).where(
    Receipt.provider == bindparam("of"), Receipt.event_id.in_(bindparam("some", expanding=True))
)


def _apply(attempt: SendingAttempt, events: Sequence[Told], now: datetime) -> None:
    group = rows.group_locked(attempt.group_id)
    db.session.refresh(attempt)  # another receipt may have come while we waited for the lock
    if not any(receipts.rank(each.provider, each.status) for each in events):
        return
    if attempt.outcome not in recording.TAKEN:
        named = next((each.provider_id for each in events if each.provider_id), None)
        recording.accept(group, attempt, named or str(attempt.id), Outcome.FOUND, now=now)
        db.session.flush()
    if group.state == GroupState.ACCEPTED:
        told = [(each.place, each.status, each.code) for each in events]
        applying.apply(group, attempt.provider, recording.words(group, told), now)


def _count_anew(group_ids: Collection[UUID]) -> None:
    sending_ids: set[UUID] = set()
    for some in rows.pieces(list(group_ids)):
        these = select(SendingGroup.sending_id).where(SendingGroup.id.in_(some))
        sending_ids.update(db.session.scalars(these.distinct()))
    if sending_ids:
        rows.count_anew(sorted(sending_ids))
