"""What workers and the clock run about incidents."""

from uuid import UUID

import structlog

from foundation.database import db, everyone, transaction, utcnow
from incident import advice, quarantine, subject_communication
from incident.models import Incident
from incident.rules.facts import FactsFault

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


def keep_advice() -> int:
    """Keep what the rules make of versions that came by a report; returns how many were kept.

    Taking a report in must be quick, so it keeps none itself. One transaction each: facts that these rules
    cannot read hold up no others; they are marked, said to the log once, and tried again by other rules.
    """
    kept = 0
    with everyone():
        for incident_id, number in advice.missing():
            try:
                with transaction():
                    advice.keep(db.session.get_one(Incident, incident_id), number, now=utcnow())
            except FactsFault:
                _set_aside(incident_id, number)
            except Exception:  # whatever it was, the other versions must still be advised on
                log.exception("advice.not_kept", incident=str(incident_id), version=number)
            else:
                kept += 1
    return kept


def _set_aside(incident_id: UUID, number: int) -> None:
    """Mark a version that cannot be read; where it is the profile that cannot, it is tried again."""
    with transaction():
        marked = advice.mark_unreadable(db.session.get_one(Incident, incident_id), number, now=utcnow())
    event = "facts.not_readable" if marked else "advice.not_kept"
    log.error(event, incident=str(incident_id), version=number)


def forget_refused() -> int:
    """Remove what is kept of requests that were refused long ago; returns how many rows."""
    with everyone(), transaction():
        return quarantine.forget(now=utcnow())
