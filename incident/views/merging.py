"""Merging an incident into another, taking it back, and looking at the facts of the two side by side."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, requires
from foundation import locales
from foundation.database import db, transaction, utcnow
from foundation.errors import Invalid, Missing, Refused
from incident import clocks, drafts, merging, related
from incident.access import locked_incidents, visible_incident, visible_incidents
from incident.forms import words
from incident.forms.changes import changes
from incident.forms.facts import FIELDS, written
from incident.forms.fields import Sheet
from incident.models import Incident
from incident.rules.lifecycle import State
from incident.views.shown import processor_names

bp = Blueprint("merging", __name__, url_prefix="/incidents/<uuid:incident_id>")
OPEN = (State.REPORTED, State.CONFIRMED)
_NAMES = {each.pointer: each.name for each in FIELDS}


@bp.get("/merger")
@requires(Permission.TRIAGE)
def edit(incident_id: UUID) -> ResponseReturnValue:
    """Choose into which incident it is merged; with `into`, what that would do."""
    incident = visible_incident(incident_id)
    into = request.args.get("into", "")
    return _page(incident, _chosen(into) if into else None)


@bp.post("/merger")
@requires(Permission.TRIAGE)
def create(incident_id: UUID) -> ResponseReturnValue:
    """Merge it, for a reason; the page before has shown what that does."""
    carrier, reason = _chosen(request.form.get("into", "")), request.form.get("reason", "")
    if not reason.strip():
        wrong = _("Say why the two are one breach: it stands in both records.")
        return _page(visible_incident(incident_id), carrier, wrong), 422
    with transaction():
        carried, into = locked_incidents(incident_id, carrier.id)
        merging.merge(carried, into, reason=reason, by=current_staff(), now=utcnow())
    flash(_("Merged. Both numbers keep working; everything goes on here."), "success")
    return redirect(url_for("incidents.show", incident_id=carrier.id), 303)


@bp.post("/merger/removal")
@requires(Permission.TRIAGE)
def remove(incident_id: UUID) -> ResponseReturnValue:
    """Split off again what was merged, for a reason."""
    incident, reason = visible_incident(incident_id), request.form.get("reason", "")
    carrier = incident.merged_into_id or incident.id
    with transaction():
        carried, into = locked_incidents(incident_id, carrier)
        if into.id not in (carried.merged_into_id, carried.id):
            raise Refused(_("Somebody else was quicker. Nothing of yours was changed."))
        merging.split_off(carried, into, reason=reason, by=current_staff(), now=utcnow())
    flash(_("Split off again. It owes what it owed; the other one keeps what it owes."), "success")
    return redirect(url_for("incidents.show", incident_id=incident_id), 303)


def _chosen(text: str) -> Incident:
    """The incident that was chosen. Raises: Missing."""
    try:
        return visible_incident(UUID(text))
    except ValueError:
        raise Missing(_("There is no such incident, or none that you may see.")) from None


def _page(incident: Incident, carrier: Incident | None, wrong: str = "") -> str:
    preview, refused = None, None
    if carrier is not None:
        try:
            preview = merging.preview(incident, carrier)
        except (Refused, Invalid) as refusal:
            refused = refusal
    choices = db.session.scalars(
        visible_incidents()
        .where(Incident.state.in_(OPEN), Incident.id != incident.id, Incident.drill == incident.drill)
        .order_by(Incident.reported_at.desc())
    ).all()
    names = processor_names([each.processor_id for each in choices if each.processor_id])
    return render_template(
        "incident/merger.html", incident=incident, carrier=carrier, preview=preview, refused=refused,
        choices=choices, names=names, wrong=wrong, reason=request.form.get("reason", ""), words=words,
        now=utcnow(),
    )  # fmt: skip


# --- the facts of the two -----------------------------------------------------------------------


@bp.get("/carried/<uuid:other_id>/facts")
@requires(Permission.SEE_INCIDENTS)
def facts(incident_id: UUID, other_id: UUID) -> ResponseReturnValue:
    """What the carried incident says otherwise; nothing of it holds until a person takes it over."""
    incident = visible_incident(incident_id)
    other = _carried(incident, other_id)
    found = changes(clocks.document_of(incident), clocks.document_of(other))
    return render_template(
        "incident/merged_facts.html", incident=incident, other=other, changes=found, names=_NAMES,
        is_open=incident.state in OPEN,
    )  # fmt: skip


@bp.post("/carried/<uuid:other_id>/facts")
@requires(Permission.TRIAGE)
def take_over(incident_id: UUID, other_id: UUID) -> ResponseReturnValue:
    """Put what was ticked into the form as a draft, on top of what the person has typed there."""
    incident, staff = visible_incident(incident_id), current_staff()
    other = _carried(incident, other_id)
    ticked = set(request.form.getlist("take")) & set(_NAMES.values())
    with transaction():
        held = drafts.of(incident, staff, locked=True)
        sheet = Sheet(typed=dict(held.typed)) if held else _written(incident)
        theirs = _written(other)
        for name in sorted(ticked):
            for part in (name, f"{name}.fold"):
                sheet.typed[part] = theirs.typed.get(part, [])
        said = sheet.one("reason") or _("Taken over from %(number)s.", number=other.number)
        after = held.after if held else incident.facts_number
        drafts.save(incident, sheet.typed | {"reason": [said]}, after=after, by=staff, now=utcnow())
    flash(_("Put into the form. It is a draft until you keep it as a new version."), "success")
    return redirect(url_for("facts.new", incident_id=incident_id), 303)


def _written(incident: Incident) -> Sheet:
    return written(clocks.document_of(incident), locales.zone())


def _carried(incident: Incident, other_id: UUID) -> Incident:
    """One incident that this one carries, which whoever sees this one may read. Raises: Missing."""
    found = next((each for each in related.carried_by(incident) if each.id == other_id), None)
    if found is None:
        raise Missing(_("There is no such incident, or none that you may see."))
    return found
