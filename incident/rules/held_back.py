"""A processor that knew and did not say: awareness may be counted from earlier.

In principle a controller is aware once its processor has told it (Guidelines 9/2022 para 44). But who
would have known with proper measures cannot plead not knowing, and a controller answers for how quickly
its processors speak up (art. 28(3)(f)); authorities have counted from the day word should have come. So a
long silence is a warning for a person, and moves no clock by itself.
"""

from dataclasses import dataclass
from datetime import datetime

from incident.rules.awareness import Moment
from incident.rules.deadlines import after_hours
from incident.rules.facts import Facts
from incident.rules.law import LAW, Law


@dataclass(frozen=True, slots=True)
class HeldBack:
    """Who knew first and when, when we knew, and until when the authority could have been told in time.

    Instants are UTC. `by` is empty where the processor is not named. `allowed_hours` is what the agreement
    gives it, else our own default; `due_at` is the deadline counted from `knew_at`.
    """

    by: str
    knew_at: datetime
    told_at: datetime
    allowed_hours: float
    due_at: datetime

    @property
    def hours(self) -> float:
        """How long word was held back."""
        return (self.told_at - self.knew_at).total_seconds() / 3600

    @property
    def text(self) -> str:
        """The warning in a sentence."""
        return (
            f"{self.by or 'The processor'} knew {self.hours:.0f} h before we did;"
            f" {self.allowed_hours:g} h were allowed. An authority may count from {_minute(self.knew_at)},"
            f" and then the time ends {_minute(self.due_at)}."
        )


def held_back(
    facts: Facts, aware: Moment | None, *, agreed_hours: float | None = None, law: Law = LAW
) -> HeldBack | None:
    """The warning that a processor sat on it, or None where it did not or nobody says when it knew.

    Told too late is what comes after `agreed_hours`, or after our default where no agreement is known.
    """
    knew = _first_to_know(facts)
    if knew is None or aware is None or not facts.is_controller:
        return None
    by, knew_at = knew
    limit = law.limit("notice_to_controller", "own", knew_at)
    allowed = agreed_hours or limit.hours or 0
    if aware.at <= after_hours(knew_at, allowed):
        return None
    hours = law.limit("authority_notification", "gdpr", knew_at).hours or 0
    return HeldBack(by, knew_at, aware.at, allowed, after_hours(knew_at, hours))


def _first_to_know(facts: Facts) -> tuple[str, datetime] | None:
    knew = [(link.aware_at, link.name) for link in facts.chain if link.aware_at is not None]
    if facts.timeline.processor_aware_at is not None:
        knew.append((facts.timeline.processor_aware_at, facts.chain[0].name if facts.chain else ""))
    return min(((name, at) for at, name in knew), key=lambda each: each[1], default=None)


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
