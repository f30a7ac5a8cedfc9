"""Local times as people write them, made into instants.

A time of day may happen twice in the autumn and not at all in the spring. The first needs an answer from
the writer, the second is refused: a deadline must not rest on a guess of an hour.
"""

import re
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

_LOCAL: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?")


class LocalTimeFault(ValueError):
    """The text is no local time; the message says what is expected."""


class NonexistentTime(LocalTimeFault):
    """Clocks were put forward over this time of day: it never was."""


class AmbiguousTime(LocalTimeFault):
    """Clocks were put back over this time of day: it was twice. `candidates` are both instants, UTC."""

    def __init__(self, message: str, candidates: tuple[datetime, datetime]) -> None:
        super().__init__(message)
        self.candidates = candidates


def resolve_local(naive_text: str, zone: str, fold: int | None = None) -> datetime:
    """The instant (UTC) of a local time such as `2026-10-06 09:30` in an IANA zone.

    `fold` answers the question of the autumn: 0 is the first passing of a repeated hour, 1 the second;
    it is ignored where there is nothing to choose. Raises LocalTimeFault for text that is no local time
    or carries an offset, NonexistentTime, and AmbiguousTime when the hour is repeated and `fold` is None.
    """
    naive = _naive(naive_text)
    place = ZoneInfo(zone)
    first, second = (_instant(naive, place, fold=each) for each in (0, 1))
    if first == second:
        return first
    if first.astimezone(place).replace(tzinfo=None) != naive:
        raise NonexistentTime(
            f"Clocks in {zone} were put forward over this time of day. Give the time that clocks showed."
        )
    if fold is None:
        raise AmbiguousTime(
            f"Clocks in {zone} showed this time twice that night. Say which it was, first or second.",
            (first, second),
        )
    return second if fold else first


def _naive(text: str) -> datetime:
    if _LOCAL.fullmatch(text.strip()) is None:
        raise LocalTimeFault("A date and a time of day without an offset are expected, as 2026-10-06 09:30.")
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        raise LocalTimeFault("There is no such day or time of day in the calendar.") from None


def _instant(naive: datetime, place: ZoneInfo, *, fold: int) -> datetime:
    try:
        return naive.replace(tzinfo=place, fold=fold).astimezone(UTC)
    except OverflowError:
        raise LocalTimeFault("A year that can be reckoned with is expected.") from None
