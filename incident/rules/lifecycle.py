"""The states of an incident and the moves between them.

An incident is never deleted: a report that proves harmless is rejected with its reason, since the record
also answers for what was not notified (GDPR art. 33(5)). What was closed or rejected can be taken up
again, because risks that seemed unlikely come true (Guidelines 9/2022).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where an incident stands."""

    REPORTED = "reported"
    """Somebody told us; whether personal data were breached is being found out, and clocks run."""
    CONFIRMED = "confirmed"
    """A named person has found that it is a personal data breach."""
    REJECTED = "rejected"
    """A named person has found that it is none, with a reason."""
    MERGED = "merged"
    """It is the same breach as another incident, where everything goes on."""
    CLOSED = "closed"
    """Every duty is met or decided, and a named person has closed it."""


class Move(StrEnum):
    """What a named person does to an incident's state."""

    CONFIRM = "confirm"
    REJECT = "reject"
    MERGE = "merge"
    CLOSE = "close"
    REOPEN = "reopen"


class MoveRefused(ValueError):
    """The move is not open from this state; the message says which are."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Where a move leads, and whether it must say why."""

    to: State
    needs_reason: bool


MOVES: Final[dict[tuple[State, Move], Rule]] = {
    (State.REPORTED, Move.CONFIRM): Rule(State.CONFIRMED, needs_reason=False),
    (State.REPORTED, Move.REJECT): Rule(State.REJECTED, needs_reason=True),
    (State.REPORTED, Move.MERGE): Rule(State.MERGED, needs_reason=True),
    (State.CONFIRMED, Move.REJECT): Rule(State.REJECTED, needs_reason=True),
    (State.CONFIRMED, Move.MERGE): Rule(State.MERGED, needs_reason=True),
    (State.CONFIRMED, Move.CLOSE): Rule(State.CLOSED, needs_reason=True),
    (State.REJECTED, Move.REOPEN): Rule(State.REPORTED, needs_reason=True),
    (State.MERGED, Move.REOPEN): Rule(State.REPORTED, needs_reason=True),
    (State.CLOSED, Move.REOPEN): Rule(State.CONFIRMED, needs_reason=True),
}


def moves_from(state: State) -> tuple[Move, ...]:
    """The moves that are open from a state."""
    return tuple(move for at, move in MOVES if at is state)


def after(state: State, move: Move, *, reason: str = "") -> State:
    """The state that a move leads to.

    Raises MoveRefused when the move is not open from here, or when it needs a reason and has none.
    """
    rule = MOVES.get((state, move))
    if rule is None:
        choices = ", ".join(moves_from(state))
        raise MoveRefused(f"A {state} incident cannot {move}. From here you can: {choices}.")
    if rule.needs_reason and not reason.strip():
        raise MoveRefused(f"To {move} an incident, say why: the reason stands in the record.")
    return rule.to


def clocks_run(state: State) -> bool:
    """Whether the duties' clocks still count for an incident in this state."""
    return state in (State.REPORTED, State.CONFIRMED)
