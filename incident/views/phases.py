"""Follow-ups to what an authority was told: begun, compared field by field with what was filed, dropped."""

from datetime import datetime
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, requires
from foundation import locales
from foundation.database import transaction, utcnow
from foundation.errors import Invalid
from incident import authority_notification
from incident.access import locked_incident, visible_incident
from incident.forms import words
from incident.forms.fields import Sheet
from incident.models import AuthorityNotification, Incident
from incident.rules.phases import Phase

bp = Blueprint("phases", __name__, url_prefix="/incidents/<uuid:incident_id>/authority-notifications")
END_OF_DAY = "T23:59"  # a day that is named counts to its last minute, local time


@bp.post("/<uuid:notification_id>/follow-up")
@requires(Permission.PREPARE_NOTIFICATION)
def begin(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    """Begin a follow-up to what was filed, or make the open one another phase."""
    with transaction():
        incident = locked_incident(incident_id)
        notification = authority_notification.of(incident, notification_id)
        duty = authority_notification.duty_of(incident, notification.duty_id)
        made = authority_notification.begin(
            incident, duty, _phase(), why=request.form.get("why", ""), by=current_staff(), now=utcnow()
        )
        made_id = made.id
    flash(_("Begun from the latest facts. What differs from what was filed is shown beside."), "success")
    return redirect(url_for(".changes", incident_id=incident_id, notification_id=made_id), 303)


def _phase() -> Phase:
    try:
        return Phase(request.form.get("kind", ""))
    except ValueError:
        raise Invalid(_("Say which kind of follow-up it is.")) from None


@bp.get("/<uuid:notification_id>/changes")
@requires(Permission.SEE_INCIDENTS)
def changes(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    """What a follow-up says otherwise than what was filed, and which other phases there are."""
    incident = visible_incident(incident_id)
    notification = authority_notification.of(incident, notification_id)
    return render_template(
        "incident/notification_changes.html", incident=incident, notification=notification,
        changes=authority_notification.changes(notification),
        follows=authority_notification.predecessor(notification),
        line=_line(incident, notification), phases=[each for each in Phase if each.is_follow_up], words=words,
        begun=authority_notification.open_one(incident, notification.authority),
        told=authority_notification.last_filed(incident, notification.authority),
        rest=authority_notification.rest_of(notification),
    )  # fmt: skip


def _line(incident: Incident, notification: AuthorityNotification) -> list[AuthorityNotification]:
    """Everything that this authority was or is to be told, in its order."""
    known = authority_notification.of_incident(incident)
    return [each for each in known if each.authority == notification.authority]


@bp.post("/<uuid:notification_id>/drop")
@requires(Permission.FILE_NOTIFICATION)
def drop(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    """A follow-up need not be filed, says a person, with a reason."""
    with transaction():
        incident = locked_incident(incident_id)
        authority_notification.drop(
            incident, authority_notification.of(incident, notification_id),
            why=request.form.get("why", ""), by=current_staff(), now=utcnow(),
        )  # fmt: skip
    flash(_("Dropped. It stays on the record, and a later change opens another one."), "success")
    return redirect(url_for(".changes", incident_id=incident_id, notification_id=notification_id), 303)


@bp.post("/<uuid:notification_id>/supplement")
@requires(Permission.FILE_NOTIFICATION)
def promise(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    """By when what is to follow comes, as a person says."""
    due_at = _day()
    with transaction():
        incident = locked_incident(incident_id)
        notification = authority_notification.of(incident, notification_id)
        duty = authority_notification.duty_of(incident, notification.duty_id)
        authority_notification.promise(incident, duty, due_at, by=current_staff(), now=utcnow())
    flash(_("Kept. You are reminded of it as of every other date."), "success")
    return redirect(url_for(".changes", incident_id=incident_id, notification_id=notification_id), 303)


def _day() -> datetime:
    sheet = Sheet(typed={"due": [request.form.get("due_on", "").strip() + END_OF_DAY]})
    at = sheet.time("due", locales.zone())
    if at is None:
        raise Invalid(_("Say by which day it will come."))
    return at
