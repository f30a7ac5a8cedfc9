"""Splitting off again what was merged: it owes again what it owed, and the carrier keeps what it owes."""

from datetime import datetime

from sqlalchemy import select

from accounts.models import StaffMember
from foundation.database import db
from foundation.ledger import Entry
from incident import clocks, owed
from incident.merging import duties
from incident.merging.checks import Word, merged_into
from incident.models import Incident
from incident.rules.lifecycle import Move, State
from incident.triage.breach import start_again
from incident.triage.marks import move, record, said_last
from playbooks import runs


def split_off(carried: Incident, carrier: Incident, *, reason: str, by: StaffMember, now: datetime) -> bool:
    """Take a merger back, both incidents locked; false when the same was said before.

    What was carried is owed again by the one that is split off, by the due times that it had: no time was
    won. The carrier keeps every duty and its awareness, until a person decides otherwise. Raises: Invalid
    without a reason, Refused when it is not merged.
    """
    if carried.state != State.MERGED and said_last(carried, "incident.reopened", by.name, reason):
        return False
    word, confirmed = Word(by, reason.strip(), now), _was_confirmed(carried)
    move(carried, Move.REOPEN, reason)
    if confirmed:
        move(carried, Move.CONFIRM, "")
    carried.merged_into_id = None
    db.session.flush()
    record(
        carried, "incident.reopened", by.name, now, word.reason, was=State.MERGED, split_off=carrier.number
    )
    record(
        carrier, "incident.carries_no_more", by.name, now, word.reason, number=carried.number,
        other=carried.id,
    )  # fmt: skip
    duties.take_back(carried, word)
    start_again(carried, by.name, now)
    clocks.resume(carried, why=merged_into(carrier), actor=by.name, reason=word.reason, now=now)
    owed.carry_out(carried, by=by.name, reason=word.reason, now=now)
    for event in ("page.acknowledged", *(("incident.confirmed",) if confirmed else ())):
        runs.happened(carried.chain, event, actor=by.name, now=now)
    return True


def _was_confirmed(incident: Incident) -> bool:
    """Whether a person had confirmed it as a breach before it was merged."""
    last = db.session.scalars(
        select(Entry)
        .where(Entry.chain == incident.chain, Entry.action == "incident.merged")
        .order_by(Entry.number.desc())
    ).first()
    return last is not None and last.details.get("was") == State.CONFIRMED
