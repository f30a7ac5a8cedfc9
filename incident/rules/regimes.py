"""Regimes: under which law, promise or contract something is owed, in which stages, and reminded of when.

All of it is dated data (`regimes.toml`). A stage starts at an anchor of the incident or at the filing of the
stage before; a month is a month of the calendar; what names no figure has no due time, and ages.
"""

import calendar
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from incident.rules.dated import (
    DatedRow,
    Folder,
    RuleDataFault,
    Sentence,
    breaks,
    holding_at,
    read_data,
    rows_of,
)
from incident.rules.deadlines import LAST_MOMENT, after_hours

FILE: Final = "regimes.toml"
Anchor: TypeAlias = Literal["occurred", "detected", "aware", "reported", "classified", "previous"]
Unit: TypeAlias = Literal["hour", "month", "asap"]
Hours: TypeAlias = Annotated[float, Field(gt=0, le=8760, allow_inf_nan=False)]
Moments: TypeAlias = Mapping[str, datetime | None]
PREVIOUS: Final = "previous"


class Condition(BaseModel):
    """A fact, by its pointer, and the answers that bring a duty about; of a group any of its members."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    fact: Annotated[str, Field(pattern=r"^/[a-z_]+(/[a-z_]+)*$")]
    any_of: tuple[str, ...] = Field(strict=False, min_length=1)

    def holds(self, document: Mapping[str, Any]) -> bool:
        """Whether the facts do not rule it out: what is not known rules nothing out."""
        found: Any = document
        for part in self.fact.split("/")[1:]:
            found = found.get(part, "unknown") if isinstance(found, Mapping) else "unknown"
        answers = list(found.values()) if isinstance(found, Mapping) else [found]
        return not answers or any(each == "unknown" or each in self.any_of for each in answers)


class Regime(DatedRow):
    """One regime; `recipient` whom a neighbouring one tells, `question` what is decided of it."""

    key: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
    title: Sentence
    provision: Sentence
    clock: Sentence
    own_hours: bool = False
    ages: bool = False
    drafts: bool = False
    neighbour: bool = False
    recipient: str = ""
    question: str = ""
    only_if: tuple[Condition, ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _neighbours_are_whole(self) -> Self:
        if self.neighbour and not (self.recipient and self.question):
            raise ValueError("a neighbour names its recipient and its question")
        return self

    def applies(self, document: Mapping[str, Any]) -> bool:
        """Whether the facts (a document of the contract) do not rule it out."""
        return all(each.holds(document) for each in self.only_if)


class Stage(DatedRow):
    """One stage: `amount` units from its anchor, and at most `cap_amount` hours from another."""

    regime: Sentence
    number: Annotated[int, Field(ge=1, le=9)]
    key: Annotated[str, Field(pattern=r"^[a-z]{1,40}$")]
    title: Sentence
    provision: Sentence
    anchor: Anchor
    unit: Unit
    amount: Hours | None = None
    cap_anchor: Anchor | None = None
    cap_amount: Hours | None = None

    @model_validator(mode="after")
    def _figures_fit(self) -> Self:
        if (self.amount is None) != (self.unit == "asap"):
            raise ValueError("hours and months have an amount, asap has none")
        if (self.cap_anchor is None) != (self.cap_amount is None):
            raise ValueError("a cap names its anchor and its hours")
        if self.unit == "month" and self.amount != int(self.amount or 0):
            raise ValueError("months are whole")
        return self

    def window(self, moments: Moments) -> tuple[datetime | None, datetime | None]:
        """From when and until when it runs, in UTC; None for what is not known or not named.

        `moments` are the anchors; of two that count the earlier end holds, and what is not known yet does
        not count.
        """
        at = moments.get(self.anchor)
        ends = [self._end(at)] if at else []
        starts = [at] if at else []
        if self.cap_anchor and (cap := moments.get(self.cap_anchor)):
            starts.append(cap)
            ends.append(after_hours(cap, self.cap_amount or 0))
        due = min((each for each in ends if each), default=None)
        return min(starts, default=None), due

    def _end(self, at: datetime) -> datetime | None:
        if self.unit == "asap" or self.amount is None:
            return None
        return after_months(at, int(self.amount)) if self.unit == "month" else after_hours(at, self.amount)

    def terms(self) -> dict[str, Any]:
        """What is copied onto the row of a stage, as JSON values."""
        return {
            "title": self.title, "anchor": self.anchor, "unit": self.unit, "amount": self.amount,
            "cap_anchor": self.cap_anchor, "cap_amount": self.cap_amount, "source": self.source,
            "certainty": self.certainty,
        }  # fmt: skip

    @classmethod
    def of_terms(cls, key: str, number: int, provision: str, terms: Mapping[str, Any]) -> "Stage":
        """A stage as it was copied onto a row: what the law was then."""
        day = datetime.min.replace(tzinfo=UTC).date()
        return cls(
            regime="copied", key=key, number=number, provision=provision, valid_from=day, checked=day, **terms
        )


class Ladder(DatedRow):
    """When a duty is spoken of; all figures are hours."""

    before: tuple[Hours, ...] = Field(strict=False, min_length=1)
    page_from: Hours
    overdue_every: Hours
    ages_every: Hours
    draft_before: Hours
    reasons_before: Hours


@dataclass(frozen=True, slots=True)
class Regimes:
    """All dated rows, each series in order and without a gap."""

    regimes: Mapping[str, tuple[Regime, ...]]
    rows_of_stages: Mapping[tuple[str, int], tuple[Stage, ...]]
    ladders: tuple[Ladder, ...]

    def regime(self, key: str, moment: datetime) -> Regime | None:
        """The regime that holds at `moment`; before its first row that row; None for an unknown key."""
        rows = self.regimes.get(key, ())
        return holding_at(rows, moment) or next(iter(rows), None)

    def in_force(self, key: str, moment: datetime) -> bool:
        """Whether a row of it holds at `moment`."""
        return holding_at(self.regimes.get(key, ()), moment) is not None

    def stages(self, regime: str, moment: datetime) -> list[Stage]:
        """Its stages at `moment`, in their order."""
        mine = [self.rows_of_stages[each] for each in sorted(self.rows_of_stages) if each[0] == regime]
        return [holding_at(rows, moment) or rows[0] for rows in mine]

    def ladder(self, moment: datetime) -> Ladder:
        """The ladder that holds at `moment`."""
        return holding_at(self.ladders, moment) or self.ladders[0]

    def neighbours(self, moment: datetime) -> list[Regime]:
        """The regimes that an organisation may switch on, as they hold at `moment`."""
        rows = (holding_at(each, moment) for each in self.regimes.values())
        return [each for each in rows if each and each.neighbour]

    def own_hours(self, key: str) -> bool:
        """Whether each duty of it has hours of its own."""
        return any(each.own_hours for each in self.regimes.get(key, ()))


def after_months(start: datetime, months: int) -> datetime:
    """`start` and so many months of the calendar, in UTC: 31 January and one is the last of February."""
    at = start.astimezone(UTC)
    years, month = divmod(at.month - 1 + months, 12)
    if at.year + years > LAST_MOMENT.year:
        return LAST_MOMENT
    last = calendar.monthrange(at.year + years, month + 1)[1]
    return at.replace(year=at.year + years, month=month + 1, day=min(at.day, last))


def read_regimes(folder: Folder | None = None) -> Regimes:
    """Read the dated rows; a file that lies in `folder` stands before our own.

    Raises RuleDataFault naming every fault.
    """
    faults: list[str] = []
    data = read_data(FILE, folder)
    faults += [f"{FILE}: {name} is unknown" for name in sorted(set(data) - {"ladder", "regime", "stage"})]
    regimes = rows_of(data.get("regime", []), Regime, f"{FILE} regime", faults)
    stages = rows_of(data.get("stage", []), Stage, f"{FILE} stage", faults)
    ladders = rows_of(data.get("ladder", []), Ladder, f"{FILE} ladder", faults)
    found = Regimes(
        _series(regimes, lambda row: row.key), _series(stages, lambda row: (row.regime, row.number)),
        tuple(sorted(ladders, key=lambda row: row.valid_from)),
    )  # fmt: skip
    faults += _faults(found)
    if faults:
        raise RuleDataFault(faults)
    return found


def _series(rows: Sequence[Any], name: Any) -> dict[Any, tuple[Any, ...]]:
    found: dict[Any, list[Any]] = {}
    for row in sorted(rows, key=lambda each: each.valid_from):
        found.setdefault(name(row), []).append(row)
    return {each: tuple(rows) for each, rows in found.items()}


def _faults(found: Regimes) -> Iterator[str]:
    if not found.ladders:
        yield f"{FILE}: there is no ladder"
    yield from (f"{FILE}: {each}" for each in breaks(found.ladders, "the ladder"))
    for key, rows in found.regimes.items():
        yield from (f"{FILE}: {each}" for each in breaks(rows, key))
        if any(row.neighbour for row in rows) and not any(each[0] == key for each in found.rows_of_stages):
            yield f"{FILE}: {key} is a neighbour without stages"
    for (key, number), stages in found.rows_of_stages.items():
        yield from (f"{FILE}: {each}" for each in breaks(stages, f"{key} stage {number}"))
        if key not in found.regimes:
            yield f"{FILE}: a stage names {key}, which is no regime"
        if number == 1 and any(each.anchor == PREVIOUS for each in stages):
            yield f"{FILE}: the first stage of {key} has none before it"


REGIMES: Final = read_regimes()
