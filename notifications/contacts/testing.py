"""Ring me now: a person has oneself rung, to see that it arrives, and when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select

from accounts.models import StaffMember
from foundation.database import db, new_id
from foundation.errors import Missing, Refused
from notifications import ways
from notifications.contacts import chain, record
from notifications.models import Channel, Kind, Message, State
from notifications.rules.contacts import wait_for_test

TEMPLATE = "test_page"


@dataclass(frozen=True, slots=True)
class Rung:
    """One way of one ringing: what became of it, and how long after the button."""

    method_id: str
    channel: str
    rung_at: datetime  # when the button was pressed
    ready_at: datetime  # when its turn is, or was
    state: str
    accepted_at: datetime | None
    delivered_at: datetime | None
    why: str | None

    @property
    def seconds(self) -> int | None:
        """How long after the button it arrived."""
        return round((self.delivered_at - self.rung_at).total_seconds()) if self.delivered_at else None


def ring(staff: StaffMember, *, method_id: UUID | None, now: datetime) -> int:
    """Send a test page by all of a person's ways, each after its delay, or by one of them at once.

    Returns how many messages that made. Raises: Missing, Refused when it was done too often.
    """
    _refuse_too_often(staff, now)
    found = [each for each in ways.ways_of(staff) if method_id is None or each.key == str(method_id)]
    if not found:
        raise Missing(_("There is no such verified way of yours."))
    about, ring_id = chain(staff), new_id()
    for way in found:
        ways.tell(
            staff, way, about=about, template=TEMPLATE, bare=TEMPLATE, organisation_id=staff.organisation_id,
            context={"organisation": staff.organisation.name, "path": "/reached-by"}, kind=Kind.ONCALL,
            dedupe_key=f"test:{ring_id}:{way.key}", now=now,
            ready_at=now + (way.after if method_id is None else timedelta(0)),
        )  # fmt: skip
    record(staff, "contact.tested", now, ways=len(found))
    return len(found)


def _refuse_too_often(staff: StaffMember, now: datetime) -> None:
    left = wait_for_test([each for each in _times(staff) if each > now - timedelta(hours=1)], now)
    if left > timedelta(0):
        minutes = max(-(-int(left.total_seconds()) // 60), 1)
        raise Refused(
            _("You were rung often lately."),
            next_step=ngettext("Try again in %(num)d minute.", "Try again in %(num)d minutes.", minutes),
        )


def _times(staff: StaffMember) -> Sequence[datetime]:
    mine = Message.about == chain(staff), Message.template == TEMPLATE
    return db.session.scalars(select(Message.created_at).where(*mine).distinct()).all()


def last(staff: StaffMember) -> list[Rung]:
    """The last ringing of a person, way by way; empty when there was none."""
    mine = Message.about == chain(staff), Message.template == TEMPLATE
    newest = select(Message.created_at).where(*mine).order_by(Message.created_at.desc()).limit(1)
    rung = select(Message).where(*mine, Message.created_at == newest.scalar_subquery())
    return [_rung(each) for each in db.session.scalars(rung.order_by(Message.ready_at, Message.id))]


def _rung(message: Message) -> Rung:
    delivered = message.done_at if message.state is State.DELIVERED else None
    return Rung(
        message.dedupe_key.rpartition(":")[2], Channel(message.way), message.created_at, message.ready_at,
        message.state, message.accepted_at, delivered, message.why,
    )  # fmt: skip
