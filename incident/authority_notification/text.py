"""The text of a notification: drafted from the facts, edited by people, approved as it stands."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import or_, select

from accounts.models import Organisation, StaffMember
from foundation import ledger
from foundation.database import db, new_id
from foundation.errors import Missing, Refused
from incident import authorities, drafting, meeting, our_role, packs
from incident.authority_notification import differing, followed, mailed, second_look, telling
from incident.drafting import Author
from incident.models import (
    AuthorityFiling,
    AuthorityNotification,
    DelayReason,
    Duty,
    Incident,
    NotificationState,
)
from incident.packs import Typed
from incident.rules.deadlines import Clock
from incident.rules.phases import Phase
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


def predecessor(notification: AuthorityNotification) -> AuthorityNotification | None:
    """The notification that a follow-up follows; None for a first one."""
    if notification.follows_id is None:
        return None
    return db.session.get_one(AuthorityNotification, notification.follows_id)


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
    owed = owes_reasons(notification)
    return packs.open_points(notification.content, now=at, clock=_clock(notification), reasons_owed=owed)


def owes_reasons(notification: AuthorityNotification) -> bool:
    """Whether a follow-up owes the reasons for a delay: filed late without them, and not told since."""
    if not Phase(notification.kind).is_follow_up:
        return False
    mine = select(Duty.id).where(
        or_(Duty.id == notification.duty_id, Duty.carried_by_id == notification.duty_id)
    )
    late = select(AuthorityFiling.id).where(AuthorityFiling.duty_id.in_(mine), AuthorityFiling.why_late_owed)
    if db.session.scalars(late.limit(1)).first() is None:
        return False
    since = select(AuthorityNotification).where(
        AuthorityNotification.duty_id.in_(mine), AuthorityNotification.id != notification.id,
        AuthorityNotification.state == NotificationState.FILED,
    )  # fmt: skip
    return not any(packs.reasons_for_delay(each.content) for each in db.session.scalars(since))


def _clock(notification: AuthorityNotification) -> Clock:
    duty = db.session.get_one(Duty, notification.duty_id)
    return Clock("authority_notification", duty.starts_at, duty.due_at, duty.provision)


# --- the text -----------------------------------------------------------------------------------


def draft(
    incident: Incident, duty: Duty, *, by: StaffMember | Author, now: datetime
) -> AuthorityNotification:
    """Draft the initial notification of a duty from the facts; the one there is when there is one.

    Raises: Refused while our role is processor.
    """
    our_role.refuse_as_processor(incident)
    known = next((each for each in of_incident(incident) if each.duty_id == duty.id), None)
    if known:
        return known
    material = drafting.gather(incident)
    content = packs.document(material, duty.recipient, told=telling.told_of(incident), now=now)
    made = AuthorityNotification(
        id=new_id(), organisation_id=incident.organisation_id, incident_id=incident.id, duty_id=duty.id,
        authority=duty.recipient, number=1, locale=content["locale"], content=content,
        content_sha256=packs.fingerprint(content), facts_number=incident.facts_number, drafted_by=by.name,
        drafted_by_id=by.id, drafted_at=now, state=NotificationState.DRAFT,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    meeting.prepare(duty, now=now)
    log(incident, made, "notification.drafted", by, now, facts_version=made.facts_number)
    happened(incident, "authority.drafted", tuple(NotificationState), by, now)
    return made


def edit(
    incident: Incident, notification: AuthorityNotification, typed: Typed, *,
    to_follow: frozenset[str] | None, seen: str, by: StaffMember, now: datetime,
    in_language: frozenset[str] = frozenset(),
) -> list[str]:  # fmt: skip
    """Change answers by path, and mark which are to follow; returns the paths that changed.

    `typed`, `to_follow` and `in_language` are as `packs.with_changes` takes them; `seen` is the hash of the
    text the person edited. An approval is void once the text changes. Raises: Refused when it is filed or
    mailed, or was changed meanwhile; packs.NotTaken, with the reasons by path, of what does not fit.
    """
    _refuse_filed(notification)
    mailed.refuse_mailed(incident, notification)
    _refuse_stale(incident, notification, seen)
    _refuse_former(notification)
    content, changed = packs.with_changes(
        asked(incident, notification, now=now), typed, to_follow, by.name, zone=_zone(incident),
        late=_clock(notification).is_late(now), in_language=in_language,
    )  # fmt: skip
    if content != notification.content:
        content = _naming_changes(incident, notification, content, now)
        replace(incident, notification, content, "notification.edited", by=by, now=now, fields=changed)
    return changed


def _naming_changes(
    incident: Incident, notification: AuthorityNotification, content: dict[str, Any], now: datetime
) -> dict[str, Any]:
    """A follow-up names what it says otherwise than what was filed, as it stands after every change."""
    filed = predecessor(notification)
    if filed is None:
        return content
    before = followed.content_of(incident, filed, at=now)
    return differing.named_in(content, before, _zone(incident))


def claim_secrecy(
    incident: Incident, notification: AuthorityNotification, claims: Mapping[str, str], *,
    seen: str, by: StaffMember, now: datetime,
) -> None:  # fmt: skip
    """Say what is to be kept secret: reasons by the keys of fields, nothing for nothing.

    Raises: as `edit`; Refused where what is filed becomes no public record.
    """
    _refuse_filed(notification)
    mailed.refuse_mailed(incident, notification)
    _refuse_stale(incident, notification, seen)
    _refuse_former(notification)
    known = authorities.by_key(notification.authority)
    if known is None or not known.public_record:
        raise Refused(
            _("What is filed with this authority does not become a public record by itself."),
            next_step=_("Name in the text what it should treat in confidence."),
        )
    content = packs.with_claims(
        notification.content, claims, by.name, zone=_zone(incident), late=_clock(notification).is_late(now)
    )
    if content != notification.content:
        replace(incident, notification, content, "notification.edited", by=by, now=now, fields=[packs.CLAIMS])


def shown(incident: Incident, notification: AuthorityNotification, *, now: datetime) -> dict[str, Any]:
    """The text to be shown: a draft as the form asks it now, what is approved or filed as it stands."""
    is_draft = notification.state == NotificationState.DRAFT
    return asked(incident, notification, now=now) if is_draft else notification.content


def asked(incident: Incident, notification: AuthorityNotification, *, now: datetime) -> dict[str, Any]:
    """The text to be edited: as the form asks it now, with the reasons for the delay as they grew.

    What is filed, and a document of schema 1, as it stands.
    """
    content = notification.content
    if notification.state == NotificationState.FILED or packs.is_former(content):
        return content
    late = _clock(notification).is_late(now)
    return packs.as_of(content, zone=_zone(incident), late=late, reasons=_reasons(notification))


def _reasons(notification: AuthorityNotification) -> str:
    """What was written down of why it takes so long, oldest first, a line each."""
    mine = select(DelayReason.text).where(DelayReason.duty_id == notification.duty_id)
    return "\n".join(db.session.scalars(mine.order_by(DelayReason.number)))


def _zone(incident: Incident) -> str:
    return db.session.get_one(Organisation, incident.organisation_id).timezone


def renew(
    incident: Incident, notification: AuthorityNotification, *, seen: str, by: StaffMember, now: datetime
) -> None:
    """Draft afresh from the latest facts; what people wrote into it stays. Raises: as `edit`."""
    _refuse_filed(notification)
    mailed.refuse_mailed(incident, notification)
    _refuse_stale(incident, notification, seen)
    before, material = notification.content, drafting.gather(incident)
    fresh = packs.document(
        material,
        notification.authority,
        told=telling.told_of(incident),
        kind=before.get("kind", "initial"),
        now=now,
    )
    content = packs.renewed(before, fresh, zone=material.zone)
    content = _naming_changes(incident, notification, content, now)
    notification.facts_number = incident.facts_number
    replace(
        incident, notification, content, "notification.renewed", by=by, now=now,
        fields=packs.differences(before, content), facts_version=incident.facts_number,
    )  # fmt: skip


def replace(
    incident: Incident, notification: AuthorityNotification, content: dict[str, Any], action: str, *,
    by: StaffMember | Author, now: datetime, **details: Any,
) -> None:  # fmt: skip
    """Put another document in the place of a draft; an approval of the former one is void."""
    before, approved_by = notification.content_sha256, notification.approved_by
    changed = packs.fingerprint(content)
    notification.content, notification.content_sha256 = content, changed
    notification.locale = content["locale"]
    notification.reasons_for_delay = packs.reasons_for_delay(content)
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
    our_role.refuse_as_processor(incident)
    refuse_incomplete(notification, at=now)
    if shown(incident, notification, now=now) != notification.content:
        raise Refused(
            _("Time has passed, and the form asks more than this text answers."),
            next_step=_("Open the text, read what is new in it, save it, and approve it then."),
        )
    second_look.refuse_unfit(notification, by)
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
    written = (
        "notification.drafted", "notification.follow_up", "notification.edited", "notification.renewed",
    )  # fmt: skip
    return [
        each for each in ledger.entries(incident.chain)
        if each.action in written and each.details.get("notification") == str(notification.id)
    ]  # fmt: skip


def _refuse_filed(notification: AuthorityNotification) -> None:
    if notification.dropped_at is not None:
        raise Refused(
            _("%(name)s said that this follow-up need not be filed.", name=notification.dropped_by),
            next_step=_("Begin another one if there is something to tell after all."),
        )
    if notification.state == NotificationState.FILED:
        raise Refused(
            _("This notification is filed: the authority has that text, and it changes no more."),
            next_step=_("What is new goes to the authority as a further notification."),
        )


def _refuse_former(notification: AuthorityNotification) -> None:
    if packs.is_former(notification.content):
        raise Refused(
            _("This draft was made before the authority's own form was known here, and is edited no more."),
            next_step=_("Let it follow the latest facts: what people wrote into it is kept."),
        )


def _refuse_stale(incident: Incident, notification: AuthorityNotification, seen: str) -> None:
    """Refuse what was done to a text that has changed since it was shown, and say what changed."""
    if seen == notification.content_sha256:
        return
    changes = _changes(incident, notification)
    places = [number for number, each in enumerate(changes) if each.details["content_sha256"] == seen]
    since = changes[places[-1] + 1 :] if places else changes[-1:]
    labels = packs.labels(notification.content)
    named = [labels.get(key, key) for each in since for key in each.details.get("fields", [])]
    raise Refused(
        _("The text was changed meanwhile by %(who)s: %(fields)s. Nothing of yours was saved.",
          who=", ".join(dict.fromkeys(each.actor for each in since)),
          fields=", ".join(dict.fromkeys(named)) or _("everything")),
        next_step=_("Open the notification again, read it as it is now, and repeat what you did."),
    )  # fmt: skip


def refuse_incomplete(notification: AuthorityNotification, *, at: datetime) -> None:
    """Refuse a text that leaves a point open or, late at that moment, gives no reasons. Raises: Refused."""
    left = [each for each in open_points(notification, at=at) if each.stops]
    if not left:
        return
    if any(each.gap and each.gap.point == "33(1)" for each in left):
        raise Refused(
            _("It is later than the deadline, and the text gives no reasons for the delay."),
            next_step=_("State them: art. 33(1) asks for them, and every later hour adds to them."),
        )
    if long := [each.name for each in left if each.what == "misfit"]:
        raise Refused(
            _("The form takes fewer characters than these answers have: %(fields)s.", fields=", ".join(long)),
            next_step=_("Shorten them, and put the rest elsewhere in the form or in an attachment."),
        )
    if all(each.what == "secrecy" for each in left):
        raise Refused(
            _("What is filed there becomes a public record, and nobody has said what is to be kept secret."),
            next_step=_("Say for which answers secrecy is claimed and why, or that it is for none."),
        )
    raise Refused(
        _("The text leaves open: %(points)s.", points=", ".join(_(each.name) for each in left if each.gap)),
        next_step=_("Answer each, or mark it as to follow where art. 33(4) allows it."),
    )


# --- what follows ---------------------------------------------------------------------------------


def open_duties(incident: Incident) -> list[Duty]:
    """The authorities that are still owed a notification."""
    return meeting.unfiled(duties_of(incident))


def happened(
    incident: Incident, event: str, states: tuple[str, ...], by: StaffMember | Author, now: datetime
) -> None:
    """Tell the playbooks once it is true of every authority: one filing must not silence another's clock."""
    reached = {each.duty_id for each in of_incident(incident) if each.state in states}
    if all(duty.id in reached for duty in open_duties(incident)):
        runs.happened(incident.chain, event, actor=by.name, now=now)


def log(
    incident: Incident, notification: AuthorityNotification, action: str, by: StaffMember | Author,
    now: datetime, *, reason: str | None = None, **details: Any,
) -> None:  # fmt: skip
    """Write the ledger's entry about a notification, with the hash of its text."""
    ledger.append(
        incident.chain, action, organisation_id=incident.organisation_id, actor=by.name, at=now,
        reason=reason,
        notification=notification.id, authority=notification.authority,
        content_sha256=notification.content_sha256, staff=by.id, **details,
    )  # fmt: skip
