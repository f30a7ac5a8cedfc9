"""The queue is a doorbell: it may lose, repeat or reorder anything; the database knows what is due.

A commit rings a bell; the clock hears it, finds what is due in the database and puts ids onto the
queues; a worker takes an id and asks the database whether it may act. Without a queue server the
clock does the work itself. RQ's own retries and scheduler are not used: they lose work when a
process or the server dies (docs/decisions/0002-redis-is-a-doorbell.md).
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from importlib import import_module
from typing import cast
from uuid import UUID

import structlog
from flask import Flask, current_app
from redis import Redis, RedisError, ResponseError
from rq import Queue, Worker
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy import String
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, configure_mappers, mapped_column

from foundation import database

URGENT = "urgent"  # pages, reminders and notifications: a person waits for each
BULK = "bulk"  # communications to people: many, and never in the way of a page
QUEUES = (URGENT, BULK)

MESSAGES, RUNS, SENDINGS, LISTS = "messages", "runs", "sendings", "lists"  # what a bell says may be due
BELL = "breachclock:bell:"
COUNTS = "breachclock:counts"
LOOKS_AGAIN = 2.0  # seconds between a worker's tries to find a queue server that went away
MAX_WAITING = 200  # ids waiting on a queue; more would only make workers find no-ops
log = structlog.get_logger()


def connect(url: str, *, patient: bool = False) -> Redis:
    """A client that gives up quickly: nothing that matters may wait for the queue server.

    `patient` is for a worker's blocking read, which must outlast the server's own wait.
    """
    return Redis.from_url(url, socket_connect_timeout=0.3, socket_timeout=None if patient else 1, retry=None)


def server() -> Redis:
    """The app's client of the queue server, one per process."""
    client: Redis = current_app.extensions["queue_server"]
    return client


def init_app(app: Flask, url: str) -> None:
    """Give the app its client; connects on first use."""
    app.extensions["queue_server"] = connect(url)
    app.extensions["queue_url"] = url


def ring(bell: str) -> None:
    """Tell the clock that something of this kind may be due; says nothing when nobody hears it."""
    with suppress(RedisError):
        server().rpush(BELL + bell, 1)


def ring_after_commit(bell: str) -> None:
    """Ring once the open transaction is committed, however often it is asked for."""
    database.after_commit(_ringing(bell))


@cache
def _ringing(bell: str) -> Callable[[], None]:
    return partial(ring, bell)


def count(name: str) -> None:
    """Count one more of something; a count is all that is kept of it, and not worth waiting for."""
    with suppress(RedisError):
        server().hincrby(COUNTS, name, 1)


def counts() -> dict[str, int]:
    """What was counted so far; empty while the queue server is away."""
    try:
        kept = cast(dict[bytes, bytes], server().hgetall(COUNTS))
        return {name.decode(): int(number) for name, number in kept.items()}
    except RedisError:
        return {}


def wait_for_bell(bell: str, seconds: float) -> bool:
    """Wait for the bell, or that long; false when the queue server does not answer.

    Returns true also when the time passed in silence: the clock looks either way.
    """
    try:
        if server().blpop([BELL + bell], timeout=seconds):
            server().delete(BELL + bell)
    except RedisError:
        time.sleep(seconds)
        return False
    return True


def enqueue(name: str, job: str, ids: Iterable[UUID], *, timeout: int, most: int = MAX_WAITING) -> bool:
    """Put a job for each id onto a queue; false when the queue server did not take them.

    `job` is a dotted name whose one argument is an id, `timeout` its limit in seconds. A queue on which
    `most` wait is full enough and left alone: what waits in the database is rung again.
    """
    try:
        queue = Queue(name, connection=server(), serializer=JSONSerializer)
        if queue.count >= most:
            return True
        queue.enqueue_many(
            [
                Queue.prepare_data(
                    job, args=(str(each),), timeout=timeout, result_ttl=0, failure_ttl=3600, ttl=600
                )
                for each in ids
            ]
        )
    except RedisError as trouble:
        log.warning("queue.unreachable", trouble=type(trouble).__name__)
        return False
    return True


class _InApp(Worker):
    """A worker whose jobs run inside the app, each in a fork that opens its own connections.

    The fork costs some 40 ms and buys that no job, however it ends, takes the worker with it.
    """

    app: Flask
    max_connection_wait_time = LOOKS_AGAIN

    def perform_job(self, job: Job, queue: Queue) -> bool:
        with self.app.app_context(), database.everyone():
            database.after_fork()
            return super().perform_job(job, queue)


def work(app: Flask, name: str) -> None:
    """Run a worker of one queue until told to stop; RQ loses jobs popped from several.

    While the queue server is away it looks for it every other second, however long that takes: left to
    itself, RQ would wait a minute in the end, and a page with it.
    """
    _make_ready(app)
    worker = _InApp(
        [name],
        connection=connect(app.extensions["queue_url"], patient=True),
        serializer=JSONSerializer,
        worker_ttl=60,
        maintenance_interval=30,
        job_monitoring_interval=10,
        log_job_description=False,
    )
    worker.app = app
    worker.work(with_scheduler=False, logging_level="WARNING")


def _make_ready(app: Flask) -> None:
    """Do once what each fork would do again: mappings and the database's driver take 30 ms of a job."""
    with app.app_context():
        configure_mappers()
        with suppress(SQLAlchemyError), database.db.engine.connect():
            pass
        database.db.engine.dispose()  # a fork opens its own


def faults() -> list[str]:
    """What is wrong with the queue server: away, or set up to lose work by eviction or on restart.

    One that keeps its settings to itself, as hosted ones do, is taken at its word.
    """
    client = server()
    try:
        client.ping()
        policy = client.config_get("maxmemory-policy").get("maxmemory-policy")
        kept = client.config_get("appendonly").get("appendonly")
    except ResponseError:
        return []
    except RedisError as trouble:
        return [f"the queue server does not answer ({type(trouble).__name__}); the clock sends by itself"]
    found = []
    if policy not in ("noeviction", b"noeviction"):
        found.append("the queue server may evict work: set maxmemory-policy to noeviction")
    if kept not in ("yes", b"yes"):
        found.append("the queue server forgets on restart: set appendonly to yes")
    return found


# --- the clock ----------------------------------------------------------------------------------


class Beat(database.Base):
    """When something last happened that must go on happening; how readiness knows that somebody counts."""

    __tablename__ = "beats"

    component: Mapped[str] = mapped_column(String(40), primary_key=True)
    last_at: Mapped[datetime]


@dataclass
class Recurring:
    """Something the clock does again and again; what is due is always a timestamp in the database."""

    name: str
    run: Callable[[], object]
    every: float  # seconds
    bell: str = ""  # rung when there may be something to do before the time
    finished: float | None = None  # when it last ended a round; None before the first one

    def once(self, app: Flask) -> None:
        """Do one round; a round that fails is logged and tried again, and never stops the others."""
        try:
            with app.app_context(), database.everyone():
                self.run()
            self.finished = time.monotonic()
        except Exception:
            log.exception("clock.round_failed", duty=self.name)


def recurring(name: str, run: str, every: float, bell: str) -> Recurring:
    """A recurring duty from its row in the list: `run` is the dotted name of what it does."""
    module, _, function = run.rpartition(".")
    return Recurring(name, getattr(import_module(module), function), every, bell)


BEAT_EVERY = 10.0  # seconds between beats of the clock
FIRST_LOOK = 0.2  # seconds between looks until the first round of every duty has ended
STUCK_AFTER = 30.0  # a duty that has not finished a round for so long silences the beat


def keep_time(app: Flask, duties: Sequence[Recurring], stop: threading.Event) -> None:
    """Run the recurring duties until `stop`; any number of clocks may run at once.

    Each duty has a thread of its own, so that one that hangs holds up none of the others; then the
    beat stops, and readiness says so. There is no beat before every duty has ended a round: a clock that
    starts, fails and starts again is none.
    """
    threads = [threading.Thread(target=_repeat, args=(app, duty, stop), daemon=True) for duty in duties]
    for thread in threads:
        thread.start()
    beating = Recurring("beat", lambda: _beat_if_whole(duties), BEAT_EVERY)
    begun = time.monotonic()
    while not stop.is_set():
        if any(duty.finished is None for duty in duties) and time.monotonic() - begun < STUCK_AFTER:
            stop.wait(FIRST_LOOK)
            continue
        beating.once(app)
        stop.wait(BEAT_EVERY)
    for thread in threads:
        thread.join(timeout=15)


def _repeat(app: Flask, duty: Recurring, stop: threading.Event) -> None:
    while not stop.is_set():
        duty.once(app)
        if duty.bell:
            with app.app_context():
                wait_for_bell(duty.bell, duty.every)
        else:
            stop.wait(duty.every)


def _beat_if_whole(duties: Sequence[Recurring]) -> None:
    """Write the beat when a whole cycle has ended: every duty a round, and none too long ago."""
    now = time.monotonic()
    stuck = [
        duty.name
        for duty in duties
        if duty.finished is None or now - duty.finished > STUCK_AFTER + duty.every
    ]
    if stuck:
        log.error("clock.stuck", duties=stuck)
        return
    with database.transaction():
        beat("clock", database.database_now())


def beat(component: str, at: datetime) -> None:
    """Keep when a component last ended a whole round, or was last heard; in the caller's transaction."""
    database.db.session.merge(Beat(component=component, last_at=at))


def silent(component: str) -> None:
    """Forget the beat of a component; in the caller's transaction."""
    if found := database.db.session.get(Beat, component):
        database.db.session.delete(found)


def last_beat(component: str = "clock") -> datetime | None:
    """When the clock last finished a whole round of its duties, or None when it never did."""
    found = database.db.session.get(Beat, component)
    return found.last_at if found else None
