"""Pages of contact data: what will become of it, keeping or destroying it, and looking at one person."""

from uuid import UUID

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from accounts.permissions import Permission, current_staff, requires
from foundation.database import transaction, utcnow
from incident import contact_shown, forgetting
from incident.access import locked_incident, visible_incident
from incident.forgetting import Needed

bp = Blueprint("contact_data", __name__, url_prefix="/incidents/<uuid:incident_id>/contact-data")
WORDS = {
    Needed.DUTY: _l("People are still owed to be told, by law or by promise."),
    Needed.PREPARED: _l("A communication is being prepared."),
    Needed.SENDING: _l("A communication is under way."),
    Needed.MANUAL: _l("Somebody is left to a person and not settled yet."),
    Needed.LETTERS: _l("Letters are not posted yet."),
    Needed.ASKED: _l("Somebody asked something that is not done yet."),
    Needed.OPEN: _l("The incident is open, and not everybody was told yet."),
    Needed.LISTS: _l("A list came that nobody was told from yet: tell its people, or withdraw it."),
    Needed.HELD: _l("A person wants it kept."),
}


@bp.get("")
@requires(Permission.SEE_INCIDENTS)
def show(incident_id: UUID) -> ResponseReturnValue:
    """What will become of the contact data, and what still needs it."""
    incident = visible_incident(incident_id)
    found = forgetting.outlook(incident, now=utcnow())
    return render_template("incident/contact_data.html", incident=incident, found=found, words=WORDS)


@bp.post("/hold")
@requires(Permission.APPROVE_COMMUNICATION)
def hold(incident_id: UUID) -> ResponseReturnValue:
    """Keep it until a person says otherwise."""
    with transaction():
        incident = locked_incident(incident_id)
        forgetting.hold(incident, request.form.get("reason", ""), by=current_staff(), now=utcnow())
    flash(_("It is kept until somebody ends that."), "success")
    return _back(incident_id)


@bp.post("/release")
@requires(Permission.APPROVE_COMMUNICATION)
def release(incident_id: UUID) -> ResponseReturnValue:
    """Let it go its way again."""
    with transaction():
        incident = locked_incident(incident_id)
        forgetting.release(incident, request.form.get("reason", ""), by=current_staff(), now=utcnow())
    flash(_("It goes when its time has come."), "success")
    return _back(incident_id)


@bp.post("/destruction")
@requires(Permission.APPROVE_COMMUNICATION)
def destroy(incident_id: UUID) -> ResponseReturnValue:
    """Destroy it now; nothing brings it back."""
    with transaction():
        incident = locked_incident(incident_id)
        gone = forgetting.forget(
            incident, request.form.get("reason", ""), confirmed=request.form.get("number", ""),
            by=current_staff(), now=utcnow(),
        )  # fmt: skip
    said = _("Destroyed. Who was told, when and by which way is kept.")
    flash(said if gone else _("It was gone already."), "success")
    return _back(incident_id)


@bp.get("/people/<uuid:recipient_id>")
@requires(Permission.SEE_RECIPIENTS)
def person(incident_id: UUID, recipient_id: UUID) -> ResponseReturnValue:
    """One person, masked."""
    incident = visible_incident(incident_id)
    recipient = contact_shown.person(incident, recipient_id)
    return render_template(
        "incident/contact_person.html", incident=incident, recipient=recipient, shown=None,
        masked=contact_shown.shown_masked(incident, recipient),
    )  # fmt: skip


@bp.post("/people/<uuid:recipient_id>")
@requires(Permission.SEE_RECIPIENTS)
def reveal(incident_id: UUID, recipient_id: UUID) -> ResponseReturnValue:
    """One person in the clear, once: nothing of it is kept by the browser."""
    with transaction():
        incident = locked_incident(incident_id)
        recipient = contact_shown.person(incident, recipient_id)
        found = contact_shown.reveal(
            incident, recipient, request.form.get("reason", ""), by=current_staff(), now=utcnow()
        )
    answer = make_response(
        render_template(
            "incident/contact_person.html", incident=incident, recipient=recipient, shown=found, masked=None
        )
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _back(incident_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("contact_data.show", incident_id=incident_id), 303)
