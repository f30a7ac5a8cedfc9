"""Rows of law with the days between which they hold.

Hours, thresholds and memberships change by law, so they are rows of data with a first and a last day,
chosen by the moment they are asked about; code holds none of them.
"""

import tomllib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from importlib import resources
from typing import Any, Protocol, TypeVar


class Dated(Protocol):
    """A row that holds from one day to another, both included; None is without end."""

    @property
    def valid_from(self) -> date:
        """The first day."""

    @property
    def valid_to(self) -> date | None:
        """The last day."""


Row = TypeVar("Row", bound=Dated)


def holding_at(rows: Sequence[Row], moment: datetime) -> Row | None:
    """The row that holds on the UTC day of `moment`; None when none does."""
    day = moment.astimezone(UTC).date()
    for row in rows:
        if row.valid_from <= day and (row.valid_to is None or day <= row.valid_to):
            return row
    return None


def read_data(name: str) -> dict[str, Any]:
    """Read one of this package's own data files (TOML)."""
    return tomllib.loads(resources.files("incident.rules").joinpath(name).read_text("utf-8"))
