"""A notification as its page shows it: each field with what there is to do about it, and how far it is.

A document is read as it is stored; nothing is worked out afresh, so that the page shows what was approved.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

# What is said of a label that is not the authority's own wording: beside it, and once at the top in full.
MARKS: Final[Mapping[str, LazyString]] = {
    "topic": _l("in our words"), "mirror": _l("from a copy"), "recalled": _l("from memory"),
    "proposed": _l("proposed by us"),
}  # fmt: skip
LEGEND: Final[Mapping[str, LazyString]] = {
    "topic": _l("a matter that the authority names, in our words"),
    "mirror": _l("as a copy of the form has it, which may be older"),
    "recalled": _l("as people who filed remember it: the form may say it otherwise"),
    "proposed": _l("in our words; look where the form asks it"),
}  # fmt: skip


class State(StrEnum):
    """What there is to do about a field."""

    ANSWERED = "answered"
    NOT_TRANSLATED = "not_translated"  # answered, in words that nobody wrote in the form's language
    TO_FOLLOW = "to_follow"  # not known yet, and said to be so
    OPEN = "open"  # asked for, and neither answered nor to follow
    EMPTY = "empty"  # not asked for, or not known and needed: left empty in the form
    INFORMATION = "information"  # the form only tells something here


@dataclass(frozen=True, slots=True)
class Line:
    """One field of a document, as stored, and its state."""

    field: Mapping[str, Any]
    state: State

    @property
    def copies(self) -> bool:
        """Whether there is something to carry over into the authority's form."""
        return bool(self.field["answer"].strip())

    @property
    def ticks(self) -> bool:
        """Whether it is ticked or chosen in the form, not typed."""
        return bool(self.field["codes"])

    @property
    def mark(self) -> LazyString | None:
        """What to say of its label; None where it is the authority's wording."""
        return MARKS.get(self.field["wording"])


@dataclass(frozen=True, slots=True)
class Part:
    """A section of a document and its lines."""

    section: Mapping[str, Any]
    lines: tuple[Line, ...]

    @property
    def is_bare(self) -> bool:
        """Whether nothing in it is answered or asked for."""
        return all(each.state in (State.EMPTY, State.INFORMATION) for each in self.lines)


@dataclass(frozen=True, slots=True)
class Progress:
    """How many fields are answered of those that are to be, and what becomes of the others."""

    answered: int
    to_follow: int
    open: int

    @property
    def total(self) -> int:
        """All fields that are answered or are to be."""
        return self.answered + self.to_follow + self.open


def parts(content: Mapping[str, Any], open_keys: Collection[str]) -> tuple[Part, ...]:
    """The sections of a document in its order. `open_keys`: fields that an open point leads to."""
    return tuple(
        Part(section, tuple(Line(field, _state(field, open_keys)) for field in section["fields"]))
        for section in content["sections"]
        if section["fields"]
    )


def _state(field: Mapping[str, Any], open_keys: Collection[str]) -> State:
    if not field["paths"]:
        return State.INFORMATION
    if field["answer"].strip():
        return State.NOT_TRANSLATED if field["as_told"] else State.ANSWERED
    if field["to_follow"]:
        return State.TO_FOLLOW
    return State.OPEN if field["required"] or field["key"] in open_keys else State.EMPTY


def progress(found: Collection[Part]) -> Progress:
    """How far a document is; words that are not translated are answered all the same."""
    states = [line.state for part in found for line in part.lines]
    answered = states.count(State.ANSWERED) + states.count(State.NOT_TRANSLATED)
    return Progress(answered, states.count(State.TO_FOLLOW), states.count(State.OPEN))


def legend(found: Collection[Part]) -> dict[LazyString, LazyString]:
    """The marks that labels of a document bear, and what each means; empty where all are the authority's."""
    used = {line.field["wording"] for part in found for line in part.lines}
    return {MARKS[key]: LEGEND[key] for key in MARKS if key in used}
