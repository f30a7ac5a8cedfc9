"""Meeting a duty: once, with the moment it was done and how late that was, frozen for good."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import select

from foundation import ledger
from foundation.database import db
from foundation.errors import Refused
from incident.models import Duty, DutyState, Incident
from incident.rules import lifecycle
from incident.rules.lifecycle import State


def refuse_when_over(incident: Incident) -> None:
    """Of what was rejected or closed nobody is told, and nothing moves, until it is reopened.

    Raises: Refused.
    """
    if not lifecycle.clocks_run(State(incident.state)):
        raise Refused(
            _("This incident stands still (%(state)s): its clocks do not run.", state=incident.state),
            next_step=_("Reopen it first."),
        )


def duties_of(incident: Incident, *regimes: str) -> list[Duty]:
    """The duties of an incident under these regimes, whatever became of them."""
    mine = select(Duty).where(Duty.incident_id == incident.id, Duty.regime.in_(regimes))
    return list(db.session.scalars(mine.order_by(Duty.regime, Duty.recipient)))


def still_open(duties: Sequence[Duty]) -> list[Duty]:
    """Those that are owed."""
    return [each for each in duties if each.state == DutyState.OPEN]


def meet(incident: Incident, duty: Duty, *, at: datetime, actor: str, now: datetime) -> None:
    """The duty was met at `at` (an aware instant); recorded `now`. What is met or not owed stays as it is."""
    if duty.state != DutyState.OPEN:
        return
    duty.state, duty.met_at = DutyState.MET, at
    duty.late_by = max(timedelta(0), at - duty.due_at) if duty.due_at else timedelta(0)
    db.session.flush()
    ledger.append(
        incident.chain, "duty.met", organisation_id=incident.organisation_id, actor=actor, at=now,
        duty=duty.id, regime=duty.regime, recipient=duty.recipient, due_at=duty.due_at, met_at=at,
        late_by_seconds=round(duty.late_by.total_seconds()),
    )  # fmt: skip
