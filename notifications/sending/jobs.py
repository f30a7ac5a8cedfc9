"""What workers and the clock run of sendings: many groups behind one bell, and what is due.

All of it may run twice, in any number of processes, in any order.
"""

import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import structlog
from flask import Flask, current_app
from sqlalchemy import Select, and_, or_, select

from foundation import queue
from foundation.database import database_now, db, everyone, transaction
from notifications.channels.deadline import Round
from notifications.models import GroupState, Sending, SendingGroup, SendingState
from notifications.sending import (
    budgets,
    canaries,
    claiming,
    falling_back,
    handing_over,
    planning,
    recording,
    rows,
    settling,
    tallying,
)

T = TypeVar("T")
log = structlog.get_logger()
JOB = "notifications.sending.jobs.send_groups"
SECONDS = 20.0  # a job takes no further group after this
JOB_SECONDS = 120  # RQ ends a job after this: more than the last call and its recording
AT_MOST = 4  # jobs that wait on the queue; a worker takes many groups in one
RING_AGAIN = 3.0  # seconds between bells for one sending: so soon another worker joins in
NOBODY_CAME = timedelta(seconds=20)
WORTH_WAITING = 2.0  # seconds that a job waits for a provider to be free
PLANNING = 5.0  # seconds of one round
BATCH = 50


def send_groups(sending_id: str) -> None:
    """Send groups of a sending, one after another, for some seconds. Safe to run twice."""
    until = time.monotonic() + SECONDS
    blocked: dict[str, datetime] = {}
    while time.monotonic() < until:
        with transaction():
            now = database_now()
            blocked = {channel: free for channel, free in blocked.items() if free > now}
            claimed = claiming.claim(UUID(sending_id), without=blocked.keys(), now=now)
        match claimed:
            case claiming.Claim():
                handing_over.hand_over(claimed)
            case claiming.TooLarge():
                with transaction():
                    claiming.divide(claimed, now=now)
            case claiming.Blocked(channel, free):
                blocked[channel] = free
            case None:
                wait = min((free - now for free in blocked.values()), default=None)
                if wait is None or wait.total_seconds() > WORTH_WAITING:
                    return
                time.sleep(max(wait.total_seconds(), 0.01))


def look() -> int:
    """Everything that is due of all sendings, but for questions to providers; returns how much was done."""
    begun = time.monotonic()
    done = ring()
    done += _each(planning.due(), partial(_plan, until=begun + PLANNING))
    done += _each(_leases(database_now()), _end_lease)
    done += _each(canaries.due(), _in_transaction(canaries.judge))
    done += _each(falling_back.impatient(database_now()), _in_transaction(falling_back.lose_patience))
    done += _each(falling_back.due(database_now()), _in_transaction(falling_back.take_next))
    done += _each(falling_back.given_up(), _in_transaction(falling_back.give_up))
    done += _each(tallying.due(database_now()), _tally)
    return done


def _in_transaction(act: Callable[..., object]) -> Callable[[UUID], bool]:
    def do(which: UUID) -> bool:
        with transaction():
            return bool(act(which, now=database_now()))

    do.__name__ = act.__name__
    return do


def _plan(sending_id: UUID, *, until: float) -> bool:
    while time.monotonic() < until:
        with transaction():
            if not planning.plan_on(sending_id, now=database_now()):
                return True
    return True


def _tally(sending_id: UUID) -> bool:
    counted, took = tallying.count(sending_id)
    with transaction():
        tallying.tally(sending_id, counted, took, now=database_now())
    return True


def _leases(now: datetime) -> list[UUID]:
    return list(
        db.session.scalars(
            select(SendingGroup.id)
            .where(SendingGroup.state == GroupState.SENDING, SendingGroup.lease_until < now)
            .limit(BATCH)
        )
    )


def _end_lease(group_id: UUID) -> bool:
    with transaction():
        _sending, group = rows.both_locked(group_id)
        now = database_now()
        if group.state != GroupState.SENDING or not group.lease_until or group.lease_until >= now:
            return False
        recording.lease_ended(group, now=now)
    return True


def settle() -> int:
    """Ask the providers about groups that are unsure, and take over answers kept in files; how many."""
    done = _each(handing_over.kept_answers(), _take_over)
    return done + _each(settling.due(database_now()), partial(settling.settle, looking=Round()))


def _take_over(kept: Path) -> bool:
    with transaction():
        done = handing_over.take_over(kept)
    kept.unlink(missing_ok=True)
    return done


def ring() -> int:
    """Ring for every sending with groups that are due; returns how many.

    What cannot be rung for, or nobody comes for, is sent from here.
    """
    now = database_now()
    due = list(db.session.execute(_due(now)))
    for sending_id, state, since in due:
        rung_since = _rung_since(sending_id, state)
        if rung_since is None:
            continue
        unheard = time.monotonic() - rung_since > NOBODY_CAME.total_seconds() and since < now - NOBODY_CAME
        late = unheard and not _under_way(sending_id) and not _kept_waiting(sending_id, now)
        if not queue.enqueue(queue.BULK, JOB, [sending_id], timeout=JOB_SECONDS, most=AT_MOST) or late:
            _send_from_here(sending_id)
    return len(due)


def _due(now: datetime) -> Select[UUID, str, datetime]:
    """Sendings that go on with the time since when their oldest group is due."""
    goes = or_(
        Sending.state == SendingState.RUNNING,
        and_(Sending.state == SendingState.CANARY, SendingGroup.is_canary),
    )
    oldest = (
        select(SendingGroup.ready_at)
        .where(
            SendingGroup.sending_id == Sending.id, SendingGroup.state == GroupState.PENDING,
            SendingGroup.ready_at <= now, goes,
        )
        .order_by(SendingGroup.ready_at)
        .limit(1)
        .scalar_subquery()
    )  # fmt: skip
    mine = select(Sending.id, Sending.state, oldest)
    return mine.where(Sending.state.in_(claiming.GOES), oldest.is_not(None))


def _rung_since(sending_id: UUID, state: str) -> float | None:
    """Since when (monotonic) this process rings for it; None when it rang for it a moment ago.

    For the first few and for the rest it begins anew: groups are due from when they are planned, which for a
    million is long before anybody may send them.
    """
    rung: dict[UUID, tuple[str, float, float]] = current_app.extensions.setdefault("sendings_rung", {})
    now = time.monotonic()
    before, first, last = rung.get(sending_id, ("", now, now))
    if before == state and now - last < RING_AGAIN:
        return None
    rung[sending_id] = state, first if before == state else now, now
    return rung[sending_id][1]


def _under_way(sending_id: UUID) -> bool:
    """Whether some worker has a group of it."""
    mine = SendingGroup.sending_id == sending_id, SendingGroup.state == GroupState.SENDING
    return bool(db.session.scalar(select(select(SendingGroup.id).where(*mine).exists())))


def _kept_waiting(sending_id: UUID, now: datetime) -> bool:
    """Whether a provider of a group that is due was busy a moment ago: then nobody could have taken one."""
    mine = SendingGroup.sending_id == sending_id, SendingGroup.state == GroupState.PENDING
    due = select(SendingGroup.channel).where(*mine, SendingGroup.ready_at <= now).distinct()
    return any(budgets.were_busy(channel, now - NOBODY_CAME) for channel in db.session.scalars(due))


def _send_from_here(sending_id: UUID) -> None:
    """In place of the workers, one thread for each sending."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    under_way: set[UUID] = app.extensions.setdefault("sendings_sent_directly", set())
    if sending_id not in under_way:
        under_way.add(sending_id)
        threading.Thread(target=_send, args=(app, sending_id, under_way), daemon=True).start()


def _send(app: Flask, sending_id: UUID, under_way: set[UUID]) -> None:
    try:
        with app.app_context(), everyone():
            send_groups(str(sending_id))
    except Exception as trouble:  # noqa: BLE001  its groups come due again when their leases end
        log.error("sending.not_sent_directly", sending=str(sending_id), trouble=type(trouble).__name__)
    finally:
        under_way.discard(sending_id)


def _each(those: Iterable[T], act: Callable[[T], bool]) -> int:
    """Act on each; one that fails is logged, comes again, and holds up none of the others."""
    done = 0
    for each in those:
        try:
            done += act(each)
        except Exception:  # whatever it was, the next one must still go on
            db.session.rollback()
            log.exception("sending.one_failed", which=str(each), duty=getattr(act, "__name__", "duty"))
    return done
