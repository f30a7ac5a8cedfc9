"""What a filing leaves owed: parts that are to follow, by when, and which filing ends the duty.

A receipt closes a filing and not the duty, while parts are owed (GDPR art. 33(4)).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from flask_babel import gettext as _

from accounts.models import StaffMember
from foundation.database import db
from foundation.errors import Invalid, Refused
from incident import authorities, clocks, meeting, owed, packs, rungs, stages
from incident.authority_notification import text
from incident.models import AuthorityNotification, Duty, DutyStage, DutyState, Incident
from incident.rules.phases import Phase


def leave_rest(
    incident: Incident, duty: Duty, *, at: datetime, promised: datetime | None = None, now: datetime
) -> None:
    """What was filed says that parts are to follow: they are a part of their own, from that filing on.

    By the authority's own limit where it has one (Sweden: four weeks from what was filed first), or the
    earlier day that we named. What was filed under an incident that was merged leaves the same to the one
    that carries it.
    """
    for owing, row in _carrying(incident, duty):
        _leave(owing, row, at, promised, now)


def _carrying(incident: Incident, duty: Duty) -> list[tuple[Incident, Duty]]:
    """A duty with its incident, and after it those that carry it, the last one owing it."""
    found = [(incident, duty)]
    while duty.carried_by_id:
        duty = db.session.get_one(Duty, duty.carried_by_id)
        found.append((db.session.get_one(Incident, duty.incident_id), duty))
    return found


def _leave(incident: Incident, duty: Duty, at: datetime, promised: datetime | None, now: datetime) -> None:
    if duty.state == DutyState.MET:
        if duty.carried_by_id:
            return  # what is left of it is owed where it is carried
        duty.met_at = None
        owed.owe_again(duty)
    limit = hard_limit(duty.recipient, duty.first_filed_at or at)
    due = min((each for each in (limit, promised) if each), default=None)
    if (rest := stages.leave_rest(duty, filed_at=at, now=now)) and due:
        stages.date(duty, rest, due)
        rungs.follow(incident, [duty], now=now)


def lateness(
    notification: AuthorityNotification, duty: Duty, filed_at: datetime
) -> dict[str, datetime | timedelta | None]:
    """By when (UTC) what was filed then was due, and how late it was: of a follow-up by the part it tells."""
    if not Phase(notification.kind).is_follow_up:
        return {"due_at": duty.due_at, "late_by": meeting.lateness(duty, filed_at)}
    if not _tells_parts(notification):
        return {"due_at": None, "late_by": None}
    dated = (each.due_at for each in stages.of(duty) if each.filed_at is None and each.due_at)
    due_at = min(dated, default=None)
    return {"due_at": due_at, "late_by": max(timedelta(), filed_at - due_at) if due_at else None}


def hard_limit(authority: str, filed_at: datetime) -> datetime | None:
    """Until when an authority waits for what was to follow a first filing (UTC); None: no limit is known."""
    known = authorities.by_key(authority)
    return filed_at + timedelta(days=known.supplement.days) if known and known.supplement else None


def rest_of(notification: AuthorityNotification) -> DutyStage | None:
    """The part that is to follow what its authority was told first; None where nothing is."""
    return _rest(db.session.get_one(Duty, notification.duty_id))


def _rest(duty: Duty) -> DutyStage | None:
    if duty.first_filed_at is None or not duty.is_owed:
        return None
    return next((each for each in stages.of(duty) if each.filed_at is None), None)


def promise(incident: Incident, duty: Duty, due_at: datetime, *, by: StaffMember, now: datetime) -> bool:
    """A person says by when (UTC) the rest comes; false when that is said already.

    Raises: Refused where nothing is to follow, Invalid for a day that is past or later than the authority
    waits.
    """
    rest = _rest(duty)
    if rest is None or duty.first_filed_at is None:
        raise Refused(_("Nothing is to follow for this authority."), next_step=_("Look at what was filed."))
    limit = hard_limit(duty.recipient, duty.first_filed_at)
    if due_at <= now:
        raise Invalid(_("That day is past: say by when it will come."))
    if limit and due_at > limit:
        raise Invalid(
            _("The authority waits no longer than %(day)s.", day=limit.date()),
            next_step=_("Name an earlier day; file what is known by then."),
        )
    if rest.due_at == due_at:
        return False
    stages.date(duty, rest, due_at)
    rungs.follow(incident, [duty], now=now)
    clocks.settle(incident)
    owed.log(
        incident, "supplement.dated", by.name, now, None, duty=duty.id, authority=duty.recipient,
        due_at=due_at, staff=by.id,
    )  # fmt: skip
    return True


def _leaves(notification: AuthorityNotification) -> bool:
    """Whether something is owed after it: parts to follow, or reasons for a delay that it does not give."""
    if packs.follows(notification.content):
        return True
    return text.owes_reasons(notification) and not packs.reasons_for_delay(notification.content)


def _tells_parts(notification: AuthorityNotification) -> bool:
    """Whether it tells what was to follow: a correction does only where it leaves nothing to follow."""
    return notification.kind != Phase.CORRECTION or not _leaves(notification)


def meet(incident: Incident, notification: AuthorityNotification, *, by: StaffMember, now: datetime) -> None:
    """A follow-up was filed: the parts that were owed are told, and what is still to follow is owed anew.

    It is owed by the earliest day that was named or is the authority's limit: telling some of it wins no
    time. A final one and a withdrawal end the duty; so does whatever leaves nothing to follow. Under an
    incident that was merged the parts of the one that carries it are told: it is one breach.
    """
    at, duty = notification.filed_at, db.session.get_one(Duty, notification.duty_id)
    if at is None:
        return
    rows = _carrying(incident, duty)
    left = [each for _incident, row in rows for each in stages.of(row) if each.filed_at is None]
    promised = min((each.due_at for each in left if each.due_at), default=None)
    if _tells_parts(notification):
        _close(left, notification, at, by)
    if _leaves(notification) and not Phase(notification.kind).ends:
        leave_rest(incident, duty, at=at, promised=promised, now=now)
    else:
        for each, row in rows:
            meeting.meet(each, row, at=at, actor=by.name, now=now)
    for each, row in rows:
        rungs.follow(each, [row], now=now, reason=rungs.ENDED)
        rungs.quieten(each, actor=by.name, reason=f"{row.provision}: {notification.kind}.", now=now)
        clocks.settle(each)


def _close(
    left: Sequence[DutyStage], notification: AuthorityNotification, at: datetime, by: StaffMember
) -> None:
    """These parts were told by this notification."""
    for stage in left:
        stage.filed_at, stage.filed_by = at, by.name
        stage.late_by = max(timedelta(), at - stage.due_at) if stage.due_at else timedelta()
        stage.reference = f"notification {notification.number}"
    db.session.flush()
