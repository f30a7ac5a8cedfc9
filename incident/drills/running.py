"""A drill from its start to its end: opened as an incident is, told more by the clock, ended, measured.

Stage functions: they never commit, and `now` is an aware instant. Nothing here may write to anybody:
all it says goes through the engine, under the chain of a drill.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import func, select

from accounts.models import Organisation, StaffMember
from foundation import ledger
from foundation.database import db, new_id
from foundation.errors import Invalid, Missing
from incident import advice, clocks, intake, owed, rungs
from incident.drills import measuring, results
from incident.drills.scenarios import Later, Scenario, added, dated, read_scenario
from incident.models import Drill, Incident
from incident.rules import lifecycle
from incident.rules.facts import parse
from incident.rules.lifecycle import State
from incident.triage import marks
from notifications import drilling, outbox

CLOCK = "Breachclock"  # who ends what nobody ended
ENDED = "The drill has ended."


def start(
    scenario: Scenario, *, organisation_id: UUID, taking_part: Sequence[UUID] = (), by: str, now: datetime,
    drill_id: UUID | None = None,
) -> Drill:  # fmt: skip
    """Begin a drill at once; the same `drill_id` again is the same drill.

    Pages go to those `taking_part` in their order; without any, to whoever would be called in earnest.
    Raises: Missing for somebody who is not a colleague, FactsFault for a scenario that is no case.
    """
    organisation = db.session.get_one(Organisation, organisation_id, with_for_update=True)
    if drill_id and (known := db.session.get(Drill, drill_id)):
        return known
    _refuse_strangers(organisation_id, taking_part)
    mine = select(func.max(Drill.number)).where(Drill.organisation_id == organisation.id)
    number, aims = (db.session.scalar(mine) or 0) + 1, measuring.aims(now)
    document = dated(scenario.facts, now, organisation.country)
    told = intake.Told(
        organisation.id, document, parse(document), scenario.source, reason=f"Drill: {scenario.title}",
        claims_reference=False, drill=f"DRILL-{now:%Y}-{number:04d}",
    )  # fmt: skip
    incident_id, name = intake.open_incident(told, now=now)
    incident = db.session.get_one(Incident, incident_id)
    made = Drill(
        id=drill_id or new_id(), organisation_id=organisation.id, incident_id=incident_id, number=number,
        scenario=scenario.key, title=scenario.title, definition=scenario.text,
        definition_sha256=scenario.sha256, taking_part=[str(each) for each in taking_part], started_by=by,
        started_at=now, told=0, ends_at=now + aims.longest, lesson="",
    )  # fmt: skip
    made.next_at = min([*scenario.told_at(now), made.ends_at])
    db.session.add(made)
    if taking_part:
        drilling.set_ladder(incident.chain, taking_part, organisation_id=organisation.id, minutes=aims.wait)
    db.session.flush()
    ledger.append(
        incident.chain, "drill.started", organisation_id=organisation.id, actor=by, at=now, number=name,
        scenario=scenario.key, definition=scenario.sha256, taking_part=list(taking_part),
    )  # fmt: skip
    advice.keep(incident, 1, now=now)
    return made


def _refuse_strangers(organisation_id: UUID, taking_part: Sequence[UUID]) -> None:
    mine = StaffMember.organisation_id == organisation_id, StaffMember.active
    known = set(db.session.scalars(select(StaffMember.id).where(*mine)))
    if not known.issuperset(taking_part):
        raise Missing(_("One of those who are to take part is no colleague here, or not any more."))


# --- while it runs ------------------------------------------------------------------------------


def due(now: datetime) -> list[UUID]:
    """The drills whose time has come: more is told in them, or they end."""
    waiting = select(Drill.id).where(Drill.ended_at.is_(None), Drill.next_at <= now).order_by(Drill.next_at)
    return list(db.session.scalars(waiting.limit(100)))


def go_on(drill_id: UUID, *, now: datetime) -> bool:
    """Tell what is due in a drill, or end it when its days are over; false when somebody was first."""
    of = select(Drill.incident_id).where(Drill.id == drill_id).scalar_subquery()
    incident = db.session.scalars(  # before its drill, as who ends one by hand
        select(Incident).where(Incident.id == of).with_for_update().execution_options(populate_existing=True)
    ).one()
    drill = db.session.get_one(Drill, drill_id, with_for_update=True, populate_existing=True)
    if drill.ended_at or drill.next_at is None or drill.next_at > now:
        return False
    if now >= drill.ends_at:
        end(incident, by=CLOCK, lesson="", now=now)
        return True
    scenario = read_scenario(drill.definition, drill.scenario)
    moments = scenario.told_at(drill.started_at)
    while drill.told < len(moments) and moments[drill.told] <= now:
        if lifecycle.clocks_run(State(incident.state)):
            _tell(incident, drill, scenario.later[drill.told], now)
        drill.told += 1
    drill.next_at = min([*moments[drill.told :], drill.ends_at])
    db.session.flush()
    return True


def _tell(incident: Incident, drill: Drill, later: Later, now: datetime) -> None:
    country = db.session.get_one(Organisation, incident.organisation_id).country
    more = dated(later.facts, drill.started_at, country)
    document = added(clocks.document_of(incident), more)
    told = intake.Told(
        incident.organisation_id, document, parse(document), later.source, reason=later.reason,
        claims_reference=False, drill=incident.number,
    )  # fmt: skip
    ledger.append(
        incident.chain, "drill.told", organisation_id=incident.organisation_id, actor=later.source, at=now,
        reason=later.reason, after_minutes=round(later.after.total_seconds() / 60),
    )  # fmt: skip
    advice.keep(incident, intake.learn(incident, told, now=now), now=now)


# --- its end ------------------------------------------------------------------------------------


def end(incident: Incident, *, by: str, lesson: str, now: datetime) -> Drill:
    """End a drill, whatever is still open in it: nobody is called any more, and the result stays.

    A drill that has ended keeps its result; a lesson may be added to it. Raises: Invalid for an incident
    that is no drill.
    """
    drill = results.of_incident(incident)
    if drill is None:
        raise Invalid(_("Only a drill is ended here: this is in earnest."))
    if drill.ended_at:
        _learn_lesson(incident, drill, lesson, by, now)
        return drill
    found = results.outcome(incident, drill, now=now)
    drill.result, drill.ended_at, drill.ended_by, drill.next_at = found.stored(), now, by, None
    db.session.flush()
    ledger.append(
        incident.chain, "drill.ended", organisation_id=incident.organisation_id, actor=by, at=now,
        result=drill.result,
    )  # fmt: skip
    _learn_lesson(incident, drill, lesson, by, now)
    _lay_down(incident, by, now)
    return drill


def _learn_lesson(incident: Incident, drill: Drill, lesson: str, by: str, now: datetime) -> None:
    if not lesson.strip() or drill.lesson == lesson.strip():
        return
    drill.lesson = lesson.strip()[:4000]
    db.session.flush()
    ledger.append(
        incident.chain, "drill.lesson", organisation_id=incident.organisation_id, actor=by, at=now,
        reason=drill.lesson,
    )  # fmt: skip


def _lay_down(incident: Incident, by: str, now: datetime) -> None:
    """Stop all that runs: clocks, pages, playbooks, messages on their way. Nothing was owed in the world."""
    for clock in clocks.running(incident.id):
        clocks.stop(incident, clock.kind, why=ENDED, actor=by, now=now)
    for duty in (released := marks.open_duties(incident)):
        owed.release(duty, ENDED, closing="drill.ended")
        marks.record(
            incident, "duty.not_required", by, now, ENDED, duty=duty.id, regime=duty.regime,
            recipient=duty.recipient, due_at=duty.due_at,
        )  # fmt: skip
    rungs.follow(incident, released, now=now, reason=ENDED)
    if lifecycle.clocks_run(State(incident.state)):
        incident.state, incident.closed_at = State.CLOSED, now
        marks.record(incident, "incident.closed", by, now, ENDED)
    db.session.flush()
    marks.quieten(incident, "incident.closed", ENDED, by, now)
    outbox.cancel(incident.chain, reason=ENDED, now=now)
