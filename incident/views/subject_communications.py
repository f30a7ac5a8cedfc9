"""Pages of telling the people: list, letters, approval, sending, and whom it reached.

Contact data is shown to those who may see recipients, and to nobody else.
"""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.permissions import Permission, current_staff, requires
from foundation.database import transaction, utcnow
from foundation.errors import Invalid, Missing
from incident import clocks, coverage, letters, recipients, subject_communication
from incident.access import locked_incident, visible_incident
from incident.merging import told_already
from incident.models import CommunicationState, Incident, Recipient, SubjectCommunication
from incident.subject_communication import TEMPLATE
from notifications import delivery, rendering

bp = Blueprint("subject_communications", __name__, url_prefix="/incidents/<uuid:incident_id>/communications")
REFRESH = 10  # seconds, only while messages are under way
PREVIEW_REFERENCE = "XXXXXXXX"


@bp.get("")
@requires(Permission.SEE_INCIDENTS)
def index(incident_id: UUID) -> ResponseReturnValue:
    """The communications of an incident."""
    incident = visible_incident(incident_id)
    return render_template(
        "incident/communications.html", incident=incident, now=utcnow(),
        communications=subject_communication.of_incident(incident),
        duties=subject_communication.duties_of(incident),
    )  # fmt: skip


@bp.post("")
@requires(Permission.PREPARE_COMMUNICATION)
def create(incident_id: UUID) -> ResponseReturnValue:
    """Begin a communication; pressed twice, there is one."""
    with transaction():
        incident = locked_incident(incident_id)
        made = subject_communication.create(incident, by=current_staff(), now=utcnow())
    return _back(incident_id, made.id)


@bp.get("/<uuid:communication_id>")
@requires(Permission.SEE_INCIDENTS)
def show(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    """Where it stands, what it lacks, and whom it has reached; looks again by itself while that changes."""
    incident = visible_incident(incident_id)
    shown = _shown(incident, subject_communication.of(incident, communication_id))
    found = shown["coverage"]
    moving = found is not None and not found.ended
    looks_again = moving and not request.args.get("steady")
    page = render_template(
        "incident/communication.html", **shown, moving=moving, looks_again=looks_again, refresh=REFRESH
    )
    return page, {"Refresh": str(REFRESH)} if looks_again else {}


def _shown(incident: Incident, communication: SubjectCommunication) -> dict[str, Any]:
    people = subject_communication.people_of(communication)
    sent = communication.state in (CommunicationState.SENDING, CommunicationState.COMPLETE)
    found = coverage.of(communication) if sent else None
    by_mail = sum(bool(each.email) for each in people)
    return {
        "incident": incident, "communication": communication, "people": people, "now": utcnow(),
        "coverage": found, "lacking": subject_communication.lacking(communication, people),
        "authors": subject_communication.authors_of(incident, communication), "labels": letters.LABELS,
        "by_language": recipients.by_language(each.locale for each in people), "emails": by_mail,
        "texts": len(people) - by_mail,
        "with_fallback": sum(bool(each.email and each.phone) for each in people),
        "duties": subject_communication.duties_of(incident), "most": recipients.MOST_PEOPLE,
        "told": told_already(incident, communication),
    }  # fmt: skip


# --- letters ------------------------------------------------------------------------------------


@bp.get("/<uuid:communication_id>/letters/<locale>")
@requires(Permission.SEE_INCIDENTS)
def letter(incident_id: UUID, communication_id: UUID, locale: str) -> ResponseReturnValue:
    """The letter in one language, to be edited by whoever may, with the facts as they were told."""
    incident = visible_incident(incident_id)
    communication = subject_communication.of(incident, communication_id)
    if locale not in communication.texts:
        raise Missing(_("There is no letter in this language yet."))
    people = [each for each in subject_communication.people_of(communication) if each.locale == locale]
    return render_template(
        "incident/communication_letter.html", incident=incident, communication=communication, locale=locale,
        parts=communication.texts[locale], names=letters.PARTS, labels=letters.LABELS, people=people,
        one_line=letters.ONE_LINE, required=letters.REQUIRED, facts=clocks.current_facts(incident),
        has_brackets=letters.has_brackets,
    )  # fmt: skip


@bp.post("/<uuid:communication_id>/letters/<locale>")
@requires(Permission.PREPARE_COMMUNICATION)
def write(incident_id: UUID, communication_id: UUID, locale: str) -> ResponseReturnValue:
    """Save a letter; an approval of another text is void."""
    with transaction():
        incident = locked_incident(incident_id)
        changed = subject_communication.set_texts(
            incident, subject_communication.of(incident, communication_id), locale, request.form.to_dict(),
            seen=request.form.get("seen", ""), by=current_staff(), now=utcnow(),
        )  # fmt: skip
    flash(_("Saved.") if changed else _("Nothing was changed."), "success")
    return _back(incident_id, communication_id)


@bp.post("/<uuid:communication_id>/letters")
@requires(Permission.PREPARE_COMMUNICATION)
def add_language(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    """Draft the letter in one more language."""
    with transaction():
        incident = locked_incident(incident_id)
        subject_communication.add_language(
            incident, subject_communication.of(incident, communication_id), request.form.get("locale", ""),
            seen=request.form.get("seen", ""), by=current_staff(), now=utcnow(),
        )  # fmt: skip
    return _back(incident_id, communication_id)


@bp.get("/<uuid:communication_id>/recipients/<uuid:recipient_id>/letter")
@requires(Permission.SEE_RECIPIENTS)
def preview(incident_id: UUID, communication_id: UUID, recipient_id: UUID) -> ResponseReturnValue:
    """What one person will read, or has read: e-mail and text message."""
    incident = visible_incident(incident_id)
    communication = subject_communication.of(incident, communication_id)
    people = subject_communication.people_of(communication)
    place = next((n for n, each in enumerate(people) if each.id == recipient_id), None)
    if place is None:
        raise Missing(_("There is no such person on the list."))
    person = people[place]
    return render_template(
        "incident/communication_preview.html", incident=incident, communication=communication,
        person=person, before=people[place - 1] if place else None,
        after=people[place + 1] if place + 1 < len(people) else None, **_rendered(communication, person),
    )  # fmt: skip


def _rendered(communication: SubjectCommunication, person: Recipient) -> dict[str, Any]:
    said = letters.context(communication.texts[person.locale], person.locale, person.name)
    full = {**said, "reference": PREVIEW_REFERENCE}
    text = rendering.render(TEMPLATE, person.locale, "sms", full)["text"]
    return {
        "email": rendering.render(TEMPLATE, person.locale, "email", full), "sms": text,
        "segments": rendering.segments(text),
    }  # fmt: skip


# --- the list -----------------------------------------------------------------------------------


@bp.get("/<uuid:communication_id>/recipients")
@requires(Permission.SEE_INCIDENTS)
def people(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    """Everybody on the list with what became of their message; `only` picks those not reached."""
    incident = visible_incident(incident_id)
    shown = _shown(incident, subject_communication.of(incident, communication_id))
    found = shown["coverage"]
    if request.args.get("only") == "unreached" and found:
        shown["people"] = [each for each in shown["people"] if each.id in found.unreached]
    why = {each.dedupe_key.partition(">")[0]: each.why for each in delivery.log_for(incident.chain)}
    reasons = {each.id: why.get(coverage.key(communication_id, each.id)) for each in shown["people"]}
    return render_template("incident/recipients.html", **shown, reasons=reasons)


@bp.post("/<uuid:communication_id>/recipients/preview")
@requires(Permission.PREPARE_COMMUNICATION)
def look(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    """Read a file and show what it says; nothing is taken over yet."""
    incident = visible_incident(incident_id)
    communication = subject_communication.of(incident, communication_id)
    sent, organisation = request.files.get("list"), current_staff().organisation
    if sent is None or not sent.filename:
        raise Invalid(_("No file was chosen."), next_step=_("Choose a CSV file and send it again."))
    first = letters.languages_of(organisation)[0]
    reading = recipients.read(sent.read(), country=organisation.country, locale=first)
    page = render_template(
        "incident/recipients_preview.html", incident=incident, communication=communication, reading=reading,
        columns=recipients.COLUMNS, sealed=recipients.seal(reading, _bound(communication_id)), first=first,
        by_language=recipients.by_language(each.locale for each in reading.people),
    )  # fmt: skip
    return page, 422 if reading.faults else 200


def _bound(communication_id: UUID) -> str:
    return f"{communication_id}:{current_staff().id}"


@bp.post("/<uuid:communication_id>/recipients")
@requires(Permission.PREPARE_COMMUNICATION)
def take_over(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    """Put the people of the previewed file on the list."""
    reading = recipients.unseal(request.form.get("sealed", ""), _bound(communication_id))
    with transaction():
        incident = locked_incident(incident_id)
        subject_communication.set_list(
            incident, subject_communication.of(incident, communication_id), reading,
            why_left_out=request.form.get("why_left_out", ""), seen=request.form.get("seen", ""),
            by=current_staff(), now=utcnow(),
        )  # fmt: skip
    flash(_("%(count)s people are on the list.", count=len(reading.people)), "success")
    return _back(incident_id, communication_id)


# --- approval and sending -----------------------------------------------------------------------


@bp.post("/<uuid:communication_id>/approval")
@requires(Permission.APPROVE_COMMUNICATION)
def approve(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    """Approve letters and list, as the second person."""
    with transaction():
        incident = locked_incident(incident_id)
        subject_communication.approve(
            incident, subject_communication.of(incident, communication_id),
            seen=request.form.get("seen", ""), by=current_staff(), now=utcnow(),
        )  # fmt: skip
    flash(_("Approved: these letters, to exactly these people."), "success")
    return _back(incident_id, communication_id)


@bp.post("/<uuid:communication_id>/sending")
@requires(Permission.SEND_COMMUNICATION)
def send(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    """Send it; pressed twice, or by two people, everybody is written to once."""
    with transaction():
        incident = locked_incident(incident_id)
        sent = subject_communication.send(
            incident, subject_communication.of(incident, communication_id), by=current_staff(), now=utcnow(),
            seen=request.form.get("seen", ""), count=request.form.get("count", -1, type=int),
        )  # fmt: skip
    said = _("On its way to %(count)s people, each alone.", count=sent)
    flash(said if sent else _("It was sent before. Nobody was written to twice."), "success")
    return _back(incident_id, communication_id)


@bp.post("/<uuid:communication_id>/settlement")
@requires(Permission.APPROVE_COMMUNICATION)
def settle(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    """Say how those whom no message reached were told, or why they cannot be."""
    with transaction():
        incident = locked_incident(incident_id)
        subject_communication.settle(
            incident, subject_communication.of(incident, communication_id),
            why=request.form.get("why", ""), by=current_staff(), now=utcnow(),
        )  # fmt: skip
    flash(_("Settled; the reason stands in the record."), "success")
    return _back(incident_id, communication_id)


def _back(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    return redirect(url_for(".show", incident_id=incident_id, communication_id=communication_id), 303)
