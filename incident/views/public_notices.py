"""Pages of public notices: reason, texts, approval, places with their days and proof, the text to copy."""

from datetime import date
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
from incident import clocks, decisions, letters, meeting, public_notices
from incident.access import locked_incident, visible_incident
from incident.communication_texts import drafts, parts
from incident.forms.fields import sheet_of
from incident.models import Incident, PublicNotice
from incident.public_notices import Place, texts

bp = Blueprint("public_notices", __name__, url_prefix="/incidents/<uuid:incident_id>/public-notices")


@bp.get("")
@requires(Permission.SEE_INCIDENTS)
def index(incident_id: UUID) -> ResponseReturnValue:
    """The public notices of an incident, and the form to begin one."""
    incident = visible_incident(incident_id)
    catalog = letters.catalog()
    return render_template(
        "incident/public_notices.html", incident=incident, now=utcnow(),
        notices=[(each, public_notices.places_of(each)) for each in public_notices.of_incident(incident)],
        duties=meeting.duties_of(incident, texts.DUTY),
        kinds=[(each, catalog.text(each, locales.current(), "name")) for each in catalog.kinds],
        kind=letters.kind_of(clocks.current_facts(incident)),
    )  # fmt: skip


@bp.post("")
@requires(Permission.PREPARE_COMMUNICATION)
def create(incident_id: UUID) -> ResponseReturnValue:
    """Begin a public notice; pressed twice, there is one."""
    with transaction():
        incident = locked_incident(incident_id)
        kind = request.form.get("kind", "")
        made = public_notices.create(incident, kind=kind, by=current_staff(), now=utcnow())
    return _back(incident_id, made.id)


def _back(incident_id: UUID, notice_id: UUID, anchor: str | None = None) -> ResponseReturnValue:
    where = url_for(".show", incident_id=incident_id, public_notice_id=notice_id, _anchor=anchor)
    return redirect(where, 303)


@bp.get("/<uuid:public_notice_id>")
@requires(Permission.SEE_INCIDENTS)
def show(incident_id: UUID, public_notice_id: UUID) -> ResponseReturnValue:
    """Where it stands, what it lacks, and the proof of each place."""
    incident, now = visible_incident(incident_id), utcnow()
    notice = public_notices.of(incident, public_notice_id)
    return render_template(
        "incident/public_notice.html", incident=incident, notice=notice, now=now, kinds=public_notices.KINDS,
        stands=public_notices.places_of(notice), findings=public_notices.findings(incident, notice, now=now),
        today=locales.local(now, locales.zone()).date(), languages=locales.LOCALES,
        may_write=not any(each.seen_at for each in public_notices.places_of(notice)),
        decided=decisions.in_public(incident),
    )  # fmt: skip


@bp.post("/<uuid:public_notice_id>/why")
@requires(Permission.PREPARE_COMMUNICATION)
def why(incident_id: UUID, public_notice_id: UUID) -> ResponseReturnValue:
    """Say why telling each is out of proportion."""
    with transaction():
        incident, notice = _locked(incident_id, public_notice_id)
        public_notices.set_why(
            incident, notice, request.form.get("why", ""), seen=request.form.get("seen", ""),
            by=current_staff(), now=utcnow(),
        )  # fmt: skip
    return _back(incident_id, public_notice_id)


def _locked(incident_id: UUID, public_notice_id: UUID) -> tuple[Incident, PublicNotice]:
    incident = locked_incident(incident_id)
    return incident, public_notices.of(incident, public_notice_id)


@bp.get("/<uuid:public_notice_id>/texts/<locale>")
@requires(Permission.SEE_INCIDENTS)
def text(incident_id: UUID, public_notice_id: UUID, locale: str) -> ResponseReturnValue:
    """The text of one language: to be written while it may change, to be copied always."""
    incident, now = visible_incident(incident_id), utcnow()
    notice = public_notices.of(incident, public_notice_id)
    _refuse_unwritten(notice, locale)
    return render_template(
        "incident/public_notice_text.html", incident=incident, notice=notice, locale=locale,
        labels=parts.LABELS, parts=drafts.PARTS, one_line=drafts.ONE_LINE,
        document=public_notices.document(notice, locale),
        findings=[e for e in public_notices.findings(incident, notice, now=now) if e.locale == locale],
        may_write=not any(each.seen_at for each in public_notices.places_of(notice)),
    )  # fmt: skip


def _refuse_unwritten(notice: PublicNotice, locale: str) -> None:
    if locale not in notice.texts:
        raise Missing(_("The notice is not written in this language."))


@bp.post("/<uuid:public_notice_id>/texts/<locale>")
@requires(Permission.PREPARE_COMMUNICATION)
def write(incident_id: UUID, public_notice_id: UUID, locale: str) -> ResponseReturnValue:
    """Write the text of one language."""
    with transaction():
        incident, notice = _locked(incident_id, public_notice_id)
        _refuse_unwritten(notice, locale)
        public_notices.set_text(
            incident, notice, locale, request.form, seen=request.form.get("seen", ""), by=current_staff(),
            now=utcnow(),
        )  # fmt: skip
    return _back(incident_id, public_notice_id)


@bp.post("/<uuid:public_notice_id>/languages")
@requires(Permission.PREPARE_COMMUNICATION)
def add_language(incident_id: UUID, public_notice_id: UUID) -> ResponseReturnValue:
    """Draft it in one more language."""
    with transaction():
        incident, notice = _locked(incident_id, public_notice_id)
        public_notices.add_language(
            incident, notice, request.form.get("language", ""), seen=request.form.get("seen", ""),
            by=current_staff(), now=utcnow(),
        )  # fmt: skip
    return _back(incident_id, public_notice_id)


@bp.get("/<uuid:public_notice_id>/print/<locale>")
@requires(Permission.SEE_INCIDENTS)
def printed(incident_id: UUID, public_notice_id: UUID, locale: str) -> ResponseReturnValue:
    """The notice alone on a page, to be printed, saved as PDF, or handed to a newspaper."""
    incident = visible_incident(incident_id)
    notice = public_notices.of(incident, public_notice_id)
    _refuse_unwritten(notice, locale)
    catalog = letters.catalog()
    return render_template(
        "incident/public_notice_print.html", incident=incident, notice=notice, locale=locale,
        told=drafts.context(catalog, notice.texts[locale], locale, ""), parts=notice.texts[locale],
        heading=catalog.shared(locale, "headings.contact"),
    )  # fmt: skip


@bp.post("/<uuid:public_notice_id>/approval")
@requires(Permission.APPROVE_COMMUNICATION)
def approve(incident_id: UUID, public_notice_id: UUID) -> ResponseReturnValue:
    """Stand behind reason and texts as the second person."""
    with transaction():
        incident, notice = _locked(incident_id, public_notice_id)
        public_notices.approve(
            incident, notice, seen=request.form.get("seen", ""), by=current_staff(), now=utcnow()
        )
    return _back(incident_id, public_notice_id)


@bp.post("/<uuid:public_notice_id>/places")
@requires(Permission.PREPARE_COMMUNICATION)
def add_place(incident_id: UUID, public_notice_id: UUID) -> ResponseReturnValue:
    """Plan a place."""
    form = request.form
    try:
        begins, ends = (date.fromisoformat(form.get(each, "")) for each in ("from", "to"))
    except ValueError:
        raise Invalid(_("Say from which to which day it stands there.")) from None
    with transaction():
        incident, notice = _locked(incident_id, public_notice_id)
        public_notices.add(
            incident, notice, Place(form.get("kind", ""), form.get("name", ""), begins, ends),
            by=current_staff(), now=utcnow(),
        )  # fmt: skip
    return _back(incident_id, public_notice_id, "places")


@bp.post("/<uuid:public_notice_id>/places/<uuid:place_id>/proof")
@takes_files(public_notices.MOST_BYTES)
@requires(Permission.PREPARE_COMMUNICATION)
def prove(incident_id: UUID, public_notice_id: UUID, place_id: UUID) -> ResponseReturnValue:
    """Keep the proof that it was seen at a place."""
    sheet, sent = sheet_of(request.form), request.files.get("proof")
    seen_at = sheet.time("seen_at", locales.zone())
    if seen_at is None:
        faults = " ".join(sheet.faults.get("seen_at", []))
        raise Invalid(
            faults or _("Say when it was seen."), next_step=_("Local time, as exactly as is known.")
        )
    with transaction():
        incident, notice = _locked(incident_id, public_notice_id)
        public_notices.prove(
            incident, notice, public_notices.place_of(notice, place_id), seen_at=seen_at,
            file_name=(sent.filename or "") if sent else "", data=sent.read() if sent else b"",
            by=current_staff(), now=utcnow(),
        )  # fmt: skip
        met = notice.met_at is not None
    flash(
        _("Kept. It was seen everywhere.") if met else _("Kept. Other places still want a proof."), "success"
    )
    return _back(incident_id, public_notice_id, "places")


@bp.get("/<uuid:public_notice_id>/places/<uuid:place_id>/proof")
@requires(Permission.SEE_INCIDENTS)
def proof(incident_id: UUID, public_notice_id: UUID, place_id: UUID) -> ResponseReturnValue:
    """A proof as it was uploaded; always a download, never shown in the page."""
    notice = public_notices.of(visible_incident(incident_id), public_notice_id)
    place = public_notices.place_of(notice, place_id)
    if place.proof is None:
        raise Missing(_("No proof of this place is kept."))
    return send_file(
        BytesIO(place.proof), mimetype="application/octet-stream", as_attachment=True,
        download_name=place.proof_name, etag=False,
    )  # fmt: skip


@bp.post("/<uuid:public_notice_id>/places/<uuid:place_id>/removal")
@requires(Permission.PREPARE_COMMUNICATION)
def remove(incident_id: UUID, public_notice_id: UUID, place_id: UUID) -> ResponseReturnValue:
    """Take a place out before it was seen."""
    with transaction():
        incident, notice = _locked(incident_id, public_notice_id)
        place = public_notices.place_of(notice, place_id)
        why = request.form.get("why", "")
        public_notices.remove(incident, notice, place, why=why, by=current_staff(), now=utcnow())
    return _back(incident_id, public_notice_id, "places")
