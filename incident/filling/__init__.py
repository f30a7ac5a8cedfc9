"""The normal form of a notification, filled from everything that is known, each answer with its source.

Nobody guesses here: what no fact, duty, decision, register or delivery says stays out, and is a question to
a person. Whether the people were told comes from what was sent and what arrived, never from what was meant.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from foundation import locales
from incident import drafting
from incident.authorities.forms import form_for, normal_form
from incident.drafting import Material, Words
from incident.filling import authorities, breach, harm, organisation, people, telling
from incident.filling.beside import beside_of as beside_of
from incident.filling.beside import told_of as told_of
from incident.filling.filled import Answered, Beside, Case, Filing, FilingKind, Filled, Person, Told, Value
from incident.rules.form_answers import computed, is_known
from incident.rules.forms import CHOICES
from incident.rules.judgement import judge

__all__ = [
    "Beside", "Filing", "FilingKind", "Filled", "Person", "Told", "Value", "beside_of", "fill",
    "told_of", "values_of",
]  # fmt: skip

PARTS: Final[tuple[Callable[[Case], Answered], ...]] = (
    authorities.notification, organisation.controller, organisation.people_to_ask, breach.parties,
    breach.timeline, breach.nature, people.subjects, people.data, people.security, harm.consequences,
    harm.measures, telling.communication, authorities.others, authorities.across_borders,
)  # fmt: skip


def fill(
    material: Material, authority: str, told: Told, *, kind: FilingKind = "initial", now: datetime,
    beside: Beside | None = None, words: Words | None = None,
) -> dict[str, Filled]:  # fmt: skip
    """Every path of the normal form that is known for a notification to an authority (its key).

    `kind` is the kind of filing, `now` the moment it is made for: late or not hangs on it. The computed
    paths are among the answers (source "Breachclock, by …"); `rules.form_answers.computed` makes anew after
    an edit what follows from it. Without `beside` that is read from the database, without `words` they are
    those of the form's language; with both nothing is read.
    """
    if words is None:
        form = form_for(authority, now.date())
        words = drafting.pack_words(authority, locales.choose(form.language))
    case = Case(
        material, authority, told, beside_of(material, authority) if beside is None else beside, words,
        kind, now, judge(material.facts),
    )  # fmt: skip
    found = {path: each for section in PARTS for path, each in section(case) if is_known(each.value)}
    kept = {
        path: each for path, each in ((path, _fitting(path, each)) for path, each in found.items()) if each
    }
    known = values_of(kept)
    for path, value in computed(known).items():
        kept[path] = Filled(value, "Breachclock, by the other answers")
    return kept


def values_of(filled: Mapping[str, Filled]) -> dict[str, Value]:
    """The values alone, as the functions about forms take them."""
    return {path: each.value for path, each in filled.items()}


_NORMAL: Final = {each.path: each for each in (*normal_form().paths, *normal_form().computed)}


def _fitting(path: str, filled: Filled) -> Filled | None:
    """The answer as far as the normal form takes it: a register may hold a word that it does not know."""
    normal = _NORMAL[path]
    if normal.kind not in CHOICES:
        return filled
    told = filled.value if isinstance(filled.value, list) else [filled.value]
    if all(isinstance(code, str) and normal.takes(code) for code in told):
        return filled
    return None
