"""What the clock runs about letters on paper: the runs that were asked for are made."""

from time import monotonic
from typing import Final
from uuid import UUID

import structlog

from foundation.database import database_now, everyone, transaction, utcnow
from foundation.errors import Invalid
from incident.letter_posting import making

SECONDS: Final = 4.0  # of printing in one round; the clock has other duties
log = structlog.get_logger()


def make_letters() -> int:
    """Go on with the letter runs that were asked for; returns how many times letters were kept.

    Each batch is a transaction of its own. A run that fails is tried again when its lease has ended, and
    holds up no other.
    """
    kept, until = 0, monotonic() + SECONDS
    with everyone():
        for run_id in making.due(database_now()):
            if kept and monotonic() > until:
                break
            try:
                kept += _make(run_id, until)
            except Exception:  # whatever it was, the other runs must still be made
                log.exception("letters.not_made", run=str(run_id))
    return kept


def _make(run_id: UUID, until: float) -> int:
    with transaction():
        if not making.claim(run_id, now=database_now()):
            return 0
    kept = 0
    while True:
        try:
            made = making.printable(run_id)
        except Invalid as fault:
            with transaction():
                making.refuse(run_id, f"{fault.message} {fault.next_step or ''}".strip(), now=utcnow())
            return kept
        with transaction():
            more = making.keep(run_id, made, now=utcnow())
        if not more:
            return kept
        kept += 1
        if monotonic() > until:
            with transaction():
                making.let_go(run_id, now=database_now())
            return kept
