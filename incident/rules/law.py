"""The law as data: limits, authorities, places, read from one folder and checked as a whole.

Everything here can change without code: `read_law` takes a folder whose files stand before our own, so
that a proposal can be tried before it is law. The version names exactly the data that was used.
"""

import hashlib
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from importlib import resources
from typing import Annotated, Final, TypeAlias, TypeVar

from pydantic import Field

from incident.rules.dated import (
    DatedRow,
    Folder,
    RuleDataFault,
    Sentence,
    breaks,
    holding_at,
    read_data,
    rows_of,
    text_of,
)
from incident.rules.limits import Limit, LimitKind, Regime

Code: TypeAlias = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Key: TypeAlias = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)*$")]
Row = TypeVar("Row", bound=DatedRow)
Name = TypeVar("Name", bound=Hashable)

TABLES: Final[Mapping[str, frozenset[str]]] = {
    "limits.toml": frozenset({"limit"}),
    "authorities.toml": frozenset({"authority", "territory", "regional"}),
}
# Every duty that clocks are reckoned for has a row, whatever its hours.
NEEDED: Final[tuple[tuple[LimitKind, Regime], ...]] = (
    ("authority_notification", "gdpr"), ("authority_notification", "uk_gdpr"),
    ("authority_notification", "swiss"), ("subject_communication", "gdpr"), ("notice_to_controller", "gdpr"),
    ("notice_to_controller", "own"), ("inquiry", "own"), ("triage", "own"),
)  # fmt: skip


class Membership(DatedRow):
    """Which authority answers for a country, under which law; `question` is what a person must say.

    `by_effect`: the law applies to whatever has an effect in the country, not to seat and offers alone.
    """

    country: Code
    key: Key
    regime: Regime
    one_stop_shop: bool
    by_effect: bool = False
    question: str = ""
    question_to_public_bodies: bool = False


class Territory(DatedRow):
    """A place with a code of its own: it answers to a country, or has a law of its own (a question)."""

    code: Code
    answers_to: Code | None = None
    question: str = ""
    question_to_public_bodies: bool = False


class Regional(DatedRow):
    """An authority inside a country, for a person to choose."""

    of: Code
    code: Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z]+)*$")]
    short: Sentence
    web: str = ""
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which risk on the duties exist: towards authorities by each law that applies, and people."""

    authority: tuple[Limit, ...]
    people: Limit


@dataclass(frozen=True, slots=True)
class Law:
    """All dated rows, each series in order and without a gap, and the version that names them."""

    limits: Mapping[tuple[LimitKind, Regime], tuple[Limit, ...]]
    memberships: Mapping[str, tuple[Membership, ...]]
    territories: Mapping[str, tuple[Territory, ...]]
    regional: Mapping[str, tuple[Regional, ...]]
    checked: date
    version: str

    def limit(self, kind: LimitKind, regime: Regime, moment: datetime | None) -> Limit:
        """The limit of a kind that holds at `moment`, or on the day the data was checked when it is None.

        A moment before the first row gets that row: a date typed wrong by years must not leave a duty
        without its deadline.
        """
        rows = self.limits[kind, regime]
        return self._holding(rows, moment) or rows[0]

    def thresholds(self, regimes: Iterable[Regime], moment: datetime | None) -> Thresholds:
        """The thresholds that hold at `moment` under these laws."""
        return Thresholds(
            authority=tuple(self.limit("authority_notification", each, moment) for each in sorted(regimes)),
            people=self.limit("subject_communication", "gdpr", moment),
        )

    def membership(self, country: str, moment: datetime | None) -> Membership | None:
        """Which authority answers for a country at `moment`; None where we know of none.

        A place that belongs to a country has its authority. Before its first row a country has that row.
        """
        rows = self.memberships.get(self.home(country, moment), ())
        return self._holding(rows, moment) or next(iter(rows), None)

    def home(self, country: str, moment: datetime | None) -> str:
        """The country that a place answers to, else the place itself."""
        place = self.territory(country, moment)
        return place.answers_to if place and place.answers_to else country

    def territory(self, code: str, moment: datetime | None) -> Territory | None:
        """What is known of a place that is no country of its own; None for all others."""
        rows = self.territories.get(code, ())
        return self._holding(rows, moment) or next(iter(rows), None)

    def _holding(self, rows: tuple[Row, ...], moment: datetime | None) -> Row | None:
        if moment is not None:
            return holding_at(rows, moment)
        return next((row for row in rows if row.holds_on(self.checked)), None)


def read_law(folder: Folder | None = None) -> Law:
    """Read the dated rows; a file that lies in `folder` stands before our own of that name.

    Raises RuleDataFault naming every fault: what the schema refuses, gaps, overlaps, a duty without rows.
    """
    faults: list[str] = []
    limits = _read("limits.toml", "limit", Limit, folder, faults)
    authorities = _read("authorities.toml", "authority", Membership, folder, faults)
    territories = _read("authorities.toml", "territory", Territory, folder, faults)
    regional = _read("authorities.toml", "regional", Regional, folder, faults)
    checked = max((row.checked for row in (*limits, *authorities)), default=date.min)
    law = Law(
        limits=_series(limits, lambda row: (row.kind, row.regime)),
        memberships=_series(authorities, lambda row: row.country),
        territories=_series(territories, lambda row: row.code),
        regional=_series(regional, lambda row: row.of),
        checked=checked,
        version=f"{checked}.{_fingerprint(folder)}",
    )
    faults += _incoherent(law)
    if faults:
        raise RuleDataFault(faults)
    return law


def _read(name: str, table: str, model: type[Row], folder: Folder | None, faults: list[str]) -> list[Row]:
    data = read_data(name, folder)
    if unknown := sorted(set(data) - TABLES[name]):
        faults.append(f"{name}: there are no tables called {', '.join(unknown)}")
    return rows_of(data.get(table, []), model, f"{name}: {table}", faults)


def _series(rows: Iterable[Row], key: Callable[[Row], Name]) -> dict[Name, tuple[Row, ...]]:
    """Rows that belong together, each series in the order of its days."""
    found: dict[Name, list[Row]] = {}
    for row in sorted(rows, key=lambda row: row.valid_from):
        found.setdefault(key(row), []).append(row)
    return {name: tuple(series) for name, series in found.items()}


def _incoherent(law: Law) -> Iterator[str]:
    for (kind, regime), limits in law.limits.items():
        yield from breaks(limits, f"limits.toml: {kind} of {regime}")
    for country, memberships in law.memberships.items():
        yield from breaks(memberships, f"authorities.toml: authority of {country}")
    for code, places in law.territories.items():
        yield from breaks(places, f"authorities.toml: territory {code}")
        if code in law.memberships:
            yield f"authorities.toml: territory {code} has an authority of its own already"
        for home in {place.answers_to for place in places} - {None, *law.memberships}:
            yield f"authorities.toml: territory {code} answers to {home}, which has no authority"
    for kind, regime in NEEDED:
        if (kind, regime) not in law.limits:
            yield f"limits.toml: there is no {kind} of {regime}"


def _fingerprint(folder: Folder | None) -> str:
    """Eight hexadecimal digits that change with any rule data, ENISA's included."""
    names = sorted(file.name for file in resources.files("incident.rules").iterdir())
    texts = (f"{name}\0{text_of(name, folder)}\0" for name in names if name.endswith(".toml"))
    return hashlib.sha256("".join(texts).encode()).hexdigest()[:8]


# As installed; and what stands for an incident of which neither places nor times are known.
LAW: Final = read_law()
GDPR_THRESHOLDS: Final = LAW.thresholds(["gdpr"], None)
