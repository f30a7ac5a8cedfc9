"""The bench as its page shows it: people with their phones, mailboxes and chats, and what just rang."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from notifications.sandbox.bench import Bench
from notifications.sandbox.config import SANDBOX_TEST_MAILBOX, SANDBOX_TEST_NUMBER
from notifications.sandbox.messages import Message
from notifications.sandbox.sms import segments
from notifications.sandbox.switches import SWITCHES, device_of, switched
from notifications.sandbox.talk import ENDED

RINGS = timedelta(minutes=1)
CANARY = "Canary"  # the telephone and the mailbox by which the product watches itself
SHOWN_PEOPLE, SHOWN_MESSAGES, ALL_MESSAGES = 24, 30, 50
PROVIDERS = {
    "phone": ("twilio", "gateway", "voice"),
    "mailbox": ("sendgrid", "smtp"),
    "chat": ("chat",),
}
ANCHORS = {"phone": "phone", "mailbox": "box", "chat": "chat"}
MARKS = {
    "delivered": ("✓✓", "good"),
    "received": ("↑", "good"),
    "completed": ("✓", "good"),
    "sent": ("✓", "quiet"),
    "undelivered": ("✕", "bad"),
    "failed": ("✕", "bad"),
    "bounce": ("✕", "bad"),
    "blocked": ("✕", "bad"),
    "dropped": ("✕", "bad"),
    "busy": ("✕", "bad"),
    "no-answer": ("✕", "bad"),
    "canceled": ("⦸", "bad"),
    "cancelled": ("⦸", "bad"),
    "deferred": ("…", "waiting"),
}
ENDS = {
    "completed": "Call",
    "busy": "Call while busy",
    "no-answer": "Missed call",
    "failed": "Call that did not get through",
    "canceled": "Call given up by the caller",
}


@dataclass(frozen=True, slots=True)
class Device:
    """A phone, a mailbox or a chat; messages newest first. `rings_until` is set while it wants attention."""

    address: str
    name: str
    kind: str
    messages: list[Message]
    hidden: int
    rings_until: datetime | None
    call: Message | None = None  # that rings or is talked in
    opted_out: bool = False
    switches: dict[str, tuple[str, bool]] = field(default_factory=dict)  # label, and whether it is on

    @property
    def oldest(self) -> int:
        """The number of the oldest that is shown: the next page begins before it."""
        return self.messages[-1].seq if self.messages else 0


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with devices: phones first, then mailboxes, then chats."""

    name: str
    devices: list[Device]


def people(bench: Bench, now: datetime, after: int = 0) -> tuple[list[Person], int]:
    """People with devices, those who got something first, beyond the first `after`; how many follow them.

    Who has a name keeps their place in the order of naming, so that nothing moves under a finger; what
    watches the product comes last.
    """
    names = bench.names.by_address
    known = [
        address for providers in PROVIDERS.values() for p in providers for address in bench.store.addresses(p)
    ]
    addresses = list(dict.fromkeys([*names, *known]))
    whose: dict[str, list[str]] = {}
    for address in addresses:
        whose.setdefault(_name(bench, address), []).append(address)
    newest = {name: max(_newest(bench, address) for address in theirs) for name, theirs in whose.items()}
    places = {name: place for place, name in enumerate(dict.fromkeys(names.values()))}
    order = sorted(
        whose,
        key=lambda name: (
            name == CANARY, newest[name] == 0, places.get(name, len(places)), -newest[name]
        )
    )  # fmt: skip
    shown = order[after : after + SHOWN_PEOPLE]
    return [_person(bench, name, whose[name], now) for name in shown], max(len(order) - after - len(shown), 0)


def _newest(bench: Bench, address: str) -> int:
    """The number of what came last to a device and is shown among its messages; 0 for nothing."""
    held = (bench.store.at(provider, address) for provider in PROVIDERS[device_of(address)])
    return max((_last(messages) for messages in held), default=0)


def _last(messages: list[Message]) -> int:
    shown = (each.seq for each in reversed(messages) if is_in_sight(each) and not _goes_on(each))
    return next(shown, 0)


def one(bench: Bench, address: str, now: datetime, before: int | None = None) -> Person:
    """One device alone, with a page of its past: the newest, or those before a number."""
    name = _name(bench, address)
    return Person(name, [_device(bench, address, now, ALL_MESSAGES, before)])


def _name(bench: Bench, address: str) -> str:
    watches = address in (SANDBOX_TEST_NUMBER, SANDBOX_TEST_MAILBOX)
    return bench.names.by_address.get(address, CANARY if watches else address)


def _person(bench: Bench, name: str, addresses: Iterable[str], now: datetime) -> Person:
    order = list(PROVIDERS)
    devices = [_device(bench, address, now, SHOWN_MESSAGES) for address in addresses]
    return Person(name, sorted(devices, key=lambda device: order.index(device.kind)))


def _device(bench: Bench, address: str, now: datetime, shown: int, before: int | None = None) -> Device:
    kind = device_of(address)
    held = [message for provider in PROVIDERS[kind] for message in bench.store.at(provider, address)]
    messages = sorted(filter(is_in_sight, held), key=lambda message: message.seq, reverse=True)
    last = next((message.due_at for message in messages if message.direction == "outbound"), None)
    rings = last is not None and now - last < RINGS
    on = switched(bench.script, address)
    calls = [message for message in messages if _goes_on(message)]
    past = [message for message in messages if not _goes_on(message)]
    past = [message for message in past if before is None or message.seq < before]
    return Device(
        address=address,
        name=_name(bench, address),
        kind=kind,
        messages=past[:shown],
        hidden=max(len(past) - shown, 0),
        rings_until=last + RINGS if last and rings else None,
        call=next((each for each in calls if each.status in {"ringing", "in-progress"}), None),
        opted_out=address in bench.store.opted_out,
        switches={key: (each.label, key in on) for key, each in SWITCHES.items() if each.device == kind},
    )


def _goes_on(message: Message) -> bool:
    """Whether it is a call that has not ended."""
    return message.talk is not None and message.status not in ENDED


def is_in_sight(message: Message) -> bool:
    """Mail that waits for its time is not in the mailbox yet."""
    return message.provider not in PROVIDERS["mailbox"] or message.status != "queued"


def anchor_of(address: str) -> str:
    """The name of a device within the page."""
    plain = "".join(sign if sign.isalnum() else "-" for sign in address.lstrip("+").replace("@", "-at-"))
    return f"{ANCHORS[device_of(address)]}-{plain}"


def mark_of(message: Message) -> tuple[str, str]:
    """A sign for a delivery state, and whether it is good, bad or still open."""
    return MARKS.get(message.status, ("◷", "waiting"))


def segments_of(message: Message) -> int:
    """Number of SMS segments of a message."""
    return segments(message.body)


def end_of(message: Message) -> str:
    """What became of a call, in words."""
    if message.status == "completed" and message.outcome.status == "machine":
        return "Call that voicemail answered"
    return ENDS.get(message.status, "Call")
