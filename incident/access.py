"""Which incidents a screen may show: the only way from a page to an incident.

The organisation's scope is set already. Here the permission is asked for, and restricted incidents are
kept from everybody but their members, their lead, those whom a person gave a role in them, and those who
may see restricted ones. Any other role that the clock filled opens nothing: nobody chose that person for
it. What may not be seen does not exist: the answer is the same as for an id that nobody has.
"""

from uuid import UUID

from flask import request
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, false, select, true

from accounts.models import StaffMember
from accounts.permissions import Permission, current_staff, may
from foundation.database import db
from foundation.errors import Missing
from incident import related
from incident.models import Incident, Member, RoleHeld, real

DRILL = "breachclock.drill"


def visible_incident(incident_id: UUID) -> Incident:
    """The incident, for whoever is signed in. Raises: Missing when there is none, or none for them."""
    return _found(_visible().where(Incident.id == incident_id))


def locked_incident(incident_id: UUID) -> Incident:
    """The same, read afresh and locked until the end of the open transaction: for every change.

    Raises: Missing.
    """
    wanted = _visible().where(Incident.id == incident_id)
    return _found(wanted.with_for_update().execution_options(populate_existing=True))


def locked_incidents(*incident_ids: UUID) -> list[Incident]:
    """Several at once, locked in one order for all who do, in the order asked for. Raises: Missing."""
    for each in incident_ids:
        visible_incident(each)
    found = related.lock(current_staff().organisation_id, incident_ids)
    return [found[each] for each in incident_ids]


def visible_incidents() -> Select[Incident]:
    """The query behind every list and every count: the incidents that this person may see, no drill."""
    return _visible().where(real())


def visible_drills() -> Select[Incident]:
    """The drills that this person may see: they are listed by themselves, and counted nowhere."""
    return _visible().where(~real())


def _visible() -> Select[Incident]:
    return select(Incident).where(may_see(current_staff()))


def may_see(staff: StaffMember) -> ColumnElement[bool]:
    """The rule as a condition on incidents."""
    if not may(staff, Permission.SEE_INCIDENTS):
        return false()
    if may(staff, Permission.SEE_RESTRICTED):
        return true()
    is_member = select(Member.staff_id).where(Member.incident_id == Incident.id, Member.staff_id == staff.id)
    has_role = select(RoleHeld.id).where(
        RoleHeld.incident_id == Incident.id, RoleHeld.staff_id == staff.id, RoleHeld.until.is_(None),
        RoleHeld.by_id.is_not(None),
    )  # fmt: skip
    named = is_member.exists() | has_role.exists()
    return ~Incident.restricted | (Incident.lead_id == staff.id) | named


def _found(query: Select[Incident]) -> Incident:
    incident = db.session.scalars(query).one_or_none()
    if incident is None:
        raise Missing(
            _("There is no such incident, or none that you may see."),
            next_step=_("Check the address, or start from the board."),
        )
    if incident.drill:
        # Whichever page this becomes says so: templates/incident/_drill_banner.html.
        request.environ[DRILL] = {"number": incident.number, "id": incident.id}
    return incident
