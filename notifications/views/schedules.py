"""Schedules: made, looked at, changed and ended."""

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import people
from accounts.permissions import Permission, current_staff, may, requires
from foundation import ledger
from foundation.database import transaction, utcnow
from foundation.errors import Invalid, Missing, Refused
from notifications import on_duty
from notifications.models import Schedule
from notifications.rota import editing, feeds, forms, grid, hints, overrides, swaps, telling
from notifications.rota.editing import Outdated
from notifications.rules.plan import Stretch

bp = Blueprint("schedules", __name__, url_prefix="/on-call/schedules")
HOLIDAYS = timedelta(days=120)  # so far ahead public holidays are named
HISTORY = 20  # of the latest entries


@bp.get("/new")
@requires(Permission.MANAGE_ON_CALL)
def new() -> ResponseReturnValue:
    """The form of a new schedule."""
    return _form("", current_staff().organisation.timezone)


@bp.post("")
@requires(Permission.MANAGE_ON_CALL)
def create() -> ResponseReturnValue:
    """Make a schedule, and go on to its first rotation."""
    staff = current_staff()
    try:
        name, zone = forms.schedule(request.form)
        with transaction():
            made = editing.create(
                organisation_id=staff.organisation_id, name=name, timezone=zone, by=staff.name, now=utcnow()
            )
    except Refused as wrong:
        return _form(request.form.get("name", ""), request.form.get("timezone", ""), wrong), wrong.status
    flash(_("The schedule is made. Nobody is on duty by it before it has a rotation."), "success")
    return redirect(url_for("rotations.new", schedule_id=made), 303)


def _form(
    name: str, zone: str, wrong: Refused | None = None, schedule: Schedule | None = None
) -> str:  # fmt: skip
    return render_template(
        "notifications/schedule_form.html", name=name, zone=zone, wrong=wrong, schedule=schedule,
        zones=sorted(available_timezones()),
    )  # fmt: skip


@bp.get("/<uuid:schedule_id>")
@requires(Permission.SEE_ON_CALL)
def show(schedule_id: UUID) -> ResponseReturnValue:
    """One schedule: its rotations, what is changed for a time, swaps, holidays, gaps and history."""
    staff, now = current_staff(), utcnow()
    schedule = editing.find(schedule_id)
    today = now.astimezone(ZoneInfo(staff.organisation.timezone)).date()
    ahead = hints.between(staff.organisation.country, today, today + HOLIDAYS, staff.locale)
    gaps = on_duty.gaps(staff.organisation_id, now, now + timedelta(days=14))
    return render_template(
        "notifications/schedule.html", schedule=schedule, rotations=on_duty.rotations(schedule_id), now=now,
        strip=grid.of(staff, "strip", today, now=now, only=schedule_id), holidays=ahead,
        names={each.id: each.name for each in people.staff_of(staff.organisation_id)},
        texts={str(each.id): each.name for each in people.staff_of(staff.organisation_id)},
        overrides=overrides.ahead(schedule_id, now), swaps=swaps.shown([schedule_id], now),
        lapsed=swaps.lapsed, gaps=[each for each in gaps if each.schedule == schedule_id], me=staff,
        policies=editing.policies_with(schedule_id), feed=feeds.of(staff, schedule_id),
        history=_history(schedule_id), form=forms.RotationForm,
        mine=any(each.member == staff.id for each in _coming(schedule, now)),
        edit=may(staff, Permission.MANAGE_ON_CALL) and schedule.retired_at is None,
    )  # fmt: skip


@bp.app_template_filter()
def rota_action(action: str) -> str:
    """What was done to a schedule, in words."""
    return _actions().get(action, action)


def _actions() -> dict[str, str]:
    return {
        "schedule.made": _("made the schedule"), "schedule.changed": _("changed name or zone"),
        "schedule.retired": _("ended the schedule"), "rotation.added": _("added a rotation"),
        "rotation.changed": _("changed a rotation"), "rotation.removed": _("removed a rotation"),
        "rotation.moved": _("changed the order of rotations"), "override.made": _("changed it for a time"),
        "override.taken_back": _("took a change back"),
        "override.fell_away": _("made a stand-in fall away, who takes no pages any more"),
        "swap.proposed": _("offered a shift"),
        "swap.accepted": _("accepted a swap"), "swap.declined": _("declined a swap"),
        "swap.withdrawn": _("withdrew a swap"), "schedule.address_made": _("made a calendar address"),
        "schedule.address_renewed": _("renewed a calendar address"),
        "schedule.address_revoked": _("ended a calendar address"),
    }  # fmt: skip


def _history(schedule_id: UUID) -> list[ledger.Entry]:
    """What people did to it, the latest first; messages about it stand in the same chain."""
    done = [each for each in ledger.entries(telling.chain(schedule_id)) if each.action in _actions()]
    return done[: -HISTORY - 1 : -1]


def _coming(schedule: Schedule, now: datetime) -> list[Stretch]:
    return on_duty.stretches([schedule], now, now + HOLIDAYS)[schedule.id]


@bp.get("/<uuid:schedule_id>/edit")
@requires(Permission.MANAGE_ON_CALL)
def edit(schedule_id: UUID) -> ResponseReturnValue:
    """The form of name and zone."""
    schedule = editing.find(schedule_id)
    return _form(schedule.name, schedule.timezone, schedule=schedule)


@bp.post("/<uuid:schedule_id>")
@requires(Permission.MANAGE_ON_CALL)
def change(schedule_id: UUID) -> ResponseReturnValue:
    """Keep another name or zone; what was typed stays on the page when it cannot be kept."""
    editing.find(schedule_id)
    seen = request.form.get("seen", type=int) or 0
    try:
        name, zone = forms.schedule(request.form)
        with transaction():
            editing.change(
                schedule_id, name=name, timezone=zone, seen=seen, by=current_staff().name, now=utcnow()
            )
    except (Invalid, Outdated) as wrong:
        typed = request.form.get("name", ""), request.form.get("timezone", "")
        return _form(*typed, wrong, editing.find(schedule_id)), wrong.status
    flash(_("Kept."), "success")
    return redirect(url_for("schedules.show", schedule_id=schedule_id), 303)


@bp.post("/<uuid:schedule_id>/retirement")
@requires(Permission.MANAGE_ON_CALL)
def retire(schedule_id: UUID) -> ResponseReturnValue:
    """End a schedule; who was on duty by it stays on record."""
    if editing.find(schedule_id).retired_at:
        raise Missing(_("There is no such schedule."))
    with transaction():
        editing.retire(schedule_id, by=current_staff().name, now=utcnow())
    flash(_("The schedule is ended. Who was on duty by it stays on record."), "success")
    return redirect(url_for("on_call.index"), 303)
