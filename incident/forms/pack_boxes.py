"""A notification as a form to be written in: for each field the boxes of its paths, by the kind of each.

A path that several fields ask for has one box, at the field of which it is the chief one. What was typed is
shown again where it was not taken, beside why.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from incident import packs
from incident.authorities.forms import COMMON, all_forms, normal_form
from incident.forms.fields import Sheet
from incident.forms.words import WORDS
from incident.rules import forms
from incident.rules.forms import Form, FormField, NormalPath

# How a path is filled in, by its kind; whatever is not named is several lines of text.
WIDGETS: Final[Mapping[str, str]] = {
    "text": "line", "email": "line", "phone": "line", "country": "line", "integer": "number", "date": "date",
    "datetime": "time", "enum": "choice", "boolean": "choice", "tri": "choice", "multi": "ticks",
}  # fmt: skip
ENGLISH: Final = "en"
_APART: Final = re.compile(r"[\s,;]+")


@dataclass(frozen=True, slots=True)
class Option:
    """One code to choose: its label in the form, and what it is where two codes share a label."""

    code: str
    label: str
    besides: str = ""
    only_incomplete: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """Where one path is written. `locked` is what it says where it is not typed here but comes from facts."""

    path: str
    widget: str
    label: str
    label_locale: str
    options: tuple[Option, ...] = ()
    longest: int | None = None
    may_follow: bool = False
    to_translate: str = ""  # the text as it was told, where nobody wrote it in the form's language
    locked: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A field of the form and its boxes; `elsewhere` are fields at which its other paths are written."""

    field: Mapping[str, Any]
    boxes: tuple[Box, ...]
    elsewhere: tuple[str, ...]


def questions(content: Mapping[str, Any]) -> dict[str, list[Question]]:
    """The fields that a document shows, with their boxes, by the key of their section."""
    made = _Boxes(content)
    return {
        section["key"]: [made.question(field) for field in section["fields"] if field["paths"]]
        for section in content["sections"]
    }


def written(content: Mapping[str, Any], zone: str) -> Sheet:
    """What somebody would have typed to say what a document says; times are local to `zone` (IANA name)."""
    follows = [path for path, each in content["answers"].items() if each["to_follow"]]
    return Sheet(typed={**packs.typed(content, zone), "to_follow": follows})


def typed_in(form: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """What was typed by path, countries each by itself; which of two instants is meant stands beside it."""
    known, found = _told(), {}
    for name, told in form.items():
        path = known.get(name.removesuffix(".fold"))
        if path is not None:
            apart = path.kind == "countries"
            found[name] = [word for text in told for word in _APART.split(text)] if apart else told
    return found


def _told() -> dict[str, NormalPath]:
    return {each.path: each for each in normal_form().paths if not each.internal}


class _Boxes:
    """Lays out the boxes of one document."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content, self.form = content, packs.form_in(content)
        self.told, self.later = _told(), packs.may_follow(content)
        self.answers = {path: each["value"] for path, each in content["answers"].items()}
        self.fields = {each.key: each for each in self.form.fields()}
        shown = [self.fields[each["key"]] for each in packs.fields(content) if each["key"] in self.fields]
        self.at: dict[str, str] = {each.answers[0]: each.key for each in reversed(shown) if each.answers}
        for each in shown:
            for path in each.paths():
                self.at.setdefault(path, each.key)

    def question(self, field: Mapping[str, Any]) -> Question:
        paths = [path for path in dict.fromkeys((*field["paths"], field["other"])) if path in self.told]
        mine = [path for path in paths if self.at.get(path) == field["key"]]
        elsewhere = dict.fromkeys(self.at[path] for path in paths if path not in mine and path in self.at)
        return Question(field, tuple(self._box(field, path) for path in mine), tuple(elsewhere))

    def _box(self, field: Mapping[str, Any], path: str) -> Box:
        told, asked = self.told[path], self.fields[field["key"]]
        chief = bool(field["paths"]) and path == field["paths"][0]
        label, locale = (field["label"], self.form.language) if chief else self._label(path)
        entry = self.content["answers"].get(path, {})
        value = entry.get("value")
        later = chief or bool(entry.get("to_follow"))
        told_so = entry.get("as_told") and entry.get("language") != self.form.language and value
        return Box(
            path, WIDGETS.get(told.kind, "text"), label, locale, tuple(self._options(told, _codes(value))),
            longest=asked.longest if chief else None, may_follow=path in self.later and later,
            to_translate=str(value) if told_so else "",
            locked=field["answer"] if path in packs.FIXED else None,
        )  # fmt: skip

    def _label(self, path: str) -> tuple[str, str]:
        """What a path is called, and in which language: as this form says it, as the common one, as we do."""
        for form in (self.form, *all_forms()[COMMON][-1:]):
            for field in form.fields():
                if field.answers and field.answers[0] == path:
                    return field.label, form.language
        return self.told[path].about, ENGLISH

    def _options(self, told: NormalPath, chosen: Sequence[str]) -> Iterator[Option]:
        """The boxes for a path; of codes that share one, those that are chosen, else the first."""
        if WIDGETS.get(told.kind) not in ("choice", "ticks"):
            return
        asked = _asking(self.form, told.path) or _asking(all_forms()[COMMON][-1], told.path)
        if asked is None:
            codes = told.codes or forms.WORDS.get(told.kind, ())
            yield from (Option(code, _plain(code)) for code in codes)
            return
        known: set[str] = set()
        for option in forms.boxes(asked, self.answers):
            sharing = [code for each in asked.options if each.label == option.label for code in each.codes()]
            known.update(sharing)
            mine = [code for code in dict.fromkeys(sharing) if code in chosen] or [option.code]
            for code in mine:
                besides = _plain(code) if len(mine) > 1 else ""
                yield Option(code, option.label, besides, only_incomplete=option.only_incomplete)
        yield from (Option(code, _plain(code)) for code in told.codes if code in chosen and code not in known)


def _asking(form: Form, path: str) -> FormField | None:
    """The field of a form that offers choices for a path."""
    return next((each for each in form.fields() if each.options and each.answers[0] == path), None)


def _plain(code: str) -> str:
    """A code in the language of the page, where we have a word for it."""
    return str(WORDS[code]) if code in WORDS else code.replace("_", " ").capitalize()


def _codes(value: Any) -> tuple[str, ...]:
    """The codes that a value of a choice has."""
    if isinstance(value, bool):
        return ("yes",) if value else ("no",)
    return (
        tuple(value)
        if isinstance(value, list) and all(isinstance(each, str) for each in value)
        else (str(value),)
    )
