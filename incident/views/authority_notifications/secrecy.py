"""The step before approval where a filing becomes a public record: what is claimed to be secret."""

from collections.abc import Mapping
from uuid import UUID

from flask import flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, requires
from foundation.database import transaction, utcnow
from foundation.errors import Invalid
from incident import authority_notification, packs
from incident.access import locked_incident, visible_incident
from incident.forms.fields import Sheet, sheet_of
from incident.models import AuthorityNotification, Incident
from incident.views.authority_notifications.blueprint import back, bp, shown

NONE = "none"


@bp.get("/<uuid:notification_id>/secrecy")
@requires(Permission.PREPARE_NOTIFICATION)
def secrecy(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    """What anybody will be able to read, to be ticked where nobody should."""
    incident = visible_incident(incident_id)
    notification = authority_notification.of(incident, notification_id)
    return _page(incident, notification, _said(packs.answer(notification.content, packs.CLAIMS)))


def _said(claims: list[Mapping[str, str]] | str | None) -> Sheet:
    """What was said before, as it would be ticked and typed."""
    rows = claims if isinstance(claims, list) else []
    typed = {f"why.{each['field']}": [each["reason"]] for each in rows}
    return Sheet(typed={"field": [each["field"] for each in rows], **typed})


def _page(
    incident: Incident, notification: AuthorityNotification, sheet: Sheet, refusal: Invalid | None = None
) -> ResponseReturnValue:
    page = render_template(
        "incident/notification_secrecy.html", **shown(incident, notification, utcnow()), sheet=sheet,
        refusal=refusal, said=packs.answer(notification.content, packs.CLAIMS),
    )  # fmt: skip
    return page, refusal.status if refusal else 200


@bp.post("/<uuid:notification_id>/secrecy")
@requires(Permission.PREPARE_NOTIFICATION)
def claim(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    """Keep for which answers secrecy is claimed and why, or that it is for none."""
    sheet = sheet_of(request.form)
    try:
        with transaction():
            incident = locked_incident(incident_id)
            notification = authority_notification.of(incident, notification_id)
            authority_notification.claim_secrecy(
                incident, notification, _claims(sheet), seen=sheet.one("seen"), by=current_staff(),
                now=utcnow(),
            )  # fmt: skip
    except Invalid as refusal:
        if isinstance(refusal, packs.NotTaken):
            sheet.faults = refusal.faults
        incident = visible_incident(incident_id)
        return _page(incident, authority_notification.of(incident, notification_id), sheet, refusal)
    flash(_("Kept: what secrecy is claimed for stands in the notification."), "success")
    return back(incident_id, notification_id)


def _claims(sheet: Sheet) -> dict[str, str]:
    """Why, by the keys of the fields that are ticked. Raises: Invalid while it is not said which."""
    keys, none = sheet.all("field"), sheet.one("claims") == NONE
    if none == bool(keys):
        raise Invalid(
            _("It is not said what secrecy is claimed for."),
            next_step=_("Tick the answers, or say that it is for none."),
        )
    return {key: sheet.one(f"why.{key}") for key in keys}
