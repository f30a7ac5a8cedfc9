"""A way is verified by a code that its owner gets by the very way, and types.

A code is kept as a keyed hash that is bound to its row: it fits no other way, and the database alone
tells nobody. It expires, stands few wrong tries, and a new one is not sent at once.
"""

import hmac
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select

from accounts.models import StaffMember
from foundation.database import db, new_id
from foundation.encryption import blind_index, blind_indexes
from foundation.errors import Refused
from notifications import outbox
from notifications.contacts import chain, own, record
from notifications.models import ContactCode, ContactMethod, Kind, Message, State
from notifications.rules.contacts import LIMITS, Tried, may_try, wait_for_code

TEMPLATE = "contact_code"
REPLACED = "a newer code was sent"


def send_code(staff: StaffMember, method_id: UUID, *, now: datetime) -> None:
    """Send a code to one of a person's own ways; an earlier one counts no more.

    Raises: Missing; Refused when it is verified, has answered STOP, or a code went lately.
    """
    method = own(staff, method_id)
    if method.verified_at:
        raise Refused(_("This is verified already."))
    if method.opted_out_at:
        raise Refused(
            _("This number has answered STOP, and gets no text."),
            next_step=_("Send START from it to our number first."),
        )
    _refuse_too_many(staff, method, now)
    outbox.withdraw(chain(staff), keys=f"code:{method.id}:", reason=REPLACED, now=now)
    code, row_id = f"{secrets.randbelow(10**LIMITS.digits):0{LIMITS.digits}d}", new_id()
    db.session.add(
        ContactCode(
            id=row_id, organisation_id=staff.organisation_id, staff_id=staff.id, method_id=method.id,
            address_index=blind_index(method.address), code_hash=blind_index(_bound(row_id, code)),
            sent_at=now, expires_at=now + LIMITS.valid, tries=0,
        )
    )  # fmt: skip
    about = chain(staff)
    recipient = outbox.recipient(about, method.channel, method.address, staff.locale, staff.id)
    outbox.post(
        organisation_id=staff.organisation_id, about=about, kind=Kind.ONCALL, template=TEMPLATE,
        recipient=recipient, dedupe_key=f"code:{method.id}:{row_id}", now=now,
        context={"code": code, "minutes": int(LIMITS.valid / timedelta(minutes=1)),
                 "organisation": staff.organisation.name},
    )  # fmt: skip
    record(staff, "contact.code_sent", now, method=method.id, channel=method.channel)


def _bound(row_id: UUID, code: str) -> str:
    return f"code:{row_id}:{code}"


def _refuse_too_many(staff: StaffMember, method: ContactMethod, now: datetime) -> None:
    lately = ContactCode.sent_at > now - timedelta(days=1)
    sent = select(ContactCode.sent_at).where(lately)
    to_address = sent.where(ContactCode.address_index.in_(blind_indexes(method.address)))
    left = wait_for_code(
        to_method=db.session.scalars(sent.where(ContactCode.method_id == method.id)).all(),
        to_address=db.session.scalars(to_address).all(),
        by_person=db.session.scalars(sent.where(ContactCode.staff_id == staff.id)).all(), now=now,
    )  # fmt: skip
    if left > timedelta(0):
        minutes = max(-(-int(left.total_seconds()) // 60), 1)
        raise Refused(
            _("A code was sent a moment ago."),
            next_step=ngettext(
                "Wait %(num)d minute; until then the last code counts.",
                "Wait %(num)d minutes; until then the last code counts.", minutes,
            ),
        )  # fmt: skip


def confirm(staff: StaffMember, method_id: UUID, typed: str, *, now: datetime) -> Tried:
    """Take a typed code; a right one verifies the way, a wrong one is counted. Raises: Missing.

    Nothing is raised for a wrong one, so that its count is committed.
    """
    method = own(staff, method_id)
    code = waiting_code(method_id)
    if method.verified_at or code is None:
        return Tried.NONE
    if why := may_try(tries=code.tries, expires_at=code.expires_at, used=bool(code.used_at), now=now):
        return why
    digits = "".join(each for each in typed if each.isascii() and each.isdigit())
    fits = [hmac.compare_digest(code.code_hash, each) for each in blind_indexes(_bound(code.id, digits))]
    if not any(fits):
        code.tries += 1
        spent = code.tries >= LIMITS.tries
        record(staff, "contact.code_wrong", now, method=method_id, tries=code.tries)
        return Tried.SPENT if spent else Tried.WRONG
    code.used_at, method.verified_at = now, now
    record(staff, "contact.verified", now, method=method_id, channel=method.channel)
    return Tried.RIGHT


def is_lost(code: ContactCode) -> bool:
    """Whether the message with a code could not be delivered."""
    key = f"code:{code.method_id}:{code.id}"
    sent = select(Message.id).where(
        Message.organisation_id == code.organisation_id,
        Message.dedupe_key == key,
        Message.state == State.UNREACHED,
    )
    return bool(db.session.scalar(select(sent.exists())))


def waiting_code(method_id: UUID) -> ContactCode | None:
    """The newest code that was sent to a way, whatever became of it."""
    mine = select(ContactCode).where(ContactCode.method_id == method_id)
    return db.session.scalars(mine.order_by(ContactCode.sent_at.desc(), ContactCode.id.desc())).first()
