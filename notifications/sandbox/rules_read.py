"""Reads rules from outside: JSON of the control interface or the form of the faults page."""

from collections.abc import Mapping
from typing import Any

from notifications.sandbox.script import (
    KEYS,
    OPERATIONS,
    OUTCOMES,
    PROVIDERS,
    Behaviour,
    Effect,
    Fault,
    Kind,
    Outcome,
    Unusable,
    kinds_of,
)

MODES = ("in_order", "reversed", "never")


def provider_of(given: Mapping[str, Any]) -> str:
    """Which provider is meant. Raises Unusable."""
    return _one_of(given, "provider", PROVIDERS)


def scope(given: Mapping[str, Any], *, times: int | None) -> dict[str, Any]:
    """Recipients, their share, operation and count of a rule; `times` is the count when none is given."""
    left = times
    if "times" in given:
        left = _number(given, "times", int, low=1)
    operation = _one_of({"operation": given.get("operation") or "send"}, "operation", OPERATIONS)
    share = _number(given, "share", float, high=1)
    return {"to": _text(given, "to"), "times": left, "operation": operation, "share": share}


def fault(given: Mapping[str, Any]) -> Effect:
    """A fault of requests. Raises Unusable when it is none the sandbox knows."""
    kind = Kind(_one_of(given, "fault", kinds_of(provider_of(given))))
    ranges = {Kind.REFUSED: (400, 499), Kind.ERROR: (500, 599), Kind.REDIRECT: (300, 399)}
    low, high = ranges.get(kind, (100, 599))
    accepted = given.get("accepted")
    if accepted not in (None, True, False):
        raise Unusable("'accepted' is true or false: whether the message counts as accepted all the same.")
    return Fault(
        kind,
        status=_number(given, "status", int, low=low, high=high),
        code=_number(given, "code", int),
        message=_text(given, "message"),
        retry_after=_text(given, "retry_after"),
        seconds=_number(given, "seconds", float, high=3600) or 60.0,
        location=_text(given, "location"),
        accepted=accepted,
    )


def outcome(given: Mapping[str, Any]) -> Effect:
    """What becomes of messages. Raises Unusable."""
    allowed = OUTCOMES[provider_of(given)]
    then = _one_of(given, "then", allowed) if given.get("then") else None
    return Outcome(
        _one_of(given, "status", allowed),
        _number(given, "code", int),
        _text(given, "reason"),
        then,
        keys(given) or None,
    )


def keys(given: Mapping[str, Any]) -> str:
    """Keys of a telephone to be pressed, or none. Raises Unusable."""
    pressed = _text(given, "keys") or ""
    if set(pressed) - set(KEYS):
        raise Unusable(f"'keys' is {pressed!r}. A telephone has the keys {KEYS}.")
    return pressed


def behaviour(given: Mapping[str, Any]) -> Effect:
    """How receipts are called back. Raises Unusable."""
    return Behaviour(
        _one_of({"mode": given.get("mode") or "in_order"}, "mode", MODES),
        _number(given, "copies", int, low=1, high=1000) or 1,
        _number(given, "delay", float, high=86400) or 0.0,
    )


def lag(given: Mapping[str, Any]) -> float:
    """Seconds that a search does not see an accepted message. Raises Unusable."""
    return _number(given, "seconds", float) or 0.0


def _one_of(given: Mapping[str, Any], name: str, allowed: tuple[str, ...]) -> str:
    value = str(given.get(name, ""))
    if value not in allowed:
        raise Unusable(f"{name!r} is {value!r}. It must be one of: {', '.join(allowed)}.")
    return value


def _text(given: Mapping[str, Any], name: str) -> str | None:
    value = given.get(name)
    return None if value in (None, "") else str(value)


def _number(
    given: Mapping[str, Any], name: str, kind: type, *, low: float = 0, high: float = 10**9
) -> Any | None:
    value = given.get(name)
    if value in (None, ""):
        return None
    try:
        number = kind(str(value))
    except ValueError:
        number = None
    if number is None or not low <= number <= high:
        raise Unusable(f"{name!r} is {value!r}. It must be a number from {low:g} to {high:g}.")
    return number
