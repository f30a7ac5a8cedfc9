"""Lists of messages as Twilio gives them: filtered, newest first, in pages that stay put."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from notifications.sandbox.messages import Message
from notifications.sandbox.sms import Refused

USUAL, LARGEST = 50, 1000
TIME = {"messages": "DateSent", "calls": "StartTime"}  # what each list is filtered by


def page_of(
    messages: Iterable[Message],
    asked: Mapping[str, str],
    *,
    path: str,
    lag: float,
    now: datetime,
    kind: str = "messages",
) -> dict[str, Any] | Refused:
    """One page of messages or calls, under that name, with its links.

    A page begins after the message its token names, so that messages that arrive meanwhile move nothing.
    """
    size = asked.get("PageSize", str(USUAL))
    if not size.isascii() or not size.isdigit() or not 1 <= int(size) <= LARGEST:
        return Refused(20001, f"'PageSize' must be from 1 to {LARGEST}.")
    try:
        wanted = _filters(asked, TIME[kind])
    except ValueError:
        return Refused(20001, f"{TIME[kind]!r} must be a day or a time in ISO 8601.")
    seen_until = now - timedelta(seconds=lag)
    found = sorted(
        (m for m in messages if m.at <= seen_until and all(fits(m) for fits in wanted)),
        key=lambda message: message.seq,
        reverse=True,
    )
    if token := asked.get("PageToken", "").removeprefix("PA"):
        position = next((n for n, message in enumerate(found) if message.id == token), len(found))
        found = found[position + 1 :]
    return {
        **_page(found[: int(size)], asked, path, int(size), more=len(found) > int(size)),
        kind: found[: int(size)],
    }


def _page(
    shown: list[Message], asked: Mapping[str, str], path: str, size: int, *, more: bool
) -> dict[str, Any]:
    number = int(asked["Page"]) if asked.get("Page", "").isdigit() else 0
    kept = {name: value for name, value in asked.items() if name not in {"Page", "PageToken", "PageSize"}}

    def uri(page: int, **token: str) -> str:
        return f"{path}?{urlencode({**kept, 'PageSize': size, 'Page': page, **token})}"

    return {
        "first_page_uri": uri(0),
        "next_page_uri": uri(number + 1, PageToken=f"PA{shown[-1].id}") if more else None,
        "previous_page_uri": None,
        "page": number,
        "page_size": size,
        "start": number * size,
        "end": number * size + max(len(shown) - 1, 0),
        "uri": uri(number),
    }


def _filters(asked: Mapping[str, str], name: str) -> list[Any]:
    filters: list[Any] = []
    if to := asked.get("To"):
        filters.append(lambda message: message.to == to)
    if sender := asked.get("From"):
        filters.append(lambda message: message.sender == sender)
    if status := asked.get("Status"):
        filters.append(lambda message: message.status == status)
    if day := asked.get(name):
        filters.append(lambda message: message.sent_at and _day(message.sent_at) == _day(_moment(day)))
    if before := asked.get(f"{name}<"):
        filters.append(lambda message: message.sent_at and message.sent_at <= _moment(before, end=True))
    if after := asked.get(f"{name}>"):
        filters.append(lambda message: message.sent_at and message.sent_at >= _moment(after))
    for text in (asked.get(f"{name}{sign}") for sign in ("", "<", ">")):
        if text:
            _moment(text)  # a wrong date is refused even where there is nothing to compare it to
    return filters


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _moment(text: str, *, end: bool = False) -> datetime:
    """A time, or a day taken from its beginning (or to its end), in UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment + timedelta(days=1) if end and len(text) == len("2026-01-01") else moment
