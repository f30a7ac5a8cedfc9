"""Under which neighbouring regimes the organisation is, and what its contracts make it tell whom."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, requires
from foundation.database import transaction, utcnow
from foundation.errors import Invalid, Refused
from incident import neighbours
from incident.forms import words
from incident.forms.fields import Sheet, sheet_of
from incident.rules.regimes import REGIMES

bp = Blueprint("regimes", __name__, url_prefix="/regimes")


@bp.get("")
@requires(Permission.SEE_REGISTER)
def index() -> ResponseReturnValue:
    """Every regime with its stages, how sure its source is, and whether it is switched on."""
    return _page(Sheet())


def _page(sheet: Sheet, refusal: str = "") -> str:
    now = utcnow()
    return render_template(
        "incident/regimes.html", choices=neighbours.choices(now=now), clauses=neighbours.clauses(),
        stages={each.key: REGIMES.stages(each.key, now) for each in REGIMES.neighbours(now)},
        anchors=neighbours.ANCHORS, words=words, sheet=sheet, refusal=refusal,
    )  # fmt: skip


@bp.post("/<key>")
@requires(Permission.APPROVE_NOTIFICATION)
def switch(key: str) -> ResponseReturnValue:
    """Switch a regime on or off."""
    staff, on = current_staff(), request.form.get("on") == "yes"
    with transaction():
        neighbours.switch(
            staff.organisation, key, on=on, recipient=request.form.get("recipient", ""), by=staff,
            now=utcnow(),
        )  # fmt: skip
    said = _("Switched on. Incidents under way are read for it now.") if on else _("Switched off.")
    flash(said, "success")
    return redirect(url_for("regimes.index"), 303)


@bp.post("/clauses")
@requires(Permission.APPROVE_NOTIFICATION)
def add_clause() -> ResponseReturnValue:
    """Keep a clause of a contract."""
    sheet, staff = sheet_of(request.form), current_staff()
    try:
        hours = float(sheet.one("hours").replace(",", ".")) if sheet.one("hours").strip() else None
    except ValueError:
        return _page(sheet, _("Hours are a number, or nothing where the contract names none.")), 422
    try:
        with transaction():
            neighbours.add_clause(
                staff.organisation, name=sheet.one("name"), clause=sheet.one("clause"), hours=hours,
                anchor=sheet.one("anchor"), by=staff, now=utcnow(),
            )  # fmt: skip
    except (Invalid, Refused) as refusal:
        return _page(sheet, refusal.message), refusal.status
    flash(_("Kept. Incidents under way are read for it now."), "success")
    return redirect(url_for("regimes.index"), 303)


@bp.post("/clauses/<uuid:clause_id>/end")
@requires(Permission.APPROVE_NOTIFICATION)
def end_clause(clause_id: UUID) -> ResponseReturnValue:
    """The clause adds no duty any more."""
    staff = current_staff()
    with transaction():
        neighbours.end_clause(staff.organisation, clause_id, by=staff, now=utcnow())
    flash(_("Ended. Duties that are there stay."), "success")
    return redirect(url_for("regimes.index"), 303)
