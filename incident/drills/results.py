"""What came of a drill: measured while it runs, kept when it ends, compared with the earlier ones."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from foundation import ledger
from foundation.database import db
from incident import meeting
from incident.drills import measuring
from incident.drills.measuring import Happened, Measure
from incident.models import Decision, Drill, Duty, DutyState, Incident
from incident.our_role import is_controller

TOWARDS = {
    "authority": ("gdpr-33", "promise-authority"),
    "people": ("gdpr-34", "promise-subjects"),
    "controllers": ("gdpr-33-2",),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How long each step took, how many messages were pretended, and where the ledger stood."""

    measures: tuple[Measure, ...]
    messages: int
    entries: int

    @property
    def missed(self) -> list[Measure]:
        """What was called for and not done in time."""
        return [each for each in self.measures if each.missed]

    @property
    def left_open(self) -> list[Measure]:
        """What was called for and not done while there was still time."""
        return [each for each in self.measures if each.left_open]

    def stored(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "measures": [each.stored() for each in self.measures], "messages": self.messages,
            "entries": self.entries,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One drill in the list, with its incident and what came of it."""

    drill: Drill
    incident: Incident
    outcome: Outcome


def of_incident(incident: Incident) -> Drill | None:
    """The drill that an incident is; None for one in earnest."""
    if not incident.drill:
        return None
    return db.session.scalars(select(Drill).where(Drill.incident_id == incident.id)).one_or_none()


def outcome(incident: Incident, drill: Drill, *, now: datetime) -> Outcome:
    """What came of a drill: as it was kept, or as it stands `now` while it runs."""
    if drill.result is not None:
        return _kept(drill.result)
    entries = ledger.entries(incident.chain)
    happened = [Happened(each.action, each.at, each.actor) for each in entries]
    found = measuring.measure(
        happened, start=drill.started_at, now=now, hours=measuring.aims(drill.started_at).hours,
        wanted=_wanted(incident),
    )  # fmt: skip
    return Outcome(tuple(found), sum(each.action == "message.posted" for each in entries), len(entries))


def _kept(result: dict[str, Any]) -> Outcome:
    measures = tuple(Measure(**each) for each in result["measures"])
    return Outcome(measures, result["messages"], result["entries"])


def _wanted(incident: Incident) -> set[str]:
    """What this case called for, by its duties: what was decided not to be owed was not."""
    decided = select(Decision.id).where(Decision.incident_id == incident.id).limit(1)
    controller = is_controller(incident)
    told = TOWARDS["people"] if controller else TOWARDS["controllers"]
    return measuring.wanted(
        decided=db.session.scalars(decided).first() is not None,
        authority=_owes(meeting.duties_of(incident, *TOWARDS["authority"])),
        people=_owes(meeting.duties_of(incident, *told)), controller=controller,
    )  # fmt: skip


def _owes(duties: Iterable[Duty]) -> bool:
    return any(each.state != DutyState.NOT_REQUIRED for each in duties)


# --- all of them --------------------------------------------------------------------------------


def running_now(visible: Select[Incident], *, now: datetime) -> list[Row]:
    """The drills that run now among those `visible`, the latest first."""
    return _rows(visible, now, ended=False)


def past(visible: Select[Incident], *, now: datetime) -> list[Row]:
    """The drills that have ended among those `visible`, the latest first."""
    return _rows(visible, now, ended=True)


def _rows(visible: Select[Incident], now: datetime, *, ended: bool) -> list[Row]:
    both = visible.add_columns(Drill).join(Drill, Drill.incident_id == Incident.id)
    wanted = both.where(Drill.ended_at.is_not(None) if ended else Drill.ended_at.is_(None))
    found = db.session.execute(wanted.order_by(Drill.number.desc())).all()
    return [Row(drill, incident, outcome(incident, drill, now=now)) for incident, drill in found]


def compare(drill: Drill) -> dict[str, float]:
    """What each step took in the organisation's drills that ended before this one: median, in seconds."""
    before = select(Drill.result).where(
        Drill.organisation_id == drill.organisation_id, Drill.ended_at < drill.started_at
    )
    kept = [_kept(each).measures for each in db.session.scalars(before) if each]
    return measuring.usual(kept)
