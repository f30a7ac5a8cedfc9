"""The notification on a page to print; its files are made by `authority_mails`."""

from uuid import UUID

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_babel import force_locale

from accounts.permissions import Permission, requires
from foundation.database import utcnow
from incident import authority_notification
from incident.access import visible_incident
from incident.views.authority_notifications.blueprint import bp, shown


@bp.get("/<uuid:notification_id>/print")
@requires(Permission.SEE_INCIDENTS)
def printed(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    """The document alone, for paper; all of it in the language of the authority."""
    incident = visible_incident(incident_id)
    told = shown(incident, authority_notification.of(incident, notification_id), utcnow())
    with force_locale(told["content"]["locale"]):
        return render_template("incident/notification_print.html", **told)
