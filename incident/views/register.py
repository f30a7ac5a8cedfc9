"""The register of all breaches (art. 33(5)), the record of one, and evidence to take away."""

from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, json, render_template, request
from flask.typing import ResponseReturnValue

from accounts.permissions import Permission, current_staff, requires
from foundation import ledger, locales
from foundation.database import transaction, utcnow
from incident import register
from incident.access import locked_incident, visible_incident, visible_incidents
from incident.forms import words
from incident.rules.lifecycle import State

bp = Blueprint("register", __name__)


@bp.get("/register")
@requires(Permission.SEE_REGISTER)
def index() -> ResponseReturnValue:
    """Every breach the reader may see: facts, effects, remedy and reasoning, also of those rejected."""
    state, year = request.args.get("state", ""), request.args.get("year", type=int)
    since, until = _year(year)
    rows = register.register(visible_incidents(), state=state, since=since, until=until)
    return render_template(
        "incident/register.html", rows=rows, states=list(State), state=state, year=year,
        filtered=bool(state or since), whom=words.whom, said=words,
    )  # fmt: skip


def _year(year: int | None) -> tuple[datetime | None, datetime | None]:
    """A calendar year of the organisation, as instants; nothing for a year that is none."""
    if year is None or not 2018 <= year <= 9000:
        return None, None
    zone = ZoneInfo(locales.zone())
    begins, ends = datetime(year, 1, 1, tzinfo=zone), datetime(year + 1, 1, 1, tzinfo=zone)
    return begins.astimezone(UTC), ends.astimezone(UTC)


@bp.get("/register/verification")
@requires(Permission.VERIFY_AUDIT)
def verify() -> ResponseReturnValue:
    """Check every chain of this organisation's ledger and show the result."""
    broken = register.verify_installation()
    return render_template("incident/record_verification.html", broken=broken, now=utcnow())


@bp.get("/incidents/<uuid:incident_id>/record")
@requires(Permission.SEE_INCIDENTS)
def record(incident_id: UUID) -> ResponseReturnValue:
    """The whole story of one incident, line by line."""
    incident = visible_incident(incident_id)
    number, hashed = register.head(incident.chain)
    lines, only = register.record(incident), request.args.get("only", "")
    shown = [each for each in lines if not only or each.group == only]
    return render_template(
        "incident/record.html", incident=incident, lines=shown, number=number, head=hashed, only=only
    )


@bp.post("/incidents/<uuid:incident_id>/evidence")
@requires(Permission.VERIFY_AUDIT)
def evidence(incident_id: UUID) -> ResponseReturnValue:
    """The evidence as a file; that it was taken away is part of it."""
    by, now = current_staff(), utcnow()
    with transaction():
        incident = locked_incident(incident_id)
        ledger.append(
            incident.chain, "evidence.exported", organisation_id=incident.organisation_id, actor=by.name,
            at=now, staff=by.id,
        )  # fmt: skip
    bundle = register.bundle(visible_incident(incident_id), by=by.name, now=now)
    answer = Response(json.dumps(bundle, ensure_ascii=False, indent=1), mimetype="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="{incident.number}-evidence.json"'
    return answer
