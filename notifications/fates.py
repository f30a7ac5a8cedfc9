"""What has become of many messages at once, by the name each was posted under; no text is read for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from foundation.database import db
from notifications.models import Kind, Message, State


@dataclass(frozen=True, slots=True)
class Fate:
    """The state of a message, the last channel tried counting; when it was so (UTC), and why."""

    state: str
    done_at: datetime | None
    why: str | None
    channel: str

    @property
    def delivered(self) -> bool:
        """Whether a provider says that it arrived; nothing less counts."""
        return self.state == State.DELIVERED

    @property
    def given_up(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.state in (State.UNREACHED, State.CANCELLED)


def of(about: str, prefix: str) -> dict[str, Fate]:
    """The fate of each message about one thing whose name begins so, by that name."""
    rows = db.session.execute(
        select(Message.dedupe_key, Message.state, Message.done_at, Message.why, Message.channel)
        .where(Message.about == about, Message.dedupe_key.startswith(prefix, autoescape=True))
        .order_by(Message.id)
    )
    found: dict[str, Fate] = {}
    for row in rows:
        key = row.dedupe_key.partition(">")[0]
        if key not in found or not found[key].delivered:
            found[key] = Fate(row.state.value, row.done_at, row.why, row.channel.value)
    return found


def outcomes(about: str, dedupe_keys: Sequence[str]) -> dict[str, str]:
    """The state of each key's message to people, the last channel tried counting, by its first key."""
    rows = db.session.execute(
        select(Message.dedupe_key, Message.state)
        .where(Message.about == about, Message.kind == Kind.SUBJECT)
        .order_by(Message.id)
    )
    states: dict[str, str] = {}
    wanted = set(dedupe_keys)
    for row in rows:
        key = row.dedupe_key.partition(">")[0]
        if key in wanted and states.get(key) != State.DELIVERED:
            states[key] = row.state
    return states
