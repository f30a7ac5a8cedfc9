"""What the clock process asks of playbooks: advance every run whose time has come."""

from datetime import datetime
from uuid import UUID

import structlog

from foundation.database import database_now, everyone, transaction
from playbooks import runs

BATCH = 100  # a round of first looks must end well before the clock is taken for stuck
log = structlog.get_logger()


def tick(now: datetime | None = None) -> int:
    """Advance the runs due at `now`, each in its own transaction; returns how many were advanced.

    `now` is the database's clock unless told. At most a batch, the longest waiting first: what is left
    is due at the next tick. A run that fails is looked at again in a minute and stops no other.
    """
    with everyone():
        at = now or database_now()
        return sum(_advance(run_id, at) for run_id in runs.due(at, BATCH))


def _advance(run_id: UUID, now: datetime) -> bool:
    try:
        with transaction():
            return runs.advance(run_id, now)
    except Exception:  # one bad run must not cost the others their reminders
        log.exception("playbook.advance_failed", run=str(run_id))
    try:
        with transaction():
            runs.postpone(run_id, now)
    except Exception:  # it stays due and is tried at the next tick
        log.exception("playbook.postpone_failed", run=str(run_id))
    return False
