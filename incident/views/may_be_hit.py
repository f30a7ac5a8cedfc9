"""From the register to the facts: who may be hit is shown on an incident, and put into a draft when asked."""

from uuid import UUID

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, may, requires
from foundation import locales
from foundation.database import transaction, utcnow
from incident import clocks, drafts
from incident.access import locked_incident
from incident.forms.facts import label_of, written
from incident.forms.fields import Sheet
from incident.models import Incident
from incident.processor_register import suggestions
from incident.processor_register.suggestions import MayBeHit

bp = Blueprint("may_be_hit", __name__, url_prefix="/incidents/<uuid:incident_id>/may-be-hit")


@bp.app_template_global("may_be_hit")
def shown(incident: Incident) -> MayBeHit | None:
    """What the register says of an incident, for those who may see processors."""
    if not may(current_staff(), Permission.SEE_PROCESSORS):
        return None
    return suggestions.may_be_hit(incident)


@bp.post("")
@requires(Permission.TRIAGE)
def take_over(incident_id: UUID) -> ResponseReturnValue:
    """Put what is suggested into the reader's draft of new facts, where nothing is said yet; they decide."""
    by, now = current_staff(), utcnow()
    with transaction():
        incident = locked_incident(incident_id)
        held = drafts.of(incident, by, locked=True)
        found = suggestions.may_be_hit(incident)
        latest = written(clocks.document_of(incident), locales.zone())
        sheet = Sheet(typed=dict(held.typed)) if held else latest
        taken = suggestions.draft(sheet, found.suggested if found else ())
        if taken:
            after = held.after if held else incident.facts_number
            drafts.save(incident, sheet.typed, after=after, by=by, now=now)
    if taken:
        facts = ", ".join(_label(each.pointer) for each in taken)
        flash(
            _(
                "In your draft now: %(facts)s. Look it through: it is kept only when you keep it.",
                facts=facts,
            ),
            "success",
        )
    else:
        flash(_("Nothing to take over: the facts or your draft say it already."), "warning")
    return redirect(url_for("facts.new", incident_id=incident_id), 303)


@bp.app_template_global("words_of_pointer")
def _label(pointer: str) -> str:
    """How pages call what is suggested for a fact."""
    return _("At a processor") if pointer == "/chain" else label_of(pointer)
