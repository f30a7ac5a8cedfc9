"""The ways out: one module per provider, sending, asking and verifying that provider's callbacks.

A channel answers with a value, never with an exception: what it could not understand is `Unsure`,
which is the only honest answer when the provider may have the message.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol, TypeVar

from flask import Flask, current_app

from foundation.settings import Settings
from notifications.rules.routing import Order


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
    perhaps_one: bool = False  # of the account, as far as one can tell; perhaps of this recipient alone
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Unsure:
    """The provider may have it: a time-out, a broken reply, a server error."""

    why: str


# These can never be asked what became of a message, and send no receipts; also when the settings name them
# no more, for their messages stay.
MUTE = frozenset({"smtp", "chat"})

Answer = Accepted | Refusal | Unsure
P = TypeVar("P")


class To(NamedTuple):
    """One of many people: their place in the group, their address, and what stands in for the marks."""

    place: int
    address: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Many:
    """What became of a group: one answer for everybody, but for those who were refused one by one."""

    answer: Answer
    refused: Mapping[int, Refusal] = field(default_factory=dict)  # by place


@dataclass(frozen=True, slots=True)
class Told:
    """What a provider says of a message when asked: its status, in the words of its receipts."""

    status: str
    code: str | None = None


class CannotAsk(Exception):
    """The provider did not answer a question about a message, or is none of ours any more."""


def to_nobody(_answer: object) -> None:
    """What comes too late is of no use to whoever gave no other place for it."""


class Provider(Protocol):
    """What a provider can do for us."""

    name: str  # its own: it stands in attempts, receipts and circuits
    most: int  # people in one call of `send_many`

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

    def send_many(
        self,
        people: Sequence[To],
        *,
        content: Mapping[str, str],
        attempt_id: str,
        reference: str,
        limit: float,
        late: Callable[[Many], object] = to_nobody,
    ) -> Many:
        """Hand over one text to `most` people at most, each alone, within `limit` seconds altogether.

        `content` has "subject", "text", perhaps "html", "sender" and "reply_to", with marks as
        `rules.filling` has them. The attempt's id comes back in receipts, with each one's place. A refusal
        without a code that is for good may be tried again: the provider provably has nothing of it.
        What comes after the limit and is proof goes to `late`, in another thread.
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
    """Give the app its providers, of each channel those that serve it, the first choice first."""
    from notifications.channels.chat import Chat  # noqa: PLC0415
    from notifications.channels.gateway import Gateway  # noqa: PLC0415
    from notifications.channels.pretend import Pretend  # noqa: PLC0415
    from notifications.channels.sendgrid import SendGrid  # noqa: PLC0415  SDKs load only where they send
    from notifications.channels.smtp import Smtp  # noqa: PLC0415
    from notifications.channels.twilio import Twilio  # noqa: PLC0415
    from notifications.channels.voice import Calls  # noqa: PLC0415

    texts = {"twilio": Twilio, "sandbox": Twilio, "gateway": Gateway}
    mails = {"sendgrid": SendGrid, "sandbox": SendGrid, "smtp": Smtp}
    # What is pretend has no way to the others: it is asked for by its own name, and has no transport.
    app.extensions["channels"] = {
        "sms": tuple(texts[each](settings) for each in (settings.sms, settings.sms_second) if each),
        "voice": (Calls(settings),),
        "email": tuple(mails[each](settings) for each in (settings.email, settings.email_second) if each),
        "chat": (Chat(settings),),
        "pretend": (Pretend(),),
    }
    app.extensions["channel_weights"] = {"sms": settings.sms_weights, "email": settings.email_weights}
    told = {"sms": settings.sms_rates, "email": settings.email_rates}
    app.extensions["sending_rates"] = {
        f"{channel}/{each.name}": rate
        for channel, rates in told.items()
        for each, rate in zip(app.extensions["channels"][channel], rates, strict=False)
    }


def _serving(channel: str) -> tuple[Provider, ...]:
    found: tuple[Provider, ...] = current_app.extensions["channels"].get(channel, ())
    return found


def provider(channel: str, name: str) -> Provider:
    """The provider of that name that serves a channel in this app.

    Raises: CannotAsk when there is none, such as one that the settings name no more.
    """
    for each in _serving(channel):
        if each.name == name:
            return each
    raise CannotAsk(f"{name} serves {channel} no more")


def serving(channel: str, kind: type[P]) -> P | None:
    """The provider of this kind that serves a channel, or None: its callbacks are then nobody's."""
    return next((each for each in _serving(channel) if isinstance(each, kind)), None)


def names() -> dict[str, Order]:
    """The names of the providers by channel, in their order, and each one's share of messages."""
    weights: dict[str, tuple[int, ...]] = current_app.extensions["channel_weights"]
    return {
        channel: Order(tuple(each.name for each in found), weights.get(channel, ()))
        for channel, found in current_app.extensions["channels"].items()
    }
