"""The sections of a document: the fields that the form shows, in its order, each with its printed answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from incident import drafting
from incident.authorities.forms import all_forms
from incident.drafting import Words
from incident.packs import values
from incident.packs.article import point_of
from incident.packs.printing import Printer
from incident.packs.values import Entries
from incident.rules import forms
from incident.rules.form_answers import Answer, is_known
from incident.rules.forms import Form, FormField, Option, Section

_WHY_WITHDRAWN: Final = "notification.withdrawal_reason"


def form_in(content: Mapping[str, Any]) -> Form:
    """The very form of a document; the latest version where that one is not held any more.

    With what `asking_why` adds to it.
    """
    told = content["form"]
    known = all_forms()[told["key"]]
    form = next((form for form in known if form.version == told["version"]), known[-1])
    return asking_why(form, content)


def asking_why(form: Form, content: Mapping[str, Any]) -> Form:
    """The form of a withdrawal asks for its reason: in a field of ours at its head where it has none."""
    if content.get("kind") != "withdrawal" or any(_WHY_WITHDRAWN in field.paths() for field in form.fields()):
        return form
    words = drafting.pack_words(content["authority"], form.language)
    why = FormField(
        key="withdrawal", label=words.word("phrases", "why_withdrawn"), wording="proposed", certainty="high",
        kind="textarea", answers=(_WHY_WITHDRAWN,), required="always",
        help=words.word("phrases", "no_field"), help_wording="proposed",
    )  # fmt: skip
    section = Section(key="withdrawal", label=words.word("document", "withdrawal"), fields=(why,))
    return form.model_copy(update={"sections": (section, *form.sections)})


def laid_out(form: Form, answers: Entries, *, words: Words, zone: str) -> list[dict[str, Any]]:
    """The sections of a form with the fields that it shows for these answers, as JSON values.

    `words` are those of the authority in the form's language; instants are printed in `zone` (IANA name).
    A heading without a field that is shown is left out.
    """
    plain = values.plain(answers)
    shown = [field for field in form.fields() if forms.is_shown(field, plain)]
    printer = Printer(form, words, zone)
    laid = []
    for section in form.sections:
        fields = [_field(field, answers, plain, printer, shown) for field in section.fields if field in shown]
        if fields:
            laid.append({"key": section.key, "title": section.label, "fields": fields})
    return laid


def _field(
    field: FormField, answers: Entries, plain: Mapping[str, Answer], printer: Printer, shown: list[FormField]
) -> dict[str, Any]:
    asked = frozenset(path for other in shown if other is not field for path in other.answers)
    used = [answers[path] for path in field.paths() if path in answers]
    known = [each for each in used if is_known(each["value"])]
    chief = [answers[path] for path in field.answers if path in answers]
    answer = printer.field(field, answers, asked=asked)
    return {
        "key": field.key, "number": field.number, "label": field.label, "wording": field.wording,
        "help": field.help, "kind": field.kind, "paths": list(field.answers), "other": field.other,
        "codes": values.codes_in(field, answers), "longest": field.longest,
        "answer": answer,
        "source": next((each["source"] for each in known), "") if answer else "",
        "as_told": any(values.untranslated(each, printer.words.locale) for each in chief),
        "edited": any(each["edited"] for each in chief),
        "to_follow": any(each["to_follow"] for each in chief),
        "required": forms.is_required(field, plain), "point": point_of(field),
    }  # fmt: skip


def misfits(content: Mapping[str, Any], form: Form) -> Iterator[tuple[FormField, forms.Misfit]]:
    """Every shown answer that the form does not take, in its order."""
    incomplete = values.value_of(content["answers"], forms.COMPLETENESS) == forms.INCOMPLETE
    by_key, plain = {field.key: field for field in form.fields()}, values.plain(content["answers"])
    for section in content["sections"]:
        for each in section["fields"]:
            field = by_key.get(each["key"])
            if field is None or not field.answers:
                continue
            chief = values.value_of(content["answers"], field.answers[0])
            found = forms.faults(field, each["codes"] or chief, incomplete=incomplete, answers=plain)
            yield from ((field, misfit) for misfit in found)
            too_long = field.longest is not None and len(each["answer"]) > field.longest
            if too_long and not any(misfit.kind == "too_long" for misfit in found):
                yield field, forms.Misfit("too_long", longest=field.longest)


@dataclass(frozen=True, slots=True)
class Choice:
    """A box of a field: what is typed to tick it, its label, where that comes from, whether it is ticked."""

    value: str
    label: str
    wording: str
    ticked: bool


def choices(content: Mapping[str, Any]) -> dict[str, list[Choice]]:
    """The boxes that the form offers now in each shown field with a choice, by the field's key.

    A box that is told from another by a further answer is typed with it: "code+path=code".
    """
    plain, shown = values.plain(content["answers"]), set(_shown_keys(content))
    found = {}
    for field in form_in(content).fields():
        if field.key in shown and field.options:
            codes = values.codes_in(field, content["answers"])
            labels = {each.label for each in forms.ticked(field, codes, plain)}
            found[field.key] = [
                Choice(_to_type(each, field, codes), each.label, each.wording, each.label in labels)
                for each in forms.boxes(field, plain)
            ]
    return found


def _shown_keys(content: Mapping[str, Any]) -> Iterator[str]:
    return (each["key"] for section in content["sections"] for each in section["fields"])


def _to_type(option: Option, field: FormField, chosen: list[str]) -> str:
    """The code that ticks a box: the one that stands, where one does."""
    same = {code for each in field.options if each.label == option.label for code in each.codes()}
    code = next((each for each in chosen if each in same), option.code)
    return "+".join([code, *(f"{path}={said}" for path, said in option.says_besides().items())])
