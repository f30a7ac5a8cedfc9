"""Whom to page next, and when a page that was taken comes back: it gets louder, and never silent.

A policy's steps in order; in later rounds each step with those before it; after its rounds everybody of it
together with the backstop, and from the next time on with the management too. There is no last time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from notifications.rules import terms

SHORTEST = timedelta(minutes=1)
KINDS = ("staff", "schedule", "rotation", "team", "role", "incident_role")

Target = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """One move of the policy: the targets to page now, and when to move on if nobody answers."""

    round: int
    targets: tuple[Target, ...]
    next_at: datetime
    step: int | None  # which step of the policy, from 1; None when its rounds are over


def targets_of(step: Mapping[str, Any]) -> tuple[Target, ...]:
    """Whom a step pages; a step of one target may name it itself, beside its minutes."""
    if "targets" in step:
        return tuple(step["targets"])
    return tuple({kind: step[kind]} for kind in KINDS if kind in step)


def wait_of(step: Mapping[str, Any], now: datetime) -> timedelta:
    """How long a step waits for an answer before the next one comes."""
    minutes = step.get("minutes")
    return terms.rounds(now).step if minutes is None else max(timedelta(minutes=minutes), SHORTEST)


def next_turn(
    policy: Sequence[Mapping[str, Any]],
    turn: int,
    now: datetime,
    *,
    rounds: int,
    wider: Sequence[Sequence[Target]] = (),
) -> Turn:
    """The move number `turn` (from 0) of a policy, at `now`.

    In the first round each step pages its own targets, in later ones those of the steps before it too.
    After `rounds` rounds all of them are paged with the first of `wider`, then with the first two, and so on.

    Raises: ValueError for a policy without steps, which would be silence.
    """
    if not policy:
        raise ValueError("An escalation policy without steps would reach nobody.")
    round_, position = divmod(turn, len(policy))
    if round_ >= max(rounds, 1):
        beyond = turn - max(rounds, 1) * len(policy)
        more = [target for group in wider[: beyond + 1] for target in group]
        everybody = [target for step in policy for target in targets_of(step)]
        return Turn(round_, _once(everybody + more), now + terms.rounds(now).wider, None)
    first = 0 if round_ else position
    paged = [target for step in policy[first : position + 1] for target in targets_of(step)]
    return Turn(round_, _once(paged), now + wait_of(policy[position], now), position + 1)


def _once(targets: Sequence[Target]) -> tuple[Target, ...]:
    return tuple(each for number, each in enumerate(targets) if each not in targets[:number])


def quiet_for(deadline: datetime | None, now: datetime) -> timedelta:
    """How long a page that was taken stays quiet: the nearer the deadline, the shorter; never for good."""
    spans = terms.quiet(now)
    if deadline is None:
        return spans.without_deadline
    return min(max((deadline - now) * spans.share, spans.shortest), spans.longest)


def deadline_of(must_by: datetime | None, context: Mapping[str, Any]) -> datetime | None:
    """When what a page is about has to be done, as far as the page knows."""
    if must_by:
        return must_by
    try:
        due = datetime.fromisoformat(str(context.get("due_at") or ""))
    except ValueError:
        return None
    return due if due.tzinfo else None
