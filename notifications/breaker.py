"""The breaker: when people are told twice and nobody knows why, communications to people stop.

It bounds faults that nobody thought of. Pages, reminders and notifications go on; a person who may
send communications looks, and releases.
"""

from datetime import datetime, timedelta
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import func, select

from accounts.models import Organisation
from foundation import ledger
from foundation.database import db, insert_unless_there, new_id
from foundation.errors import Invalid, Refused
from notifications.models import Attempt, Channel, Kind, Message, Outcome, SendingAttempt, SendingGroup, Stop

WINDOW = timedelta(minutes=15)
RATIO = 1.02  # copies per message; more is no chance
LEAST = 2  # copies too many, so that one of one stops nothing
PER_MESSAGE = 2  # copies of one message; a third cannot be explained by a single fault
LOOK_AGAIN = timedelta(minutes=1)
COPIES = (Outcome.ACCEPTED, Outcome.FOUND, Outcome.DUPLICATE)


def stop_of(organisation_id: UUID) -> Stop | None:
    """The stop in force in an organisation, or None."""
    in_force = Stop.organisation_id == organisation_id, Stop.released_at.is_(None)
    return db.session.scalars(select(Stop).where(*in_force)).first()


def duplicate_of(message: Message, now: datetime) -> None:
    """A second copy was found: stop communications when there are too many; other kinds stop nothing.

    Nor does a drill, which told nobody anything.
    """
    if message.kind is not Kind.SUBJECT or message.channel is Channel.PRETEND:
        return
    db.session.flush()
    # One after the other: two that find their copies in the same moment would each see only their own.
    mine = select(Organisation.id).where(Organisation.id == message.organisation_id)
    db.session.execute(mine.with_for_update(key_share=True))
    copies, messages, most = _counted(message.organisation_id, now)
    many = copies - messages >= LEAST and copies > RATIO * messages
    if many or most > PER_MESSAGE:
        _stop(message.organisation_id, f"{copies} copies of {messages} messages in a quarter of an hour", now)


def group_told_twice(organisation_id: UUID, now: datetime) -> None:
    """A second copy of a group was found: stop communications when it told many twice, or is no chance."""
    people = db.session.scalar(
        select(func.sum(SendingGroup.size))
        .join(SendingAttempt, SendingAttempt.group_id == SendingGroup.id)
        .where(
            SendingAttempt.organisation_id == organisation_id, SendingGroup.channel != Channel.PRETEND,
            SendingAttempt.started_at > _since(organisation_id, now),
            SendingAttempt.outcome == Outcome.DUPLICATE,
        )
    )  # fmt: skip
    if (people or 0) >= LEAST:
        _stop(organisation_id, f"{people} people were told a second time in a quarter of an hour", now)


def _since(organisation_id: UUID, now: datetime) -> datetime:
    """Copies count from here: a quarter of an hour ago, or since a person released the last stop."""
    ended = db.session.scalar(
        select(func.max(Stop.released_at)).where(Stop.organisation_id == organisation_id)
    )
    return max(now - WINDOW, ended) if ended else now - WINDOW


def _counted(organisation_id: UUID, now: datetime) -> tuple[int, int, int]:
    """Copies that providers took lately, of how many messages, and the most of one."""
    since = _since(organisation_id, now)
    rows = db.session.execute(
        select(func.count().label("copies"))
        .select_from(Attempt)
        .join(Message, Message.id == Attempt.message_id)
        .where(
            Attempt.organisation_id == organisation_id, Message.kind == Kind.SUBJECT,
            Message.channel != Channel.PRETEND,
            Attempt.started_at > since, Attempt.outcome.in_(COPIES),
        )
        .group_by(Attempt.message_id)
    ).all()  # fmt: skip
    counts = [row.copies for row in rows]
    return sum(counts), len(counts), max(counts, default=0)


def _stop(organisation_id: UUID, why: str, now: datetime) -> None:
    row = {"id": new_id(), "organisation_id": organisation_id, "stopped_at": now, "why": why}
    if insert_unless_there(Stop, row):
        ledger.append(
            f"organisation/{organisation_id}", "communications.stopped", organisation_id=organisation_id,
            actor="Breachclock", at=now, reason=why,
        )  # fmt: skip


def release(organisation_id: UUID, *, by: str, reason: str, now: datetime) -> None:
    """Let communications go again; those that waited go within a minute.

    Raises: Invalid without a reason, Refused when nothing is stopped.
    """
    if not reason.strip():
        raise Invalid(_("A release needs a reason."), next_step=_("Say why; it goes into the record."))
    stop = stop_of(organisation_id)
    if stop is None:
        raise Refused(_("Nothing is stopped, or somebody released it already."))
    stop.released_at, stop.released_by = now, by
    ledger.append(
        f"organisation/{organisation_id}", "communications.released", organisation_id=organisation_id,
        actor=by, at=now, reason=reason.strip(),
    )  # fmt: skip
