"""Phases after the first filing: further, final, correction, withdrawal (GDPR art. 33(4)).

What changes after a filing opens a follow-up by itself, one for each authority, which later changes renew;
it says against what it was filed what is new. Whether it is filed, or need not be, is said by a person.
"""

from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import func, or_, select

from accounts.models import StaffMember
from foundation.database import db, new_id
from foundation.errors import Invalid, Refused
from incident import drafting, meeting, our_role, packs, related, rungs
from incident.authority_notification import differing, followed, mailed, text
from incident.drafting import BREACHCLOCK, Author
from incident.models import (
    AuthorityNotification,
    Duty,
    DutyState,
    Incident,
    NotificationState,
)
from incident.rules.form_answers import is_known
from incident.rules.lifecycle import State, clocks_run
from incident.rules.phases import Phase, phase_of

WITHDRAWN: Final = "notification.withdrawal_reason"
NEEDED_NO_MORE: Final = (DutyState.NOT_REQUIRED, DutyState.CARRIED)
AT_ONCE: Final = 50  # incidents that one round of the clock looks at
LONGEST: Final = 2000  # characters of a reason
DROPPED: Final = "a person said that the follow-up need not be filed"


# --- what there is --------------------------------------------------------------------------------


def open_one(incident: Incident, authority: str) -> AuthorityNotification | None:
    """The follow-up to this authority that is neither filed nor dropped."""
    mine = [each for each in text.of_incident(incident) if each.authority == authority]
    return next((each for each in mine if each.is_open and Phase(each.kind).is_follow_up), None)


def last_filed(incident: Incident, authority: str) -> AuthorityNotification | None:
    """What this authority was told last: here, else under an incident that is carried: it is one breach."""
    here = _filed_under(incident, authority)
    if here:
        return here[-1]
    told = [each for other in related.carried_by(incident) for each in _filed_under(other, authority)]
    return max(told, key=lambda each: (each.filed_at or each.drafted_at, each.number), default=None)


def _filed_under(incident: Incident, authority: str) -> list[AuthorityNotification]:
    return [
        each for each in text.of_incident(incident)
        if each.authority == authority and each.state == NotificationState.FILED
    ]  # fmt: skip


def changes(notification: AuthorityNotification) -> list[differing.Change]:
    """What a follow-up says otherwise than the notification it follows, field by field, in its order."""
    filed = text.predecessor(notification)
    if filed is None:
        return []
    incident = db.session.get_one(Incident, notification.incident_id)
    before = followed.content_of(incident, filed, at=notification.drafted_at)
    return differing.between(before, notification.content)


# --- by the clock ---------------------------------------------------------------------------------


def behind() -> list[UUID]:
    """The incidents under way of which an authority has been told, and whose facts have changed since."""
    running = [each for each in State if clocks_run(each)]
    filed = select(AuthorityNotification.incident_id).where(
        AuthorityNotification.state == NotificationState.FILED
    )
    told = select(Duty.id).where(
        Duty.incident_id == Incident.id, Duty.regime == text.OWED, Duty.first_filed_at.is_not(None)
    )  # also of one that carries what was filed under another
    unseen = select(Incident.id).where(
        or_(Incident.id.in_(filed), told.exists()), Incident.follow_ups_for < Incident.facts_number,
        Incident.state.in_(running), Incident.merged_into_id.is_(None),
    )  # fmt: skip
    return list(db.session.scalars(unseen.order_by(Incident.id).limit(AT_ONCE)))


def look(incident: Incident, *, now: datetime) -> int:
    """Open or renew the follow-ups that the latest facts call for; returns how many.

    Of an authority whose form is answered as before nothing is opened. What was mailed is left alone, and
    looked at once more when it is filed. Raises: FactsFault for facts that cannot be read.
    """
    incident.follow_ups_for = incident.facts_number
    if not our_role.is_controller(incident):
        return 0
    duties = [each for each in text.duties_of(incident) if each.state not in NEEDED_NO_MORE]
    return sum(_look_at(incident, duty, now) for duty in duties)


def _look_at(incident: Incident, duty: Duty, now: datetime) -> bool:
    filed, there = last_filed(incident, duty.recipient), open_one(incident, duty.recipient)
    if filed is None or filed.kind == Phase.WITHDRAWAL or (there and mailed.is_mailed(incident, there)):
        return False
    known = there or filed
    phase = Phase(there.kind) if there else Phase.FURTHER
    content, paths = _brought_up(incident, known, phase, now)
    if not paths:
        return False
    before = followed.content_of(incident, filed, at=now)
    if there is None:
        told = [is_known(packs.answer(before, path)) for path in paths]
        phase = phase_of(answered_before=told, parts_are_owed=duty.is_owed)
        if phase is not Phase.FURTHER:
            content, paths = _brought_up(incident, known, phase, now)
        if not differing.between(before, content):
            return False
        _add(incident, duty, filed, phase, content, by=BREACHCLOCK, now=now)
        return True
    there.facts_number = incident.facts_number
    text.replace(
        incident, there, differing.named_in(content, before, _zone(incident)),
        "notification.renewed", by=BREACHCLOCK, now=now, fields=paths, facts_version=incident.facts_number,
    )  # fmt: skip
    return True


def _brought_up(
    incident: Incident, known: AuthorityNotification, phase: Phase, now: datetime
) -> tuple[dict[str, Any], list[str]]:
    """The document by the latest facts, with what people wrote where no fact changed; and what changed.

    What a person wrote counts as changed only where the fact beneath it did.
    """
    material = drafting.gather(incident)
    fresh = followed.document(incident, material, known.authority, phase, now)
    base = followed.document(incident, followed.as_of(material, known), known.authority, phase, now)
    moved = set(packs.differences(base, fresh))
    before = deepcopy(followed.content_of(incident, known, at=now))
    asked = {path for each in (before, fresh) for field in packs.fields(each) for path in _paths(field)}
    found = [
        path for path in packs.differences(before, fresh)
        if path in asked and (path in moved or not _is_edited(before, path))
    ]  # fmt: skip
    for path in found:
        before["answers"].get(path, {})["edited"] = False
    found = [each for each in found if not each.startswith(differing.NOT_COMPARED) and each != packs.REASONS]
    return packs.renewed(before, fresh, zone=material.zone), found


def _paths(field: Mapping[str, Any]) -> list[str]:
    return list(field.get("paths", []))


def _is_edited(content: Mapping[str, Any], path: str) -> bool:
    return bool(content["answers"].get(path, {}).get("edited"))


# --- by a person ----------------------------------------------------------------------------------


def draft(
    incident: Incident, duty: Duty, *, by: StaffMember | Author, now: datetime
) -> AuthorityNotification:
    """Draft what a duty owes first, from the facts; what was begun when something was.

    That is the initial notification, or a further one where the authority was told of this breach under an
    incident that is carried. Raises: Refused while our role is processor.
    """
    our_role.refuse_as_processor(incident)
    begun = any(each.duty_id == duty.id for each in text.of_incident(incident))
    told = None if begun else last_filed(incident, duty.recipient)
    if told is None or told.kind == Phase.WITHDRAWAL:
        return text.draft(incident, duty, by=by, now=now)
    content = _brought_up(incident, told, Phase.FURTHER, now)[0]
    made = _add(incident, duty, told, Phase.FURTHER, content, by=by, now=now)
    text.happened(incident, "authority.drafted", tuple(NotificationState), by, now)
    return made


def begin(
    incident: Incident, duty: Duty, phase: Phase, *, why: str = "", by: StaffMember, now: datetime
) -> AuthorityNotification:
    """Begin a follow-up, or make the one that is open this phase; what is written there stays.

    `why` is needed of a withdrawal. Raises: Refused while the authority has been told nothing, after a
    withdrawal, and while the open one is mailed and not recorded as filed; Invalid without the reason.
    """
    our_role.refuse_as_processor(incident)
    meeting.refuse_when_over(incident)
    filed = last_filed(incident, duty.recipient)
    if not phase.is_follow_up or filed is None:
        raise Refused(
            _("A follow-up follows a notification that was filed."),
            next_step=_("File the first one; it may leave open what is not known yet."),
        )
    if filed.kind == Phase.WITHDRAWAL:
        raise Refused(
            _("The notification was withdrawn."),
            next_step=_("If there was a breach after all, tell the authority by letter and say so there."),
        )
    reason = why.strip()
    if phase is Phase.WITHDRAWAL and not reason:
        raise Invalid(_("Say why it is withdrawn: the authority is told, and a second person looks at it."))
    if len(reason) > LONGEST:
        raise Invalid(_("A reason has at most %(count)s signs.", count=LONGEST))
    there = open_one(incident, duty.recipient)
    if there:
        mailed.refuse_mailed(incident, there)
    known = there or filed
    content = _with_reason(_brought_up(incident, known, phase, now)[0], phase, reason, by.name, incident)
    if there is None:
        return _add(incident, duty, filed, phase, content, by=by, now=now, why=reason)
    if (there.kind, there.why or "") != (phase, reason):
        there.kind, there.why, there.drafted_by_id = phase, reason or None, by.id
        there.facts_number = incident.facts_number
        before = followed.content_of(incident, filed, at=now)
        content = differing.named_in(content, before, _zone(incident))
        text.replace(
            incident, there, content, "notification.renewed", by=by, now=now, kind=phase, reason=there.why
        )
    return there


def _with_reason(
    content: dict[str, Any], phase: Phase, reason: str, by: str, incident: Incident
) -> dict[str, Any]:
    if phase is not Phase.WITHDRAWAL:
        return content
    return packs.with_changes(
        content, {WITHDRAWN: reason}, None, by, zone=_zone(incident), late=differing.is_late(content)
    )[0]


def _zone(incident: Incident) -> str:
    return drafting.gather(incident).zone


def _add(
    incident: Incident, duty: Duty, filed: AuthorityNotification, phase: Phase, content: dict[str, Any], *,
    by: StaffMember | Author, now: datetime, why: str = "",
) -> AuthorityNotification:  # fmt: skip
    latest = select(func.max(AuthorityNotification.number)).where(
        AuthorityNotification.incident_id == incident.id, AuthorityNotification.authority == duty.recipient
    )
    zone = _zone(incident)
    content = packs.asking_secrecy(content, zone=zone, late=differing.is_late(content))
    before = followed.content_of(incident, filed, at=now)
    content = differing.named_in(content, before, zone)
    made = AuthorityNotification(
        id=new_id(), organisation_id=incident.organisation_id, incident_id=incident.id, duty_id=duty.id,
        authority=duty.recipient, number=(db.session.scalar(latest) or 0) + 1, kind=phase,
        follows_id=filed.id, why=why or None, locale=content["locale"], content=content,
        content_sha256=packs.fingerprint(content), reasons_for_delay=packs.reasons_for_delay(content),
        facts_number=incident.facts_number, drafted_by=by.name,
        drafted_by_id=by.id, drafted_at=now, state=NotificationState.DRAFT,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    rungs.follow(incident, [duty], now=now)  # of a duty that was met it is what is left to be reminded of
    named = [each.key for each in differing.between(before, content)]
    text.log(
        incident, made, "notification.follow_up", by, now, reason=why or None, kind=phase, number=made.number,
        follows=filed.number, changed=named, facts_version=made.facts_number,
    )  # fmt: skip
    return made


def tell_reasons(
    incident: Incident, notification: AuthorityNotification, reasons: str | None, *, by: StaffMember,
    now: datetime,
) -> None:  # fmt: skip
    """Begin the further notification that gives the reasons for the delay of one that was filed without.

    Where nobody knows them yet it asks for them. In an incident that stands still none is begun, nor beside
    one that is open: that one asks for them as well.
    """
    duty = db.session.get_one(Duty, notification.duty_id)
    if not clocks_run(State(incident.state)) or open_one(incident, duty.recipient):
        return
    content = _brought_up(incident, notification, Phase.FURTHER, now)[0]
    if reasons and packs.answer(content, packs.REASONS) != reasons:
        try:
            typed = {packs.REASONS: reasons}
            content = packs.with_changes(content, typed, None, by.name, zone=_zone(incident), late=True)[0]
        except packs.NotTaken:  # more than the form holds: a person says it in fewer words
            pass
    why = _("It was filed late, and the text gave no reasons for the delay.")
    _add(incident, duty, notification, Phase.FURTHER, content, by=by, now=now, why=why)


def drop(
    incident: Incident, notification: AuthorityNotification, *, why: str, by: StaffMember, now: datetime
) -> bool:
    """A follow-up need not be filed, says a person; false when that was said before. It stays to be read.

    A later change opens another one. Raises: Refused for what is filed or mailed, or no follow-up; Invalid
    without a reason.
    """
    if notification.dropped_at is not None:
        return False
    if notification.state == NotificationState.FILED or not Phase(notification.kind).is_follow_up:
        raise Refused(
            _("Only a follow-up that is not filed can be dropped."),
            next_step=_("What was filed stands; withdraw it where there was nothing to notify."),
        )
    mailed.refuse_mailed(incident, notification)
    if not why.strip() or len(why.strip()) > LONGEST:
        raise Invalid(_("Say why it need not be filed, in at most %(count)s signs.", count=LONGEST))
    notification.dropped_at, notification.dropped_by = now, by.name
    notification.dropped_why = why.strip()
    notification.state = NotificationState.DRAFT
    notification.approved_by = notification.approved_at = notification.approved_sha256 = None
    db.session.flush()
    duty = db.session.get_one(Duty, notification.duty_id)
    rungs.follow(incident, [duty], now=now, reason=DROPPED)
    text.log(
        incident, notification, "notification.dropped", by, now, reason=why.strip(), kind=notification.kind
    )
    return True
