"""What is known at the paths of the normal form, and what conditions compare of it."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, TypeAlias

# One row: a party, a representative, an attachment, by the names of its parts; or numbers by country.
Row: TypeAlias = Mapping[str, object]
# What is known at a path. None, empty text and an empty list or row are not known; False and 0 are answers.
Answer: TypeAlias = str | Sequence[str] | Sequence[Row] | Row | int | bool | date | None
Answers: TypeAlias = Mapping[str, Answer]

# What a row is compared by: a party by its role, an attachment by its kind.
_CODE: Final = ("role", "kind")


def is_known(answer: Answer) -> bool:
    """Whether something is answered: empty text and an empty list say nothing, False and 0 do."""
    if isinstance(answer, str):
        return bool(answer.strip())
    return bool(len(answer)) if isinstance(answer, Sequence | Mapping) else answer is not None


def codes_of(answer: Answer) -> tuple[str, ...]:
    """An answer as the codes that a condition compares.

    Of a list each, of a row its role or kind, of numbers by country the countries, a boolean as
    `yes` or `no`.
    """
    if not is_known(answer) or answer is None:
        return ()
    if isinstance(answer, bool):
        return ("yes" if answer else "no",)
    if isinstance(answer, str | int | date):
        return (str(answer),)
    if isinstance(answer, Mapping):
        return tuple(answer)
    return tuple(dict.fromkeys(code for each in answer for code in _codes_of_one(each)))


def _codes_of_one(each: str | Row) -> tuple[str, ...]:
    if isinstance(each, str):
        return (each,)
    return tuple(str(each[name]) for name in _CODE if each.get(name))


def parts_of(answer: Answer, part: str) -> tuple[str, ...]:
    """One part of every row of an answer, in their order; empty where a row does not say it."""
    rows = (answer,) if isinstance(answer, Mapping) else answer
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        return ()
    return tuple(str(each.get(part) or "") for each in rows if isinstance(each, Mapping))


def computed(answers: Answers) -> dict[str, str | bool]:
    """The computed paths that follow from other answers alone, anew after each edit; others stay as filled.

    What does not follow is left out, and so shows whatever hangs on it. People in another country than the
    controller's make it cross-border for the forms, whatever the law makes of it.
    """
    found: dict[str, str | bool] = {}
    if function := codes_of(answers.get("reporter.function")):
        found["reporter.is_dpo"] = function == ("dpo",)
    said = codes_of(answers.get("cross_border.is_cross_border"))
    home = codes_of(answers.get("controller.country"))
    affected = set(codes_of(answers.get("cross_border.affected_countries")))
    if said == ("yes",) or (home and affected - set(home)):
        found["cross_border.is"] = "yes"
    elif said == ("no",):
        found["cross_border.is"] = "no"
    return found
