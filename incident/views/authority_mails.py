"""A notification as files, and the page that sends it by e-mail where an authority takes it so."""

from io import BytesIO
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, requires
from foundation.database import transaction, utcnow
from foundation.errors import Invalid
from incident import authorities, authority_notification, pack_files
from incident.access import locked_incident, visible_incident
from incident.authority_notification import mailed, mailing

bp = Blueprint(
    "authority_mails", __name__,
    url_prefix="/incidents/<uuid:incident_id>/authority-notifications/<uuid:notification_id>",
)  # fmt: skip


@bp.get("/pack.pdf")
@requires(Permission.SEE_INCIDENTS)
def pdf(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    """The notification as PDF."""
    return _file(incident_id, notification_id, "pdf")


@bp.get("/pack.json")
@requires(Permission.SEE_INCIDENTS)
def machine(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    """The notification by the numbers of the common template, as JSON."""
    return _file(incident_id, notification_id, "json")


def _file(incident_id: UUID, notification_id: UUID, kind: str) -> ResponseReturnValue:
    incident = visible_incident(incident_id)
    notification = authority_notification.of(incident, notification_id)
    pack = pack_files.of(incident, notification, now=utcnow())
    data, mimetype = {
        "pdf": (pack.pdf, pack_files.PDF_TYPE), "json": (pack.json, pack_files.JSON_TYPE),
    }[kind]  # fmt: skip
    return send_file(
        BytesIO(data), mimetype=mimetype, as_attachment=True, download_name=f"{pack.name}.{kind}", etag=False
    )


@bp.get("/e-mail")
@requires(Permission.SEE_INCIDENTS)
def show(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    """The mail as it would go, or what became of it."""
    incident = visible_incident(incident_id)
    notification = authority_notification.of(incident, notification_id)
    letter = mailing.letter(incident, notification, now=utcnow())
    return render_template(
        "incident/notification_mail.html", incident=incident, notification=notification, letter=letter,
        words=mailing.words(notification, letter), mails=mailed.mails(incident, notification),
        authority=authorities.by_key(notification.authority),
    )  # fmt: skip


@bp.post("/e-mail")
@requires(Permission.FILE_NOTIFICATION)
def send(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    """Send the approved text by e-mail, once, when a person has confirmed it."""
    if request.form.get("confirmed") != "yes":
        raise Invalid(
            _("Nothing was sent: the confirmation is missing."),
            next_step=_("Read the mail and the attached text, tick that you have, and send it."),
        )
    with transaction():
        incident = locked_incident(incident_id)
        notification = authority_notification.of(incident, notification_id)
        owed = mailing.send(
            incident, notification, seen=request.form.get("seen", ""), by=current_staff(), now=utcnow()
        )
    if owed:
        flash(
            _("The mail is on its way. Once it has arrived, record the filing with the time it went."),
            "success",
        )
    else:
        flash(_("It was sent before, and not again."), "warning")
    return redirect(url_for(".show", incident_id=incident_id, notification_id=notification_id), 303)
