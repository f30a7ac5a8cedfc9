"""Pages of what authorities are told: draft, text, approval, filing, proof, and a print view."""

from datetime import datetime
from io import BytesIO
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, requires
from foundation import locales
from foundation.database import db, transaction, utcnow
from foundation.errors import Invalid, Missing
from incident import authorities, authority_notification, neighbours, packs, related
from incident.access import locked_incident, visible_incident
from incident.authority_notification import Filing, Proof
from incident.forms.fields import Sheet, sheet_of
from incident.models import AuthorityNotification, Duty, Incident

bp = Blueprint(
    "authority_notifications", __name__, url_prefix="/incidents/<uuid:incident_id>/authority-notifications"
)


@bp.get("")
@requires(Permission.SEE_INCIDENTS)
def index(incident_id: UUID) -> ResponseReturnValue:
    """The authorities that are owed a notification, and what there is for each."""
    incident = visible_incident(incident_id)
    drafts = {each.duty_id: each for each in authority_notification.of_incident(incident)}
    return render_template(
        "incident/notifications.html", incident=incident, now=utcnow(), drafts=drafts,
        duties=(duties := authority_notification.duties_of(incident)), authority=authorities.by_key,
        reasons={each.id: neighbours.reasons_of(each) for each in duties},
    )  # fmt: skip


@bp.post("")
@requires(Permission.PREPARE_NOTIFICATION)
def draft(incident_id: UUID) -> ResponseReturnValue:
    """Draft the notification of one duty; pressed twice, there is one."""
    with transaction():
        incident = locked_incident(incident_id)
        duty = authority_notification.duty_of(incident, _id("duty"))
        made = authority_notification.draft(incident, duty, by=current_staff(), now=utcnow())
    return _back(incident_id, made.id)


def _id(name: str) -> UUID:
    try:
        return UUID(request.form.get(name, ""))
    except ValueError:
        raise Missing(_("The form does not say which.")) from None


@bp.get("/<uuid:notification_id>")
@requires(Permission.SEE_INCIDENTS)
def show(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    """The notification as a document, beside what it leaves open."""
    incident = visible_incident(incident_id)
    return _page(incident, authority_notification.of(incident, notification_id), Sheet())


def _page(
    incident: Incident, notification: AuthorityNotification, sheet: Sheet, refusal: Invalid | None = None
) -> ResponseReturnValue:
    now = utcnow()
    page = render_template(
        "incident/notification.html", **_shown(incident, notification, now), now=now, sheet=sheet,
        refusal=refusal, newer=notification.facts_number < incident.facts_number,
    )  # fmt: skip
    return page, refusal.status if refusal else 200


def _shown(incident: Incident, notification: AuthorityNotification, now: datetime) -> dict[str, Any]:
    points = authority_notification.open_points(notification, at=notification.filed_at or now)
    return {
        "incident": incident, "notification": notification, "content": notification.content,
        "duty": db.session.get_one(Duty, notification.duty_id), "points": points,
        "labels": {each["key"]: each["label"] for each in packs.fields(notification.content)},
        "authority": authorities.by_key(notification.authority),
        "blocked": [each for each in points if not each.to_follow],
    }  # fmt: skip


@bp.get("/<uuid:notification_id>/text")
@requires(Permission.PREPARE_NOTIFICATION)
def text(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    """The text, to be edited."""
    incident = visible_incident(incident_id)
    notification = authority_notification.of(incident, notification_id)
    return render_template(
        "incident/notification_text.html", **_shown(incident, notification, utcnow()),
        may_follow=packs.may_follow(), always=packs.ALWAYS,
    )  # fmt: skip


@bp.post("/<uuid:notification_id>/text")
@requires(Permission.PREPARE_NOTIFICATION)
def edit(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    """Save what was edited; an approval of another text is void."""
    with transaction():
        incident = locked_incident(incident_id)
        changed = authority_notification.edit(
            incident, authority_notification.of(incident, notification_id), request.form.to_dict(),
            to_follow=frozenset(request.form.getlist("to_follow")), seen=request.form.get("seen", ""),
            by=current_staff(), now=utcnow(),
        )  # fmt: skip
    flash(_("Saved.") if changed else _("Nothing was changed."), "success")
    return _back(incident_id, notification_id)


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
    return _back(incident_id, notification_id)


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
    return _back(incident_id, notification_id)


@bp.post("/<uuid:notification_id>/filing")
@requires(Permission.FILE_NOTIFICATION)
def file(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    """Record the filing; what cannot be is shown with what was typed."""
    sheet = sheet_of(request.form)
    try:
        with transaction():
            visible_incident(incident_id)
            incident = related.locked(incident_id)  # with those that carry it: they are told in part
            notification = authority_notification.of(incident, notification_id)
            filing = _filing(sheet)
            authority_notification.file(incident, notification, filing, by=current_staff(), now=utcnow())
    except Invalid as refusal:
        incident = visible_incident(incident_id)
        return _page(incident, authority_notification.of(incident, notification_id), sheet, refusal)
    _warn_of_number(notification)
    flash(_("Filed. How early or late it was is frozen; the proof is kept."), "success")
    return _back(incident_id, notification_id)


def _filing(sheet: Sheet) -> Filing:
    at = sheet.time("filed_at", locales.zone())
    if at is None:
        said = " ".join(sheet.faults.get("filed_at", [])) or _("Say when it was filed.")
        raise Invalid(said, next_step=_("Local time, as the authority's receipt has it."))
    return Filing(
        channel=sheet.one("channel") or "portal", filed_at=at, why_later=sheet.one("why_later"),
        case_number=sheet.one("case_number"), why_no_number=sheet.one("why_no_number"), receipt=_receipt(),
    )  # fmt: skip


def _receipt() -> Proof | None:
    sent = request.files.get("receipt")
    if sent is None or not sent.filename:
        return None
    return Proof(sent.filename, sent.read())


def _warn_of_number(notification: AuthorityNotification) -> None:
    known = authorities.by_key(notification.authority)
    number, pattern = notification.case_number, known.case_number if known else None
    if number and pattern and not pattern.looks_right(number):
        flash(
            _("The case number is not written as usual, such as %(example)s. Check it for slips.",
              example=pattern.example), "warning",
        )  # fmt: skip


@bp.post("/<uuid:notification_id>/proof")
@requires(Permission.FILE_NOTIFICATION)
def keep_proof(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    """Add the case number or the receipt that came later."""
    with transaction():
        incident = locked_incident(incident_id)
        notification = authority_notification.of(incident, notification_id)
        authority_notification.keep_proof(
            incident, notification, case_number=request.form.get("case_number", ""), receipt=_receipt(),
            by=current_staff(), now=utcnow(),
        )  # fmt: skip
    _warn_of_number(notification)
    flash(_("The proof is kept."), "success")
    return _back(incident_id, notification_id)


def _back(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    return redirect(url_for(".show", incident_id=incident_id, notification_id=notification_id), 303)


@bp.get("/<uuid:notification_id>/receipt")
@requires(Permission.SEE_INCIDENTS)
def receipt(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    """The receipt as it was uploaded; always a download, never shown in the page."""
    notification = authority_notification.of(visible_incident(incident_id), notification_id)
    if notification.receipt is None:
        raise Missing(_("There is no receipt."))
    return send_file(
        BytesIO(notification.receipt), mimetype="application/octet-stream", as_attachment=True,
        download_name=notification.receipt_name, etag=False,
    )  # fmt: skip


@bp.get("/<uuid:notification_id>/print")
@requires(Permission.SEE_INCIDENTS)
def printed(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    """The document alone, for paper or a PDF printer; all of it in the language of the authority."""
    incident = visible_incident(incident_id)
    shown = _shown(incident, authority_notification.of(incident, notification_id), utcnow())
    with force_locale(shown["content"]["locale"]):
        return render_template("incident/notification_print.html", **shown)
