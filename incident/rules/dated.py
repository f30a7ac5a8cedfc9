"""Rows of law with the days between which they hold.

Hours, thresholds and memberships change by law, so they are rows of data with a first and a last day,
chosen by the moment they are asked about; code holds none of them. Data that cannot be relied on is
refused when it is read: an unknown word, a gap between two rows, or two that hold on the same day.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import resources
from itertools import pairwise
from tomllib import TOMLDecodeError, loads
from typing import Annotated, Any, Final, Literal, Protocol, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Certainty: TypeAlias = Literal["high", "medium", "low"]
Sentence: TypeAlias = Annotated[str, Field(min_length=1)]

DAY: Final = timedelta(days=1)


class RuleDataFault(ValueError):
    """Rule data that cannot be relied on; `faults` names each by file, row and member."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


class Folder(Protocol):
    """Where data files lie: a directory, or the inside of an installed package."""

    def joinpath(self, name: str, /) -> "File":
        """One of its files."""


class File(Protocol):
    """A data file, which need not be there."""

    def is_file(self) -> bool:
        """Whether it is there."""

    def read_text(self, encoding: str) -> str:
        """Its text."""


class DatedRow(BaseModel):
    """A row that holds from one day to another, both included, with where it was read and how sure it is.

    `valid_to` None is without end; `checked` is the day on which somebody last compared it with its source.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    valid_from: date
    valid_to: date | None = None
    source: Sentence
    certainty: Certainty
    checked: date

    def holds_on(self, day: date) -> bool:
        """Whether it is law on that day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


Row = TypeVar("Row", bound=DatedRow)


def holding_at(rows: Sequence[Row], moment: datetime) -> Row | None:
    """The row that holds on the UTC day of `moment`; None when none does."""
    day = moment.astimezone(UTC).date()
    return next((row for row in rows if row.holds_on(day)), None)


def terms_at(name: str, model: type[Row], moment: datetime) -> Row:
    """The row of "terms" in one of our data files that holds on the UTC day of `moment` (aware).

    Raises: RuleDataFault when none does, or the file is at fault.
    """
    rows: tuple[Row, ...] = _terms_of(name, model)
    found = holding_at(rows, moment)
    if found is None:
        raise RuleDataFault([f"{name}: no row holds on {moment.date()}"])
    return found


@cache
def _terms_of(name: str, model: type[Row]) -> tuple[Row, ...]:
    faults: list[str] = []
    rows = rows_of(read_data(name).get("terms"), model, name, faults)
    faults += breaks(rows, name)
    if faults:
        raise RuleDataFault(faults)
    return tuple(rows)


def read_data(name: str, folder: Folder | None = None) -> dict[str, Any]:
    """Read a data file (TOML) from `folder`, else this package's own; RuleDataFault when it is no TOML."""
    text = text_of(name, folder)
    try:
        return loads(text)
    except TOMLDecodeError as fault:
        raise RuleDataFault([f"{name}: {fault}"]) from None


def text_of(name: str, folder: Folder | None = None) -> str:
    """The text of a data file from `folder` where it lies there, else this package's own."""
    if folder is not None and (file := folder.joinpath(name)).is_file():
        return file.read_text("utf-8")
    return resources.files("incident.rules").joinpath(name).read_text("utf-8")


def rows_of(tables: object, model: type[Row], where: str, faults: list[str]) -> list[Row]:
    """Read an array of tables as rows of a kind; what is wrong with any of them is added to `faults`."""
    if not isinstance(tables, list):
        faults.append(f"{where}: an array of tables is expected")
        return []
    rows: list[Row] = []
    for number, table in enumerate(tables, start=1):
        try:
            rows.append(model.model_validate(table))
        except ValidationError as error:
            faults += [f"{where} {number}: {_told(fault)}" for fault in error.errors(include_url=False)]
    return rows


def _told(fault: Mapping[str, Any]) -> str:
    return f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"


def breaks(rows: Sequence[DatedRow], named: str) -> Iterator[str]:
    """Where rows that should follow one another do not: a gap, an overlap, an end with nothing after it."""
    ordered = sorted(rows, key=lambda row: row.valid_from)
    for row in ordered:
        if row.valid_to is not None and row.valid_to < row.valid_from:
            yield f"{named}: the row from {row.valid_from} ends before it begins"
    for before, after in pairwise(ordered):
        if before.valid_to is None or before.valid_to >= after.valid_from:
            yield f"{named}: two rows hold on {after.valid_from}"
        elif before.valid_to + DAY != after.valid_from:
            yield f"{named}: no row holds from {before.valid_to + DAY} to {after.valid_from - DAY}"
    if ordered and ordered[-1].valid_to is not None:
        yield f"{named}: no row holds after {ordered[-1].valid_to}"
