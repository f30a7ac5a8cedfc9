"""What a reporter may know of its own report: that it is in, where it stands, what we still ask for.

Nothing of our judgement, and nothing of any other report.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select

from foundation import ledger
from foundation.database import db
from incident import advice, links
from incident.links import Way
from incident.models import Incident, OfflineKey, Processor, Report, ReportingLink, Submission
from incident.rules import lifecycle
from incident.rules.facts import FactsFault
from incident.rules.lifecycle import State
from incident.rules.reporting import Terms, terms

MOST_ASKED: Final = 5
OURS: Final = ("/organisation/", "/our_role", "/timeline/aware_at", "/timeline/informed_at")
OVER: Final = ("incident.rejected", "incident.closed")


@dataclass(frozen=True, slots=True)
class Status:
    """A report's state as its reporter sees it; `asked` are pointers of facts, the most decisive first."""

    submission: Submission
    way: Way
    received_at: datetime
    number: str | None
    open: bool
    asked: tuple[str, ...]
    next_at: datetime | None
    incident: Incident | None  # the report's own, which what is added names, also where it was merged
    may_add: bool


def status_by(secret: str, *, now: datetime) -> Status | None:
    """The status page behind a secret at `now`; None when there is none, or not any more."""
    submission = db.session.scalar(select(Submission).where(Submission.status_hash == links.hashed(secret)))
    if submission is None:
        return None
    report = db.session.get_one(Report, submission.report_id)
    incident = _incident_of(report)
    ended_at = _ended_at(incident) if incident else None
    if ended_at and ended_at + timedelta(days=terms(now).status_days) <= now:
        return None
    is_open = incident is None or lifecycle.clocks_run(State(incident.state))
    asked = _asked(incident, now) if incident and is_open else ()
    return Status(
        submission, _way_of(report, submission), report.received_at, _number(report, incident), is_open,
        asked, _next_at(incident, terms(now)) if incident and asked else None,
        db.session.get(Incident, report.incident_id) if report.incident_id else None,
        _may_add(report, submission),
    )  # fmt: skip


def _way_of(report: Report, submission: Submission) -> Way:
    """The way it came by; what is told now comes by the status page."""
    link = db.session.get(ReportingLink, submission.link_id) if submission.link_id else None
    processor = db.session.get_one(Processor, report.processor_id)
    return links.way(processor, link.id if link else None)


def _may_add(report: Report, submission: Submission) -> bool:
    """Whether more is taken: revoking a link or a form, or ending a processor, ends this way as well."""
    link = db.session.get(ReportingLink, submission.link_id) if submission.link_id else None
    key = db.session.get(OfflineKey, submission.offline_key_id) if submission.offline_key_id else None
    revoked = any(each is not None and each.revoked_at is not None for each in (link, key))
    return not revoked and db.session.get_one(Processor, report.processor_id).ended_at is None


def _incident_of(report: Report) -> Incident | None:
    """The incident it belongs to, or the one that was merged into."""
    incident = db.session.get(Incident, report.incident_id) if report.incident_id else None
    while incident is not None and incident.merged_into_id is not None:
        incident = db.session.get_one(Incident, incident.merged_into_id)
    return incident


def _number(report: Report, incident: Incident | None) -> str | None:
    """The number that the reporter was given: that of the incident its report opened or added to."""
    own = db.session.get(Incident, report.incident_id) if report.incident_id else None
    return own.number if own else incident.number if incident else None


def _ended_at(incident: Incident) -> datetime | None:
    """Since when nothing runs any more, by the record."""
    if lifecycle.clocks_run(State(incident.state)):
        return None
    ends = [each.at for each in ledger.entries(incident.chain) if each.action in OVER]
    return incident.closed_at or (max(ends) if ends else None)


def _asked(incident: Incident, now: datetime) -> tuple[str, ...]:
    """What is still not known and decides most, of what a reporter can know."""
    try:
        unknown: Sequence[str] = advice.advised(incident, now=now).evaluation.unknown
    except FactsFault:
        return ()
    return tuple(each for each in unknown if not each.startswith(OURS))[:MOST_ASKED]


def _next_at(incident: Incident, limits: Terms) -> datetime | None:
    """When we would like to hear more: so long after the last word that came in."""
    last = db.session.scalar(
        select(func.max(Report.received_at)).where(
            Report.incident_id == incident.id, Report.processor_id == incident.processor_id
        )
    )
    return last + timedelta(hours=limits.update_hours) if last else None
