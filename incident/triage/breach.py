"""A personal data breach or none, says a named person; and what was rejected or closed is taken up again."""

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select

from foundation.database import db
from foundation.errors import Refused
from incident import clocks, meeting, owed, rungs
from incident.models import Drill, Duty, Incident
from incident.rules import first_hours, lifecycle
from incident.rules.lifecycle import Move, State
from incident.triage.marks import duties, move, open_duties, quieten, record, said_last
from notifications import outbox, paging
from playbooks import runs

CONFIRMED = "The incident was confirmed: its duties call by themselves."
REJECTED = "The incident was rejected."
REJECTION = "incident.rejected"


def confirm(incident: Incident, *, by: str, now: datetime, note: str = "") -> bool:
    """It is a personal data breach, says a named person; false when it was confirmed already.

    Raises: Refused when the incident is past that.
    """
    if incident.state == State.CONFIRMED:
        return False
    move(incident, Move.CONFIRM, note)
    record(incident, "incident.confirmed", by, now, note.strip() or None)
    _stop_triage_clock(incident, by, now)
    runs.happened(incident.chain, "incident.confirmed", actor=by, now=now)
    paging.end(incident.chain, actor=by, reason=CONFIRMED, now=now, template="page_report")
    return True


def reject(incident: Incident, *, reason: str, by: str, now: datetime) -> bool:
    """It is no personal data breach, says a named person; false when they have said so already.

    Clocks stop, pages and playbooks end, messages that nobody has yet are withdrawn. The incident stays
    on the record. Raises: Invalid without a reason; Refused when somebody outside was told of it.
    """
    if incident.state == State.REJECTED and said_last(incident, "incident.rejected", by, reason):
        return False
    _refuse_when_told(incident)
    move(incident, Move.REJECT, reason)
    record(incident, "incident.rejected", by, now, reason.strip())
    for clock in clocks.running(incident.id):
        clocks.stop(incident, clock.kind, why=REJECTED, actor=by, now=now)
    for duty in (released := open_duties(incident)):
        owed.release(duty, f"{REJECTED} {reason.strip()}", closing=REJECTION)
        _record_duty(incident, duty, "duty.not_required", by, now, duty.reason)
    rungs.follow(incident, released, now=now, reason=REJECTED)
    quieten(incident, "incident.rejected", REJECTED, by, now)
    outbox.cancel(incident.chain, reason=REJECTED, now=now)
    return True


def _refuse_when_told(incident: Incident) -> None:
    """What anybody outside was told of, or is being told, stays a breach on the record until it is closed."""
    filed = select(Duty.provision).where(Duty.incident_id == incident.id, Duty.first_filed_at.is_not(None))
    if told := db.session.scalars(filed).first():
        raise Refused(
            _("Somebody outside has been told of this incident (%(provision)s).", provision=told),
            next_step=_("Tell them what you found out since, then close the incident with that reason."),
        )
    if meeting.still_open(meeting.duties_of(incident, "authority-request")):
        raise Refused(
            _("An authority waits for an answer about this incident."),
            next_step=_("Answer it first, and keep the answer among the letters."),
        )
    if meeting.being_told(incident):
        raise Refused(
            _("Notices to customers are on their way just now."),
            next_step=_("Wait until each has arrived or was given up: whoever reads one has been told."),
        )


def reopen(incident: Incident, *, reason: str, by: str, now: datetime) -> bool:
    """Take up again what was rejected or closed; clocks that a rejection stopped run on from where they ran.

    False when the same was said before. Raises: Invalid without a reason, Refused when it is open.
    """
    if lifecycle.clocks_run(State(incident.state)) and said_last(incident, "incident.reopened", by, reason):
        return False
    _refuse_ended_drill(incident)
    was = State(incident.state)
    if was is State.MERGED:
        raise Refused(
            _("It was merged into another incident, which carries what it owes."),
            next_step=_("Split it off again on its page."),
        )
    move(incident, Move.REOPEN, reason)
    incident.closed_at = None
    record(incident, "incident.reopened", by, now, reason.strip(), was=was)
    start_again(incident, by, now)
    if was is State.CLOSED:
        for event in ("page.acknowledged", "awareness.fixed", "incident.confirmed"):
            runs.happened(incident.chain, event, actor=by, now=now)
        return True
    again = [each for each in duties(incident) if each.closing == REJECTION and not each.is_owed]
    for duty in again:
        owed.owe_again(duty)
        _record_duty(incident, duty, "duty.reopened", by, now, reason.strip())
    clocks.resume(incident, why=REJECTED, actor=by, reason=reason.strip(), now=now)
    rungs.follow(incident, again, now=now)
    return True


def _refuse_ended_drill(incident: Incident) -> None:
    ended = select(Drill.id).where(Drill.incident_id == incident.id, Drill.ended_at.is_not(None))
    if incident.drill and db.session.scalars(ended).first():
        raise Refused(_("This drill has ended, and its result stands."), next_step=_("Start another drill."))


def _record_duty(  # noqa: PLR0917  an entry's parts in their order
    incident: Incident, duty: Duty, action: str, by: str, now: datetime, reason: str | None
) -> None:
    record(
        incident, action, by, now, reason, duty=duty.id, regime=duty.regime, recipient=duty.recipient,
        due_at=duty.due_at,
    )  # fmt: skip


def start_again(incident: Incident, by: str, now: datetime) -> None:
    """Start the playbook of the first hours: taken up again is reported again, awareness stays.

    Those that start by the facts follow by the clock.
    """
    incident.playbooks_number = 0
    facts = clocks.current_facts(incident)
    anchors = {"reported": now}
    if incident.aware_at:
        anchors["aware"] = incident.aware_at
    playbook = first_hours.general(facts, from_processor=incident.processor_id is not None)
    runs.start(
        playbook, organisation_id=incident.organisation_id, about=incident.chain, anchors=anchors,
        summary=incident.number, facts=clocks.document_of(incident), actor=by, now=now,
    )  # fmt: skip


def _stop_triage_clock(incident: Incident, by: str, now: datetime) -> None:
    clocks.stop(incident, clocks.TRIAGE, why="A person has looked at it.", actor=by, now=now)
