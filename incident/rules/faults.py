"""What is wrong with a facts document, member by member."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from incident.rules.values import COUNTRY, EMAIL, SEAT, TEXT

MOST_FAULTS: Final = 1000


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a fault is (RFC 6901 pointer) and what is expected there; never what was sent."""

    pointer: str
    detail: str


class FactsFault(ValueError):
    """The document does not follow the contract; `errors` names every fault."""

    def __init__(self, errors: list[Fault]) -> None:
        super().__init__(f"The facts have {len(errors)} fault(s), the first at {errors[0].pointer!r}.")
        self.errors = errors


_PATTERNS: Final[Mapping[str, str]] = {
    TEXT: "Text without NUL is expected.",
    EMAIL: "An e-mail address is expected.",
    COUNTRY: "A country is two capital letters (ISO 3166-1); the United Kingdom is GB.",
    SEAT: "A country is two capital letters (ISO 3166-1), or `none` for outside the EEA.",
}

_DETAILS: Final[Mapping[str, str]] = {
    "missing": "This member is required.",
    "extra_forbidden": "The contract knows no such member.",
    "invalid_key": "Names of members are text.",
    "literal_error": "Expected is {expected}.",
    "string_type": "Text is expected.",
    "string_unicode": "Text must not hold half of a surrogate pair.",
    "string_too_long": "At most {max_length} characters are allowed.",
    "string_too_short": "At least {min_length} character(s) are needed.",
    "too_long": "At most {max_length} items are allowed.",
    "model_type": "An object is expected.",
    "model_attributes_type": "An object is expected.",
    "dict_type": "An object is expected.",
    "bool_type": "true or false is expected.",
    "int_type": "A whole number is expected.",
    "int_parsing_size": "The number is too great.",
    "float_type": "A number is expected.",
    "finite_number": "The number is too great.",
    "greater_than": "The number must be greater than {gt}.",
    "greater_than_equal": "The number must be at least {ge}.",
    "less_than_equal": "The number must be at most {le}.",
}


def faults_of(error: ValidationError) -> list[Fault]:
    """Every fault that pydantic found, in the order of the document, in our own words.

    A document that is nothing but faults gets the first thousand and the number of the rest.
    """
    found = error.errors(include_url=False, include_input=False)
    faults = [
        Fault(_pointer(each["loc"], each["type"]), _detail(each["type"], each.get("ctx", {}), each["msg"]))
        for each in found[:MOST_FAULTS]
    ]
    if len(found) > MOST_FAULTS:
        faults.append(Fault("", f"There are {len(found) - MOST_FAULTS} faults more."))
    return faults


def _detail(kind: str, limits: Mapping[str, object], message: str) -> str:
    if kind == "string_pattern_mismatch":
        return _PATTERNS[str(limits["pattern"])]
    return _DETAILS.get(kind, message).format_map(limits)


def _pointer(location: tuple[int | str, ...], kind: str) -> str:
    # pydantic marks a fault of a mapping's key, as against its value, with one more part.
    parts = location[:-1] if location and location[-1] == "[key]" and kind.startswith("string_") else location
    pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)
    return pointer.encode("utf-8", "replace").decode("utf-8")
