"""Reminders that can wait: the first few go by themselves, those above that are kept to go in one message."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from foundation.database import db, insert_unless_there, new_id
from notifications.models import HeldReminder, Kind, Message
from notifications.rules import limits, terms
from notifications.rules.pretend import is_drill

CAN_WAIT = ("step_reminder", "step_to_approve", "deadline_reminder", "duty_reminder", "delay_reasons")
MOST = 60  # reminders of which it is asked when each went: more than any limit counts


def hold(
    *, organisation_id: UUID, about: str, staff_id: UUID, template: str, context: Mapping[str, Any],
    dedupe_key: str, due: datetime | None, now: datetime,
) -> UUID | None:  # fmt: skip
    """Keep a reminder to go with others; its id, or None when it goes by itself.

    By themselves go all of a drill, what is due within the hours of urgent pages, and what is no reminder
    of work. What was kept once, or went by itself, is never told again under the same key.
    """
    if template not in CAN_WAIT or is_drill(about):
        return None
    mine = HeldReminder.organisation_id == organisation_id, HeldReminder.dedupe_key == dedupe_key
    if known := db.session.scalar(select(HeldReminder.id).where(*mine)):
        return known
    went = Message.organisation_id == organisation_id, Message.dedupe_key == dedupe_key
    if db.session.scalar(select(select(Message.id).where(*went).exists())):
        return None
    rule = terms.reminders(now)
    until = limits.reminder_held_until(_lately(staff_id, now - rule.within), now, rule)
    if until is None or (due is not None and due - now <= terms.limits(now).urgent):
        return None
    row = {
        "id": new_id(), "organisation_id": organisation_id, "staff_id": staff_id, "about": about,
        "template": template, "context": dict(context), "dedupe_key": dedupe_key, "held_at": now,
        "at": min(_first_at(staff_id) or until, until), "message_id": None,
    }  # fmt: skip
    insert_unless_there(HeldReminder, row)
    return db.session.scalar(select(HeldReminder.id).where(*mine))


def _lately(staff_id: UUID, since: datetime) -> list[datetime]:
    mine = Message.staff_id == staff_id, Message.kind == Kind.INTERNAL, Message.created_at > since
    return list(db.session.scalars(select(Message.created_at).where(*mine).limit(MOST)))


def _first_at(staff_id: UUID) -> datetime | None:
    """When what is kept for a person goes: all of it with the first."""
    waiting = HeldReminder.staff_id == staff_id, HeldReminder.message_id.is_(None)
    return db.session.scalar(select(HeldReminder.at).where(*waiting).order_by(HeldReminder.at).limit(1))
