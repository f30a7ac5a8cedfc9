"""Pause, go on, stop: by a person, or by itself, when people are told of it.

Whoever takes a group reads the state under a lock, so that nothing is begun once this has committed; what
a provider was asked to send before ends as it ends.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import func, select, update

from foundation import queue
from foundation.database import changed, db
from foundation.errors import Invalid, Refused
from notifications import channels
from notifications.models import Delivery, Fate, GroupState, Sending, SendingGroup, SendingState
from notifications.rules.receipts import Rank
from notifications.rules.sending import ALL, EMAIL, SMS
from notifications.sending import reasons, rows

GOING = (SendingState.PLANNING, SendingState.CANARY, SendingState.RUNNING)


def by_itself(sending: Sending, why: str, now: datetime, *, go_on: SendingState | None = None) -> None:
    """Pause a locked sending for a reason that nobody gave; people are told. `go_on`: where it goes on."""
    if sending.state not in GOING:
        return
    _pause(sending, why, now, None)
    sending.paused_from = go_on or sending.paused_from
    rows.enter(sending, "sending.paused", now, reason=sending.paused_why)


def pause(sending_id: UUID, *, by: str, why: str, now: datetime) -> None:
    """A person pauses a sending. Raises: Invalid without a reason, Refused when nothing is going."""
    sending = rows.locked(sending_id)
    reason = _reason(why)
    if sending.state not in GOING:
        raise Refused(
            _("This sending is not going, so there is nothing to pause."),
            next_step=_("Look at the sending again."),
        )
    _pause(sending, reason, now, by)
    rows.enter(sending, "sending.paused", now, by=by, reason=reason)


def _pause(sending: Sending, why: str, now: datetime, by: str | None) -> None:
    sending.paused_from, sending.state = sending.state, SendingState.PAUSED
    sending.paused_at, sending.paused_by, sending.paused_why = now, by, why[:300]
    sending.told_at = None if by is None else now


def resume(sending_id: UUID, *, by: str, why: str, now: datetime) -> None:
    """A person lets a paused sending go on, with the next person. Raises: Invalid, Refused.

    Where fewer people are there than two persons approved, it goes on for these; never for more.
    """
    sending = rows.locked(sending_id)
    reason = _reason(why)
    if sending.state != SendingState.PAUSED:
        raise Refused(_("This sending is not paused."), next_step=_("Look at the sending again."))
    sending.state, more = sending.paused_from or SendingState.PLANNING, {}
    if sending.state == SendingState.PLANNING and sending.planned_to == ALL:
        more = _for_fewer(sending)
    sending.paused_at = sending.paused_by = sending.paused_why = sending.paused_from = sending.told_at = None
    # What was seen so far stops it no second time.
    sending.tally = sending.tally | {"seen": seen(sending_id)}
    rows.enter(sending, "sending.resumed", now, by=by, reason=reason, **more)
    queue.ring_after_commit(queue.SENDINGS)


def _for_fewer(sending: Sending) -> dict[str, int]:
    """All are planned, and they are not as many as were approved; returns both counts, for the ledger."""
    if not 0 < sending.planned <= sending.people:
        raise Refused(
            _("These are not the people whom two persons approved, so nobody is told."),
            next_step=_("Stop this sending and have the communication approved again."),
        )
    counts = {"approved": sending.people, "people": sending.planned}
    sending.people = sending.planned
    sending.state = SendingState.CANARY if sending.canary else SendingState.RUNNING
    return counts


def seen(sending_id: UUID) -> dict[str, int]:
    """How many people a sending has reached, and failed to reach by some way."""
    by = Delivery.channel, Delivery.fate, Delivery.rank
    query = select(*by, func.count()).where(Delivery.sending_id == sending_id)
    return summed(db.session.execute(query.group_by(*by)), taken(sending_id))


def taken(sending_id: UUID) -> int:
    """How many people providers took that say nothing after it: their yes is all that is ever known."""
    mine = SendingGroup.sending_id == sending_id, SendingGroup.provider.in_(channels.MUTE)
    size = select(func.sum(SendingGroup.size)).where(*mine, SendingGroup.state == GroupState.ACCEPTED)
    return db.session.scalar(size) or 0


def summed(counts: Iterable[tuple[str, str, int, int]], taken: int) -> dict[str, int]:
    """People reached and people failed to reach, of counts by way, fate and rank; letters aside.

    Who is left to people without a word that it failed is neither. `taken` of them are reached as far as
    anybody will ever say.
    """
    arrived, failed = taken, 0
    for channel, fate, rank, number in counts:
        if channel in (EMAIL, SMS):
            arrived += number if fate == Fate.DELIVERED else 0
            failed += number if fate in (Fate.FAILED, Fate.MANUAL) and rank >= Rank.FAILED else 0
    return {"arrived": arrived, "failed": failed}


def stop(sending_id: UUID, *, by: str, why: str, now: datetime) -> None:
    """A person stops a sending for good: who was not told is left to people. Raises: Invalid, Refused."""
    sending = rows.locked(sending_id)
    reason = _reason(why)
    if sending.state in (SendingState.STOPPED, SendingState.ENDED):
        raise Refused(
            _("This sending is over, so there is nothing to stop."), next_step=_("Look at the sending again.")
        )
    sending.state, sending.ended_at = SendingState.STOPPED, now
    sending.paused_by, sending.paused_why = by, reason[:300]  # why it stands still is asked of the row
    letters = Delivery.sending_id == sending_id, Delivery.fate == Fate.WAITING
    changed(update(Delivery).where(*letters).values(fate=Fate.MANUAL, at=now, **reasons.STOPPED._asdict()))
    rows.count_anew([sending_id])
    rows.enter(sending, "sending.stopped", now, by=by, reason=reason, planned=sending.planned)
    queue.ring_after_commit(queue.SENDINGS)


def _reason(why: str) -> str:
    if not why.strip():
        raise Invalid(_("A decision needs a reason."), next_step=_("Say why; it goes into the record."))
    return why.strip()
