"""Requests that were refused at the door: counted, kept in short, shown, and told of once.

Kept are the hash of the body, the sender's address, the reason and the times; never what was sent. The
same again raises a count. A flood of different ones is bounded by the hour and then only counted. What
came to a real endpoint may be a processor with a wrong secret that tells us of a breach: on-call hears of
it once, and not a thousand times. The request itself waits for none of this.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from flask import Flask
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, case, delete, func, select, update

from accounts import people
from accounts.models import Organisation, Role, StaffMember
from foundation import ledger
from foundation.database import changed, db, insert_rows, new_id
from foundation.encryption import blind_index
from foundation.errors import Invalid, Missing
from incident.models import Endpoint, Processor, Quarantined, Report
from incident.rules.reporting import Terms, terms
from notifications import on_duty, ways

MOST_WAITING: Final = 200  # different ones that one process keeps in mind until they are written down
MOST_SHOWN: Final = 50  # of one endpoint
PAUSE: Final = 1.0  # seconds between two writings
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused request, in short; `tells` is whether it was a report, and not a look at one."""

    reason: str  # not_signed, stale, wrong_signature, unknown_endpoint
    body_sha256: str
    address: str
    endpoint_id: str | None
    organisation_id: UUID | None
    tells: bool = False

    @property
    def beyond(self) -> "Refusal":
        """What is left of it where there is no room for more of its kind."""
        return replace(self, body_sha256="", address="")


@dataclass(slots=True)
class Seen:
    """How often the same was seen, and between which times."""

    count: int
    first_at: datetime
    last_at: datetime

    def add(self, other: "Seen") -> None:
        """Count these too."""
        self.count += other.count
        self.first_at = min(self.first_at, other.first_at)
        self.last_at = max(self.last_at, other.last_at)


_waiting: dict[Refusal, Seen] = {}
_lock = threading.Lock()


def note(refusal: Refusal, *, now: datetime) -> None:
    """Keep a refusal in mind until somebody writes it down; asks nobody and waits for nothing."""
    _add({refusal: Seen(1, now, now)})
    log.warning("report.refused", reason=refusal.reason)


def _add(more: Mapping[Refusal, Seen]) -> None:
    with _lock:
        for refusal, seen in more.items():
            there = refusal in _waiting or len(_waiting) < MOST_WAITING
            key = refusal if there else refusal.beyond
            if key in _waiting:
                _waiting[key].add(seen)
            else:
                _waiting[key] = seen


def taken() -> dict[UUID | None, dict[Refusal, Seen]]:
    """What waits to be written down, by organisation; whoever takes it writes it, or gives it back."""
    with _lock:
        found = dict(_waiting)
        _waiting.clear()
    grouped: dict[UUID | None, dict[Refusal, Seen]] = {}
    for refusal, seen in found.items():
        grouped.setdefault(refusal.organisation_id, {})[refusal] = seen
    return grouped


give_back = _add


class Scribe:
    """A thread of a web process that has things written down, a second apart at least."""

    def __init__(self) -> None:
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None

    def wake(self, app: Flask, write: Callable[[], None]) -> None:
        """Have `write` called soon, inside an app context; in tests they call it themselves."""
        if app.testing:
            return
        self._wanted.set()
        with _lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, args=(app, write), daemon=True)
                self._thread.start()

    def _run(self, app: Flask, write: Callable[[], None]) -> None:
        while self._wanted.wait():
            self._wanted.clear()
            try:
                with app.app_context():
                    write()
            except Exception:  # what was not written was given back, and is tried again
                log.exception("quarantine.not_written")
                self._wanted.set()
            threading.Event().wait(PAUSE)


# --- written down -------------------------------------------------------------------------------


def write_down(organisation_id: UUID | None, those: Mapping[Refusal, Seen], *, now: datetime) -> None:
    """Write down what was refused of one organisation, or of nobody, and tell on-call; never commits."""
    if organisation_id is not None:
        db.session.get_one(Organisation, organisation_id, with_for_update={"key_share": True})
    limits = terms(now)
    for endpoint_id in sorted({each.endpoint_id or "" for each in those}):
        mine = {each: seen for each, seen in those.items() if (each.endpoint_id or "") == endpoint_id}
        _write(mine, endpoint_id or None, limits, now)
        if organisation_id is not None and endpoint_id and any(each.tells for each in mine):
            _tell(organisation_id, endpoint_id, mine, limits, now)


def _write(those: Mapping[Refusal, Seen], endpoint_id: str | None, limits: Terms, now: datetime) -> None:
    by_fold = {_fold(each, now): (each, seen) for each, seen in those.items()}
    known = set(db.session.scalars(select(Quarantined.fold).where(Quarantined.fold.in_(by_fold))))
    new = [fold for fold in by_fold if fold not in known]
    room = max(0, limits.quarantine_rows_per_hour - _written_lately(endpoint_id, limits, now))
    single = [fold for fold in new if by_fold[fold][0].body_sha256]
    for fold in known:
        _count(fold, by_fold[fold][1])
    insert = [fold for fold in new if fold not in single] + single[:room]
    insert_rows(Quarantined, *(_row(fold, *by_fold[fold]) for fold in insert))
    _count_beyond([by_fold[fold] for fold in single[room:]], now)


def _fold(each: Refusal, now: datetime) -> str:
    hour = "" if each.body_sha256 else f"{now:%Y%m%d%H}"
    return blind_index("|".join((each.endpoint_id or "", each.reason, each.address, each.body_sha256, hour)))


def _written_lately(endpoint_id: str | None, limits: Terms, now: datetime) -> int:
    lately = (
        Quarantined.endpoint_id.is_not_distinct_from(endpoint_id), Quarantined.body_sha256.is_not(None),
        Quarantined.first_at > now - limits.hour,
    )  # fmt: skip
    return db.session.scalar(select(func.count()).select_from(Quarantined).where(*lately)) or 0


def _count(fold: str, seen: Seen) -> int:
    """Count the same again; what was dealt with is open again."""
    return changed(
        update(Quarantined)
        .where(Quarantined.fold == fold)
        .values(count=Quarantined.count + seen.count, last_at=seen.last_at, seen_at=None)
    )


def _row(fold: str, each: Refusal, seen: Seen) -> dict[str, object]:
    return {
        "id": new_id(), "organisation_id": each.organisation_id, "endpoint_id": each.endpoint_id,
        "fold": fold, "reason": each.reason, "body_sha256": each.body_sha256 or None,
        "address": each.address or None, "count": seen.count, "first_at": seen.first_at,
        "last_at": seen.last_at, "told_at": None, "seen_at": None, "seen_by": None, "seen_reason": None,
    }  # fmt: skip


def _count_beyond(those: Iterable[tuple[Refusal, Seen]], now: datetime) -> None:
    """One row an hour for each reason counts whatever found no room."""
    summed: dict[Refusal, Seen] = {}
    for each, seen in those:
        if each.beyond in summed:
            summed[each.beyond].add(seen)
        else:
            summed[each.beyond] = replace(seen)
    for each, seen in summed.items():
        if not _count(fold := _fold(each, now), seen):
            insert_rows(Quarantined, _row(fold, each, seen))


# --- told ---------------------------------------------------------------------------------------


def _tell(
    organisation_id: UUID, endpoint_id: str, those: Mapping[Refusal, Seen], limits: Terms, now: datetime
) -> None:
    """Tell on-call that somebody knocks at a real endpoint and is refused, once in so many hours.

    Nobody is told of bytes that we have already, rightly signed: those are a late or a broken repetition.
    """
    mine = Quarantined.endpoint_id == endpoint_id
    told = db.session.scalar(select(func.max(Quarantined.told_at)).where(mine))
    if told and told > now - limits.told_again:
        return
    hashes = {each.body_sha256 for each in those if each.tells}
    kept = select(Report.body_sha256).where(Report.endpoint_id == endpoint_id, Report.body_sha256.in_(hashes))
    if hashes <= set(db.session.scalars(kept)):
        return
    changed(update(Quarantined).where(mine, Quarantined.last_at >= now - limits.hour).values(told_at=now))
    processor = db.session.scalar(
        select(Processor.name)
        .join(Endpoint, Endpoint.processor_id == Processor.id)
        .where(Endpoint.id == endpoint_id)
    )
    ways.remind(
        organisation_id=organisation_id, about=f"organisation/{organisation_id}",
        staff_ids=_to_tell(organisation_id, now), template="wrongly_signed",
        context={"processor": processor or "", "path": "/reports/quarantine"},
        dedupe_key=f"wrongly-signed:{endpoint_id}:{now.isoformat()}", urgent=True, must_by=None, now=now,
    )  # fmt: skip


def _to_tell(organisation_id: UUID, now: datetime) -> list[UUID]:
    """Whoever is on call; where nobody is, whoever answers for data protection, or looks after it all."""
    if found := on_duty.on_call(organisation_id, now):
        return found
    for role in (Role.DPO, Role.ADMIN):
        if people_there := people.staff_with_role(organisation_id, role):
            return [each.id for each in people_there]
    return []


# --- looked at ----------------------------------------------------------------------------------


@dataclass(slots=True)
class Knocks:
    """What was refused at one endpoint, or at addresses that nobody has: counted whole, the newest shown."""

    endpoint_id: str | None
    processor: str | None
    last_at: datetime
    count: int = 0  # requests
    kept: int = 0  # rows that they were folded into
    unseen: int = 0
    reasons: list[str] = field(default_factory=list)
    rows: list[Quarantined] = field(default_factory=list)  # so many of them as are shown, the newest first

    @property
    def open(self) -> bool:
        """Whether somebody must still deal with them."""
        return self.endpoint_id is not None and self.unseen > 0


def listed(organisation_id: UUID) -> list[Knocks]:
    """What was refused at an organisation's endpoints, those to deal with first; then at nobody's.

    Of addresses that nobody has, sender and body stay hidden where several organisations live here: it
    may have been meant for another.
    """
    theirs = (Quarantined.organisation_id == organisation_id) | Quarantined.organisation_id.is_(None)
    at, reason, last_at = Quarantined.endpoint_id, Quarantined.reason, func.max(Quarantined.last_at)
    unseen = func.sum(case((Quarantined.seen_at.is_(None), 1), else_=0))
    groups = db.session.execute(
        select(at, Processor.name, reason, last_at, func.sum(Quarantined.count), func.count(), unseen)
        .select_from(Quarantined)
        .outerjoin(Endpoint, Endpoint.id == at)
        .outerjoin(Processor, Processor.id == Endpoint.processor_id)
        .where(theirs)
        .group_by(at, Processor.name, reason)
        .order_by(last_at.desc(), reason)
    )
    found: dict[str | None, Knocks] = {}
    for endpoint_id, name, why, last, count, kept, open_ones in groups:
        knocks = found.setdefault(endpoint_id, Knocks(endpoint_id, name, last))
        knocks.count, knocks.kept = knocks.count + count, knocks.kept + kept
        knocks.unseen += open_ones
        knocks.reasons.append(why)
    for row in _newest(theirs):
        if row.endpoint_id in found:
            found[row.endpoint_id].rows.append(row)
    return sorted(found.values(), key=lambda each: (not each.open, each.endpoint_id is None))


def _newest(theirs: ColumnElement[bool]) -> Iterable[Quarantined]:
    """The rows that are shown of each endpoint: no more are loaded, for each has an address to decrypt."""
    place = func.row_number().over(
        partition_by=Quarantined.endpoint_id, order_by=(Quarantined.last_at.desc(), Quarantined.id)
    )
    placed = select(Quarantined.id, place.label("place")).where(theirs).subquery()
    shown = select(placed.c.id).where(placed.c.place <= MOST_SHOWN)
    wanted = select(Quarantined).where(Quarantined.id.in_(shown))
    return db.session.scalars(wanted.order_by(Quarantined.last_at.desc(), Quarantined.id))


def to_deal_with(organisation_id: UUID) -> int:
    """How many refused requests at an organisation's endpoints nobody has dealt with."""
    mine = (Quarantined.organisation_id == organisation_id, Quarantined.seen_at.is_(None))
    return db.session.scalar(select(func.coalesce(func.sum(Quarantined.count), 0)).where(*mine)) or 0


def is_shared() -> bool:
    """Whether several organisations live in this installation."""
    return len(list(people.organisations())) > 1


def deal_with(endpoint_id: str, *, reason: str, by: StaffMember, now: datetime) -> int:
    """A person has dealt with what was refused at an endpoint, and says how; returns how many rows.

    Raises: Missing for an endpoint that is not theirs, Invalid without a reason.
    """
    endpoint = db.session.scalar(select(Endpoint).where(Endpoint.id == endpoint_id))
    if endpoint is None:
        raise Missing(_("There is no such endpoint."))
    if not reason.strip():
        raise Invalid(_("Say how it was dealt with: it stands in the record."))
    dealt = changed(
        update(Quarantined)
        .where(Quarantined.endpoint_id == endpoint_id, Quarantined.seen_at.is_(None))
        .values(seen_at=now, seen_by=by.name, seen_reason=reason.strip()[:1000])
    )
    if dealt:
        ledger.append(
            f"organisation/{by.organisation_id}", "quarantine.dealt_with", at=now, actor=by.name,
            organisation_id=by.organisation_id, reason=reason.strip()[:1000], endpoint=endpoint_id,
            rows=dealt,
        )  # fmt: skip
    return dealt


def forget(*, now: datetime) -> int:
    """Remove what was refused long ago; returns how many rows."""
    before = now - timedelta(days=terms(now).quarantine_days)
    return changed(delete(Quarantined).where(Quarantined.last_at < before))
