"""Messages as the providers hold them, and the one store they stand in."""

import threading
from collections.abc import Callable, Iterable, Mapping
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
        values = {name: getattr(self, name) for name in FIELDS}
        for name in TIMES:
            values[name] = values[name].isoformat() if values[name] else None
        values["talk"] = self.talk.line() if self.talk else None
        values["outcome"], values["callbacks"] = asdict(self.outcome), asdict(self.callbacks)
        return values

    @classmethod
    def read(cls, line: Line) -> "Message":
        """The message of a ledger line."""
        known = {each.name for each in fields(cls)}
        values = {name: value for name, value in line.items() if name in known}
        for name in TIMES:
            values[name] = datetime.fromisoformat(values[name]) if values.get(name) else None
        values["outcome"] = Outcome(**values["outcome"])
        values["callbacks"] = Behaviour(**values["callbacks"])
        values["talk"] = Talk.read(values["talk"]) if values.get("talk") else None
        return cls(**values)


FIELDS = tuple(each.name for each in fields(Message))
TIMES = ("at", "due_at", "changed_at", "sent_at")
Unpack = Callable[[dict[str, Any], datetime, str], list[Message]]


def _no_mails(_mail: dict[str, Any], _now: datetime, _request: str) -> list[Message]:
    return []


class Store:
    """Everything the providers hold: messages, batches, numbers that asked for silence.

    A mail to many is one line of the ledger, as it came in; `unpack` makes its messages of it again.
    """

    def __init__(self, ledger: Ledger, unpack: Unpack = _no_mails) -> None:
        self.ledger, self._unpack = ledger, unpack
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
            case "mails":
                self._keep_all(self._unpacked(line), line)
            case "state" | "states":
                for message in self._known(line.get("ids") or [line["id"]]):
                    self._apply(message, line)
            case "turn":
                for message in self._known([line["id"]]):
                    self._hear(message, line)
            case "batch":
                self.batches[line["id"]] = line["status"]
            case "opt_out":
                (self.opted_out.add if line["out"] else self.opted_out.discard)(line["number"])

    def _known(self, ids: Iterable[str]) -> list[Message]:
        """The messages of these ids; a reset may have been quicker than what is told of them."""
        return [self.messages[each] for each in ids if each in self.messages]

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

    def keep_mails(self, mail: dict[str, Any], messages: list[Message]) -> None:
        """Take the messages of one mail to many, each durable before anybody sees it."""
        first, special = messages[0], {}
        for number, message in enumerate(messages):
            if message.outcome != Outcome() or message.callbacks != Behaviour():
                special[str(number)] = [asdict(message.outcome), asdict(message.callbacks)]
        line = {
            "kind": "mails", "request": first.request, "at": first.at.isoformat(), "count": len(messages),
            "special": special, "mail": mail,
        }  # fmt: skip
        self.ledger.append([line])
        with self.lock:
            self._keep_all(messages, line)
            self.version += 1

    def _unpacked(self, line: Line) -> list[Message]:
        messages = self._unpack(line["mail"], datetime.fromisoformat(line["at"]), line["request"])
        for number, (outcome, callbacks) in line["special"].items():
            messages[int(number)].outcome = Outcome(**outcome)
            messages[int(number)].callbacks = Behaviour(**callbacks)
        return messages

    def _keep_all(self, messages: list[Message], line: Mapping[str, Any]) -> None:
        for seq, message in enumerate(messages, line["seq"] - line["count"] + 1):
            message.seq = seq
            self._keep(message)

    def change(
        self, messages: Iterable[Message], status: str, code: int | None, now: datetime, **more: Any
    ) -> None:
        """Move messages to a state. Not awaited on disk: after a crash the state is reached again."""
        ids = [message.id for message in messages]
        line: Line = {"kind": "states", "status": status, "error_code": code, "at": now.isoformat(), **more}
        line["ids"] = ids
        self.ledger.append([line], durable=False)
        with self.lock:
            for message in self._known(ids):
                self._apply(message, line)
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
