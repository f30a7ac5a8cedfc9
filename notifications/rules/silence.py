"""How the watchdog decides: whether something has been silent for too long, whom to tell, when again.

Times are seconds of one clock. A round tells all contacts up to its level: the first round those of
level 1, the second those of level 2 too, and so on; the pauses between rounds are given, the last of
them again and again. When all is well again those who were told hear it once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Say(StrEnum):
    """What is to be said after a look."""

    NOTHING = "nothing"
    ALARM = "alarm"
    WELL = "well"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long silence may last, and the pauses between rounds of telling, all in seconds."""

    silent_after: float
    pauses: Sequence[float]

    def pause_after(self, rounds: int) -> float:
        """The pause after so many rounds, the last one for ever."""
        return self.pauses[min(rounds, len(self.pauses)) - 1]


@dataclass(frozen=True, slots=True)
class State:
    """What the watchdog remembers: since when each watched thing is bad, and whom it told when."""

    bad_since: Mapping[str, float] = field(default_factory=dict)
    rounds: int = 0  # of this trouble that reached somebody
    next_at: float = 0.0

    @property
    def told(self) -> bool:
        """Whether somebody was told of a trouble that is not over yet."""
        return self.rounds > 0


@dataclass(frozen=True, slots=True)
class Move:
    """What to say, to which level, and of which watched things."""

    say: Say
    level: int = 0
    about: tuple[str, ...] = ()


def look(state: State, bad: Sequence[str], now: float, patience: Patience) -> tuple[State, Move]:
    """What to remember and to say after a look that found `bad` things, by name.

    A clock that was set back counts from now.
    """
    since = {name: min(state.bad_since.get(name, now), now) for name in bad}
    seen = replace(state, bad_since=since)
    lasting = tuple(name for name in bad if now - since[name] >= patience.silent_after)
    if lasting and (not state.told or now >= state.next_at):
        return seen, Move(Say.ALARM, state.rounds + 1, lasting)
    if not bad and state.told:
        return seen, Move(Say.WELL, state.rounds)
    return seen, Move(Say.NOTHING)


def after(state: State, move: Move, *, reached: bool, now: float, patience: Patience) -> State:
    """What to remember once it was said; what reached nobody is said again at the next look."""
    if move.say is Say.NOTHING or not reached:
        return state
    if move.say is Say.WELL:
        return State()
    rounds = state.rounds + 1
    return replace(state, rounds=rounds, next_at=now + patience.pause_after(rounds))
