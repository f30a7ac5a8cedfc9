"""What the rules make a duty: of the facts as they stand, the risk as it was judged, our own promise.

Undecided means notify: what is named here is owed until two have decided that it is not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from accounts.models import Organisation
from foundation.database import db
from incident import clocks, stages
from incident.advice import Advised
from incident.clocks import TELL_AUTHORITY, TELL_PEOPLE
from incident.models import (
    Assessment,
    ContractClause,
    Decision,
    Incident,
    Kind,
    Question,
    RegimeSwitch,
)
from incident.rules.competence import Competent, competent
from incident.rules.deadlines import after_hours
from incident.rules.facts import Facts
from incident.rules.law import LAW
from incident.rules.regimes import REGIMES

AUTHORITIES, SUBJECTS = "authorities", "subjects"
QUESTION_OF: dict[str, Question] = {
    "gdpr-33": Question.AUTHORITY, "gdpr-34": Question.PEOPLE, "promise-authority": Question.PROMISE,
    "promise-subjects": Question.PROMISE, **{each: each for each in Question if each.is_of_a_neighbour},
}  # fmt: skip

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

    def releasing(self, regime: str, made_at: datetime | None = None) -> Decision | None:
        """The decision, two agreeing, by which a regime owes nothing; None while there is none.

        Contracts are with many: a decision speaks of those whose duties there were when it was made.
        """
        question = QUESTION_OF.get(regime)
        decision = self.holding.get(question) if question else None
        if decision is None or not Kind(decision.kind).releases:
            return None
        if regime == stages.CONTRACT and (made_at is None or made_at > decision.at):
            return None
        return decision


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


def found(incident: Incident, standing: Standing) -> Iterator[Owed]:
    """Everything that facts and judgement make a duty, or a decision says is none."""
    to_authority = standing.advice.evaluation.clock("authority_notification")
    rules = standing.advice.evaluation.rules_version
    for authority in _authorities(incident, standing):
        yield _to(authority, to_authority.hours if to_authority else None, rules)
    promised = list(_promised(standing))
    if _by_law_to_people(standing, promised):
        yield Owed("gdpr-34", SUBJECTS, TELL_PEOPLE, "GDPR art. 34(1)", {"hours": None, "rules": rules})
    yield from promised
    yield from _beside(incident)


def _beside(incident: Incident) -> Iterator[Owed]:
    """What neighbouring regimes that the organisation is under add, and clauses of its contracts."""
    facts, at = clocks.current_facts(incident), incident.aware_at or incident.reported_at
    document, moments = clocks.document_of(incident), stages.moments_of(incident, facts)
    mine = RegimeSwitch.organisation_id == incident.organisation_id, RegimeSwitch.on
    for switch in db.session.scalars(select(RegimeSwitch).where(*mine).order_by(RegimeSwitch.regime)):
        regime = REGIMES.regime(switch.regime, at)
        if regime is None or not REGIMES.in_force(switch.regime, at) or not regime.applies(document):
            continue
        starts_at, due_at = REGIMES.stages(regime.key, at)[0].window(moments)
        terms: dict[str, Any] = {
            "source": regime.source, "certainty": regime.certainty, "rules": LAW.version,
        }  # fmt: skip
        yield Owed(regime.key, switch.recipient, regime.clock, regime.provision, terms, starts_at, due_at)
    active = ContractClause.organisation_id == incident.organisation_id, ContractClause.active
    for clause in db.session.scalars(select(ContractClause).where(*active).order_by(ContractClause.key)):
        start = moments.get(clause.anchor)
        terms = {
            "hours": clause.hours, "anchor": clause.anchor, "name": clause.name, "source": clause.clause,
            "certainty": "high", "rules": LAW.version,
        }  # fmt: skip
        due = after_hours(start, clause.hours) if start and clause.hours else None
        yield Owed("contract", clause.key, "contract", clause.clause, terms, start, due)


def _to(authority: Competent, hours: float | None, rules: str) -> Owed:
    terms = {
        "hours": hours, "role": authority.role, "law": authority.regime, "source": authority.source,
        "rules": rules,
    }  # fmt: skip
    provisions = {"uk_gdpr": "UK GDPR art. 33(1)", "swiss": "Swiss DSG art. 24(1)"}
    provision = provisions.get(authority.regime, "GDPR art. 33(1)")
    return Owed("gdpr-33", authority.key, TELL_AUTHORITY, provision, terms)


def without_facts(incident: Incident) -> list[Owed]:
    """Where the facts cannot be read: the authority that is the organisation's own."""
    nothing = clocks.in_organisation(Facts(), clocks.Registered.of(incident.organisation_id))
    clock = next((e for e in clocks.running(incident.id, stopped=True) if e.kind == TELL_AUTHORITY), None)
    hours = clock.hours if clock else None
    return [_to(each, hours, LAW.version) for each in _at_home(incident, nothing, high=True)]


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
    if not facts.is_controller:
        return []  # a processor tells its controllers, and no authority (GDPR art. 33(2))
    found = [each for each in competent(facts, high_risk=high, at=at) if each.notified_by_controller]
    if found:
        return found
    return _at_home(incident, facts, high=high)


def _at_home(incident: Incident, facts: Facts, *, high: bool) -> list[Competent]:
    at = incident.aware_at or incident.reported_at
    country = db.session.get_one(Organisation, incident.organisation_id).country
    at_home = facts.organisation.model_copy(update={"main_establishment": country})
    return list(competent(facts.model_copy(update={"organisation": at_home}), high_risk=high, at=at))[:1]
