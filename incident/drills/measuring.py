"""How long each thing took in a drill, by its ledger, beside what was aimed at."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from statistics import median
from tomllib import loads
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from incident.rules.dated import DatedRow, RuleDataFault, breaks, holding_at, rows_of

STEPS: Final = ("acknowledge", "confirm", "decide", "draft", "file", "tell")
DONE_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "acknowledge": ("page.acknowledged",),
    "confirm": ("incident.confirmed", "incident.rejected"),
    "decide": ("decision.recorded", "decision.proposed"),
    "draft": ("notification.drafted",),
    "file": ("notification.filed",),
    "tell": ("communication.sent", "communication.published", "notice.delivered", "notice.told_otherwise"),
}
TO_AUTHORITY: Final = frozenset({"draft", "file"})
TO_PEOPLE: Final = frozenset({"tell"})


class Target(DatedRow):
    """Within how many hours of the start a step is to be done."""

    step: Literal["acknowledge", "confirm", "decide", "draft", "file", "tell"]
    hours: Annotated[float, Field(gt=0, le=8760)]


class Length(DatedRow):
    """How many days a drill runs that nobody ends."""

    days: Annotated[int, Field(gt=0, le=60)]


class Wait(DatedRow):
    """How many minutes a page waits for each of those who take part."""

    minutes: Annotated[int, Field(gt=0, le=120)]


@dataclass(frozen=True, slots=True)
class Happened:
    """A line of the ledger, as far as it is measured."""

    action: str
    at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class Measure:
    """One step: seconds from the start of the drill, or None; `wanted` says whether it was called for."""

    step: str
    after: float | None
    target: float
    by: str
    wanted: bool
    due: bool  # whether the time aimed at was over when it was measured

    @property
    def met(self) -> bool:
        """Whether it was done within the time aimed at."""
        return self.after is not None and self.after <= self.target

    @property
    def missed(self) -> bool:
        """Whether it was called for and not done in time; what there was still time for was not missed."""
        return self.wanted and not self.met and (self.due or self.after is not None)

    @property
    def left_open(self) -> bool:
        """Whether it was called for and not done, and there was time left for it."""
        return self.wanted and self.after is None and not self.due

    def stored(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Aims:
    """What holds for a drill that starts at one moment."""

    hours: Mapping[str, float]
    longest: timedelta
    wait: int  # minutes


def aims(start: datetime) -> Aims:
    """The targets of a drill that starts then. Raises: RuleDataFault where none hold."""
    targets, lengths, waits = _data()
    hours: dict[str, float] = {each.step: each.hours for each in targets if each.holds_on(start.date())}
    length, wait = holding_at(lengths, start), holding_at(waits, start)
    if length is None or wait is None or set(hours) != set(STEPS):
        raise RuleDataFault([f"targets.toml: nothing whole holds on {start.date()}"])
    return Aims(hours, timedelta(days=length.days), wait.minutes)


@cache
def _data() -> tuple[list[Target], list[Length], list[Wait]]:
    """The rows of targets.toml. Raises: RuleDataFault naming every fault."""
    told = loads(resources.files("incident.drills").joinpath("targets.toml").read_text("utf-8"))
    faults: list[str] = []
    targets = rows_of(told.get("target", []), Target, "targets.toml: target", faults)
    lengths = rows_of(told.get("length", []), Length, "targets.toml: length", faults)
    waits = rows_of(told.get("wait", []), Wait, "targets.toml: wait", faults)
    for step in STEPS:
        faults += breaks([each for each in targets if each.step == step], f"targets.toml: {step}")
    faults += [*breaks(lengths, "targets.toml: length"), *breaks(waits, "targets.toml: wait")]
    if faults:
        raise RuleDataFault(faults)
    return targets, lengths, waits


def measure(
    happened: Iterable[Happened], *, start: datetime, now: datetime, hours: Mapping[str, float],
    wanted: Collection[str],
) -> list[Measure]:  # fmt: skip
    """How long each step took from `start` to `now` (aware, UTC), the first time that it was done.

    `hours` is the target of each step, `wanted` the steps that the case called for.
    """
    lines, ran = sorted(happened, key=lambda each: each.at), (now - start).total_seconds()
    found = []
    for step in STEPS:
        first = next((each for each in lines if each.action in DONE_BY[step]), None)
        after, target = (first.at - start).total_seconds() if first else None, hours[step] * 3600
        found.append(
            Measure(step, after, target, first.actor if first else "", step in wanted, due=ran >= target)
        )
    return found


def wanted(*, decided: bool, authority: bool, people: bool, controller: bool = True) -> set[str]:
    """The steps a case called for: the authority's and telling where something is owed.

    Until somebody has decided, the authority's are: undecided means notify. Where we are processor the
    controllers decide and notify, and what is called for is telling them.
    """
    if not controller:
        return {"acknowledge", "confirm"} | (TO_PEOPLE if people else set())
    found = {"acknowledge", "confirm", "decide"}
    if authority or not decided:
        found |= TO_AUTHORITY
    return found | (TO_PEOPLE if people else set())


def usual(earlier: Iterable[Iterable[Measure]]) -> dict[str, float]:
    """The median of what each step took in earlier drills; steps that none of them did are left out."""
    taken: dict[str, list[float]] = {}
    for measures in earlier:
        for each in measures:
            if each.after is not None:
                taken.setdefault(each.step, []).append(each.after)
    return {step: median(values) for step, values in taken.items()}
