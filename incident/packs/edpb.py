"""A document by the numbers of the EDPB's common template, for machines: whatever form it was written for."""

from collections.abc import Mapping
from typing import Any, Final

from incident.authorities.forms import COMMON, all_forms
from incident.packs import values
from incident.packs.layout import form_in
from incident.rules import forms
from incident.rules.form_answers import is_known, parts_of
from incident.rules.forms import FormField

TEMPLATE: Final = "EDPB common template"


def edpb_json(content: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the common template that are shown and answered, by number, as JSON values.

    A choice is told by the `codes` of its boxes, with the template's own words for them; everything
    else by its `value`: an instant in UTC, a day, a number, a text as it stands. What is to follow is named.
    Raises: ValueError for a document of schema 1, which holds no answers by path.
    """
    if "answers" not in content:
        raise ValueError("A document of schema 1 has no answers by path.")
    form = form_in(content) if content["form"]["key"] == COMMON else all_forms()[COMMON][-1]
    answers = content["answers"]
    plain = values.plain(answers)
    shown = [field for field in form.fields() if forms.is_shown(field, plain) and field.number is not None]
    told = {str(field.number): _told(field, content) for field in shown}
    return {
        "template": TEMPLATE, "version": form.version, "authority": content["authority"],
        "kind": content["kind"], "language": content["locale"],
        "fields": {number: each for number, each in told.items() if each is not None},
        "missing": [str(field.number) for field in forms.missing(form, plain) if field.number is not None],
    }  # fmt: skip


def _told(field: FormField, content: Mapping[str, Any]) -> dict[str, Any] | None:
    answers = content["answers"]
    said: dict[str, Any] = {"label": field.label, "kind": field.kind}
    if field.options:
        ticked = forms.ticked(field, values.codes_in(field, answers), values.plain(answers))
        said |= {"codes": [each.code for each in ticked], "options": [each.label for each in ticked]}
    else:
        known = {path: values.value_of(answers, path) for path in field.answers}
        known = {path: value for path, value in known.items() if is_known(value)}
        said["value"] = _value(field, known)
    entries = [answers[path] for path in field.answers if path in answers]
    if any(each["to_follow"] for each in entries):
        said["to_follow"] = True
    if any(values.untranslated(each, content["locale"]) for each in entries):
        said["as_told"] = True
    return said if said.get("codes") or is_known(said.get("value")) or "to_follow" in said else None


def _value(field: FormField, known: Mapping[str, Any]) -> Any:
    """One value as it is; several texts one below the other; of a person or a place each part by its name."""
    if field.part:
        parts = list(parts_of(known.get(field.answers[0]), field.part))
        return parts if any(parts) else None
    if field.kind == "contact":
        return {path.rpartition(".")[2]: value for path, value in known.items()}
    if len(known) <= 1:
        return next(iter(known.values()), None)
    texts = [str(value) for value in known.values() if isinstance(value, str)]
    return "\n".join(texts)
