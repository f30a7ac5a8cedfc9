"""A provider that refuses our account is left alone for a minute at a time, and people are told.

After that minute one message goes first; the others stay until it shows that the provider takes them.
"""

from datetime import datetime, timedelta

from sqlalchemy import update

from foundation import queue
from foundation.database import changed, db
from notifications.models import Circuit, Message, State

LEFT_ALONE = timedelta(seconds=60)
FORGOTTEN = 5 * LEFT_ALONE  # quiet for so long: the next refusal is news again


def leave_alone(provider: str, *, why: str, now: datetime) -> None:
    """Send nothing by this provider for a minute; a refusal after a quiet time is told anew."""
    circuit = db.session.get(Circuit, provider, with_for_update=True)
    if circuit is None:
        db.session.add(Circuit(provider=provider, open_until=now + LEFT_ALONE, opened_at=now, why=why))
        return
    if circuit.open_until <= now - FORGOTTEN:
        circuit.opened_at, circuit.told_at = now, None
    circuit.open_until, circuit.why, circuit.closed_at = now + LEFT_ALONE, why, None


def wait_for(provider: str, now: datetime) -> datetime | None:
    """Until when a message for this provider waits; None for one that may go, now, perhaps ahead of all."""
    circuit = db.session.get(Circuit, provider)
    if circuit is None or circuit.closed_at:
        return None
    if circuit.open_until > now:
        return circuit.open_until
    goes_first = changed(
        update(Circuit)
        .where(Circuit.provider == provider, Circuit.open_until <= now, Circuit.closed_at.is_(None))
        .values(open_until=now + LEFT_ALONE)
    )
    db.session.expire(circuit)
    return None if goes_first else now + LEFT_ALONE


def takes_messages(provider: str, *, asked_at: datetime, now: datetime) -> None:
    """The provider dealt with a message of ours: all that waited for it may go.

    A call that began before its last refusal proves nothing.
    """
    circuit = db.session.get(Circuit, provider)
    if circuit is None or circuit.closed_at:
        return
    db.session.refresh(circuit, with_for_update=True)
    if circuit.closed_at or asked_at < circuit.open_until - LEFT_ALONE:
        return
    stayed = Message.state == State.PENDING, Message.ready_at == circuit.open_until
    changed(update(Message).where(*stayed).values(ready_at=now, rung_at=None))
    circuit.closed_at, circuit.open_until = now, now
    queue.ring_after_commit(queue.MESSAGES)
