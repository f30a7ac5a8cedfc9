"""The parts of the duties of a merger: stages of neighbouring regimes, and the moments they count from."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from foundation.database import db
from incident import owed, rungs, stages
from incident.models import Duty, DutyStage, Incident, IncidentMoment

FILING = ("filed_at", "filed_by", "late_by", "reference", "receipt_name", "receipt", "receipt_sha256")


def join_moments(carried: Incident, carrier: Incident) -> None:
    """What only a person can tell, as the classification as major, counts from the earlier of the two."""
    for theirs in _moments(carried).values():
        ours = _moments(carrier).get(theirs.anchor)
        if ours is not None and ours.moment <= theirs.moment:
            continue
        db.session.add(
            IncidentMoment(
                organisation_id=carrier.organisation_id, incident_id=carrier.id, anchor=theirs.anchor,
                number=ours.number + 1 if ours else 1, moment=theirs.moment, reason=theirs.reason,
                by=theirs.by, at=theirs.at,
            )
        )  # fmt: skip
    db.session.flush()


def _moments(incident: Incident) -> dict[str, IncidentMoment]:
    """The moment that holds for each anchor."""
    latest = (
        select(IncidentMoment.anchor, func.max(IncidentMoment.number).label("number"))
        .where(IncidentMoment.incident_id == incident.id)
        .group_by(IncidentMoment.anchor)
        .subquery()
    )
    held = select(IncidentMoment).join(
        latest,
        (IncidentMoment.anchor == latest.c.anchor) & (IncidentMoment.number == latest.c.number),
    )
    return {
        each.anchor: each
        for each in db.session.scalars(held.where(IncidentMoment.incident_id == incident.id))
    }


def join_stages(carried: Incident, carrier: Incident, *, now: datetime) -> None:
    """A stage that was filed under the one counts for the other, with its proof; the earlier end holds."""
    ours, theirs = stages.of_incident(carrier), stages.of_incident(carried)
    changed = []
    for duty in owed.duties_of(carried):
        if duty.carried_by_id is None:
            continue
        held = {each.key: each for each in ours.get(duty.carried_by_id, ())}
        for stage in theirs.get(duty.id, ()):
            if (row := held.get(stage.key)) is not None and row.filed_at is None:
                _join(row, stage)
            elif row is None and stage.filed_at is None and stage.terms["anchor"] == stages.GIVEN:
                _bring(duty.carried_by_id, stage, now)
        if held or theirs.get(duty.id):
            changed.append(duty.carried_by_id)
    db.session.flush()
    rows = [each for each in owed.duties_of(carrier) if each.id in changed or each.state == "filed_in_part"]
    for each in rows:
        stages.leave_open_part(each, since=now, now=now)
    rungs.follow(carrier, rows, now=now)


def _bring(duty_id: UUID, stage: DutyStage, now: datetime) -> None:
    """What somebody dated, as an answer to a letter, is owed by the carrier by the same date."""
    stages.give(
        db.session.get_one(Duty, duty_id), stage.key, title=stage.terms["title"],
        starts_at=stage.starts_at or now, due_at=stage.due_at, source=stage.terms["source"], now=now,
    )  # fmt: skip


def _join(row: DutyStage, stage: DutyStage) -> None:
    for name in ("starts_at", "due_at"):
        known = [at for at in (getattr(row, name), getattr(stage, name)) if at]
        setattr(row, name, min(known, default=None))
    if stage.filed_at is not None:
        for name in FILING:
            setattr(row, name, getattr(stage, name))
