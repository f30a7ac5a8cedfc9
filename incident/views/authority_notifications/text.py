"""Pages on which the text of a notification is written."""

from typing import Any
from uuid import UUID

from flask import flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, requires
from foundation import locales
from foundation.database import transaction, utcnow
from foundation.errors import Refused
from incident import authority_notification, packs
from incident.access import locked_incident, visible_incident
from incident.forms import pack_boxes
from incident.forms.fields import Sheet, sheet_of
from incident.models import AuthorityNotification, Incident
from incident.views.authority_notifications.blueprint import back, bp, shown

STALE = Refused.status


@bp.get("/<uuid:notification_id>/text")
@requires(Permission.PREPARE_NOTIFICATION)
def text(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    """The text, to be edited field by field."""
    incident = visible_incident(incident_id)
    notification = authority_notification.of(incident, notification_id)
    if packs.is_former(notification.content):
        flash(
            _("This draft is of before the authority's form: let it follow the latest facts first."),
            "warning",
        )
        return back(incident_id, notification_id)
    return _page(incident, notification, _written(incident, notification))


def _written(incident: Incident, notification: AuthorityNotification) -> Sheet:
    """The form as the text fills it in now."""
    content = authority_notification.asked(incident, notification, now=utcnow())
    return pack_boxes.written(content, locales.zone())


def _page(incident: Incident, notification: AuthorityNotification, sheet: Sheet, **more: Any) -> str:
    now = utcnow()
    content = authority_notification.asked(incident, notification, now=now)
    asked = pack_boxes.questions(content)
    offered = {box.path for part in asked.values() for each in part for box in each.boxes if box.may_follow}
    return render_template(
        "incident/notification_text.html", **shown(incident, notification, now) | {"content": content},
        sheet=sheet, questions=asked,
        kept=[path for path in sheet.all("to_follow") if path not in offered], **more,
    )  # fmt: skip


@bp.post("/<uuid:notification_id>/text")
@requires(Permission.PREPARE_NOTIFICATION)
def edit(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    """Save what was edited; an approval of another text is void. What is refused stays on the page."""
    sheet = sheet_of(request.form)
    try:
        with transaction():
            incident = locked_incident(incident_id)
            notification = authority_notification.of(incident, notification_id)
            authority_notification.edit(
                incident, notification, pack_boxes.typed_in(sheet.typed),
                to_follow=frozenset(sheet.all("to_follow")),
                in_language=frozenset(sheet.all("in_language")), seen=sheet.one("seen"),
                by=current_staff(), now=utcnow(),
            )  # fmt: skip
            changed = notification.content_sha256 != sheet.one("seen")
    except packs.NotTaken as refusal:
        sheet.faults, sheet.questions = refusal.faults, refusal.questions
        return _refused(incident_id, notification_id, sheet, refusal)
    except Refused as refusal:
        return _refused(incident_id, notification_id, sheet, refusal)
    flash(_("Saved.") if changed else _("Nothing was changed."), "success")
    return back(incident_id, notification_id)


def _refused(incident_id: UUID, notification_id: UUID, sheet: Sheet, refusal: Refused) -> ResponseReturnValue:
    """What was typed, with what is wrong with it or, where a colleague was quicker, what is saved now."""
    incident = visible_incident(incident_id)
    notification = authority_notification.of(incident, notification_id)
    stale = refusal.status == STALE and sheet.one("seen") != notification.content_sha256
    if packs.is_former(notification.content) or not (stale or sheet.faults):
        raise refusal
    saved = _written(incident, notification) if stale else None
    return _page(incident, notification, sheet, refusal=refusal, saved=saved), refusal.status


@bp.post("/<uuid:notification_id>/renewal")
@requires(Permission.PREPARE_NOTIFICATION)
def renew(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    """Bring the draft up to the latest facts; what people wrote stays."""
    with transaction():
        incident = locked_incident(incident_id)
        authority_notification.renew(
            incident, authority_notification.of(incident, notification_id),
            seen=request.form.get("seen", ""), by=current_staff(), now=utcnow(),
        )  # fmt: skip
    flash(_("The draft follows the latest facts. What people wrote into it was kept."), "success")
    return back(incident_id, notification_id)
