"""Closing: only when nothing is owed any more, and with a word on everybody who was not reached."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import Select, func, select

from foundation.database import db
from foundation.errors import Invalid, Refused
from incident import clocks, decisions, meeting, our_role, owed
from incident.models import (
    Assessment,
    AuthorityNotification,
    Closure,
    CommunicationState,
    Incident,
    NotificationState,
    Phase,
    RoundState,
    SubjectCommunication,
)
from incident.rules.lifecycle import Move, State
from incident.triage.marks import after, duties, open_duties, quieten, record, said_last
from notifications import delivery
from playbooks import runs

CLOSED = "The incident was closed."
TO_CUSTOMERS = "gdpr-33-2"


@dataclass(frozen=True, slots=True)
class Hindrances:
    """What stands in the way of closing, in words; and how many messages reached nobody."""

    open_ones: tuple[str, ...]
    unreached: int
    owes_nothing: bool  # nothing was told to anybody outside: why, must be said


def hindrances(incident: Incident) -> Hindrances:
    """What must be done before this incident can be closed."""
    owed = open_duties(incident)
    found = [
        _("%(what)s towards %(whom)s is still owed", what=duty.provision, whom=duty.recipient)
        for duty in owed if duty.regime != TO_CUSTOMERS
    ]  # fmt: skip
    if customers := sum(duty.regime == TO_CUSTOMERS for duty in owed):
        found.append(_("%(count)s customers are still owed a notice", count=customers))
    judged = select(func.count()).select_from(Assessment).where(Assessment.incident_id == incident.id)
    if not _count(judged) and our_role.is_controller(incident):  # a processor leaves that to its controllers
        found.append(_("nobody has assessed the risk and decided whom to tell"))
    found += [
        _("a decision waits for a second person (%(name)s decided it)", name=each.by)
        for each in decisions.waiting(incident)
    ]
    found += [
        _("a follow-up to %(whom)s is neither filed nor dropped", whom=each.authority)
        for each in _open_follow_ups(incident)
    ]
    under_way = select(func.count()).select_from(SubjectCommunication).where(
        SubjectCommunication.incident_id == incident.id,
        SubjectCommunication.state.in_((CommunicationState.APPROVED, CommunicationState.SENDING)),
    )  # fmt: skip
    if _count(under_way):
        found.append(_("a communication to people is under way"))
    if meeting.being_told(incident, RoundState.APPROVED, RoundState.SENDING):
        found.append(_("notices to customers are under way"))
    found += [_("the step “%(title)s” is open", title=each) for each in runs.gates(incident.chain)]
    told = any(each.first_filed_at for each in duties(incident))
    return Hindrances(tuple(found), delivery.unreached_count(incident.chain), owes_nothing=not told)


def _open_follow_ups(incident: Incident) -> list[AuthorityNotification]:
    mine = select(AuthorityNotification).where(
        AuthorityNotification.incident_id == incident.id, AuthorityNotification.kind != Phase.INITIAL,
        AuthorityNotification.state != NotificationState.FILED, AuthorityNotification.dropped_at.is_(None),
    )  # fmt: skip
    return list(db.session.scalars(mine.order_by(AuthorityNotification.authority)))


def close(
    incident: Incident, *, reason: str, unreached_reason: str = "", owes_nothing_because: str = "", by: str,
    now: datetime,
) -> bool:  # fmt: skip
    """Close an incident whose duties are all met or decided; false when the same was said before.

    `unreached_reason` says why messages that reached nobody are left so, `owes_nothing_because` why nobody
    outside was owed anything, where nobody was told. Raises: Refused naming what is still owed, Invalid
    without the reasons it takes.
    """
    if incident.state == State.CLOSED and said_last(incident, "incident.closed", by, reason):
        return False
    target = after(incident, Move.CLOSE, reason)
    if incident.duties_for < incident.facts_number:
        owed.read(incident, now=now)
    hindered = hindrances(incident)
    if hindered.open_ones:
        raise Refused(
            _("This incident cannot be closed yet: %(what)s.", what="; ".join(hindered.open_ones)),
            next_step=_("Meet each duty and do each step, or let a named person say why it is not needed."),
        )
    if hindered.unreached and not unreached_reason.strip():
        raise Invalid(
            _("%(count)d messages reached nobody.", count=hindered.unreached),
            next_step=_("See to them, or say why they are left so."),
        )
    if hindered.owes_nothing and not owes_nothing_because.strip():
        raise Invalid(
            _("Nobody outside was told of this breach."),
            next_step=_("Say why nothing was owed: the record must let an authority verify it."),
        )
    incident.state, incident.closed_at = target, now
    db.session.add(
        Closure(
            organisation_id=incident.organisation_id, incident_id=incident.id, by=by,
            reason=reason.strip(), at=now,
            owes_nothing_because=owes_nothing_because.strip() if hindered.owes_nothing else None,
        )
    )  # fmt: skip
    for clock in clocks.running(incident.id):
        clocks.stop(incident, clock.kind, why=CLOSED, actor=by, now=now)
    said: dict[str, object] = {}
    if hindered.unreached:
        said = {"unreached": hindered.unreached, "unreached_reason": unreached_reason.strip()}
    if hindered.owes_nothing:
        said["owes_nothing_because"] = owes_nothing_because.strip()
    record(incident, "incident.closed", by, now, reason.strip(), **said)
    quieten(incident, "incident.closed", CLOSED, by, now)
    return True


def _count(query: Select[int]) -> int:
    return db.session.scalar(query) or 0
