"""What the rules on risk measure by: figures and kinds of data, read from `risk.toml` and checked.

The figures are ours and say so; none of them is law.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Final, Literal, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from incident.rules.dated import DatedRow, Folder, RuleDataFault, breaks, read_data, rows_of
from incident.rules.vocabulary import DataCategory, Reveals

FILE: Final = "risk.toml"

MeasureName: TypeAlias = Literal[
    "few_people",
    "few_recipients",
    "people_shown_to_a_trusted_recipient",
    "very_many_people",
    "back_soon_hours",
    "care_without_data_hours",
]
KindsName: TypeAlias = Literal[
    "plain",
    "moderate",
    "of_nobody",
    "published",
    "special",
    "identity",
    "money",
    "depended_on",
    "identifying",
]
Points: TypeAlias = Annotated[int, Field(ge=0, le=4)]


class Measure(DatedRow):
    """One figure, with the published examples that it was chosen between."""

    name: MeasureName
    value: Annotated[float, Field(strict=False, ge=0, allow_inf_nan=False)]


class Portrait(BaseModel):
    """How many points a kind of data, or what it lets a reader infer, tells of a life; what is enough."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    enough: Points
    kinds: dict[DataCategory, Points]
    reveals: dict[Reveals, Points]


class _File(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    kinds: dict[KindsName, list[DataCategory]]
    portrait: Portrait


@dataclass(frozen=True, slots=True)
class Measures:
    """The figures by name, the kinds of data by what may be done with them, the points of a portrait."""

    figures: Mapping[MeasureName, float]
    kinds: Mapping[KindsName, frozenset[DataCategory]]
    portrait: Portrait


def read_measures(folder: Folder | None = None) -> Measures:
    """Read the figures and lists, from `folder` where they lie there.

    A figure with several rows is used as it holds on the day the data was last checked. Raises
    RuleDataFault naming every fault: an unknown word, a missing figure or list, a gap between two rows.
    """
    data = dict(read_data(FILE, folder))
    faults: list[str] = []
    rows = rows_of(data.pop("measure", []), Measure, f"{FILE}: measure", faults)
    series = {name: [row for row in rows if row.name == name] for name in get_args(MeasureName)}
    for name, of_name in series.items():
        faults += breaks(of_name, f"{FILE}: {name}") if of_name else [f"{FILE}: there is no {name}"]
    try:
        file = _File.model_validate(data)
    except ValidationError as error:
        faults += [f"{FILE}: {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise RuleDataFault(faults) from None
    faults += [f"{FILE}: kinds.{name} is missing" for name in get_args(KindsName) if name not in file.kinds]
    if faults:
        raise RuleDataFault(faults)
    checked = max(row.checked for row in rows)
    return Measures(
        MappingProxyType({row.name: row.value for row in rows if row.holds_on(checked)}),
        MappingProxyType({name: frozenset(kinds) for name, kinds in file.kinds.items()}),
        file.portrait,
    )


MEASURES: Final = read_measures()
