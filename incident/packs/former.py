"""Documents of schema 1: texts by keys of ours, in an order of ours. They stay readable, and can be filed.

Renewed, such a draft becomes one of schema 2; what people wrote into it is kept under the paths that ask for
the same. What has no such place, such as a time written out in words, is kept as a text with its old label.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from incident.packs import values
from incident.packs.values import Entries, Entry
from incident.rules.form_answers import is_known
from incident.rules.forms import Form

REASONS: Final = "delay.reasons"
# Which fields answer a point of the article; any one of them is enough.
ANSWERS: Final[Mapping[str, tuple[str, ...]]] = {
    "what happened": ("nature.description",),
    "whether data were disclosed, changed or lost": ("nature.losses",),
    "which groups of people are concerned": ("people.groups",),
    "about how many people are concerned": ("people.number",),
    "which kinds of data are concerned": ("data.categories",),
    "about how many records are concerned": ("data.records",),
    "the name of the data protection officer or contact point": ("contact.contact_name",),
    "how the contact point can be reached": ("contact.contact_phone", "contact.contact_email"),
    "the likely consequences": ("consequences.likely",),
    "the measures taken or proposed": ("measures.taken", "measures.planned"),
    "the reasons for the delay": (REASONS,),
}
# Fields whose text can stand as it is under a path.
_SAME: Final[Mapping[str, str]] = {
    "notification.reference": "notification.internal_reference",
    "controller.controller_name": "controller.name",
    "controller.registration": "controller.registration_number",
    "controller.address": "controller.postal_address",
    "contact.contact_name": "contact_point.name",
    "contact.contact_phone": "contact_point.phone",
    "contact.contact_email": "contact_point.email",
    "nature.title": "incident.title",
    "nature.description": "nature.description_what",
    "nature.cause": "nature.root_cause",
    "people.groups": "subjects.categories_description",
    "data.categories": "data.categories_description",
    "consequences.likely": "consequences.impact_description",
    "measures.taken": "measures.containment_description",
    "measures.planned": "measures.prevention_description",
    REASONS: "timeline.delay_reasons",
}
_NUMBERS: Final[Mapping[str, str]] = {"people.number": "subjects.count", "data.records": "records.count"}
# Fields whose text is kept with its old label, and where.
_BESIDE: Final[Mapping[str, str]] = {
    "nature.losses": "nature.description_what",
    "times": "timeline.notes",
    "parties.parties": "nature.systems_description",
    "people.number": "subjects.categories_description",
    "people.countries": "subjects.categories_description",
    "data.records": "data.categories_description",
    "data.special": "data.categories_description",
    "data.protection": "security_before.description",
}
_ELSEWHERE: Final = "notification.additional_information"
_ANYTHING: Final = "nature.description_what"  # every form asks for it
_DERIVED: Final = frozenset({"notification.authority", "notification.kind", "notification.status"})
# What was marked as to follow, by the path that asks for it now.
_FOLLOWS: Final[Mapping[str, str]] = {
    **_SAME, **_NUMBERS, "nature.losses": "nature.cia", "people.groups": "subjects.categories",
    "data.categories": "data.categories", "consequences.likely": "consequences.impact_types",
}  # fmt: skip


def written(content: Mapping[str, Any], form: Form, fresh: Entries) -> dict[str, Entry]:
    """What people wrote into a document of schema 1, and what they marked as to follow, by path.

    A text that has no place of its own in the form stands behind what its new place says in the `fresh`
    answers: where the form asks for nothing like it, that is where it asks what happened. So nothing that was
    written falls out of what is filed.
    """
    asked = {path for field in form.fields() for path in field.paths()}
    found: dict[str, Entry] = {}
    for each in sorted(_fields(content), key=lambda each: _SAME.get(each["key"]) not in asked):
        key, text = each["key"], each["answer"].strip()
        if each["edited"] and key not in _DERIVED:
            path, value = _kept(each, text, asked)
            is_own = path in (_SAME.get(key), _NUMBERS.get(key))
            if value == "" and not is_own:
                continue
            before: Mapping[str, Any] | None = found.get(path)
            if not is_own and not (before and before["edited"]):
                before = fresh.get(path)
            made = values.entry(value, each["source"], language=form.language) | {"edited": True}
            if before and is_known(before["value"]):
                made["value"] = f"{before['value']}\n{value}".strip()
                made |= {name: before[name] for name in ("as_told", "language") if before["as_told"]}
            found[path] = made
        elif each["to_follow"] and key in _FOLLOWS:
            found[_FOLLOWS[key]] = values.entry(None, each["source"]) | {"to_follow": True}
    return found


def _kept(each: Mapping[str, Any], text: str, asked: Collection[str]) -> tuple[str, str | int]:
    """Where a text goes, and as what."""
    key = each["key"]
    if _SAME.get(key) in asked:
        return _SAME[key], text
    number = text.isascii() and text.isdigit() and len(text) <= 15
    if number and _NUMBERS.get(key) in asked:
        return _NUMBERS[key], int(text)
    place = _BESIDE.get(key) or _BESIDE.get(key.partition(".")[0]) or _ELSEWHERE
    return place if place in asked else _ANYTHING, f"{each['label']}: {text}" if text else ""


def _fields(content: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for section in content["sections"]:
        yield from section["fields"]
