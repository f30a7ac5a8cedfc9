"""How a person is reached: that person's own numbers and addresses, their order, delays and quiet hours.

Everybody looks after their own. What is not verified is never rung (`verifying`); who takes away the last
way that works is asked twice, and on duty is refused.
"""

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from flask_babel import gettext as _
from sqlalchemy import delete, select, update

from accounts.models import StaffMember
from foundation import ledger
from foundation.database import db
from foundation.errors import Invalid, Missing, Refused
from notifications import on_duty, outbox, ways
from notifications.contacts import addresses
from notifications.models import Channel, ContactCode, ContactMethod, QuietHours
from notifications.rules import quiet
from notifications.rules.contacts import LIMITS

GONE = "the way was removed"


def of(staff_id: UUID) -> list[ContactMethod]:
    """A person's own ways, in their order; shown to that person alone."""
    mine = select(ContactMethod).where(ContactMethod.staff_id == staff_id)
    return list(db.session.scalars(mine.order_by(ContactMethod.position, ContactMethod.id)))


def own(staff: StaffMember, method_id: UUID) -> ContactMethod:
    """One of a person's own ways, locked. Raises: Missing, also when it is somebody else's."""
    found = db.session.get(ContactMethod, method_id, with_for_update=True, populate_existing=True)
    if found is None or found.staff_id != staff.id:
        raise Missing(_("There is no such number or address of yours."))
    return found


def works(method: ContactMethod) -> bool:
    """Whether a way is rung: verified, and not stopped."""
    return method.verified_at is not None and method.opted_out_at is None


def add(
    staff: StaffMember, *, channel: str, address: str, delay: int, rehearsal: bool, now: datetime
) -> UUID:
    """Give oneself a number or an address, to be verified before it is used; returns its id.

    `address` is what was typed. Raises: Invalid when it cannot be used, Refused when it is there already
    or there are too many.
    """
    checked = addresses.checked(channel, address, country=staff.organisation.country, rehearsal=rehearsal)
    _check_delay(delay)
    _lock(staff)
    known = of(staff.id)
    if any((each.channel, each.address.casefold()) == (channel, checked.casefold()) for each in known):
        raise Refused(
            _("You have this already."),
            next_step=_("Look for it in your list; a new code is sent from there."),
        )
    if len(known) >= LIMITS.methods:
        raise Refused(
            _("You have %(count)d ways already.", count=len(known)), next_step=_("Remove one of them first.")
        )
    method_id = ways.add_contact_method(
        organisation_id=staff.organisation_id, staff_id=staff.id, channel=channel, address=checked,
        position=max((each.position for each in known), default=-1) + 1, verified_at=None,
        delay_minutes=delay,
    )  # fmt: skip
    db.session.flush()
    record(staff, "contact.added", now, method=method_id, channel=channel, delay_minutes=delay)
    return method_id


def _check_delay(delay: int) -> None:
    if delay not in LIMITS.delays:
        raise Invalid(_("Choose one of the delays."))


def _lock(staff: StaffMember) -> None:
    """One change of a person's ways at a time."""
    db.session.execute(select(StaffMember.id).where(StaffMember.id == staff.id).with_for_update())


def move(staff: StaffMember, method_id: UUID, *, up: bool, now: datetime) -> None:
    """Change places with the way before, or after; at the end nothing happens. Raises: Missing."""
    _lock(staff)
    own(staff, method_id)
    order = of(staff.id)
    at = next(place for place, each in enumerate(order) if each.id == method_id)
    to = at - 1 if up else at + 1
    if not 0 <= to < len(order):
        return
    order[at], order[to] = order[to], order[at]
    for place, each in enumerate(order):
        each.position = place
    record(staff, "contact.moved", now, method=method_id, place=to + 1)


def wait(staff: StaffMember, method_id: UUID, *, delay: int, now: datetime) -> None:
    """Let a way wait so many minutes for the others. Raises: Missing, Invalid."""
    method = own(staff, method_id)
    _check_delay(delay)
    if method.delay_minutes != delay:
        method.delay_minutes = delay
        record(staff, "contact.delayed", now, method=method_id, delay_minutes=delay)


def is_last(staff: StaffMember, method: ContactMethod) -> bool:
    """Whether this is the last way that works."""
    return works(method) and sum(works(each) for each in of(staff.id)) == 1


def remove(staff: StaffMember, method_id: UUID, *, sure: bool, now: datetime) -> None:
    """Take a way away. `sure` says that its owner knows it is the last that works.

    Raises: Missing; Refused when it is the last and its owner is on duty, or is not sure.
    """
    _lock(staff)
    method = own(staff, method_id)
    last = is_last(staff, method)
    if last and staff.id in on_duty.on_call(staff.organisation_id, now):
        raise Refused(
            _("This is the last way to you that works, and you are on call now."),
            next_step=_("Add and verify another one first, or hand your shift over."),
        )
    if last and not sure:
        raise Refused(
            _("This is the last way to you that works: without it pages only go to your sign-in address."),
            next_step=_("Add another one first, or say that you know it."),
        )
    outbox.withdraw(chain(staff), keys=f"code:{method_id}:", reason=GONE, now=now)
    db.session.execute(update(ContactCode).where(ContactCode.method_id == method_id).values(method_id=None))
    db.session.execute(delete(ContactMethod).where(ContactMethod.id == method_id))
    record(staff, "contact.removed", now, method=method_id, channel=method.channel, last=last)


def quiet_hours(staff_id: UUID) -> QuietHours | None:
    """A person's quiet hours, if they have any."""
    return db.session.get(QuietHours, staff_id)


def keep_quiet(staff: StaffMember, *, timezone: str, spans: list[dict[str, Any]], now: datetime) -> None:
    """Set a person's quiet hours: spans as `models.QuietHours` keeps them, in an IANA zone; none for none.

    Raises: Invalid, naming every fault.
    """
    if faults := _faults(timezone, spans):
        raise Invalid(" ".join(faults), next_step=_("Correct it; nothing was changed."))
    _lock(staff)
    kept = quiet_hours(staff.id)
    if kept is None:
        kept = QuietHours(staff_id=staff.id, organisation_id=staff.organisation_id, timezone="", spans=[])
        db.session.add(kept)
    kept.timezone, kept.spans = timezone, spans
    record(staff, "contact.quiet_hours", now, timezone=timezone, spans=spans)


def _faults(timezone: str, spans: list[dict[str, Any]]) -> list[str]:
    found = []
    if timezone not in available_timezones():
        found.append(_("Choose a time zone."))
    if len(spans) > LIMITS.spans:
        found.append(_("%(count)d spans at most.", count=LIMITS.spans))
    for number, each in enumerate(spans, 1):
        if not each["days"]:
            found.append(_("Span %(number)d: choose at least one day.", number=number))
        try:
            (span,) = quiet.read([each])
        except ValueError:
            found.append(_("Span %(number)d: give both times, such as 22:00 and 07:00.", number=number))
            continue
        if span.start == span.end:
            found.append(_("Span %(number)d ends when it begins.", number=number))
    return found


def record(staff: StaffMember, action: str, now: datetime, **details: Any) -> None:
    """Enter a change of a person's ways into the organisation's ledger; addresses stay out."""
    ledger.append(
        f"organisation/{staff.organisation_id}", action, organisation_id=staff.organisation_id,
        actor=staff.name, at=now, person=staff.id, **details,
    )  # fmt: skip


def chain(staff: StaffMember) -> str:
    """What messages to a person about their own ways are about."""
    return f"contact/{staff.id}"


def may_be_added() -> list[Channel]:
    """The kinds of ways a person can have, in the order they are offered."""
    return [Channel.SMS, Channel.VOICE, Channel.EMAIL, Channel.CHAT]
