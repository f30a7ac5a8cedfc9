"""The ways out: one module per provider, sending, asking and verifying that provider's callbacks.

A channel answers with a value, never with an exception: what it could not understand is `Unsure`,
which is the only honest answer when the provider may have the message.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from flask import Flask, current_app

from foundation.settings import Settings


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider has it, under this id; `says` is what became of it, where it knows so at once."""

    provider_id: str
    says: str | None = None  # in the words of its receipts


@dataclass(frozen=True, slots=True)
class Refusal:
    """The provider provably does not have it. `account` means that it refuses all of ours."""

    why: str
    code: str | None = None
    account: bool = False
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Unsure:
    """The provider may have it: a time-out, a broken reply, a server error."""

    why: str


Answer = Accepted | Refusal | Unsure


@dataclass(frozen=True, slots=True)
class Told:
    """What a provider says of a message when asked: its status, in the words of its receipts."""

    status: str
    code: str | None = None


class CannotAsk(Exception):
    """The provider did not answer a question about a message."""


def to_nobody(_answer: Answer) -> None:
    """What comes too late is of no use to whoever gave no other place for it."""


class Provider(Protocol):
    """What a provider can do for us."""

    name: str

    def send(
        self,
        *,
        recipient: str,
        content: dict[str, str],
        attempt_id: str,
        reference: str,
        limit: float,
        urgent: bool,
        late: Callable[[Answer], object] = to_nobody,
    ) -> Answer:
        """Hand over one message within `limit` seconds; the attempt's id comes back in receipts.

        The limit is a total one. An answer that comes after it goes to `late`, in another thread.
        """

    def find(self, *, recipient: str, attempt_ids: list[str], reference: str, since: datetime) -> str | None:
        """The provider's id of a message it has from us, or None when it has none.

        Raises: CannotAsk.
        """

    def told(self, *, attempt_id: str, provider_id: str) -> Told | None:
        """What became of a message that it accepted, or None when it knows of none.

        Raises: CannotAsk.
        """


def init_app(app: Flask, settings: Settings) -> None:
    """Give the app its providers by channel, as the settings choose them."""
    from notifications.channels.pretend import Pretend  # noqa: PLC0415
    from notifications.channels.sendgrid import SendGrid  # noqa: PLC0415  SDKs load only where they send
    from notifications.channels.twilio import Twilio  # noqa: PLC0415

    # What is pretend has no way to the others: it is asked for by its own name, and has no transport.
    app.extensions["channels"] = {
        "sms": Twilio(settings), "email": SendGrid(settings), "pretend": Pretend(),
    }  # fmt: skip


def provider(channel: str) -> Provider:
    """The provider that serves a channel in this app."""
    found: Provider = current_app.extensions["channels"][channel]
    return found


def names() -> dict[str, str]:
    """The provider's name by channel."""
    return {channel: each.name for channel, each in current_app.extensions["channels"].items()}
