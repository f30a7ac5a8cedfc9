"""A provider that refuses our account is left alone for a minute at a time, and people are told."""

from datetime import datetime, timedelta

from foundation.database import db
from notifications.models import Circuit

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
    circuit.open_until, circuit.why = now + LEFT_ALONE, why


def left_alone_until(provider: str, now: datetime) -> datetime | None:
    """Until when this provider is left alone, or None when it may be used."""
    circuit = db.session.get(Circuit, provider)
    return circuit.open_until if circuit and circuit.open_until > now else None
