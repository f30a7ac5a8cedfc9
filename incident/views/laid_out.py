"""How the duties of an incident are shown: stages, the ladder of reminders, and what is next of each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from incident import owed, rungs, stages
from incident.models import DutyRung, DutyStage, Incident, RungKind

SILENT: Final = (RungKind.DRAFT, RungKind.REASONS)


@dataclass(frozen=True, slots=True)
class Mark:
    """One rung of the picture: its place, what became of it, and whether it pages."""

    key: str
    kind: str
    state: str  # given | replaced | waits
    at: datetime
    pages: bool
    stage: str


@dataclass(frozen=True, slots=True)
class Laid:
    """What is shown of one duty beside its row."""

    stages: Sequence[DutyStage]
    marks: Sequence[Mark]
    next_at: datetime | None
    certainty: str
    source: str


def of_incident(incident: Incident) -> dict[UUID, Laid]:
    """What is shown of each duty, by its id; with a fixed number of queries."""
    staged = stages.of_incident(incident)
    climbed: dict[UUID, list[DutyRung]] = {}
    for rung in rungs.of_incident(incident):
        climbed.setdefault(rung.duty_id, []).append(rung)
    return {
        duty.id: Laid(
            staged.get(duty.id, ()), _marks(climbed.get(duty.id, ())), _next(climbed.get(duty.id, ())),
            str(duty.terms.get("certainty", "")), str(duty.terms.get("source", "")),
        )
        for duty in owed.duties_of(incident)
    }  # fmt: skip


def _marks(climbed: Sequence[DutyRung]) -> list[Mark]:
    """The rungs that count: those given or replaced, and those that wait."""
    return [
        Mark(each.key, each.kind, _state(each), each.sent_at or each.at, each.page, each.stage)
        for each in climbed
        if each.set_aside_at is None or each.replaced_by_id
    ]


def _state(rung: DutyRung) -> str:
    if rung.sent_at:
        return "given"
    return "replaced" if rung.replaced_by_id else "waits"


def _next(climbed: Sequence[DutyRung]) -> datetime | None:
    waits = (e.at for e in climbed if not e.sent_at and not e.set_aside_at and e.kind not in SILENT)
    return min(waits, default=None)


def may_classify(laid: Iterable[Laid]) -> bool:
    """Whether something that is not filed counts from a classification as major."""
    return any(
        stage.filed_at is None and stage.terms.get("anchor") == stages.CLASSIFIED
        for each in laid for stage in each.stages
    )  # fmt: skip
