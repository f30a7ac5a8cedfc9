"""What a form tells is only what is new: how it is laid over the facts that are known already.

Nothing known is taken away: lists grow, words are put below the words before, and what the form left open
stays as it was.
"""

from collections.abc import Mapping
from typing import Any, Final

LONGEST: Final = 20000  # of a description, as the contract has it
MOST: Final = 100  # items of a list, as the contract has it
KEPT: Final = ("title", "reference", "chain")  # as they were told first, where they were
UNKNOWN: Final = ("unknown", "unspecified")


def to(known: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """The document: `known` with what is newly told on top; both are facts documents."""
    document = dict(known)
    for name, value in told.items():
        if name in KEPT and document.get(name):
            continue
        document[name] = _description(document.get(name, ""), value) if name == "description" else (
            _over(document.get(name), value)
        )  # fmt: skip
    return document


def _over(known: Any, told: Any) -> Any:
    if isinstance(known, Mapping) and isinstance(told, Mapping):
        if {"exactly", "at_least", "at_most"} & told.keys():
            return dict(told)  # a number replaces a number whole
        return dict(known) | {name: _over(known.get(name), value) for name, value in told.items()}
    if isinstance(known, list) and isinstance(told, list):
        words = [each for each in known if each not in UNKNOWN]
        return [*words, *(each for each in told if each not in words)][:MOST]
    return known if known and told in UNKNOWN else told


def _description(known: str, told: str) -> str:
    """Both, the new words last; when they are too long together the oldest words give way."""
    if not known or told in known:
        return known or told
    return f"{known}\n\n{told}"[-LONGEST:]
