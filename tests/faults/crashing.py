"""Points at which a process of the installation dies or freezes, exactly there and exactly once.

A test arms a point for one message by putting a file into a folder. The process that reaches the point
takes the file away, which only one can, and does what it says. The product knows nothing of it:
`install` wraps its functions in the processes that tests start.
"""

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Any
from uuid import UUID

from foundation import database
from incident import reports
from notifications import delivery, jobs, outbox
from notifications.channels.sendgrid import SendGrid
from notifications.channels.twilio import Twilio
from notifications.sending import claiming, handing_over, planning, recording

VARIABLE = "BREACHCLOCK_TEST_CRASHES"  # the folder
_here = threading.local()


class Point(StrEnum):
    """A line of the sender, in its order (design: section 5), and two of the web process."""

    BEFORE_CLAIM = "before_claim"  # the id was taken from the queue, nothing else
    INSIDE_CLAIM = "inside_claim"  # claimed, not committed
    BEFORE_FENCE = "before_fence"  # claimed and committed, nothing written to the provider
    BEFORE_SEND = "before_send"  # past the fence, nothing written to the provider
    AFTER_SEND = "after_send"  # the provider has it, nobody here knows
    INSIDE_RECORD = "inside_record"  # its yes is written, not committed
    AFTER_RECORD = "after_record"  # all is done, the queue does not know
    INSIDE_REPORT = "inside_report"  # a report is written, not committed
    BEFORE_ANSWER = "before_answer"  # a report is committed, its sender does not know
    INSIDE_PLANNING = "inside_planning"  # some people of a sending are planned, not committed
    GROUP_CLAIMED = "group_claimed"  # a group is claimed and committed, its provider was not asked
    GROUP_SENT = "group_sent"  # the provider has a group, nobody here knows
    GROUP_INSIDE_RECORD = "group_inside_record"  # its yes and its people are written, not committed


class Act(StrEnum):
    """What happens at a point."""

    KILL = "kill"  # everything that was started with this process, as when a machine dies
    KILL_ALONE = "kill_alone"  # this process: a worker's horse, one of several web processes
    KILL_PARENT = "kill_parent"  # the worker, while its horse runs on, as the kernel does when out of memory
    FREEZE = "freeze"  # stopped until a test lets it go on, as a virtual machine being moved


def nth(sending_id: object, number: int) -> str:
    """The key of a point for the group (or the round of planning) at which one process is then."""
    return f"{sending_id}.{number}"


def arm(folder: Path, point: Point, key: object, act: Act = Act.KILL) -> None:
    """Let whoever reaches `point` with this message or report do `act`, once."""
    draft = folder / f".{point}@{key}"
    draft.write_text(act)
    draft.rename(folder / f"{point}@{key}")


def is_spent(folder: Path, point: Point, key: object) -> bool:
    """Whether somebody got there."""
    return not (folder / f"{point}@{key}").exists()


def frozen(folder: Path, point: Point, key: object) -> int | None:
    """The process that froze there, or None so far."""
    with suppress(FileNotFoundError):
        return int((folder / f"frozen.{point}@{key}").read_text())
    return None


def reach(point: Point, key: object) -> None:
    """Die or freeze here when told so."""
    folder = Path(os.environ[VARIABLE])
    armed = folder / f"{point}@{key}"
    try:
        act = Act(armed.read_text())
        armed.unlink()
    except FileNotFoundError:
        return
    if act is Act.FREEZE:
        draft = folder / f".frozen.{point}@{key}"
        draft.write_text(str(os.getpid()))
        draft.rename(folder / f"frozen.{point}@{key}")
        os.kill(os.getpid(), signal.SIGSTOP)
        return
    if act is Act.KILL_PARENT:
        os.kill(os.getppid(), signal.SIGKILL)
        return
    if act is Act.KILL:
        kill_session(os.getsid(0), spare=os.getpid())
    os.kill(os.getpid(), signal.SIGKILL)


def kill_session(leader: int, *, spare: int = 0, number: int = signal.SIGKILL) -> None:
    """Send a signal to everything in a session, whatever its group; the leader first."""
    everyone = [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]
    for pid in sorted(everyone, key=lambda each: each != leader):
        with suppress(ProcessLookupError, PermissionError):
            if pid != spare and os.getsid(pid) == leader:
                os.kill(pid, number)


# --- around the product's functions --------------------------------------------------------------


def install() -> None:
    """Wrap the sender and the webhook of this process."""
    _wrap(jobs, "deliver", _deliver)
    _wrap(outbox, "claim", _after_one(Point.INSIDE_CLAIM))
    _wrap(outbox, "is_held", _around(before=Point.BEFORE_FENCE))
    for provider in (Twilio, SendGrid):
        _wrap(provider, "send", _around(before=Point.BEFORE_SEND, after=Point.AFTER_SEND))
    _wrap(delivery, "record", _around(after=Point.INSIDE_RECORD))
    _wrap(jobs, "_record", _around(after=Point.AFTER_RECORD))
    _wrap(reports, "accept", _report)
    _wrap(planning, "plan_on", _of_sending(after=Point.INSIDE_PLANNING))
    _wrap(claiming, "stand", _of_sending(before=Point.GROUP_CLAIMED))
    _wrap(handing_over, "record", _of_sending(before=Point.GROUP_SENT))
    _wrap(recording, "record", _of_sending(after=Point.GROUP_INSIDE_RECORD))


def _wrap(owner: Any, name: str, wrapper: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    original = getattr(owner, name)
    setattr(owner, name, wraps(original)(wrapper(original)))


def _deliver(original: Callable[[str], None]) -> Callable[[str], None]:
    def deliver(message_id: str) -> None:
        _here.message = message_id
        reach(Point.BEFORE_CLAIM, message_id)
        original(message_id)

    return deliver


def _around(
    *, before: Point | None = None, after: Point | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def wrapper(original: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            message = getattr(_here, "message", None)  # a late answer is recorded by another thread
            if before:
                reach(before, message)
            result = original(*args, **kwargs)
            if after:
                reach(after, message)
            return result

        return wrapped

    return wrapper


def _after_one(point: Point) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Only when it took something: a second worker that gets nothing is not at that point."""

    def wrapper(original: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            if result is not None:
                reach(point, _here.message)
            return result

        return wrapped

    return wrapper


def _of_sending(
    *, before: Point | None = None, after: Point | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """For a claim of a group, or the id of a sending: counted, since nobody knows groups beforehand."""

    def wrapper(original: Callable[..., Any]) -> Callable[..., Any]:
        passed: Counter[UUID] = Counter()

        def wrapped(what: Any, *args: Any, **kwargs: Any) -> Any:
            sending_id = what if isinstance(what, UUID) else what.sending_id
            passed[sending_id] += 1
            key = nth(sending_id, passed[sending_id])
            if before:
                reach(before, key)
            result = original(what, *args, **kwargs)
            if after:
                database.db.session.flush()
                reach(after, key)
            return result

        return wrapped

    return wrapper


def _report(original: Callable[..., Any]) -> Callable[..., Any]:
    def accept(letter: Any, *args: Any, **kwargs: Any) -> Any:
        outcome = original(letter, *args, **kwargs)
        database.insert_waiting()
        reach(Point.INSIDE_REPORT, letter.webhook_id)
        return outcome

    return accept
