"""Whom to page next: the policy's steps in order, then from the start again, never silence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

SHORTEST = timedelta(minutes=1)
WIDEN_AFTER_ROUNDS = 1  # from the second round on everybody of the policy so far is paged together


@dataclass(frozen=True, slots=True)
class Turn:
    """One move of the policy: the targets to page now, and when to move on if nobody answers."""

    round: int
    targets: tuple[dict[str, Any], ...]
    next_at: datetime


def next_turn(policy: Sequence[dict[str, Any]], turn: int, now: datetime) -> Turn:
    """The move number `turn` (from 0) of a policy, at `now`.

    In the first round each step pages its own target; later rounds page all targets of the step and
    of those before it, so that it gets louder. There is no last round: what is paged for stays open
    until a person takes it.

    Raises: ValueError for a policy without steps, which would be silence.
    """
    if not policy:
        raise ValueError("An escalation policy without steps would reach nobody.")
    round_, position = divmod(turn, len(policy))
    step = policy[position]
    first = 0 if round_ >= WIDEN_AFTER_ROUNDS else position
    wait = max(timedelta(minutes=step.get("minutes", 5)), SHORTEST)
    return Turn(round_, tuple(policy[first : position + 1]), now + wait)
