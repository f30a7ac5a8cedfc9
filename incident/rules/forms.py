"""The forms of authorities as data: what a form asks, of whom, and which answers it takes.

A form names paths of the normal form, in which one filing is written down once for every authority. Whether
a field is shown can hang on other answers; an answer that is not known yet hides nothing, so that a form
never seems complete because somebody has not looked. The files lie with `incident.authorities`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from incident.rules.dated import Certainty, DatedRow, Sentence
from incident.rules.form_answers import Answer, Answers, codes_of, is_known, parts_of
from incident.rules.form_conditions import Code, Condition, FormRow, Path

Kind: TypeAlias = Literal[
    "text", "textarea", "enum", "multi", "boolean", "tri", "integer", "date", "datetime", "email", "phone",
    "address", "contact", "country", "countries", "files", "list", "map",
]  # fmt: skip
Wording: TypeAlias = Literal["verbatim", "topic", "mirror", "recalled", "proposed"]
Part: TypeAlias = Literal["role", "name", "contact", "kind"]
Key: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,40}$")]

CHOICES: Final = ("enum", "multi")
# Kinds that have their words from the start, without being listed.
WORDS: Final[Mapping[str, tuple[str, ...]]] = {"boolean": ("yes", "no"), "tri": ("yes", "no", "unknown")}

COMPLETENESS: Final = "notification.completeness"
INCOMPLETE: Final = "incomplete"
LATER: Final = "tbd"

_NO_FIGURE: Final = frozenset({"undeterminable", LATER})
_YES: Final = frozenset({"yes"})
_NOWHERE: Final = frozenset({"no", "unknown"})
# Of a field with several paths any answer will do, except where the chief path stands here: then only these
# codes of these other paths answer it (None: whatever is known). "Exact" is no number, "estimated" no day.
_INSTEAD: Final[Mapping[str, Mapping[str, frozenset[str] | None]]] = {
    "timeline.started_at": {"timeline.occurrence_mode": _NO_FIGURE},
    "timeline.ended_at": {"timeline.ongoing": _YES, "timeline.occurrence_mode": _NO_FIGURE | {"ongoing"}},
    "subjects.count": {"subjects.count_mode": _NO_FIGURE},
    "records.count": {"records.count_mode": _NO_FIGURE},
    "cross_border.elsewhere": {"cross_border.is_cross_border": _NOWHERE},
    "cross_border.elsewhere_eea": {"cross_border.is_cross_border": _NOWHERE},
    "other_authorities.notified": {"other_authorities.police_reported": _YES},
    "contact_point.function": {"dpo.designated": _YES},
    "parties": {"parties.any": frozenset({"no"})},
    "consequences.impact_description": {
        "consequences.impact_types": None, "consequences.actual_harm_observed": None,
    },
    "measures.prevention_description": {},
}  # fmt: skip


class Option(FormRow):
    """One box of a choice; `only_incomplete`: only while the notification is marked incomplete.

    `also` are further codes that lead to the same box. Of several boxes for one code each has a condition
    that tells it from the others.
    """

    code: Code
    label: Sentence
    wording: Wording
    only_incomplete: bool = False
    also: tuple[Code, ...] = Field(default=(), strict=False)
    shown: Condition | None = None

    def codes(self) -> tuple[str, ...]:
        """Every code that ticks it."""
        return (self.code, *self.also)

    def is_offered(self, answers: Answers) -> bool:
        """Whether it can be ticked; also while its condition hangs on something that is not known."""
        return self.shown is None or self.shown.holds(answers) is not False

    def hangs(self, answers: Answers) -> bool:
        """Whether its condition hangs on something that is not known."""
        return self.shown is not None and self.shown.holds(answers) is None

    def says_besides(self) -> dict[str, str]:
        """What whoever ticks it says at other paths: that its condition holds."""
        leaves = self.shown.leaves() if self.shown else ()
        return {each.at: each.one_of[0] for each in leaves if each.at and len(each.one_of) == 1}


class FormField(FormRow):
    """One field. `answers`: its paths, the chief one first; none for a box that only informs.

    `wording` says where `label` comes from, `certainty` how sure it is that the form asks this at all;
    `longest` is in characters; `other` is the path of the free text beside an option "other"; `part` is
    the one part of each row that is asked, where the chief path holds rows.
    """

    key: Key
    number: Annotated[int, Field(ge=1)] | None = None
    label: Sentence
    wording: Wording
    certainty: Certainty
    kind: Kind
    answers: tuple[Path, ...] = Field(strict=False)
    required: Literal["always", "when", "no"]
    shown: Condition | None = None
    longest: Annotated[int, Field(ge=1)] | None = None
    other: Path | None = None
    part: Part | None = None
    repeats: bool = False
    basis: str = ""
    help: str = ""
    help_wording: Wording | None = None
    options: tuple[Option, ...] = Field(default=(), strict=False)
    without: tuple[Code, ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if not self.answers and (self.required != "no" or self.options):
            raise ValueError("a box without an answer requires none and offers none")
        if self.options and self.kind not in (*CHOICES, *WORDS):
            raise ValueError(f"a field of the kind {self.kind} has no options")
        if self.kind in CHOICES and not self.options:
            raise ValueError("a choice has options")
        if twice := _twice((*_plain(self.options), *self.without)):
            raise ValueError(f"the options {twice} stand there twice")
        if self.help_wording and not self.help:
            raise ValueError("there is no help to have a wording")
        return self

    def leaves(self) -> Iterator[Condition]:
        """Every leaf of its own condition and of those of its options."""
        for each in (self.shown, *(option.shown for option in self.options)):
            yield from each.leaves() if each else ()

    def paths(self) -> Iterator[str]:
        """Every path it names but those of its condition."""
        yield from self.answers
        if self.other:
            yield self.other


class Section(FormRow):
    """A heading and its fields; of a heading above other headings there are none."""

    key: Key
    label: Sentence
    fields: tuple[FormField, ...] = Field(strict=False)


class Form(DatedRow):
    """One version of an authority's form; `valid_from` as far as known, `valid_to` where it ended.

    `follow_ups`: whether one that follows gives everything anew, or what has changed alone.
    """

    key: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
    name: Sentence
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")]
    version: Sentence
    follow_ups: Literal["whole", "changes"] = "whole"
    sections: tuple[Section, ...] = Field(strict=False, min_length=1)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if twice := _twice(each.key for each in self.sections) or _twice(each.key for each in self.fields()):
            raise ValueError(f"the keys {twice} stand there twice")
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("it ends before it begins")
        return self

    def fields(self) -> tuple[FormField, ...]:
        """All its fields, in their order."""
        return tuple(field for section in self.sections for field in section.fields)


class NormalPath(FormRow):
    """One path of the normal form; `internal`: never printed, so no form asks for it."""

    path: Path
    kind: Kind
    codes: tuple[Code, ...] = Field(default=(), strict=False)
    internal: bool = False
    about: Sentence

    @model_validator(mode="after")
    def _choices_have_codes(self) -> Self:
        if self.kind in CHOICES and not self.codes:
            raise ValueError("a choice has codes")
        if twice := _twice(self.codes):
            raise ValueError(f"the codes {twice} stand there twice")
        return self

    def takes(self, code: str) -> bool:
        """Whether a code can be the answer here, or one of them."""
        return code.isdigit() if self.kind == "integer" else code in (self.codes or WORDS.get(self.kind, ()))


class NormalForm(FormRow):
    """All paths; the `computed` ones follow from the filing and stand in conditions only."""

    paths: tuple[NormalPath, ...] = Field(strict=False, min_length=1)
    computed: tuple[NormalPath, ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _each_path_once(self) -> Self:
        if twice := _twice(each.path for each in (*self.paths, *self.computed)):
            raise ValueError(f"the paths {twice} stand there twice")
        return self

    def strangers(self, form: Form) -> Iterator[str]:
        """What a form names and the normal form has not, or does not give out; each as a sentence."""
        told = {each.path: each for each in self.paths}
        asked = told | {each.path: each for each in self.computed}
        for field in form.fields():
            where = f"{form.key} {field.key}"
            for path in field.paths():
                if path not in told:
                    yield f"{where}: there is no path {path}"
                elif told[path].internal:
                    yield f"{where}: {path} is internal"
            if chief := told.get(field.answers[0]) if field.answers else None:
                yield from _unknown(where, chief, [code for each in field.options for code in each.codes()])
                yield from _unknown(where, chief, field.without)
            for leaf in field.leaves():
                if there := asked.get(leaf.at or ""):
                    yield from _unknown(where, there, (*leaf.one_of, *leaf.none_of))
                else:
                    yield f"{where}: there is no path {leaf.at}"


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a form does not take an answer: the code it stumbles on, or the most characters it takes.

    "no_box": the form has none for a code of the normal form; "not_offered": not as other answers stand;
    "several_boxes": nothing tells which of them is meant.
    """

    kind: Literal["too_long", "unknown_option", "only_incomplete", "no_box", "not_offered", "several_boxes"]
    code: str = ""
    longest: int | None = None


def is_shown(field: FormField, answers: Answers) -> bool:
    """Whether the form asks it; also while its condition hangs on something that is not known."""
    return field.shown is None or field.shown.holds(answers) is not False


def is_required(field: FormField, answers: Answers) -> bool:
    """Whether it must be answered; what is hidden never must, not even if it always must be otherwise."""
    return field.required != "no" and is_shown(field, answers)


def is_answered(field: FormField, answers: Answers) -> bool:
    """Whether its chief path is known, or another of its paths says as much.

    A choice needs its own path, and of rows each must say the part that is asked. A time or a number is
    answered by the code that says that there is none to give; that it comes later answers only while the
    notification is marked incomplete.
    """
    chief, *others = field.answers or ("",)
    if is_known(answer := answers.get(chief)):
        return field.part is None or all(parts_of(answer, field.part))
    instead = _INSTEAD.get(chief, {} if field.kind in CHOICES else dict.fromkeys(others))
    return any(_says(answers, path, instead[path]) for path in others if path in instead)


def _says(answers: Answers, path: str, codes: frozenset[str] | None) -> bool:
    found = set(codes_of(answers.get(path)))
    if answers.get(COMPLETENESS) != INCOMPLETE:
        found.discard(LATER)
    return bool(found) if codes is None else not found.isdisjoint(codes)


def missing(form: Form, answers: Answers) -> tuple[FormField, ...]:
    """The fields that are shown, required and without an answer, in the order of the form.

    Where a follow-up gives changes alone, only what is asked of the notification itself is required.
    """
    changes = form.follow_ups == "changes" and answers.get("notification.type") == "follow_up"
    return tuple(
        field
        for field in form.fields()
        if is_required(field, answers)
        and not is_answered(field, answers)
        and (field.answers[0].startswith("notification.") or not changes)
    )  # fmt: skip


def boxes(field: FormField, answers: Answers) -> tuple[Option, ...]:
    """The boxes that the form offers now, each once: options with the same label are one box."""
    offered = {each.label: each for each in reversed(field.options) if each.is_offered(answers)}
    return tuple(each for each in field.options if offered.get(each.label) is each)


def ticked(field: FormField, answer: Answer, answers: Answers) -> tuple[Option, ...]:
    """The boxes that an answer to the chief path ticks, each once, in the order of the form.

    Of several boxes for one code all of them, as long as nothing tells which.
    """
    found = set(codes_of(answer))
    labels = {
        each.label for each in field.options if found.intersection(each.codes()) and each.is_offered(answers)
    }
    return tuple(each for each in boxes(field, answers) if each.label in labels)


def faults(
    field: FormField, answer: Answer, *, incomplete: bool, answers: Answers | None = None
) -> tuple[Misfit, ...]:
    """Why a field does not take an answer to its chief path; nothing for one that is not known.

    `incomplete`: whether the notification is marked so; `answers` are all of them, for options with a
    condition. Length is counted in characters as Python does; a portal that counts a new line as two may
    refuse a few that pass here.
    """
    found: list[Misfit] = []
    if isinstance(answer, str) and field.longest is not None and len(answer) > field.longest:
        found.append(Misfit("too_long", longest=field.longest))
    for code in codes_of(answer) if field.options else ():
        found += _faults_of(field, code, incomplete=incomplete, answers=answers or {})
    return tuple(found)


def _faults_of(field: FormField, code: str, *, incomplete: bool, answers: Answers) -> Iterator[Misfit]:
    matching = [each for each in field.options if code in each.codes()]
    offered = [each for each in matching if each.is_offered(answers)]
    if code in field.without:
        yield Misfit("no_box", code)
    elif not matching:
        yield Misfit("unknown_option", code)
    elif not offered:
        yield Misfit("not_offered", code)
    elif len({each.label for each in offered}) > 1 and any(each.hangs(answers) for each in offered):
        yield Misfit("several_boxes", code)
    elif offered[0].only_incomplete and not incomplete:
        yield Misfit("only_incomplete", code)


def _plain(options: Sequence[Option]) -> list[str]:
    """The codes that may stand there once: those of boxes with a condition each may stand there again."""
    told = [code for each in options if each.shown is None for code in each.codes()]
    return [*told, *{code for each in options if each.shown for code in each.codes()}]


def _unknown(where: str, path: NormalPath, codes: Iterator[str] | Sequence[str]) -> Iterator[str]:
    return (f"{where}: {path.path} has no code {code}" for code in codes if not path.takes(code))


def _twice(names: Iterator[str] | Sequence[str]) -> str:
    """The names that stand there more than once, as text; empty when there is none."""
    every = list(names)
    return ", ".join(sorted({each for each in every if every.count(each) > 1}))
