"""When the organisation became aware: the moment the 72 hours run from.

Aware is who is reasonably certain that personal data were compromised (Guidelines 9/2022, paras 31-34);
not who knows the full extent, and not who has concluded that it must be notified. That moment is fixed by
a named person with a reason. Until then a provisional one is taken from the times that are known, so that
no report is without a running clock.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

from incident.rules.facts import Facts

AwarenessSource: TypeAlias = Literal["aware_at", "informed_at", "received_at", "detected_at", "told_next_at"]


WORDS: Final[dict[AwarenessSource, str]] = {
    "aware_at": "what was stated",
    "informed_at": "when we were told",
    "received_at": "the receipt of the report",
    "detected_at": "the detection",
    "told_next_at": "when the processor says it told us",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of awareness (UTC), the fact it was read from, and whether a person still has to fix it."""

    at: datetime
    source: AwarenessSource

    @property
    def words(self) -> str:
        """What it was read from, as a reader says it."""
        return WORDS[self.source]

    @property
    def provisional(self) -> bool:
        """Whether nobody has stated it as the moment of awareness."""
        return self.source != "aware_at"


def awareness(
    facts: Facts, *, received_at: datetime | None = None, from_processor: bool = False
) -> Moment | None:
    """The moment of awareness by the facts; None when no time is known at all.

    Stated awareness counts. Without it, a controller is aware once its processor has told it (9/2022,
    para 44): `informed_at`, else the receipt of that report. Otherwise it is the detection; failing that
    too, whatever earliest telling is known.

    `received_at` (UTC) is when our installation took the report in. `from_processor` is for facts exactly
    as a processor told them: it may not put our awareness later than the receipt of its own report.
    """
    moment = _stated_or_told(facts, received_at, from_processor=from_processor) or _otherwise(
        facts, received_at
    )
    if from_processor and received_at is not None and moment is not None and moment.at > received_at:
        return Moment(received_at, "received_at")
    return moment


def _stated_or_told(facts: Facts, received_at: datetime | None, *, from_processor: bool) -> Moment | None:
    times = facts.timeline
    if times.aware_at is not None:
        return Moment(times.aware_at, "aware_at")
    if not (from_processor or facts.at_a_processor == "yes" or times.processor_aware_at is not None):
        return None
    if times.informed_at is not None:
        return Moment(times.informed_at, "informed_at")
    return None if received_at is None else _earlier_of_receipt_and_telling(facts, received_at)


def _earlier_of_receipt_and_telling(facts: Facts, received_at: datetime) -> Moment:
    # A processor that says it telephoned before it posted has told us then: the earlier moment counts.
    told = _told_next(facts)
    if told is not None and told < received_at:
        return Moment(told, "told_next_at")
    return Moment(received_at, "received_at")


def _otherwise(facts: Facts, received_at: datetime | None) -> Moment | None:
    candidates: tuple[tuple[datetime | None, AwarenessSource], ...] = (
        (facts.timeline.detected_at, "detected_at"),
        (_told_next(facts), "told_next_at"),
        (facts.timeline.informed_at, "informed_at"),
        (received_at, "received_at"),
    )
    return next((Moment(at, source) for at, source in candidates if at is not None), None)


def _told_next(facts: Facts) -> datetime | None:
    return facts.chain[0].told_next_at if facts.chain else None
