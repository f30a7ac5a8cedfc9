"""Reads a playbook from TOML, or refuses it naming every fault with file and line.

Whatever is not understood is a fault: a misspelt key must not quietly drop a reminder.
"""

import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from playbooks.rules import checking, duration
from playbooks.rules.definition import EVENTS, GATES, ROLES, Action, Anchor, Condition, Playbook, Step
from playbooks.rules.facts import FACTS, LISTS, nearest

KEY = re.compile(r"[a-z][a-z0-9_]{1,39}")
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


def read(text: str, source: str, *, sensible: bool = True) -> Playbook:
    """The playbook that the TOML text holds; `source` is the file's name for messages.

    `sensible` is whether it must also make sense (`checking`), as all must that are yet to begin.
    Raises: DefinitionError with every fault.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as trouble:
        found = re.search(r"at line (\d+)", str(trouble))
        line = int(found[1]) if found else max(1, len(text.splitlines()))
        raise DefinitionError(source, [Fault(line, f"not TOML: {trouble}")]) from None
    except (RecursionError, ValueError):
        wrong = Fault(1, "not TOML that can be read: nested too deeply, or a number too long")
        raise DefinitionError(source, [wrong]) from None
    faults: list[Fault] = []
    places = _Places(text)
    playbook, unread = _playbook(_Table(document, places, 0, faults), text)
    if sensible:
        slips = checking.check(playbook, unread=unread)
        faults += [Fault(places.line(slip.step, slip.key), slip.message) for slip in slips]
    if faults:
        raise DefinitionError(source, faults)
    return playbook


class _Places:
    """Where things stand in the text: the line of a key within the top or within a step."""

    def __init__(self, text: str) -> None:
        self.lines = text.splitlines()
        heads = [at for at, line in enumerate(self.lines) if re.match(r"\s*\[\[\s*steps\s*\]\]", line)]
        self.blocks = list(zip([0, *heads], [*heads, len(self.lines)], strict=True))

    def line(self, block: int, key: str | None = None, *, saying: str = "") -> int:
        """Counted from 1; the block's first line when the key is not written in it.

        With `saying`, the first line from the key on that holds those words, if there is one.
        """
        start, end = self.blocks[block] if block < len(self.blocks) else (0, 1)
        written = re.compile(rf"\s*[\"']?{re.escape(str(key))}[\"']?\s*[.=]")
        found = next((at for at in range(start, end) if key and written.match(self.lines[at])), None)
        if found is None:
            return start + 1
        said = (at for at in range(found, end) if saying and saying in self.lines[at])
        return next(said, found) + 1


@dataclass
class _Table:
    """One table while it is read: what it held, what was asked for, what was wrong."""

    content: dict[str, Any]
    places: _Places
    block: int
    faults: list[Fault]
    asked: set[str] = field(default_factory=set)

    def fault(self, message: str, key: str | None = None, *, saying: str = "") -> None:
        self.faults.append(Fault(self.places.line(self.block, key, saying=saying), message))

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
        return value if value in allowed else default if default is not None else min(allowed)

    def flag(self, key: str) -> bool:
        self.asked.add(key)
        value = self.content.get(key, False)
        if not isinstance(value, bool):
            self.fault(f"{key} must be true or false, without quotes", key)
        return value is True

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
                known = ", ".join(sorted(EVENTS))
                self.fault(f"{key}: {event!r} never happens; known are {known}", key, saying=f'"{event}"')
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


def _playbook(table: _Table, text: str) -> tuple[Playbook, list[int]]:
    """The playbook, and which of its steps, counted from 1, have a fault."""
    steps, unread = [], []
    for at, content in enumerate(table.tables("steps"), 1):
        before = len(table.faults)
        steps.append(_step(_Table(content, table.places, at, table.faults)))
        if len(table.faults) > before:
            unread.append(at)
    if not steps:
        table.fault("a playbook needs at least one [[steps]]")
    playbook = Playbook(
        key=table.name("key"),
        title=table.text("title"),
        purpose=table.text("purpose"),
        source=table.text("source"),
        ended_by=table.events("ended_by"),
        steps=tuple(steps),
        text=text,
        starts_with=_conditions(table, "starts_with"),
        window=table.span("window"),
        only_here=table.flag("only_here"),
    )
    table.refuse_the_rest()
    return playbook, unread


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
        only_if=_conditions(table, "only_if"),
        reminders=tuple(table.spans("reminders")),
        page_from=table.span("page_from"),
        overdue_every=table.span("overdue_every"),
        done_by=table.events("done_by"),
        evidence=table.text("evidence") if "evidence" in table.content else "",
        approval=table.flag("approval"),
        gate=table.choice("gate", GATES, "") if "gate" in table.content else "",
    )
    table.refuse_the_rest()
    return step


def _conditions(table: _Table, key: str) -> tuple[Condition, ...]:
    return tuple(filter(None, (_condition(table, key, each) for each in table.tables(key))))


def _condition(table: _Table, key: str, content: dict[str, Any]) -> Condition | None:
    """`{ fact = "cause.kind", equals = "ransomware" }`, or `in = ["…", "…"]`, or `not = "…"`."""
    fact = content.get("fact")
    if not isinstance(fact, str) or fact not in FACTS:
        table.fault(f"{key}: {_no_fact(fact)}", key, saying=f'"{fact}"')
        return None
    answers = content.get("in", [content.get("equals", content.get("not"))])
    if content.keys() - {"fact"} not in ({"equals"}, {"in"}, {"not"}) or not isinstance(answers, list):
        table.fault(
            f'{key}: write {{ fact = "…", equals = "…" }}, in = ["…"] or not = "…"', key, saying=f'"{fact}"'
        )
        return None
    strange = [answer for answer in map(str, answers) if answer not in FACTS[fact]]
    if strange or not answers:
        said = ", ".join(map(repr, strange)) or "nothing"
        known = ", ".join(sorted(FACTS[fact]))
        table.fault(f"{key}: {fact} is never {said}; it is {known}", key, saying=f'"{fact}"')
        return None
    if fact in LISTS and (key == "only_if" or "not" in content):
        table.fault(
            f"{key}: {fact} lists what is known so far, and more may come: it can start a playbook "
            "by what it holds, and rules nothing out", key, saying=f'"{fact}"',
        )  # fmt: skip
        return None
    return Condition(fact, FACTS[fact] - {*answers} if "not" in content else frozenset(answers))


def _no_fact(fact: object) -> str:
    near = nearest(fact) if isinstance(fact, str) else None
    meant = f"did you mean {near!r}?" if near else f"known are {', '.join(FACTS)}"
    return f"{fact!r} is no fact it may ask; {meant}"
