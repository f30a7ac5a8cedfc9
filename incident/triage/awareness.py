"""When we became aware: fixed by a named person with a reason, and every clock moves with it."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select

from foundation.database import db
from foundation.errors import Invalid, Refused
from incident import clocks, meeting
from incident.clocks import Moved, first_filing
from incident.models import Awareness, Incident
from incident.triage.marks import record
from playbooks import runs


@dataclass(frozen=True, slots=True)
class MovedStep:
    """A step that moves with awareness; instants are UTC."""

    title: str
    before: datetime | None
    after: datetime


@dataclass(frozen=True, slots=True)
class Preview:
    """What a moment of awareness would move, before anybody saves it."""

    clocks: tuple[Moved, ...]
    steps: tuple[MovedStep, ...]


def preview(incident: Incident, at: datetime, *, now: datetime) -> Preview:
    """What fixing awareness at `at` (UTC) would move; nothing is written.

    Raises: as `fix_awareness` does for the moment itself.
    """
    _check_moment(incident, at, now)
    facts = clocks.current_facts(incident)
    advice = clocks.advise(facts, received_at=incident.reported_at, from_processor=False, fixed=at, now=now)
    stored = {each.kind: each for each in clocks.running(incident.id, stopped=True)}
    moved = []
    for clock in clocks.of(facts, advice):
        row = stored.get(clock.kind)
        before = row.due_at if row else None
        if (row is None or row.stopped_at is None) and before != clock.due_at:
            moved.append(Moved(clock.kind, before, clock.due_at))
    return Preview(tuple(moved), _moved_steps(incident, at))


def _moved_steps(incident: Incident, at: datetime) -> tuple[MovedStep, ...]:
    return tuple(
        MovedStep(step.title, step.due_at, at + step.definition.offset)
        for step in runs.steps_for(incident.chain)
        if step.state == "open" and step.definition.anchor == "aware"
        if step.due_at != at + step.definition.offset
    )


def latest_awareness(incident: Incident) -> Awareness:
    """The awareness that holds."""
    return awareness_rows(incident)[-1]


def awareness_rows(incident: Incident) -> list[Awareness]:
    """Every awareness that was ever held, oldest first."""
    mine = select(Awareness).where(Awareness.incident_id == incident.id)
    return list(db.session.scalars(mine.order_by(Awareness.number)))


def fix_awareness(
    incident: Incident, at: datetime, *, reason: str, after: int, by: str, now: datetime
) -> list[Moved]:
    """Fix or correct when we became aware (UTC); the moment before stays on the record.

    `after` is the number of the awareness that the person saw. Returns the clocks that moved, none when
    the same was said before. Raises: Invalid without a reason or for a moment that cannot be, Refused
    after the first filing, when the incident stands still, and when a colleague was quicker.
    """
    _check_moment(incident, at, now)
    if not reason.strip():
        raise Invalid(_("Awareness is fixed only with a reason: it is the first thing an authority asks."))
    held = latest_awareness(incident)
    if (held.aware_at, held.reason, held.by, held.provisional) == (at, reason.strip(), by, False):
        return []
    if held.number != after:
        raise Refused(
            _("%(name)s fixed awareness while you were writing. Nothing of yours was saved.", name=held.by),
            next_step=_("Look at what was fixed, and correct it if you still see it otherwise."),
        )
    db.session.add(
        Awareness(
            organisation_id=incident.organisation_id, incident_id=incident.id, number=held.number + 1,
            aware_at=at, provisional=False, reason=reason.strip(), by=by, at=now,
        )
    )  # fmt: skip
    incident.aware_at, incident.awareness_is_provisional = at, False
    db.session.flush()
    record(
        incident, "awareness.fixed", by, now, reason.strip(), before=held.aware_at, after=at,
        was_provisional=held.provisional,
    )  # fmt: skip
    moved = clocks.reckon_again(incident, actor=by, reason="Awareness was fixed.", now=now)
    runs.happened(incident.chain, "awareness.fixed", actor=by, now=now)
    return moved


def _check_moment(incident: Incident, at: datetime, now: datetime) -> None:
    meeting.refuse_when_over(incident)
    if at > now:
        raise Invalid(
            _("Nobody is aware of anything in the future."), next_step=_("Give a moment that has passed.")
        )
    if (filed := first_filing(incident)) is not None:
        raise Refused(
            _("The authority has been notified; the awareness it was told of stands."),
            next_step=_("Say what you found out since in a further phase; %(name)s filed.", name=filed),
        )
    times = clocks.current_facts(incident).timeline
    if times.occurred_from and not times.occurred_is_estimate and at < times.occurred_from:
        raise Invalid(
            _("By the facts the breach had not happened yet: nobody can have been aware of it."),
            next_step=_("Correct the facts first if it began earlier than they say."),
        )
