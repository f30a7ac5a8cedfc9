"""The people of a communication, page by page: what became of each, masked; one of them with a reason."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from flask import flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from accounts.permissions import Permission, current_staff, may, requires
from foundation.database import transaction, utcnow
from incident import contact_data, contact_shown, coverage, subject_communication
from incident.access import locked_incident, visible_incident
from incident.contact_shown import Masked
from incident.lists import people
from incident.models import Incident, SubjectCommunication
from incident.subject_communication import SENT
from incident.views.subject_communications.blueprint import back, bp, named
from notifications import sending
from notifications.sending import Line, Standing

PAGE: Final = 50
# What can be picked, and the fates that it stands for.
FATES: Final = {
    "manual": ("manual",), "delivered": ("delivered", "posted"), "accepted": ("accepted",),
    "letters": ("waiting",), "failed": ("failed",), "settled": ("settled",),
}  # fmt: skip
LABELS: Final = {
    "manual": _l("not reached"), "delivered": _l("reached"), "accepted": _l("with the provider"),
    "letters": _l("letters to be posted"), "failed": _l("next way is taken"), "settled": _l("settled"),
}  # fmt: skip


@bp.get("/<uuid:communication_id>/recipients")
@requires(Permission.SEE_INCIDENTS)
def people_page(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    """Fifty people at a time with what became of each; `only` picks those of one fate."""
    incident = visible_incident(incident_id)
    communication = named(incident, communication_id)
    standing = sending.of(coverage.source_of(communication.id))
    only, after = request.args.get("only", ""), request.args.get("after", type=UUID)
    if only == "unreached":
        only = "manual"
    found = _page(communication, standing, only, after)
    return render_template(
        "incident/recipients.html", incident=incident, communication=communication, fates=LABELS, only=only,
        page=PAGE, after=after, sent=communication.state in SENT, **_beside(incident, communication, found),
        coverage=coverage.of(communication) if communication.state in SENT else None,
    )  # fmt: skip


def _page(
    communication: SubjectCommunication, standing: Standing | None, only: str, after: UUID | None
) -> dict[UUID, Line | None]:
    """The ids of a page with the last line of each."""
    if standing is None:
        return {each.id: None for each in people.after(communication, after, PAGE)}
    if only in FATES:
        return {
            each.recipient_id: each for each in sending.people_with(standing.id, FATES[only], after, PAGE)
        }
    if communication.selection.get("untold"):  # who is told is picked no more
        every = [fate for fates in FATES.values() for fate in fates]
        return {each.recipient_id: each for each in sending.people_with(standing.id, every, after, PAGE)}
    ids = [each.id for each in people.after(communication, after, PAGE)]
    known = sending.fates_of(standing.id, ids)
    return {each: known.get(each) for each in ids}


def _beside(
    incident: Incident, communication: SubjectCommunication, found: dict[UUID, Line | None]
) -> dict[str, Any]:
    """Rows, and contacts masked where they are there and may be seen; the last id of a page that is full."""
    rows = subject_communication.rows_of(incident, list(found))
    return {
        "people": [rows[each] for each in found if each in rows], "lines": found,
        "contacts": _contacts(incident, list(found)),
        "numbers": {each.id: each.number for each in subject_communication.standing_lists(incident)},
        "last": list(found)[-1] if len(found) == PAGE else None,
        "reasons": {
            each: subject_communication.why_left(communication, rows[each], line)
            for each, line in found.items() if each in rows
        },
    }  # fmt: skip


def _contacts(incident: Incident, ids: Sequence[UUID]) -> dict[UUID, Masked]:
    if (
        not ids
        or not may(current_staff(), Permission.SEE_RECIPIENTS)
        or not contact_data.is_there(incident.id)
    ):
        return {}
    return {
        each: contact_shown.masked(contact)
        for each, contact in contact_data.contacts(incident.id, ids).items()
    }


@bp.post("/<uuid:communication_id>/recipients/found")
@requires(Permission.SEE_RECIPIENTS)
def find(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    """Find somebody by e-mail, number or the organisation's own id; no address of a page says whom."""
    incident = visible_incident(incident_id)
    communication = named(incident, communication_id)
    rows = people.find(incident, request.form.get("text", ""))
    standing = sending.of(coverage.source_of(communication.id))
    ids = [each.id for each in rows][:PAGE]
    lines: dict[UUID, Line | None] = dict.fromkeys(ids)
    lines |= sending.fates_of(standing.id, ids) if standing else {}
    return render_template(
        "incident/recipients.html", incident=incident, communication=communication, fates=LABELS, only="",
        page=PAGE, after=None, sent=communication.state in SENT, found=True, coverage=None,
        **_beside(incident, communication, lines),
    )  # fmt: skip


@bp.get("/<uuid:communication_id>/recipients/<uuid:recipient_id>")
@requires(Permission.SEE_RECIPIENTS)
def person(incident_id: UUID, communication_id: UUID, recipient_id: UUID) -> ResponseReturnValue:
    """One person: what was tried by which way, and what became of it; addresses stay masked."""
    incident = visible_incident(incident_id)
    communication = named(incident, communication_id)
    row = subject_communication.person_of(communication, recipient_id)
    standing = sending.of(coverage.source_of(communication.id))
    lines = sending.deliveries_of(standing.id, recipient_id) if standing else []
    last = next((each for each in lines if each.is_last), None)
    return render_template(
        "incident/recipient.html", incident=incident, communication=communication, person=row, lines=lines,
        contact=_contacts(incident, [recipient_id]).get(recipient_id),
        ways=subject_communication.LABELS, sent=communication.state in SENT,
        why=subject_communication.why_left(communication, row, last),
        is_manual=last is not None and last.fate == "manual",
    )  # fmt: skip


@bp.post("/<uuid:communication_id>/recipients/<uuid:recipient_id>/taken-out")
@requires(Permission.PREPARE_COMMUNICATION)
def take_out(incident_id: UUID, communication_id: UUID, recipient_id: UUID) -> ResponseReturnValue:
    """Take one person out before anything is sent, with a reason."""
    with transaction():
        incident = locked_incident(incident_id)
        subject_communication.take_out(
            named(incident, communication_id), recipient_id, why=request.form.get("why", ""),
            by=current_staff(), now=utcnow(),
        )  # fmt: skip
    flash(_("Taken out; the reason stands in the record."), "success")
    return back(incident_id, communication_id, "people_page")


@bp.post("/<uuid:communication_id>/recipients/<uuid:recipient_id>/put-back")
@requires(Permission.PREPARE_COMMUNICATION)
def put_back(incident_id: UUID, communication_id: UUID, recipient_id: UUID) -> ResponseReturnValue:
    """Have one person told again who was taken out, with a reason."""
    with transaction():
        incident = locked_incident(incident_id)
        subject_communication.put_back(
            named(incident, communication_id), recipient_id, why=request.form.get("why", ""),
            by=current_staff(), now=utcnow(),
        )  # fmt: skip
    flash(_("Put back; the reason stands in the record."), "success")
    return back(incident_id, communication_id, "person", recipient_id=recipient_id)


@bp.post("/<uuid:communication_id>/settlement")
@requires(Permission.APPROVE_COMMUNICATION)
def settle(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    """Say how those whom no way reached were told, or why they cannot be: all, or one."""
    one = request.form.get("recipient", type=UUID)
    with transaction():
        incident = locked_incident(incident_id)
        subject_communication.settle(
            incident, named(incident, communication_id), why=request.form.get("why", ""), by=current_staff(),
            now=utcnow(), only=[one] if one else None,
        )  # fmt: skip
    flash(_("Settled; the reason stands in the record."), "success")
    if one:
        return back(incident_id, communication_id, "people_page", only="manual")
    return back(incident_id, communication_id)
