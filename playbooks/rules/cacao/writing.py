"""A playbook of ours as a CACAO 2.0 document.

Our steps run side by side, each by its own time: the workflow is one parallel step, with a branch for each
of ours; a step that depends on facts stands behind an if-condition. Its command is manual: a person acts.
CACAO's `delay` and `timeout` are milliseconds after which a machine acts or gives up, and no deadlines.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from playbooks.rules import duration
from playbooks.rules.cacao import EXTENSION, SCHEMA, SPEC, named
from playbooks.rules.definition import Condition, Playbook, Step

Document = dict[str, Any]
FIRM = "Breachclock"


def write(playbook: Playbook, *, created: datetime, modified: datetime) -> Document:
    """The document of a playbook; `created` and `modified` are aware instants, of its first and this version.

    The same playbook and instants give the same document.
    """
    key = playbook.key
    branches = [_branch(key, step) for step in playbook.steps]
    firsts = [next(iter(branch)) for branch in branches]
    first = firsts[0] if len(firsts) == 1 else named("parallel", key)
    workflow: Document = {named("start", key): {"type": "start", "on_completion": first}}
    if len(firsts) > 1:
        workflow[first] = {
            "type": "parallel", "name": playbook.title, "next_steps": firsts,
            "on_completion": named("end", key),
        }  # fmt: skip
        workflow[named("end", key)] = {"type": "end"}
    for branch in branches:
        workflow |= branch
    conditions = [*playbook.starts_with, *(each for step in playbook.steps for each in step.only_if)]
    return {
        "type": "playbook", "spec_version": SPEC, "id": named("playbook", key),
        "name": playbook.title, "description": playbook.purpose,
        "playbook_processing_summary": _summary(playbook, parallel=len(firsts) > 1),
        "created_by": named("identity", FIRM), "created": _instant(created), "modified": _instant(modified),
        "labels": ["personal data breach"],
        "external_references": [{"name": playbook.source}],
        **({"playbook_variables": _variables(conditions)} if conditions else {}),
        "workflow_start": named("start", key), "workflow": workflow,
        "playbook_extensions": {EXTENSION: _own(playbook)},
        "agent_definitions": {
            _agent(role): {"type": "group", "name": role}
            for role in sorted({step.role for step in playbook.steps})
        },
        "extension_definitions": {EXTENSION: _EXTENSION},
    }  # fmt: skip


_EXTENSION: Document = {
    "type": "extension-definition", "name": "Times and proof of a step",
    "description": "When a step is due, reckoned from an anchor of the breach; who is reminded when; what "
    "shows that it is done. Spans are ISO 8601 durations of elapsed time.",
    "created_by": named("identity", FIRM), "schema": SCHEMA, "version": "1.0.0",
}  # fmt: skip


def _branch(key: str, step: Step) -> Document:
    """The workflow steps of one of ours, the first one first; it ends for itself."""
    action, end = named("action", key, step.key), named("end", key, step.key)
    branch: Document = {}
    if step.only_if:
        branch[named("if-condition", key, step.key)] = {
            "type": "if-condition", "name": f"Is it needed: {step.title}",
            "description": "An unknown fact rules nothing out.",
            "condition": " AND ".join(map(_expression, step.only_if)),
            "on_true": action, "on_false": end,
        }  # fmt: skip
    branch[action] = {
        "type": "action", "name": step.title, "description": step.done_when,
        "external_references": [{"name": step.source}],
        "commands": [{"type": "manual", "command": step.done_when}], "agent": _agent(step.role),
        "on_completion": end, "step_extensions": {EXTENSION: _own_step(step)},
    }  # fmt: skip
    branch[end] = {"type": "end"}
    return branch


def _own(playbook: Playbook) -> Document:
    """What only we have a word for, of the whole."""
    return {
        "key": playbook.key, "sha256": playbook.hash, "ended_by": list(playbook.ended_by),
        "starts_with": _told(playbook.starts_with), "only_here": playbook.only_here,
        **({"window": duration.write(playbook.window)} if playbook.window is not None else {}),
    }  # fmt: skip


def _own_step(step: Step) -> Document:
    """What only we have a word for, of one step; as `reading` takes it."""
    spans = {"page_from": step.page_from, "overdue_every": step.overdue_every}
    return {
        "key": step.key, "role": step.role, "anchor": step.anchor.value,
        "offset": duration.write(step.offset), "action": step.action.value,
        "only_if": _told(step.only_if), "reminders": [duration.write(span) for span in step.reminders],
        "done_by": list(step.done_by), "evidence": step.evidence, "approval": step.approval,
        "gate": step.gate,
        **{name: duration.write(span) for name, span in spans.items() if span is not None},
    }  # fmt: skip


def _told(conditions: tuple[Condition, ...]) -> list[Document]:
    return [{"fact": each.fact, "in": sorted(each.answers)} for each in conditions]


def _variable(fact: str) -> str:
    return f"__{fact.replace('.', '_')}__"


def _variables(conditions: list[Condition]) -> Mapping[str, Document]:
    return {
        _variable(fact): {
            "type": "string", "value": "unknown", "external": True,
            "description": f"The fact {fact}, as the incident has it",
        }
        for fact in sorted({each.fact for each in conditions})
    }  # fmt: skip


def _expression(condition: Condition) -> str:
    """What is left out only where the fact is known to be otherwise."""
    answers = ", ".join(f"'{each}'" for each in ("unknown", *sorted(condition.answers)))
    return f"{_variable(condition.fact)}:value IN ({answers})"


def _agent(role: str) -> str:
    return named("group", role)


def _summary(playbook: Playbook, *, parallel: bool) -> Document:
    return {
        "manual_playbook": True, "parallel_processing": parallel, "extensions": True,
        "if_logic": any(step.only_if for step in playbook.steps),
    }  # fmt: skip


def _instant(at: datetime) -> str:
    """To the millisecond and in UTC, as CACAO wants it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
