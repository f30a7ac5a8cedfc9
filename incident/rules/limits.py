"""The time limits of the law, read from dated rows."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal, TypeAlias

from incident.rules.dated import holding_at, read_data

Regime: TypeAlias = Literal["gdpr", "uk_gdpr", "swiss", "own"]

LimitKind: TypeAlias = Literal[
    "authority_notification", "subject_communication", "notice_to_controller", "triage"
]


@dataclass(frozen=True, slots=True)
class Limit:
    """One dated time limit; `hours` is None where the law names no figure."""

    kind: LimitKind
    regime: Regime
    threshold: Literal["none", "risk", "high"]
    provision: str
    source: str
    certainty: Literal["high", "medium", "low"]
    valid_from: date
    valid_to: date | None = None
    hours: float | None = None


_DATA: Final = read_data("limits.toml")

RULES_VERSION: Final[str] = _DATA["version"]
LIMITS: Final = tuple(Limit(**row) for row in _DATA["limit"])
_ROWS: Final = {
    (kind, regime): tuple(row for row in LIMITS if (row.kind, row.regime) == (kind, regime))
    for kind, regime in {(row.kind, row.regime) for row in LIMITS}
}


def limit_at(kind: LimitKind, regime: Regime, moment: datetime | None) -> Limit:
    """The limit of a kind that holds at `moment`.

    A moment before the first row, or none at all, gets the nearest row: a date typed wrong by years
    must not leave a duty without its deadline.
    """
    rows = _ROWS[kind, regime]
    if moment is None:
        return rows[-1]
    return holding_at(rows, moment) or (rows[0] if moment.date() < rows[0].valid_from else rows[-1])
