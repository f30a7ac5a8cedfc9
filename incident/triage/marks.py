"""What the decisions of triage share: the move, its entry in the ledger, the quiet afterwards."""

from datetime import datetime

from sqlalchemy import select

from foundation import ledger
from foundation.database import db
from foundation.errors import Invalid, Refused
from foundation.ledger import Entry
from incident.models import Duty, Incident
from incident.rules import lifecycle
from incident.rules.lifecycle import Move, State
from notifications import paging
from playbooks import runs


def after(incident: Incident, move: Move, reason: str) -> State:
    """Where a move leads. Raises: Invalid for want of a reason, Refused when it is not open from here."""
    state = State(incident.state)
    try:
        return lifecycle.after(state, move, reason=reason)
    except lifecycle.MoveRefused as refusal:
        kind = Invalid if move in lifecycle.moves_from(state) else Refused
        raise kind(str(refusal)) from None


def move(incident: Incident, move: Move, reason: str) -> None:
    """Bring the incident into the state that a move leads to. Raises: as `after`."""
    incident.state = after(incident, move, reason)
    db.session.flush()


def record(
    incident: Incident, action: str, by: str, now: datetime, reason: str | None, **details: object
) -> None:
    """Enter into the incident's chain what was decided."""
    ledger.append(
        incident.chain, action, organisation_id=incident.organisation_id, actor=by, at=now, reason=reason,
        **details,
    )  # fmt: skip


def said_last(incident: Incident, action: str, by: str, reason: str) -> bool:
    """Whether this very person said this very thing when it was last said: a form sent twice."""
    last = db.session.scalars(
        select(Entry)
        .where(Entry.chain == incident.chain, Entry.action == action)
        .order_by(Entry.number.desc())
    ).first()
    return last is not None and (last.actor, last.reason) == (by, reason.strip())


def quieten(incident: Incident, event: str, reason: str, by: str, now: datetime) -> None:
    """Pages end and playbooks with them: about what is over nobody is called."""
    runs.happened(incident.chain, event, actor=by, now=now)
    runs.end(incident.chain, actor=by, reason=reason, now=now)
    paging.end(incident.chain, actor=by, reason=reason, now=now)


def duties(incident: Incident) -> list[Duty]:
    """What is or was owed, by due time."""
    mine = select(Duty).where(Duty.incident_id == incident.id)
    return list(db.session.scalars(mine.order_by(Duty.due_at.is_(None), Duty.due_at, Duty.regime)))


def open_duties(incident: Incident) -> list[Duty]:
    """What is still owed, by due time."""
    return [duty for duty in duties(incident) if duty.is_owed]
