"""Roles: given to another on the page of an incident, and whom the organisation names by default."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, requires
from foundation.database import transaction, utcnow
from foundation.errors import Invalid
from incident import roles, wording
from incident.access import locked_incident
from incident.roles import Given
from incident.rules.roles import NAMED, Role

bp = Blueprint("roles", __name__)
LONGEST = 1000


@bp.post("/incidents/<uuid:incident_id>/roles")
@requires(Permission.TRIAGE)
def give(incident_id: UUID) -> ResponseReturnValue:
    """Give a role to somebody else; who had it and who gets it are told."""
    given = Given(
        _role(request.form.get("role", "")), _person("staff"), request.form.get("reason", "")[:LONGEST]
    )
    with transaction():
        roles.give(locked_incident(incident_id), given, by=current_staff(), now=utcnow())
    flash(_("The role is given, and whoever it concerns is told."), "success")
    return redirect(url_for("incidents.show", incident_id=incident_id, _anchor="roles"), 303)


@bp.get("/on-call/deputies")
@requires(Permission.SEE_ON_CALL)
def deputies() -> ResponseReturnValue:
    """Whom the organisation names for communications, legal and IT."""
    staff, now = current_staff(), utcnow()
    named = {each.role: each for each in roles.deputies(staff.organisation_id)}
    rota = roles.rota_names(staff.organisation_id, now)
    return render_template(
        "incident/deputies.html", named=named, rota=rota, roles=NAMED, words=wording.ROLES,
        people=roles.candidates(staff.organisation_id), names=roles.names(staff.organisation_id),
    )  # fmt: skip


@bp.post("/on-call/deputies")
@requires(Permission.MANAGE_ON_CALL)
def name_deputies() -> ResponseReturnValue:
    """Name them; each that is new is a line of the organisation's ledger."""
    chosen = {role: _person(f"staff-{role}") for role in NAMED if f"staff-{role}" in request.form}
    with transaction():
        for role, staff_id in chosen.items():
            roles.name_deputy(role, staff_id, by=current_staff(), now=utcnow())
    flash(_("Kept. It holds for incidents that open from now on."), "success")
    return redirect(url_for("roles.deputies"), 303)


def _role(told: str) -> Role:
    try:
        return Role(told)
    except ValueError:
        raise Invalid(_("Choose a role.")) from None


def _person(field: str) -> UUID | None:
    told = request.form.get(field, "")
    try:
        return UUID(told) if told else None
    except ValueError:
        raise Invalid(_("Choose a colleague from the list.")) from None
