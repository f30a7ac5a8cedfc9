"""What workers and the clock run: deliver one message, find what is due, settle what is unsure.

All of it may run twice, in any number of processes, in any order.
"""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import structlog
from flask import Flask, current_app
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from foundation import queue
from foundation.database import database_now, db, everyone, transaction
from notifications import (
    alarms,
    bundles,
    canary,
    channels,
    delivery,
    on_duty,
    outbox,
    paging,
    polling,
    ringing,
    settling,
)
from notifications.channels import Accepted, Answer
from notifications.channels.deadline import Round
from notifications.models import Attempt, Kind, Message, Outcome, State

T = TypeVar("T")
log = structlog.get_logger()
RECORDING = 2.0  # seconds of the lease left over for writing a result down
DIRECT = 8  # calls under way at once, per queue, when the clock sends by itself
JOB_SECONDS = 40  # RQ ends a job after this: more than any call, less than any lease that matters


def deliver(message_id: str) -> None:
    """Send one message. Safe to run twice: only the run whose claim stands talks to the provider."""
    started = time.monotonic()
    with transaction():
        claimed = outbox.claim(
            UUID(message_id), provider_of=channels.names(), now=database_now(),
            kept_back=delivery.nobody_takes_it, lost=delivery.way_is_gone,
        )  # fmt: skip
    if claimed is None:
        return
    terms = outbox.terms(claimed.kind)
    left = (terms.lease - terms.call).total_seconds() - 1 - (time.monotonic() - started)
    if left <= 0 or not outbox.is_held(claimed):
        return
    answer = channels.provider(claimed.channel, claimed.provider).send(
        recipient=claimed.recipient, content=claimed.content, attempt_id=str(claimed.attempt_id),
        reference=claimed.reference, limit=terms.call.total_seconds(), urgent=claimed.kind is Kind.ONCALL,
        late=partial(_record_late, _app(), claimed),
    )  # fmt: skip
    _record(claimed, answer, until=started + terms.lease.total_seconds() - RECORDING)


def _record_late(app: Flask, claimed: outbox.Claim, answer: Answer) -> None:
    """Take in an answer nobody waited for any more, in the thread that waited on; a dead process has none."""
    with app.app_context(), everyone():
        log.warning("attempt.answered_late", attempt=str(claimed.attempt_id), answer=type(answer).__name__)
        _record(claimed, answer, until=time.monotonic() + RECORDING)


def _app() -> Flask:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    return app


def _record(claimed: outbox.Claim, answer: Answer, *, until: float) -> None:
    """Write the result down; while the database is away try again, at last into a file of its own."""
    while True:
        try:
            with transaction():
                delivery.record(claimed, answer, now=database_now())
        except SQLAlchemyError as trouble:
            db.session.remove()
            log.warning(
                "attempt.not_recorded", attempt=str(claimed.attempt_id), trouble=type(trouble).__name__
            )
            if time.monotonic() > until:
                _keep_in_journal(claimed, answer)
                return
            time.sleep(0.5)
        else:
            return


def _journal() -> Path:
    home: Path = current_app.config["SETTINGS"].home
    return home / "answers"


def _keep_in_journal(claimed: outbox.Claim, answer: Answer) -> None:
    if not isinstance(answer, Accepted):
        return
    _journal().mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = _journal() / f"{claimed.attempt_id}.json"
    with kept.with_suffix(".part").open("w") as file:
        json.dump({"provider_id": answer.provider_id}, file)
        file.flush()
        os.fsync(file.fileno())
    kept.with_suffix(".part").rename(kept)  # whole or not there


def import_journal() -> int:
    """Take over answers that could not be recorded while the database was away; returns how many."""
    kept = list(_journal().glob("*.json"))
    return _one_by_one(kept, _import)


def _import(kept: Path) -> bool:
    """One answer: a file of its own, so that several processes may import at the same time."""
    with contextlib.suppress(FileNotFoundError):
        provider_id = json.loads(kept.read_text())["provider_id"]
        with transaction():
            if attempt := db.session.get(Attempt, UUID(kept.stem)):
                message = db.session.get_one(Message, attempt.message_id, with_for_update=True)
                db.session.refresh(attempt)
                delivery.found(message, attempt, provider_id, Outcome.FOUND, now=database_now())
        kept.unlink(missing_ok=True)
        return True
    return False


def _one_by_one(those: Iterable[T], act: Callable[[T], bool]) -> int:
    """Act on each; one that fails is logged, comes again, and holds up none of the others."""
    done = 0
    for each in those:
        try:
            done += act(each)
        except Exception:  # whatever it was, the next page must still go out
            db.session.rollback()
            duty = getattr(act, "func", act).__name__
            log.exception("delivery.one_failed", which=str(each), duty=duty)
    return done


def sweep() -> int:
    """Ring for everything due; what cannot be rung for, or nobody comes for, is sent from here.

    A queue server takes ids also when no worker lives to fetch them. Returns how many were due.
    """
    now = database_now()
    if not outbox.anything_due(now):
        return 0
    with transaction():
        waiting = outbox.due(now)
    for name, ids in waiting.items():
        if not queue.enqueue(name, outbox.JOB, ids, timeout=JOB_SECONDS):
            _send_from_here(name, ids)
        elif late := outbox.left_waiting(ids, now):
            log.warning("messages.nobody_came", queue=name, count=len(late))
            _send_from_here(name, late)
    return sum(map(len, waiting.values()))


def _send_from_here(name: str, ids: list[UUID]) -> None:
    if left := _directly(name).take(ids):
        with transaction():
            outbox.not_taken(left)


class _Directly:
    """Sends in place of the workers while the queue server is gone, a few messages at a time.

    Each queue has its own, so that communications under way never delay a page.
    """

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.pool = ThreadPoolExecutor(DIRECT)
        self.under_way: set[UUID] = set()

    def take(self, ids: list[UUID]) -> list[UUID]:
        """Start on as many as there is room for; returns the others."""
        new = [each for each in ids if each not in self.under_way]
        room = max(DIRECT - len(self.under_way), 0)
        for message_id in new[:room]:
            self.under_way.add(message_id)
            self.pool.submit(self._send, message_id)
        return new[room:]

    def _send(self, message_id: UUID) -> None:
        try:
            with self.app.app_context(), everyone():
                deliver(str(message_id))
        except Exception as trouble:  # noqa: BLE001  the message comes due again when its lease ends
            log.error("message.not_sent_directly", message=str(message_id), trouble=type(trouble).__name__)
        finally:
            self.under_way.discard(message_id)


def _directly(name: str) -> _Directly:
    app = _app()
    senders: dict[str, _Directly] = app.extensions.setdefault("direct_senders", {})
    return senders.setdefault(name, _Directly(app))


def end_leases() -> int:
    """Take back what a dead or frozen process holds; returns how many."""
    now = database_now()
    ids = db.session.scalars(
        select(Message.id)
        .where(Message.state == State.SENDING, Message.lease_until < now)
        .limit(outbox.BATCH)
    ).all()
    return _one_by_one(ids, _end_lease)


def _end_lease(message_id: UUID) -> bool:
    with transaction():
        message, now = db.session.get_one(Message, message_id, with_for_update=True), database_now()
        if message.state is not State.SENDING or not message.lease_until or message.lease_until >= now:
            return False
        delivery.lease_ended(message, now=now)
    return True


def settle() -> int:
    """Ask the providers about what is unsure, a few at a time, and decide; returns how many were decided."""
    _one_by_one(settling.unsettled(database_now()), settling.call_a_person)
    return _one_by_one(settling.due(database_now()), partial(settling.settle, looking=Round()))


def poll() -> int:
    """Ask for receipts that did not come; what is late for hours takes another way. Returns how many did."""
    taken = _one_by_one(polling.late(database_now()), polling.take_another_way)
    return taken + _one_by_one(polling.due(database_now()), partial(polling.ask, looking=Round()))


def escalate() -> int:
    """Ring whose time has come: next persons, later ways, what waits to go together; returns how many."""
    moved = _one_by_one(paging.due(database_now()), _escalate)
    moved += _one_by_one(ringing.due(database_now()), _ring_later)
    moved += _one_by_one(bundles.due(database_now()), _send_together)
    return moved + _one_by_one(bundles.due_reminders(database_now()), _send_reminders)


def _escalate(page_id: UUID) -> bool:
    with transaction():
        return paging.escalate(page_id, now=database_now())


def _ring_later(ring_id: UUID) -> bool:
    with transaction():
        return ringing.ring_later(ring_id, now=database_now())


def _send_together(whose: tuple[UUID, str]) -> bool:
    with transaction():
        return bundles.send(whose, now=database_now())


def _send_reminders(staff_id: UUID) -> bool:
    with transaction():
        return bundles.send_reminders(staff_id, now=database_now())


def keep_rota() -> int:
    """Put on record who was on duty since the last round, also when that is long ago; returns of how many."""
    return _one_by_one(on_duty.unkept(database_now()), _keep_rota)


def _keep_rota(schedule_id: UUID) -> bool:
    with transaction():
        return on_duty.keep(schedule_id, now=database_now()) is not None


def raise_alarms() -> int:
    """Tell people of messages that reached nobody and of providers that refuse us."""
    if not alarms.waiting():
        return 0
    with transaction():
        return alarms.tell(now=database_now())


def send_probes() -> int:
    """Send the canaries and test pages that are due, and judge those under way; returns how many."""
    judged = _one_by_one(canary.waiting(), _judge_probe)
    _one_by_one(canary.untold(), _tell_of_probe)
    return judged + _one_by_one(canary.due(database_now()), _send_probe)


def _judge_probe(probe_id: UUID) -> bool:
    with transaction():
        return canary.judge(probe_id, now=database_now())


def _tell_of_probe(probe_id: UUID) -> bool:
    with transaction():
        return canary.tell(probe_id, now=database_now())


def _send_probe(line: canary.Line) -> bool:
    with transaction():
        return canary.send(line, now=database_now())
