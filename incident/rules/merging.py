"""Two incidents turn out to be one breach: what holds then, so that nothing vanishes and nothing gets later.

The earlier awareness holds (GDPR art. 33(1) counts from when the controller knew, and it knew then). What
either owes to a recipient is owed, by the earlier due time. What one has told a recipient counts as told in
part, for what the other adds is not told yet (art. 33(4)). Lateness that a filing froze stays frozen.

What is owed, and by when, is the same whichever of the two carries the other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

OPEN, IN_PREPARATION, FILED_IN_PART, MET, NOT_REQUIRED, CARRIED = (
    "open", "in_preparation", "filed_in_part", "met", "not_required", "carried",
)  # fmt: skip
UNFILED: Final = (OPEN, IN_PREPARATION)
OWED: Final = (*UNFILED, FILED_IN_PART)


@dataclass(frozen=True, slots=True)
class Aware:
    """A moment of awareness (UTC) as it is held: whether a person fixed it, and why."""

    at: datetime | None
    provisional: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Window:
    """When something begins to run and when it is due (UTC); None where that is not known or not named."""

    starts_at: datetime | None
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Owing:
    """A duty to one recipient under one regime; how late it was is frozen with its first filing."""

    regime: str
    recipient: str
    state: str
    window: Window
    first_filed_at: datetime | None = None
    late_by: timedelta | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Under which regime, towards whom."""
        return self.regime, self.recipient

    @property
    def is_owed(self) -> bool:
        """Whether anything of it is still owed."""
        return self.state in OWED


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a duty of the incident that carries: how it stood (None: it is added) and stands."""

    before: Owing | None
    after: Owing


def earlier_awareness(ours: Aware, theirs: Aware) -> Aware:
    """The awareness that holds for both: the earlier, with its reason; a moment nobody knows loses.

    At the same moment it is fixed when either was. The reason is that of whoever holds; who records it
    keeps both.
    """
    if theirs.at is None:
        return ours
    if ours.at is None or theirs.at < ours.at:
        return theirs
    if ours.at == theirs.at and ours.provisional:
        return theirs
    return ours


def earlier_window(ours: Window, theirs: Window) -> Window:
    """The window that holds for both: it begins with the earlier, and a named due time beats none."""
    return Window(_earlier(ours.starts_at, theirs.starts_at), _earlier(ours.due_at, theirs.due_at))


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((each for each in (one, other) if each), default=None)


def combined(ours: Sequence[Owing], theirs: Sequence[Owing]) -> Iterator[Change]:
    """What becomes of our duties when we carry theirs: those that change, and those that are added."""
    known = {each.key: each for each in ours}
    for each in theirs:
        held = known.get(each.key)
        if each.state in (NOT_REQUIRED, CARRIED):
            continue  # a decision that nothing is owed releases nobody else
        after = _joined(held, each)
        if held != after:
            yield Change(held, after)


def _joined(held: Owing | None, joins: Owing) -> Owing:
    told = joins.state in (FILED_IN_PART, MET)
    if held is None:
        return _told(replace(joins, state=OPEN, first_filed_at=None, late_by=None), joins if told else None)
    if held.state == MET and joins.state == MET:
        return held
    if held.first_filed_at is not None:
        return replace(held, state=FILED_IN_PART)  # what was filed stays as it was, and more is owed
    state = held.state if held.state in UNFILED else OPEN
    window = earlier_window(held.window, joins.window)
    return _told(replace(held, state=state, window=window), joins if told else None)


def _told(owing: Owing, by: Owing | None) -> Owing:
    """In part told by the other: as late as that was, or by the due time that holds now if that is later."""
    if by is None or by.first_filed_at is None:
        return owing
    due = owing.window.due_at
    late = max(timedelta(0), by.first_filed_at - due) if due else timedelta(0)
    return replace(
        owing, state=FILED_IN_PART, first_filed_at=by.first_filed_at,
        late_by=max(late, by.late_by or timedelta(0)),
    )  # fmt: skip
