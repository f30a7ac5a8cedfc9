"""Letters between an authority and us about an incident: what it asks, what we answered, kept as it was."""

from datetime import datetime
from io import BytesIO
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, may, requires
from foundation import locales
from foundation.database import transaction, utcnow
from foundation.errors import Invalid, Missing, NotAllowed
from foundation.http import takes_files
from incident import correspondence
from incident.access import locked_incident, visible_incident
from incident.correspondence import Written
from incident.forms import words
from incident.forms.fields import Sheet, sheet_of
from incident.models import ABOUT_ANOTHER, CHANNELS, OURS, Incident, LetterKind

bp = Blueprint("correspondence", __name__, url_prefix="/incidents/<uuid:incident_id>/correspondence")
END_OF_DAY = "T23:59"  # a letter names a day; until its last minute, local time, the answer is in time


@bp.get("")
@requires(Permission.SEE_INCIDENTS)
def index(incident_id: UUID) -> ResponseReturnValue:
    """What wants an answer, by its date, then every letter."""
    incident = visible_incident(incident_id)
    return render_template(
        "incident/letters.html", incident=incident, now=utcnow(), words=words,
        threads=correspondence.threads(incident), letters=correspondence.of_incident(incident),
    )  # fmt: skip


@bp.get("/new")
@requires(Permission.PREPARE_NOTIFICATION)
def new(incident_id: UUID) -> ResponseReturnValue:
    """The form for a letter; the address may name its kind and what it is about."""
    incident = visible_incident(incident_id)
    sheet = Sheet()
    for name in ("kind", "about", "authority"):
        if told := request.args.get(name):
            sheet.typed[name] = [told]
    about = next(
        (e for e in correspondence.threads(incident) if str(e.letter.id) == sheet.one("about")), None
    )
    if about:
        sheet.typed["authority"] = [about.letter.authority]
    return _form(incident, sheet)


def _form(incident: Incident, sheet: Sheet, refusal: Invalid | None = None) -> ResponseReturnValue:
    threads = correspondence.threads(incident)
    kinds = [k for k in LetterKind if k not in ABOUT_ANOTHER or _may_end(threads)]
    page = render_template(
        "incident/letter_new.html", incident=incident, sheet=sheet, refusal=refusal, words=words,
        authorities=correspondence.authorities_of(incident), kinds=kinds, channels=CHANNELS,
        threads=[each for each in threads if each.is_open],
    )  # fmt: skip
    return page, refusal.status if refusal else 200


def _may_end(threads: list[correspondence.Thread]) -> bool:
    return any(each.is_open for each in threads) and may(current_staff(), Permission.FILE_NOTIFICATION)


@bp.post("/new")
@takes_files(correspondence.MOST_BYTES)
@requires(Permission.PREPARE_NOTIFICATION)
def keep(incident_id: UUID) -> ResponseReturnValue:
    """Keep a letter; what cannot be is shown with what was typed."""
    sheet = sheet_of(request.form)
    try:
        with transaction():
            incident = locked_incident(incident_id)
            written = _written(sheet)
            _check_right(written)
            correspondence.keep(incident, written, by=current_staff(), now=utcnow())
    except Invalid as refusal:
        return _form(visible_incident(incident_id), sheet, refusal)
    flash(_("Kept. What it asks for is owed from now on; what it answers is answered."), "success")
    return redirect(url_for(".index", incident_id=incident_id), 303)


def _check_right(written: Written) -> None:
    """What ends or moves a duty towards an authority takes the right to file."""
    if written.kind in ABOUT_ANOTHER and not may(current_staff(), Permission.FILE_NOTIFICATION):
        raise NotAllowed(
            _("Your role does not allow this."),
            next_step=_("Ask a colleague who may file with the authority to keep this letter."),
        )


def _written(sheet: Sheet) -> Written:
    zone = locales.zone()
    try:
        kind = LetterKind(sheet.one("kind"))
        about = UUID(sheet.one("about")) if sheet.one("about") and kind in ABOUT_ANOTHER else None
    except ValueError:
        raise Invalid(_("Say what kind of letter it is.")) from None
    if (day := sheet.one("due_on").strip()) and kind not in OURS:
        sheet.typed["due"] = [day + END_OF_DAY]
    due_at, at = _time(sheet, "due", zone), _time(sheet, "written_at", zone)
    if at is None:
        raise Invalid(_("Say when it came or went."), next_step=_("Local time, as exactly as is known."))
    sent = request.files.get("file")
    there = sent is not None and bool(sent.filename)
    return Written(
        sheet.one("authority"), kind, sheet.one("channel"), at, sheet.one("subject"), sheet.one("text"),
        sheet.one("reference"), due_at, about, (sent.filename or "") if sent and there else "",
        sent.read() if sent and there else b"",
    )  # fmt: skip


def _time(sheet: Sheet, name: str, zone: str) -> datetime | None:
    at = sheet.time(name, zone)
    if faults := sheet.faults.get(name):
        raise Invalid(" ".join(faults))
    return at


@bp.get("/<uuid:letter_id>/file")
@requires(Permission.SEE_INCIDENTS)
def file(incident_id: UUID, letter_id: UUID) -> ResponseReturnValue:
    """The letter as it was uploaded; always a download, never shown in the page."""
    letter = correspondence.of(visible_incident(incident_id), letter_id)
    if letter.file is None:
        raise Missing(_("No file was kept with this letter."))
    return send_file(
        BytesIO(letter.file), mimetype="application/octet-stream", as_attachment=True,
        download_name=letter.file_name, etag=False,
    )  # fmt: skip
