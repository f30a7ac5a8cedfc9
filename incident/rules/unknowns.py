"""Which unknown facts could change the outcome: what to find out first.

A first version: each unknown fact is tried with other answers, once on the facts as they stand, once with
all other unknowns at their mildest and once at their gravest. It finds what decides alone and what a
milder or graver outcome would still hang on; not every combination of several unknowns.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from incident.rules.facts import Count, Facts
from incident.rules.judgement import Judgement, judge
from incident.rules.law import Thresholds

_EMPTY: Final = (None, "unknown", (), Count())


@dataclass(frozen=True, slots=True)
class _Question:
    """One fact and its possible answers, the mildest first and the gravest last."""

    part: str
    field: str
    answers: tuple[object, ...]

    @property
    def pointer(self) -> str:
        return f"/{self.part}/{self.field}"

    def open_in(self, facts: Facts) -> bool:
        value = getattr(getattr(facts, self.part), self.field)
        return value in _EMPTY or value == ("unspecified",)


_QUESTIONS: Final = tuple(
    _Question(part, field, answers)
    for part, field, answers in (
        ("compromised", "confidentiality", ("no", "yes")),
        ("compromised", "integrity", ("no", "yes")),
        ("compromised", "availability", ("no", "yes")),
        ("disclosure", "exfiltration", ("ruled_out", "published")),
        ("disclosure", "evidence", ("reliable_logs", "none")),
        ("disclosure", "recipients", (("business_partner",), ("attacker",))),
        ("disclosure", "recipients_trusted", ("yes", "no")),
        ("disclosure", "retrieved", ("confirmed_in_writing", "no")),
        ("disclosure", "recipients_count", (Count(exactly=1), Count(exactly=1000))),
        ("disclosure", "misuse_seen", ("no", "yes")),
        ("data", "categories", (("name",), ("name", "health"))),
        ("data", "special_categories", ("no", "yes")),
        ("data", "identifiability", ("negligible", "direct")),
        ("data", "reveals", ("nothing_more", "safety_critical")),
        ("protection", "encrypted", ("yes", "no")),
        ("protection", "encryption_state_of_the_art", ("yes", "no")),
        ("protection", "key_compromised", ("no", "yes")),
        ("protection", "passwords", ("none_affected", "plain")),
        ("availability", "restored_after_hours", (1.0, 720.0)),
        ("availability", "service_effect", ("none", "critical_to_people")),
        ("subjects", "total", (Count(exactly=1), Count(exactly=1000))),
        ("subjects", "vulnerable", ("no", "yes")),
        ("subjects", "protected_identity", ("no", "yes")),
        ("cause", "category", ("human_error", "external_malicious")),
        ("cause", "deliberate", ("no", "yes")),
        ("measures", "high_risk_no_longer_likely", ("yes", "no")),
    )
)

_Outcome: TypeAlias = tuple[object, ...]


def unknowns(facts: Facts, judgement: Judgement) -> list[str]:
    """Pointers of the unknown facts that could change an outcome, the most decisive first."""
    open_questions = [question for question in _QUESTIONS if question.open_in(facts)]
    mildest = _with(facts, {question: question.answers[0] for question in open_questions})
    gravest = _with(facts, {question: question.answers[-1] for question in open_questions})
    settings = (
        (facts, _outcome(judgement)),
        (mildest, _outcome(judge(mildest, judgement.thresholds))),
        (gravest, _outcome(judge(gravest, judgement.thresholds))),
    )
    weights = {
        question.pointer: _weight(question, settings, judgement.thresholds) for question in open_questions
    }
    decisive = [pointer for pointer, weight in weights.items() if weight > 0]
    return [
        *_missing_times(facts),
        *sorted(decisive, key=lambda pointer: -weights[pointer]),
        *_missing_places(facts),
    ]


def _missing_times(facts: Facts) -> Iterator[str]:
    promise = facts.organisation.notification_promise
    if facts.timeline.aware_at is None:
        yield "/timeline/aware_at"
    if promise and promise.starts_at == "occurrence" and facts.timeline.occurred_from is None:
        yield "/timeline/occurred_from"


def _missing_places(facts: Facts) -> Iterator[str]:
    if not facts.is_controller:
        return
    if not facts.organisation.main_establishment:
        yield "/organisation/main_establishment"
    if not facts.subjects.by_country:
        yield "/subjects/by_country"


def _weight(question: _Question, settings: Sequence[tuple[Facts, _Outcome]], thresholds: Thresholds) -> int:
    """How much hangs on a fact: duties count more than the rest, the facts as they stand most."""
    return sum(
        factor * _difference(_outcome(judge(_with(facts, {question: answer}), thresholds)), outcome)
        for factor, (facts, outcome) in zip((4, 2, 1), settings, strict=True)
        for answer in question.answers
    )


def _difference(one: _Outcome, other: _Outcome) -> int:
    return sum(weight for weight, a, b in zip((8, 4, 2, 1, 1), one, other, strict=True) if a != b)


def _outcome(judgement: Judgement) -> _Outcome:
    return (
        judgement.authority_notification.required,
        judgement.subject_communication.required,
        judgement.risk.level,
        judgement.breach,
        judgement.identifiable_data_compromised,
    )


def _with(facts: Facts, answers: Mapping[_Question, object]) -> Facts:
    parts: dict[str, dict[str, Any]] = {}
    for question, answer in answers.items():
        parts.setdefault(question.part, {})[question.field] = answer
    changed = {part: getattr(facts, part).model_copy(update=update) for part, update in parts.items()}
    return facts.model_copy(update=changed)
