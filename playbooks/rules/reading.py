"""Reads a playbook from TOML, or refuses it naming every fault with file and line.

Whatever is not understood is a fault: a misspelt key must not quietly drop a reminder.
"""

import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from playbooks.rules import duration
from playbooks.rules.definition import EVENTS, FACTS, ROLES, Action, Anchor, Condition, Playbook, Step

KEY = re.compile(r"[a-z][a-z0-9_]{1,39}")
LEAST_REPEAT = timedelta(minutes=15)
NOTHING = timedelta()


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What is wrong, and the line it stands on, counted from 1."""

    line: int
    message: str


class DefinitionError(ValueError):
    """A playbook that cannot be used; its text is one line per fault, as `file:line: what`."""

    def __init__(self, source: str, faults: Collection[Fault]) -> None:
        self.source = source
        self.faults = sorted(faults)
        super().__init__("\n".join(f"{source}:{fault.line}: {fault.message}" for fault in self.faults))


def read(text: str, source: str) -> Playbook:
    """The playbook that the TOML text holds; `source` is the file's name for messages.

    Raises: DefinitionError with every fault.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as trouble:
        found = re.search(r"at line (\d+)", str(trouble))
        line = int(found[1]) if found else max(1, len(text.splitlines()))
        raise DefinitionError(source, [Fault(line, f"not TOML: {trouble}")]) from None
    faults: list[Fault] = []
    places = _Places(text)
    playbook = _playbook(_Table(document, places, 0, faults), text)
    if faults:
        raise DefinitionError(source, faults)
    return playbook


class _Places:
    """Where things stand in the text: the line of a key within the top or within a step."""

    def __init__(self, text: str) -> None:
        self.lines = text.splitlines()
        heads = [at for at, line in enumerate(self.lines) if re.match(r"\s*\[\[\s*steps\s*\]\]", line)]
        self.blocks = list(zip([0, *heads], [*heads, len(self.lines)], strict=True))

    def line(self, block: int, key: str | None = None) -> int:
        """Counted from 1; the block's first line when the key is not written in it."""
        start, end = self.blocks[block] if block < len(self.blocks) else (0, 1)
        for at in range(start, end) if key else ():
            if re.match(rf"\s*[\"']?{re.escape(str(key))}[\"']?\s*[.=]", self.lines[at]):
                return at + 1
        return start + 1


@dataclass
class _Table:
    """One table while it is read: what it held, what was asked for, what was wrong."""

    content: dict[str, Any]
    places: _Places
    block: int
    faults: list[Fault]
    asked: set[str] = field(default_factory=set)

    def fault(self, message: str, key: str | None = None) -> None:
        self.faults.append(Fault(self.places.line(self.block, key), message))

    def text(self, key: str, default: str | None = None) -> str:
        """A sentence on one line; several lines in the file are joined by spaces."""
        self.asked.add(key)
        value = self.content.get(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            self.fault(f"{key} is missing: give it as text" if value is None else f"{key} must be text", key)
            return ""
        return " ".join(value.split())

    def name(self, key: str) -> str:
        value = self.text(key)
        if value and not KEY.fullmatch(value):
            self.fault(f"{key} {value!r} must be 2 to 40 of a-z, 0-9 and _, beginning with a letter", key)
        return value

    def choice(self, key: str, allowed: Collection[str], default: str | None = None) -> str:
        value = self.text(key, default)
        if value and value not in allowed:
            self.fault(f"{key} is {value!r}, not one of {', '.join(sorted(allowed))}", key)
        return value if value in allowed else min(allowed)

    def span(self, key: str) -> timedelta | None:
        return self._span(key, self.text(key)) if key in self.content else None

    def spans(self, key: str) -> list[timedelta]:
        read = [self._span(key, value) for value in self.texts(key)]
        found = [span for span in read if span is not None]
        if len(set(found)) < len(found):
            self.fault(f"{key}: the same span stands there twice", key)
        return sorted(set(found))

    def _span(self, key: str, value: str) -> timedelta | None:
        if not value:
            return None  # said already
        try:
            return duration.read(value)
        except ValueError as trouble:
            self.fault(f"{key}: {trouble}", key)
            return None

    def texts(self, key: str) -> list[str]:
        self.asked.add(key)
        value = self.content.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            self.fault(f"{key} must be a list of texts", key)
            return []
        return value

    def events(self, key: str) -> tuple[str, ...]:
        for event in (names := self.texts(key)):
            if event not in EVENTS:
                self.fault(f"{key}: {event!r} never happens; known are {', '.join(sorted(EVENTS))}", key)
        return tuple(names)

    def tables(self, key: str) -> list[dict[str, Any]]:
        self.asked.add(key)
        value = self.content.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            self.fault(f"{key} must be a list of tables", key)
            return []
        return value

    def refuse_the_rest(self) -> None:
        for key in self.content.keys() - self.asked:
            self.fault(f"{key} is not a word of playbooks", key)


def _playbook(table: _Table, text: str) -> Playbook:
    contents = table.tables("steps")
    steps = tuple(
        _step(_Table(content, table.places, at, table.faults)) for at, content in enumerate(contents, 1)
    )
    if not steps:
        table.fault("a playbook needs at least one [[steps]]")
    for at, step in enumerate(steps, 1):
        if step.key in {earlier.key for earlier in steps[: at - 1]}:
            table.faults.append(Fault(table.places.line(at, "key"), f"two steps have the key {step.key!r}"))
    playbook = Playbook(
        key=table.name("key"),
        title=table.text("title"),
        purpose=table.text("purpose"),
        source=table.text("source"),
        ended_by=table.events("ended_by"),
        steps=steps,
        text=text,
    )
    table.refuse_the_rest()
    return playbook


def _step(table: _Table) -> Step:
    if "offset" not in table.content:
        table.fault("offset is missing: how long after its anchor the step is due, or PT0S for at once")
    step = Step(
        key=table.name("key"),
        title=table.text("title"),
        role=table.choice("role", ROLES),
        anchor=Anchor(table.choice("anchor", {*Anchor})),
        offset=table.span("offset") or NOTHING,
        done_when=table.text("done_when"),
        source=table.text("source"),
        action=Action(table.choice("action", {*Action}, Action.NONE)),
        only_if=tuple(filter(None, (_condition(table, each) for each in table.tables("only_if")))),
        reminders=tuple(table.spans("reminders")),
        page_from=table.span("page_from"),
        overdue_every=table.span("overdue_every"),
        done_by=table.events("done_by"),
    )
    _check_times(table, step)
    table.refuse_the_rest()
    return step


def _check_times(table: _Table, step: Step) -> None:
    """A countdown that ends after its deadline, or nags every minute, is a mistake."""
    if step.anchor is Anchor.DUE and step.offset > NOTHING:
        table.fault("offset lies after the deadline: a step reckoned from due must end by it", "offset")
    if any(span > NOTHING for span in step.reminders):
        table.fault("reminders lie before the step is due: write them with a minus", "reminders")
    if step.page_from is not None and step.page_from not in step.reminders:
        table.fault("page_from must be one of the step's reminders", "page_from")
    if step.overdue_every is not None and step.overdue_every < LEAST_REPEAT:
        table.fault("overdue_every must be 15 minutes or more", "overdue_every")


def _condition(table: _Table, content: dict[str, Any]) -> Condition | None:
    """`{ fact = "timeline.ongoing", equals = "yes" }` or `{ fact = "our_role", in = ["processor"] }`."""
    fact = content.get("fact")
    if not isinstance(fact, str) or fact not in FACTS:
        table.fault(f"only_if: {fact!r} is no fact it may ask; known are {', '.join(FACTS)}", "only_if")
        return None
    answers = content.get("in", [content.get("equals")])
    if content.keys() not in ({"fact", "equals"}, {"fact", "in"}) or not isinstance(answers, list):
        table.fault('only_if: write { fact = "…", equals = "…" } or { fact = "…", in = ["…"] }', "only_if")
        return None
    strange = [answer for answer in map(str, answers) if answer not in FACTS[fact]]
    if strange or not answers:
        known = ", ".join(sorted(FACTS[fact]))
        table.fault(f"only_if: {fact} is never {', '.join(map(repr, strange))}; it is {known}", "only_if")
        return None
    return Condition(fact, frozenset(answers))
