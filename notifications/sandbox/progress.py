"""What becomes of a message after it was accepted: its states, and the receipts that tell of them."""

import secrets
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any

from notifications.sandbox.callbacks import Call, Caller
from notifications.sandbox.config import SANDBOX_ACCOUNT_SID, SandboxConfig
from notifications.sandbox.messages import Message, Store, now_utc
from notifications.sandbox.timing import Scheduler

PAUSE_CHECK = 0.3
LARGEST_ARRAY = 1000
TWILIO_WAY = ("sending", "sent", "delivered")
GATEWAY_WAY = ("sent", "delivered")
UNDELIVERED = {"undelivered": 30003, "failed": 30008}
REASONS = {
    "bounce": "550 5.1.1 The mailbox does not exist",
    "blocked": "554 5.7.1 Message refused",
    "dropped": "Bounced Address",
    "deferred": "451 4.7.1 Try again later",
}


def states_of(message: Message) -> list[str]:
    """The states a message will go through, in order, by the outcome it was given."""
    end = message.outcome.status
    if message.provider in {"smtp", "chat"}:
        return ["delivered"]
    if message.provider in {"twilio", "gateway"}:
        way = TWILIO_WAY if message.provider == "twilio" else GATEWAY_WAY
        if end in way:
            return list(way[: way.index(end) + 1])
        if message.provider == "gateway":
            return [] if end == "queued" else ["sent", end]
        return [] if end == "queued" else ["sending", *(["sent"] if end == "undelivered" else []), end]
    states = ["dropped"] if end == "dropped" else ["processed", *([end] if end != "processed" else [])]
    return states + ([message.outcome.then] if message.outcome.then else [])


class Progress:
    """Moves messages through their states and has the receipts called back."""

    def __init__(self, config: SandboxConfig, store: Store, caller: Caller, scheduler: Scheduler) -> None:
        self._config = config
        self._store = store
        self._caller = caller
        self._scheduler = scheduler

    def begin(self, messages: Iterable[Message]) -> None:
        """Set messages of one request going, those alike together (so their events share an array)."""
        alike: dict[tuple[Any, ...], list[Message]] = {}
        for message in messages:
            key = (message.due_at, message.callbacks, message.outcome, message.status, message.error_code)
            alike.setdefault(key, []).append(message)
        for part in alike.values():
            for start in range(0, len(part), LARGEST_ARRAY):
                self._schedule(part[start : start + LARGEST_ARRAY])

    def resume(self) -> None:
        """After a restart: go on with every message that had not come to its end."""
        unfinished: dict[str, list[Message]] = {}
        for message in self._store.accepted():
            if not message.is_final and not message.talk:
                unfinished.setdefault(message.request, []).append(message)
        for messages in unfinished.values():
            self.begin(messages)

    def _schedule(self, part: list[Message]) -> None:
        states = states_of(part[0])
        if part[0].status in states:
            states = states[states.index(part[0].status) + 1 :]
        if states:
            wait = (part[0].due_at - now_utc()).total_seconds()
            held: list[tuple[Call, str]] = []
            task = partial(self._step, part, states, held)
            self._scheduler.after(max(wait, 0) + self._config.delay, task)

    def _step(self, part: list[Message], states: list[str], held: list[tuple[Call, str]]) -> None:
        """Reach the next state; a batch may have been stopped before the first."""
        batch = self._store.batches.get(part[0].batch_id or "")
        if states[0] in {"processed", "dropped"} and batch == "cancel":
            self._store.change(part, "cancelled", None, now_utc())
            return
        if states[0] in {"processed", "dropped"} and batch == "pause":
            self._scheduler.after(PAUSE_CHECK, partial(self._step, part, states, held))
            return
        self._reach(part, states[0], held)
        if states[1:]:
            self._scheduler.after(self._config.delay, partial(self._step, part, states[1:], held))
        elif part[0].callbacks.mode == "reversed":
            for call, lane in reversed(held):
                self._caller.post(call, lane, part[0].callbacks)

    def _reach(self, part: list[Message], status: str, held: list[tuple[Call, str]]) -> None:
        now = now_utc()
        code = part[0].outcome.code or UNDELIVERED.get(status)
        self._store.change(part, status, code if status == part[0].outcome.status else None, now)
        for call, lane in self._calls(part, status, now):
            if part[0].callbacks.mode == "reversed":
                held.append((call, lane))
            else:
                self._caller.post(call, lane, part[0].callbacks)

    def _calls(self, part: list[Message], status: str, now: datetime) -> list[tuple[Call, str]]:
        if part[0].provider == "sendgrid":
            events = [event_of(message, status, now) for message in part]
            return [(self._caller.events(events), part[0].request)]
        if part[0].provider == "gateway":
            return [(self._caller.receipt(receipt_of(message, now)), message.id) for message in part]
        return [
            (self._caller.form(message.status_callback, status_fields(message)), message.id)
            for message in part
            if message.status_callback
        ]


def status_fields(message: Message) -> dict[str, str]:
    """The form of a status callback, as Twilio's guide to outbound status callbacks lists it."""
    fields = {
        "ApiVersion": "2010-04-01",
        "AccountSid": SANDBOX_ACCOUNT_SID,
        "MessageSid": message.id,
        "SmsSid": message.id,
        "MessageStatus": message.status,
        "SmsStatus": message.status,
        "To": message.to,
        "From": message.sender,
    }
    if message.error_code:
        fields["ErrorCode"] = str(message.error_code)
    return fields


def receipt_of(message: Message, now: datetime) -> dict[str, Any]:
    """The gateway's receipt: its own id and the sender's, and what became of the message."""
    return {
        "id": message.id,
        "reference": message.request,
        "status": message.status,
        "code": str(message.error_code or ""),
        "at": now.isoformat(timespec="milliseconds"),
    }


def event_of(message: Message, status: str, now: datetime) -> dict[str, Any]:
    """One event of the webhook; custom arguments lie flat in it (SendGrid's event reference)."""
    event: dict[str, Any] = {
        **message.custom_args,
        "email": message.to,
        "timestamp": int(now.timestamp()),
        "event": "bounce" if status == "blocked" else status,
        "sg_event_id": secrets.token_urlsafe(16),
        "sg_message_id": message.id,
        "smtp-id": f"<{message.request}@sandbox.invalid>",
    }
    if status == "delivered":
        event["response"] = "250 2.0.0 Ok"
    if status in REASONS:
        reason = message.outcome.reason or REASONS[status]
        event["response" if status == "deferred" else "reason"] = reason
    if status in {"bounce", "blocked"}:
        event["type"], event["status"] = status, str(message.outcome.code or "5.1.1")
    if status == "deferred":
        event["attempt"] = "1"
    return event
