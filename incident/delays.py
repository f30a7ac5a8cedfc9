"""Reasons for a delay, as they become known: written down while a duty runs, and never changed."""

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select

from accounts.models import StaffMember
from foundation import ledger
from foundation.database import db, insert_unless_there, new_id
from foundation.errors import Invalid
from incident.models import DelayReason, Duty, Incident


def reasons_of(duty: Duty) -> list[DelayReason]:
    """Why it takes so long, as it became known, oldest first."""
    mine = select(DelayReason).where(DelayReason.duty_id == duty.id)
    return list(db.session.scalars(mine.order_by(DelayReason.number)))


def add_reason(incident: Incident, duty: Duty, text: str, *, by: StaffMember, now: datetime) -> bool:
    """Write down a reason for the delay, usable long before anything is filed; false when it stands there.

    Raises: Invalid for nothing.
    """
    known = reasons_of(duty)
    if not text.strip():
        raise Invalid(_("Write what you know of the reasons."))
    if known and (known[-1].text, known[-1].by) == (text.strip(), by.name):
        return False
    row = {
        "id": new_id(), "organisation_id": incident.organisation_id, "duty_id": duty.id,
        "number": len(known) + 1, "text": text.strip(), "by": by.name, "at": now,
    }  # fmt: skip
    insert_unless_there(DelayReason, row)
    ledger.append(
        incident.chain, "reasons.added", organisation_id=incident.organisation_id, actor=by.name, at=now,
        reason=None, staff=by.id, duty=duty.id, regime=duty.regime, number=len(known) + 1,
    )  # fmt: skip
    return True
