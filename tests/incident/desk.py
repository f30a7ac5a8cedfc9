"""The desk at ProMark: an incident as a report makes it, and who sits there. Each change is a transaction."""

from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import select

from accounts.models import StaffMember
from foundation import ledger
from foundation.database import acting_for, db, everyone, transaction, utcnow
from incident import assessment, decisions, example, intake, triage
from incident.assessment import Verdict
from incident.decisions import Answer
from incident.models import Clock, Decision, Duty, Incident, Kind, Processor, Question
from incident.rules.facts import parse
from playbooks import jobs
from tests import laid, people


def told(cast, *, organisation="promark", processor=people.HOSTCO, now=None, **changes):
    """What HostCo tells, or a colleague where `processor` is None."""
    document = example.first_report(now or utcnow()) | changes
    document = {name: value for name, value in document.items() if value is not None}
    with everyone():
        known = db.session.scalars(
            select(Processor).where(
                Processor.name == processor, Processor.organisation_id == cast.organisations[organisation]
            )
        ).first()
    return intake.Told(
        cast.organisations[organisation], document, parse(document), processor or "Astrid Holm",
        known.id if known else None,
    )  # fmt: skip


def reported(cast, *, organisation="promark", reference="HC-1", **changes):
    """An incident as it stands after the first report; its id."""
    with acting_for(cast.organisations[organisation]), transaction():
        letter = told(cast, organisation=organisation, reference=reference, **changes)
        incident_id, _number = intake.open_incident(letter, now=utcnow())
    jobs.tick()
    return incident_id


@contextmanager
def working(cast, incident_id, organisation="promark"):
    """An open transaction with the incident in it."""
    with acting_for(cast.organisations[organisation]), transaction():
        yield db.session.get_one(Incident, incident_id)


def confirmed(cast, **changes):
    """An incident that Astrid has confirmed; its id."""
    return _confirmed(cast, **changes) if changes else laid.once("confirmed", lambda: _confirmed(cast))


def _confirmed(cast, **changes):
    incident_id = reported(cast, **changes)
    with working(cast, incident_id) as incident:
        triage.confirm(incident, by="Astrid Holm", now=utcnow())
    return incident_id


QUESTION_OF = {
    Kind.NOTIFY: Question.AUTHORITY, Kind.DO_NOT_NOTIFY: Question.AUTHORITY,
    Kind.KEEP_PROMISE: Question.PROMISE, Kind.PROMISE_NOT_OWED: Question.PROMISE,
}  # fmt: skip
TELL = (Kind.NOTIFY, Kind.COMMUNICATE, Kind.KEEP_PROMISE)
TELL_NOBODY = (Kind.DO_NOT_NOTIFY, Kind.DO_NOT_COMMUNICATE, Kind.PROMISE_NOT_OWED)


def verdict(*kinds, breach="yes", identifiable="yes", risk="high", reason="Names and absence."):
    """What is judged, and these answers with it."""
    answers = [Answer(QUESTION_OF.get(kind, Question.PEOPLE), kind, reason) for kind in kinds]
    return Verdict(breach, identifiable, risk, reason, answers)


DECISION = verdict(*TELL)
NOT_TOLD = verdict(*TELL_NOBODY, risk="unlikely", reason="Keys safe.")


def assessed(cast, told=DECISION, **changes):
    """A confirmed incident with a decision by Dorthe; its id. As it is mostly wanted it is laid."""
    if told is DECISION and not changes:
        return laid.once("assessed", lambda: _assessed(cast, told))
    return _assessed(cast, told, **changes)


def _assessed(cast, told, **changes):
    incident_id = confirmed(cast, **changes)
    assess(cast, incident_id, told)
    return incident_id


def assess(cast, incident_id, told=DECISION, *, who=people.DORTHE, after=None, facts_number=None):
    """Record a judgement with its decisions."""
    with working(cast, incident_id) as incident:
        before = assessment.seen(incident) if after is None else after
        return assessment.record(
            incident, told, after=before, facts_number=facts_number or incident.facts_number,
            by=person(cast, who), now=utcnow(),
        )  # fmt: skip


def agree(cast, incident_id, *, who=people.BIRK):
    """Somebody agrees to everything that waits for a second person."""
    with working(cast, incident_id) as incident:
        for each in decisions.waiting(incident):
            decisions.agree(
                incident, each, assessment.latest(incident), facts_number=incident.facts_number,
                by=person(cast, who), now=utcnow(),
            )  # fmt: skip


def decisions_of(cast, incident_id):
    """(kind, state) of every decision, in order."""
    with acting_for(cast.promark):
        db.session.rollback()
        db.session.expire_all()
        mine = select(Decision).where(Decision.incident_id == incident_id).order_by(Decision.number)
        return [(each.kind, each.state) for each in db.session.scalars(mine)]


def person(cast, email):
    """A member of staff."""
    return db.session.scalars(select(StaffMember).where(StaffMember.id == cast.staff[email])).one()


def incident_of(cast, incident_id):
    """The incident as stored."""
    with acting_for(cast.promark):
        db.session.rollback()
        db.session.expire_all()
        return db.session.get_one(Incident, incident_id)


def clock_of(cast, incident_id, kind):
    """One clock as stored."""
    return _one(cast, select(Clock).where(Clock.incident_id == incident_id, Clock.kind == kind))


def duty_of(cast, incident_id, regime, recipient=None):
    """One duty as stored; towards the authority that of Datatilsynet."""
    usual = {"gdpr-33": "dk-datatilsynet", "promise-authority": "authorities"}
    recipient = recipient or usual.get(regime, "subjects")
    known = (Duty.incident_id == incident_id, Duty.regime == regime, Duty.recipient == recipient)
    return _one(cast, select(Duty).where(*known))


def duties_of(cast, incident_id):
    """(regime, recipient, state) of every duty."""
    with acting_for(cast.promark):
        db.session.rollback()
        rows = db.session.scalars(select(Duty).where(Duty.incident_id == incident_id))
        return {(each.regime, each.recipient, each.state) for each in rows}


def _one(cast, query):
    with acting_for(cast.promark):
        db.session.rollback()
        return db.session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def actions(cast, incident_id):
    """What the ledger says happened, in order."""
    with acting_for(cast.promark):
        db.session.rollback()
        return [entry.action for entry in ledger.entries(f"incident/{incident_id}")]


def ago(**length):
    """A moment in the past, to the minute."""
    return (utcnow() - timedelta(**length)).replace(second=0, microsecond=0)
