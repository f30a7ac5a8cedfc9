"""The ways to a colleague: their numbers and addresses, and a message by one of them.

Only what its owner has verified, and has not answered STOP from, is a way. Who has none is told at the
address they sign in with, and that is said in record and log, for it wakes nobody.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import bindparam, select

from accounts.models import StaffMember
from foundation import ledger, locales
from foundation.database import db, new_id
from notifications import holding, outbox, rendering, standing
from notifications.models import Channel, ContactMethod, Kind, QuietHours
from notifications.rules import contacts, quiet

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Way:
    """A way to a colleague; `key` tells ways of the same channel apart, `after` is how long it may wait."""

    key: str
    channel: Channel
    address: str
    after: timedelta = timedelta(0)


SIGN_IN = "account"  # the key of the address that somebody without a way signs in with


def ways_of(person: StaffMember) -> list[Way]:
    """The verified ways to a person, in their order, the first at once; without any, the sign-in address."""
    found = db.session.execute(_METHODS, {"staff": person.id}).all()
    after = contacts.delays([each.delay_minutes for each in found])
    ways = [
        Way(str(each.id), each.channel, each.address, wait) for each, wait in zip(found, after, strict=True)
    ]
    return ways or [Way(SIGN_IN, Channel.EMAIL, person.email)]


_METHODS = (
    select(ContactMethod.id, ContactMethod.channel, ContactMethod.address, ContactMethod.delay_minutes)
    .where(ContactMethod.staff_id == bindparam("staff"), *standing.WORKS)
    .order_by(ContactMethod.position, ContactMethod.id)
)


def reachable(staff_id: UUID) -> bool:
    """Whether a person has a way that was verified and works; the sign-in address is none."""
    mine = select(ContactMethod.id).where(ContactMethod.staff_id == staff_id, *standing.WORKS)
    return bool(db.session.scalar(select(mine.exists())))


def unverified(organisation_id: UUID) -> list[UUID]:
    """Who, of those active, has a way that was not verified yet, each once."""
    theirs = (
        select(ContactMethod.staff_id)
        .join(StaffMember, StaffMember.id == ContactMethod.staff_id)
        .where(
            ContactMethod.organisation_id == organisation_id,
            ContactMethod.verified_at.is_(None),
            StaffMember.active,
        )
        .distinct()
    )
    return list(db.session.scalars(theirs))


def tell(
    person: StaffMember,
    way: Way,
    *,
    about: str,
    template: str,
    bare: str,
    context: dict[str, Any],
    later: Sequence[Way] = (),
    **message: Any,
) -> UUID | None:
    """Post to a colleague, in a drill to their pretend phone or mailbox.

    A text that cannot be made is a fault of ours and no reason for silence.
    """
    fallbacks = tuple((each.channel.value, each.address) for each in later)
    for text, locale in ((template, person.locale), (template, locales.DEFAULT), (bare, locales.DEFAULT)):
        recipient = outbox.recipient(about, way.channel, way.address, locale, person.id, fallbacks)
        with suppress(rendering.Unrenderable):
            told = {**context, "name": person.name}
            posted = outbox.post(about=about, template=text, context=told, recipient=recipient, **message)
            if posted and way.key == SIGN_IN:
                _say_that_there_is_no_way(person, about, posted, message["now"])
            return posted
        log.error("message.text_missing", template=text, locale=locale)
    raise rendering.Incomplete(f"{bare} itself cannot be written.")


def _say_that_there_is_no_way(person: StaffMember, about: str, message_id: UUID, now: datetime) -> None:
    log.error("person.without_way", staff=str(person.id), message=str(message_id))
    ledger.append(
        about, "person.without_way", organisation_id=person.organisation_id, actor="Breachclock", at=now,
        person=person.id, message=message_id,
    )  # fmt: skip


def active(staff_id: UUID) -> StaffMember | None:
    """The person, unless they are gone: a page moves on past an empty place instead of failing at it."""
    person = db.session.get(StaffMember, staff_id)
    return person if person and person.active else None


def remind(
    *,
    organisation_id: UUID,
    about: str,
    staff_ids: Sequence[UUID],
    template: str,
    context: dict[str, Any],
    dedupe_key: str,
    urgent: bool,
    must_by: datetime | None,
    now: datetime,
) -> list[UUID]:
    """Tell members of staff something, each once per `dedupe_key`; returns the messages' ids.

    Urgent ones go by every way, each after its delay. Others go by e-mail, with the next way to fall back
    to, wait for quiet hours to end where that costs nothing, and come in one message where they are many.
    """
    posted: list[UUID | None] = []
    for person in filter(None, map(active, dict.fromkeys(staff_ids))):
        due: dict[str, Any] = {
            "organisation_id": organisation_id, "about": about, "kind": Kind.INTERNAL, "must_by": must_by,
            "template": template, "bare": "reminder_bare", "now": now,
        }  # fmt: skip
        key = f"{dedupe_key}:{person.id}"
        if urgent:
            posted += [
                tell(person, way, context=context, dedupe_key=f"{key}:{way.key}", ready_at=now + way.after,
                     **due)
                for way in ways_of(person)
            ]  # fmt: skip
        else:
            kept = holding.hold(
                organisation_id=organisation_id, about=about, staff_id=person.id, template=template,
                context=context, dedupe_key=f"{key}:first", due=quiet.deadline_of(context, must_by), now=now,
            )  # fmt: skip
            if kept:
                posted.append(kept)
                continue
            first, *later = calmly(ways_of(person))
            at = ready_at(person, context, must_by, now)
            told = quiet.told_later(context, at - now)
            posted.append(
                tell(person, first, context=told, dedupe_key=f"{key}:first", later=later, ready_at=at, **due)
            )
    return [each for each in posted if each]


def calmly(ways: Sequence[Way]) -> list[Way]:
    """The ways for what can wait: e-mail first, and no call unless there is nothing else."""
    silent = [each for each in ways if each.channel is not Channel.VOICE] or ways
    return sorted(silent, key=lambda way: way.channel is not Channel.EMAIL)


def ready_at(
    person: StaffMember, context: dict[str, Any], must_by: datetime | None, now: datetime
) -> datetime:
    """When a person is told what can wait: now, or when their quiet hours end."""
    kept = db.session.get(QuietHours, person.id)
    if kept is None:
        return now
    due = quiet.deadline_of(context, must_by)
    return quiet.ready_at(quiet.read(kept.spans), kept.timezone, now=now, must_by=due)


def add_contact_method(
    *,
    organisation_id: UUID,
    staff_id: UUID,
    channel: str,
    address: str,
    position: int,
    verified_at: datetime | None,
    delay_minutes: int = 0,
) -> UUID:
    """Give a member of staff a number (E.164) or an address, checked before; returns the way's id."""
    method = ContactMethod(
        id=new_id(), organisation_id=organisation_id, staff_id=staff_id, channel=Channel(channel),
        address=address, position=position, verified_at=verified_at, delay_minutes=delay_minutes,
    )  # fmt: skip
    method.reindex()
    db.session.add(method)
    return method.id
