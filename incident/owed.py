"""What is owed: duties, clocks and playbooks brought in line with what was judged and decided.

Undecided means notify. A duty is only ever added: what the rules name no more stays, and only a decision
in force says that it is not owed. What is met stays met.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from accounts.models import Organisation
from foundation import ledger
from foundation.database import db
from incident import clocks
from incident.advice import Advised
from incident.clocks import TELL_AUTHORITY, TELL_PEOPLE
from incident.models import Assessment, Decision, Duty, DutyState, Incident, Kind, Question
from incident.rules import deadlines
from incident.rules.awareness import Moment
from incident.rules.competence import Competent, competent
from playbooks import runs

AUTHORITIES, SUBJECTS = "authorities", "subjects"
NOT_OWED = "Decided that it is not owed."
QUESTION_OF = {
    "gdpr-33": Question.AUTHORITY, "gdpr-34": Question.PEOPLE, "promise-authority": Question.PROMISE,
    "promise-subjects": Question.PROMISE,
}  # fmt: skip

Holding = Mapping[Question, Decision]


@dataclass(frozen=True, slots=True)
class Standing:
    """What the duties follow: the risk as it was judged, the advice now, the decisions in force."""

    judged: Assessment
    advice: Advised
    holding: Holding

    def says(self, question: Question) -> Kind | None:
        """The answer in force; None while the question is open."""
        decision = self.holding.get(question)
        return Kind(decision.kind) if decision else None

    def owes(self, question: Question) -> bool:
        """Whether nobody has decided, two agreeing, that it is not owed."""
        kind = self.says(question)
        return kind is None or not kind.releases


@dataclass(frozen=True, slots=True)
class _Owed:
    regime: str
    recipient: str
    clock_kind: str
    provision: str
    terms: dict[str, Any]


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
    owed = list(_owed(incident, standing))
    named = {(each.regime, each.recipient) for each in owed}
    owed += [
        _Owed(each.regime, each.recipient, each.clock_kind, each.provision, each.terms)
        for each in duties_of(incident) if (each.regime, each.recipient) not in named
    ]  # fmt: skip
    for each in owed:
        _bring_in_line(incident, each, standing, _Word(by, reason, now))
    _tell_playbooks(incident, _Word(by, reason, now))


# --- duties -------------------------------------------------------------------------------------


def _owed(incident: Incident, standing: Standing) -> Iterator[_Owed]:
    """Everything that the judgement makes a duty, or a decision says is none."""
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
        yield _Owed("gdpr-33", authority.key, TELL_AUTHORITY, provision, terms)
    promised = list(_promised(standing))
    if _by_law_to_people(standing, promised):
        yield _Owed("gdpr-34", SUBJECTS, TELL_PEOPLE, "GDPR art. 34(1)", {"hours": None, "rules": rules})
    yield from promised


def _by_law_to_people(standing: Standing, promised: list[_Owed]) -> bool:
    """Whether art. 34 has its own duty: at high risk, or where somebody decided on it.

    Who tells people because we promised to owes it by the promise, and not by a law that does not ask.
    """
    high = standing.judged.risk == "high" or (
        standing.advice.evaluation.judgement.subject_communication.required
    )
    if high or standing.says(Question.PEOPLE) is not Kind.COMMUNICATE:
        return high or standing.says(Question.PEOPLE) is not None
    kept = standing.owes(Question.PROMISE)
    return not (kept and any(each.recipient == SUBJECTS for each in promised))


def _promised(standing: Standing) -> Iterator[_Owed]:
    """What our own promise adds."""
    for kind, regime, recipient in (
        ("own_promise_authority", "promise-authority", AUTHORITIES),
        ("own_promise_subjects", "promise-subjects", SUBJECTS),
    ):
        clock = next((each for each in standing.advice.evaluation.clocks if each.kind == kind), None)
        if clock is not None:
            terms = {"hours": clock.hours, "basis": clock.basis, "rules": clock.rules_version}
            yield _Owed(regime, recipient, kind, clock.basis, terms)


def _authorities(incident: Incident, standing: Standing) -> list[Competent]:
    """Where the controller files itself; with no country known the authority of its own."""
    facts = clocks.current_facts(incident)
    at = incident.aware_at or incident.reported_at
    high = standing.judged.risk == "high" or standing.advice.evaluation.judgement.risk.level == "high"
    found = [each for each in competent(facts, high_risk=high, at=at) if each.notified_by_controller]
    if found or not facts.is_controller:
        return found
    country = db.session.get_one(Organisation, incident.organisation_id).country
    at_home = facts.organisation.model_copy(update={"main_establishment": country})
    return list(competent(facts.model_copy(update={"organisation": at_home}), high_risk=high, at=at))[:1]


def _bring_in_line(incident: Incident, owed: _Owed, standing: Standing, word: _Word) -> None:
    """One duty: added, opened anew, or not owed; what is met stays met."""
    question = QUESTION_OF[owed.regime]
    decision = standing.holding.get(question)
    wanted = standing.owes(question)
    why = decision.reason if decision else word.reason
    state, reason = (DutyState.OPEN, None) if wanted else (DutyState.NOT_REQUIRED, why)
    action = "duty.opened" if wanted else "duty.not_required"
    duty = db.session.scalars(
        select(Duty).where(
            Duty.incident_id == incident.id, Duty.regime == owed.regime, Duty.recipient == owed.recipient
        )
    ).one_or_none()
    if duty is None:
        duty = _add(incident, owed, state, reason, word.now)
    elif duty.state in (DutyState.MET, state):
        return
    else:
        duty.state, duty.reason = state, reason
        action = "duty.reopened" if wanted else action
    db.session.flush()
    _clock_follows(incident, owed, word, wanted=wanted)
    log(
        incident, action, word.by, word.now, why, duty=duty.id, regime=owed.regime, recipient=owed.recipient,
        due_at=duty.due_at, provision=owed.provision, decision=decision.number if decision else None,
    )  # fmt: skip


def _add(incident: Incident, owed: _Owed, state: DutyState, reason: str | None, now: datetime) -> Duty:
    clock = {each.kind: each for each in clocks.running(incident.id, stopped=True)}.get(owed.clock_kind)
    duty = Duty(
        organisation_id=incident.organisation_id, incident_id=incident.id, regime=owed.regime,
        recipient=owed.recipient, clock_kind=owed.clock_kind, provision=owed.provision, terms=owed.terms,
        starts_at=clock.starts_at if clock else incident.aware_at, due_at=clock.due_at if clock else None,
        state=state, reason=reason, created_at=now,
    )  # fmt: skip
    db.session.add(duty)
    return duty


def _clock_follows(incident: Incident, owed: _Owed, word: _Word, *, wanted: bool) -> None:
    """A clock runs while any duty counts on it, and stops when it was decided that none does."""
    counting = select(Duty.id).where(
        Duty.incident_id == incident.id, Duty.clock_kind == owed.clock_kind,
        Duty.state != DutyState.NOT_REQUIRED,
    )  # fmt: skip
    why = f"{NOT_OWED} ({owed.clock_kind})"
    if wanted:
        _ensure_clock(incident, owed)
        clocks.resume(incident, why=why, actor=word.by, reason=word.reason, now=word.now)
    elif not db.session.scalars(counting).first():
        clocks.stop(incident, owed.clock_kind, why=why, actor=word.by, now=word.now)


def _ensure_clock(incident: Incident, owed: _Owed) -> None:
    """People are told without undue delay also where only a person, and no rule, has asked for it."""
    known = {each.kind for each in clocks.running(incident.id, stopped=True)}
    if owed.clock_kind == TELL_PEOPLE and TELL_PEOPLE not in known:
        aware = Moment(incident.aware_at, "aware_at") if incident.aware_at else None
        clocks.refresh(incident, [deadlines.communication_clock(aware)])


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
    return any(
        duty.state == DutyState.OPEN and duty.regime in clocks.REGIMES[playbook]
        for duty in duties_of(incident)
    )


def log(
    incident: Incident, action: str, by: str, now: datetime, reason: str | None, **details: object
) -> None:
    """Enter into the incident's chain what was judged or decided."""
    ledger.append(
        incident.chain, action, organisation_id=incident.organisation_id, actor=by, at=now, reason=reason,
        **details,
    )  # fmt: skip
