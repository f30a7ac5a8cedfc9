"""Pages of the lists of people: a file comes in, its columns are chosen, it is read, its faults are shown."""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, requires
from foundation import locales
from foundation.database import acting_for, transaction, utcnow
from foundation.errors import Invalid
from foundation.http import takes_files
from incident import letters
from incident.access import locked_incident, visible_incident
from incident.lists import faults, files, folded, uploading
from incident.models import GONE, Incident, ListState, RecipientList
from incident.recipient_lists import ENCODINGS, columns
from incident.rules.plausibility import known_countries

bp = Blueprint("recipient_lists", __name__, url_prefix="/incidents/<uuid:incident_id>/recipient-lists")
REFRESH: Final = 3  # seconds, only while a list is read
SHOWN: Final = 5  # rows of a sample
PAGE: Final = 100  # faults
SHOWN_FOLDED: Final = 20  # rows; all of them are in a file


@bp.get("")
@requires(Permission.SEE_INCIDENTS)
def index(incident_id: UUID) -> ResponseReturnValue:
    """The lists of an incident, each with how far it is."""
    incident = visible_incident(incident_id)
    lists = uploading.of_incident(incident)
    reading = any(each.state == ListState.READING for each in lists)
    page = render_template(
        "incident/recipient_lists.html", incident=incident, lists=lists, reading=reading, refresh=REFRESH,
        now=utcnow(), most=files.MOST_BYTES >> 30, by_form=files.MOST_BY_FORM >> 20,
    )  # fmt: skip
    return page, _again(reading)


def _again(looks: bool) -> dict[str, str]:  # noqa: FBT001  whether it does
    return {"Refresh": str(REFRESH)} if looks and not request.args.get("steady") else {}


@bp.post("")
@requires(Permission.PREPARE_COMMUNICATION)
@takes_files(files.MOST_BYTES, in_memory=True, by_form=files.MOST_BY_FORM)
def upload(incident_id: UUID) -> ResponseReturnValue:
    """Take a file in: as the body of a request, which is sealed as it comes, or a smaller one from the form.

    What a form carries is held in memory, so that nothing of a list is ever plain on disk.
    """
    visible_incident(incident_id)
    name, stream = _sent()
    kept = uploading.receive(incident_id, stream)
    try:
        with transaction():
            incident = locked_incident(incident_id)
            made = _same_file(incident, kept.sha256)
            if is_new := made is None:
                made = uploading.upload(incident, kept, name, by=current_staff(), now=utcnow())
            list_id, number = made.id, made.number
    except BaseException:
        files.remove(kept.id)
        raise
    if not is_new:
        files.remove(kept.id)
    place = url_for(".show", incident_id=incident_id, list_id=list_id)
    if "X-File-Name" in request.headers:
        return Response(place, 201, {"Location": place}, mimetype="text/plain")
    said = _("List %(number)s is here. Say which of its columns is what.", number=number)
    flash(said if is_new else _("This file is here already: list %(number)s.", number=number), "success")
    return redirect(place, 303)


def _same_file(incident: Incident, sha256: str) -> RecipientList | None:
    """The list of this very file, if one is there: sent twice, nobody is on two lists by that."""
    known = uploading.of_incident(incident)
    return next((each for each in known if each.file_sha256 == sha256 and each.state not in GONE), None)


def _sent() -> tuple[str, Any]:
    if name := request.headers.get("X-File-Name"):
        return unquote(name), request.stream
    sent = request.files.get("list")
    if sent is None or not sent.filename:
        raise Invalid(_("No file was chosen."), next_step=_("Choose a CSV or XLSX file and send it again."))
    return sent.filename, sent.stream


@bp.get("/<uuid:list_id>")
@requires(Permission.SEE_INCIDENTS)
def show(incident_id: UUID, list_id: UUID) -> ResponseReturnValue:
    """One list: its columns to be chosen, how far it was read, or what came of it."""
    incident = visible_incident(incident_id)
    kept = uploading.of(incident, list_id)
    if kept.state == ListState.UPLOADED:
        return render_template("incident/recipient_list_columns.html", **_columns(incident, kept))
    after = _place(request.args.get("after", ""))
    found = faults.page(kept, after, PAGE)
    further = "{}.{}".format(*faults.place(found[-1])) if len(found) == PAGE else None
    page = render_template(
        "incident/recipient_list.html", incident=incident, kept=kept, faults=found, further=further,
        after=after, refresh=REFRESH, now=utcnow(), labels=_labels(kept.columns), said=faults.said,
        column=faults.column, hidden=faults.hidden(kept), kinds=faults.by_kind(kept) if further else (),
        by=folded.BY, folded=folded.page(kept, -1, SHOWN_FOLDED) if kept.folded else [],
    )  # fmt: skip
    return page, _again(kept.state == ListState.READING)


def _place(told: str) -> faults.After:
    """Where a page of faults begins, out of an address; None for the first one."""
    line, _dot, fault_id = told.partition(".")
    try:
        return int(line), UUID(fault_id)
    except ValueError:
        return None


def _columns(incident: Incident, kept: RecipientList) -> dict[str, Any]:
    organisation, asked = current_staff().organisation, request.values
    country = asked.get("country") or kept.country or organisation.country
    told: dict[str, Any] = {"incident": incident, "kept": kept, "country": country, "problem": None}
    has_header = {"yes": True, "no": False}.get(asked.get("header", ""))
    try:
        sample = uploading.sample(
            kept, sheet=asked.get("sheet"), encoding=asked.get("encoding"), has_header=has_header,
            country=country,
        )  # fmt: skip
    except Invalid as problem:
        return {**told, "sample": None, "problem": problem, "encodings": ENCODINGS}
    return {
        **told, "sample": sample, "rows": sample.rows[:SHOWN], "labels": columns.LABELS,
        "encodings": ENCODINGS, "encoding": asked.get("encoding", ""), "countries": sorted(known_countries()),
        "languages": letters.languages_of(organisation), "locales": locales.LOCALES,
        "free": {at: _free(name) for at, name in enumerate(sample.header)},
    }  # fmt: skip


def _free(name: str) -> str:
    """What a column is called as a field of its own for the letter; empty where no name can be made."""
    plain = "".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in name.strip().casefold())
    plain = plain.strip("_")[:40]
    return f"{columns.FREE}{plain}" if plain[:1].isalpha() else ""


def _labels(fields: list[Any]) -> list[str]:
    return [
        str(columns.LABELS.get(each) or each.removeprefix(columns.FREE)) if each else _("left out")
        for each in fields
    ]


@bp.post("/<uuid:list_id>/columns")
@requires(Permission.PREPARE_COMMUNICATION)
def choose(incident_id: UUID, list_id: UUID) -> ResponseReturnValue:
    """Say which column is what; the list is read from then on."""
    form = request.form
    told = {
        int(name[4:]): field for name, field in form.items() if name.startswith("col-") and name[4:].isdigit()
    }
    kept, has_header = uploading.of(visible_incident(incident_id), list_id), form.get("header") == "yes"
    sheet, encoding = form.get("sheet"), form.get("encoding")
    header = uploading.header_of(kept, sheet=sheet, encoding=encoding, has_header=has_header)
    try:
        with transaction():
            incident = locked_incident(incident_id)
            uploading.choose(
                incident, uploading.of(incident, list_id), told, has_header, form.get("country", ""),
                form.get("locale", ""), sheet, encoding, header=header, by=current_staff(), now=utcnow(),
            )  # fmt: skip
    except Invalid as problem:
        return _asked_again(visible_incident(incident_id), list_id, told, problem)
    flash(_("It is being read. Nobody is written to by that."), "success")
    return _back(incident_id, list_id)


def _asked_again(
    incident: Incident, list_id: UUID, told: dict[int, str], problem: Invalid
) -> ResponseReturnValue:  # fmt: skip
    """The columns once more, as they were chosen, with what is wrong with that."""
    kept = uploading.of(incident, list_id)
    if kept.state != ListState.UPLOADED:
        raise problem
    page = _columns(incident, kept) | {"problem": problem, "told": told}
    return render_template("incident/recipient_list_columns.html", **page), problem.status


@bp.get("/<uuid:list_id>/faults.csv")
@requires(Permission.SEE_INCIDENTS)
def faults_file(incident_id: UUID, list_id: UUID) -> ResponseReturnValue:
    """Every row that is nobody, and what was made of others, with their lines; cells are masked."""
    kept = uploading.of(visible_incident(incident_id), list_id)
    return _file(kept, f"list-{kept.number}-faults.csv", faults.download(kept))


@bp.get("/<uuid:list_id>/folded.csv")
@requires(Permission.SEE_INCIDENTS)
def folded_file(incident_id: UUID, list_id: UUID) -> ResponseReturnValue:
    """Every row that is somebody of another row, with where that one stands."""
    kept = uploading.of(visible_incident(incident_id), list_id)
    return _file(kept, f"list-{kept.number}-folded.csv", folded.download(kept))


def _file(kept: RecipientList, name: str, lines: Iterator[str]) -> Response:
    answer = Response(stream_with_context(_read(kept.organisation_id, lines)), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _read(organisation_id: UUID, lines: Iterator[str]) -> Iterator[bytes]:
    """Lines that are read when the request that asked for them is over, and has no organisation any more."""
    while True:
        with acting_for(organisation_id):
            line = next(lines, None)
        if line is None:
            return
        yield line.encode()


@bp.post("/<uuid:list_id>/withdrawal")
@requires(Permission.PREPARE_COMMUNICATION)
def withdraw(incident_id: UUID, list_id: UUID) -> ResponseReturnValue:
    """Take a list back before anybody of it was told."""
    with transaction():
        incident = locked_incident(incident_id)
        uploading.withdraw(
            incident, uploading.of(incident, list_id), request.form.get("why", ""), by=current_staff(),
            now=utcnow(),
        )  # fmt: skip
    flash(_("Withdrawn: nobody of this list is told."), "success")
    return redirect(url_for(".index", incident_id=incident_id), 303)


@bp.post("/<uuid:list_id>/left-out")
@requires(Permission.PREPARE_COMMUNICATION)
def leave_out(incident_id: UUID, list_id: UUID) -> ResponseReturnValue:
    """Leave the rows out that are nobody, and say why."""
    with transaction():
        incident = locked_incident(incident_id)
        kept = uploading.of(incident, list_id)
        uploading.leave_out_faulty(kept, request.form.get("why", ""), by=current_staff(), now=utcnow())
    flash(_("Left out; the reason stands in the record."), "success")
    return _back(incident_id, list_id)


def _back(incident_id: UUID, list_id: UUID) -> ResponseReturnValue:
    return redirect(url_for(".show", incident_id=incident_id, list_id=list_id), 303)
