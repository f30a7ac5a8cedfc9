"""The first few, alone: the rest waits for what becomes of them, and stays where too many of them failed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from foundation import queue
from foundation.database import db
from notifications.models import Delivery, Fate, GroupState, Sending, SendingGroup, SendingState
from notifications.rules.sending import Counts, Verdict, figures
from notifications.sending import pausing, rows

FAILED = (Fate.FAILED, Fate.MANUAL)
TO_GO = (GroupState.PENDING, GroupState.SENDING)  # what nobody knows of holds up nobody else


def due() -> list[UUID]:
    """The sendings whose first few are out."""
    return list(db.session.scalars(select(Sending.id).where(Sending.state == SendingState.CANARY)))


def judge(sending_id: UUID, *, now: datetime) -> bool:
    """Let the rest go, or pause, by what became of the first few; true when it was decided."""
    sending = rows.locked(sending_id)
    if sending.state != SendingState.CANARY:
        return False
    mine = SendingGroup.sending_id == sending_id, SendingGroup.is_canary
    by_state = select(SendingGroup.state, func.sum(SendingGroup.size)).where(*mine)
    found = dict(db.session.execute(by_state.group_by(SendingGroup.state)).all())
    if not any(found.get(state) for state in TO_GO) and sending.canary_at is None:
        sending.canary_at = now
    counts = _counts(sending_id, sum(found.get(state, 0) for state in rows.OPEN))
    waited = now - sending.canary_at if sending.canary_at else None
    verdict = figures(now).judge(counts, waited)
    if verdict is Verdict.WAIT:
        return False
    if verdict is Verdict.STOP:
        why = f"{counts.failed} of the first {counts.failed + counts.arrived + counts.open} were not reached"
        # Whoever lets it go on has looked at them: then the rest goes.
        pausing.by_itself(sending, why, now, go_on=SendingState.RUNNING)
        return True
    sending.state = SendingState.RUNNING
    rows.enter(
        sending, "sending.canary_passed", now, arrived=counts.arrived, failed=counts.failed, open=counts.open
    )
    queue.ring_after_commit(queue.SENDINGS)
    return True


def _counts(sending_id: UUID, out: int) -> Counts:
    """What became of the first few; `out` are those whom no provider is known to have yet."""
    groups = select(SendingGroup.id).where(
        SendingGroup.sending_id == sending_id, SendingGroup.is_canary,
        SendingGroup.state.not_in(TO_GO),
    )  # fmt: skip
    query = select(Delivery.fate, func.count()).where(Delivery.group_id.in_(groups))
    found: dict[str, int] = dict(db.session.execute(query.group_by(Delivery.fate)).all())
    return Counts(
        found.get(Fate.DELIVERED, 0), sum(found.get(fate, 0) for fate in FAILED),
        out + found.get(Fate.ACCEPTED, 0),
    )  # fmt: skip
