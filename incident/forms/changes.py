"""What changed between two versions of the facts, fact by fact, in the words in which each is asked for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask_babel import gettext as _

from foundation import locales
from incident.forms import words
from incident.forms.facts import FIELDS, LABELS, at_a_processor, label_of
from incident.forms.fields import Kind

NOTHING: Final[tuple[Any, ...]] = (None, "", [], {}, "unknown", ["unknown"], ["unspecified"])
_FIELDS: Final = {each.pointer: each for each in FIELDS}
_ORDER: Final = {each.pointer: place for place, each in enumerate(FIELDS)}
_COUNTED: Final = ("/subjects/total", "/data/records", "/disclosure/recipients_count")


@dataclass(frozen=True, slots=True)
class Change:
    """One fact: how it is asked for, what it was, what it is; an empty list means not known."""

    pointer: str
    label: str
    before: list[str]
    after: list[str]


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Every fact that differs, in the order of the form; nothing for two that say the same."""
    was, now = (dict(_leaves(each)) | {"/at_a_processor": at_a_processor(each)} for each in (before, after))
    changed = [
        pointer for pointer in {**was, **now}
        if _plain(was.get(pointer)) != _plain(now.get(pointer))
    ]  # fmt: skip
    changed.sort(key=lambda pointer: (_ORDER.get(pointer, len(_ORDER)), pointer))
    return [
        Change(each, label(each), _said(each, was.get(each)), _said(each, now.get(each))) for each in changed
    ]


def label(pointer: str) -> str:
    """How a fact is called where it stands alone: a link of the chain by its place, a number by its whole."""
    parts = pointer.split("/")
    if parts[1] == "chain" and len(parts) == 4:
        what = label_of(f"/chain/0/{parts[3]}")
        return _("Party %(number)s that held the data: %(what)s", number=int(parts[2]) + 1, what=what)
    whole = pointer.rpartition("/")[0]
    if whole in _COUNTED and whole in LABELS:
        part = {"exactly": _("exactly"), "estimate": _("an estimate")}.get(parts[-1])
        return f"{label_of(whole)}: {part or label_of(pointer).lower()}"
    return label_of(pointer)


def _leaves(value: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    """What stands at the ends of a document; a list of words is one end, and so are numbers by country."""
    if isinstance(value, Mapping) and pointer != "/subjects/by_country":
        for name, part in value.items():
            yield from _leaves(part, f"{pointer}/{name}")
    elif isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
        for number, part in enumerate(value):
            yield from _leaves(part, f"{pointer}/{number}")
    elif pointer != "/schema_version":
        yield pointer, value


def _plain(value: Any) -> Any:
    """Not told, empty and unknown are one; the order of words says nothing; an instant is an instant."""
    if value in NOTHING or value is False:
        return None
    if isinstance(value, list):
        return sorted(map(str, value))
    return _instant(value) or value


def _instant(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) and "T" in value else None
    except ValueError:
        return None


def _said(pointer: str, value: Any) -> list[str]:
    """A value as people read it."""
    if value in NOTHING or value is False:
        return []
    field = _FIELDS.get(pointer)
    if isinstance(value, Mapping):
        return [f"{locales.country(code, locales.current())} {count}" for code, count in value.items()]
    if isinstance(value, list):
        return [words.say(each) for each in value]
    if (field is None or field.kind is Kind.TIME) and (at := _instant(value)):
        return [locales.instant(at, locales.zone(), locales.current())]
    if value is True:
        return [words.say("yes")]
    return [words.say(value) if field is None or field.kind is Kind.CHOICE else str(value)]
