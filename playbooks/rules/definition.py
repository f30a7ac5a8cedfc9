"""What a playbook is: steps with a role, a time, a condition, and what counts as done.

Only values here; `reading` makes them from TOML and refuses what is wrong with file and line.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any


class Anchor(StrEnum):
    """The instant from which a step's time is reckoned."""

    OCCURRED = "occurred"  # the breach happened, at the earliest plausible moment
    REPORTED = "reported"  # somebody told us: a processor, or one of our own
    AWARE = "aware"  # the controller became aware, Art. 33(1)
    DECIDED = "decided"  # somebody decided whom to tell
    DUE = "due"  # the duty's deadline


class Action(StrEnum):
    """What happens by itself when a step comes due."""

    NONE = "none"  # nothing; the step waits for a person
    PAGE = "page"  # who is on call is paged until somebody acknowledges
    REMIND = "remind"  # the step's owner is told


ON_CALL = "on_call"
ROLES = frozenset({ON_CALL, "responder", "dpo", "admin"})

# What can happen to an incident that completes steps or ends a run; `runs.happened` takes these words.
EVENTS = frozenset({
    "page.acknowledged",
    "awareness.fixed",
    "incident.confirmed", "incident.rejected", "incident.closed",
    "assessment.recorded", "decision.recorded",
    "authority.drafted", "authority.reviewed", "authority.approved", "authority.filed", "authority.receipt",
    "subjects.drafted", "subjects.approved", "subjects.sent",
    "controllers.told",
})  # fmt: skip

_TRI = frozenset({"yes", "no"})
# The facts a condition may ask for, with the answers it may name. Unknown is no answer.
FACTS: Mapping[str, frozenset[str]] = {
    "our_role": frozenset({"controller", "joint_controller", "processor", "sub_processor"}),
    "cause.category": frozenset({
        "external_malicious", "internal_malicious", "human_error", "technical_failure", "loss_or_theft",
        "natural_event",
    }),
    "compromised.confidentiality": _TRI,
    "compromised.integrity": _TRI,
    "compromised.availability": _TRI,
    "timeline.ongoing": _TRI,
    "protection.encrypted": _TRI,
    "subjects.protected_identity": _TRI,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Condition:
    """A step is for incidents in which this fact has one of these answers."""

    fact: str
    answers: frozenset[str]

    def ruled_out(self, facts: Mapping[str, Any]) -> bool:
        """Whether the facts say otherwise; a missing or unknown fact rules nothing out."""
        answer: Any = facts
        for name in self.fact.split("."):
            answer = answer.get(name) if isinstance(answer, Mapping) else None
        return isinstance(answer, str) and answer in FACTS[self.fact] - self.answers


@dataclass(frozen=True, slots=True)
class Step:
    """One item of a playbook. Spans are elapsed time; those of reminders lie before its due time."""

    key: str
    title: str
    role: str
    anchor: Anchor
    offset: timedelta
    done_when: str
    source: str
    action: Action = Action.NONE
    only_if: tuple[Condition, ...] = ()
    reminders: tuple[timedelta, ...] = ()
    page_from: timedelta | None = None
    overdue_every: timedelta | None = None
    done_by: tuple[str, ...] = ()

    def applies(self, facts: Mapping[str, Any]) -> bool:
        """Whether an incident with these facts needs the step; in doubt it does."""
        return not any(condition.ruled_out(facts) for condition in self.only_if)


@dataclass(frozen=True)
class Playbook:
    """Steps that belong together, with the text they were read from."""

    key: str
    title: str
    purpose: str
    source: str
    ended_by: tuple[str, ...]
    steps: tuple[Step, ...]
    text: str

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the text: names this wording of the playbook for ever."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def step(self, key: str) -> Step:
        """The step of this key. Raises: KeyError when there is none."""
        return {step.key: step for step in self.steps}[key]
