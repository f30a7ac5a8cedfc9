"""Watching ourselves: when a probe is due, what became of it, what each light of tonight says.

A probe is a canary or a test page. It is about `probe/<organisation>`, and so no part of any statistics.
"""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any, Final

PROBE: Final = "probe/"  # what the chains of probes begin with; the ledger has none of them


class Light(StrEnum):
    """How well one thing stands, as a traffic light."""

    GREEN = "green"
    YELLOW = "yellow"  # see to it soon
    RED = "red"  # tonight may fail


class Verdict(StrEnum):
    """What became of a probe."""

    WAITING = "waiting"
    ARRIVED = "arrived"  # and, where an answer is wanted, answered
    LATE = "late"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Terms:
    """The figures of data/watching.toml as lengths of time and shares."""

    canary_every: timedelta
    canary_late: timedelta
    told_again: timedelta
    told_at_most: timedelta
    page_every: timedelta
    answer_within: timedelta
    kept: timedelta
    heartbeat_every: timedelta
    heartbeat_limit: timedelta
    heartbeat_unheard: timedelta
    plan_every: timedelta
    plan_late: timedelta
    plan_again: timedelta
    plans_at_once: int
    plan_kept: timedelta
    plan_mail_every: timedelta
    plan_on_call: timedelta
    gaps_within: timedelta
    gap_red: timedelta
    stuck: timedelta
    skew: timedelta
    disk_red: float
    disk_yellow: float
    certificate_red: timedelta
    certificate_yellow: timedelta
    call: timedelta
    clock_silent: timedelta
    waits: dict[str, timedelta]
    probe_missing: int


@cache
def terms() -> Terms:
    """The figures in force. Raises: KeyError, tomllib.TOMLDecodeError for a file that is not whole."""
    text = resources.files("notifications").joinpath("data/watching.toml").read_text("utf-8")
    return terms_of(tomllib.loads(text))


def terms_of(told: dict[str, Any]) -> Terms:
    """The figures of a document such as data/watching.toml. Raises: KeyError naming what is missing."""
    canary, page, beat = told["canary"], told["test_page"], told["heartbeat"]
    plan, ready = told["plan"], told["ready"]
    return Terms(
        canary_every=timedelta(minutes=canary["every_minutes"]),
        canary_late=timedelta(minutes=canary["late_after_minutes"]),
        told_again=timedelta(hours=canary["again_after_hours"]),
        told_at_most=timedelta(minutes=canary["at_most_every_minutes"]),
        page_every=timedelta(minutes=page["every_minutes"]),
        answer_within=timedelta(minutes=page["answer_within_minutes"]),
        kept=timedelta(days=told["probes"]["keep_days"]),
        heartbeat_every=timedelta(seconds=beat["every_seconds"]),
        heartbeat_limit=timedelta(seconds=beat["limit_seconds"]),
        heartbeat_unheard=timedelta(minutes=beat["unheard_after_minutes"]),
        plan_every=timedelta(minutes=plan["every_minutes"]),
        plan_late=timedelta(minutes=plan["late_after_minutes"]),
        plan_again=timedelta(minutes=plan["again_after_minutes"]),
        plans_at_once=plan["at_once"],
        plan_kept=timedelta(days=plan["keep_days"]),
        plan_mail_every=timedelta(hours=plan["mail_every_hours"]),
        plan_on_call=timedelta(hours=plan["on_call_hours"]),
        gaps_within=timedelta(days=ready["gap_days"]),
        gap_red=timedelta(hours=ready["gap_red_hours"]),
        stuck=timedelta(seconds=ready["stuck_seconds"]),
        skew=timedelta(seconds=ready["skew_seconds"]),
        disk_red=ready["disk_red_share"],
        disk_yellow=ready["disk_yellow_share"],
        certificate_red=timedelta(days=ready["certificate_red_days"]),
        certificate_yellow=timedelta(days=ready["certificate_yellow_days"]),
        call=timedelta(seconds=ready["call_seconds"]),
        clock_silent=timedelta(seconds=ready["clock_silent_seconds"]),
        waits={kind: timedelta(seconds=seconds) for kind, seconds in ready["longest_wait_seconds"].items()},
        probe_missing=ready["probes_missing"],
    )


def longest_wait(kind: str) -> timedelta:
    """How long a message of a kind that is due may wait before something is wrong."""
    waits = terms().waits
    return waits.get(kind, waits["other"])


def is_probe(about: str) -> bool:
    """Whether a chain is that of probes: it is counted nowhere, and the ledger keeps nothing of it."""
    return about.startswith(PROBE)


def is_due(last: datetime | None, every: timedelta, now: datetime) -> bool:
    """Whether the next one goes: the first at once, then each `every`; never because two times are equal."""
    return last is None or now - last >= every


def slot(now: datetime, every: timedelta) -> int:
    """A number that two processes which find the same probe due agree on."""
    return int(now.timestamp() // every.total_seconds())


def verdict(
    *, sent_at: datetime, arrived_at: datetime | None, gave_up: bool, within: timedelta, now: datetime
) -> Verdict:
    """What became of a probe that had to arrive, or be answered, `within` so long."""
    if arrived_at is not None:
        return Verdict.ARRIVED
    if gave_up:
        return Verdict.FAILED
    return Verdict.LATE if now - sent_at > within else Verdict.WAITING


def is_told_again(last_told: datetime | None, well_since: datetime | None, now: datetime) -> bool:
    """Whether people hear of a probe that failed: once, and again when it lasts or after it was well.

    `well_since` is when one last came through. Where it comes and goes, they hear of it once an hour.
    """
    if last_told is None:
        return True
    was_well = well_since is not None and well_since > last_told
    return now - last_told >= (terms().told_at_most if was_well else terms().told_again)


def worst(lights: Iterable[Light]) -> Light:
    """The worst of several; green of none."""
    order = (Light.RED, Light.YELLOW)
    seen = set(lights)
    return next((each for each in order if each in seen), Light.GREEN)


def light_of_gap(starts_at: datetime, now: datetime) -> Light:
    """How soon nobody would be on call."""
    return Light.RED if starts_at - now <= terms().gap_red else Light.YELLOW


def light_of_disk(free_share: float) -> Light:
    """How much room is left, as a share of the disk from 0 to 1."""
    if free_share < terms().disk_red:
        return Light.RED
    return Light.YELLOW if free_share < terms().disk_yellow else Light.GREEN


def light_of_certificate(ends_at: datetime, now: datetime) -> Light:
    """How soon browsers, providers and processors refuse our address."""
    left = ends_at - now
    if left <= terms().certificate_red:
        return Light.RED
    return Light.YELLOW if left <= terms().certificate_yellow else Light.GREEN


def light_of_probes(verdicts: Sequence[Verdict]) -> Light:
    """What the latest probes of one way say, the newest first: one that still waits says nothing yet."""
    known = next((each for each in verdicts if each is not Verdict.WAITING), None)
    if known is None:
        return Light.YELLOW
    return Light.GREEN if known is Verdict.ARRIVED else Light.RED


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be right tonight: what, how it stands, what to do, and where (a path, or none)."""

    key: str
    light: Light
    what: str
    says: str
    mend: str = ""
    path: str = ""
    of: str = ""  # the organisation's name; empty for the whole installation


def sorted_checks(checks: Iterable[Check]) -> list[Check]:
    """The worst first, else in their order."""
    order = (Light.RED, Light.YELLOW, Light.GREEN)
    return sorted(checks, key=lambda each: order.index(each.light))
