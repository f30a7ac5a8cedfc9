"""Whether a message to a colleague may still go where it was owed: it waits, and ways change meanwhile.

Who has answered STOP, has taken a way back or has left gets nothing more by it, whatever was owed before.
"""

from uuid import UUID

from sqlalchemy import select

from accounts.models import StaffMember
from accounts.permissions import may_be_paged
from foundation.database import db
from foundation.encryption import blind_indexes
from notifications.hurrying import BUNDLE
from notifications.models import Channel, ContactMethod, Message

WORKS = ContactMethod.verified_at.is_not(None), ContactMethod.opted_out_at.is_(None)
CODE = "contact_code"  # what asks whether a way works goes before it does
CALL = "call:"  # so begin the keys of calls that a person asked for, by whatever number they have
GONE = "the person has this way no more: it was taken back or stopped, or they have left"


def stands(message: Message) -> bool:
    """Whether a message may go to its recipient; one to nobody of staff always, in a drill nothing leaves."""
    if message.staff_id is None or message.channel is Channel.PRETEND:
        return True
    if message.template == CODE or message.dedupe_key.startswith(CALL):
        return _person(message.staff_id) is not None
    calls = message.page_id or message.template == BUNDLE
    if calls and not _may_be_paged(message.staff_id):
        return False
    return _leads(message.staff_id, message.channel, message.recipient)


def fallbacks(message: Message) -> list[tuple[str, str]]:
    """Of the ways that a message may take instead those that still lead to its person, the next one first."""
    later = [(channel, address) for channel, address in message.fallbacks]
    if message.staff_id is None or message.channel is Channel.PRETEND:
        return later
    return [each for each in later if _leads(message.staff_id, *each)]


def _leads(staff_id: UUID, channel: str, address: str) -> bool:
    """Whether a way is one of a person's that works, or the address they sign in with."""
    person = _person(staff_id)
    if person is None:
        return False
    if channel == Channel.EMAIL and address.casefold() == person.email.casefold():
        return True
    mine = select(ContactMethod.id).where(
        ContactMethod.staff_id == staff_id, ContactMethod.channel == Channel(channel), *WORKS,
        ContactMethod.address_index.in_(blind_indexes(address)),
    )  # fmt: skip
    return bool(db.session.scalar(select(mine.exists())))


def _person(staff_id: UUID) -> StaffMember | None:
    person = db.session.get(StaffMember, staff_id)
    return person if person and person.active else None


def _may_be_paged(staff_id: UUID) -> bool:
    person = _person(staff_id)
    return person is not None and may_be_paged(person)
