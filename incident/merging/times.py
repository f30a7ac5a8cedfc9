"""Awareness and clocks of a merger: the earlier holds, with the reasons of both."""

from collections.abc import Iterator

from foundation.database import db
from incident import clocks
from incident.clocks import Moved
from incident.merging.checks import Word, merged_into
from incident.models import Awareness, Clock, Incident
from incident.rules.merging import Aware, Window, earlier_awareness, earlier_window
from incident.triage import latest_awareness
from incident.triage.marks import record

CARRIES = "An incident was merged into this one."


def aware(incident: Incident) -> Aware:
    """The awareness that an incident holds."""
    held = latest_awareness(incident)
    return Aware(incident.aware_at, incident.awareness_is_provisional, held.reason)


def joined(carried: Incident, carrier: Incident) -> Aware:
    """The awareness that holds for both; the reason names both."""
    held = earlier_awareness(aware(carrier), aware(carried))
    told = [(each.number, latest_awareness(each).reason) for each in (carried, carrier)]
    return Aware(held.at, held.provisional, " ".join(f"{number}: {reason}" for number, reason in told))


def join_awareness(carried: Incident, carrier: Incident, word: Word) -> None:
    """Record the awareness that holds for both; it is reckoned later no more while no person fixes it."""
    held, before = joined(carried, carrier), latest_awareness(carrier)
    db.session.add(
        Awareness(
            organisation_id=carrier.organisation_id, incident_id=carrier.id, number=before.number + 1,
            aware_at=held.at, provisional=held.provisional, reason=held.reason, by=word.by.name, at=word.now,
        )
    )  # fmt: skip
    record(
        carrier, "awareness.joined", word.by.name, word.now, held.reason, before=carrier.aware_at,
        after=held.at, provisional=held.provisional,
    )  # fmt: skip
    carrier.aware_at, carrier.awareness_is_provisional = held.at, held.provisional
    known = (carried.aware_at, carried.aware_by, carrier.aware_by)
    carrier.aware_by = min((each for each in known if each), default=None)
    db.session.flush()
    clocks.reckon_again(carrier, actor=word.by.name, reason=CARRIES, now=word.now)


def joined_clocks(carried: Incident, carrier: Incident) -> Iterator[tuple[Clock | None, Clock, Window]]:
    """Each running clock of the carried one, beside that of the carrier, and the window that holds."""
    held = {each.kind: each for each in clocks.running(carrier.id, stopped=True)}
    for theirs in clocks.running(carried.id):
        ours, window = held.get(theirs.kind), Window(theirs.starts_at, theirs.due_at)
        if ours is None:
            yield None, theirs, window
        elif ours.stopped_at is None:
            yield ours, theirs, earlier_window(Window(ours.starts_at, ours.due_at), window)


def join_clocks(carried: Incident, carrier: Incident, word: Word) -> None:
    """Let the earlier end hold of each clock; those of the carried one stop, to run on if it is split off."""
    hold_clocks(carried, carrier, CARRIES, word)
    for clock in clocks.running(carried.id):
        clocks.stop(carried, clock.kind, why=merged_into(carrier), actor=word.by.name, now=word.now)


def hold_clocks(source: Incident, incident: Incident, why: str, word: Word) -> None:
    """Let no clock of the incident end later than the same one that runs for its source."""
    moved = []
    for ours, theirs, window in list(joined_clocks(source, incident)):
        row = ours or _copy(theirs, incident)
        before = ours.due_at if ours else None
        if ours and (ours.starts_at, ours.due_at) == (window.starts_at, window.due_at):
            continue
        if window.due_at == theirs.due_at:
            row.hours, row.basis, row.rule_version = theirs.hours, theirs.basis, theirs.rule_version
            row.latest_by_regulation_1182_71 = theirs.latest_by_regulation_1182_71
            row.held_to = theirs.due_at if theirs.starts_at != source.aware_at else theirs.held_to
        row.starts_at, row.due_at = window.starts_at, window.due_at
        moved.append(Moved(row.kind, before, row.due_at))
    db.session.flush()
    if moved:
        record(
            incident, "clocks.moved", word.by.name, word.now, why,
            moved=[{"clock": each.kind, "before": each.before, "after": each.after} for each in moved],
        )  # fmt: skip
    clocks.settle(incident)


def _copy(theirs: Clock, carrier: Incident) -> Clock:
    made = Clock(
        organisation_id=carrier.organisation_id, incident_id=carrier.id, kind=theirs.kind,
        hours=theirs.hours, basis=theirs.basis, rule_version=theirs.rule_version,
        latest_by_regulation_1182_71=theirs.latest_by_regulation_1182_71, held_to=theirs.due_at,
    )  # fmt: skip
    db.session.add(made)
    return made
