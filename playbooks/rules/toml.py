"""A playbook as TOML in the order and manner of ours: what was made elsewhere is edited as text."""

from collections.abc import Mapping, Sequence
from typing import Any

import tomli_w

TOP = ("key", "title", "purpose", "source", "starts_with", "only_here", "window", "ended_by")
STEP = (
    "key", "title", "role", "anchor", "offset", "action", "only_if", "reminders", "page_from",
    "overdue_every", "done_when", "done_by", "evidence", "approval", "gate", "source",
)  # fmt: skip


def text_of(document: Mapping[str, Any], *, remarks: Sequence[str] = ()) -> str:
    """The text of a playbook given by its words, whether or not it is one: `reading.read` says that.

    `remarks` stand at the head as comments, a line each. What playbooks have no word for comes last.
    """
    head = [f"# {' '.join(line.split())}" for line in remarks]
    steps = [each for each in document.get("steps", ()) if isinstance(each, Mapping)]
    blocks = [head, _lines(document, TOP, leave="steps")]
    blocks += [["[[steps]]", *_lines(step, STEP)] for step in steps]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _lines(table: Mapping[str, Any], order: Sequence[str], *, leave: str = "") -> list[str]:
    names = [name for name in order if name in table]
    names += [name for name in table if name not in order and name != leave]
    return [f"{_word(name)} = {_value(table[name])}" for name in names if table[name] is not None]


def _word(name: str) -> str:
    return tomli_w.dumps({name: 1}).removesuffix(" = 1\n")


def _value(value: object) -> str:
    """A value on one line: a condition reads best as a sentence."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_word(str(name))} = {_value(each)}" for name, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if value is None:
        return '""'  # TOML has no word for nothing
    return tomli_w.dumps({"_": value}).strip().removeprefix("_ = ")
