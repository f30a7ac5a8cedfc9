"""Lists are read: some thousand rows at a time, each part with its progress in one transaction.

Every row becomes a person or at least one fault. A reader that died is followed by one that reads the file
again, passes over as many rows as were kept, and goes on: the same rows, each once.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, BinaryIO, Final
from uuid import UUID

import structlog
from flask import current_app
from flask_babel import gettext as _

from foundation import ledger
from foundation.database import after_commit, database_now, db, insert_ready, transaction, utcnow
from foundation.errors import Refused
from incident.lists import clearing, files, folding, leases, sharing
from incident.lists.keys import Damaged, key_of, refuse_forgotten
from incident.lists.leases import Lease, Lost
from incident.lists.parts import Part, Reading
from incident.lists.uploading import table_of
from incident.models import GONE, Incident, ListState, RecipientList
from incident.recipient_lists import Row, Table

SECONDS: Final = 10.0  # of one round
AT_ONCE: Final = 5_000  # rows in one transaction: others wait for no more
_CACHE: Final = 32_768  # KiB, of the one connection
_REST: Final = 2_000  # KiB: what SQLite holds otherwise
_PATIENCE: Final = 4  # times as long as it took to get back to where the last round ended
log = structlog.get_logger()
fold = folding.fold


def due(now: datetime) -> list[UUID]:
    """The lists that have something to do, the longest waiting first; of each incident one.

    Files that this process left open for others are closed.
    """
    found = list(leases.due(now))
    for each in _left_open().keys() - set(found):
        _close(each)
    return found


def read_on(list_id: UUID, *, seconds: float = SECONDS) -> bool:
    """Read on in a list for about so long; whether there is more to do. Safe twice, and at once.

    For edges, outside any transaction, under `everyone()`. A file that is no list, or whose end never
    came, is refused as a whole; the rows that were read of it go.
    """
    lease = leases.claim(list_id)
    if lease is None:
        return False
    kept = db.session.get_one(RecipientList, list_id, populate_existing=True)
    try:
        if kept.state in GONE:
            _close(list_id)
            clearing.clear(kept, lease)
            return False
        return _read(kept, lease, seconds)
    except Lost:
        log.info("list.left_to_another", list=str(list_id))
    except Refused as why:
        _refuse(lease, f"{why.message} {why.next_step or ''}".strip())
        return True
    except (Damaged, FileNotFoundError):
        _refuse(lease, _("The file is no longer there as it was sent. Send it again."))
        return True
    return False


def _read(kept: RecipientList, lease: Lease, seconds: float) -> bool:
    reading = Reading(kept, key_of(kept.incident_id), folding.last_person(kept.incident_id))
    incident_id = kept.incident_id
    with ExitStack() as stack:
        if not files.path_of(kept.id).exists():  # what is open might still be read
            _close(kept.id)
        place = _left_open().pop(kept.id, None) or _opened(kept)
        stack.callback(place.close)
        begun = time.monotonic()  # opening is no reason to go on for longer
        _pass_over(place, kept.people + kept.faulty, lease)
        passed = time.monotonic()
        until = passed + max(seconds, _PATIENCE * (passed - begun))
        while part := reading.next(islice(place.rows, AT_ONCE)):
            _keep(reading, part, place.table, lease)
            place.passed = reading.people + reading.faulty
            if time.monotonic() > until:
                lease.end(ListState.READING)
                _give_back()
                _left_open()[lease.list_id] = place
                stack.pop_all()
                return True
    _finish(incident_id, lease)
    return False


@dataclass(slots=True)
class _Place:
    """Where a round ended in a file; this process goes on from there, another one begins anew."""

    stream: BinaryIO
    table: Table
    rows: Iterator[Row]
    passed: int = 0  # rows

    def close(self) -> None:
        self.table.close()
        self.stream.close()


def _opened(kept: RecipientList) -> _Place:
    stream = files.open(kept)
    try:
        table = table_of(kept, stream, sheet=kept.sheet, encoding=kept.encoding, has_header=kept.has_header)
    except BaseException:
        stream.close()
        raise
    return _Place(stream, table, table.rows())


def _left_open() -> dict[UUID, _Place]:
    found: dict[UUID, _Place] = current_app.extensions.setdefault("lists_left_open", {})
    return found


def _close(list_id: UUID) -> None:
    if place := _left_open().pop(list_id, None):
        place.close()


def _pass_over(place: _Place, kept: int, lease: Lease) -> None:
    """Go past the rows that are kept already; from the beginning, where others went on meanwhile."""
    if place.passed > kept:
        place.rows, place.passed = place.table.rows(), 0
    for _row in islice(place.rows, kept - place.passed):
        place.passed += 1
        if place.passed % AT_ONCE == 0:
            lease.renew(ListState.READING)


def _keep(reading: Reading, part: Part, table: Table, lease: Lease) -> None:
    """Rows and progress, or neither."""
    bound = part.ready()
    with transaction():
        refuse_forgotten(reading.incident_id)
        lease.hold(
            ListState.READING, lines_read=part.line, bytes_read=_bytes(reading, table),
            people=reading.people, faulty=reading.faulty, noted=reading.noted, rows_sha256=reading.sha256,
        )  # fmt: skip
        _make_room()
        insert_ready(*bound)
        _pragmas(f"cache_size=-{_REST}")  # another duty may be given this connection before the next part


def _make_room() -> None:
    """Let SQLite hold the indexes that a part changes all over: half the time of inserting it."""
    _pragmas(f"cache_size=-{_CACHE}")


def _give_back() -> None:
    """The room goes with the last part of a round: connections are kept, and a clock lives for months."""
    _pragmas(f"cache_size=-{_REST}", "shrink_memory")
    db.session.rollback()


def _pragmas(*those: str) -> None:
    connection = db.session.connection()
    if connection.dialect.name == "sqlite":
        for each in those:
            connection.exec_driver_sql(f"PRAGMA {each}").close()


def _bytes(reading: Reading, table: Table) -> int:
    """How far it is in bytes of the file; an XLSX file is counted unpacked, so by its share."""
    whole = reading.file_bytes
    return whole if table.total <= 0 else min(whole, table.read * whole // table.total)


def _finish(incident_id: UUID, lease: Lease) -> None:
    """Fold, and call the list read; its file is needed no more."""
    folding.fold_list(incident_id, lease.list_id, lambda: lease.hold(ListState.READING))
    folded = folding.count(lease.list_id)
    if folded:
        sharing.note(incident_id, lease.list_id, partial(lease.hold, ListState.READING))
    with transaction():
        now = utcnow()
        refuse_forgotten(incident_id)
        lease.hold(
            ListState.READING, state=ListState.READ, read_at=now, ready_at=None, lease_until=None,
            folded=folded, file_kept=False, bytes_read=RecipientList.file_bytes,
        )  # fmt: skip
        kept = db.session.get_one(RecipientList, lease.list_id, populate_existing=True)
        kept.rows_sha256 = kept.rows_sha256 or Reading.NOBODY
        _log(kept, "list.read", now, people=kept.people, faulty=kept.faulty, folded=folded,
             noted=kept.noted, rows_sha256=kept.rows_sha256)  # fmt: skip
        after_commit(lambda: files.remove(lease.list_id))
    _give_back()


def _refuse(lease: Lease, why: str) -> None:
    """No list: nobody of it is told, and what was read goes in the next round."""
    with transaction():
        now = utcnow()
        try:
            lease.hold(
                ListState.READING, state=ListState.REFUSED, why=why[:400], ready_at=database_now(),
                lease_until=None, file_kept=False,
            )  # fmt: skip
        except Lost:
            return
        kept = db.session.get_one(RecipientList, lease.list_id, populate_existing=True)
        _log(kept, "list.refused", now, people=kept.people, faulty=kept.faulty)
        after_commit(lambda: files.remove(lease.list_id))


def _log(kept: RecipientList, action: str, now: datetime, **details: Any) -> None:
    incident = db.session.get_one(Incident, kept.incident_id)
    ledger.append(
        incident.chain, action, organisation_id=incident.organisation_id, actor="Breachclock", at=now,
        list=kept.id, number=kept.number, file_sha256=kept.file_sha256, **details,
    )  # fmt: skip
