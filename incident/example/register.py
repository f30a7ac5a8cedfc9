"""The example register of processors: what each holds, where, by which agreement, and whom to call there."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from accounts import people
from foundation.database import db
from incident import processors
from incident.models import Processor
from incident.processor_register import changing, contacts, fields
from incident.processors import Credentials


def enter(each: dict[str, Any], *, by: str, now: datetime) -> Credentials | None:
    """Put one into the register, as a person would; what it signs with, where it reports by machine."""
    organisation = people.organisation(each["organisation"])
    typed = {name: _text(each[name]) for name in fields.FIELDS if name in each}
    values, faults = fields.read(typed, now=now)
    if faults:
        raise ValueError(f"{each['name']}: {faults}")
    serves = select(Processor.id).where(
        Processor.name == each.get("serves"), Processor.organisation_id == organisation.id
    )
    processor = changing.add(
        values, organisation_id=organisation.id, serves_id=db.session.scalar(serves), actor=by, now=now
    )
    for contact in each.get("contacts", []):
        _call(processor, contact, by=by, now=now)
    return (
        processors.give_endpoint(processor, rotate=False, actor=by, now=now) if each.get("reports") else None
    )


def _text(value: Any) -> str:
    return "; ".join(value) if isinstance(value, list) else str(value)


def _call(processor: Processor, contact: dict[str, Any], *, by: str, now: datetime) -> None:
    told, faults = contacts.read(contact, country=processor.country)
    if told is None:
        raise ValueError(f"{processor.name}: {faults}")
    kept = contacts.add(processor, told, actor=by, now=now)
    if "verified_days_ago" in contact:
        contacts.verify(kept, actor=by, now=now - timedelta(days=contact["verified_days_ago"]))
