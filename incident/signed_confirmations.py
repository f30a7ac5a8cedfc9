"""Confirmations by e-mail of what programs sign, beside the signed answer that they get at once.

Taking a report in must be quick, so it writes to nobody itself: the clock finds what was accepted and is
not confirmed yet. To whom, and how often a day, is as for forms: `confirmations`.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select

from accounts.models import Organisation
from foundation.database import db, insert_unless_there
from incident import confirmations
from incident.models import Incident, Report, ReportConfirmation, ReportState, real
from incident.rules.reading import read_json

AT_ONCE: Final = 100  # reports that one round looks at
TEMPLATE: Final = "signed_report_confirmation"


def wanting(now: datetime) -> list[UUID]:
    """Signed reports of the last day that were accepted and that nobody has seen to yet, oldest first."""
    signed = (
        Report.endpoint_id.is_not(None), Report.state == ReportState.ACCEPTED,
        Report.received_at > now - confirmations.DAY, real(),
    )  # fmt: skip
    wanted = (
        select(Report.id)
        .join(Incident, Incident.id == Report.incident_id)
        .outerjoin(ReportConfirmation, ReportConfirmation.report_id == Report.id)
        .where(*signed, ReportConfirmation.report_id.is_(None))
    )
    return list(db.session.scalars(wanted.order_by(Report.received_at).limit(AT_ONCE)))


def confirm(report_id: UUID, *, now: datetime) -> bool:
    """Owe the confirmation of a report, once, where there is an address to write to; whether one is owed."""
    report = db.session.get_one(Report, report_id)
    incident = db.session.get_one(Incident, report.incident_id)
    if report.processor_id is None:
        return False
    address = confirmations.address_to_write_to(
        _address(report), processor_id=report.processor_id, link_id=None, now=now, signed=True
    )
    row = {
        "report_id": report.id, "processor_id": report.processor_id, "created_at": now,
        "organisation_id": report.organisation_id, "mailed_index": confirmations.index_of(address),
    }  # fmt: skip
    if not insert_unless_there(ReportConfirmation, row) or address is None:
        return False
    organisation = db.session.get_one(Organisation, report.organisation_id)
    confirmations.post(
        address, organisation_id=organisation.id, organisation=organisation.name, about=incident.chain,
        number=str(report.answer["incident_number"]), report_id=report.id,
        path=f"/api/v1/reports/{report.endpoint_id}/{report.id}", locale=organisation.locale,
        received_at=report.received_at, timezone=organisation.timezone, now=now, template=TEMPLATE,
    )  # fmt: skip
    return True


def _address(report: Report) -> str:
    """What an accepted report says of who reports; it was read as facts when it came."""
    told = read_json(report.body)
    reporter = told["data"].get("reported_by") if isinstance(told, dict) else None
    return str((reporter or {}).get("email") or "")
