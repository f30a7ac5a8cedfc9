"""Facts in, evaluation out: the one function behind the page, the webhook and the command line.

The evaluation is advice with its reasons, for a named person to decide on. It closes nothing.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from incident.rules import deadlines
from incident.rules.awareness import Moment, awareness
from incident.rules.competence import Competent, competent
from incident.rules.deadlines import Clock, ClockKind
from incident.rules.facts import Facts, Organisation, parse
from incident.rules.judgement import Judgement, judge
from incident.rules.limits import RULES_VERSION
from incident.rules.severity import Severity
from incident.rules.unknowns import unknowns


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What the rules make of the facts (contract `urn:breachclock:evaluation:1`)."""

    facts: Facts
    judgement: Judgement
    awareness: Moment | None
    clocks: tuple[Clock, ...]
    authorities: tuple[Competent, ...]
    rules_version: str = RULES_VERSION

    @property
    def unknown(self) -> tuple[str, ...]:
        """Pointers of the unknown facts that could change an outcome, the most decisive first.

        Found out when asked, since it takes fifty times as long as all the rest and no clock waits for it.
        """
        return tuple(unknowns(self.facts, self.judgement))

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
) -> Evaluation:
    """Evaluate facts, or the document of them, as of `now` (aware).

    `received_at` is when our installation took the report in (starts the triage clock); `from_processor`
    is for facts exactly as a processor told them; `organisation` is the registered one and stands before
    what the document says of it. Raises FactsFault when the document does not follow the contract.
    """
    facts = told if isinstance(told, Facts) else parse(told)
    if organisation is not None:
        facts = facts.model_copy(update={"organisation": organisation})
    judgement = judge(facts)
    aware = awareness(facts, received_at=received_at, from_processor=from_processor)
    authorities = competent(
        facts, high_risk=judgement.risk.level == "high", at=(aware.at if aware else now).astimezone(UTC)
    )
    clocks = tuple(_clocks(facts, judgement, aware, authorities, received_at))
    return Evaluation(facts, judgement, aware, clocks, authorities)


def _clocks(
    facts: Facts,
    judgement: Judgement,
    aware: Moment | None,
    authorities: tuple[Competent, ...],
    received_at: datetime | None,
) -> list[Clock]:
    clocks = [] if judgement.breach == "no" else _duty_clocks(facts, judgement, aware, authorities)
    if received_at is not None:
        clocks.append(deadlines.triage_clock(received_at))
    return clocks


def _duty_clocks(
    facts: Facts, judgement: Judgement, aware: Moment | None, authorities: tuple[Competent, ...]
) -> list[Clock]:
    """The clocks of law and promise.

    The authority's clock runs for every breach, also where the advice is not to notify: the advice may
    change, and only a person closes the duty. As a processor the organisation answers to its controller.
    """
    if not facts.is_controller:
        return [deadlines.controller_notice_clock(facts, aware)]
    regimes = frozenset(each.regime for each in authorities if each.notified_by_controller)
    clocks = [deadlines.notification_clock(aware, regimes or frozenset({"gdpr"}))]
    if judgement.subject_communication.required:
        clocks.append(deadlines.communication_clock(aware))
    promise = facts.organisation.notification_promise
    if promise and deadlines.promise_applies(promise, facts, judgement.identifiable_data_compromised):
        clocks += deadlines.promise_clocks(promise, facts, aware)
    return clocks


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
