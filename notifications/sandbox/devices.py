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
SHOWN_PEOPLE, SHOWN_MESSAGES, ALL_MESSAGES = 24, 30, 500
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


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with devices: phones first, then mailboxes, then chats."""

    name: str
    devices: list[Device]

    @property
    def newest(self) -> int:
        """The number of what came last; 0 when nothing ever came."""
        return max((each.messages[0].seq for each in self.devices if each.messages), default=0)


def people(bench: Bench, now: datetime) -> tuple[list[Person], int]:
    """Everybody with devices, those who got something first, and how many are not shown.

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
    found = [_person(bench, name, theirs, now) for name, theirs in whose.items()]
    places = {name: place for place, name in enumerate(dict.fromkeys(names.values()))}
    found.sort(
        key=lambda person: (
            person.name == CANARY, person.newest == 0, places.get(person.name, len(places)), -person.newest
        )
    )  # fmt: skip
    return found[:SHOWN_PEOPLE], max(len(found) - SHOWN_PEOPLE, 0)


def one(bench: Bench, address: str, now: datetime) -> Person:
    """One device alone, with more of its past."""
    name = _name(bench, address)
    return Person(name, [_device(bench, address, now, ALL_MESSAGES)])


def _name(bench: Bench, address: str) -> str:
    watches = address in (SANDBOX_TEST_NUMBER, SANDBOX_TEST_MAILBOX)
    return bench.names.by_address.get(address, CANARY if watches else address)


def _person(bench: Bench, name: str, addresses: Iterable[str], now: datetime) -> Person:
    order = list(PROVIDERS)
    devices = [_device(bench, address, now, SHOWN_MESSAGES) for address in addresses]
    return Person(name, sorted(devices, key=lambda device: order.index(device.kind)))


def _device(bench: Bench, address: str, now: datetime, shown: int) -> Device:
    kind = device_of(address)
    held = [message for provider in PROVIDERS[kind] for message in bench.store.at(provider, address)]
    messages = sorted(filter(is_in_sight, held), key=lambda message: message.seq, reverse=True)
    last = next((message.due_at for message in messages if message.direction == "outbound"), None)
    rings = last is not None and now - last < RINGS
    on = switched(bench.script, address)
    calls = [message for message in messages if message.talk and message.status not in ENDED]
    return Device(
        address=address,
        name=_name(bench, address),
        kind=kind,
        messages=[message for message in messages if message not in calls][:shown],
        hidden=max(len(messages) - shown, 0),
        rings_until=last + RINGS if last and rings else None,
        call=next((each for each in calls if each.status in {"ringing", "in-progress"}), None),
        opted_out=address in bench.store.opted_out,
        switches={key: (each.label, key in on) for key, each in SWITCHES.items() if each.device == kind},
    )


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
