"""How I am reached: one's own numbers and addresses; and who of all can be reached how."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from accounts.models import StaffMember
from accounts.permissions import Permission, current_staff, requires
from foundation.database import transaction, utcnow
from foundation.errors import Invalid, Missing, Refused
from notifications import contacts
from notifications.contacts import addresses, overview, testing, verifying
from notifications.models import Channel, ContactCode, ContactMethod
from notifications.rules.chat import SERVICES
from notifications.rules.contacts import LIMITS, Tried, may_try

bp = Blueprint("contact_methods", __name__, url_prefix="/reached-by")
PROPOSED = {Channel.SMS: 0, Channel.VOICE: 2, Channel.EMAIL: 0, Channel.CHAT: 0}  # minutes, for a new way
ZONES = [*sorted(each for each in available_timezones() if each.startswith("Europe/")), "UTC"]
SPAN_ROWS = 2  # to fill in beside those that are there


@dataclass(frozen=True, slots=True)
class Line:
    """One way as its owner sees it."""

    id: UUID
    channel: Channel
    shown: str
    delay: int
    rings_after: int  # minutes, the first of those that work being at once
    verified: bool
    stopped: bool
    last: bool  # of those that work
    code: ContactCode | None  # the one that is waited for, if it can still be right
    lost: bool  # whether the last code did not arrive

    @property
    def key(self) -> str:
        """As messages name it."""
        return str(self.id)

    @property
    def works(self) -> bool:
        """Whether it is rung."""
        return self.verified and not self.stopped


@bp.get("")
@requires(Permission.SAY_HOW_REACHED)
def mine() -> ResponseReturnValue:
    """One's own ways, quiet hours, and the last test."""
    return _page({})


@bp.post("/methods")
@requires(Permission.SAY_HOW_REACHED)
def add() -> ResponseReturnValue:
    """Add a number or an address, and have a code sent to it."""
    staff, form, now = current_staff(), request.form, utcnow()
    settings = current_app.config["SETTINGS"]
    channel = form.get("channel", "")
    try:
        with transaction():
            method_id = contacts.add(
                staff,
                channel=channel,
                address=form.get("address", ""),
                delay=_number(form.get("delay")),
                rehearsal=settings.rehearsal,
                now=now,
            )
            verifying.send_code(staff, method_id, now=now)
    except Refused as wrong:
        return _page({"channel": channel, "wrong": wrong, "typed": form}, status=wrong.status)
    flash(_("A code is on its way. Type it here when it has come."), "success")
    return redirect(url_for("contact_methods.mine", _anchor=f"way-{method_id}"), 303)


def _number(typed: str | None) -> int:
    return int(typed) if typed and typed.isascii() and typed.isdigit() and len(typed) < 4 else -1


@bp.post("/methods/<uuid:method_id>/codes")
@requires(Permission.SAY_HOW_REACHED)
def send_code(method_id: UUID) -> ResponseReturnValue:
    """Have a new code sent to a way that is not verified."""
    with transaction():
        verifying.send_code(current_staff(), method_id, now=utcnow())
    flash(_("A new code is on its way; earlier ones count no more."), "success")
    return redirect(url_for("contact_methods.mine", _anchor=f"way-{method_id}"), 303)


@bp.post("/methods/<uuid:method_id>/verification")
@requires(Permission.SAY_HOW_REACHED)
def verify(method_id: UUID) -> ResponseReturnValue:
    """Take the code that its owner typed."""
    with transaction():
        tried = verifying.confirm(current_staff(), method_id, request.form.get("code", ""), now=utcnow())
    if tried is not Tried.RIGHT:
        wrong = Invalid(_said(tried))
        return _page({"method": method_id, "wrong": wrong}, status=wrong.status)
    flash(_("Verified. From now on pages come here."), "success")
    return redirect(url_for("contact_methods.mine"), 303)


def _said(tried: Tried) -> str:
    return {
        Tried.WRONG: _("That is not the code. Look at the newest message again."),
        Tried.SPENT: _("That was wrong too often: this code counts no more. Have a new one sent."),
        Tried.EXPIRED: _("This code is too old. Have a new one sent."),
        Tried.NONE: _("No code is waited for here."),
    }.get(tried, "")


@bp.post("/methods/<uuid:method_id>/place")
@requires(Permission.SAY_HOW_REACHED)
def move(method_id: UUID) -> ResponseReturnValue:
    """Move a way up or down."""
    up = request.form.get("to") == "up"
    with transaction():
        contacts.move(current_staff(), method_id, up=up, now=utcnow())
    return redirect(url_for("contact_methods.mine", _anchor=f"way-{method_id}"), 303)


@bp.post("/methods/<uuid:method_id>/delay")
@requires(Permission.SAY_HOW_REACHED)
def wait(method_id: UUID) -> ResponseReturnValue:
    """Say how long a way waits for the others."""
    with transaction():
        contacts.wait(current_staff(), method_id, delay=_number(request.form.get("delay")), now=utcnow())
    flash(_("Kept."), "success")
    return redirect(url_for("contact_methods.mine", _anchor=f"way-{method_id}"), 303)


@bp.post("/methods/<uuid:method_id>/removal")
@requires(Permission.SAY_HOW_REACHED)
def remove(method_id: UUID) -> ResponseReturnValue:
    """Take a way away."""
    sure = request.form.get("sure") == "yes"
    with transaction():
        contacts.remove(current_staff(), method_id, sure=sure, now=utcnow())
    flash(_("Removed."), "success")
    return redirect(url_for("contact_methods.mine"), 303)


@bp.post("/quiet-hours")
@requires(Permission.SAY_HOW_REACHED)
def quiet() -> ResponseReturnValue:
    """Set one's own quiet hours."""
    spans = _spans()
    try:
        with transaction():
            contacts.keep_quiet(
                current_staff(), timezone=request.form.get("timezone", ""), spans=spans, now=utcnow()
            )
    except Invalid as wrong:
        return _page({"quiet": wrong, "spans": spans, "typed": request.form}, status=wrong.status)
    flash(_("Kept. Urgent pages come at any hour."), "success")
    return redirect(url_for("contact_methods.mine", _anchor="quiet"), 303)


def _spans() -> list[dict[str, Any]]:
    """The rows of the form that were filled in; an empty one is none."""
    form, found = request.form, []
    for row in range(LIMITS.spans + SPAN_ROWS):
        days = sorted({int(each) for each in form.getlist(f"days-{row}") if each in set("0123456")})
        start, end = form.get(f"from-{row}", "")[:5], form.get(f"to-{row}", "")[:5]
        if days or start or end:
            found.append({"days": days, "from": start, "to": end})
    return found


@bp.post("/test")
@requires(Permission.SAY_HOW_REACHED)
def ring() -> ResponseReturnValue:
    """Have oneself rung, by every way or by one."""
    try:
        chosen = UUID(request.form["method"]) if request.form.get("method") else None
    except ValueError:
        raise Missing(_("There is no such verified way of yours.")) from None
    with transaction():
        made = testing.ring(current_staff(), method_id=chosen, now=utcnow())
    flash(ngettext("%(num)d message is on its way.", "%(num)d messages are on their way.", made), "success")
    return redirect(url_for("contact_methods.mine", _anchor="test"), 303)


@bp.get("/colleagues")
@requires(Permission.MANAGE_ON_CALL)
def colleagues() -> ResponseReturnValue:
    """Who can be reached how, without addresses."""
    reach = overview.of(current_staff().organisation_id, utcnow())
    return render_template("notifications/reachable.html", reach=reach)


def _page(context: dict[str, Any], *, status: int = 200) -> ResponseReturnValue:
    staff, now = current_staff(), utcnow()
    lines = _lines(staff)
    kept = contacts.quiet_hours(staff.id)
    spans: list[dict[str, Any]] = context.get("spans", kept.spans if kept else [])
    page = render_template(
        "notifications/reached_by.html", lines=lines, now=now, staff=staff, limits=LIMITS,
        channels=contacts.may_be_added(), proposed=PROPOSED, services=SERVICES, zones=_zones(kept),
        zone=kept.timezone if kept else staff.organisation.timezone, spans=spans,
        rows=min(len(spans) + SPAN_ROWS, LIMITS.spans), rung=testing.last(staff), shown=context,
    )  # fmt: skip
    return page, status


def _zones(kept: Any) -> Sequence[str]:
    return ZONES if kept is None or kept.timezone in ZONES else [*ZONES, kept.timezone]


def _lines(staff: StaffMember) -> list[Line]:
    found = contacts.of(staff.id)
    working = [each for each in found if contacts.works(each)]
    least = min((each.delay_minutes for each in working), default=0)
    return [_line(each, staff, least, last=working == [each]) for each in found]


def _line(method: ContactMethod, staff: StaffMember, least: int, *, last: bool) -> Line:
    shown = addresses.shown(method.channel, method.address, country=staff.organisation.country)
    verified = method.verified_at is not None
    code = None if verified else verifying.waiting_code(method.id)
    lost = code is not None and verifying.is_lost(code)
    if code and may_try(tries=code.tries, expires_at=code.expires_at, used=bool(code.used_at), now=utcnow()):
        code = None
    return Line(
        method.id, method.channel, shown, method.delay_minutes, max(method.delay_minutes - least, 0),
        verified, method.opted_out_at is not None, last, code, lost,
    )  # fmt: skip
