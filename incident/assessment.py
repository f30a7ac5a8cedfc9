"""The risk to people is judged and somebody decides whom to tell; duties and playbooks follow.

Undecided means notify. Duties are only ever added: a later assessment deletes none, and what it opens or
settles anew stands in the ledger with its reason.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from accounts.models import Organisation, StaffMember
from accounts.permissions import Permission, may
from foundation import ledger
from foundation.database import db
from foundation.errors import Invalid, NotAllowed, Refused
from incident import clocks
from incident.clocks import TELL_AUTHORITY, TELL_PEOPLE
from incident.models import Assessment, Duty, DutyState, Incident
from incident.rules import deadlines
from incident.rules.awareness import Moment
from incident.rules.competence import competent
from incident.rules.evaluation import Evaluation
from incident.rules.facts import Facts
from incident.rules.lifecycle import State
from playbooks import runs

AUTHORITIES, SUBJECTS = "authorities", "subjects"
NOT_OWED = "Decided that it is not owed."


@dataclass(frozen=True, slots=True)
class Decision:
    """What a named person judged and decided; the words are those of the evaluation."""

    breach: str
    identifiable: str
    risk: str
    notify_authority: bool
    tell_people: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Advised:
    """What the rules advise by the facts as they stand, and which of it is our own promise."""

    evaluation: Evaluation
    promise_authority: bool
    promise_people: bool

    @property
    def notify_authority(self) -> bool:
        """Whether the authority should be notified, by law or by promise."""
        return self.evaluation.judgement.authority_notification.required or self.promise_authority

    @property
    def tell_people(self) -> bool:
        """Whether people should be told, by law or by promise."""
        return self.evaluation.judgement.subject_communication.required or self.promise_people


@dataclass(frozen=True, slots=True)
class _Owed:
    regime: str
    recipient: str
    clock_kind: str
    provision: str
    terms: dict[str, Any]
    wanted: bool


def advised(incident: Incident, *, now: datetime) -> Advised:
    """What the rules advise now."""
    advice = clocks.advice_for(incident, clocks.current_facts(incident), now=now)
    return Advised(
        advice,
        advice.clock("own_promise_authority") is not None,
        advice.clock("own_promise_subjects") is not None,
    )


def against(advice: Advised, decision: Decision) -> list[str]:
    """What the decision leaves out although the rules advise it, in words."""
    left_out = []
    if advice.notify_authority and not decision.notify_authority:
        left_out.append(_("not to notify the authority"))
    if advice.tell_people and not decision.tell_people:
        left_out.append(_("not to tell the people concerned"))
    sure = advice.evaluation.judgement.identifiable_data_compromised == "yes"
    if sure and decision.identifiable == "no" and (advice.promise_authority or advice.promise_people):
        left_out.append(_("not to count our own promise"))
    return left_out


def assessments_of(incident: Incident) -> list[Assessment]:
    """Every assessment of the incident, oldest first; the last one holds."""
    mine = select(Assessment).where(Assessment.incident_id == incident.id)
    return list(db.session.scalars(mine.order_by(Assessment.number)))


def duties_of(incident: Incident) -> list[Duty]:
    """What is or was owed, by due time; without one last."""
    mine = select(Duty).where(Duty.incident_id == incident.id)
    return list(db.session.scalars(mine.order_by(Duty.due_at.is_(None), Duty.due_at, Duty.regime)))


def record(
    incident: Incident, decision: Decision, *, after: int, facts_number: int, by: StaffMember, now: datetime
) -> Assessment:
    """Record what was judged and decided, with the advice as it stood; duties and playbooks follow.

    `after` is how many assessments and `facts_number` which facts the person saw. The same decision sent
    twice is recorded once. Raises: Refused before confirmation and when a colleague was quicker, Invalid
    without a reason, NotAllowed when it leaves out what is advised and the person may not decide that.
    """
    before = assessments_of(incident)
    if before and _same(before[-1], decision, by.name):
        return before[-1]
    _check(incident, before, after, facts_number)
    advice = advised(incident, now=now)
    _check_decision(decision, against(advice, decision), by)
    made = Assessment(
        organisation_id=incident.organisation_id, incident_id=incident.id, number=len(before) + 1,
        facts_number=incident.facts_number, advice=advice.evaluation.document(), by=by.name, at=now,
        **asdict(decision) | {"reason": decision.reason.strip()},
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    _log(
        incident, "assessment.recorded", by.name, now, made.reason, number=made.number, breach=made.breach,
        identifiable=made.identifiable, risk=made.risk, notify_authority=made.notify_authority,
        tell_people=made.tell_people, facts_version=made.facts_number, rules=advice.evaluation.rules_version,
        against_advice=against(advice, decision),
    )  # fmt: skip
    owed = list(_owed(incident, decision, advice))
    owed += _no_longer(incident, decision, {(each.regime, each.recipient) for each in owed})
    for each in owed:
        _settle(incident, each, made, now)
    _tell_playbooks(incident, by.name, made.reason, now)
    return made


def _same(latest: Assessment, decision: Decision, by: str) -> bool:
    told = asdict(decision) | {"reason": decision.reason.strip()}
    return latest.by == by and all(getattr(latest, name) == value for name, value in told.items())


def _check(incident: Incident, before: list[Assessment], after: int, facts_number: int) -> None:
    if incident.state != State.CONFIRMED:
        raise Refused(
            _("Only a confirmed personal data breach is assessed."),
            next_step=_("Confirm it first, or reject it with a reason."),
        )
    if len(before) != after:
        raise Refused(
            _("%(name)s assessed it while you were writing. Nothing of yours was saved.", name=before[-1].by),
            next_step=_("Read that assessment, and record another if you still see it otherwise."),
        )
    if incident.facts_number != facts_number:
        raise Refused(
            _("New facts came in while you were writing. Nothing of yours was saved."),
            next_step=_("Read the new facts and what the rules make of them, then decide again."),
        )


def _check_decision(decision: Decision, left_out: list[str], by: StaffMember) -> None:
    if left_out and not may(by, Permission.APPROVE_NOTIFICATION):
        raise NotAllowed(
            _("You cannot decide this against the advice: %(what)s.", what=", ".join(left_out)),
            next_step=_("Ask the data protection officer to decide it."),
        )
    if decision.breach == "no":
        raise Invalid(
            _("An assessment of a confirmed breach cannot say that it is none."),
            next_step=_("Reject the incident with that reason instead."),
        )
    if not decision.reason.strip():
        raise Invalid(
            _("A decision needs its reason: it stands in the record for the authority to verify."),
            next_step=_("One sentence will do."),
        )


# --- duties -------------------------------------------------------------------------------------


def _owed(incident: Incident, decision: Decision, advice: Advised) -> Iterator[_Owed]:
    """Everything that the decision makes a duty, or says is none."""
    facts = clocks.current_facts(incident)
    to_authority = advice.evaluation.clock("authority_notification")
    for authority in _authorities(incident, facts, decision, advice):
        terms = {
            "hours": to_authority.hours if to_authority else None, "role": authority.role,
            "law": authority.regime, "source": authority.source, "rules": advice.evaluation.rules_version,
        }  # fmt: skip
        provision = "UK GDPR art. 33(1)" if authority.regime == "uk_gdpr" else "GDPR art. 33(1)"
        if authority.regime == "swiss":
            provision = "Swiss DSG art. 24(1)"
        yield _Owed("gdpr-33", authority.key, TELL_AUTHORITY, provision, terms, decision.notify_authority)
    promised = list(_promised(decision, advice))
    if decision.risk == "high" or not any(each.recipient == SUBJECTS and each.wanted for each in promised):
        terms = {"hours": None, "rules": advice.evaluation.rules_version}
        yield _Owed("gdpr-34", SUBJECTS, TELL_PEOPLE, "GDPR art. 34(1)", terms, decision.tell_people)
    yield from promised


def _no_longer(incident: Incident, decision: Decision, settled: set[tuple[str, str]]) -> Iterator[_Owed]:
    """Duties of earlier assessments that the rules name no more: they stay, unless decided otherwise."""
    for duty in duties_of(incident):
        to_people = duty.regime in clocks.REGIMES[TELL_PEOPLE]
        wanted = decision.tell_people if to_people else decision.notify_authority
        void = duty.regime.startswith("promise-") and decision.identifiable == "no"
        if (duty.regime, duty.recipient) not in settled and (void or not wanted):
            yield _Owed(
                duty.regime, duty.recipient, duty.clock_kind, duty.provision, duty.terms, wanted=False
            )


def _promised(decision: Decision, advice: Advised) -> Iterator[_Owed]:
    """What our own promise adds; it is void where a person judged that nobody can be identified."""
    covered = decision.identifiable != "no"
    for kind, regime, recipient, wanted in (
        ("own_promise_authority", "promise-authority", AUTHORITIES, decision.notify_authority),
        ("own_promise_subjects", "promise-subjects", SUBJECTS, decision.tell_people),
    ):
        clock = next((each for each in advice.evaluation.clocks if each.kind == kind), None)
        if clock is not None:
            terms = {"hours": clock.hours, "basis": clock.basis, "rules": clock.rules_version}
            yield _Owed(regime, recipient, kind, clock.basis, terms, wanted and covered)


def _authorities(incident: Incident, facts: Facts, decision: Decision, advice: Advised) -> list[Any]:
    """Where the controller files itself; with no country known the authority of its own."""
    at = incident.aware_at or incident.reported_at
    high = decision.risk == "high" or advice.evaluation.judgement.risk.level == "high"
    found = [each for each in competent(facts, high_risk=high, at=at) if each.notified_by_controller]
    if found or not facts.is_controller:
        return found
    country = db.session.get_one(Organisation, incident.organisation_id).country
    at_home = facts.organisation.model_copy(update={"main_establishment": country})
    return list(competent(facts.model_copy(update={"organisation": at_home}), high_risk=high, at=at))[:1]


def _settle(incident: Incident, owed: _Owed, made: Assessment, now: datetime) -> None:
    """Bring one duty in line with the decision: added, opened anew, or not owed; what is met stays met."""
    duty = db.session.scalars(
        select(Duty).where(
            Duty.incident_id == incident.id, Duty.regime == owed.regime, Duty.recipient == owed.recipient
        )
    ).one_or_none()
    state, reason = (DutyState.OPEN, None) if owed.wanted else (DutyState.NOT_REQUIRED, made.reason)
    action = "duty.opened" if owed.wanted else "duty.not_required"
    if duty is None:
        duty = _add(incident, owed, state, reason, now)
    elif duty.state in (DutyState.MET, state):
        return
    else:
        duty.state, duty.reason = state, reason
        action = "duty.reopened" if owed.wanted else action
    db.session.flush()
    _clock_follows(incident, owed, made, now)
    _log(
        incident, action, made.by, now, made.reason, duty=duty.id, regime=owed.regime,
        recipient=owed.recipient, due_at=duty.due_at, provision=owed.provision, assessment=made.number,
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


def _clock_follows(incident: Incident, owed: _Owed, made: Assessment, now: datetime) -> None:
    """A clock runs while any duty counts on it, and stops when a person has said that none does."""
    counting = select(Duty.id).where(
        Duty.incident_id == incident.id, Duty.clock_kind == owed.clock_kind,
        Duty.state != DutyState.NOT_REQUIRED,
    )  # fmt: skip
    if owed.wanted:
        _ensure_clock(incident, owed)
        clocks.resume(incident, why=_why(owed), actor=made.by, reason=made.reason, now=now)
    elif not db.session.scalars(counting).first():
        clocks.stop(incident, owed.clock_kind, why=_why(owed), actor=made.by, now=now)


def _why(owed: _Owed) -> str:
    return f"{NOT_OWED} ({owed.clock_kind})"


def _ensure_clock(incident: Incident, owed: _Owed) -> None:
    """People are told without undue delay also where only a person, and no rule, has asked for it."""
    known = {each.kind for each in clocks.running(incident.id, stopped=True)}
    if owed.clock_kind == TELL_PEOPLE and TELL_PEOPLE not in known:
        aware = Moment(incident.aware_at, "aware_at") if incident.aware_at else None
        clocks.refresh(incident, [deadlines.communication_clock(aware)])


# --- playbooks ----------------------------------------------------------------------------------


def _tell_playbooks(incident: Incident, by: str, reason: str, now: datetime) -> None:
    """Start what carries the open duties out, end what carries none, and say that it is decided."""
    facts = clocks.document_of(incident)
    for playbook in (TELL_AUTHORITY, TELL_PEOPLE):
        if not _carries(incident, playbook):
            runs.end(incident.chain, playbook, actor=by, reason=NOT_OWED, now=now)
            continue
        anchors = {"decided": now}
        if due := clocks.working_deadline(incident.id, playbook, now):
            anchors["due"] = due
        runs.start(
            playbook, organisation_id=incident.organisation_id, about=incident.chain, anchors=anchors,
            summary=incident.number, facts=facts, actor=by, now=now,
        )  # fmt: skip
    clocks.move_due(incident, actor=by, reason=reason, now=now)
    runs.move_anchor(incident.chain, "decided", now, actor=by, reason=reason, now=now)
    for event in ("assessment.recorded", "decision.recorded"):
        runs.happened(incident.chain, event, actor=by, now=now)


def _carries(incident: Incident, playbook: str) -> bool:
    return any(
        duty.state == DutyState.OPEN and duty.regime in clocks.REGIMES[playbook]
        for duty in duties_of(incident)
    )


def _log(
    incident: Incident, action: str, by: str, now: datetime, reason: str | None, **details: object
) -> None:
    ledger.append(
        incident.chain, action, organisation_id=incident.organisation_id, actor=by, at=now, reason=reason,
        **details,
    )  # fmt: skip
