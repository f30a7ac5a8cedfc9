"""Sending a communication, following what becomes of it, and settling whom it did not reach."""

from datetime import datetime
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import select

from accounts.models import StaffMember
from foundation import ledger
from foundation.database import db
from foundation.errors import Invalid, Refused
from incident import clocks, coverage, letters, meeting, related
from incident.coverage import Coverage
from incident.models import CommunicationState, Duty, Incident, Recipient, SubjectCommunication
from incident.subject_communication import preparing
from notifications import delivery, outbox
from playbooks import runs

TEMPLATE = "subject_notice"
CLOCK = "Breachclock"
CLOCKS = ("subject_communication", "own_promise_subjects")


def send(
    incident: Incident, communication: SubjectCommunication, *, seen: str, count: int, by: StaffMember,
    now: datetime,
) -> int:  # fmt: skip
    """Owe everybody on the list their own message; how many, or 0 when that was done before.

    `seen` and `count` are the hash and the number of people that the page named. Raises: Refused unless
    exactly that text to exactly that list is approved, and when the incident is over.
    """
    if communication.state not in preparing.BEFORE_SENDING:
        return 0
    meeting.refuse_when_over(incident)
    people = preparing.people_of(communication)
    _refuse_other(communication, people, seen, count)
    due = min((each.due_at for each in _open_duties(incident) if each.due_at), default=None)
    for person in people:
        _post(incident, communication, person, due, now)
    communication.state = CommunicationState.SENDING
    communication.sent_by, communication.sent_at = by.name, now
    db.session.flush()
    by_mail = sum(bool(each.email) for each in people)
    preparing.log(
        incident, communication, "communication.sent", by, now, people=len(people), emails=by_mail,
        texts=len(people) - by_mail,
    )  # fmt: skip
    return len(people)


def _refuse_other(
    communication: SubjectCommunication, people: list[Recipient], seen: str, count: int
) -> None:
    if communication.state != CommunicationState.APPROVED:
        raise Refused(
            _("Only an approved communication is sent."),
            next_step=_("Have a second person approve text and list."),
        )
    same = seen == communication.approved_sha256 == preparing.fingerprint(communication)
    if not same or not count == len(people) == communication.recipients:
        raise Refused(
            _("Text or list are not those that were approved and shown to you. Nobody was written to."),
            next_step=_("Open the communication again and look at what is approved now."),
        )


def _post(
    incident: Incident, communication: SubjectCommunication, person: Recipient, due: datetime | None,
    now: datetime,
) -> None:  # fmt: skip
    ways = [("email", person.email), ("sms", person.phone)]
    (channel, address), *later = [(channel, address) for channel, address in ways if address]
    outbox.post(
        organisation_id=incident.organisation_id, about=incident.chain, kind="subject", template=TEMPLATE,
        recipient=outbox.recipient(
            incident.chain, channel, address, person.locale, fallbacks=tuple(later)
        ),
        context=letters.context(communication.texts[person.locale], person.locale, person.name),
        dedupe_key=coverage.key(communication.id, person.id), must_by=due, now=now,
    )  # fmt: skip


# --- following ----------------------------------------------------------------------------------


def under_way() -> list[UUID]:
    """The communications whose standing has changed since it was last written down; takes no lock."""
    sending = select(SubjectCommunication).where(SubjectCommunication.state == CommunicationState.SENDING)
    return [each.id for each in db.session.scalars(sending) if _news(each, coverage.of(each))]


def follow(communication_id: UUID, *, now: datetime) -> None:
    """Write down what has become of a communication: out, complete, or somebody not reached.

    Safe to call from any number of clocks. Whoever was not reached is told of by the alarm that each
    failed message raises itself, so nobody is told here a second time.
    """
    incident = _locked(communication_id)
    communication = preparing.of(incident, communication_id)
    found = coverage.of(communication)
    for action in _news(communication, found):
        if action == "communication.gone_out":
            _note(incident, communication, action, found, now)
            runs.happened(incident.chain, "subjects.sent", actor=CLOCK, now=now)
        elif action == "communication.not_all_reached":
            _note(incident, communication, action, found, now)
        else:
            at = _last_delivery(communication, now)
            _conclude(incident, communication, found, actor=CLOCK, at=at, now=now)


def _locked(communication_id: UUID) -> Incident:
    """The incident of a communication, locked, with those that carry it."""
    of = select(SubjectCommunication.incident_id).where(SubjectCommunication.id == communication_id)
    return related.locked(db.session.scalars(of).one())


def _news(communication: SubjectCommunication, found: Coverage) -> list[str]:
    """What has come true and is not written down yet; nothing once the communication is complete."""
    if communication.state != CommunicationState.SENDING:
        return []
    come_true = {
        "communication.gone_out": found.gone_out,
        "communication.not_all_reached": found.ended and bool(found.unreached),
        "communication.completed": found.complete,
    }
    noted = select(ledger.Entry.action, ledger.Entry.details).where(
        ledger.Entry.chain == coverage.chain_of_communication(communication),
        ledger.Entry.action.in_(come_true),
    )
    known = {
        action for action, details in db.session.execute(noted)
        if details.get("communication") == str(communication.id)
    }  # fmt: skip
    return [action for action, is_true in come_true.items() if is_true and action not in known]


def _last_delivery(communication: SubjectCommunication, now: datetime) -> datetime:
    """When the last person was reached, as the provider told it."""
    mine = coverage.key_prefix(communication.id)
    lines = delivery.log_for(coverage.chain_of_communication(communication))
    times = [each.done_at for each in lines if each.dedupe_key.startswith(mine) and each.state == "delivered"]
    return max((each for each in times if each), default=now)


def settle(
    incident: Incident, communication: SubjectCommunication, *, why: str, by: StaffMember, now: datetime
) -> None:
    """Say how those whom no message reached were told, or why they cannot be; that completes it.

    Raises: Refused while messages are under way or when nobody is left, Invalid without a reason.
    """
    found = coverage.of(communication)
    if communication.state != CommunicationState.SENDING or not (found.ended and found.unreached):
        raise Refused(
            _("There is nobody to settle: messages are still under way, or everybody was reached."),
            next_step=_("Look again once every message has been delivered or given up."),
        )
    if not why.strip():
        raise Invalid(
            _("Say how they were told, or why they cannot be."), next_step=_("It stands in the record.")
        )
    _conclude(incident, communication, found, actor=by.name, at=now, now=now, reason=why.strip())


def _conclude(
    incident: Incident, communication: SubjectCommunication, found: Coverage, *, actor: str, at: datetime,
    now: datetime, reason: str | None = None,
) -> None:  # fmt: skip
    """Complete it, meet the duties to tell the people, stop their clocks; lateness is frozen."""
    communication.state, communication.completed_at = CommunicationState.COMPLETE, at
    incident.follow_ups_for = 0  # what authorities were told of telling the people is looked at again
    db.session.flush()
    _note(incident, communication, "communication.completed", found, now, actor=actor, reason=reason)
    others = [each for each in preparing.of_incident(incident) if each.state == CommunicationState.SENDING]
    if others:
        return
    meeting.count_for_carrier(preparing.duties_of(incident), at=at, actor=actor, now=now)
    for duty in _open_duties(incident):
        meeting.meet(incident, duty, at=at, actor=actor, now=now)
    for kind in CLOCKS:
        clocks.stop(incident, kind, why=_("The people are told."), actor=actor, now=now, at=at)
    runs.happened(incident.chain, "subjects.sent", actor=actor, now=now)


def _open_duties(incident: Incident) -> list[Duty]:
    return meeting.still_open(preparing.duties_of(incident))


def _note(
    incident: Incident, communication: SubjectCommunication, action: str, found: Coverage, now: datetime, *,
    actor: str = CLOCK, reason: str | None = None,
) -> None:  # fmt: skip
    ledger.append(
        incident.chain, action, organisation_id=incident.organisation_id, actor=actor, at=now, reason=reason,
        communication=communication.id, people=found.total, informed=found.informed,
        not_reached=len(found.unreached),
    )  # fmt: skip
