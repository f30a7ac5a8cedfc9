"""By which way an incident's reports came, what is still to be read, and what may be the same."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import or_, select

from accounts.models import StaffMember
from accounts.permissions import current_staff
from foundation.database import db
from incident.access import may_see
from incident.forms import words
from incident.models import Incident, Processor, Report, ReportState, Submission
from incident.rules.reporting import terms

MOST: int = 20


@dataclass(frozen=True, slots=True)
class Told:
    """One report of an incident: who told it and how sure that is."""

    report: Report
    by: str  # a processor, or a colleague
    typed_by: str  # the person, where a form asked for it
    way: str

    @property
    def to_read(self) -> bool:
        """Whether a person must still read it."""
        return self.report.state == ReportState.FAULTY

    @property
    def weak(self) -> bool:
        """Whether nothing proves who sent it but the address that they knew."""
        return self.report.kind == "reporting link"


@dataclass(frozen=True, slots=True)
class Reports:
    """What an incident's page says of its reports; `beside` are incidents that may be the same."""

    told: list[Told]
    beside: list[Incident]

    @property
    def to_read(self) -> list[Told]:
        """Those that a person must still read."""
        return [each for each in self.told if each.to_read]

    @property
    def weak(self) -> bool:
        """Whether every one of them came by nothing but a link."""
        return bool(self.told) and all(each.weak for each in self.told)


def reports_of(incident: Incident) -> Reports:
    """The reports of an incident, oldest first, and what came from the same processor at that time."""
    rows = db.session.execute(
        select(Report, Processor.name, StaffMember.name, Submission.typed_by)
        .outerjoin(Processor, Processor.id == Report.processor_id)
        .outerjoin(StaffMember, StaffMember.id == Report.staff_id)
        .outerjoin(Submission, Submission.report_id == Report.id)
        .where(Report.incident_id == incident.id)
        .order_by(Report.received_at)
    )
    told = [
        Told(report, processor or colleague or "", typed_by or "", way_of(report))
        for report, processor, colleague, typed_by in rows
    ]
    return Reports(told, _beside(incident, told))


def way_of(report: Report) -> str:
    """By which way a report came, and so how sure it is who sent it."""
    return str(words.WAYS[report.kind]) if report.endpoint_id is None else _("signed by their machine")


def _beside(incident: Incident, told: list[Told]) -> list[Incident]:
    """Other incidents of the processor from reports near in time, where one of the two could not be read."""
    if not told or incident.processor_id is None:
        return []
    soon = terms(told[0].report.received_at).soon
    near = or_(*(
        Report.received_at.between(each.report.received_at - soon, each.report.received_at + soon)
        for each in told[:MOST]
    ))  # fmt: skip
    mine = (Report.processor_id == incident.processor_id, Report.incident_id != incident.id, near)
    unread = any(each.report.status >= 400 for each in told)
    found = select(Report.incident_id).where(*mine, *([] if unread else [Report.status >= 400]))
    visible = select(Incident).where(Incident.id.in_(found), may_see(current_staff()), ~Incident.drill)
    return list(db.session.scalars(visible.order_by(Incident.reported_at.desc()).limit(MOST)))


def typed_by(report_id: UUID) -> str:
    """Who typed a report, as they said; empty where nobody was asked."""
    return db.session.scalar(select(Submission.typed_by).where(Submission.report_id == report_id)) or ""


def for_pages() -> dict[str, Any]:
    """What `incident/_told_by.html` asks for, on whichever page it stands."""
    return {"reports_of": reports_of, "way_of": way_of, "typed_by": typed_by}
