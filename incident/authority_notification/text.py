"""The text of a notification: drafted from the facts, edited by people, approved as it stands."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import select

from accounts.models import StaffMember
from foundation import ledger
from foundation.database import db, new_id
from foundation.errors import Missing, Refused
from incident import coverage, drafting, meeting, packs
from incident.answers import Told
from incident.models import (
    AuthorityNotification,
    CommunicationState,
    Duty,
    Incident,
    NotificationState,
    SubjectCommunication,
)
from incident.rules.deadlines import Clock
from playbooks import runs

OWED = "gdpr-33"


def of_incident(incident: Incident) -> list[AuthorityNotification]:
    """The notifications of an incident, by authority and number."""
    mine = select(AuthorityNotification).where(AuthorityNotification.incident_id == incident.id)
    order = (AuthorityNotification.authority, AuthorityNotification.number)
    return list(db.session.scalars(mine.order_by(*order)))


def of(incident: Incident, notification_id: UUID) -> AuthorityNotification:
    """One notification of an incident, read afresh. Raises: Missing."""
    found = db.session.scalars(
        select(AuthorityNotification)
        .where(AuthorityNotification.id == notification_id, AuthorityNotification.incident_id == incident.id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise Missing(_("There is no such notification."))
    return found


def duties_of(incident: Incident) -> list[Duty]:
    """The duties to notify an authority, each with its authority as recipient."""
    return meeting.duties_of(incident, OWED)


def duty_of(incident: Incident, duty_id: UUID) -> Duty:
    """One duty to notify an authority. Raises: Missing."""
    found = next((each for each in duties_of(incident) if each.id == duty_id), None)
    if found is None:
        raise Missing(_("There is no such duty."))
    return found


def open_points(notification: AuthorityNotification, *, at: datetime) -> list[packs.Open]:
    """What the text would leave open if it were filed at that moment."""
    duty = db.session.get_one(Duty, notification.duty_id)
    clock = Clock("authority_notification", duty.starts_at, duty.due_at, duty.provision)
    return packs.open_points(notification.content, now=at, clock=clock)


# --- the text -----------------------------------------------------------------------------------


def draft(incident: Incident, duty: Duty, *, by: StaffMember, now: datetime) -> AuthorityNotification:
    """Draft the initial notification of a duty from the facts; the one there is when there is one."""
    known = next((each for each in of_incident(incident) if each.duty_id == duty.id), None)
    if known:
        return known
    material = drafting.gather(incident)
    content = packs.document(material, duty.recipient, told=_told(incident))
    made = AuthorityNotification(
        id=new_id(), organisation_id=incident.organisation_id, incident_id=incident.id, duty_id=duty.id,
        authority=duty.recipient, number=1, locale=content["locale"], content=content,
        content_sha256=packs.fingerprint(content), facts_number=incident.facts_number, drafted_by=by.name,
        drafted_at=now, state=NotificationState.DRAFT,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    meeting.prepare(duty, now=now)
    log(incident, made, "notification.drafted", by, now, facts_version=made.facts_number)
    happened(incident, "authority.drafted", tuple(NotificationState), by, now)
    return made


def _told(incident: Incident) -> Told:
    sent = (CommunicationState.SENDING, CommunicationState.COMPLETE)
    mine = select(SubjectCommunication).where(
        SubjectCommunication.incident_id == incident.id, SubjectCommunication.state.in_(sent)
    )
    found = db.session.scalars(mine.order_by(SubjectCommunication.number)).first()
    if found is None:
        return Told()
    return Told(found.sent_at, found.recipients, coverage.of(found).informed)


def edit(
    incident: Incident, notification: AuthorityNotification, answers: Mapping[str, str], *,
    to_follow: frozenset[str], seen: str, by: StaffMember, now: datetime,
) -> list[str]:  # fmt: skip
    """Change answers, and mark which are to follow; returns the keys of the fields that changed.

    `seen` is the hash of the text the person edited. An approval is void once the text changes.
    Raises: Refused when it is filed, or when the text changed meanwhile.
    """
    _refuse_filed(notification)
    _refuse_stale(incident, notification, seen)
    content, changed = packs.with_changes(notification.content, answers, to_follow, by.name)
    if changed:
        _replace(incident, notification, content, "notification.edited", by=by, now=now, fields=changed)
    return changed


def renew(
    incident: Incident, notification: AuthorityNotification, *, seen: str, by: StaffMember, now: datetime
) -> None:
    """Draft afresh from the latest facts; what people wrote into it stays. Raises: as `edit`."""
    _refuse_filed(notification)
    _refuse_stale(incident, notification, seen)
    fresh = packs.document(drafting.gather(incident), notification.authority, told=_told(incident))
    content = packs.renewed(notification.content, fresh)
    before = {each["key"]: each["answer"] for each in packs.fields(notification.content)}
    fields = [each["key"] for each in packs.fields(content) if before.get(each["key"]) != each["answer"]]
    notification.facts_number = incident.facts_number
    _replace(
        incident, notification, content, "notification.renewed", by=by, now=now, fields=fields,
        facts_version=incident.facts_number,
    )  # fmt: skip


def _replace(
    incident: Incident, notification: AuthorityNotification, content: dict[str, Any], action: str, *,
    by: StaffMember, now: datetime, **details: Any,
) -> None:  # fmt: skip
    before, approved_by = notification.content_sha256, notification.approved_by
    changed = packs.fingerprint(content)
    notification.content, notification.content_sha256 = content, changed
    notification.reasons_for_delay = packs.answer(content, packs.REASONS) or None
    if changed != before and notification.state == NotificationState.APPROVED:
        notification.state = NotificationState.DRAFT
        notification.approved_by = notification.approved_at = notification.approved_sha256 = None
        details["approval_void"] = approved_by
    db.session.flush()
    log(incident, notification, action, by, now, before_sha256=before, **details)


def approve(
    incident: Incident, notification: AuthorityNotification, *, seen: str, by: StaffMember, now: datetime
) -> None:
    """Stand behind exactly the text whose hash was seen. Approving it twice changes nothing.

    Raises: Refused when it is filed, when the text changed meanwhile, when a point of art. 33(3) is open
    and not marked as to follow, or when it is late and does not say why.
    """
    _refuse_filed(notification)
    _refuse_stale(incident, notification, seen)
    if notification.state == NotificationState.APPROVED:
        return
    meeting.refuse_when_over(incident)
    refuse_incomplete(notification, at=now)
    notification.state = NotificationState.APPROVED
    notification.approved_by, notification.approved_at = by.name, now
    notification.approved_sha256 = notification.content_sha256
    db.session.flush()
    author = _author(incident, notification)
    log(incident, notification, "notification.approved", by, now, last_written_by=author)
    done = (NotificationState.APPROVED, NotificationState.FILED)
    happened(incident, "authority.approved", done, by, now)


def _author(incident: Incident, notification: AuthorityNotification) -> str:
    return _changes(incident, notification)[-1].actor


def _changes(incident: Incident, notification: AuthorityNotification) -> list[ledger.Entry]:
    written = ("notification.drafted", "notification.edited", "notification.renewed")
    return [
        each for each in ledger.entries(incident.chain)
        if each.action in written and each.details.get("notification") == str(notification.id)
    ]  # fmt: skip


def _refuse_filed(notification: AuthorityNotification) -> None:
    if notification.state == NotificationState.FILED:
        raise Refused(
            _("This notification is filed: the authority has that text, and it changes no more."),
            next_step=_("What is new goes to the authority as a further notification."),
        )


def _refuse_stale(incident: Incident, notification: AuthorityNotification, seen: str) -> None:
    """Refuse what was done to a text that has changed since it was shown, and say what changed."""
    if seen == notification.content_sha256:
        return
    changes = _changes(incident, notification)
    places = [number for number, each in enumerate(changes) if each.details["content_sha256"] == seen]
    since = changes[places[-1] + 1 :] if places else changes[-1:]
    labels = {each["key"]: each["label"] for each in packs.fields(notification.content)}
    named = [labels.get(key, key) for each in since for key in each.details.get("fields", [])]
    raise Refused(
        _("The text was changed meanwhile by %(who)s: %(fields)s. Nothing of yours was saved.",
          who=", ".join(dict.fromkeys(each.actor for each in since)),
          fields=", ".join(dict.fromkeys(named)) or _("everything")),
        next_step=_("Open the notification again, read it as it is now, and repeat what you did."),
    )  # fmt: skip


def refuse_incomplete(notification: AuthorityNotification, *, at: datetime) -> None:
    """Refuse a text that leaves a point open or, late at that moment, gives no reasons. Raises: Refused."""
    left = [each for each in open_points(notification, at=at) if not each.to_follow]
    if not left:
        return
    if any(each.gap.point == "33(1)" for each in left):
        raise Refused(
            _("It is later than the deadline, and the text gives no reasons for the delay."),
            next_step=_("State them: art. 33(1) asks for them, and every later hour adds to them."),
        )
    raise Refused(
        _("The text leaves open: %(points)s.", points=", ".join(_(each.gap.name) for each in left)),
        next_step=_("Answer each, or mark it as to follow where art. 33(4) allows it."),
    )


# --- what follows ---------------------------------------------------------------------------------


def open_duties(incident: Incident) -> list[Duty]:
    """The authorities that are still owed a notification."""
    return meeting.unfiled(duties_of(incident))


def happened(incident: Incident, event: str, states: tuple[str, ...], by: StaffMember, now: datetime) -> None:
    """Tell the playbooks once it is true of every authority: one filing must not silence another's clock."""
    reached = {each.duty_id for each in of_incident(incident) if each.state in states}
    if all(duty.id in reached for duty in open_duties(incident)):
        runs.happened(incident.chain, event, actor=by.name, now=now)


def log(
    incident: Incident, notification: AuthorityNotification, action: str, by: StaffMember, now: datetime, *,
    reason: str | None = None, **details: Any,
) -> None:  # fmt: skip
    """Write the ledger's entry about a notification, with the hash of its text."""
    ledger.append(
        incident.chain, action, organisation_id=incident.organisation_id, actor=by.name, at=now,
        reason=reason,
        notification=notification.id, authority=notification.authority,
        content_sha256=notification.content_sha256, staff=by.id, **details,
    )  # fmt: skip
