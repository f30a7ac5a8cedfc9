"""Pages of teams, and of whom a page goes to at last."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import people
from accounts.models import Role
from accounts.permissions import Permission, current_staff, requires
from foundation.database import transaction, utcnow
from foundation.errors import Invalid
from notifications import targets, teams
from notifications.models import Team
from notifications.policies import Changed

bp = Blueprint("teams", __name__, url_prefix="/on-call")


@bp.get("/teams/new")
@requires(Permission.MANAGE_ON_CALL)
def new() -> ResponseReturnValue:
    """The form of a new team."""
    return _form(None, "", [], 0)


@bp.get("/teams/<uuid:team_id>")
@requires(Permission.MANAGE_ON_CALL)
def edit(team_id: UUID) -> ResponseReturnValue:
    """The form of a team as it stands."""
    found = teams.team(team_id)
    return _form(found, found.name, [UUID(each) for each in found.members], found.revision)


@bp.post("/teams")
@requires(Permission.MANAGE_ON_CALL)
def create() -> ResponseReturnValue:
    """Keep a new team."""
    return _sent(None)


@bp.post("/teams/<uuid:team_id>")
@requires(Permission.MANAGE_ON_CALL)
def change(team_id: UUID) -> ResponseReturnValue:
    """Keep a team changed."""
    return _sent(teams.team(team_id))


def _sent(team: Team | None) -> ResponseReturnValue:
    staff, name = current_staff(), request.form.get("name", "")[:200]
    known = {str(each.id): each.id for each in people.staff_of(staff.organisation_id)}
    members = [known[each] for each in request.form.getlist("member") if each in known]
    revision = request.form.get("revision", type=int) or 0
    try:
        with transaction():
            teams.save(
                staff.organisation_id, team.id if team else None, name=name, members=members,
                revision=revision, by=staff, now=utcnow(),
            )  # fmt: skip
    except Changed as meanwhile:
        return _form(team, name, members, revision, f"{meanwhile} {meanwhile.next_step or ''}"), 409
    except Invalid as wrong:
        return _form(team, name, members, revision, str(wrong)), 422
    flash(_("The team is kept."), "success")
    return redirect(url_for("policies.index"), 303)


def _form(team: Team | None, name: str, members: list[UUID], revision: int, fault: str = "") -> str:
    staff = [each for each in people.staff_of(current_staff().organisation_id) if each.active]
    return render_template(
        "notifications/team.html", team=team, name=name, members=members, revision=revision, fault=fault,
        colleagues=[each for each in staff if each.role is not Role.NONE or each.id in members],
        used=teams.used_by(team.id) if team else [],
    )  # fmt: skip


@bp.post("/teams/<uuid:team_id>/deletion")
@requires(Permission.MANAGE_ON_CALL)
def delete(team_id: UUID) -> ResponseReturnValue:
    """Delete a team."""
    with transaction():
        name = teams.delete(team_id, by=current_staff(), now=utcnow())
    flash(_("The team %(name)s is deleted.", name=name), "success")
    return redirect(url_for("policies.index"), 303)


@bp.get("/last-resort")
@requires(Permission.MANAGE_ON_CALL)
def last_resort() -> ResponseReturnValue:
    """The form of whom a page goes to at last."""
    return _last_form()


@bp.post("/last-resort")
@requires(Permission.MANAGE_ON_CALL)
def keep_last_resort() -> ResponseReturnValue:
    """Keep whom a page goes to at last."""
    staff, form = current_staff(), request.form
    backstop = teams.read_targets(form.getlist("backstop"), staff.organisation_id)
    management = teams.read_targets(form.getlist("management"), staff.organisation_id)
    try:
        with transaction():
            teams.keep_last_resort(
                staff.organisation_id, backstop=backstop, management=management, by=staff, now=utcnow(),
                revision=form.get("revision", type=int) or 0,
            )  # fmt: skip
    except Changed as meanwhile:
        return _last_form(f"{meanwhile} {meanwhile.next_step or ''}"), 409
    flash(_("Kept, for new pages; open ones keep the copy they have."), "success")
    return redirect(url_for("policies.index"), 303)


def _last_form(fault: str = "") -> str:
    whose = current_staff().organisation_id
    found = teams.last_resort(whose)
    typed = {name: request.form.getlist(name) for name in ("backstop", "management")} if fault else {
        "backstop": [teams.value_of(each) for each in (found.backstop if found else [])],
        "management": [teams.value_of(each) for each in (found.management if found else [])],
    }  # fmt: skip
    return render_template(
        "notifications/last_resort.html", typed=typed, choices=teams.choices(whose), fault=fault,
        revision=found.revision if found else 0, without=(targets.BACKSTOP, targets.MANAGEMENT),
    )  # fmt: skip
