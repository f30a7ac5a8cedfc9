"""An instant as people write it: with an offset, or by the clock of a zone where that is unambiguous."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def read(text: str, zone: str) -> datetime:
    """The UTC instant that ISO 8601 text names; without an offset it is the clock time of the zone.

    Raises: ValueError when it is no time, does not exist there, or happens twice there.
    """
    try:
        given = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is no date and time: write 2026-10-02T03:00, or with +02:00.") from None
    if given.tzinfo is not None:
        return given.astimezone(UTC)
    first, second = (given.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1))
    if first.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != given:
        raise ValueError(f"{text} does not exist in {zone}: the clocks were put forward over it.")
    if first != second:
        raise ValueError(f"{text} happens twice in {zone}: write it with its offset, such as +02:00.")
    return first
