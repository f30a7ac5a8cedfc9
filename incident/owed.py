"""What is owed: duties, clocks and playbooks brought in line with the facts, what was judged and decided.

Undecided means notify. A duty is only ever added: what the rules name no more stays, and only a decision
in force says that it is not owed. What is met stays met.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from accounts.models import Organisation
from foundation import ledger
from foundation.database import db, new_id
from incident import clocks, rungs
from incident.advice import Advised
from incident.clocks import TELL_AUTHORITY, TELL_PEOPLE
from incident.models import Assessment, Clock, Decision, Duty, DutyState, Incident, Kind, Question
from incident.rules import deadlines
from incident.rules.awareness import Moment
from incident.rules.competence import Competent, competent
from playbooks import runs

AUTHORITIES, SUBJECTS = "authorities", "subjects"
NOT_OWED = "Decided that it is not owed."
OWED_AGAIN = "Something is owed by this clock again."
QUESTION_OF = {
    "gdpr-33": Question.AUTHORITY, "gdpr-34": Question.PEOPLE, "promise-authority": Question.PROMISE,
    "promise-subjects": Question.PROMISE,
}  # fmt: skip
EACH_ALONE = 20  # so many duties get a line of the ledger each; of more one line names all

Holding = Mapping[Question, Decision]


@dataclass(frozen=True, slots=True)
class Standing:
    """What the duties follow: the risk if it was judged, the advice now, the decisions in force."""

    judged: Assessment | None
    advice: Advised
    holding: Holding

    @property
    def says_high(self) -> bool:
        """Whether the person who judged says that the risk is high."""
        return self.judged is not None and self.judged.risk == "high"

    def says(self, question: Question) -> Kind | None:
        """The answer in force; None while the question is open."""
        decision = self.holding.get(question)
        return Kind(decision.kind) if decision else None

    def releasing(self, regime: str) -> Decision | None:
        """The decision, two agreeing, by which a regime owes nothing; None while there is none."""
        question = QUESTION_OF.get(regime)
        decision = self.holding.get(question) if question else None
        return decision if decision and Kind(decision.kind).releases else None


@dataclass(frozen=True, slots=True)
class Owed:
    """A duty to be added: under which regime towards whom, on which terms, by which clock.

    Without times of its own (aware instants) it has those of the incident's clock of that kind.
    """

    regime: str
    recipient: str
    clock_kind: str
    provision: str
    terms: dict[str, Any]
    starts_at: datetime | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Word:
    """By whom, why and when something changes."""

    by: str
    reason: str
    now: datetime


def duties_of(incident: Incident) -> list[Duty]:
    """What is or was owed, by due time; without one last."""
    mine = select(Duty).where(Duty.incident_id == incident.id)
    return list(db.session.scalars(mine.order_by(Duty.due_at.is_(None), Duty.due_at, Duty.regime)))


def settle(incident: Incident, standing: Standing, *, by: str, reason: str, now: datetime) -> None:
    """Bring every duty in line with what holds now; clocks and playbooks follow."""
    word = _Word(by, reason, now)
    known = duties_of(incident)
    _add(incident, list(_owed(incident, standing)), standing, word)
    for duty in known:
        _follow_decision(incident, duty, standing, word)
    _tell_playbooks(incident, word)


# --- adding -------------------------------------------------------------------------------------


def add_all(incident: Incident, owed: Sequence[Owed], *, by: str, reason: str, now: datetime) -> int:
    """Add these duties with the rungs of their ladders, in the caller's transaction; returns how many.

    Those that the incident has already, by regime and recipient, stay as they are. The record names each.
    """
    return len(_add(incident, owed, None, _Word(by, reason, now)))


def _add(incident: Incident, owed: Sequence[Owed], standing: Standing | None, word: _Word) -> list[Duty]:
    asked = {(each.regime, each.recipient): each for each in owed}
    for known in db.session.execute(_KNOWN.where(Duty.incident_id == incident.id)):
        asked.pop((known.regime, known.recipient), None)
    if not asked:
        return []
    running = _clocks_of(incident, list(asked.values()), word.now)
    made = [_row(incident, each, running.get(each.clock_kind), standing, word) for each in asked.values()]
    db.session.add_all(made)
    db.session.flush()
    for kind in dict.fromkeys(each.clock_kind for each in made):
        _clock_follows(incident, kind, word, wanted=any(d.is_owed for d in made if d.clock_kind == kind))
    rungs.follow(incident, made, now=word.now)
    _enter(incident, made, word)
    return made


_KNOWN = select(Duty.regime, Duty.recipient)


def _clocks_of(incident: Incident, owed: Sequence[Owed], now: datetime) -> dict[str, Clock]:
    """The incident's clocks by kind; to tell people there is one also where no rule, but a person asks."""
    found = {each.kind: each for each in clocks.running(incident.id, stopped=True)}
    if TELL_PEOPLE not in found and any(each.clock_kind == TELL_PEOPLE for each in owed):
        aware = Moment(incident.aware_at, "aware_at") if incident.aware_at else None
        clocks.refresh(incident, [deadlines.communication_clock(aware)], now=now)
        return {each.kind: each for each in clocks.running(incident.id, stopped=True)}
    return found


def _row(incident: Incident, owed: Owed, clock: Clock | None, standing: Standing | None, word: _Word) -> Duty:
    starts_at, due_at = owed.starts_at, owed.due_at
    if starts_at is None and due_at is None:
        starts_at = clock.starts_at if clock else incident.aware_at
        due_at = clocks.due_by(clock, owed.regime, owed.terms) if clock else None
    decision = standing.releasing(owed.regime) if standing else None
    return Duty(
        id=new_id(), organisation_id=incident.organisation_id, incident_id=incident.id, regime=owed.regime,
        recipient=owed.recipient, clock_kind=owed.clock_kind, provision=owed.provision, terms=owed.terms,
        starts_at=starts_at, due_at=due_at, created_at=word.now,
        state=DutyState.NOT_REQUIRED if decision else DutyState.OPEN,
        reason=decision.reason if decision else None, decision_id=decision.id if decision else None,
    )  # fmt: skip


def _enter(incident: Incident, made: Sequence[Duty], word: _Word) -> None:
    if len(made) <= EACH_ALONE:
        for duty in made:
            _log(incident, duty, "duty.opened" if duty.is_owed else "duty.not_required", word)
        return
    log(
        incident, "duties.opened", word.by, word.now, word.reason, count=len(made),
        duties=[
            {"duty": each.id, "regime": each.regime, "recipient": each.recipient, "due_at": each.due_at,
             "provision": each.provision, "state": each.state}
            for each in made
        ],
    )  # fmt: skip


def _log(incident: Incident, duty: Duty, action: str, word: _Word, decision: Decision | None = None) -> None:
    log(
        incident, action, word.by, word.now, duty.reason or word.reason, duty=duty.id, regime=duty.regime,
        recipient=duty.recipient, due_at=duty.due_at, provision=duty.provision,
        decision=decision.number if decision else None,
    )  # fmt: skip


# --- what the rules make a duty -----------------------------------------------------------------


def _owed(incident: Incident, standing: Standing) -> Iterator[Owed]:
    """Everything that facts and judgement make a duty, or a decision says is none."""
    to_authority = standing.advice.evaluation.clock("authority_notification")
    rules = standing.advice.evaluation.rules_version
    for authority in _authorities(incident, standing):
        terms = {
            "hours": to_authority.hours if to_authority else None, "role": authority.role,
            "law": authority.regime, "source": authority.source, "rules": rules,
        }  # fmt: skip
        provision = "UK GDPR art. 33(1)" if authority.regime == "uk_gdpr" else "GDPR art. 33(1)"
        if authority.regime == "swiss":
            provision = "Swiss DSG art. 24(1)"
        yield Owed("gdpr-33", authority.key, TELL_AUTHORITY, provision, terms)
    promised = list(_promised(standing))
    if _by_law_to_people(standing, promised):
        yield Owed("gdpr-34", SUBJECTS, TELL_PEOPLE, "GDPR art. 34(1)", {"hours": None, "rules": rules})
    yield from promised


def _by_law_to_people(standing: Standing, promised: list[Owed]) -> bool:
    """Whether art. 34 has its own duty: at high risk, or where somebody decided on it.

    Who tells people because we promised to owes it by the promise, and not by a law that does not ask.
    """
    high = standing.says_high or standing.advice.evaluation.judgement.subject_communication.required
    if high or standing.says(Question.PEOPLE) is not Kind.COMMUNICATE:
        return high or standing.says(Question.PEOPLE) is not None
    kept = standing.releasing("promise-subjects") is None
    return not (kept and any(each.recipient == SUBJECTS for each in promised))


def _promised(standing: Standing) -> Iterator[Owed]:
    """What our own promise adds."""
    for kind, regime, recipient in (
        ("own_promise_authority", "promise-authority", AUTHORITIES),
        ("own_promise_subjects", "promise-subjects", SUBJECTS),
    ):
        clock = next((each for each in standing.advice.evaluation.clocks if each.kind == kind), None)
        if clock is not None:
            terms = {"hours": clock.hours, "basis": clock.basis, "rules": clock.rules_version}
            yield Owed(regime, recipient, kind, clock.basis, terms)


def _authorities(incident: Incident, standing: Standing) -> list[Competent]:
    """Where the controller files itself; with no country known the authority of its own."""
    facts = clocks.current_facts(incident)
    at = incident.aware_at or incident.reported_at
    high = standing.says_high or standing.advice.evaluation.judgement.risk.level == "high"
    found = [each for each in competent(facts, high_risk=high, at=at) if each.notified_by_controller]
    if found or not facts.is_controller:
        return found
    country = db.session.get_one(Organisation, incident.organisation_id).country
    at_home = facts.organisation.model_copy(update={"main_establishment": country})
    return list(competent(facts.model_copy(update={"organisation": at_home}), high_risk=high, at=at))[:1]


# --- what a decision changes --------------------------------------------------------------------


def _follow_decision(incident: Incident, duty: Duty, standing: Standing, word: _Word) -> None:
    """One known duty: owed again, or not owed any more; what is met stays met."""
    decision = standing.releasing(duty.regime)
    if duty.state == DutyState.MET or duty.is_owed == (decision is None):
        return
    if decision:
        release(duty, decision.reason, decision=decision)
    else:
        owe_again(duty)
    db.session.flush()
    _clock_follows(incident, duty.clock_kind, word, wanted=duty.is_owed)
    rungs.follow(incident, [duty], now=word.now, reason=rungs.ENDED)
    _log(incident, duty, "duty.reopened" if duty.is_owed else "duty.not_required", word,
         standing.holding.get(QUESTION_OF[duty.regime]) if duty.regime in QUESTION_OF else None)  # fmt: skip


def release(duty: Duty, reason: str, *, decision: Decision | None = None, closing: str | None = None) -> None:
    """The duty is not owed, by a decision or by how the incident ended: one of the two names what decided."""
    duty.state, duty.reason = DutyState.NOT_REQUIRED, reason
    duty.decision_id, duty.closing = decision.id if decision else None, closing


def owe_again(duty: Duty) -> None:
    """The duty is owed again, in the state that what was done for it gives."""
    duty.state = DutyState.OPEN
    if duty.first_filed_at or duty.prepared_at:
        duty.state = DutyState.FILED_IN_PART if duty.first_filed_at else DutyState.IN_PREPARATION
    duty.reason = duty.decision_id = duty.closing = None


def _clock_follows(incident: Incident, kind: str, word: _Word, *, wanted: bool) -> None:
    """A clock runs while any duty counts on it, and stops when it was decided that none does."""
    counting = select(Duty.id).where(
        Duty.incident_id == incident.id, Duty.clock_kind == kind, Duty.state != DutyState.NOT_REQUIRED
    )
    why = f"{NOT_OWED} ({kind})"
    if wanted:
        clocks.resume(incident, why=why, actor=word.by, reason=word.reason, now=word.now)
        clocks.run_again(incident, kind, actor=word.by, reason=OWED_AGAIN, now=word.now)
    elif not db.session.scalars(counting).first():
        clocks.stop(incident, kind, why=why, actor=word.by, now=word.now)


# --- playbooks ----------------------------------------------------------------------------------


def _tell_playbooks(incident: Incident, word: _Word) -> None:
    """Start what carries the open duties out, end what carries none."""
    facts = clocks.document_of(incident)
    for playbook in (TELL_AUTHORITY, TELL_PEOPLE):
        if not _carries(incident, playbook):
            runs.end(incident.chain, playbook, actor=word.by, reason=NOT_OWED, now=word.now)
            continue
        anchors = {"decided": word.now}
        if due := clocks.working_deadline(incident.id, playbook, word.now):
            anchors["due"] = due
        runs.start(
            playbook, organisation_id=incident.organisation_id, about=incident.chain, anchors=anchors,
            summary=incident.number, facts=facts, actor=word.by, now=word.now,
        )  # fmt: skip
    clocks.move_due(incident, actor=word.by, reason=word.reason, now=word.now)
    runs.move_anchor(incident.chain, "decided", word.now, actor=word.by, reason=word.reason, now=word.now)


def _carries(incident: Incident, playbook: str) -> bool:
    return any(duty.is_unfiled and duty.regime in clocks.CARRIED[playbook] for duty in duties_of(incident))


def log(
    incident: Incident, action: str, by: str, now: datetime, reason: str | None, **details: object
) -> None:
    """Enter into the incident's chain what was judged or decided."""
    ledger.append(
        incident.chain, action, organisation_id=incident.organisation_id, actor=by, at=now, reason=reason,
        **details,
    )  # fmt: skip
