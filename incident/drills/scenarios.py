"""Scenarios: what a drill pretends to have happened, as TOML that anybody can review.

Facts are the document that a report brings. An instant is written as the time from the start of the
drill, `@-3h` or `@0min`, and the organisation's own country as `@home`; what becomes known later is told
by the clock.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from tomllib import TOMLDecodeError, loads
from typing import Annotated, Any

from flask_babel import gettext as _
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from foundation.errors import Missing
from playbooks.rules import duration

HOME = "@home"
Words = Annotated[str, Field(min_length=1, max_length=2000)]


def _span(text: object) -> timedelta:
    return duration.read(str(text))


class Later(BaseModel):
    """What becomes known while the drill runs: so long after its start, by whom, and the facts it adds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: Annotated[timedelta, BeforeValidator(_span)]
    source: Words
    reason: Words
    facts: dict[str, Any]


class Scenario(BaseModel):
    """One scenario; `text` is the TOML itself, which a drill keeps."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: Annotated[str, Field(pattern=r"[a-z][a-z0-9_]{2,39}")]
    title: Words
    summary: Words
    aims: Annotated[list[Words], Field(min_length=1)]  # what it exercises
    source: Words  # who tells it first
    people: Annotated[int, Field(ge=1, le=200)] = 12  # on the made-up list of those concerned
    facts: dict[str, Any]
    later: list[Later] = []
    text: str = ""

    @property
    def sha256(self) -> str:
        """The hash of its text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def told_at(self, start: datetime) -> list[datetime]:
        """When each later telling is due, in a drill that started then."""
        return [start + each.after for each in self.later]


class ScenarioFault(ValueError):
    """A scenario that cannot be read: which, and why."""


def read_scenario(text: str, name: str) -> Scenario:
    """A scenario from its TOML. Raises: ScenarioFault naming file and member."""
    try:
        found = Scenario.model_validate(loads(text) | {"text": text})
    except TOMLDecodeError as fault:
        raise ScenarioFault(f"{name}: {fault}") from None
    except ValidationError as wrong:
        faults = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in wrong.errors())
        raise ScenarioFault(f"{name}: " + "; ".join(faults)) from None
    moments = [each.after for each in found.later]
    if moments != sorted(moments):
        raise ScenarioFault(f"{name}: what is told later stands in the order of its time")
    return found


@cache
def scenarios() -> tuple[Scenario, ...]:
    """Every scenario that comes with the product, by title."""
    files = sorted(
        resources.files("incident.drills").joinpath("scenarios").iterdir(), key=lambda each: each.name
    )
    found = [
        read_scenario(each.read_text("utf-8"), each.name) for each in files if each.name.endswith(".toml")
    ]
    return tuple(sorted(found, key=lambda each: each.title))


def scenario(key: str) -> Scenario:
    """The scenario of that key. Raises: Missing naming those there are."""
    known = {each.key: each for each in scenarios()}
    if key not in known:
        keys = ", ".join(sorted(known))
        raise Missing(_("There is no such scenario."), next_step=_("Known: %(keys)s.", keys=keys))
    return known[key]


def dated(facts: Mapping[str, Any], start: datetime, country: str) -> dict[str, Any]:
    """The facts with their instants reckoned from the start of the drill, in the organisation's `country`."""
    return {country if name == HOME else name: _dated(value, start, country) for name, value in facts.items()}


def _dated(value: Any, start: datetime, country: str) -> Any:
    if value == HOME:
        return country
    if isinstance(value, str) and value.startswith("@"):
        return (start.replace(microsecond=0) + duration.read(value[1:])).isoformat()
    if isinstance(value, Mapping):
        return dated(value, start, country)
    if isinstance(value, list):
        return [_dated(each, start, country) for each in value]
    return value


def added(known: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Facts with others laid over them: what was typed elsewhere stays."""
    found = dict(known)
    for name, value in more.items():
        before = found.get(name)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        found[name] = added(before, value) if both else value  # type: ignore[arg-type]
    return found
