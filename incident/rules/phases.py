"""Phases of a notification: first, further, final, correction, withdrawal (GDPR art. 33(4))."""

from collections.abc import Collection
from enum import StrEnum


class Phase(StrEnum):
    """Which of several notifications to one authority it is."""

    INITIAL = "initial"
    FURTHER = "further"  # what was not known before; more may follow
    FINAL = "final"  # nothing follows any more: it ends the duty
    CORRECTION = "correction"  # what was said before was not so
    WITHDRAWAL = "withdrawal"  # there was nothing to notify, for a reason that two people stand behind

    @property
    def is_follow_up(self) -> bool:
        """Whether it goes to an authority that has been notified already."""
        return self is not Phase.INITIAL

    @property
    def ends(self) -> bool:
        """Whether nothing may follow it."""
        return self in (Phase.FINAL, Phase.WITHDRAWAL)


def phase_of(*, answered_before: Collection[bool], parts_are_owed: bool) -> Phase:
    """What a follow-up is that changes these answers; each says whether it was answered before.

    While parts are owed it is a further notification, as it is when anything new is told; where only what
    was told before changes, it is a correction.
    """
    only_changes = bool(answered_before) and all(answered_before)
    return Phase.CORRECTION if only_changes and not parts_are_owed else Phase.FURTHER
