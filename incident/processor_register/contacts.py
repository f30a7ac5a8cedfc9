"""Whom to call at a processor: read, kept encrypted, verified by a person, stale after a while.

The ledger says that a contact was added, changed, verified or removed, by its id and its role; never who
it is. A contact may be removed, unlike a processor: it is a person, who may leave.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from flask_babel import gettext as _
from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, is_possible_number, parse
from pydantic import Field
from sqlalchemy import Select, func, select

from foundation.database import db, new_id
from foundation.errors import Missing
from incident.models import Processor, ProcessorContact
from incident.processor_register import changing
from incident.processor_register.changing import enter
from incident.rules.dated import DatedRow, RuleDataFault, breaks, holding_at, rows_of

PARTS = ("name", "role", "email", "phone")
LONGEST = {"name": 200, "role": 100, "email": 254, "phone": 40}
MOST = 20  # of one processor


class Freshness(DatedRow):
    """For how many days a verified contact counts as one that answers."""

    days: int = Field(gt=0, le=3660)


@dataclass(frozen=True, slots=True)
class Told:
    """A contact as it was typed and found good; `phone` is E.164."""

    name: str
    role: str
    email: str | None
    phone: str | None


def is_stale(verified_at: datetime | None, now: datetime) -> bool:
    """Whether nobody has verified the contact for so long that it may not answer."""
    row = holding_at(_rows(), now)
    return verified_at is None or row is None or now - verified_at > timedelta(days=row.days)


@cache
def _rows() -> tuple[Freshness, ...]:
    text = resources.files("incident.processor_register").joinpath("freshness.toml").read_text("utf-8")
    faults: list[str] = []
    rows = rows_of(tomllib.loads(text).get("contact", []), Freshness, "freshness.toml: contact", faults)
    if faults := [*faults, *breaks(rows, "freshness.toml: contact")]:
        raise RuleDataFault(faults)
    return tuple(rows)


def read(typed: Mapping[str, str], *, country: str) -> tuple[Told | None, dict[str, list[str]]]:
    """A contact out of text, and what is wrong by part; `country` is where numbers without a code are."""
    told = {part: " ".join(typed.get(part, "").split()) for part in PARTS}
    faults: dict[str, list[str]] = {
        part: [_("longer than %(most)d characters", most=LONGEST[part])]
        for part in PARTS
        if len(told[part]) > LONGEST[part]
    }
    email, phone = _email(told["email"], faults), _phone(told["phone"], country, faults)
    if not told["name"]:
        faults.setdefault("name", []).append(_("a name is needed, if only “duty desk”"))
    if not (told["email"] or told["phone"]):
        faults.setdefault("phone", []).append(_("an e-mail address or a number is needed"))
    return (None if faults else Told(told["name"], told["role"], email, phone)), faults


def _email(told: str, faults: dict[str, list[str]]) -> str | None:
    if not told:
        return None
    try:
        return validate_email(told, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        faults.setdefault("email", []).append(_("this is no e-mail address that can be written to"))
        return None


def _phone(told: str, country: str, faults: dict[str, list[str]]) -> str | None:
    if not told:
        return None
    try:
        found = parse(told, country or None)
        if is_possible_number(found):
            return format_number(found, PhoneNumberFormat.E164)
    except NumberParseException:
        pass
    faults.setdefault("phone", []).append(
        _("this is no telephone number; begin with the country, as +45 70 00 00 00")
    )
    return None


# --- kept ---------------------------------------------------------------------------------------


def of(processor_id: UUID) -> list[ProcessorContact]:
    """The contacts of a processor, in order."""
    mine = select(ProcessorContact).where(ProcessorContact.processor_id == processor_id)
    return list(db.session.scalars(mine.order_by(ProcessorContact.position, ProcessorContact.id)))


def found(contact_id: UUID) -> ProcessorContact:
    """One contact. Raises: Missing."""
    return _one(select(ProcessorContact).where(ProcessorContact.id == contact_id))


def locked(contact_id: UUID) -> ProcessorContact:
    """The same, locked after its processor: an import takes them in this order too. Raises: Missing."""
    changing.found(found(contact_id).processor_id, locked=True)
    wanted = select(ProcessorContact).where(ProcessorContact.id == contact_id).with_for_update()
    return _one(wanted.execution_options(populate_existing=True))


def _one(wanted: Select[ProcessorContact]) -> ProcessorContact:
    one = db.session.scalars(wanted).one_or_none()
    if one is None:
        raise Missing(_("There is no such contact."))
    return one


def add(
    processor: Processor, told: Told, *, actor: str, now: datetime, verified: bool = False
) -> ProcessorContact:
    """Keep a contact; `verified` when whoever adds it has just reached it."""
    last = select(func.max(ProcessorContact.position)).where(ProcessorContact.processor_id == processor.id)
    contact = ProcessorContact(
        id=new_id(), organisation_id=processor.organisation_id, processor_id=processor.id,
        position=(db.session.scalar(last) or 0) + 1, name=told.name, role=told.role, email=told.email,
        phone=told.phone, verified_at=now if verified else None, verified_by=actor if verified else None,
        added_at=now,
    )  # fmt: skip
    db.session.add(contact)
    db.session.flush()
    processor.changed_at = now
    enter(
        processor, "processor.contact_added", actor=actor, now=now, contact=contact.id, role=told.role,
        verified=verified,
    )  # fmt: skip
    return contact


def change(contact: ProcessorContact, told: Told, *, actor: str, now: datetime) -> list[str]:
    """Put this in its place; a name, address or number that nobody has verified yet is not verified."""
    changed = [part for part in PARTS if getattr(contact, part) != getattr(told, part)]
    if not changed:
        return []
    for part in changed:
        setattr(contact, part, getattr(told, part))
    if changed != ["role"]:
        contact.verified_at = contact.verified_by = None
    db.session.flush()
    processor = _processor_of(contact)
    processor.changed_at = now
    enter(processor, "processor.contact_changed", actor=actor, now=now, contact=contact.id, changed=changed)
    return changed


def verify(contact: ProcessorContact, *, actor: str, now: datetime) -> None:
    """Somebody has reached it, now."""
    contact.verified_at, contact.verified_by = now, actor
    db.session.flush()
    enter(_processor_of(contact), "processor.contact_verified", actor=actor, now=now, contact=contact.id)


def remove(contact: ProcessorContact, *, actor: str, now: datetime) -> None:
    """The person is there no more: what is known of them is erased."""
    processor, contact_id, role = _processor_of(contact), contact.id, contact.role
    db.session.delete(contact)
    processor.changed_at = now
    db.session.flush()
    enter(processor, "processor.contact_removed", actor=actor, now=now, contact=contact_id, role=role)


def _processor_of(contact: ProcessorContact) -> Processor:
    return db.session.get_one(Processor, contact.processor_id)
