"""The bench as its page shows it: phones and mailboxes, what lies in them, what just rang."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from notifications.sandbox.bench import Bench
from notifications.sandbox.messages import Message
from notifications.sandbox.sms import segments

RINGS = timedelta(minutes=1)
SHOWN_DEVICES, SHOWN_MESSAGES = 24, 30
MARKS = {
    "delivered": ("✓✓", "good"),
    "received": ("↑", "good"),
    "sent": ("✓", "quiet"),
    "undelivered": ("✕", "bad"),
    "failed": ("✕", "bad"),
    "bounce": ("✕", "bad"),
    "blocked": ("✕", "bad"),
    "dropped": ("✕", "bad"),
    "cancelled": ("⦸", "bad"),
    "deferred": ("…", "waiting"),
}


@dataclass(frozen=True, slots=True)
class Device:
    """A phone or a mailbox; messages newest first. `rings_until` is set while it wants attention."""

    address: str
    name: str
    messages: list[Message]
    hidden: int
    rings_until: datetime | None
    opted_out: bool = False


def phones(bench: Bench, now: datetime, only: str | None = None) -> list[Device]:
    """Phones, the one that heard something last first."""
    return _devices(bench, "twilio", lambda address: address.startswith("+"), now, only)


def mailboxes(bench: Bench, now: datetime, only: str | None = None) -> list[Device]:
    """Mailboxes, the one with the newest mail first."""
    return _devices(bench, "sendgrid", lambda address: "@" in address, now, only)


def _devices(
    bench: Bench, provider: str, is_such: Callable[[str], bool], now: datetime, only: str | None
) -> list[Device]:
    named = [address for address in bench.names.by_address if is_such(address)]
    addresses = [only] if only else list(dict.fromkeys(named + bench.store.addresses(provider)))
    found = [
        _device(bench, provider, address, now, SHOWN_MESSAGES if not only else 500) for address in addresses
    ]
    found.sort(key=lambda device: device.messages[0].seq if device.messages else 0, reverse=True)
    return found[:SHOWN_DEVICES]


def _device(bench: Bench, provider: str, address: str, now: datetime, shown: int) -> Device:
    messages = [message for message in bench.store.at(provider, address) if is_in_sight(message)]
    messages.sort(key=lambda message: message.seq, reverse=True)
    last = next((message.due_at for message in messages if message.direction == "outbound"), None)
    rings = last is not None and now - last < RINGS
    return Device(
        address=address,
        name=bench.names.by_address.get(address, address),
        messages=messages[:shown],
        hidden=max(len(messages) - shown, 0),
        rings_until=last + RINGS if last and rings else None,
        opted_out=address in bench.store.opted_out,
    )


def is_in_sight(message: Message) -> bool:
    """Mail that waits for its time is not in the mailbox yet."""
    return message.provider == "twilio" or message.status != "queued"


def mark_of(message: Message) -> tuple[str, str]:
    """A sign for a delivery state, and whether it is good, bad or still open."""
    return MARKS.get(message.status, ("◷", "waiting"))


def segments_of(message: Message) -> int:
    """Number of SMS segments of a message."""
    return segments(message.body)
