"""What workers and the clock run about incidents."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select

from foundation import queue
from foundation.database import database_now, db, everyone, transaction, utcnow
from incident import (
    advice,
    authority_notification,
    drafting,
    fitting,
    forgetting,
    handovers,
    owed,
    paper_plan,
    quarantine,
    readiness,
    reminding,
    roles,
    signed_confirmations,
    subject_communication,
    wrong_codes,
)
from incident.controller_notices import fan_out, rounds, sending
from incident.lists import reading, uploading
from incident.models import Incident
from incident.our_role import is_controller
from incident.rules.facts import FactsFault
from notifications import heartbeat
from playbooks import runs
from playbooks.rules.definition import Action

AT_ONCE = 100  # incidents that one round speaks of
log = structlog.get_logger()


def fill_roles() -> int:
    """Fill the roles of new incidents, and give steps that came later their owner; returns how many.

    One transaction each: an incident that fails is tried again in the next round and holds up no other.
    """
    with everyone():
        filled = sum(_attempt(roles.fill_by_rota, each) for each in roles.unfilled())
        return filled + sum(_attempt(_own, each, role) for each, role in roles.unowned())


def _own(incident_id: UUID, role: str, *, now: datetime) -> bool:
    roles.give_owner(db.session.get_one(Incident, incident_id), role, now=now)
    return True


def hand_over() -> int:
    """Ask for notes at the end of shifts, and tell those who come on; returns how many. As `fill_roles`."""
    with everyone():
        asked = sum(_attempt(handovers.ask, each) for each in handovers.wanted(utcnow()))
        return asked + sum(_attempt(handovers.tell, each) for each in handovers.untold(utcnow()))


def _attempt(act: Callable[..., bool], *about: Any) -> bool:
    try:
        with transaction():
            return act(*about, now=utcnow())
    except Exception:  # whatever it was, the others must still be seen to
        log.exception("incident.job_failed", duty=act.__name__)
        return False


def confirm_reports() -> int:
    """Owe confirmations by e-mail of signed reports that were accepted; returns how many. As `fill_roles`."""
    with everyone():
        return sum(
            _attempt(signed_confirmations.confirm, each) for each in signed_confirmations.wanting(utcnow())
        )


def reconcile() -> int:
    """Fetch what became of each communication under way; returns how many had news.

    One transaction each: a communication that fails is looked at in the next round and holds up no other.
    """
    with everyone():
        return sum(_attempt(subject_communication.follow, each) for each in subject_communication.under_way())


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


def open_follow_ups() -> int:
    """Open or renew follow-ups to what authorities were told, where facts have changed since; how many.

    One transaction each, found by what is missing; an incident that somebody works on is looked at in the
    next round. Facts that nobody can read open nothing.
    """
    opened = 0
    with everyone():
        for incident_id in authority_notification.behind():
            try:
                with transaction():
                    opened += _look(incident_id)
            except FactsFault:  # `keep_advice` has said so; newer facts are looked at
                with transaction():
                    incident = db.session.get_one(Incident, incident_id, with_for_update=True)
                    incident.follow_ups_for = incident.facts_number
            except Exception:  # whatever it was, the other incidents must still be looked at
                log.exception("follow_up.not_opened", incident=str(incident_id))
    return opened


def _look(incident_id: UUID) -> int:
    mine = select(Incident).where(Incident.id == incident_id).with_for_update(skip_locked=True)
    incident = db.session.scalars(mine.execution_options(populate_existing=True)).one_or_none()
    return authority_notification.look(incident, now=utcnow()) if incident else 0


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


def start_playbooks() -> int:
    """Start what the newest facts call for beside the general playbook; returns how many incidents got one.

    Those whose facts start nothing, which is most of them, are noted together. One transaction each for
    the others: an incident that fails is looked at again in the next round and holds up no other.
    """
    with everyone():
        looked = [(each, _needs_playbook(each[0])) for each in fitting.behind()]
        if quiet := [each for each, needs in looked if needs is False]:
            with transaction():
                fitting.note(quiet)
        return sum(_start_playbooks(incident_id) for (incident_id, _number), needs in looked if needs)


def _needs_playbook(incident_id: UUID) -> bool | None:
    """Whether one would start; None when that cannot be said, and is asked again in the next round."""
    try:
        return fitting.needs(incident_id)
    except Exception:  # whatever it was, the other incidents must still be looked at
        log.exception("playbooks.not_started", incident=str(incident_id))
        return None


def _start_playbooks(incident_id: UUID) -> bool:
    try:
        with transaction():
            return bool(fitting.fit(incident_id, now=utcnow()))
    except Exception:  # whatever it was, the other incidents must still get theirs
        log.exception("playbooks.not_started", incident=str(incident_id))
        return False


def draft_what_is_asked_for() -> int:
    """Draft the preliminary notifications that steps of playbooks ask for; returns how many were drafted.

    Where one has been begun, by a person or by the duty's own clock, nothing is drafted again. While no
    authority is owed one, or we are not controller by the facts, the step goes on asking. One transaction
    each.
    """
    with everyone():
        return sum(_draft(asked) for asked in runs.wanting(Action.DRAFT, database_now()))


def _draft(asked: runs.Asked) -> int:
    try:
        with transaction():
            return _draft_for(asked)
    except Exception:  # whatever it was, the others must still be drafted
        log.exception("notification.not_drafted", about=asked.about, step=str(asked.step_id))
        return 0


def _draft_for(asked: runs.Asked) -> int:
    incident_id = UUID(asked.about.partition("/")[2])
    incident = db.session.get_one(Incident, incident_id, with_for_update=True, populate_existing=True)
    owed_ones = [duty for duty in authority_notification.duties_of(incident) if duty.is_owed]
    now = utcnow()
    if not owed_ones or not is_controller(incident) or not runs.served(asked.step_id, now=now):
        return 0
    begun = {each.duty_id for each in authority_notification.of_incident(incident)}
    wanted = [duty for duty in owed_ones if duty.id not in begun]
    for duty in wanted:
        authority_notification.draft(incident, duty, by=drafting.BREACHCLOCK, now=now)
    return len(wanted)


def forget_refused() -> int:
    """Remove what is kept of requests that were refused long ago; returns how many rows."""
    with everyone(), transaction():
        return quarantine.forget(now=utcnow()) + wrong_codes.forget(now=utcnow())


def forget_contacts() -> int:
    """Warn that contact data goes, and have it go, where its time has come; returns how many went.

    As `fill_roles`. What was sealed under a destroyed key is removed a part at a time.
    """
    with everyone():
        gone = sum(_attempt(forgetting.look, each) for each in forgetting.due(database_now()))
        for incident_id in forgetting.unswept():
            _sweep(incident_id)
    return gone


def _sweep(incident_id: UUID) -> None:
    try:
        after: UUID | None = None
        more = True
        while more:
            with transaction():
                after = forgetting.sweep(incident_id, after, now=utcnow())
            more = after is not None
    except Exception:  # whatever it was, the others must still be swept; it begins again in the next round
        log.exception("contacts.not_swept", incident=str(incident_id))


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
    except FactsFault:
        pass  # `keep_advice` has said so, to the log and in the ledger; newer facts or rules are read here
    except Exception:  # whatever it was, the others must still be looked at
        log.exception(event, about=str(about))


def read_lists() -> int:
    """Read on in lists of people, and remove rows of those that are gone; returns how many were worked on.

    Parts of a list are transactions of their own, and others wait for no more than one of them. A list
    that fails is tried again when its lease has ended, and holds up no list of another incident.
    """
    with everyone():
        waiting = reading.due(database_now())
        for list_id in waiting:
            try:
                if reading.read_on(list_id):
                    queue.ring(queue.LISTS)  # a round ends for the clock to be seen alive, not for a rest
            except Exception:  # whatever it was, the other lists must still be read
                db.session.rollback()
                log.exception("list.not_read", list=str(list_id))
    return len(waiting)


def remove_stray_files() -> int:
    """Remove files of people that no list waits for; returns how many."""
    with everyone():
        return uploading.remove_strays(utcnow())


def tell_outside() -> int:
    """Let others hear that all is well, while it is: by a file under the home, and by a call.

    The call has a thread of its own. Returns how many calls were begun.
    """
    with everyone():
        wanted = heartbeat.is_due(database_now())
        if readiness.faults():
            return 0
    heartbeat.touch()
    return wanted and heartbeat.call(database_now)


def write_plans() -> int:
    """Write each organisation's paper plan once an hour, and mail it to its DPO; returns how many.

    One that fails is tried again after a while and holds up no other.
    """
    with everyone():
        return sum(_try_to_write(each) for each in paper_plan.due(database_now()))


def _try_to_write(organisation_id: UUID) -> bool:
    try:
        done = _write_plan(organisation_id)
    except Exception:  # whatever it was, the others must still be written, and the clock go on
        db.session.rollback()
        log.exception("paper_plan.not_written", organisation=str(organisation_id))
        paper_plan.note_failure(organisation_id, now=utcnow())
        return False
    paper_plan.forget_failure(organisation_id)
    return done


def _write_plan(organisation_id: UUID) -> bool:
    """One plan: the file first, outside any transaction, then the row and the mail."""
    made = paper_plan.make(organisation_id, now=database_now())
    if made is None:
        return False
    paper_plan.keep(made)
    with transaction():
        paper_plan.record(made, now=database_now())
    return True
