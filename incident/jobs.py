"""What workers and the clock run about incidents."""

import structlog

from foundation.database import everyone, transaction, utcnow
from incident import subject_communication

log = structlog.get_logger()


def reconcile() -> int:
    """Fetch what became of each communication under way; returns how many had news.

    One transaction each: a communication that fails is looked at in the next round and holds up no other.
    """
    with everyone():
        waiting = subject_communication.under_way()
        for communication_id in waiting:
            try:
                with transaction():
                    subject_communication.follow(communication_id, now=utcnow())
            except Exception:  # whatever it was, the others must still be followed
                log.exception("communication.not_followed", communication=str(communication_id))
    return len(waiting)
