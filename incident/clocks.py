"""The clocks of an incident as rows: reckoned by the rules, moved when awareness moves, stopped once.

What the rules reckon is stored with the sum and the rule's version, so that the record can show what
was planned by, and when. A clock that was stopped moves no more, and after the first filing none does:
what an authority was told stands, and lateness with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from accounts.models import Organisation
from foundation import ledger
from foundation.database import Ready, db, new_id, ready
from incident import rungs
from incident.models import (
    UNFILED,
    AuthorityNotification,
    Clock,
    Duty,
    FactsVersion,
    Incident,
    NotificationState,
)
from incident.rules import deadlines
from incident.rules.evaluation import Evaluation, evaluate
from incident.rules.facts import Facts, parse, parse_organisation
from incident.rules.regimes import REGIMES
from playbooks import runs

TRIAGE = "triage"
TELL_AUTHORITY, TELL_PEOPLE = "authority_notification", "subject_communication"
CARRIED = {  # the duties that each playbook carries out
    TELL_AUTHORITY: ("gdpr-33", "promise-authority"),
    TELL_PEOPLE: ("gdpr-34", "promise-subjects"),
}


@dataclass(frozen=True, slots=True)
class Moved:
    """How a clock moved; instants are UTC."""

    kind: str
    before: datetime | None
    after: datetime | None


@dataclass(frozen=True, slots=True)
class Registered:
    """What is registered of an organisation and counts in its facts."""

    name: str
    profile: Mapping[str, Any]

    @classmethod
    def of(cls, organisation_id: UUID) -> "Registered":
        """What is registered of this organisation."""
        organisation = db.session.get_one(Organisation, organisation_id)
        return cls(organisation.name, organisation.profile)


def in_organisation(facts: Facts, organisation: Registered) -> Facts:
    """The facts with what is registered of the organisation; what a report says of it does not count."""
    known = parse_organisation({"name": organisation.name, **organisation.profile.get("facts", {})})
    return facts.model_copy(update={"organisation": known})


def advise(
    facts: Facts, *, received_at: datetime, from_processor: bool, fixed: datetime | None, now: datetime
) -> Evaluation:
    """What the rules make of an incident's facts; `fixed` is awareness as a person has fixed it."""
    if fixed is not None:
        times = facts.timeline.model_copy(update={"aware_at": fixed})
        facts = facts.model_copy(update={"timeline": times})
        from_processor = False
    return evaluate(facts, now, received_at=received_at, from_processor=from_processor)


def of(facts: Facts, advice: Evaluation) -> list[deadlines.Clock]:
    """The clocks to run by: those advised, and towards the authority one in any case.

    Facts that deny a breach stop no clock: only a person does that, by rejecting the incident.
    """
    found = list(advice.clocks)
    if facts.is_controller and advice.clock("authority_notification") is None:
        found.append(deadlines.notification_clock(advice.awareness, frozenset({"gdpr"})))
    return found


def first(incident_id: UUID, organisation_id: UUID, found: Sequence[deadlines.Clock]) -> Ready:
    """The first clocks of an incident, to be inserted with it."""
    own = {"incident_id": incident_id, "organisation_id": organisation_id}
    return ready(Clock, *({**_row(each), **own, "id": new_id()} for each in found))


def _row(clock: deadlines.Clock) -> dict[str, Any]:
    return {
        "kind": clock.kind, "starts_at": clock.starts_at, "due_at": clock.due_at, "hours": clock.hours,
        "basis": clock.basis, "rule_version": clock.rules_version,
        "latest_by_regulation_1182_71": clock.latest_by_regulation_1182_71,
        "stopped_at": None, "stopped_why": None,
    }  # fmt: skip


def refresh(incident: Incident, found: Sequence[deadlines.Clock], *, now: datetime) -> list[Moved]:
    """Bring the running clocks in line with what the rules reckon now; returns what moved.

    A clock that no rule asks for any more runs on until a person decides: milder facts alone stop
    nothing. Duties that are open move with their clock. Once an authority has been notified, clocks are
    only added: those that are there stay as they are.
    """
    stored = {each.kind: each for each in running(incident.id, stopped=True)}
    stands, moved = first_filing(incident) is not None, []
    for clock in found:
        row = stored.pop(clock.kind, None)
        if row is None:
            db.session.add(
                Clock(incident_id=incident.id, organisation_id=incident.organisation_id, **_row(clock))
            )
            moved.append(Moved(clock.kind, None, clock.due_at))
        elif row.stopped_at is None and not stands:
            before = (row.starts_at, row.due_at)
            for name, value in _row(clock).items():
                setattr(row, name, value)
            if before != (row.starts_at, row.due_at):
                moved.append(Moved(clock.kind, before[1], row.due_at))
    db.session.flush()
    _move_duties(incident, now)
    settle(incident)
    return moved


def _move_duties(incident: Incident, now: datetime) -> None:
    by_kind = {each.kind: each for each in running(incident.id)}
    unfiled = select(Duty).where(Duty.incident_id == incident.id, Duty.state.in_(UNFILED))
    moved = []
    for duty in db.session.scalars(unfiled):
        if (clock := by_kind.get(duty.clock_kind)) is None:
            continue
        window = clock.starts_at, due_by(clock, duty.regime, duty.terms)
        if window != (duty.starts_at, duty.due_at):
            duty.starts_at, duty.due_at = window
            moved.append(duty)
    rungs.follow(incident, moved, now=now)


def due_by(clock: Clock, regime: str, terms: Mapping[str, Any]) -> datetime | None:
    """When a duty is due by this clock: the clock's own end, or that of the hours of its own agreement."""
    if not REGIMES.own_hours(regime):
        return clock.due_at
    hours = terms.get("hours")
    return deadlines.after_hours(clock.starts_at, hours) if clock.starts_at and hours else None


def running(incident_id: UUID, *, stopped: bool = False) -> list[Clock]:
    """The clocks of an incident by due time, with `stopped` also those that have been stopped."""
    query = select(Clock).where(Clock.incident_id == incident_id)
    if not stopped:
        query = query.where(Clock.stopped_at.is_(None))
    found = db.session.scalars(query)
    return sorted(found, key=lambda each: (each.due_at is None, each.due_at or each.kind, each.kind))


def stop(
    incident: Incident, kind: str, *, why: str, actor: str, now: datetime, at: datetime | None = None
) -> None:
    """Stop a clock for good; whether it was late is frozen with it. A second call changes nothing.

    `at` is when it was done, where that was before `now`, when it is recorded.
    """
    for clock in running(incident.id):
        if clock.kind != kind:
            continue
        clock.stopped_at, clock.stopped_why = at or now, why
        ledger.append(
            incident.chain, "clock.stopped", organisation_id=incident.organisation_id, actor=actor, at=now,
            reason=why, clock=kind,
        )  # fmt: skip
    settle(incident)


def settle(incident: Incident) -> None:
    """Keep the board's order true: the earliest due time that still runs."""
    incident.next_due_at = db.session.scalar(
        select(func.min(Clock.due_at)).where(
            Clock.incident_id == incident.id, Clock.stopped_at.is_(None), Clock.due_at.is_not(None)
        )
    )


# --- reckoning again ----------------------------------------------------------------------------


def reckon_again(incident: Incident, *, actor: str, reason: str, now: datetime) -> list[Moved]:
    """Reckon the clocks afresh from the latest facts and the awareness that holds.

    Open duties, playbooks and their reminders move along. Returns the clocks that moved; after the first
    filing only those that began.
    """
    facts, filed_by = current_facts(incident), first_filing(incident)
    advice = advice_for(incident, facts, now=now)
    if filed_by:
        _enter_what_stays(incident, facts, filed_by, actor=actor, now=now)
    elif incident.awareness_is_provisional:
        incident.aware_at = advice.awareness.at if advice.awareness else None
    moved = refresh(incident, [*of(facts, advice), *_by_decision(incident, advice)], now=now)
    if moved:
        ledger.append(
            incident.chain, "clocks.moved", organisation_id=incident.organisation_id, actor=actor, at=now,
            reason=reason,
            moved=[{"clock": m.kind, "before": m.before, "after": m.after} for m in moved],
        )  # fmt: skip
    anchors = {"aware": incident.aware_at, "occurred": facts.timeline.occurred_from}
    for anchor, at in anchors.items():
        if at is not None and not filed_by:
            runs.move_anchor(incident.chain, anchor, at, actor=actor, reason=reason, now=now)
    move_due(incident, actor=actor, reason=reason, now=now)
    return moved


def _enter_what_stays(incident: Incident, facts: Facts, filed_by: str, *, actor: str, now: datetime) -> None:
    """Enter which clocks these facts would have moved, had nobody notified an authority yet."""
    by_facts = advise(
        facts, received_at=incident.reported_at, from_processor=incident.processor_id is not None, now=now,
        fixed=None if incident.awareness_is_provisional else incident.aware_at,
    )  # fmt: skip
    stored = {each.kind: each for each in running(incident.id, stopped=True)}
    staying = [
        {"clock": each.kind, "due_at": stored[each.kind].due_at, "by_these_facts": each.due_at}
        for each in of(facts, by_facts)
        if each.kind in stored and stored[each.kind].due_at != each.due_at
    ]
    if staying:
        ledger.append(
            incident.chain, "clocks.stayed", organisation_id=incident.organisation_id, actor=actor, at=now,
            reason=f"{filed_by} had notified an authority: what it was told of stands.", stayed=staying,
        )  # fmt: skip


def _by_decision(incident: Incident, advice: Evaluation) -> list[deadlines.Clock]:
    """The clock towards people where a person, and no rule, has set it going."""
    runs_already = any(each.kind == TELL_PEOPLE for each in running(incident.id))
    if not runs_already or advice.clock("subject_communication"):
        return []
    return [deadlines.communication_clock(advice.awareness)]


def move_due(incident: Incident, *, actor: str, reason: str, now: datetime) -> None:
    """Let the playbooks of telling authority and people aim at the deadlines that hold now."""
    for playbook in (TELL_AUTHORITY, TELL_PEOPLE):
        if due := working_deadline(incident.id, playbook, now):
            runs.move_anchor(
                incident.chain, "due", due, actor=actor, reason=reason, now=now, playbook=playbook
            )


def working_deadline(incident_id: UUID, playbook: str, now: datetime) -> datetime | None:
    """What a playbook works towards: the earliest due time of its open duties that can still be met.

    The law and our own promise run side by side; a promise that ran out before anybody knew must not
    hide the hard stop behind it. Where all have run out it is the last of them.
    """
    mine = select(Duty.due_at).where(
        Duty.incident_id == incident_id, Duty.regime.in_(CARRIED[playbook]), Duty.state.in_(UNFILED)
    )
    due = sorted(each for each in db.session.scalars(mine) if each)
    ahead = [each for each in due if each > now]
    return next(iter(ahead or due[-1:]), None)


def advice_for(incident: Incident, facts: Facts, *, now: datetime) -> Evaluation:
    """What the rules make of the incident now, by the awareness that holds.

    That is what a person has fixed, or what stood when an authority was first notified.
    """
    holds = not incident.awareness_is_provisional or first_filing(incident) is not None
    return advise(
        facts, received_at=incident.reported_at, from_processor=incident.processor_id is not None,
        fixed=incident.aware_at if holds else None, now=now,
    )  # fmt: skip


def first_filing(incident: Incident) -> str | None:
    """Who filed first with an authority, or None while nobody has: from then on nothing moves."""
    return db.session.scalars(
        select(AuthorityNotification.filed_by)
        .where(
            AuthorityNotification.incident_id == incident.id,
            AuthorityNotification.state == NotificationState.FILED,
        )
        .order_by(AuthorityNotification.filed_at)
    ).first()


def current_facts(incident: Incident) -> Facts:
    """The latest facts, with what is registered of the organisation."""
    return in_organisation(parse(document_of(incident)), Registered.of(incident.organisation_id))


def document_of(incident: Incident) -> dict[str, Any]:
    """The latest facts document, as it was told."""
    latest = select(FactsVersion).where(
        FactsVersion.incident_id == incident.id, FactsVersion.number == incident.facts_number
    )
    return db.session.scalars(latest).one().facts


def run_again(incident: Incident, kind: str, *, actor: str, reason: str, now: datetime) -> None:
    """Let a stopped clock run on from where it ran, since something is owed by it again; its end stays."""
    for clock in running(incident.id, stopped=True):
        if clock.kind == kind and clock.stopped_at is not None:
            clock.stopped_at, clock.stopped_why = None, None
            ledger.append(
                incident.chain, "clock.resumed", organisation_id=incident.organisation_id, actor=actor,
                at=now, reason=reason, clock=kind,
            )  # fmt: skip
    db.session.flush()
    settle(incident)


def resume(incident: Incident, *, why: str, actor: str, reason: str, now: datetime) -> None:
    """Let the clocks run again that were stopped for this reason, as when a rejection is taken back."""
    resumed = [clock for clock in running(incident.id, stopped=True) if clock.stopped_why == why]
    for clock in resumed:
        clock.stopped_at, clock.stopped_why = None, None
        ledger.append(
            incident.chain, "clock.resumed", organisation_id=incident.organisation_id, actor=actor, at=now,
            reason=reason, clock=clock.kind,
        )  # fmt: skip
    db.session.flush()
    if resumed:
        reckon_again(incident, actor=actor, reason=reason, now=now)
