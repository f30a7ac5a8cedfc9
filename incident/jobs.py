"""What workers and the clock run about incidents."""

from collections.abc import Callable
from uuid import UUID

import structlog

from foundation.database import db, everyone, transaction, utcnow
from incident import advice, subject_communication
from incident.controller_notices import fan_out, rounds, sending
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


def owe_customers() -> int:
    """Make the duties towards the customers an incident concerns; returns how many incidents were looked at.

    A part at a time, each in a transaction of its own: reports and pages wait for no more than one part.
    """
    with everyone():
        waiting = fan_out.waiting()
        for incident_id in waiting:
            _in_parts("customers.not_owed", incident_id, fan_out.step)
        for round_id in rounds.behind():
            _in_parts("notices.not_drafted", round_id, rounds.catch_up)
    return len(waiting)


def tell_customers() -> int:
    """Post and follow the notices of each round under way; returns how many rounds had anything to do."""
    busy = 0
    with everyone():
        for round_id in sending.under_way():
            if sending.has_news(round_id):
                busy += 1
                _in_parts("notices.not_posted", round_id, sending.post_next)
                _in_parts("notices.not_followed", round_id, sending.follow)
    return busy


def _in_parts(event: str, about: UUID, part: Callable[..., bool]) -> None:
    """Call it, each time in a transaction of its own, while it says that there is more to do."""
    try:
        more = True
        while more:
            with transaction():
                more = part(about, now=utcnow())
    except Exception:  # whatever it was, the others must still be looked at
        log.exception(event, about=str(about))
