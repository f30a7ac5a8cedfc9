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

from playbooks.rules.facts import FACTS, told


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
    DRAFT = "draft"  # a preliminary notification is drafted, for people to go over
    REMIND = "remind"  # the step's owner is told


ON_CALL = "on_call"
STAFF_ROLES = frozenset({"responder", "dpo", "admin"})  # everybody of the organisation who holds it
INCIDENT_ROLES = frozenset({"lead", "communications", "legal", "it"})  # who was given it in this incident
ROLES = frozenset({ON_CALL}) | STAFF_ROLES | INCIDENT_ROLES
CLOSING = "closing"
GATES = frozenset({CLOSING})  # what an open step can stand in the way of

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
# Those on the way to a notification: what they do must be done while it can still be filed in time.
LEADING = frozenset({
    "assessment.recorded", "decision.recorded",
    "authority.drafted", "authority.reviewed", "authority.approved", "authority.filed",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Condition:
    """It asks whether this fact has one of these answers."""

    fact: str
    answers: frozenset[str]

    def ruled_out(self, facts: Mapping[str, Any]) -> bool:
        """Whether the facts say otherwise; a missing or unknown fact rules nothing out."""
        return bool(told(facts, self.fact)) and not self.holds(facts)

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Whether the facts say so; a missing or unknown fact says nothing."""
        return bool(told(facts, self.fact) & self.answers)

    def __str__(self) -> str:
        """In words, the shorter way round."""
        others = FACTS[self.fact] - self.answers
        if len(others) == 1 and len(self.answers) > 1:
            return f"{self.fact} is not {min(others)}"
        return f"{self.fact} is {' or '.join(sorted(self.answers))}"


@dataclass(frozen=True, slots=True)
class Step:
    """One item of a playbook. Spans are elapsed time; those of reminders lie before its due time.

    `evidence` says what must be shown for it to be done, and is empty where nothing need be; `approval`
    that a second person must agree; `gate` what cannot be done while the step is open.
    """

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
    evidence: str = ""
    approval: bool = False
    gate: str = ""

    def applies(self, facts: Mapping[str, Any]) -> bool:
        """Whether an incident with these facts needs the step; in doubt it does."""
        return not any(condition.ruled_out(facts) for condition in self.only_if)


@dataclass(frozen=True)
class Playbook:
    """Steps that belong together, with the text they were read from.

    With `starts_with` it starts by itself, beside the general one, once the facts say all of that; with
    `only_here` not where it happened at a processor, for there its steps are the processor's.
    `window` is how long after awareness what it leads to is due, where it leads to something due.
    """

    key: str
    title: str
    purpose: str
    source: str
    ended_by: tuple[str, ...]
    steps: tuple[Step, ...]
    text: str
    starts_with: tuple[Condition, ...] = ()
    window: timedelta | None = None
    only_here: bool = False

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the text: names this wording of the playbook for ever."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def fits(self, facts: Mapping[str, Any], *, here: bool = True) -> bool:
        """Whether these facts start it: all that it starts with holds; in doubt it does not.

        `here` is whether it happened with us, and not at a processor.
        """
        if self.only_here and not here:
            return False
        return bool(self.starts_with) and all(each.holds(facts) for each in self.starts_with)

    def step(self, key: str) -> Step:
        """The step of this key. Raises: KeyError when there is none."""
        return {step.key: step for step in self.steps}[key]
