"""Who is reachable how, for those who answer for the rota: kinds of ways and their state, no addresses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from accounts import people
from accounts.models import Role, StaffMember
from foundation.database import db
from notifications import on_duty
from notifications.models import Channel, ContactMethod, QuietHours

RUNG = (Role.RESPONDER, Role.DPO, Role.ADMIN)  # who may be paged, or hears an alarm


@dataclass(frozen=True, slots=True)
class Seen:
    """One way of a colleague: what kind, when it rings, and whether it may be used."""

    channel: Channel
    delay: int  # minutes
    verified: bool
    stopped: bool

    @property
    def works(self) -> bool:
        """Whether it is rung."""
        return self.verified and not self.stopped


@dataclass(frozen=True, slots=True)
class Reach:
    """One colleague and their ways, in their order."""

    id: UUID
    name: str
    on_call: bool
    ways: Sequence[Seen]
    quiet: bool  # whether they have quiet hours

    @property
    def reachable(self) -> bool:
        """Whether any way may be used."""
        return any(each.works for each in self.ways)

    @property
    def wakes(self) -> bool:
        """Whether any of these makes a telephone ring or buzz."""
        return any(each.works and each.channel is not Channel.EMAIL for each in self.ways)


def of(organisation_id: UUID, now: datetime) -> list[Reach]:
    """Everybody who may be rung: those who cannot be reached first, then those on call, by name."""
    on_call = set(on_duty.on_call(organisation_id, now))
    mine = select(ContactMethod).where(ContactMethod.organisation_id == organisation_id)
    methods = db.session.scalars(mine.order_by(ContactMethod.position, ContactMethod.id)).all()
    quiet = set(
        db.session.scalars(select(QuietHours.staff_id).where(QuietHours.organisation_id == organisation_id))
    )
    found = [
        _reach(each, methods, on_call=each.id in on_call, quiet=each.id in quiet)
        for each in people.staff_of(organisation_id)
        if each.active and (each.role in RUNG or each.id in on_call)
    ]
    return sorted(found, key=lambda each: (each.reachable, not each.on_call, each.name))


def _reach(person: StaffMember, methods: Sequence[ContactMethod], *, on_call: bool, quiet: bool) -> Reach:
    seen = [
        Seen(each.channel, each.delay_minutes, each.verified_at is not None, each.opted_out_at is not None)
        for each in methods
        if each.staff_id == person.id
    ]
    return Reach(person.id, person.name, on_call, seen, quiet)
