"""The scorecards of processors, counted over the incidents that a reader may see; drills are left out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select

from foundation.database import db
from incident import chains
from incident.models import Incident, Processor, Report, ReportState
from incident.rules.chain_of_times import key_of
from incident.rules.instants import Chain, Telling
from incident.rules.lifecycle import State, clocks_run
from incident.rules.scorecard import Material, Scorecard, scorecard


@dataclass(frozen=True, slots=True)
class _Letter:
    """A report without its text."""

    incident_id: UUID | None
    state: str


def of(
    processors: Sequence[Processor], visible: Select[Incident], *, now: datetime,
    stale_contacts: Mapping[UUID, int] | None = None,
) -> dict[UUID, Scorecard]:  # fmt: skip
    """The scorecard of each of these processors, by its id.

    Counted are the incidents of `visible` in whose chain it stands. One that was merged into another is the
    same breach and is counted there. `stale_contacts` is how many contacts of each nobody has verified
    lately, where the register knows.
    """
    incidents = list(db.session.scalars(visible.where(~Incident.drill)))
    counted = [each for each in incidents if each.state != State.MERGED]
    found = chains.of_many(counted, now=now)
    reports = _reports([each.id for each in processors], {each.id for each in incidents})
    return {
        each.id: scorecard(
            _material(each, counted, found, reports.get(each.id, []), (stale_contacts or {}).get(each.id))
        )
        for each in processors
    }


def _material(
    processor: Processor, incidents: Sequence[Incident], found: Mapping[UUID, Chain],
    reports: Sequence[_Letter], stale: int | None,
) -> Material:  # fmt: skip
    mine = [each for each in incidents if _is_in(processor, each, found.get(each.id))]
    tellings = [
        telling
        for each in mine
        if each.id in found and (telling := _telling(processor, each, found[each.id])) is not None
    ]
    accepted = [each for each in reports if each.state == ReportState.ACCEPTED]
    first = {each.incident_id for each in accepted}
    return Material(
        tellings=tellings, incidents=len(mine),
        still_open=sum(clocks_run(State(each.state)) for each in mine),
        reports=len(first), updates=len(accepted) - len(first),
        tests=sum(each.state == ReportState.TEST for each in reports),
        faulty=sum(each.state in (ReportState.FAULTY, ReportState.SEEN) for each in reports),
        tested_at=processor.tested_at, stale_contacts=stale,
    )  # fmt: skip


def _is_in(processor: Processor, incident: Incident, chain: Chain | None) -> bool:
    """Whether it reported the incident, or stands in its chain under its registered name."""
    if incident.processor_id == processor.id:
        return True
    return chain is not None and any(key_of(each.who) == key_of(processor.name) for each in chain.tellings)


def _telling(processor: Processor, incident: Incident, chain: Chain) -> Telling | None:
    """How it told on: under its name, else, where it reported under another one, as the link next to us."""
    named = [each for each in chain.tellings if key_of(each.who) == key_of(processor.name)]
    if not named and incident.processor_id == processor.id:
        named = [each for each in chain.tellings if not each.whom]
    return next(iter(named), None)


def _reports(ids: Sequence[UUID], visible: Collection[UUID]) -> dict[UUID, list[_Letter]]:
    """The reports of each processor, those of incidents that are hidden or drills aside."""
    found: dict[UUID, list[_Letter]] = {}
    told = select(Report.processor_id, Report.incident_id, Report.state).where(Report.processor_id.in_(ids))
    for processor_id, incident_id, state in db.session.execute(told):
        if processor_id and (incident_id is None or incident_id in visible):
            found.setdefault(processor_id, []).append(_Letter(incident_id, state))
    return found
