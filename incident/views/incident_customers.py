"""The customers of an incident: who is owed a notice, how each stands, whom to add or set aside."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from accounts.permissions import Permission, current_staff, requires
from foundation.database import transaction, utcnow
from foundation.errors import Invalid
from incident import clocks, customers
from incident.access import locked_incident, visible_incident
from incident.controller_notices import aside, fan_out, rounds, sending, standing
from incident.controller_notices.standing import PAGE, Stand
from incident.forms.fields import sheet_of

bp = Blueprint("incident_customers", __name__, url_prefix="/incidents/<uuid:incident_id>/customers")
MOST_OFFERED = 200


@bp.get("")
@requires(Permission.SEE_INCIDENTS)
def index(incident_id: UUID) -> ResponseReturnValue:
    """The customers concerned, the most pressing first, with what is left and what to do."""
    incident, now = visible_incident(incident_id), utcnow()
    only, search = request.args.get("only", ""), request.args.get("search", "")[:200]
    page = max(request.args.get("page", 1, type=int), 1)
    found = standing.table(incident, only=only if only in set(Stand) else "", search=search, page=page)
    facts = clocks.current_facts(incident)
    add = request.args.get("add", "")[:200]
    return render_template(
        "incident/incident_customers.html", incident=incident, now=now, table=found, only=only,
        search=search, page=page, per_page=PAGE, waiting=aside.waiting(incident), facts=facts,
        offered=fan_out.offered(incident)[:MOST_OFFERED], round=standing.preparing(incident),
        target=fan_out.own_target(incident.aware_at or incident.reported_at), add=add,
        candidates=customers.listed(add, limit=PAGE)[0] if add else [],
    )  # fmt: skip


@bp.post("/additions")
@requires(Permission.PREPARE_COMMUNICATION)
def add(incident_id: UUID) -> ResponseReturnValue:
    """Add customers: those offered, or any that a person ticks."""
    with transaction():
        made = fan_out.add(
            locked_incident(incident_id), _chosen(), reason=request.form.get("reason", ""),
            by=current_staff(), now=utcnow(),
        )  # fmt: skip
    said = ngettext("%(num)s customer was added.", "%(num)s customers were added.", made)
    flash(said if made else _("They were there already."), "success")
    return _back(incident_id)


def _chosen() -> list[UUID]:
    try:
        return [UUID(each) for each in request.form.getlist("customer")]
    except ValueError:
        raise Invalid(_("The form names a customer that there is not.")) from None


@bp.post("/aside")
@requires(Permission.ASSESS)
def propose(incident_id: UUID) -> ResponseReturnValue:
    """Say that customers are not concerned; a second person agrees."""
    with transaction():
        said = aside.propose(
            locked_incident(incident_id), _chosen(), reason=request.form.get("reason", ""),
            by=current_staff(), now=utcnow(),
        )  # fmt: skip
    flash(
        ngettext("%(num)s customer waits for a second person to agree.",
                 "%(num)s customers wait for a second person to agree.", said), "success",
    )  # fmt: skip
    return _back(incident_id)


@bp.post("/aside/agreement")
@requires(Permission.AGREE_TO_DECISION)
def agree(incident_id: UUID) -> ResponseReturnValue:
    """Agree as the second person: these customers are not told."""
    with transaction():
        made = aside.agree(locked_incident(incident_id), _chosen(), by=current_staff(), now=utcnow())
    flash(ngettext("%(num)s customer is set aside.", "%(num)s customers are set aside.", made), "success")
    return _back(incident_id)


@bp.post("/aside/refusal")
@requires(Permission.AGREE_TO_DECISION)
def decline(incident_id: UUID) -> ResponseReturnValue:
    """Do not agree: these customers are told."""
    with transaction():
        aside.decline(locked_incident(incident_id), _chosen(), by=current_staff(), now=utcnow())
    flash(_("Not agreed: they stay on the list."), "success")
    return _back(incident_id)


@bp.post("/<uuid:customer_id>/return")
@requires(Permission.ASSESS)
def take_back(incident_id: UUID, customer_id: UUID) -> ResponseReturnValue:
    """A customer that was set aside is concerned after all."""
    with transaction():
        aside.take_back(
            locked_incident(incident_id), customer_id, reason=request.form.get("reason", ""),
            by=current_staff(), now=utcnow(),
        )  # fmt: skip
    flash(_("It is owed a notice again."), "success")
    return _back(incident_id)


@bp.post("/notices/<uuid:notice_id>/told")
@requires(Permission.SEND_COMMUNICATION)
def told(incident_id: UUID, notice_id: UUID) -> ResponseReturnValue:
    """Record that a customer was told another way: when, how, whom."""
    sheet, staff = sheet_of(request.form), current_staff()
    at = sheet.time("at", staff.organisation.timezone)
    if at is None:
        said = " ".join(sheet.faults.get("at", [])) or _("Say when it was told.")
        raise Invalid(said, next_step=_("The time of telling decides how late it was."))
    with transaction():
        incident = locked_incident(incident_id)
        sending.record_told(
            incident, rounds.notice_of(incident, notice_id), at=at, how=sheet.one("how"),
            whom=sheet.one("whom"), by=staff, now=utcnow(),
        )  # fmt: skip
    flash(_("Recorded; it stands in the record with your name."), "success")
    return _back(incident_id)


def _back(incident_id: UUID) -> ResponseReturnValue:
    return redirect(url_for(".index", incident_id=incident_id), 303)
