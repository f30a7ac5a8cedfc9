"""Meeting a duty: once, with the moment it was done and how late that was, frozen for good."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import select

from foundation import ledger
from foundation.database import db
from foundation.errors import Refused
from incident import clocks, rungs, stages
from incident.models import (
    ControllerNotice,
    Duty,
    DutyState,
    Incident,
    NoticeRound,
    NoticeState,
    RoundState,
)
from incident.rules import lifecycle
from incident.rules.lifecycle import State

TOLD_BEFORE = "Told under an incident that is carried."


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


def being_told(incident: Incident, *states: RoundState) -> set[UUID]:
    """The customers whose notices are on their way: sent by a person, and neither arrived nor given up.

    With `states` those on the lists of rounds in these states.
    """
    mine = select(ControllerNotice.customer_id).join(
        NoticeRound, NoticeRound.id == ControllerNotice.round_id
    ).where(
        ControllerNotice.incident_id == incident.id,
        ControllerNotice.state.in_((NoticeState.DRAFT, NoticeState.SENT)),
        NoticeRound.state.in_(states or (RoundState.SENDING,)),
    )  # fmt: skip
    return set(db.session.scalars(mine))


def still_open(duties: Sequence[Duty]) -> list[Duty]:
    """Those that are owed."""
    return [each for each in duties if each.is_owed]


def unfiled(duties: Sequence[Duty]) -> list[Duty]:
    """Those that are owed and of which nobody outside was told anything yet."""
    return [each for each in duties if each.is_unfiled]


def prepare(duty: Duty, *, now: datetime) -> None:
    """Something was drafted for the duty; what is prepared, filed or not owed stays as it is."""
    if duty.state == DutyState.OPEN:
        duty.state, duty.prepared_at = DutyState.IN_PREPARATION, now
        db.session.flush()


def lateness(duty: Duty, at: datetime) -> timedelta:
    """How late a duty is that is filed at `at`: as its first filing froze it, 0 in time."""
    if duty.late_by is not None:
        return duty.late_by
    return max(timedelta(0), at - duty.due_at) if duty.due_at else timedelta(0)


def meet(
    incident: Incident, duty: Duty, *, at: datetime, actor: str, now: datetime, in_part: bool = False
) -> None:
    """The duty was met at `at` (an aware instant), or `in_part`; recorded `now`.

    How late it was is frozen with the first filing. What is met or not owed stays as it is.
    """
    if not duty.is_owed or (in_part and duty.first_filed_at):
        return
    if duty.first_filed_at is None:
        duty.first_filed_at = at
        duty.late_by = lateness(duty, at)
    duty.state = DutyState.FILED_IN_PART if in_part else DutyState.MET
    duty.met_at = None if in_part else at
    rungs.follow(incident, [duty], now=now, reason=rungs.ENDED)
    rungs.quieten(incident, actor=actor, reason=f"{duty.provision}: {duty.state}.", now=now)
    ledger.append(
        incident.chain, "duty.filed_in_part" if in_part else "duty.met",
        organisation_id=incident.organisation_id, actor=actor, at=now,
        duty=duty.id, regime=duty.regime, recipient=duty.recipient, due_at=duty.due_at, met_at=at,
        late_by_seconds=round((duty.late_by or timedelta()).total_seconds()),
    )  # fmt: skip


def count_for_carrier(duties: Sequence[Duty], *, at: datetime, actor: str, now: datetime) -> None:
    """What was begun under an incident before it was merged counts in part where it is carried."""
    for duty in duties:
        row = duty
        while row.carried_by_id:
            row = db.session.get_one(Duty, row.carried_by_id)
        if row is not duty:
            incident = db.session.get_one(Incident, row.incident_id)
            meet(incident, row, at=at, actor=actor, now=now, in_part=True)
            stages.leave_open_part(row, since=at, now=now)
            rungs.follow(incident, [row], now=now)
            stop_if_told(incident, row.clock_kind, actor=actor, now=now)


def stop_if_told(incident: Incident, kind: str, *, actor: str, now: datetime) -> None:
    """Stop a clock once each of its duties was told, at least in part, under an incident that is carried."""
    mine = select(Duty).where(Duty.incident_id == incident.id, Duty.clock_kind == kind)
    counting = [each for each in db.session.scalars(mine) if each.is_owed or each.first_filed_at]
    filed = [each.first_filed_at for each in counting if each.first_filed_at]
    if filed and not any(each.is_unfiled for each in counting):
        clocks.stop(incident, kind, why=TOLD_BEFORE, actor=actor, now=now, at=max(filed))
