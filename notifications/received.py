"""What providers tell us, each telling once: kept as it came, and matched with the attempt it speaks of."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.dialects import postgresql, sqlite

from foundation import ledger
from foundation.database import db, new_id
from foundation.encryption import blind_indexes
from notifications.models import Attempt, Channel, ContactMethod, Receipt


class Told(NamedTuple):
    """What a provider tells of one person of a group, as a row holds it."""

    provider: str
    event_id: str
    status: str
    attempt_id: UUID
    place: int
    provider_id: str | None
    code: str | None


def keep(  # noqa: PLR0917  a row's columns in their order
    provider: str, event_id: str, status: str, attempt_id: UUID | None, provider_id: str | None,
    code: str | None, now: datetime,
) -> bool:  # fmt: skip
    """Keep what a provider told us; false when it was kept before. What fits nothing of ours is kept too."""
    dialect = postgresql if db.engine.dialect.name == "postgresql" else sqlite
    kept = db.session.scalar(
        dialect.insert(Receipt)
        .values(
            id=new_id(),
            provider=provider,
            event_id=event_id[:200],
            status=status[:40],
            code=code,
            attempt_id=attempt_id,
            provider_id=provider_id,
            received_at=now,
        )
        .on_conflict_do_nothing(index_elements=["provider", "event_id"])
        .returning(Receipt.id)
    )
    return kept is not None


def attempt_of(provider: str, attempt_id: UUID | None, provider_id: str | None) -> Attempt | None:
    """The attempt that a provider speaks of: by our own id if it came back, else by the provider's."""
    if attempt_id and (attempt := db.session.get(Attempt, attempt_id)) and attempt.provider == provider:
        return attempt
    if not provider_id:
        return None
    return db.session.scalars(
        select(Attempt).where(Attempt.provider == provider, Attempt.provider_id == provider_id)
    ).first()


def once(provider: str, event_id: str, status: str, *, now: datetime) -> bool:
    """Whether something that a provider tells us, and that is no receipt, is told for the first time."""
    return keep(provider, event_id, status, None, None, None, now)


def opted_out(address: str, *, now: datetime) -> int:
    """Somebody answered STOP: the number gets no text any more; returns how many contact methods that hit.

    Calls to it go on: who stops texts has said nothing of them.
    """
    stopped = ContactMethod.opted_out_at.is_(None), ContactMethod.channel != Channel.VOICE
    return _turn(address, stopped, now, "contact.stopped", now)


def opted_in(address: str, *, now: datetime) -> int:
    """Somebody answered START: the number gets texts again; returns how many contact methods that hit."""
    return _turn(address, (ContactMethod.opted_out_at.is_not(None),), None, "contact.started", now)


def _turn(
    address: str, which: tuple[ColumnElement[bool], ...], value: datetime | None, action: str, now: datetime
) -> int:
    hit = db.session.execute(
        update(ContactMethod)
        .where(ContactMethod.address_index.in_(blind_indexes(address)), *which)
        .values(opted_out_at=value)
        .returning(ContactMethod.id, ContactMethod.organisation_id, ContactMethod.staff_id)
        .execution_options(synchronize_session=False)
    ).all()
    for row in hit:
        ledger.append(
            f"organisation/{row.organisation_id}", action, organisation_id=row.organisation_id,
            actor="Breachclock", at=now, method=row.id, person=row.staff_id,
        )  # fmt: skip
    return len(hit)
