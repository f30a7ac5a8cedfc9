"""Spans of elapsed time as playbooks write them: ISO 8601 durations, or short as in `+4h`.

A day is 24 elapsed hours here, whatever the clocks of a country do that night; months and years have
no fixed length and are refused.
"""

import re
from datetime import timedelta

ISO = re.compile(
    r"(?P<sign>[+-]?)P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)
SHORT = re.compile(r"(?P<sign>[+-]?)(?P<count>\d+)(?P<unit>min|h|d)")
UNITS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(hours=24)}
LONGEST = timedelta(days=366)


def read(text: str) -> timedelta:
    """The span that `-PT24H`, `P3D`, `+4h` or `-15min` names; without a sign it lies ahead.

    Raises: ValueError that says what is not understood, or that the span exceeds a year.
    """
    span = _short(text) or _iso(text)
    if span is None:
        raise ValueError(
            f"{text!r} is no span of time: write an ISO 8601 duration such as -PT24H or P3D, or +4h"
        )
    sign, length = span
    if length > LONGEST:
        raise ValueError(f"{text!r} is longer than a year, which no step of an incident waits for")
    return -length if sign == "-" else length


def _short(text: str) -> tuple[str, timedelta] | None:
    found = SHORT.fullmatch(text)
    if not found or len(found["count"]) > 6:
        return None
    return found["sign"], int(found["count"]) * UNITS[found["unit"]]


def _iso(text: str) -> tuple[str, timedelta] | None:
    found = ISO.fullmatch(text)
    parts = {name: part for name, part in found.groupdict().items() if part} if found else {}
    sign = parts.pop("sign", "")
    if not parts or any(len(part) > 6 for part in parts.values()):
        return None
    return sign, timedelta(**{name: int(part) for name, part in parts.items()})


def write(span: timedelta) -> str:
    """The span as an ISO 8601 duration in hours, minutes and seconds: `-PT24H`, `PT0S`."""
    seconds = abs(round(span.total_seconds()))
    hours, rest = divmod(seconds, 3600)
    parts = ((hours, "H"), (rest // 60, "M"), (rest % 60, "S"))
    body = "".join(f"{count}{unit}" for count, unit in parts if count) or "0S"
    return f"{'-' if span < timedelta() else ''}PT{body}"
