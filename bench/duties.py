"""The clock's look at duties: how long a round takes over many that are open, and how that grows.

Duties lie five to an incident, each with the whole ladder of its rungs. A round in which nothing is due is
told against the bare question for what is due, asked of the same database by its index; then one duty in a
hundred falls due at once, and told is what it costs to tell of an incident until all were told.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text

from accounts import people
from bench.installation import installation
from foundation.database import db, everyone, insert_rows, new_id, transaction, utcnow
from incident import jobs, rungs
from incident.models import Duty, DutyRung, Incident
from incident.rules import ladder
from incident.rules.lifecycle import State
from incident.rules.regimes import REGIMES

SIZES = (1_000, 10_000, 100_000)
EACH = 5  # duties of an incident
SHARE = 100  # of so many duties one falls due
LOOKS = 60
AT_ONCE = 400  # incidents written in one transaction
BARE = text(
    "SELECT incident_id FROM duty_rungs WHERE sent_at IS NULL AND set_aside_at IS NULL AND at <= :now "
    "ORDER BY at LIMIT 500"
)


def run(database: str, *, seconds: float, rounds: int) -> None:  # noqa: ARG001  as every bench
    """Measure and print for each number of open duties; `seconds` is not asked for."""
    with installation(database) as laid, laid.app.app_context(), everyone():
        organisation, written, first = people.organisations()[0].id, 0, 0.0
        for size in SIZES:
            _write(organisation, size - written, written)
            written = size
            floor, look = _idle(rounds)
            first = first or look
            print(
                f"  {look / floor:5.1f} times the bare question  {look * 1000:.2f} ms a round, nothing due, "
                f"{size} open duties  ({look / first:.2f} of the time over {SIZES[0]})",
                flush=True,
            )
        _due(written)


def _idle(rounds: int) -> tuple[float, float]:
    """Seconds of the bare question and of a round in which nothing is due, interleaved."""
    bare, whole = [], []
    for _ in range(max(rounds, 1)):
        bare.append(_timed(lambda: db.session.execute(BARE, {"now": _bound(utcnow())}).all()))
        whole.append(_timed(jobs.remind_of_duties))
    return median(bare), median(whole)


def _bound(now: datetime) -> Any:
    return now if db.engine.dialect.name == "postgresql" else now.strftime("%Y-%m-%d %H:%M:%S.%f")


def _timed(act: Callable[[], object]) -> float:
    times = []
    for _ in range(LOOKS):
        db.session.rollback()
        start = time.perf_counter()
        act()
        times.append(time.perf_counter() - start)
    return median(times)


def _due(size: int) -> None:
    """One in a hundred falls due at the same instant; rounds go on until all were told."""
    with transaction():
        chosen = select(Duty.id).order_by(Duty.id).limit(size // SHARE)
        ids = list(db.session.scalars(chosen))
        for some in batched(ids, 500):
            mine = DutyRung.duty_id.in_(some), DutyRung.key == "-48h"
            db.session.execute(DutyRung.__table__.update().where(*mine).values(at=utcnow()))  # type: ignore[attr-defined]
    times, given = [], 0
    while True:
        start = time.perf_counter()
        told = jobs.remind_of_duties()
        if not told:
            break
        times.append(time.perf_counter() - start)
        given += told
    if given != len(ids):
        raise SystemExit(f"{len(ids)} rungs were due, {given} were given.")
    incidents = len(ids) // EACH
    print(
        f"  {sum(times) / incidents * 1000:5.1f} ms an incident  {incidents} incidents, {given} duties due "
        f"of {size}, in {len(times)} rounds of {median(times):.2f} s",
        flush=True,
    )
    with transaction():
        left = db.session.scalar(select(func.count()).select_from(DutyRung).where(DutyRung.sent_at.is_(None)))
    print(f"        {left} rungs wait on", flush=True)


def batched(values: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """So many at a time."""
    return (values[start : start + size] for start in range(0, len(values), size))


def _write(organisation: UUID, count: int, before: int) -> None:
    now = utcnow()
    for some in batched(range(before // EACH, (before + count) // EACH), AT_ONCE):
        with transaction():
            incidents = [_incident(organisation, number, now) for number in some]
            insert_rows(Incident, *incidents)
            duties = [duty for each in incidents for duty in _duties(each, now)]
            insert_rows(Duty, *duties)
            insert_rows(DutyRung, *(rung for duty in duties for rung in _rungs(duty, now)))


def _incident(organisation: UUID, number: int, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(), "organisation_id": organisation, "number": f"BENCH-{number}", "title": "Bench",
        "state": State.CONFIRMED, "facts_number": 1, "duties_for": 1, "aware_at": now, "reported_at": now,
        "awareness_is_provisional": False,
    }  # fmt: skip


def _duties(incident: dict[str, Any], now: datetime) -> Iterator[dict[str, Any]]:
    for number in range(EACH):
        yield {
            "id": new_id(), "organisation_id": incident["organisation_id"], "incident_id": incident["id"],
            "regime": "gdpr-33", "recipient": f"authority-{number}", "clock_kind": "none",
            "provision": "GDPR art. 33(1)", "terms": {"rules": "bench"}, "starts_at": now,
            "due_at": now + timedelta(hours=72), "state": "open", "created_at": now,
        }  # fmt: skip


def _rungs(duty: dict[str, Any], now: datetime) -> Iterator[dict[str, Any]]:
    made = ladder.rungs(REGIMES.ladder(now), starts_at=now, due_at=duty["due_at"], drafts=True)
    incident = Incident(id=duty["incident_id"], organisation_id=duty["organisation_id"])
    for each in made:
        yield rungs.row_of(incident, duty["id"], "", each, now)
