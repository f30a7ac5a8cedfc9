"""Pages of letters on paper: runs made for a printer, their files, the day they were posted."""

import zipfile
from collections.abc import Iterator
from datetime import date
from io import BytesIO, RawIOBase
from typing import Final
from uuid import UUID

from flask import (
    Blueprint,
    Response,
    flash,
    redirect,
    render_template,
    request,
    send_file,
    stream_with_context,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.models import Organisation
from accounts.permissions import Permission, current_staff, requires
from foundation.database import acting_for, db, transaction, utcnow
from foundation.errors import Invalid, Missing
from incident import contact_data, letter_posting, letter_runs, subject_communication
from incident.access import locked_incident, visible_incident
from incident.lists.keys import Key, key_of
from incident.models import Incident, LetterRun, LetterRunFile, RunState

bp = Blueprint("letter_runs", __name__, url_prefix="/incidents/<uuid:incident_id>/letters")
REFRESH: Final = 5  # seconds, only while a run is made
MANIFEST: Final = "manifest.json"
TYPES: Final = {"letters": "application/pdf", "sheet_pdf": "application/pdf", "sheet_csv": "text/csv"}


@bp.get("")
@requires(Permission.SEE_INCIDENTS)
def index(incident_id: UUID) -> ResponseReturnValue:
    """How many letters wait by communication, every run, and how far one is that is being made."""
    incident, now = visible_incident(incident_id), utcnow()
    communications = [
        each for each in subject_communication.of_incident(incident) if each.state in ("sending", "complete")
    ]
    runs = letter_posting.of_incident(incident)
    country = db.session.get_one(Organisation, incident.organisation_id).country
    common = letter_runs.common_in(country)
    page = render_template(
        "incident/letter_runs.html", incident=incident, now=now, runs=runs, refresh=REFRESH,
        waiting=[(each, letter_posting.waiting(each)) for each in communications],
        windows=[*common, *(each for each in letter_runs.all_windows() if each not in common)],
    )  # fmt: skip
    moving = any(run.state == RunState.MAKING for _communication, run in runs)
    return page, {"Refresh": str(REFRESH)} if moving and not request.args.get("steady") else {}


@bp.post("")
@requires(Permission.PREPARE_COMMUNICATION)
def make(incident_id: UUID) -> ResponseReturnValue:
    """Have the letters that wait made into a run; pressed twice, there is one."""
    try:
        communication_id = UUID(request.form.get("communication", ""))
    except ValueError:
        raise Missing(_("There is no such communication.")) from None
    with transaction():
        incident = locked_incident(incident_id)
        communication = subject_communication.of(incident, communication_id)
        run = letter_posting.make(
            incident, communication, window=request.form.get("window", ""), by=current_staff(), now=utcnow()
        )
    return redirect(url_for(".show", incident_id=incident_id, run_id=run.id), 303)


@bp.get("/<uuid:run_id>")
@requires(Permission.SEE_INCIDENTS)
def show(incident_id: UUID, run_id: UUID) -> ResponseReturnValue:
    """One run: how far it is, its files with counts and hashes, what was posted when."""
    incident = visible_incident(incident_id)
    communication, run = letter_posting.of(incident, run_id)
    page = render_template(
        "incident/letter_run.html", incident=incident, communication=communication, run=run, now=utcnow(),
        files=letter_posting.files_of(run), there=contact_data.is_there(incident.id), why=letter_posting.WHY,
        refresh=REFRESH,
    )  # fmt: skip
    moving = run.state == RunState.MAKING and not request.args.get("steady")
    return page, {"Refresh": str(REFRESH)} if moving else {}


@bp.get("/<uuid:run_id>/files/<uuid:run_file_id>")
@requires(Permission.SEE_RECIPIENTS)
def file(incident_id: UUID, run_id: UUID, run_file_id: UUID) -> ResponseReturnValue:
    """One file of a run as it was made; always a download."""
    incident = visible_incident(incident_id)
    _communication, run = letter_posting.of(incident, run_id)
    found = letter_posting.file_of(run, run_file_id)
    _note(incident_id, run_id, found.name)
    return send_file(
        BytesIO(letter_posting.opened(incident, found)), mimetype=TYPES.get(found.kind), as_attachment=True,
        download_name=found.name, etag=False,
    )  # fmt: skip


@bp.get("/<uuid:run_id>/manifest")
@requires(Permission.SEE_INCIDENTS)
def manifest(incident_id: UUID, run_id: UUID) -> ResponseReturnValue:
    """What a run is made of, as JSON: counts and hashes, and nobody's name."""
    _communication, run = letter_posting.of(visible_incident(incident_id), run_id)
    _refuse_unmade(run)
    return send_file(
        BytesIO(letter_posting.manifest_of(run)), mimetype="application/json", as_attachment=True,
        download_name=MANIFEST, etag=False,
    )  # fmt: skip


@bp.get("/<uuid:run_id>/zip")
@requires(Permission.SEE_RECIPIENTS)
def everything(incident_id: UUID, run_id: UUID) -> ResponseReturnValue:
    """All files of a run with the manifest as one ZIP, made while it is sent: one file is held at a time."""
    incident = visible_incident(incident_id)
    _communication, run = letter_posting.of(incident, run_id)
    _refuse_unmade(run)
    name = f"{incident.number}-letters-run-{run.number}.zip"
    _note(incident_id, run_id, name)
    zipped = _zipped(incident, run, letter_posting.files_of(run), key_of(incident.id))
    return Response(
        stream_with_context(zipped), mimetype="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )  # fmt: skip


def _refuse_unmade(run: LetterRun) -> None:
    if run.state != RunState.MADE:
        raise Missing(_("This run is not made yet."), next_step=_("Wait until all of its files are there."))


def _note(incident_id: UUID, run_id: UUID, name: str) -> None:
    """Write down who took addresses away; the name of a file names nobody."""
    with transaction():
        incident = locked_incident(incident_id)
        _communication, run = letter_posting.of(incident, run_id)
        letter_posting.note_taken(incident, run, name, by=current_staff(), now=utcnow())


class _Sink(RawIOBase):
    """What a ZIP is written into: bytes that are taken out again at once, and never sought in."""

    def __init__(self) -> None:
        super().__init__()
        self._kept = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        told = bytes(data)  # type: ignore[call-overload]
        self._kept += told
        return len(told)

    def taken(self) -> bytes:
        told = bytes(self._kept)
        self._kept.clear()
        return told


def _zipped(incident: Incident, run: LetterRun, files: list[LetterRunFile], key: Key) -> Iterator[bytes]:
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as made:
        made.writestr(_entry(run, MANIFEST), letter_posting.manifest_of(run))
        for each in files:
            with acting_for(incident.organisation_id):  # the request may be over by now
                data = letter_posting.opened(incident, each, key)
            made.writestr(_entry(run, each.name), data)
            del data
            yield sink.taken()
    yield sink.taken()


def _entry(run: LetterRun, name: str) -> zipfile.ZipInfo:
    at = run.made_at
    return zipfile.ZipInfo(name, (at.year, at.month, at.day, at.hour, at.minute, at.second))


@bp.post("/<uuid:run_id>/posted")
@requires(Permission.PREPARE_COMMUNICATION)
def posted(incident_id: UUID, run_id: UUID) -> ResponseReturnValue:
    """Record the day a run was handed to the post, or correct it with a reason."""
    try:
        on = date.fromisoformat(request.form.get("on", ""))
    except ValueError:
        raise Invalid(_("Say on which day the letters were posted.")) from None
    with transaction():
        incident = locked_incident(incident_id)
        _communication, run = letter_posting.of(incident, run_id)
        letter_posting.post(
            incident, run, on=on, carrier=request.form.get("carrier", ""), why=request.form.get("why", ""),
            by=current_staff(), now=utcnow(),
        )  # fmt: skip
    flash(
        _("Recorded. Its letters count as posted on that day, which is not yet that they were read."),
        "success",
    )
    return redirect(url_for(".show", incident_id=incident_id, run_id=run_id), 303)


@bp.post("/<uuid:run_id>/taken-back")
@requires(Permission.PREPARE_COMMUNICATION)
def take_back(incident_id: UUID, run_id: UUID) -> ResponseReturnValue:
    """A run that was never posted is taken back; its letters wait again."""
    with transaction():
        incident = locked_incident(incident_id)
        _communication, run = letter_posting.of(incident, run_id)
        why = request.form.get("why", "")
        letter_posting.take_back(incident, run, why=why, by=current_staff(), now=utcnow())
    flash(_("Taken back. Destroy what was printed of it: its letters wait again."), "success")
    return redirect(url_for(".index", incident_id=incident_id), 303)
