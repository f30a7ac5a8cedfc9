"""Pages of a filing: record it, add what comes back, and take away what was filed byte by byte."""

from io import BytesIO
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, requires
from foundation import locales
from foundation.database import transaction, utcnow
from foundation.errors import Invalid, Missing
from foundation.http import takes_files
from incident import authorities, authority_notification, filed, related
from incident.access import locked_incident, visible_incident
from incident.authority_notification import Filing, Later, Proof, Unexplained, Unusual, mailed, receipts
from incident.forms.fields import Sheet, sheet_of
from incident.forms.filings import begun

bp = Blueprint(
    "filings", __name__,
    url_prefix="/incidents/<uuid:incident_id>/authority-notifications/<uuid:notification_id>",
)  # fmt: skip
bp.add_app_template_global(filed.filing_of, "filing_of")
bp.add_app_template_global(
    lambda: [each.value for each in authority_notification.CHANNELS], "filing_channels"
)
bp.add_app_template_global(
    lambda notification: authority_notification.is_unexplained(notification, at=utcnow()), "is_unexplained"
)
bp.add_app_template_global(authority_notification.written_down, "reasons_written_down")


@bp.get("/filing")
@requires(Permission.SEE_INCIDENTS)
def show(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    """The filing alone: the form to record it, or what was recorded and what came back."""
    return _page(incident_id, notification_id)


def _page(
    incident_id: UUID, notification_id: UUID, typed: Sheet | None = None, refusal: Invalid | None = None
) -> ResponseReturnValue:
    incident = visible_incident(incident_id)
    notification = authority_notification.of(incident, notification_id)
    sheet = typed or begun(mailed.under_way(incident, notification), locales.zone())
    page = render_template(
        "incident/filing.html", incident=incident, notification=notification, sheet=sheet, refusal=refusal,
        authority=authorities.by_key(notification.authority), unusual=isinstance(refusal, Unusual),
        unexplained=isinstance(refusal, Unexplained),
    )  # fmt: skip
    return page, refusal.status if refusal else 200


@bp.post("/filing")
@takes_files(receipts.MOST_BYTES)
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
        return _page(incident_id, notification_id, sheet, refusal)
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
        confirmed=bool(sheet.one("confirmed")), why_late=sheet.one("why_late"), delay=sheet.one("delay"),
    )  # fmt: skip


def _receipt() -> Proof | None:
    sent = request.files.get("receipt")
    if sent is None or not sent.filename:
        return None
    return Proof(sent.filename, sent.read())


@bp.post("/proofs")
@takes_files(receipts.MOST_BYTES)
@requires(Permission.FILE_NOTIFICATION)
def keep_proof(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    """Add the case number or a receipt that came later; what cannot be is shown with what was typed."""
    sheet = sheet_of(request.form)
    later = Later(
        sheet.one("case_number"), _receipt(), why=sheet.one("why"), confirmed=bool(sheet.one("confirmed"))
    )
    try:
        with transaction():
            incident = locked_incident(incident_id)
            notification = authority_notification.of(incident, notification_id)
            authority_notification.keep_proof(incident, notification, later, by=current_staff(), now=utcnow())
    except Invalid as refusal:
        return _page(incident_id, notification_id, sheet, refusal)
    flash(_("The proof is kept."), "success")
    return _back(incident_id, notification_id)


def _back(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    page = "authority_notifications.show"
    return redirect(url_for(page, incident_id=incident_id, notification_id=notification_id), 303)


# --- what is kept ---------------------------------------------------------------------------------


@bp.get("/proofs/<uuid:proof_id>")
@requires(Permission.SEE_INCIDENTS)
def receipt(incident_id: UUID, notification_id: UUID, proof_id: UUID) -> ResponseReturnValue:
    """A receipt as it was uploaded; always a download, never shown in the page."""
    notification = authority_notification.of(visible_incident(incident_id), notification_id)
    kept = filed.receipt_of(notification, proof_id)
    return _download(kept.data, kept.name or "receipt")


@bp.get("/filed.pdf")
@requires(Permission.SEE_INCIDENTS)
def filed_pdf(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    """The pack for people, byte by byte as it was filed."""
    row, name = _filed(incident_id, notification_id)
    return _download(row.filing.pack_pdf, f"{name}.pdf")


@bp.get("/filed.json")
@requires(Permission.SEE_INCIDENTS)
def filed_json(incident_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    """The pack for machines, byte by byte as it was filed."""
    row, name = _filed(incident_id, notification_id)
    return _download(row.filing.pack_json, f"{name}.json")


def _filed(incident_id: UUID, notification_id: UUID) -> tuple[filed.Filed, str]:
    incident = visible_incident(incident_id)
    found = filed.filing_of(authority_notification.of(incident, notification_id))
    if found is None:
        raise Missing(_("This notification was not filed."))
    return found, f"{incident.number}-{found.filing.authority}-{found.filing.number}"


def _download(data: bytes | None, name: str) -> ResponseReturnValue:
    if data is None:
        raise Missing(_("No such file is kept with this filing."))
    return send_file(
        BytesIO(data), mimetype="application/octet-stream", as_attachment=True, download_name=name, etag=False
    )
