"""The spans and limits of paging, as dated rows in `notifications/data/escalation.toml`."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[1] / "data" / "escalation.toml"


@dataclass(frozen=True, slots=True)
class Quiet:
    """How long an acknowledgement quiets a page, and whom it asks first when it comes back."""

    share: float
    shortest: timedelta
    longest: timedelta
    without_deadline: timedelta
    taker: timedelta
    offer: timedelta


@dataclass(frozen=True, slots=True)
class Rounds:
    """How often a policy is gone through, and what comes after."""

    rounds: int
    step: timedelta
    wider: timedelta
    most_steps: int


@dataclass(frozen=True, slots=True)
class Limits:
    """How many messages a person gets by each way; `ways` has per channel (span, count)."""

    urgent: timedelta
    alone: int
    alone_within: timedelta
    gather: timedelta
    longest: timedelta
    named: int
    ways: Mapping[str, tuple[tuple[timedelta, int], ...]]


@dataclass(frozen=True, slots=True)
class Reminders:
    """How many reminders that can wait a person gets by themselves."""

    alone: int
    within: timedelta
    gather: timedelta


def quiet(now: datetime) -> Quiet:
    """The row of quiet spans in force."""
    row = _row("quiet", now)
    return Quiet(
        float(row["share"]), _minutes(row, "shortest"), _minutes(row, "longest"),
        _minutes(row, "without_deadline"), _minutes(row, "taker"), _minutes(row, "offer"),
    )  # fmt: skip


def rounds(now: datetime) -> Rounds:
    """The row of rounds in force."""
    row = _row("rounds", now)
    return Rounds(row["rounds"], _minutes(row, "step"), _minutes(row, "wider"), row["most_steps"])


def limits(now: datetime) -> Limits:
    """The row of limits in force."""
    row = _row("limits", now)
    ways = {
        channel: tuple((timedelta(minutes=span), count) for span, count in windows)
        for channel, windows in row["ways"].items()
    }
    return Limits(
        timedelta(hours=row["urgent_hours"]), row["alone"], _minutes(row, "alone"),
        timedelta(seconds=row["gather_seconds"]), _minutes(row, "longest"), row["named"], ways,
    )  # fmt: skip


def reminders(now: datetime) -> Reminders:
    """The row of reminders in force."""
    row = _row("reminders", now)
    return Reminders(row["alone"], timedelta(minutes=row["minutes"]), _minutes(row, "gather"))


def _minutes(row: Mapping[str, Any], name: str) -> timedelta:
    return timedelta(minutes=row[f"{name}_minutes"])


def _row(table: str, now: datetime) -> Mapping[str, Any]:
    return _on(table, now.date())


@cache
def _tables() -> Mapping[str, Sequence[Mapping[str, Any]]]:
    with FILE.open("rb") as file:
        return tomllib.load(file)


@cache
def _on(table: str, day: date) -> Mapping[str, Any]:
    """The row that holds on a day (UTC): the latest that has begun, else the first; no day is without."""
    rows = sorted(_tables()[table], key=lambda row: row["valid_from"])
    begun = [row for row in rows if row["valid_from"] <= day]
    return (begun or rows)[-1 if begun else 0]
