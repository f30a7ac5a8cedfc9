"""The coverage report of a communication: who was told by what proof, who is left and why; signed.

It is made of counts at one moment and kept as it was made. PDF and JSON are of the same document: the
JSON is canonical (RFC 8785), the signature is over its bytes, and the PDF prints the hash of both.
"""

import hashlib
from datetime import datetime
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import func, select

from accounts.models import StaffMember
from foundation import ledger
from foundation.database import db, new_id
from foundation.errors import Missing, Refused
from incident.coverage_report import counting, documents, printing, signing
from incident.coverage_report.counting import Line, List, Run, Told
from incident.coverage_report.documents import canonical, schema
from incident.models import CoverageReport, Incident, SubjectCommunication

__all__ = [
    "Line", "List", "Run", "Told", "canonical", "file_name", "json_bytes", "make", "of", "pdf", "schema",
    "told",
]  # fmt: skip


def told(communication: SubjectCommunication) -> Told:
    """The counts of a communication as they are now; takes seconds for a million people."""
    return counting.told(communication)


def make(
    incident: Incident, communication: SubjectCommunication, *, by: StaffMember, now: datetime
) -> CoverageReport:
    """Report how it stands now, signed; kept with a number. Raises: Refused before anything was sent."""
    if communication.sent_at is None:
        raise Refused(
            _("Nothing was sent yet: there is nothing to report on."), next_step=_("Send it first.")
        )
    number = db.session.scalar(
        select(func.count()).where(CoverageReport.communication_id == communication.id)
    )
    document = documents.document(
        counting.told(communication), incident=incident, communication=communication,
        number=(number or 0) + 1, by=by.name, now=now,
    )  # fmt: skip
    data = canonical(document)
    made = CoverageReport(
        id=new_id(), organisation_id=incident.organisation_id, communication_id=communication.id,
        number=document["number"], document=document, sha256=hashlib.sha256(data).hexdigest(),
        signature=signing.sign(data), made_by=by.name, made_at=now,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    ledger.append(
        incident.chain, "coverage.reported", organisation_id=incident.organisation_id, actor=by.name, at=now,
        communication=communication.id, number=made.number, report_sha256=made.sha256, staff=by.id,
        people=document["people"],
    )  # fmt: skip
    return made


def of(communication: SubjectCommunication) -> list[CoverageReport]:
    """The reports of a communication, the newest first."""
    mine = select(CoverageReport).where(CoverageReport.communication_id == communication.id)
    return list(db.session.scalars(mine.order_by(CoverageReport.number.desc())))


def one(communication: SubjectCommunication, report_id: UUID) -> CoverageReport:
    """One of them. Raises: Missing."""
    found = next((each for each in of(communication) if each.id == report_id), None)
    if found is None:
        raise Missing(_("There is no such report."))
    return found


def json_bytes(report: CoverageReport) -> bytes:
    """The report for machines: the document, its hash, the signature and the key that checks it."""
    return canonical(
        {"coverage": report.document, "sha256": report.sha256, "signature": signing.told(report.signature)}
    )


def pdf(report: CoverageReport, locale: str) -> bytes:
    """The report on paper, in a language; the same bytes each time. Needs an app context."""
    return printing.pdf(report.document, report.sha256, report.signature, locale)


def file_name(report: CoverageReport) -> str:
    """What its files are called, without an ending: "PM-2026-0012-coverage-1-2"."""
    document = report.document
    return f"{document['incident']}-coverage-{document['communication']}-{report.number}"
