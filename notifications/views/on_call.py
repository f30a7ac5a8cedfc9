"""The rota as people look at it: who is on call now, next and at any moment, and the calendar."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import format_date

from accounts import people
from accounts.models import StaffMember
from accounts.permissions import Permission, current_staff, requires
from foundation import locales
from foundation.database import utcnow
from notifications import on_duty
from notifications.rota import forms, grid, picture, swaps

bp = Blueprint("on_call", __name__)
VIEWS = ("month", "week")


@dataclass(frozen=True, slots=True)
class Answer:
    """Who was or will be on duty at a moment: by schedule, and how that is known."""

    at: datetime
    typed: str
    schedules: list[tuple[str, list[str], bool]]  # name, who, whether it stands on record


@bp.get("/on-call")
@requires(Permission.SEE_ON_CALL)
def index() -> ResponseReturnValue:
    """Who is on call now and next, at the moment that was asked for, and whom a page goes to."""
    staff, now = current_staff(), utcnow()
    zone = staff.organisation.timezone
    strip = grid.of(staff, "strip", now.astimezone(ZoneInfo(zone)).date(), now=now)
    waiting = swaps.waiting_for(staff, now)
    typed = request.args.get("at", "")
    return render_template(
        "notifications/on_call.html", picture=picture.picture(staff.organisation_id, now), strip=strip,
        answer=_answer(staff, typed), asked=typed, waiting=waiting, now=now,
        names={each.id: each.name for each in people.staff_of(staff.organisation_id)},
    )  # fmt: skip


def _answer(staff: StaffMember, typed: str) -> Answer | None:
    at = forms.local(typed, staff.organisation.timezone)
    if at is None:
        return None
    names = {each.id: each.name for each in people.staff_of(staff.organisation_id)}
    those = on_duty.schedules_at(staff.organisation_id, at)
    found = on_duty.holders_of(those, at)
    told = [
        (each.name, [names.get(one, "?") for one in found[each.id]], on_duty.is_on_record(each, at))
        for each in those
    ]
    return Answer(at, typed, told)


@bp.get("/on-call/calendar")
@requires(Permission.SEE_ON_CALL)
def calendar() -> ResponseReturnValue:
    """The calendar of the rota: a month or a week, of all schedules or of one."""
    staff, now = current_staff(), utcnow()
    today = now.astimezone(ZoneInfo(staff.organisation.timezone)).date()
    view = request.args.get("view", "")
    view = view if view in VIEWS else "month"
    only = forms.identity(request.args.get("schedule", ""))
    drawn = grid.of(staff, view, _day(request.args.get("date", ""), today), now=now, only=only)
    return render_template(
        "notifications/calendar.html", grid=drawn, today=today, only=only, now=now,
        schedules=on_duty.schedules(staff.organisation_id),
    )  # fmt: skip


@bp.app_template_filter()
def clock(at: datetime, zone: str | None = None) -> str:
    """The time of day of an instant in a zone, that of the reader without one: "09:00"."""
    return f"{locales.local(at, zone or locales.zone()):%H:%M}"


@bp.app_template_filter()
def local_input(at: datetime, zone: str) -> str:
    """An instant as a browser's field for a local date and time takes it: "2026-12-24T03:00"."""
    return locales.local(at, zone).replace(tzinfo=None).isoformat(timespec="minutes")


@bp.app_template_filter()
def date_only(day: date) -> str:
    """A day that is no instant, in the reader's language: "Thu 24 Dec 2026"."""
    return locales.day(datetime.combine(day, time(12), UTC), "UTC", locales.current())


@bp.app_template_filter()
def month(day: date) -> str:
    """The month of a day, in the reader's language: "December 2026"."""
    return str(format_date(day, "LLLL y")).capitalize()


def _day(text: str, today: date) -> date:
    """The day that an address names; today for none, and for one that no calendar has."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return today
    return found if abs(found - today) < timedelta(days=36500) else today
