"""Pages of proof: signed coverage reports of a communication, and the export of who is left to a person."""

from collections.abc import Iterator
from uuid import UUID

from flask import (
    Blueprint,
    Response,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, open_to_all, requires
from foundation import locales
from foundation.database import transaction, utcnow
from foundation.errors import Missing
from incident import contact_data, contact_shown, coverage_report, subject_communication
from incident.access import locked_incident, visible_incident
from incident.coverage_report import signing

bp = Blueprint("coverage_reports", __name__)
HERE = "/incidents/<uuid:incident_id>/communications/<uuid:communication_id>"


@bp.get(f"{HERE}/coverage")
@requires(Permission.SEE_INCIDENTS)
def index(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    """The reports of a communication, and the manual list to take away."""
    incident = visible_incident(incident_id)
    communication = subject_communication.of(incident, communication_id)
    return render_template(
        "incident/coverage_reports.html", incident=incident, communication=communication,
        reports=coverage_report.of(communication), there=contact_data.is_there(incident.id),
    )  # fmt: skip


@bp.post(f"{HERE}/coverage")
@requires(Permission.PREPARE_COMMUNICATION)
def make(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    """Report how it stands now."""
    with transaction():
        incident = locked_incident(incident_id)
        communication = subject_communication.of(incident, communication_id)
        coverage_report.make(incident, communication, by=current_staff(), now=utcnow())
    flash(_("Reported, signed and written into the record."), "success")
    return redirect(
        url_for("coverage_reports.index", incident_id=incident_id, communication_id=communication_id), 303
    )


@bp.get(f"{HERE}/coverage/<uuid:coverage_id>.<ending>")
@requires(Permission.SEE_INCIDENTS)
def file(incident_id: UUID, communication_id: UUID, coverage_id: UUID, ending: str) -> ResponseReturnValue:
    """A report as PDF or JSON."""
    incident = visible_incident(incident_id)
    communication = subject_communication.of(incident, communication_id)
    report = coverage_report.one(communication, coverage_id)
    if ending == "json":
        data, kind = coverage_report.json_bytes(report), "application/json"
    elif ending == "pdf":
        locale = locales.known(request.args.get("lang")) or locales.current()
        data, kind = coverage_report.pdf(report, locale), "application/pdf"
    else:
        raise Missing(_("There is no such file."))
    return _download(data, kind, f"{coverage_report.file_name(report)}.{ending}")


@bp.post(f"{HERE}/manual-list.csv")
@requires(Permission.SEE_RECIPIENTS)
def manual(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    """Who is left to a person, with names and addresses, as CSV; the reason is recorded."""
    with transaction():
        incident = locked_incident(incident_id)
        communication = subject_communication.of(incident, communication_id)
        lines = contact_shown.export(
            incident, communication, request.form.get("reason", ""),
            settled=request.form.get("settled") == "yes", by=current_staff(), now=utcnow(),
        )  # fmt: skip
    data = stream_with_context(line.encode() for line in lines)  # it may be a million people
    return _download(data, "text/csv; charset=utf-8", f"{incident.number}-manual-{communication.number}.csv")


def _download(data: bytes | Iterator[bytes], kind: str, name: str) -> Response:
    answer = Response(data, content_type=kind)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.get("/coverage.schema.json")
@open_to_all("Whoever reads a coverage report by a program reads here how it is written.")
def schema() -> ResponseReturnValue:
    """The JSON Schema of a coverage report."""
    return jsonify(coverage_report.schema())


@bp.get("/coverage-key.json")
@open_to_all("Whoever was given a coverage report checks its signature with this public key.")
def key() -> ResponseReturnValue:
    """The public key that checks signatures of coverage reports; none before the first report."""
    return jsonify({"algorithm": signing.ALGORITHM, "public_key": signing.public_key_or_none()})
