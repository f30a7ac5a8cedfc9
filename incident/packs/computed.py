"""What nobody writes into a document, since it follows from the rest: for the conditions of a form.

What does not follow for sure is left out: then the form asks.
"""

from typing import Final

from incident.packs import values
from incident.packs.values import LATE, PRODUCT, SUPPLEMENT, Entry
from incident.rules import forms
from incident.rules.form_answers import codes_of, computed
from incident.rules.forms import Form, FormField

WITHDRAWN: Final = "withdraw"
_AGAIN: Final = ("reporter.is_dpo", "cross_border.is")
_OTHERS: Final = f"{PRODUCT}, by the other answers"


def compute(answers: dict[str, Entry], kind: str, *, late: bool) -> None:
    """Work out anew what follows from the answers; `late`: whether the deadline has passed.

    Late is what is first filed after it: of a later filing that stays as it was.
    """
    found = computed(values.plain(answers))
    for path in _AGAIN:
        if path in found:
            answers[path] = values.entry(found[path], _OTHERS)
        else:
            answers.pop(path, None)
    if kind == "initial":
        answers[LATE] = values.entry(late, f"{PRODUCT}, by GDPR art. 33(1)")


def drop_hidden_marks(answers: dict[str, Entry], form: Form) -> None:
    """Let nothing be to follow that the form does not ask as the answers stand: nobody can answer it."""
    asked = {path for field in _shown(answers, form) for path in field.paths()}
    for path, each in answers.items():
        if each["to_follow"] and path not in asked:
            answers[path] = {**each, "to_follow": False}


def _shown(answers: dict[str, Entry], form: Form) -> list[FormField]:
    plain = values.plain(answers)
    return [field for field in form.fields() if forms.is_shown(field, plain)]


def say_status(answers: dict[str, Entry], kind: str, form: Form) -> None:
    """Let the document itself say whether more will come: as soon as anything in it is to follow.

    A person may say so as well where nothing is marked; nobody can say the contrary.
    """
    follows = any(each["to_follow"] for each in answers.values()) or _later(answers, form)
    told = answers.get(forms.COMPLETENESS)
    stands = told is not None and told["edited"] and told["value"] == forms.INCOMPLETE
    if kind == "withdrawal":
        answers[forms.COMPLETENESS] = values.entry(WITHDRAWN, PRODUCT)
    elif not stands:
        said = forms.INCOMPLETE if follows else "complete"
        answers[forms.COMPLETENESS] = values.entry(said, PRODUCT)
    planned = answers.get(SUPPLEMENT)
    if planned is None or not planned["edited"]:
        more = values.value_of(answers, forms.COMPLETENESS) == forms.INCOMPLETE
        answers[SUPPLEMENT] = values.entry(more, PRODUCT)


def _later(answers: dict[str, Entry], form: Form) -> bool:
    """Whether a box that the form shows is ticked and says of something that it is not known yet."""
    for field in _shown(answers, form):
        later = {code for each in field.options if each.only_incomplete for code in each.codes()}
        chosen = codes_of(values.value_of(answers, field.answers[0])) if field.answers else ()
        modes = (codes_of(values.value_of(answers, path)) for path in field.answers if path.endswith("_mode"))
        if later.intersection(chosen) or (forms.LATER,) in modes:
            return True
    return False
