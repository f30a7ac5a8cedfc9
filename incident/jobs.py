"""What workers and the clock run about incidents."""

from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import select

from foundation.database import database_now, db, everyone, transaction, utcnow
from incident import advice, owed, quarantine, reminding, subject_communication
from incident.models import Incident
from incident.rules.facts import FactsFault

AT_ONCE = 100  # incidents that one round speaks of
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


def keep_duties() -> int:
    """Lay out what the facts of new versions make a duty; returns of how many incidents that was done.

    Taking a report in must be quick, so it opens none itself. One transaction each, found by what is
    missing: a clock that dies in between is followed by one that finds the same.
    """
    read = 0
    with everyone():
        for incident_id in owed.unread():
            try:
                with transaction():
                    read += _read_duties(incident_id)
            except Exception:  # whatever it was, the other incidents must still be read
                log.exception("duties.not_read", incident=str(incident_id))
    return read


def _read_duties(incident_id: UUID) -> bool:
    mine = select(Incident).where(Incident.id == incident_id).with_for_update(skip_locked=True)
    incident = db.session.scalars(mine.execution_options(populate_existing=True)).one_or_none()
    if incident is None:
        return False
    owed.read(incident, now=utcnow())
    return True


def remind_of_duties() -> int:
    """Give every rung of a duty whose time has come; returns how many.

    Each incident in a transaction of its own, the longest waiting first, at most a batch: what is left is
    due at the next round. One that fails is looked at again in a minute and stops no other.
    """
    with everyone():
        now = database_now()
        return sum(_speak(incident_id, now) for incident_id in reminding.due(now)[:AT_ONCE])


def _speak(incident_id: UUID, now: datetime) -> int:
    try:
        with transaction():
            return reminding.speak(incident_id, now=now)
    except Exception:  # one bad incident must not cost the others their reminders
        log.exception("duties.not_reminded", incident=str(incident_id))
    try:
        with transaction():
            reminding.postpone(incident_id, now=now)
    except Exception:  # it stays due and is tried in the next round
        log.exception("duties.not_postponed", incident=str(incident_id))
    return 0


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
