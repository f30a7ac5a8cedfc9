"""Envelopes with a window, as dated data, and which part of a page is surely seen through one.

A folded letter moves in its envelope. What must be read lies where the window is however it moved; what
nobody outside may read lies where the window never is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from itertools import pairwise
from tomllib import loads
from typing import Any, Final, Literal, Self

from incident.rules.dated import Certainty

DATA: Final = "windows.toml"


@dataclass(frozen=True, slots=True)
class Area:
    """A part of a page, in mm from its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right edge, from the left of the page."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge, from the top of the page."""
        return self.y + self.height


@dataclass(frozen=True, slots=True)
class Window:
    """An envelope with a window and the folds of a letter for it; lengths in mm, from `left` and `top`."""

    key: str
    envelope: str
    envelope_width: float
    envelope_height: float
    side: Literal["left", "right"]
    left: float
    top: float
    width: float
    height: float
    folds: tuple[float, ...]
    sheets: int
    return_line: bool
    countries: tuple[str, ...]
    valid_from: date
    source: str
    certainty: Certainty
    checked: date
    paper_width: float
    paper_height: float
    tolerance: float
    valid_to: date | None = None

    @classmethod
    def read(cls, row: dict[str, Any], paper: dict[str, Any], tolerance: float) -> Self:
        """A row of the data. Raises: TypeError for a member missing or unknown, ValueError when it cannot be.

        It cannot be where the folded letter is larger than the envelope or the window lies outside it.
        """
        told = row | {"folds": tuple(row["folds"]), "countries": tuple(row["countries"])}
        made = cls(
            **told, paper_width=paper["width"], paper_height=paper["height"], tolerance=tolerance
        )  # fmt: skip
        if fault := next(made.faults(), ""):
            raise ValueError(f"Window {made.key}: {fault}.")
        return made

    def faults(self) -> Iterator[str]:
        """What cannot be of these measures."""
        if self.play[0] < 0 or self.play[1] < 0:
            yield "the folded letter is larger than the envelope"
        if self.left + self.width > self.envelope_width or self.top + self.height > self.envelope_height:
            yield "the window does not lie in the envelope"
        if self.safe.width <= 0 or self.safe.height <= 0:
            yield "nothing is surely seen through it"

    @property
    def play(self) -> tuple[float, float]:
        """How far the folded letter can move, to the right and down."""
        edges = [0.0, *self.folds, self.paper_height]
        tallest = max(after - before for before, after in pairwise(edges))
        return self.envelope_width - self.paper_width, self.envelope_height - tallest

    @property
    def safe(self) -> Area:
        """The part of a page that is seen wherever the letter lies: an address must stand in it."""
        aside, down = self.play
        keep = self.tolerance
        return Area(
            x=self.left + keep, y=self.top + keep,
            width=self.width - aside - 2 * keep, height=self.height - down - 2 * keep,
        )  # fmt: skip

    @property
    def seen(self) -> Area:
        """The part that may be seen in some position: nothing else than an address may stand in it."""
        aside, down = self.play
        x, y = self.left - aside - self.tolerance, self.top - down - self.tolerance
        return Area(
            x=x, y=y, width=self.left + self.width + self.tolerance - x,
            height=self.top + self.height + self.tolerance - y,
        )  # fmt: skip


@cache
def all_windows() -> tuple[Window, ...]:
    """Every row of the data. Raises: TypeError, KeyError or ValueError when it cannot be relied on."""
    told = loads(files("incident.letter_runs").joinpath(DATA).read_text("utf-8"))
    return tuple(Window.read(row, told["paper"], told["tolerance"]["mm"]) for row in told["window"])


def window(key: str, *, at: datetime) -> Window:
    """The window of this key that holds on the UTC day of `at`. Raises: KeyError when there is none."""
    day = at.astimezone(UTC).date()
    for each in all_windows():
        if each.key == key and each.valid_from <= day and (each.valid_to is None or day <= each.valid_to):
            return each
    raise KeyError(key)


def common_in(country: str, windows: Sequence[Window] | None = None) -> tuple[Window, ...]:
    """The windows that are common in a country (ISO 3166-1 alpha-2), those at home there first."""
    found = [each for each in windows or all_windows() if country in each.countries]
    return tuple(sorted(found, key=lambda each: each.countries.index(country)))
