"""Everything one sandbox consists of, put together."""

import json
import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

from flask import current_app

from notifications.sandbox.callbacks import Caller
from notifications.sandbox.config import SandboxConfig
from notifications.sandbox.keys import event_key, event_public_key
from notifications.sandbox.ledger import Ledger
from notifications.sandbox.mail import messages_of
from notifications.sandbox.messages import Store
from notifications.sandbox.openapi import Documents
from notifications.sandbox.progress import Progress
from notifications.sandbox.script import Script
from notifications.sandbox.switchboard import Switchboard
from notifications.sandbox.timing import Lanes, Scheduler


@dataclass
class Bench:
    """The bench of devices: what the providers hold, what they were told to do, and who calls back."""

    config: SandboxConfig
    smtp_at: str = ""  # where the mail server listens, host:port

    def __post_init__(self) -> None:
        event_public_key(self.config.home)  # writes the file from which the product is set up
        self.store = Store(Ledger(self.config.home / "ledger.jsonl"), messages_of)
        self.script = Script()
        self.scheduler = Scheduler()
        self.lanes = Lanes(self.scheduler)
        self.caller = Caller(self.config, event_key(self.config.home), self.scheduler, self.lanes)
        self.progress = Progress(self.config, self.store, self.caller, self.scheduler)
        self.switchboard = Switchboard(self.config, self.store, self.caller, self.scheduler)
        self.documents = Documents(self.config.openapi)
        self.heart = Heart()
        self.names = Names(self.config.home / "names.json")
        self.progress.resume()
        self.switchboard.resume()

    @cached_property
    def public_key(self) -> str:
        """The key that checks this sandbox's e-mail events."""
        return event_public_key(self.config.home)

    def clear(self) -> None:
        """Begin anew: no messages, no rules, nothing on its way; names stay."""
        self.scheduler.forget()
        self.lanes.forget()
        self.switchboard.forget()
        self.caller.made.clear()
        self.heart.beats.clear()
        self.script.remove()
        self.store.clear()

    def close(self) -> None:
        """Stop the threads and let go of the ledger."""
        self.scheduler.stop()
        self.lanes.stop()
        self.store.ledger.close()


@dataclass(slots=True)
class Heart:
    """The product's heartbeats, newest last: when (aware, UTC) and what it said besides."""

    beats: deque[tuple[datetime, str]] = field(default_factory=lambda: deque(maxlen=100))

    def hear(self, how: str, at: datetime) -> None:
        """Keep one more beat."""
        self.beats.append((at, how))


class Names:
    """Whose phone or mailbox it is: a JSON file of addresses and names under the home."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self.by_address: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}

    def add(self, names: dict[str, str]) -> None:
        """Name addresses; they appear on the bench even before their first message."""
        with self._lock:
            self.by_address = {**self.by_address, **names}
            draft = self._path.with_suffix(".draft")
            draft.write_text(json.dumps(self.by_address, ensure_ascii=False, indent=1), "utf-8")
            draft.replace(self._path)


def bench() -> Bench:
    """The bench of the app at work."""
    found: Bench = current_app.extensions["bench"]
    return found
