"""What is owed: duties, clocks and playbooks brought in line with the facts, what was judged and decided.

Undecided means notify. A duty is only ever added: what the rules name no more stays, and only a decision
in force says that it is not owed. What is met stays met.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from foundation import ledger
from foundation.database import db, new_id
from incident import advice as advising
from incident import clocks, owing, rungs, stages
from incident.clocks import TELL_AUTHORITY, TELL_PEOPLE
from incident.models import (
    Assessment,
    Clock,
    Decision,
    DecisionState,
    Duty,
    DutyState,
    Incident,
    Question,
)
from incident.owing import QUESTION_OF, Holding, Standing
from incident.rules import deadlines
from incident.rules.awareness import Moment
from incident.rules.facts import Facts, FactsFault
from incident.rules.lifecycle import State, clocks_run
from playbooks import runs

Owed = owing.Owed
CLOCK = "Breachclock"
NOT_OWED = "Decided that it is not owed."
OWED_AGAIN = "Something is owed by this clock again."
AT_ONCE = 100  # incidents that one round of the clock reads
EACH_ALONE = 20  # so many duties get a line of the ledger each; of more one line names all


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
    if incident.merged_into_id:
        return  # whatever it owes is owed by the incident that carries it
    word = _Word(by, reason, now)
    known = duties_of(incident)
    _add(incident, list(owing.found(incident, standing)), standing, word)
    for duty in known:
        _follow_decision(incident, duty, standing, word)
    _tell_playbooks(incident, word)


# --- by the facts alone --------------------------------------------------------------------------


def holding(incident: Incident) -> Holding:
    """The decision in force on each question that has one."""
    mine = select(Decision).where(
        Decision.incident_id == incident.id, Decision.state == DecisionState.IN_FORCE
    )
    return {Question(each.question): each for each in db.session.scalars(mine)}


def unread() -> list[UUID]:
    """The incidents under way whose latest facts nobody has read for duties yet."""
    running = [each for each in State if clocks_run(each)]
    wanted = select(Incident.id).where(
        Incident.duties_for < Incident.facts_number, Incident.state.in_(running)
    )
    return list(db.session.scalars(wanted.limit(AT_ONCE)))


def read(incident: Incident, *, now: datetime) -> int:
    """Add what the facts as they stand make a duty, whatever anybody has judged yet; how many were new.

    Nothing that is there is touched. What is owed to an authority is owed as long as nobody has decided.
    """
    latest = select(Assessment).where(Assessment.incident_id == incident.id)
    judged = db.session.scalars(latest.order_by(Assessment.number.desc()).limit(1)).first()
    word = _Word(CLOCK, f"By the facts, version {incident.facts_number}.", now)
    try:
        standing = Standing(judged, advising.advised(incident, now=now), holding(incident))
    except FactsFault:  # what nobody can read is no reason to owe nothing
        made = _add(incident, owing.without_facts(incident), None, word)
    else:
        made = _add(incident, list(owing.found(incident, standing)), standing, word)
    rungs.follow(incident, duties_of(incident), now=now)  # also of rows from before there were ladders
    incident.duties_for = incident.facts_number
    if made and judged:
        _start_playbooks(incident, word)
        clocks.move_due(incident, actor=word.by, reason=word.reason, now=now)
    db.session.flush()
    return len(made)


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
    stages.make(made, stages.moments_of(incident, _facts(incident)), now=word.now)
    rungs.follow(incident, made, now=word.now)
    clocks.settle(incident)
    _enter(incident, made, word)
    return made


def _facts(incident: Incident) -> Facts | None:
    try:
        return clocks.current_facts(incident)
    except FactsFault:
        return None


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


# --- what a decision changes --------------------------------------------------------------------


def _follow_decision(incident: Incident, duty: Duty, standing: Standing, word: _Word) -> None:
    """One known duty: owed again, or not owed any more; what is met stays met."""
    if duty.regime not in QUESTION_OF:
        return  # decided elsewhere, as of each customer alone
    decision = standing.releasing(duty.regime, duty.created_at)
    if duty.state in (DutyState.MET, DutyState.CARRIED) or duty.is_owed == (decision is None):
        return
    if decision:
        release(duty, decision.reason, decision=decision)
    else:
        owe_again(duty)
    db.session.flush()
    _clock_follows(incident, duty.clock_kind, word, wanted=duty.is_owed)
    rungs.follow(incident, [duty], now=word.now, reason=rungs.ENDED)
    rungs.quieten(incident, actor=word.by, reason=f"{duty.provision}: {duty.state}.", now=word.now)
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
    for playbook in (TELL_AUTHORITY, TELL_PEOPLE):
        if not _carries(incident, playbook):
            runs.end(incident.chain, playbook, actor=word.by, reason=NOT_OWED, now=word.now)
    _start_playbooks(incident, word)
    clocks.move_due(incident, actor=word.by, reason=word.reason, now=word.now)
    runs.move_anchor(incident.chain, "decided", word.now, actor=word.by, reason=word.reason, now=word.now)


def _start_playbooks(incident: Incident, word: _Word) -> None:
    facts = clocks.document_of(incident)
    for playbook in (TELL_AUTHORITY, TELL_PEOPLE):
        if not _carries(incident, playbook):
            continue
        anchors = {"decided": word.now}
        if due := clocks.working_deadline(incident.id, playbook, word.now):
            anchors["due"] = due
        runs.start(
            playbook, organisation_id=incident.organisation_id, about=incident.chain, anchors=anchors,
            summary=incident.number, facts=facts, actor=word.by, now=word.now,
        )  # fmt: skip


def carry_out(incident: Incident, *, by: str, reason: str, now: datetime) -> None:
    """Start the playbooks that carry out what is owed and untold, and aim all of them at what holds now."""
    _start_playbooks(incident, _Word(by, reason, now))
    clocks.move_due(incident, actor=by, reason=reason, now=now)


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
