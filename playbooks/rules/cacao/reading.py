"""A CACAO 2.0 document as the text of a playbook of ours, for a person to go over before it is kept.

What we wrote out comes back as it was. From anybody else the steps come, in the order in which they would
be carried out, each for a person to do: nothing that a machine would run is run here, and no document has
due times, so each stands with one that wants correcting. What could not be taken over is remarked on.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from playbooks.rules.cacao import EXTENSION, SPEC
from playbooks.rules.definition import ON_CALL
from playbooks.rules.reading import DefinitionError, read
from playbooks.rules.toml import text_of

MOST_STEPS = 200
LONGEST_TITLE, LONGEST_TEXT = 200, 2000
ID = re.compile(r"[a-z][a-z0-9-]+[a-z0-9]--[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
ONWARDS = ("on_completion", "on_success", "on_failure", "on_true", "on_false", "next_steps", "cases")
KINDS = frozenset({
    "start", "end", "action", "playbook-action", "parallel", "if-condition", "while-condition",
    "switch-condition",
})  # fmt: skip
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Imported:
    """The text as it may be edited and kept, and what a person must know of how it came to be."""

    text: str
    remarks: tuple[str, ...]


class NotCacao(ValueError):
    """A document that is no CACAO 2.0 playbook; every fault with its JSON pointer."""

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        self.faults = faults
        super().__init__("\n".join(f"{pointer or '/'}: {what}" for pointer, what in faults))


def bring_in(document: object) -> Imported:
    """The playbook of a document (JSON as Python values). Raises: NotCacao with every fault."""
    try:
        json.dumps(document, ensure_ascii=False).encode()
        return _bring_in(document)
    except (RecursionError, UnicodeEncodeError):
        raise NotCacao([("", "is nested too deeply, or holds what is no text")]) from None


def _bring_in(document: object) -> Imported:
    whole, steps = _checked(document)
    own = _extension(whole.get("playbook_extensions"))
    actions = [(name, steps[name]) for name in _in_order(whole["workflow_start"], steps)]
    if own is not None and all(_extension(step.get("step_extensions")) is not None for _, step in actions):
        return _ours(whole, own, actions)
    return _from_elsewhere(whole, steps, actions)


# --- is it one ----------------------------------------------------------------------------------


def _checked(document: object) -> tuple[Document, dict[str, Document]]:
    """The document and its workflow, sound enough to be followed."""
    if not isinstance(document, Mapping):
        raise NotCacao([("", "is not an object")])
    faults = list(_faults_at_the_top(document))
    workflow = document.get("workflow")
    steps = {name: step for name, step in workflow.items() if isinstance(step, Mapping)} if isinstance(
        workflow, Mapping
    ) else {}  # fmt: skip
    if not isinstance(workflow, Mapping) or len(steps) < len(workflow) or not steps:
        faults.append(("/workflow", "is not an object of steps"))
    for name, step in steps.items():
        faults += _faults_of(name, step, steps)
    start = document.get("workflow_start")
    if steps and steps.get(str(start), {}).get("type") != "start":
        faults.append(("/workflow_start", "names no start step of the workflow"))
    if not faults and not any(True for _ in _in_order(str(start), steps)):
        faults.append(("/workflow", "has no action that is ever reached"))
    if faults:
        raise NotCacao(faults)
    return document, steps


def _faults_at_the_top(document: Document) -> Iterator[tuple[str, str]]:
    if document.get("type") != "playbook":
        yield "/type", "is not playbook"
    if document.get("spec_version") != SPEC:
        yield "/spec_version", f"is not {SPEC}: other versions are not read"
    if not isinstance(document.get("name"), str) or not document["name"].strip():
        yield "/name", "is missing"
    for name in ("id", "created_by"):
        if not isinstance(document.get(name), str) or not ID.fullmatch(document[name]):
            yield f"/{name}", "is no identifier, as playbook--<uuid>"
    for name in ("created", "modified"):
        if not isinstance(document.get(name), str) or not INSTANT.fullmatch(document[name]):
            yield f"/{name}", "is no instant, as 2026-10-02T03:00:00.000Z"


def _faults_of(name: str, step: Document, steps: Mapping[str, Document]) -> Iterator[tuple[str, str]]:
    place, kind = f"/workflow/{name}", step.get("type")
    if not ID.fullmatch(name):
        yield place, "is no identifier, as action--<uuid>"
    if not isinstance(kind, str) or kind not in KINDS:
        yield f"{place}/type", f"is none of {', '.join(sorted(KINDS))}"
    for to in _next(step):
        if to not in steps:
            yield place, f"goes on to {to!r}, which is not in the workflow"


# --- in the order in which it is carried out ----------------------------------------------------


def _next(step: Document) -> Iterator[str]:
    for word in ONWARDS:
        value = step.get(word)
        if isinstance(value, str):
            yield value
        elif isinstance(value, list | dict):
            yield from map(str, value.values() if isinstance(value, dict) else value)


def _in_order(start: str, steps: Mapping[str, Document]) -> Iterator[str]:
    """The actions that are ever reached, each once; a loop is gone through once."""
    waiting, seen = [start], set()
    while waiting:
        name = waiting.pop(0)
        if name in seen or name not in steps:
            continue
        seen.add(name)
        if steps[name].get("type") in {"action", "playbook-action"}:
            yield name
        onward = list(_next(steps[name]))
        # A branch is followed to its end before what comes after all branches.
        waiting = [*onward[1:], *onward[:1], *waiting] if _after_branches(steps[name]) else onward + waiting


def _after_branches(step: Document) -> bool:
    return step.get("type") in {"parallel", "if-condition", "while-condition", "switch-condition"} and (
        "on_completion" in step
    )


# --- ours ---------------------------------------------------------------------------------------


def _extension(extensions: object) -> Document | None:
    found = extensions.get(EXTENSION) if isinstance(extensions, Mapping) else None
    return found if isinstance(found, Mapping) else None


def _ours(whole: Document, own: Document, actions: list[tuple[str, Document]]) -> Imported:
    """What we wrote out, as it is told now: title, text and order by CACAO's words, the rest by ours."""
    top = {
        "key": own.get("key"), "title": whole.get("name"), "purpose": whole.get("description"),
        "source": _source(whole), **_given(own, "starts_with", "only_here", "window", "ended_by"),
    }  # fmt: skip
    steps = [
        {
            **(_extension(step.get("step_extensions")) or {}), "title": step.get("name"),
            "done_when": _command(step) or step.get("description"), "source": _source(step),
        }
        for _, step in actions
    ]  # fmt: skip
    text = text_of({**top, "steps": [_given(step, *step) for step in steps]})
    return Imported(text, tuple(_must_be_sound(text)))


def _must_be_sound(text: str) -> Iterator[str]:
    """What a person must mend before it can be kept; empty for what we wrote out ourselves."""
    try:
        read(text, "playbook")
    except DefinitionError as wrong:
        yield from (fault.message for fault in wrong.faults)


def _given(source: Document, *names: str) -> dict[str, Any]:
    """What is said at all: in a playbook of ours nothing stands empty."""
    return {name: source[name] for name in names if source.get(name) not in (None, "", [], False, "none")}


# --- from elsewhere -----------------------------------------------------------------------------


def _from_elsewhere(
    whole: Document, steps: Mapping[str, Document], actions: list[tuple[str, Document]]
) -> Imported:
    remarks = [
        "Brought in from CACAO 2.0. CACAO has no due times: give each step its anchor, offset and reminders.",
        *_lost(steps),
    ]
    if len(actions) > MOST_STEPS:
        remarks.append(f"{len(actions) - MOST_STEPS} steps of {len(actions)} were left out: too many.")
    taken: list[dict[str, Any]] = []
    for _name, step in actions[:MOST_STEPS]:
        taken.append(_foreign(step, {each["key"] for each in taken}))
    name = _short(whole["name"], LONGEST_TITLE)
    top = {
        "key": _key(name, set()), "title": name,
        "purpose": _short(whole.get("description") or name, LONGEST_TEXT),
        "source": f"CACAO playbook {whole['id']}",
        "ended_by": ["incident.rejected", "incident.closed"],
    }  # fmt: skip
    return Imported(text_of({**top, "steps": taken}, remarks=remarks), tuple(remarks))


def _lost(steps: Mapping[str, Document]) -> Iterator[str]:
    kinds = [step.get("type") for step in steps.values()]
    for kind in ("if-condition", "while-condition", "switch-condition"):
        if count := kinds.count(kind):
            yield f"{count} {kind}: its steps are here whatever it asks; say when they are needed by only_if."
    commands = [each.get("type") for step in steps.values() for each in _commands(step)]
    if machine := len([each for each in commands if each != "manual"]):
        yield f"{machine} commands for machines are told to a person here, and never run."
    if count := kinds.count("playbook-action"):
        yield f"{count} steps start another playbook: bring that one in as well."


def _foreign(step: Document, known: set[str]) -> dict[str, Any]:
    title = _short(step.get("name") or step.get("description") or "Step without a name", LONGEST_TITLE)
    return {
        "key": _key(title, known), "title": title, "role": ON_CALL, "anchor": "reported", "offset": "PT24H",
        "done_when": _short(_command(step) or step.get("description") or title, LONGEST_TEXT),
        "source": _source(step) or "CACAO, without a source",
    }  # fmt: skip


def _commands(step: Document) -> list[Document]:
    found = step.get("commands")
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _command(step: Document) -> str:
    """What is to be done, in the words of its commands."""
    told = (each.get("command") or each.get("description") for each in _commands(step))
    return " ".join(each for each in told if isinstance(each, str))


def _source(step: Document) -> str:
    found = step.get("external_references")
    first = found[0] if isinstance(found, list) and found else None
    return str(first.get("name", "")) if isinstance(first, Mapping) else ""


def _short(text: object, most: int) -> str:
    words = " ".join(str(text).split())
    return words if len(words) <= most else f"{words[: most - 1]}…"


def _key(title: str, known: set[str]) -> str:
    """A key of its own that says what it is, within what keys may hold."""
    plain = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")[:34] or "step"
    plain = plain if plain[0].isalpha() and len(plain) > 1 else f"step_{plain}"
    return next(
        key for n in range(len(known) + 1) if (key := plain if not n else f"{plain}_{n + 1}") not in known
    )
