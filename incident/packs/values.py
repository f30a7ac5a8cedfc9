"""The answers of a document by path: what each path takes, what is known, what is chosen.

An answer is an entry: its value, where it comes from, and what a person made of it.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, TypeAlias

from incident.authorities.forms import normal_form
from incident.rules import forms
from incident.rules.form_answers import Answer, codes_of, is_known
from incident.rules.forms import FormField, NormalPath

Entry: TypeAlias = dict[str, Any]
Entries: TypeAlias = Mapping[str, Mapping[str, Any]]

PRODUCT: Final = "Breachclock"
SUPPLEMENT: Final = "notification.supplement_planned"
CLAIMS: Final = "notification.confidentiality_claims"
LATE: Final = "notification.late"
# Codes that say that something is not known yet; no answer to a point of the article.
NOT_YET: Final = frozenset({"tbd", "unknown", "needs_info", "undecided"})


@cache
def told_paths() -> Mapping[str, NormalPath]:
    """The paths that people or facts answer."""
    return {each.path: each for each in normal_form().paths}


def entry(value: Any, source: str, *, as_told: bool = False, language: str = "") -> Entry:
    """One answer as a document keeps it."""
    return {
        "value": value, "source": source, "as_told": as_told, "edited": False, "to_follow": False,
        "language": language,
    }  # fmt: skip


def value_of(answers: Entries, path: str) -> Any:
    """What a path says, or None."""
    return answers[path]["value"] if path in answers else None


def plain(answers: Entries) -> dict[str, Answer]:
    """The answers as the rules of a form take them."""
    return {path: each["value"] for path, each in answers.items()}


def codes_in(field: FormField, answers: Entries) -> list[str]:
    """The codes of the normal form that are chosen in a field with options, in the order of the form.

    Of several yes-or-no paths one yes is enough.
    """
    if not field.options:
        return []
    found = codes_of(value_of(answers, field.answers[0]))
    if field.kind in forms.WORDS:
        others = [codes_of(value_of(answers, path)) for path in field.answers[1:]]
        found = ("yes",) if ("yes",) in others else found
    ordered = [code for each in field.options for code in each.codes() if code in found]
    return list(dict.fromkeys((*ordered, *found)))


def untranslated(each: Mapping[str, Any], locale: str) -> bool:
    """Whether an answer is somebody's words in a language that is not the form's, or nobody knows which."""
    return bool(each["as_told"]) and is_known(each["value"]) and each["language"] != locale
