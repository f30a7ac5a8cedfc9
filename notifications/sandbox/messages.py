"""Messages as the providers hold them, and the one store they stand in."""

import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from notifications.sandbox.ledger import Ledger, Line
from notifications.sandbox.script import Behaviour, Outcome
from notifications.sandbox.talk import ENDED, Talk, Turn

TWILIO_FINAL = {"delivered", "undelivered", "failed", "canceled", "received"}
SENDGRID_FINAL = {"delivered", "bounce", "blocked", "dropped", "cancelled"}
FINAL = TWILIO_FINAL | SENDGRID_FINAL | ENDED


def now_utc() -> datetime:
    """The sandbox's clock: an aware time in UTC, read at its edges only."""
    return datetime.now(UTC)


@dataclass(slots=True, kw_only=True)
class Message:
    """One message to one recipient, or one that came from a phone.

    `direction`: outbound (accepted from the product), inbound (a reply from a phone), answer (what the
    product answered to that reply), notice (the provider's own words, as after STOP).
    """

    id: str
    provider: str
    to: str
    sender: str
    at: datetime
    due_at: datetime
    direction: str = "outbound"
    status: str = "queued"
    changed_at: datetime | None = None
    sent_at: datetime | None = None
    error_code: int | None = None
    seq: int = 0
    body: str = ""
    subject: str = ""
    html: str = ""
    sender_name: str = ""
    request: str = ""  # what one request brought: its X-Message-Id, or the message's own id
    role: str = "to"
    custom_args: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    batch_id: str | None = None
    status_callback: str | None = None
    validity_period: int | None = None
    outcome: Outcome = field(default_factory=Outcome)
    callbacks: Behaviour = field(default_factory=Behaviour)
    talk: Talk | None = None  # of a telephone call

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        if self.talk:
            return self.status in ENDED
        return self.status in FINAL or (self.status == self.outcome.status and not self.outcome.then)

    def line(self) -> Line:
        """The message as a line of the ledger: JSON, times in ISO 8601 UTC."""
        values = asdict(self)
        for name in ("at", "due_at", "changed_at", "sent_at"):
            values[name] = values[name].isoformat() if values[name] else None
        values["talk"] = self.talk.line() if self.talk else None
        return values

    @classmethod
    def read(cls, line: Line) -> "Message":
        """The message of a ledger line."""
        known = {each.name for each in fields(cls)}
        values = {name: value for name, value in line.items() if name in known}
        for name in ("at", "due_at", "changed_at", "sent_at"):
            values[name] = datetime.fromisoformat(values[name]) if values.get(name) else None
        values["outcome"] = Outcome(**values["outcome"])
        values["callbacks"] = Behaviour(**values["callbacks"])
        values["talk"] = Talk.read(values["talk"]) if values.get("talk") else None
        return cls(**values)


class Store:
    """Everything the providers hold: messages, batches, numbers that asked for silence."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.lock = threading.RLock()
        self.messages: dict[str, Message] = {}
        self.by_address: dict[tuple[str, str], list[Message]] = {}
        self.batches: dict[str, str] = {}  # batch id -> "" (open), "cancel" or "pause"
        self.opted_out: set[str] = set()
        self.version = 0
        for line in ledger.lines():
            self._recall(line)

    def _recall(self, line: Line) -> None:
        self.version = line["seq"]
        match line["kind"]:
            case "message":
                self._keep(Message.read(line))
            case "state":
                if line["id"] in self.messages:  # a reset may have been quicker than the state
                    self._apply(self.messages[line["id"]], line)
            case "turn":
                if line["id"] in self.messages:
                    self._hear(self.messages[line["id"]], line)
            case "batch":
                self.batches[line["id"]] = line["status"]
            case "opt_out":
                (self.opted_out.add if line["out"] else self.opted_out.discard)(line["number"])

    def _keep(self, message: Message) -> None:
        self.messages[message.id] = message
        other = message.sender if message.direction == "inbound" else message.to
        self.by_address.setdefault((message.provider, other), []).append(message)

    @staticmethod
    def _apply(message: Message, line: Line) -> None:
        message.status, message.error_code = line["status"], line["error_code"]
        message.changed_at = datetime.fromisoformat(line["at"])
        if message.sent_at is None and line["status"] not in {"queued", "sending"}:
            message.sent_at = message.changed_at
        if message.talk:
            message.talk.waits = False
            if message.status == "in-progress":
                message.talk.answered_at = message.changed_at
                message.talk.answered_by = line.get("answered_by")

    @staticmethod
    def _hear(message: Message, line: Line) -> None:
        if message.talk:
            message.talk.turns.append(Turn(line["who"], line["text"], line["language"], line["at"]))

    def keep(self, messages: list[Message]) -> None:
        """Take new messages: on disk first, in sight then."""
        lines = [{"kind": "message", **message.line()} for message in messages]
        self.ledger.append(lines)
        with self.lock:
            for message, line in zip(messages, lines, strict=True):
                message.seq = line["seq"]
                self._keep(message)
            self.version += 1

    def change(
        self, messages: Iterable[Message], status: str, code: int | None, now: datetime, **more: Any
    ) -> None:
        """Move messages to a state. Not awaited on disk: after a crash the state is reached again."""
        told = {"kind": "state", "status": status, "error_code": code, "at": now.isoformat(), **more}
        lines = [{**told, "id": message.id} for message in messages]
        self.ledger.append(lines, durable=False)
        with self.lock:
            for line in lines:
                if line["id"] in self.messages:  # not after a reset
                    self._apply(self.messages[line["id"]], line)
            self.version += 1

    def hear(self, call: Message, turn: Turn) -> None:
        """Something was said or pressed in a call."""
        line = {"kind": "turn", "id": call.id, **asdict(turn)}
        self.ledger.append([line], durable=False)
        with self.lock:
            if call.id in self.messages:
                self._hear(call, line)
            self.version += 1

    def touch(self) -> None:
        """There is something new to see."""
        with self.lock:
            self.version += 1

    def set_batch(self, batch_id: str, status: str) -> None:
        """Open, cancel or pause a batch, durably."""
        self.ledger.append([{"kind": "batch", "id": batch_id, "status": status}])
        with self.lock:
            self.batches[batch_id] = status

    def set_opt_out(self, number: str, *, out: bool) -> None:
        """A number asked for silence, or took that back."""
        self.ledger.append([{"kind": "opt_out", "number": number, "out": out}])
        with self.lock:
            (self.opted_out.add if out else self.opted_out.discard)(number)

    def clear(self) -> None:
        """Forget everything."""
        with self.lock:
            self.ledger.clear()
            for kept in (self.messages, self.by_address, self.batches, self.opted_out):
                kept.clear()
            self.version += 1

    def held(self, provider: str) -> list[Message]:
        """Everything one provider holds, replies too, in no order."""
        with self.lock:
            return [message for message in self.messages.values() if message.provider == provider]

    def at(self, provider: str, address: str) -> list[Message]:
        """Everything to and from one phone or mailbox, oldest first."""
        with self.lock:
            return list(self.by_address.get((provider, address), []))

    def addresses(self, provider: str) -> list[str]:
        """Phones or mailboxes that something happened at."""
        with self.lock:
            return [address for name, address in self.by_address if name == provider]

    def accepted(self, provider: str | None = None, **wanted: Any) -> list[Message]:
        """Messages accepted from the product in the order of acceptance, filtered by their fields."""
        with self.lock:
            found = [
                message
                for message in self.messages.values()
                if message.direction == "outbound" and provider in {None, message.provider}
            ]
        for name, value in wanted.items():
            found = [message for message in found if getattr(message, name) == value]
        return sorted(found, key=lambda message: message.seq)
