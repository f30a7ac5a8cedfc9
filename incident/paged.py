"""What pages ask of incidents: whether somebody is still needed, and who has a role of theirs.

Notifications know nothing above them; the composition root hands these two down as functions.
"""

from uuid import UUID

from sqlalchemy import select

from foundation.database import db
from foundation.ledger import Entry
from incident import roles, rungs
from incident.models import Incident, Report, ReportState
from incident.rules.lifecycle import State
from incident.rules.roles import Role
from notifications import on_duty, paging
from playbooks import runs

OPEN = (State.REPORTED, State.CONFIRMED)
# Entries of the ledger by which somebody shows that they have seen what was told of an incident.
SEEN = (
    "note.added", "incident.confirmed", "incident.rejected", "incident.closed", "incident.merged",
    "incident.reopened",
)  # fmt: skip


def wanted(about: str, template: str) -> bool:
    """Whether what was taken still needs somebody, so that its page comes back.

    The page of a report until somebody said what it is; of what is told once that was said, until somebody
    took the incident up again or added a note; of duties while one that was paged for is unmet; of steps
    while one that was paged for is open. What nobody here knows of is wanted.
    """
    kind, _, name = about.partition("/")
    if template == "page_faulty_report" and kind == "organisation":
        left = Report.organisation_id == UUID(name), Report.state == ReportState.FAULTY
        return bool(db.session.scalar(select(select(Report.id).where(*left).exists())))
    if kind not in ("incident", "drill"):
        return True
    incident = db.session.get(Incident, UUID(name))
    if incident is None:
        return True
    if template == "page_report":
        return incident.state == State.REPORTED or _is_unseen(about, template)
    if incident.state not in OPEN:
        return False
    if template == rungs.PAGE:
        return rungs.is_paged_for(incident)
    return template != "page_deadline" or runs.is_paged_for(about)


def _is_unseen(about: str, template: str) -> bool:
    """Whether nobody decided on an incident, or noted anything, since the last page of a report about it."""
    started = [each.started_at for each in paging.pages_for(about) if each.template == template]
    seen = select(Entry.id).where(Entry.chain == about, Entry.action.in_(SEEN))
    seen = seen.where(Entry.at >= max(started)) if started else seen
    return not db.session.scalar(select(seen.exists()))


def with_role(about: str, role: str) -> list[UUID]:
    """Who has this role of the incident; until roles are filled, a moment later, the lead is on-call."""
    kind, _, name = about.partition("/")
    incident = db.session.get(Incident, UUID(name)) if kind in ("incident", "drill") else None
    if incident is None:
        return []
    if incident.roles_at is None and role == Role.LEAD:
        return on_duty.on_call(incident.organisation_id, incident.reported_at)[:1]
    return [each.staff_id for each in roles.current(incident) if each.role == role and each.staff_id]
