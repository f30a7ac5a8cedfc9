"""The scorecard of a processor: how soon it told on, by how much it was held to, and how it keeps in touch.

Few numbers, said as they are: out of one incident nothing is made but that one, and what is not known is
counted as not known, never as good or bad.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from incident.rules.instants import Telling

ENOUGH: Final = 2  # from so many on a median says more than the numbers themselves
OLD_TEST: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Material:
    """What is counted of one processor. `tellings` has one for each incident, also of unknown length.

    `stale_contacts` is None where nobody keeps its contacts. Instants are UTC.
    """

    tellings: Sequence[Telling]
    incidents: int
    still_open: int
    reports: int
    updates: int
    tests: int
    faulty: int
    tested_at: datetime | None
    stale_contacts: int | None = None


@dataclass(frozen=True, slots=True)
class Scorecard:
    """The numbers of one processor; hours are from knowing to telling on.

    `median_hours` is None while fewer than two lengths are known; `in_time` of `known` were within the
    hours of the agreement, or our default where it names none: `allowed` are these hours, the same for all
    or None. `unknown` are those of which nobody has said when it knew or told.
    """

    known: int
    unknown: int
    median_hours: float | None
    worst_hours: float | None
    in_time: int
    allowed: float | None
    agreed: bool
    incidents: int
    still_open: int
    reports: int
    updates: int
    tests: int
    faulty: int
    tested_at: datetime | None
    stale_contacts: int | None

    def test_is_old(self, now: datetime) -> bool:
        """Whether the last test of its connection is more than a year ago, or there never was one."""
        return self.tested_at is None or now - self.tested_at > OLD_TEST


def scorecard(material: Material) -> Scorecard:
    """Count."""
    lengths = [each.hours for each in material.tellings if each.hours is not None]
    allowed = {each.allowed for each in material.tellings}
    return Scorecard(
        known=len(lengths), unknown=len(material.tellings) - len(lengths),
        median_hours=median(lengths) if len(lengths) >= ENOUGH else None,
        worst_hours=max(lengths, default=None),
        in_time=sum(each.late is False for each in material.tellings),
        allowed=next(iter(allowed)) if len(allowed) == 1 else None,
        agreed=bool(material.tellings) and all(each.agreed for each in material.tellings),
        incidents=material.incidents, still_open=material.still_open, reports=material.reports,
        updates=material.updates, tests=material.tests, faulty=material.faulty,
        tested_at=material.tested_at, stale_contacts=material.stale_contacts,
    )  # fmt: skip
