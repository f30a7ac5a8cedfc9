"""The smallest values that facts are made of: texts, counts, countries, instants, lists.

Each accepts what the contract's schema accepts, and further refuses what no database or signature can
keep: NUL, lone surrogates, and instants that fall outside the years 1 to 9999 in UTC.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Final, TypeAlias, TypeVar

from pydantic import (
    BeforeValidator,
    Field,
    PlainValidator,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

Item = TypeVar("Item")

TEXT: Final = r"^[^\x00]*$"
COUNTRY: Final = r"^[A-Z]{2}$"
SEAT: Final = r"^([A-Z]{2}|none)$"
# RFC 5321 addresses, and the same with letters beyond ASCII (RFC 6531): a reporter is never turned away
# for the letters of a name. No white space or control character outside quotes.
EMAIL: Final = (
    r'^(?:[^\s\x00-\x1f\x7f"(),:;<>@\[\\\]]+|"(?:[^\x00-\x1f\x7f"\\]|\\[\x20-\x7e])*")'
    r'@(?:[^\s\x00-\x1f\x7f"(),:;<>@\[\\\]]+|\[[0-9A-Fa-f:.]+\]|\[IPv6:[0-9A-Fa-f:.]+\])$'
)

# More than any list of words can hold without repeating itself.
MOST_ITEMS: Final = 1000

_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?"
    r"(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)


def instant(value: object) -> datetime:
    """Read an RFC 3339 instant with its offset, as UTC; digits beyond the microsecond are cut off.

    Raises PydanticCustomError for anything else, and for an instant whose UTC year is not 1 to 9999.
    """
    if not isinstance(value, str) or _RFC_3339.fullmatch(value) is None:
        raise PydanticCustomError(
            "instant", "An instant with an offset is expected, as 2026-10-06T09:30:00+02:00 (RFC 3339)."
        )
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError(
            "instant_range", "There is no such day, or it cannot be reckoned with."
        ) from None


def _given(value: object) -> object:
    if value is None:
        raise PydanticCustomError("null", "null says nothing; leave out what is not known.")
    return value


def _integral(value: object) -> object:
    # JSON has one kind of number: 3.0 is a whole number.
    return int(value) if isinstance(value, float) and value.is_integer() else _given(value)


def _items(value: object, check: ValidatorFunctionWrapHandler, *, most: int | None, distinct: bool) -> object:
    """Check an array as a whole beside its items, so that the sender learns of all faults at once."""
    if not isinstance(value, list | tuple):
        raise PydanticCustomError("array", "An array is expected.")
    if len(value) > MOST_ITEMS:
        raise PydanticCustomError("many", "At most {most} items are looked at.", {"most": MOST_ITEMS})
    faults: list[InitErrorDetails] = []
    items: object = ()
    try:
        items = check(value)
    except ValidationError as error:
        faults = [_again(fault) for fault in error.errors(include_url=False)]
    if most is not None and len(value) > most:
        faults.append(
            _fault(PydanticCustomError("many", "At most {most} items are allowed.", {"most": most}))
        )
    if distinct and not _all_differ(value):
        faults.append(_fault(PydanticCustomError("repeated", "Each item may stand in the array once.")))
    if faults:
        raise ValidationError.from_exception_data("array", faults)
    return items


def _all_differ(values: list[object] | tuple[object, ...]) -> bool:
    return len({_identity(value) for value in values}) == len(values)


def _identity(value: object) -> tuple[str, object]:
    """What JSON calls equal: 1 and 1.0 are, true and 1 are not, members have no order."""
    if isinstance(value, str):
        return "text", value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number", value
    return "other", json.dumps(value, sort_keys=True, default=repr)


def _fault(kind: PydanticCustomError) -> InitErrorDetails:
    return {"type": kind, "loc": (), "input": None}


def _again(fault: ErrorDetails) -> InitErrorDetails:
    kind, said = fault["type"], fault["msg"]
    if kind in _OUR_KINDS:
        return {
            "type": PydanticCustomError("item", "{said}", {"said": said}),
            "loc": fault["loc"],
            "input": None,
        }
    return {"type": kind, "loc": fault["loc"], "input": None, "ctx": fault.get("ctx", {})}


_OUR_KINDS: Final = frozenset({"instant", "instant_range", "null", "array", "many", "repeated", "item"})


def _distinct(value: object, check: ValidatorFunctionWrapHandler) -> object:
    return _items(value, check, most=None, distinct=True)


def _at_most_10(value: object, check: ValidatorFunctionWrapHandler) -> object:
    return _items(value, check, most=10, distinct=False)


def _at_most_100(value: object, check: ValidatorFunctionWrapHandler) -> object:
    return _items(value, check, most=100, distinct=False)


Given: Final = BeforeValidator(_given)

Version: TypeAlias = Annotated[int, Field(ge=1, le=1), BeforeValidator(_integral)]
Whole: TypeAlias = Annotated[int, Field(ge=0), BeforeValidator(_integral)]
MaybeWhole: TypeAlias = Annotated[int | None, Field(ge=0), BeforeValidator(_integral)]
MaybeHours: TypeAlias = Annotated[float | None, Field(ge=0, allow_inf_nan=False), Given]
PromisedHours: TypeAlias = Annotated[float, Field(gt=0, le=8760, allow_inf_nan=False)]

Instant: TypeAlias = Annotated[datetime | None, PlainValidator(instant)]

Text40: TypeAlias = Annotated[str, StringConstraints(max_length=40, pattern=TEXT)]
Text100: TypeAlias = Annotated[str, StringConstraints(max_length=100, pattern=TEXT)]
Text200: TypeAlias = Annotated[str, StringConstraints(max_length=200, pattern=TEXT)]
Text1000: TypeAlias = Annotated[str, StringConstraints(max_length=1000, pattern=TEXT)]
Text20000: TypeAlias = Annotated[str, StringConstraints(max_length=20000, pattern=TEXT)]
Reference: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=TEXT)]
Title: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=TEXT)]
Email: TypeAlias = Annotated[str, StringConstraints(max_length=320, pattern=EMAIL)]
Country: TypeAlias = Annotated[str, StringConstraints(pattern=COUNTRY)]
Seat: TypeAlias = Annotated[str, StringConstraints(pattern=SEAT)]

Distinct: TypeAlias = Annotated[tuple[Item, ...], Field(strict=False), WrapValidator(_distinct)]
UpTo10: TypeAlias = Annotated[tuple[Item, ...], Field(strict=False), WrapValidator(_at_most_10)]
UpTo100: TypeAlias = Annotated[tuple[Item, ...], Field(strict=False), WrapValidator(_at_most_100)]

# The order of the countries is the sender's, and is kept.
PerCountry: TypeAlias = Mapping[Country, Whole]
