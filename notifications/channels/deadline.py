"""A total limit around a call to a provider.

What the SDKs offer limits each read of the socket, so that a provider that answers one byte at a time
would hold us for ever. Here the call has a thread of its own, and whoever waits for it goes on in time.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import TypeVar

from notifications.channels import Accepted, Answer, CannotAsk, Refusal, Unsure

T = TypeVar("T")
CONNECT = 3.0  # seconds for a connection: less than any call, for who was never reached has nothing
LINGER = 2  # a call nobody waits for any more is given up after so many times its limit without a byte
UNANSWERED = 64  # calls nobody waits for any more, in this process; a provider may cost no more threads
ROUND = 10.0  # seconds after which a round asks no more; the clock must end its rounds to be seen to live
_room = threading.BoundedSemaphore(UNANSWERED)


@dataclass
class Round:
    """A round of questions about many messages: it has an end, and a silent provider is asked once in it."""

    begun: float = field(default_factory=time.monotonic)
    silent: set[str] = field(default_factory=set)  # providers

    def is_over(self) -> bool:
        """Whether the rest is left to the next round."""
        return time.monotonic() - self.begun > ROUND


class TimeIsUp(Exception):
    """The call did not end within its limit; what it did is not known."""


class NotBegun(Exception):
    """Too many calls are unanswered: this one was not made."""


def within(limit: float, call: Callable[[], T], *, late: Callable[[T], object] | None = None) -> T:
    """What `call` returns, or raises, within `limit` seconds of the monotonic clock.

    A value that comes later goes to `late`, in a thread of its own. Raises: TimeIsUp, NotBegun.
    """
    room = _room
    if not room.acquire(blocking=False):
        raise NotBegun
    future: Future[T] = Future()
    threading.Thread(target=_run, args=(future, call, room), daemon=True).start()
    if not wait([future], timeout=limit).done:
        if late:
            future.add_done_callback(lambda ended: None if ended.exception() else late(ended.result()))
        raise TimeIsUp
    return future.result()


def _run(future: Future[T], call: Callable[[], T], room: threading.BoundedSemaphore) -> None:
    try:
        value = call()
    except Exception as trouble:  # noqa: BLE001  it is raised where it is waited for
        room.release()
        future.set_exception(trouble)
    else:
        room.release()
        future.set_result(value)


def answer(
    limit: float, call: Callable[[], Answer], *, provider: str, late: Callable[[Answer], object]
) -> Answer:
    """The provider's answer within `limit` seconds; later only proof is told, to `late`."""

    def tell(answered: Answer) -> None:
        if isinstance(answered, Accepted | Refusal):
            late(answered)

    try:
        return within(limit, call, late=tell)
    except TimeIsUp:
        return Unsure(f"{provider} did not answer within {limit:g} seconds")
    except NotBegun:
        return Refusal(f"{provider} leaves too many calls unanswered")


def ask(limit: float, call: Callable[[], T]) -> T:
    """What a question is answered with. Raises: CannotAsk, also when the time is up."""
    try:
        return within(limit, call)
    except (TimeIsUp, NotBegun) as trouble:
        raise CannotAsk(type(trouble).__name__) from trouble


# In the description of what broke off: the other side was not found, or did not let us in.
NEVER_ASKED = ("NewConnectionError", "NameResolutionError", "CERTIFICATE_VERIFY_FAILED", "ConnectTimeout")


def was_never_asked(trouble: object) -> bool:
    """Whether a call over HTTP that broke off, or what is told of it, shows that nothing was handed over."""
    return any(kind in repr(trouble) for kind in NEVER_ASKED)


def broken(trouble: Exception, *, provider: str) -> Answer:
    """What a call that broke off amounts to: provably not sent, or nobody knows."""
    if was_never_asked(trouble):
        return Refusal(f"{provider} could not be reached ({type(trouble).__name__})")
    return Unsure(f"{provider} did not answer for sure ({type(trouble).__name__})")
