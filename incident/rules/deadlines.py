"""Clocks: which run, from when, until when.

The hours of GDPR art. 33(1) are elapsed hours: weekends, holidays and the change to summer time do not
stretch them. Everything is reckoned in UTC and `now` is always passed in. How many hours, and since
when, is dated data (`limits.toml`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

from incident.rules.awareness import Moment
from incident.rules.facts import Facts, NotificationPromise
from incident.rules.law import LAW, Law
from incident.rules.limits import Limit, Regime
from incident.rules.vocabulary import Tri

ClockKind: TypeAlias = Literal[
    "authority_notification",
    "subject_communication",
    "own_promise_authority",
    "own_promise_subjects",
    "notice_to_controller",
    "triage",
    "inquiry",
]

LAST_MOMENT = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """One running window. Instants are UTC.

    `starts_at` is None while the fact it starts at is unknown; `due_at` is None then, and where no figure
    is set ("without undue delay"). `latest_by_regulation_1182_71` is for the record, never planned by.
    """

    kind: ClockKind
    starts_at: datetime | None
    due_at: datetime | None
    basis: str
    hours: float | None = None
    latest_by_regulation_1182_71: datetime | None = None
    rules_version: str = LAW.version

    def remaining(self, now: datetime) -> timedelta | None:
        """Time left at `now`, negative once it has run out; None when there is no due time."""
        return None if self.due_at is None else self.due_at - now

    def is_late(self, now: datetime) -> bool:
        """Whether it has run out; exactly on the deadline is still in time (art. 33(1), second sentence)."""
        return self.due_at is not None and now > self.due_at


@dataclass(frozen=True, slots=True)
class Sum:
    """The reckoning behind a due time, in parts for a page to lay out; `text` is the plain line."""

    starts_at: datetime
    hours: float
    due_at: datetime

    @property
    def text(self) -> str:
        """The line as `2026-10-06 07:30 UTC + 72 h = 2026-10-09 07:30 UTC`."""
        return f"{_minute(self.starts_at)} + {self.hours:g} h = {_minute(self.due_at)}"


def explain(clock: Clock) -> Sum | None:
    """How the due time of a clock was reckoned; None when it has none."""
    if clock.starts_at is None or clock.due_at is None or clock.hours is None:
        return None
    return Sum(clock.starts_at, clock.hours, clock.due_at)


def after_hours(start: datetime, hours: float) -> datetime:
    """`start` and so many elapsed hours, in UTC; never past the last moment that can be written."""
    try:
        return start.astimezone(UTC) + timedelta(hours=hours)
    except OverflowError:
        return LAST_MOMENT


def latest_by_regulation_1182_71(start: datetime, hours: float) -> datetime:
    """The end of a period in hours when the hour of the event is not counted (art. 3(1) and (2)(a)).

    Authorities are not known to grant it; it stands in the record and no plan is made by it. Weekends and
    holidays change nothing: art. 3(4) speaks of periods other than in hours, and 3(5) is disputed.
    """
    return after_hours(start.astimezone(UTC).replace(minute=0, second=0, microsecond=0), hours + 1)


def notification_clock(
    aware: Moment | None, regimes: frozenset[Regime], *, now: datetime | None = None, law: Law = LAW
) -> Clock:
    """The controller's clock towards the authority (GDPR art. 33(1)): the shortest of the laws that apply.

    The hours are those of the day of awareness, for then the duty begins; while it is not known, of `now`.
    """
    at = aware.at if aware else None
    limits = [law.limit("authority_notification", regime, at or now) for regime in sorted(regimes)]
    limit = min(limits, key=_hours_or_endless)
    basis = f"{limit.provision}: {_figure(limit)} from awareness"
    if aware is None:
        basis += ", which is not known yet"
    elif aware.provisional:
        basis += f", provisionally taken from {aware.words}"
    clock = _clock("authority_notification", at, limit.hours, basis, law)
    if at is None or limit.hours is None:
        return clock
    return replace(clock, latest_by_regulation_1182_71=latest_by_regulation_1182_71(at, limit.hours))


def communication_clock(aware: Moment | None, *, now: datetime | None = None, law: Law = LAW) -> Clock:
    """The clock towards the people (GDPR art. 34(1)): no figure, as soon as reasonably feasible."""
    at = aware.at if aware else None
    limit = law.limit("subject_communication", "gdpr", at or now)
    return _clock("subject_communication", at, limit.hours, f"{limit.provision}: {_figure(limit)}", law)


def controller_notice_clock(
    facts: Facts,
    aware: Moment | None,
    *,
    agreed_hours: float | None = None,
    now: datetime | None = None,
    law: Law = LAW,
) -> Clock:
    """A processor's clock towards its controller (GDPR art. 33(2)): at once, whatever the risk.

    It runs from the processor's own awareness. The law has no figure; `agreed_hours` are those of the
    agreement with that controller (art. 28(3)), which the facts of an incident do not hold.
    """
    at = facts.timeline.aware_at or facts.timeline.processor_aware_at or (aware.at if aware else None)
    limit = law.limit("notice_to_controller", "gdpr", at or now)
    basis = f"{limit.provision}: {_figure(limit)}"
    if agreed_hours is not None:
        basis = f"{limit.provision}: without undue delay; {agreed_hours:g} h by agreement"
    hours = limit.hours if agreed_hours is None else agreed_hours
    return _clock("notice_to_controller", at, hours, basis, law)


def triage_clock(received_at: datetime, *, law: Law = LAW) -> Clock:
    """Our own clock for looking at a report at all, from its receipt."""
    limit = law.limit("triage", "own", received_at)
    basis = f"{limit.provision}: {_figure(limit)} from receipt"
    return _clock("triage", received_at, limit.hours, basis, law)


def inquiry_clock(tip_at: datetime, *, law: Law = LAW) -> Clock:
    """Our own clock for the short inquiry that a tip allows before one counts as aware.

    Guidelines 9/2022 want it to begin at once and to be short. By its end a named person fixes awareness,
    or writes why it is still not certain; until then the tip itself is the provisional one.
    """
    limit = law.limit("inquiry", "own", tip_at)
    return _clock("inquiry", tip_at, limit.hours, f"{limit.provision}: {_figure(limit)} from the tip", law)


def promise_applies(promise: NotificationPromise, facts: Facts, identifiable: Tri) -> bool:
    """Whether the organisation's own promise covers this incident; in doubt it does.

    A condition of the promise frees from it only when it is known not to be met.
    """
    if promise.only_if_identifiable and identifiable == "no":
        return False
    return not (promise.only_processor_breaches and facts.at_a_processor == "no")


def promise_clocks(
    promise: NotificationPromise, facts: Facts, aware: Moment | None, identifiable: Tri, *, law: Law = LAW
) -> list[Clock]:
    """The organisation's own promise, one clock for each audience it covers.

    A promise counted from the occurrence runs from the earliest plausible moment (`occurred_from`, also
    as an estimate). While that is unknown the clock is undetermined: no due time is invented.
    """
    from_occurrence = promise.starts_at == "occurrence"
    at = facts.timeline.occurred_from if from_occurrence else (aware.at if aware else None)
    basis = f"own promise: {promise.hours:g} h from {'the breach itself' if from_occurrence else 'awareness'}"
    if at is None:
        basis += ", which is not known yet"
    elif from_occurrence and facts.timeline.occurred_is_estimate:
        basis += ", estimated"
    elif aware and aware.provisional and not from_occurrence:
        basis += f", provisionally taken from {aware.words}"
    basis += "".join(f"; {condition}" for condition in _undecided(promise, facts, identifiable))
    kinds: dict[str, ClockKind] = {"authority": "own_promise_authority", "subjects": "own_promise_subjects"}
    return [_clock(kinds[audience], at, promise.hours, basis, law) for audience in promise.covers]


def _undecided(promise: NotificationPromise, facts: Facts, identifiable: Tri) -> Iterator[str]:
    if promise.only_if_identifiable and identifiable == "unknown":
        yield "whether identifiable data were compromised is not known yet"
    if promise.only_processor_breaches and facts.at_a_processor == "unknown":
        yield "whether it happened at a processor is not known yet"


def _clock(kind: ClockKind, at: datetime | None, hours: float | None, basis: str, law: Law) -> Clock:
    due = None if at is None or hours is None else after_hours(at, hours)
    return Clock(kind, at, due, basis, hours, rules_version=law.version)


def _hours_or_endless(limit: Limit) -> float:
    return float("inf") if limit.hours is None else limit.hours


def _figure(limit: Limit) -> str:
    return "without undue delay, no figure" if limit.hours is None else f"{limit.hours:g} h"


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
