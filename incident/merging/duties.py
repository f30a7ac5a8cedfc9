"""The duties of a merger: what either owes is owed by the carrier, and points to where it came from."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import update

from foundation.database import db
from incident import clocks, meeting, owed, rungs
from incident.merging.checks import Word, merged_into
from incident.models import Duty, DutyState, FanOut, Incident, SetAside, SetAsideState
from incident.rules.merging import Change, Owing, Window, combined
from incident.triage.marks import record


@dataclass(frozen=True, slots=True)
class Joined:
    """What becomes of one duty: the carried row it comes from, the carrier's row or None, and the change."""

    source: Duty
    held: Duty | None
    change: Change


def joined(carried: Incident, carrier: Incident) -> list[Joined]:
    """What becomes of the carrier's duties: those that change and those that are added."""
    ours, theirs = owed.duties_of(carrier), owed.duties_of(carried)
    held = {(each.regime, each.recipient): each for each in ours}
    sources = {(each.regime, each.recipient): each for each in theirs}
    return [
        Joined(sources[change.after.key], held.get(change.after.key), change)
        for change in combined([owing(each) for each in ours], [owing(each) for each in theirs])
    ]


def owing(duty: Duty) -> Owing:
    """A duty as the rules see it."""
    window = Window(duty.starts_at, duty.due_at)
    return Owing(duty.regime, duty.recipient, duty.state, window, duty.first_filed_at, duty.late_by)


def join(carried: Incident, carrier: Incident, word: Word) -> None:
    """Let the carrier owe it all; the carried rows stay, point there, and are owed no more by themselves."""
    changes = joined(carried, carrier)
    _add(carrier, [each for each in changes if each.held is None], word)
    for each in changes:
        if each.held is not None:
            _change(carrier, each.held, each.change, word)
    rows = {(each.regime, each.recipient): each for each in owed.duties_of(carrier)}
    rungs.follow(carrier, [each for each in rows.values() if each.is_unfiled], now=word.now)
    for each in changes:
        if each.change.after.state == DutyState.FILED_IN_PART and each.source.first_filed_at:
            duty = rows[each.change.after.key]
            meeting.meet(
                carrier, duty, at=each.source.first_filed_at, actor=word.by.name, now=word.now, in_part=True
            )
    _hand_over(carried, carrier, rows, word)
    look_again(carrier)


def look_again(incident: Incident) -> None:
    """Have the clock draft what customers are owed by duties that no notice was drafted for."""
    db.session.execute(update(FanOut).where(FanOut.incident_id == incident.id).values(facts_number=0))


def _add(carrier: Incident, added: Sequence[Joined], word: Word) -> None:
    owed.add_all(
        carrier,
        [
            owed.Owed(
                each.source.regime, each.source.recipient, each.source.clock_kind, each.source.provision,
                dict(each.source.terms), each.change.after.window.starts_at, each.change.after.window.due_at,
            )
            for each in added
        ],
        by=word.by.name, reason=word.reason, now=word.now,
    )  # fmt: skip


def _change(carrier: Incident, duty: Duty, change: Change, word: Word) -> None:
    """One duty that the carrier has already: owed again where it was not, by the earlier due time."""
    if not duty.is_owed:
        duty.met_at = None
        owed.owe_again(duty)
        _end_aside(duty)
        record(
            carrier, "duty.reopened", word.by.name, word.now, word.reason, duty=duty.id, regime=duty.regime,
            recipient=duty.recipient, due_at=duty.due_at,
        )  # fmt: skip
    if duty.first_filed_at is None:
        duty.starts_at, duty.due_at = change.after.window.starts_at, change.after.window.due_at
        clocks.run_again(carrier, duty.clock_kind, actor=word.by.name, reason=owed.OWED_AGAIN, now=word.now)
    db.session.flush()


def _end_aside(duty: Duty) -> None:
    """Two persons set a customer aside without knowing of the other incident: it is owed its notice."""
    in_force = SetAside.duty_id == duty.id, SetAside.state == SetAsideState.IN_FORCE
    db.session.execute(update(SetAside).where(*in_force).values(state=SetAsideState.WITHDRAWN))


def _hand_over(carried: Incident, carrier: Incident, rows: dict[tuple[str, str], Duty], word: Word) -> None:
    """Point each carried row to the one that carries it; what is owed is owed there from now on."""
    handed = []
    for duty in owed.duties_of(carried):
        row = rows.get((duty.regime, duty.recipient))
        if row is None or duty.state == DutyState.NOT_REQUIRED:
            continue
        duty.carried_by_id = row.id
        if duty.is_owed:
            duty.state, duty.reason = DutyState.CARRIED, f"Carried by {carrier.number}."
            handed.append(duty)
    db.session.flush()
    rungs.follow(carried, handed, now=word.now, reason=merged_into(carrier))
    for duty in handed:
        record(
            carried, "duty.carried", word.by.name, word.now, word.reason, duty=duty.id, regime=duty.regime,
            recipient=duty.recipient, into=carrier.number, carried_by=duty.carried_by_id,
        )  # fmt: skip


def take_back(carried: Incident, word: Word) -> list[Duty]:
    """Let an incident that is split off owe again what was carried for it; the carrier keeps its own."""
    again = []
    for duty in owed.duties_of(carried):
        if duty.state == DutyState.CARRIED:
            owed.owe_again(duty)
            again.append(duty)
        duty.carried_by_id = None
    db.session.flush()
    rungs.follow(carried, again, now=word.now)
    for duty in again:
        record(
            carried, "duty.reopened", word.by.name, word.now, word.reason, duty=duty.id, regime=duty.regime,
            recipient=duty.recipient, due_at=duty.due_at,
        )  # fmt: skip
    look_again(carried)
    return again
