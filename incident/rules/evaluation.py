"""Facts in, evaluation out: the one function behind the page, the webhook and the command line.

The evaluation is advice with its reasons, for a named person to decide on. It closes nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from incident.rules import deadlines
from incident.rules.awareness import Moment, awareness
from incident.rules.competence import Competent, Question, competent, questions, regimes_of
from incident.rules.deadlines import Clock, ClockKind
from incident.rules.facts import Facts, Organisation, parse
from incident.rules.faults import Fault
from incident.rules.held_back import HeldBack, held_back
from incident.rules.judgement import Judgement, judge
from incident.rules.law import LAW, Law
from incident.rules.limits import Regime
from incident.rules.plausibility import implausible
from incident.rules.severity import Severity
from incident.rules.unknowns import unknowns


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What the rules make of the facts (contract `urn:breachclock:evaluation:1`).

    For a person besides: `questions` about the competent office, the `inquiry` that a tip allows, the
    warning that word was `held_back`.
    """

    facts: Facts
    judgement: Judgement
    awareness: Moment | None
    clocks: tuple[Clock, ...]
    authorities: tuple[Competent, ...]
    questions: tuple[Question, ...]
    inquiry: Clock | None
    held_back: HeldBack | None
    now: datetime
    rules_version: str

    @property
    def unknown(self) -> tuple[str, ...]:
        """Pointers of the unknown facts that could change an outcome, the most decisive first.

        Found out when asked, since no clock waits for it.
        """
        return tuple(unknowns(self.facts, self.judgement))

    @property
    def doubts(self) -> tuple[Fault, ...]:
        """What cannot be so: kept as it was told, and put before a person."""
        return tuple(implausible(self.facts, self.now))

    def clock(self, kind: ClockKind) -> Clock | None:
        """The clock of a kind; None when none runs."""
        return next((clock for clock in self.clocks if clock.kind == kind), None)

    def document(self) -> dict[str, object]:
        """The evaluation as the contract has it: JSON values, instants in UTC ending in Z."""
        found = self.judgement
        return {
            "schema_version": 1,
            "rules_version": self.rules_version,
            "breach": found.breach,
            "identifiable_data_compromised": found.identifiable_data_compromised,
            "severity": _severity(found.severity),
            "risk": found.risk.level,
            "authority_notification": found.authority_notification.document(),
            "subject_communication": found.subject_communication.document(),
            "unknown": list(self.unknown),
            "clocks": [_clock(clock) for clock in self.clocks],
            "authorities": [{"key": each.key, "role": each.role} for each in self.authorities],
        }


def evaluate(
    told: object,
    now: datetime,
    *,
    received_at: datetime | None = None,
    from_processor: bool = False,
    organisation: Organisation | None = None,
    agreed_hours: float | None = None,
    law: Law = LAW,
) -> Evaluation:
    """Evaluate facts, or the document of them, as of `now` (aware).

    `received_at` is when our installation took the report in (starts the triage clock); `from_processor`
    is for facts exactly as a processor told them; `organisation` is the registered one and stands before
    what the document says of it; `agreed_hours` are those in which a processor owes its controller word.
    `law` is the dated data; which rows of it apply is asked of the day of awareness, for then the duty
    begins, and of `now` while that is unknown. Raises FactsFault when the document breaks the contract.
    """
    facts = told if isinstance(told, Facts) else parse(told)
    if organisation is not None:
        facts = facts.model_copy(update={"organisation": organisation})
    aware = awareness(facts, received_at=received_at, from_processor=from_processor)
    at = (aware.at if aware else now).astimezone(UTC)
    regimes = regimes_of(competent(facts, high_risk=False, at=at, law=law))
    judgement = judge(facts, law.thresholds(regimes, at))
    high = judgement.risk.level == "high"
    case = _Case(facts, judgement, aware, received_at, from_processor, now, agreed_hours, law)
    return Evaluation(
        facts=facts,
        judgement=judgement,
        awareness=aware,
        clocks=tuple(_clocks(case, regimes)),
        authorities=competent(facts, high_risk=high, at=at, law=law),
        questions=questions(facts, at=at, law=law),
        inquiry=_inquiry(case),
        held_back=held_back(facts, aware, agreed_hours=agreed_hours, law=law),
        now=now,
        rules_version=law.version,
    )


@dataclass(frozen=True, slots=True)
class _Case:
    facts: Facts
    judgement: Judgement
    aware: Moment | None
    received_at: datetime | None
    from_processor: bool
    now: datetime
    agreed_hours: float | None
    law: Law


def _clocks(case: _Case, regimes: frozenset[Regime]) -> Iterator[Clock]:
    if case.judgement.breach != "no":
        yield from _duty_clocks(case, regimes)
    if case.received_at is not None:
        yield deadlines.triage_clock(case.received_at, law=case.law)


def _duty_clocks(case: _Case, regimes: frozenset[Regime]) -> Iterator[Clock]:
    """The clocks of law and promise.

    The authority's clock runs for every breach, also where the advice is not to notify: the advice may
    change, and only a person closes the duty. As a processor the organisation answers to its controller.
    """
    facts, judgement, aware, now, law = case.facts, case.judgement, case.aware, case.now, case.law
    if not facts.is_controller:
        yield deadlines.controller_notice_clock(
            facts, aware, agreed_hours=case.agreed_hours, now=now, law=law
        )
        return
    yield deadlines.notification_clock(aware, regimes, now=now, law=law)
    if judgement.subject_communication.required:
        yield deadlines.communication_clock(aware, now=now, law=law)
    promise, identifiable = facts.organisation.notification_promise, judgement.identifiable_data_compromised
    if promise and deadlines.promise_applies(promise, facts, identifiable):
        yield from deadlines.promise_clocks(promise, facts, aware, identifiable, law=law)


def _inquiry(case: _Case) -> Clock | None:
    """The clock of the short inquiry: after a tip, while nobody is certain that it is a breach.

    Word from a processor is no tip: who has it is aware in principle (Guidelines 9/2022 para 44).
    """
    facts, aware = case.facts, case.aware
    told = case.from_processor or facts.at_a_processor == "yes" or facts.timeline.processor_aware_at
    if aware is None or not aware.provisional or told or not facts.is_controller:
        return None
    return deadlines.inquiry_clock(aware.at, law=case.law) if case.judgement.breach == "unknown" else None


def _severity(found: Severity) -> dict[str, object]:
    return {
        "dpc": found.dpc.points,
        "ei": found.ei.points,
        "cb": found.cb_points,
        "score": found.score,
        "band": found.band,
        "flags": list(found.flags),
    }


def _clock(clock: Clock) -> dict[str, object]:
    return {
        "kind": clock.kind,
        "starts_at": _instant(clock.starts_at),
        "due_at": _instant(clock.due_at),
        "latest_by_regulation_1182_71": _instant(clock.latest_by_regulation_1182_71),
        "basis": clock.basis,
    }


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
