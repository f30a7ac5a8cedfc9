"""The rotations of a schedule: added, changed, put in order and removed."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import people
from accounts.models import StaffMember
from accounts.permissions import Permission, current_staff, may_be_paged, requires
from foundation.database import transaction, utcnow
from foundation.errors import Invalid, Refused
from notifications import on_duty
from notifications.models import Rotation, Schedule
from notifications.rota import editing, forms
from notifications.rota.editing import Outdated

bp = Blueprint("rotations", __name__, url_prefix="/on-call/schedules/<uuid:schedule_id>/rotations")


@bp.get("/new")
@requires(Permission.MANAGE_ON_CALL)
def new(schedule_id: UUID) -> ResponseReturnValue:
    """The form of a new rotation."""
    schedule = editing.find(schedule_id)
    return _form(schedule, forms.RotationForm.blank(schedule.timezone, utcnow()), schedule.version)


@bp.post("")
@requires(Permission.MANAGE_ON_CALL)
def create(schedule_id: UUID) -> ResponseReturnValue:
    """Add a rotation; with a fault the form comes back as it was typed."""
    return _keep(editing.find(schedule_id), None)


@bp.get("/<uuid:rotation_id>")
@requires(Permission.MANAGE_ON_CALL)
def edit(schedule_id: UUID, rotation_id: UUID) -> ResponseReturnValue:
    """The form of a rotation that is there."""
    schedule = editing.find(schedule_id)
    rotation = editing.find_rotation(schedule_id, rotation_id)
    form = forms.RotationForm.of(rotation, schedule.timezone)
    return _form(schedule, form, schedule.version, rotation)


@bp.post("/<uuid:rotation_id>")
@requires(Permission.MANAGE_ON_CALL)
def change(schedule_id: UUID, rotation_id: UUID) -> ResponseReturnValue:
    """Keep a rotation, from now on; whoever edits at the same time is told, and loses nothing."""
    schedule = editing.find(schedule_id)
    return _keep(schedule, editing.find_rotation(schedule_id, rotation_id))


def _keep(schedule: Schedule, rotation: Rotation | None) -> ResponseReturnValue:
    staff, form = current_staff(), forms.RotationForm.typed(request.form)
    seen = request.form.get("seen", type=int) or 0
    schedule_id = schedule.id
    if "more" in request.form:
        return _form(schedule, form, seen, rotation, spare=len(form.members) + 2 * forms.SPARE)
    rotation_id = rotation.id if rotation else None
    try:
        draft = form.draft(schedule.timezone, [each.id for each in _people(schedule, form)])
        with transaction():
            by, now = staff.name, utcnow()
            if rotation_id:
                editing.save(schedule_id, rotation_id, draft, seen=seen, by=by, now=now)
            else:
                editing.add(schedule_id, draft, seen=seen, by=by, now=now)
    except (Invalid, Outdated) as wrong:
        found = editing.find_rotation(schedule_id, rotation_id) if rotation_id else None
        schedule = editing.find(schedule_id)
        after = schedule.version if isinstance(wrong, Outdated) else seen
        return _form(schedule, form, after, found, wrong), wrong.status
    flash(_("Kept. It counts from now on; who was on duty before stays on record."), "success")
    return redirect(url_for("schedules.show", schedule_id=schedule_id), 303)


def _form(
    schedule: Schedule, form: forms.RotationForm, seen: int, rotation: Rotation | None = None,
    wrong: Refused | None = None, *, spare: int = 0,
) -> str:  # fmt: skip
    now_kept = None
    if isinstance(wrong, Outdated) and rotation:
        now_kept = forms.RotationForm.of(rotation, schedule.timezone)
    return render_template(
        "notifications/rotation_form.html", schedule=schedule, form=form, seen=seen, rotation=rotation,
        wrong=wrong, people=_people(schedule, form), kept=now_kept,
        names={str(each.id): each.name for each in people.staff_of(schedule.organisation_id)},
        slots=max(spare, len(form.members) + forms.SPARE, 4),
    )  # fmt: skip


def _people(schedule: Schedule, form: forms.RotationForm) -> list[StaffMember]:
    """Who can be put into a rotation: whoever may take a page, and who is in it already."""
    return [
        each
        for each in people.staff_of(schedule.organisation_id)
        if may_be_paged(each) or (each.active and str(each.id) in form.members)
    ]


@bp.post("/<uuid:rotation_id>/up")
@requires(Permission.MANAGE_ON_CALL)
def move_up(schedule_id: UUID, rotation_id: UUID) -> ResponseReturnValue:
    """Let a rotation count before the one above it."""
    editing.find_rotation(schedule_id, rotation_id)
    seen = request.form.get("seen", type=int) or 0
    with transaction():
        editing.move_up(schedule_id, rotation_id, seen=seen, by=current_staff().name, now=utcnow())
    return redirect(url_for("schedules.show", schedule_id=schedule_id), 303)


@bp.post("/<uuid:rotation_id>/removal")
@requires(Permission.MANAGE_ON_CALL)
def remove(schedule_id: UUID, rotation_id: UUID) -> ResponseReturnValue:
    """Take a rotation out from now on, and say so when that leaves gaps."""
    editing.find_rotation(schedule_id, rotation_id)
    now = utcnow()
    with transaction():
        editing.remove(schedule_id, rotation_id, by=current_staff().name, now=now)
    if not on_duty.rotations(schedule_id):
        flash(_("The rotation is removed. Nobody is on duty by this schedule now."), "warning")
    else:
        flash(_("The rotation is removed. Who was on duty before stays on record."), "success")
    return redirect(url_for("schedules.show", schedule_id=schedule_id), 303)
