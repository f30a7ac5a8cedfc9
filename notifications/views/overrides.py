"""What people change in the rota for a time: overrides by who manages it, swaps by whoever has a shift."""

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import people
from accounts.models import StaffMember
from accounts.permissions import Permission, current_staff, may_be_paged, requires
from foundation.database import transaction, utcnow
from foundation.errors import Invalid, Refused
from notifications import on_duty
from notifications.models import Schedule
from notifications.rota import editing, forms, hints, overrides, swaps
from notifications.rota.swaps import Offer, Span

bp = Blueprint("overrides", __name__, url_prefix="/on-call")
AHEAD = timedelta(days=92)  # so far ahead shifts are offered for a swap


@bp.get("/schedules/<uuid:schedule_id>/overrides/new")
@requires(Permission.MANAGE_ON_CALL)
def new(schedule_id: UUID) -> ResponseReturnValue:
    """The form of a change for a time, filled in as far as the address says it."""
    return _form(editing.find(schedule_id), forms.OverrideForm.typed(request.args))


@bp.post("/schedules/<uuid:schedule_id>/overrides")
@requires(Permission.MANAGE_ON_CALL)
def create(schedule_id: UUID) -> ResponseReturnValue:
    """Make the change; with a fault the form comes back as it was typed."""
    schedule, form = editing.find(schedule_id), forms.OverrideForm.typed(request.form)
    try:
        wanted = form.wanted(schedule.timezone)
        with transaction():
            overrides.make(schedule_id, wanted, by=current_staff(), now=utcnow())
    except (Invalid, Refused) as wrong:
        return _form(editing.find(schedule_id), form, wrong), wrong.status
    flash(_("The rota is changed for that time, and whom it concerns is told."), "success")
    return redirect(url_for("schedules.show", schedule_id=schedule_id), 303)


def _form(schedule: Schedule, form: forms.OverrideForm, wrong: Refused | None = None) -> str:
    staff = current_staff()
    everybody = people.staff_of(schedule.organisation_id)
    return render_template(
        "notifications/override_form.html", schedule=schedule, form=form, wrong=wrong,
        here=[each for each in everybody if may_be_paged(each)],
        there=editing.concerned(schedule, everybody), holidays=_holidays(staff, schedule),
        names={each.id: each.name for each in everybody},
    )  # fmt: skip


def _holidays(staff: StaffMember, schedule: Schedule) -> list[tuple[datetime, str, list[UUID]]]:
    """The public holidays ahead, each with who is on duty at its noon."""
    now, zone = utcnow(), ZoneInfo(schedule.timezone)
    today = now.astimezone(zone).date()
    country = staff.organisation.country
    found = []
    for day, name in hints.between(country, today, (now + AHEAD).date(), staff.locale).items():
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=zone)
        found.append((noon, name, on_duty.holders(schedule.id, noon)))
    return found


@bp.post("/overrides/<uuid:override_id>/removal")
@requires(Permission.MANAGE_ON_CALL)
def remove(override_id: UUID) -> ResponseReturnValue:
    """Take a change back, with the other half of a swap."""
    schedule_id = overrides.find(override_id).schedule_id
    with transaction():
        count = overrides.cancel(override_id, by=current_staff(), now=utcnow())
    if count > 1:
        flash(_("Both halves of the swap are taken back."), "success")
    else:
        flash(_("Taken back: the rotation counts again."), "success")
    return redirect(url_for("schedules.show", schedule_id=schedule_id), 303)


# --- swaps -----------------------------------------------------------------------------------------


@bp.get("/schedules/<uuid:schedule_id>/swaps/new")
@requires(Permission.SEE_ON_CALL)
def new_swap(schedule_id: UUID) -> ResponseReturnValue:
    """The form of a swap: one's own shifts, and those of others."""
    return _swap_form(editing.find(schedule_id))


@bp.post("/schedules/<uuid:schedule_id>/swaps")
@requires(Permission.SEE_ON_CALL)
def propose(schedule_id: UUID) -> ResponseReturnValue:
    """Offer a shift; with a fault the form comes back as it was typed."""
    schedule = editing.find(schedule_id)
    try:
        offer = _offer()
        with transaction():
            swaps.propose(schedule_id, offer, by=current_staff(), now=utcnow())
    except (Invalid, Refused) as wrong:
        return _swap_form(editing.find(schedule.id), wrong), wrong.status
    flash(_("Offered. Nothing changes before your colleague accepts."), "success")
    return redirect(url_for("schedules.show", schedule_id=schedule_id) + "#swaps", 303)


def _offer() -> Offer:
    mine = _span(request.form.get("mine", ""))
    who, _sign, rest = request.form.get("theirs", "").partition("|")
    to = forms.identity(who)
    if mine is None or to is None:
        raise Invalid(_("Choose a shift of yours, and whom you offer it to."))
    return Offer(to, mine, _span(rest), request.form.get("note", ""))


def _span(text: str) -> Span | None:
    """A shift as the form names it: both instants in ISO 8601."""
    try:
        start, end = map(datetime.fromisoformat, text.split("|"))
    except ValueError:
        return None
    whole = all(each.tzinfo and forms.in_a_calendar(each) for each in (start, end))
    return (start, end) if whole else None


def _swap_form(schedule: Schedule, wrong: Refused | None = None) -> str:
    staff, now = current_staff(), utcnow()
    coming = on_duty.stretches([schedule], now, now + AHEAD)[schedule.id]
    coming = sorted((each for each in coming if each.start > now), key=lambda each: each.start)
    others = [
        each
        for each in people.staff_of(schedule.organisation_id)
        if each.id != staff.id and may_be_paged(each)
    ]
    return render_template(
        "notifications/swap_form.html", schedule=schedule, wrong=wrong, others=others, typed=request.form,
        mine=[each for each in coming if each.member == staff.id],
        theirs={each.id: [one for one in coming if one.member == each.id] for each in others},
        holidays=_holidays(staff, schedule),
        names={each.id: each.name for each in people.staff_of(schedule.organisation_id)},
    )  # fmt: skip


@bp.post("/swaps/<uuid:swap_id>/answer")
@requires(Permission.SEE_ON_CALL)
def answer(swap_id: UUID) -> ResponseReturnValue:
    """Accept or decline an offer."""
    schedule_id = swaps.find(swap_id).schedule_id
    said, staff = request.form.get("answer", ""), current_staff()
    if said not in {"accept", "decline"}:
        raise Invalid(_("Say yes or no."))
    with transaction():
        if said == "accept":
            swaps.accept(swap_id, by=staff, now=utcnow())
        else:
            swaps.decline(swap_id, by=staff, now=utcnow())
    flash(
        _("The shift is yours now, and the rota says so.")
        if said == "accept"
        else _("Declined. The shift stays where it was."),
        "success",
    )
    return redirect(url_for("schedules.show", schedule_id=schedule_id) + "#swaps", 303)


@bp.post("/swaps/<uuid:swap_id>/withdrawal")
@requires(Permission.SEE_ON_CALL)
def withdraw(swap_id: UUID) -> ResponseReturnValue:
    """Take one's own offer back."""
    schedule_id = swaps.find(swap_id).schedule_id
    with transaction():
        swaps.withdraw(swap_id, by=current_staff(), now=utcnow())
    flash(_("Withdrawn."), "success")
    return redirect(url_for("schedules.show", schedule_id=schedule_id) + "#swaps", 303)
