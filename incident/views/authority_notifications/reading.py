"""Pages of one notification: the text as it stands, beside what it leaves open, and its approval."""

from uuid import UUID

from flask import flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, requires
from foundation import locales
from foundation.database import transaction, utcnow
from incident import authority_notification
from incident.access import locked_incident, visible_incident
from incident.forms.filings import begun
from incident.views.authority_notifications.blueprint import back, bp, shown


@bp.get("/<uuid:notification_id>")
@requires(Permission.SEE_INCIDENTS)
def show(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    """The notification as a document, beside what it leaves open."""
    incident, now = visible_incident(incident_id), utcnow()
    notification = authority_notification.of(incident, notification_id)
    page = shown(incident, notification, now)
    return render_template(
        "incident/notification.html", **page, now=now, sheet=begun(page["mail"], locales.zone()),
        newer=notification.facts_number < incident.facts_number,
    )  # fmt: skip


@bp.post("/<uuid:notification_id>/approval")
@requires(Permission.APPROVE_NOTIFICATION)
def approve(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    """Approve the very text that was shown."""
    with transaction():
        incident = locked_incident(incident_id)
        authority_notification.approve(
            incident, authority_notification.of(incident, notification_id),
            seen=request.form.get("seen", ""), by=current_staff(), now=utcnow(),
        )  # fmt: skip
    flash(_("Approved. Now file exactly this text with the authority."), "success")
    return back(incident_id, notification_id)
