"""The communications of an incident, and one of them: what it lacks, its approval, and how it goes."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from accounts.permissions import Permission, current_staff, requires
from foundation import locales
from foundation.database import transaction, utcnow
from incident import coverage, letters, subject_communication
from incident.access import locked_incident, visible_incident
from incident.coverage import Coverage
from incident.lists import people, uploading
from incident.models import CommunicationState, Incident, SubjectCommunication
from incident.subject_communication import SENT, Counts
from incident.subject_communication.kin import Told
from incident.views.subject_communications.blueprint import REFRESH, back, bp, named, seen
from notifications import estimates


@bp.get("")
@requires(Permission.SEE_INCIDENTS)
def index(incident_id: UUID) -> ResponseReturnValue:
    """The communications of an incident."""
    incident = visible_incident(incident_id)
    made = subject_communication.of_incident(incident)
    return render_template(
        "incident/communications.html", incident=incident, now=utcnow(), communications=made,
        reached={each.id: coverage.of(each) for each in made if each.state in SENT},
        stale={each.id for each in made if each.state in SENT and letters.stale(each)},
        picked={each.id: people.count(each) for each in made if each.is_prepared},
        lists=uploading.of_incident(incident), duties=subject_communication.duties_of(incident),
    )  # fmt: skip


@bp.post("")
@requires(Permission.PREPARE_COMMUNICATION)
def create(incident_id: UUID) -> ResponseReturnValue:
    """Begin a communication; pressed twice, there is one."""
    with transaction():
        incident = locked_incident(incident_id)
        made = subject_communication.create(incident, by=current_staff(), now=utcnow())
    return back(incident_id, made.id)


@bp.post("/<uuid:communication_id>/correction")
@requires(Permission.PREPARE_COMMUNICATION)
def correct(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    """Begin the correction of one that was sent; pressed twice, there is one."""
    with transaction():
        incident = locked_incident(incident_id)
        wrong = named(incident, communication_id)
        made = subject_communication.correct(incident, wrong, by=current_staff(), now=utcnow())
    flash(_("It goes to everybody who had communication %(number)s.", number=wrong.number), "success")
    return back(incident_id, made.id)


@bp.post("/<uuid:communication_id>/drop")
@requires(Permission.PREPARE_COMMUNICATION)
def drop(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    """Say with a reason that nobody is told by it; pressed twice, it is dropped once."""
    with transaction():
        incident = locked_incident(incident_id)
        dropped = subject_communication.drop(
            incident, named(incident, communication_id), why=request.form.get("why", ""), by=current_staff(),
            now=utcnow(),
        )  # fmt: skip
    said = _("Dropped; the reason stands in the record.") if dropped else _("Nothing was changed.")
    flash(said, "success")
    return back(incident_id, communication_id)


@bp.get("/<uuid:communication_id>")
@requires(Permission.SEE_INCIDENTS)
def show(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    """Where it stands, what it lacks, and whom it has reached; looks again by itself while that changes."""
    incident = visible_incident(incident_id)
    communication, now = named(incident, communication_id), utcnow()
    if communication.dropped_at is not None:
        return render_template(
            "incident/communication_dropped.html", incident=incident, communication=communication,
            corrects=_corrects(incident, communication),
        )  # fmt: skip
    shown: dict[str, Any] = {
        "incident": incident, "communication": communication, "now": now, "labels": letters.LABELS,
        "authors": subject_communication.authors_of(incident, communication),
        "duties": subject_communication.duties_of(incident), "told": _told(incident, communication),
        "corrects": _corrects(incident, communication), "ways": subject_communication.LABELS,
    }  # fmt: skip
    if communication.state in SENT:
        return _going(shown, communication, now)
    return render_template(
        "incident/communication.html", **shown, **_prepared(incident, communication, shown["told"], now)
    )


def _told(incident: Incident, communication: SubjectCommunication) -> list[Told]:
    if communication.state in SENT or communication.corrects_id:
        return []
    return subject_communication.told_already(incident, communication)


def _corrects(incident: Incident, communication: SubjectCommunication) -> SubjectCommunication | None:
    return named(incident, communication.corrects_id) if communication.corrects_id else None


def _going(shown: dict[str, Any], communication: SubjectCommunication, now: datetime) -> ResponseReturnValue:
    found = coverage.of(communication)
    looks_again = found.moving and not request.args.get("steady")
    page = render_template(
        "incident/communication_going.html", **shown, coverage=found, looks_again=looks_again,
        refresh=REFRESH, step=7 if found.complete else 6 if found.ended else 5,
        stale=letters.stale(communication), ends_at=_ends_at(communication, found, now),
        others=subject_communication.others_at_least(shown["incident"]),
        corrected_by=letters.correction_of(communication),
        held=subject_communication.held(communication), rest=_rest(shown["incident"], communication),
    )  # fmt: skip
    return page, {"Refresh": str(REFRESH)} if looks_again else {}


def _rest(incident: Incident, communication: SubjectCommunication) -> int:
    """How many people of the lists are told by no communication, once that is all that is owed."""
    owed = any(each.is_owed for each in subject_communication.duties_of(incident))
    if not owed or communication.state != CommunicationState.COMPLETE:
        return 0
    return subject_communication.left_untold(incident)


def _ends_at(communication: SubjectCommunication, found: Coverage, now: datetime) -> datetime | None:
    """When the last one would be out at the pace so far; None while there is no pace."""
    gone = found.total - found.waiting
    if not (found.waiting and gone and found.at and communication.sent_at and found.state == "running"):
        return None
    return now + (found.at - communication.sent_at) / gone * found.waiting + timedelta(minutes=1)


def _prepared(
    incident: Incident, communication: SubjectCommunication, told: Sequence[Told], now: datetime
) -> dict[str, Any]:
    counts = subject_communication.counts(communication)
    fingerprint = subject_communication.fingerprint(communication)
    stands = subject_communication.stands(communication, fingerprint)
    obstacles = subject_communication.obstacles(incident, communication, counts, told)
    return {
        "counts": counts, "fingerprint": fingerprint, "stands": stands, "obstacles": obstacles,
        "step": subject_communication.step(obstacles, approved=stands),
        "lists": subject_communication.lists_of(incident, communication),
        "stale": letters.stale(communication),
        "lacking": subject_communication.lacking(incident, communication, counts),
        "kinds": letters.kinds(locales.current()), **estimated(incident, communication, counts, now),
    }  # fmt: skip


def estimated(
    incident: Incident, communication: SubjectCommunication, counts: Counts, now: datetime
) -> dict[str, Any]:
    """What it comes to, the sentence of it, and the segments of each text message."""
    found = subject_communication.estimate(incident, communication, counts, now=now)
    return {
        "estimate": found, "sentence": estimates.approval(found) if found else None,
        "helps": estimates.helps(found) if found else [],
        "segments": subject_communication.segments(communication, counts) if "sms" in counts.by_way else {},
    }  # fmt: skip


def _comes_to(incident: Incident, communication_id: UUID) -> str:
    communication = named(incident, communication_id)
    counts = subject_communication.counts(communication)
    found = subject_communication.estimate(incident, communication, counts, now=utcnow())
    return estimates.approval(found) if found else ""


# --- approval and sending -----------------------------------------------------------------------


@bp.post("/<uuid:communication_id>/approval")
@requires(Permission.APPROVE_COMMUNICATION)
def approve(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    """Approve texts and people, as the second person; what it comes to is kept with the approval."""
    comes_to = _comes_to(visible_incident(incident_id), communication_id)
    with transaction():
        incident = locked_incident(incident_id)
        subject_communication.approve(
            incident, named(incident, communication_id), seen=seen(), by=current_staff(), now=utcnow(),
            comes_to=comes_to,
        )  # fmt: skip
    flash(_("Approved: these texts, to exactly these people."), "success")
    return back(incident_id, communication_id)


@bp.post("/<uuid:communication_id>/sending")
@requires(Permission.SEND_COMMUNICATION)
def send(incident_id: UUID, communication_id: UUID) -> ResponseReturnValue:
    """Send it; pressed twice, or by two people, everybody is written to once."""
    with transaction():
        incident = locked_incident(incident_id)
        sent = subject_communication.send(
            incident, named(incident, communication_id), by=current_staff(), now=utcnow(), seen=seen(),
            count=request.form.get("count", -1, type=int),
        )  # fmt: skip
    said = ngettext(
        "On its way to %(count)s person, alone.", "On its way to %(count)s people, each alone.", sent,
        count=locales.number(sent, locales.current()),
    )  # fmt: skip
    flash(said if sent else _("It was sent before. Nobody was written to twice."), "success")
    return back(incident_id, communication_id)
