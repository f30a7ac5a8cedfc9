"""The stages of duties as rows: made with a duty, moved with what they count from, until they are filed.

A stage starts at a moment of the incident, or at the filing of the stage before it; what it was when it was
made is copied onto its row, so that a later change of the law changes no duty that stands.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from foundation.database import db, new_id
from incident import related, rungs
from incident.models import OWED, Duty, DutyStage, DutyState, FactsVersion, Incident, IncidentMoment
from incident.rules.deadlines import after_hours
from incident.rules.facts import Facts, FactsFault, parse
from incident.rules.regimes import PREVIOUS, REGIMES, Moments, Stage

CLASSIFIED, CONTRACT = "classified", "contract"
GIVEN = "given"  # a part whose dates somebody named: nothing is reckoned, and nothing moves by itself


def moments_of(incident: Incident, facts: Facts | None) -> dict[str, datetime | None]:
    """What stages may count from, as it holds now; instants are UTC.

    What was known of an incident that is carried, or that this one was split from, counts: nothing is
    reckoned later for being one breach, or part of one. Awareness is joined by itself.
    """
    held = _own_moments(incident, facts)
    for other in _counting(incident):
        theirs = _own_moments(other, _facts_of(other))
        for name in ("reported", "occurred", "detected"):
            held[name] = min((each for each in (held[name], theirs[name]) if each), default=None)
    return held


def _counting(incident: Incident) -> list[Incident]:
    found = related.carried_by(incident)
    while incident.split_from_id:
        incident = db.session.get_one(Incident, incident.split_from_id)
        found.append(incident)
    return found


def _facts_of(incident: Incident) -> Facts | None:
    latest = select(FactsVersion.facts).where(
        FactsVersion.incident_id == incident.id, FactsVersion.number == incident.facts_number
    )
    try:
        return parse(db.session.scalars(latest).one())
    except FactsFault:
        return None


def _own_moments(incident: Incident, facts: Facts | None) -> dict[str, datetime | None]:
    told = facts.timeline if facts else None
    return {
        "aware": incident.aware_at,
        "reported": incident.reported_at,
        "occurred": told.occurred_from if told else None,
        "detected": (told.detected_at if told else None) or incident.aware_at,
        CLASSIFIED: classified_at(incident),
    }


def classified_at(incident: Incident) -> datetime | None:
    """When it was classified as major, as a person last said."""
    mine = select(IncidentMoment.moment).where(
        IncidentMoment.incident_id == incident.id, IncidentMoment.anchor == CLASSIFIED
    )
    return db.session.scalars(mine.order_by(IncidentMoment.number.desc()).limit(1)).first()


def of(duty: Duty) -> list[DutyStage]:
    """The stages of a duty, in their order."""
    mine = select(DutyStage).where(DutyStage.duty_id == duty.id)
    return list(db.session.scalars(mine.order_by(DutyStage.number)))


def of_incident(incident: Incident) -> dict[UUID, list[DutyStage]]:
    """The stages of every duty of an incident that has any, by the duty's id."""
    found: dict[UUID, list[DutyStage]] = {}
    mine = select(DutyStage).join(Duty, Duty.id == DutyStage.duty_id).where(Duty.incident_id == incident.id)
    for each in db.session.scalars(mine.order_by(DutyStage.number)):
        found.setdefault(each.duty_id, []).append(each)
    return found


def make(duties: Sequence[Duty], moments: Moments, *, now: datetime) -> None:
    """Give new duties of neighbouring regimes their stages."""
    for duty in duties:
        if duty.regime == CONTRACT:
            _add(duty, _of_clause(duty), moments, now)
            continue
        regime = REGIMES.regime(duty.regime, duty.starts_at or now)
        if regime and regime.neighbour:
            for stage in REGIMES.stages(duty.regime, duty.starts_at or now):
                _add(duty, stage, moments, now)
    db.session.flush()


def leave_rest(duty: Duty, *, filed_at: datetime, now: datetime) -> DutyStage | None:
    """What was filed says that parts are to follow: they are a part of their own, from that filing on.

    Returns the part that is owed; None for a regime that knows of none.
    """
    rest = next((s for s in REGIMES.stages(duty.regime, filed_at) if s.anchor == PREVIOUS), None)
    if rest is None:
        return None
    there = of(duty)
    if not there:
        _add(duty, rest, {PREVIOUS: filed_at}, now)
        db.session.flush()
    elif not any(each.filed_at is None for each in there):
        return give(
            duty, _unused(there, rest.key), title=rest.title, starts_at=filed_at, due_at=None,
            source=rest.source, now=now,
        )  # fmt: skip
    return next(each for each in of(duty) if each.filed_at is None)


def _unused(there: Sequence[DutyStage], key: str) -> str:
    """The key of a part that comes again."""
    return f"{key}-{len(there) + 1}" if any(each.key == key for each in there) else key


def _of_clause(duty: Duty) -> Stage:
    """Telling a party to a contract is one stage, with the hours and the anchor of its clause."""
    hours = duty.terms.get("hours")
    return Stage.of_terms("told", 1, duty.provision, {
        "title": "Told", "anchor": duty.terms.get("anchor", "aware"), "unit": "hour" if hours else "asap",
        "amount": hours, "source": duty.provision, "certainty": "high",
    })  # fmt: skip


def leave_open_part(duty: Duty, *, since: datetime, now: datetime) -> None:
    """What is owed in part with no stage left to file gets one: it ages, and can be filed."""
    there = of(duty)
    if duty.state != DutyState.FILED_IN_PART or any(each.filed_at is None for each in there):
        return
    give(
        duty, _unused(there, "rest"), title="What was to follow", starts_at=since, due_at=None,
        source=duty.provision, now=now,
    )  # fmt: skip


def give(
    duty: Duty, key: str, *, title: str, starts_at: datetime, due_at: datetime | None, source: str,
    now: datetime,
) -> DutyStage:  # fmt: skip
    """Add a part that is dated by somebody's word, as a letter that is to be answered by a day; UTC.

    `title` and `source` say what it is and who dated it. Without a due time it ages.
    """
    made = DutyStage(
        id=new_id(), organisation_id=duty.organisation_id, duty_id=duty.id, key=key,
        number=max((each.number for each in of(duty)), default=0) + 1, provision=duty.provision,
        terms={
            "title": title, "anchor": GIVEN, "unit": "asap", "amount": None, "cap_anchor": None,
            "cap_amount": None, "source": source, "certainty": "high",
        },
        starts_at=starts_at, due_at=due_at, created_at=now,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    date(duty, made, due_at)
    return made


def date(duty: Duty, stage: DutyStage, due_at: datetime | None) -> None:
    """Name another due time (UTC) of a part that is not filed; from now on it is as somebody named it."""
    stage.terms = {**stage.terms, "anchor": GIVEN, "unit": "asap", "amount": None}
    stage.due_at = due_at
    if stage.number == 1 and duty.is_unfiled:
        duty.starts_at, duty.due_at = stage.starts_at, due_at
    db.session.flush()


def _add(duty: Duty, stage: Stage, moments: Moments, now: datetime) -> None:
    starts_at, due_at = stage.window(moments)
    db.session.add(
        DutyStage(
            organisation_id=duty.organisation_id, duty_id=duty.id, number=stage.number, key=stage.key,
            provision=stage.provision, terms=stage.terms(), starts_at=starts_at, due_at=due_at,
            created_at=now,
        )
    )  # fmt: skip


def move(incident: Incident, moments: Moments, *, now: datetime) -> None:
    """Let stages, and duties by contract, follow what they count from; what was filed stays."""
    mine = select(Duty).where(Duty.incident_id == incident.id, Duty.state.in_(OWED))
    staged = of_incident(incident)
    duties = list(db.session.scalars(mine))
    moved = [each for each in duties if _move_stages(each, staged.get(each.id, ()), moments)]
    contracts = [each for each in duties if each.regime == "contract" and each.is_unfiled]
    moved += [each for each in contracts if _move_contract(each, moments)]
    rungs.follow(incident, moved, now=now)


def _move_stages(duty: Duty, stages: Sequence[DutyStage], moments: Moments) -> bool:
    # Where the first stage has no row of its own, it is the duty's first filing that others start at.
    before = duty.first_filed_at if stages and stages[0].number > 1 else None
    moved = False
    for row in stages:
        if row.terms["anchor"] == GIVEN:
            before = row.filed_at
            continue
        stage = Stage.of_terms(row.key, row.number, row.provision, row.terms)
        window = stage.window({**moments, PREVIOUS: before})
        if row.filed_at is None and window != (row.starts_at, row.due_at):
            row.starts_at, row.due_at = window
            moved = True
        if row.number == 1 and duty.is_unfiled and moved:
            duty.starts_at, duty.due_at = row.starts_at, row.due_at
        before = row.filed_at
    return moved


def _move_contract(duty: Duty, moments: Moments) -> bool:
    at, hours = moments.get(duty.terms.get("anchor", "aware")), duty.terms.get("hours")
    window = at, after_hours(at, hours) if at and hours else None
    if window == (duty.starts_at, duty.due_at):
        return False
    duty.starts_at, duty.due_at = window
    return True
