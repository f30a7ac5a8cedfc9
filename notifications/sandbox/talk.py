"""A telephone call as a message carries it: what it was asked for, and what was said and pressed."""

from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any

EVENTS = ("initiated", "ringing", "answered", "completed")
ENDED = {"completed", "busy", "no-answer", "failed", "canceled"}


@dataclass(frozen=True, slots=True)
class Turn:
    """Something said or pressed: `who` is product, person or network; `at` in ISO 8601 UTC."""

    who: str
    text: str
    language: str = ""
    at: str = ""


@dataclass(slots=True, kw_only=True)
class Talk:
    """What a call was created with, and how far it came. Times are aware, in UTC."""

    url: str = ""
    fallback_url: str = ""
    twiml: str = ""
    timeout: int = 60  # seconds it rings
    events: tuple[str, ...] = ("completed",)
    detects: bool = False  # whether the product asked if a person answers
    answered_by: str | None = None
    answered_at: datetime | None = None
    waits: bool = False  # for keys
    digits: str = ""  # pressed so far
    turns: list[Turn] = field(default_factory=list)

    def line(self) -> dict[str, Any]:
        """As it stands in the ledger."""
        values = asdict(self)
        values["answered_at"] = self.answered_at.isoformat() if self.answered_at else None
        return values

    @classmethod
    def read(cls, line: dict[str, Any]) -> "Talk":
        """The talk of a ledger line."""
        known = {each.name for each in fields(cls)}
        values = {name: value for name, value in line.items() if name in known}
        values["events"] = tuple(values["events"])
        values["turns"] = [Turn(**each) for each in values["turns"]]
        at = values["answered_at"]
        values["answered_at"] = datetime.fromisoformat(at) if at else None
        return cls(**values)

    def seconds(self, until: datetime) -> int:
        """How long it was talked, in whole seconds."""
        return int((until - self.answered_at).total_seconds()) if self.answered_at else 0
