"""Steps that a person adds to a run: what no playbook foresaw, counted down like the others."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from playbooks.rules import duration
from playbooks.rules.definition import Anchor, Step

REMINDERS = (timedelta(hours=-24), timedelta(hours=-4), timedelta(hours=-1))  # where nobody says otherwise
OVERDUE_EVERY = timedelta(hours=4)  # it never falls silent
SOURCE = "Added by hand"


def document(
    *, at: datetime, done_when: str, evidence: str, gate: str, reminders: tuple[timedelta, ...]
) -> dict[str, Any]:
    """What is kept of an added step beside its row; `at` is when it was added."""
    return {
        "at": at.isoformat(), "done_when": done_when, "evidence": evidence, "gate": gate,
        "reminders": [duration.write(span) for span in reminders],
    }  # fmt: skip


def ahead(reminders: tuple[timedelta, ...], *, due_at: datetime, now: datetime) -> tuple[timedelta, ...]:
    """Those of the reminders that still lie ahead: what is past needs no message the moment it is added."""
    return tuple(sorted(span for span in {*reminders} if due_at + span > now))


def step(
    key: str, title: str, role: str, due_at: datetime, added: Mapping[str, Any], *, approval: bool
) -> Step:
    """The added step as playbooks know steps: reckoned from the moment somebody decided to add it."""
    return Step(
        key=key, title=title, role=role, anchor=Anchor.DECIDED,
        offset=due_at - datetime.fromisoformat(added["at"]), done_when=added["done_when"], source=SOURCE,
        reminders=tuple(duration.read(span) for span in added["reminders"]), overdue_every=OVERDUE_EVERY,
        evidence=added["evidence"], approval=approval, gate=added["gate"],
    )  # fmt: skip
