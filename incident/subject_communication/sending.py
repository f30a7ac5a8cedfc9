"""Sending a communication, following what becomes of it, holding it, and settling whom it did not reach."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import select

from accounts.models import StaffMember
from foundation import ledger
from foundation.database import db
from foundation.errors import Invalid, Refused
from incident import clocks, coverage, decisions, genuine, letters, meeting, related
from incident.coverage import Coverage
from incident.lists import people
from incident.models import (
    BEFORE_SENDING,
    CommunicationState,
    Duty,
    Incident,
    ListState,
    PublicNotice,
    SubjectCommunication,
)
from incident.subject_communication import approving, choosing, preparing, wiring
from notifications import sending
from playbooks import runs

CLOCK = "Breachclock"
BY_LAW = "gdpr-34"
CLOCKS = ("subject_communication", "own_promise_subjects")  # by law, and by promise


def send(
    incident: Incident, communication: SubjectCommunication, *, seen: str, count: int, by: StaffMember,
    now: datetime,
) -> int:  # fmt: skip
    """Owe everybody who is picked their own message; how many, or 0 when that was done before.

    `seen` and `count` are the hash and the number of people that the page named. Raises: Refused unless
    exactly that text to exactly those people is approved, when it was dropped, and when the incident is over.
    """
    preparing.refuse_dropped(communication)
    if communication.state not in BEFORE_SENDING:
        return 0
    meeting.refuse_when_over(incident)
    _refuse_other(incident, communication, seen, count)
    genuine.code_of(communication, 0)  # from now on there are codes: their secret is made with the first
    sending.begin(
        organisation_id=incident.organisation_id, about=incident.chain,
        source=coverage.source_of(communication.id), ways=list(communication.ways),
        texts=wiring.wired(incident, communication), content_sha256=communication.content_sha256,
        people=communication.recipients, must_by=due_at(incident), now=now,
    )  # fmt: skip
    communication.state = CommunicationState.SENDING
    communication.sent_by, communication.sent_at = by.name, now
    db.session.flush()
    preparing.log(
        incident, communication, "communication.sent", by, now, people=communication.recipients,
        ways=communication.ways,
    )  # fmt: skip
    return communication.recipients


def due_at(incident: Incident) -> datetime | None:
    """The earliest time at which the people of an incident must have been told; None where none is set."""
    return min((each.due_at for each in _open_duties(incident) if each.due_at), default=None)


def _refuse_other(incident: Incident, communication: SubjectCommunication, seen: str, count: int) -> None:
    if communication.state != CommunicationState.APPROVED:
        raise Refused(
            _("Only an approved communication is sent."),
            next_step=_("Have a second person approve text and list."),
        )
    now_is = preparing.fingerprint(communication)
    if not (seen == now_is and approving.stands(communication, now_is) and count == communication.recipients):
        raise Refused(
            _("Text or list are not those that were approved and shown to you. Nobody was written to."),
            next_step=_("Open the communication again and look at what is approved now."),
        )
    for each in approving.told_elsewhere(incident, communication):  # a merger may have come in between
        raise Refused(each.said, next_step=each.next_step)


# --- holding it ---------------------------------------------------------------------------------


def pause(
    _incident: Incident, communication: SubjectCommunication, *, why: str, by: StaffMember, now: datetime
) -> None:
    """Hold what has not gone yet; it goes on from there. Raises: Refused unless it goes, Invalid."""
    sending.pause(_under_way(communication), by=by.name, why=why, now=now)


def resume(
    incident: Incident, communication: SubjectCommunication, *, why: str, by: StaffMember, now: datetime
) -> None:
    """Let the rest go on. Raises: Refused unless it is paused, and when the incident is over; Invalid."""
    meeting.refuse_when_over(incident)
    sending.resume(_under_way(communication), by=by.name, why=why, now=now)


def stop(
    _incident: Incident, communication: SubjectCommunication, *, why: str, by: StaffMember, now: datetime
) -> None:
    """End it for good: whom it has not told stays on the manual list. Raises: Refused, Invalid as `pause`."""
    sending.stop(_under_way(communication), by=by.name, why=why, now=now)


def held(communication: SubjectCommunication) -> list[sending.Held]:
    """Messages of which nobody could find out whether they went: a person decides."""
    standing = sending.of(coverage.source_of(communication.id))
    return sending.held(standing.id) if standing else []


def release(
    incident: Incident, communication: SubjectCommunication, group_id: UUID, *, went: bool, why: str,
    by: StaffMember, now: datetime,
) -> None:  # fmt: skip
    """Say that held messages went, or let them go again. Raises: Refused where they are not held, Invalid."""
    meeting.refuse_when_over(incident)
    if group_id not in {each.id for each in held(communication)}:
        raise Refused(
            _("Nobody waits for that decision any more."), next_step=_("Look at how it stands on its page.")
        )
    sending.release_held(group_id, went, by=by.name, why=why, now=now)


def _under_way(communication: SubjectCommunication) -> UUID:
    standing = sending.of(coverage.source_of(communication.id))
    if standing is None or communication.state != CommunicationState.SENDING:
        raise Refused(
            _("This communication is not under way."), next_step=_("Look at how it stands on its page.")
        )
    return standing.id


def say_still_true(
    incident: Incident, communication: SubjectCommunication, *, why: str, by: StaffMember, now: datetime
) -> None:
    """Say why what people were told is still true though facts have changed: it is asked no more of these.

    Raises: Refused where nothing is asked, Invalid without a reason.
    """
    if communication.state not in preparing.SENT or not letters.stale(communication):
        raise Refused(
            _("No fact makes what people were told untrue."),
            next_step=_("Look at how it stands on its page."),
        )
    if not why.strip():
        raise Invalid(_("Say why it is still true."), next_step=_("It stands in the record."))
    preparing.log(
        incident, communication, letters.STILL_TRUE, by, now, reason=why.strip(),
        facts_version=incident.facts_number,
    )  # fmt: skip


# --- following ----------------------------------------------------------------------------------


def under_way() -> list[UUID]:
    """The communications whose standing has changed since it was last written down; takes no lock."""
    going = select(SubjectCommunication).where(SubjectCommunication.state == CommunicationState.SENDING)
    return [each.id for each in db.session.scalars(going) if _news(each, coverage.of(each))]


def follow(communication_id: UUID, *, now: datetime) -> bool:
    """Write down what has become of a communication: out, complete, or somebody not reached; true if news.

    Safe to call from any number of clocks.
    """
    incident = _locked(communication_id)
    communication = preparing.of(incident, communication_id)
    found = coverage.of(communication)
    news = _news(communication, found)
    for action in news:
        if action == "communication.completed":
            at = min(_last_reached(communication, found) or now, now)
            _conclude(incident, communication, found, actor=CLOCK, at=at, now=now)
            continue
        _note(incident, communication, action, found, now, reason=found.paused_why)
        if action == "communication.gone_out":
            runs.happened(incident.chain, "subjects.sent", actor=CLOCK, now=now)
    return bool(news)


def _last_reached(communication: SubjectCommunication, found: Coverage) -> datetime | None:
    """When the last person was reached, as the provider told it."""
    standing = sending.of(coverage.source_of(communication.id))
    return sending.last_reached(standing.id) if standing else found.last_at


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
        "communication.not_all_reached": found.ended and found.manual > 0,
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


# --- settling -----------------------------------------------------------------------------------


def settle(
    incident: Incident, communication: SubjectCommunication, *, why: str, by: StaffMember, now: datetime,
    only: Sequence[UUID] | None = None,
) -> None:  # fmt: skip
    """Say how those on the manual list were told, or why they cannot be: all of them, or these.

    Once nobody is left that completes it; whose letter came back after that is settled as well. Raises:
    Refused while messages are under way, unless `only` some
    are settled, or when nobody is left; Invalid without a reason.
    """
    found = coverage.of(communication)
    may = communication.state in preparing.SENT and found.manual and (only or found.ended)
    if not may:
        raise Refused(
            _("There is nobody to settle: messages are still under way, or everybody was reached."),
            next_step=_("Look again once every message has been delivered or given up."),
        )
    if not why.strip():
        raise Invalid(
            _("Say how they were told, or why they cannot be."), next_step=_("It stands in the record.")
        )
    standing = sending.of(coverage.source_of(communication.id))
    count = found.manual
    if standing is not None:
        some = list(only) if only else None
        count = sending.settle_manual(standing.id, some, why.strip(), by=by.name, now=now)
    after = coverage.settled(found, count)
    if after.complete and communication.state == CommunicationState.SENDING:
        _conclude(incident, communication, after, actor=by.name, at=now, now=now, reason=why.strip())


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
    if others or left_untold(incident):
        return
    _meet(incident, actor=actor, at=at, now=now)


def left_untold(incident: Incident) -> int:
    """How many people of the lists no communication tells; 0 where it is decided that they read it in public.

    While there is anybody, what went to the others does not meet the duty.
    """
    return 0 if decisions.in_public(incident) else people.untold(incident.id)


def others_at_least(incident: Incident) -> int:
    """So many people of the lists are told by no communication, or more; by what is kept of each, for pages.

    Nobody is counted, so that a page that looks again and again does not go through a million. One person
    whom two communications tell makes it too small, never too large.
    """
    if decisions.in_public(incident):
        return 0
    lists = choosing.standing_lists(incident)
    listed = sum(each.told_once for each in lists if each.state == ListState.READ)
    firsts = [each for each in preparing.of_incident(incident) if each.corrects_id is None]
    return max(listed - sum(each.recipients for each in firsts if each.state in preparing.SENT), 0)


def leave_rest(
    incident: Incident, communication: SubjectCommunication, *, why: str, by: StaffMember, now: datetime
) -> int:
    """Say why the people of the lists whom no communication tells need not be told; how many they are.

    The duty is met by that, as of the last communication that was completed. Raises: Refused while something
    is sent, where nobody is left, or for whoever chose who is told; Invalid without a reason.
    """
    meeting.refuse_when_over(incident)
    mine = preparing.of_incident(incident)
    rest = left_untold(incident)
    done = [each.completed_at for each in mine if each.completed_at]
    waits = any(each.state == CommunicationState.SENDING for each in mine)
    if waits or not (rest and done and _open_duties(incident)):
        raise Refused(
            _("There is nobody left of whom that could be said now."),
            next_step=_("Look at how each communication stands."),
        )
    if not why.strip():
        raise Invalid(_("Say why they need not be told."), next_step=_("It stands in the record."))
    approving.refuse_author(incident, communication, by)
    preparing.log(
        incident, communication, "communication.rest_left", by, now, reason=why.strip(), people=rest
    )
    incident.follow_ups_for = 0  # what authorities were told of telling the people is looked at again
    _meet(incident, actor=by.name, at=max(done), now=now)
    return rest


def _meet(incident: Incident, *, actor: str, at: datetime, now: datetime) -> None:
    others_wait = _others_wait_in_public(incident)
    met = [each for each in preparing.duties_of(incident) if not (others_wait and each.regime == BY_LAW)]
    meeting.count_for_carrier(met, at=at, actor=actor, now=now)
    for duty in meeting.still_open(met):
        meeting.meet(incident, duty, at=at, actor=actor, now=now)
    for kind in CLOCKS[1:] if others_wait else CLOCKS:
        clocks.stop(incident, kind, why=_("The people are told."), actor=actor, now=now, at=at)
    if not others_wait:
        runs.happened(incident.chain, "subjects.sent", actor=actor, now=now)


def _others_wait_in_public(incident: Incident) -> bool:
    """Whether it is decided that people are told in public, and no notice stands everywhere yet.

    Whoever has no address is told by that alone, so what went to the others does not meet the duty.
    """
    if not decisions.in_public(incident):
        return False
    stands = select(PublicNotice.id).where(
        PublicNotice.incident_id == incident.id, PublicNotice.met_at.is_not(None)
    )
    return db.session.scalar(stands.limit(1)) is None


def _open_duties(incident: Incident) -> list[Duty]:
    return meeting.still_open(preparing.duties_of(incident))


def _note(
    incident: Incident, communication: SubjectCommunication, action: str, found: Coverage, now: datetime, *,
    actor: str = CLOCK, reason: str | None = None,
) -> None:  # fmt: skip
    ledger.append(
        incident.chain, action, organisation_id=incident.organisation_id, actor=actor, at=now, reason=reason,
        communication=communication.id, people=found.total, informed=found.informed,
        not_reached=found.manual + found.settled,
    )  # fmt: skip
