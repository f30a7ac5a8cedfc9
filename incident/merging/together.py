"""Merging one incident into another: all of it in one transaction, and the same once more changes nothing."""

from datetime import datetime

from sqlalchemy import select

from accounts.models import Organisation, StaffMember
from foundation.database import db
from incident import advice as advising
from incident import assessment, clocks, decisions, meeting, owed, triage
from incident.merging import duties, parts, times
from incident.merging.checks import Word, merged_into, refuse_impossible
from incident.models import Decision, DecisionState, Incident, Kind, Member, Question
from incident.rules.lifecycle import Move, State
from incident.triage.marks import move, record
from notifications import outbox, paging
from playbooks import runs

REMINDERS = ("deadline_reminder", "step_reminder", "duty_reminder", "delay_reasons")
CHANGED = "Another incident was merged into this one: what was decided did not know of it."


def merge(carried: Incident, carrier: Incident, *, reason: str, by: StaffMember, now: datetime) -> bool:
    """Merge one incident into another, both locked (`related.lock`); false when that was done before.

    The carrier holds the earlier awareness and owes what either owes; nothing of it gets later. Raises:
    Invalid without a reason, Refused when one of the two is not open or cannot be merged with the other.
    """
    if carried.merged_into_id == carrier.id:
        return False
    refuse_impossible(carried, carrier)
    for each in (carried, carrier):
        owed.read(each, now=now)  # what the facts make a duty must be there before it is carried
    word, was = Word(by, reason.strip(), now), carried.state
    nobody_has = carried.chain in paging.nobody_has([carried.chain])
    move(carried, Move.MERGE, reason)
    carried.merged_into_id = carrier.id
    db.session.flush()
    record(
        carried, "incident.merged", by.name, now, word.reason, into=carrier.number, other=carrier.id,
        was=was,
    )  # fmt: skip
    record(carrier, "incident.carries", by.name, now, word.reason, number=carried.number, other=carried.id)
    if was == State.CONFIRMED and carrier.state == State.REPORTED:
        triage.confirm(carrier, by=by.name, now=now, note=f"{carried.number} was confirmed: it is the same.")
    _keep_as_close(carried, carrier, word)
    _end_decisions(carried, carrier, word)
    times.join_awareness(carried, carrier, word)
    parts.join_moments(carried, carrier)
    duties.join(carried, carrier, word)
    parts.join_stages(carried, carrier, now=now)
    times.join_clocks(carried, carrier, word)
    for kind in {each.clock_kind for each in owed.duties_of(carrier)}:
        meeting.stop_if_told(carrier, kind, actor=by.name, now=now)
    owed.carry_out(carrier, by=by.name, reason=word.reason, now=now)
    clocks.settle(carrier)
    carrier.follow_ups_for = 0  # what authorities were told of either is held against what is known of both
    _be_quiet(carried, carrier, word)
    if nobody_has:
        _call_somebody(carrier, now)
    return True


def _keep_as_close(carried: Incident, carrier: Incident, word: Word) -> None:
    """What only some may see stays so: with a restricted incident the one that carries it becomes one."""
    if not carried.restricted or carrier.restricted:
        return
    carrier.restricted = True
    ids = set(db.session.scalars(select(Member.staff_id).where(Member.incident_id == carried.id)))
    known = set(db.session.scalars(select(Member.staff_id).where(Member.incident_id == carrier.id)))
    ids |= {carried.lead_id} if carried.lead_id else set()
    for staff_id in sorted(ids - known):
        db.session.add(
            Member(
                organisation_id=carrier.organisation_id, incident_id=carrier.id, staff_id=staff_id,
                added_at=word.now,
            )
        )  # fmt: skip
    db.session.flush()
    record(carrier, "incident.restricted", word.by.name, word.now, word.reason, members=sorted(ids - known))


# --- decisions ----------------------------------------------------------------------------------


def lapsing(carried: Incident, carrier: Incident) -> list[Decision]:
    """The decisions of the carrier that end: that nothing is owed, where the carried one says no such thing.

    Two people decided on other facts than those that hold now; undecided means notify. Whatever waits for
    a second person ends too, for that person would agree to something else.
    """
    released = {
        Question(each.question) for each in decisions.of_incident(carried)
        if each.state == DecisionState.IN_FORCE and Kind(each.kind).releases
    }  # fmt: skip
    return [
        each for each in decisions.of_incident(carrier)
        if each.state == DecisionState.PENDING
        or (
            each.state == DecisionState.IN_FORCE and Kind(each.kind).releases
            and Question(each.question) not in released
        )
    ]  # fmt: skip


def _end_decisions(carried: Incident, carrier: Incident, word: Word) -> None:
    """End what lapses in the carrier, whose duties follow, and what still waits in the carried one."""
    for decision in decisions.waiting(carried):
        decisions.lapse(carried, decision, reason=merged_into(carrier), by=word.by, now=word.now)
    if not (ending := lapsing(carried, carrier)):
        return
    for decision in ending:
        decisions.lapse(carrier, decision, reason=CHANGED, by=word.by, now=word.now)
    judged, advice = assessment.latest(carrier), advising.advised(carrier, now=word.now)
    decisions.follow(carrier, judged, advice, by=word.by.name, reason=CHANGED, now=word.now)


# --- what goes on and what ends -----------------------------------------------------------------


def _be_quiet(carried: Incident, carrier: Incident, word: Word) -> None:
    """Pages, steps and reminders of the carried one end; letters under way to people go on and count."""
    why = merged_into(carrier)
    runs.end(carried.chain, actor=word.by.name, reason=why, now=word.now)
    paging.end(carried.chain, actor=word.by.name, reason=why, now=word.now)
    outbox.cancel(carried.chain, reason=why, now=word.now, templates=REMINDERS)
    carried.next_due_at = None


def _call_somebody(carrier: Incident, now: datetime) -> None:
    """Nobody had taken the carried one: somebody is called about the incident in which it goes on."""
    if paging.nobody_has([carrier.chain]):
        return
    organisation = db.session.get_one(Organisation, carrier.organisation_id)
    paging.page(
        organisation_id=carrier.organisation_id, about=carrier.chain, template="page_report",
        context={
            "number": carrier.number, "organisation": organisation.name, "processor": "",
            "timezone": organisation.timezone, "path": f"/incidents/{carrier.id}",
        },
        must_by=None, actor="Breachclock", now=now,
    )  # fmt: skip
