"""What is to be seen of each processor at a glance: never tested, contact stale, outside the EEA.

A mark is a sign and a word, never a colour alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from foundation.database import db
from incident.access import visible_incidents
from incident.models import Endpoint, Incident, Processor, ProcessorContact, Report
from incident.processor_register.contacts import is_stale
from incident.processor_register.places import outside_the_eea
from incident.rules.lifecycle import State

OPEN: Final = (State.REPORTED, State.CONFIRMED)


class Mark(StrEnum):
    """One thing to see."""

    INCIDENT = "incident"  # an incident of it is open
    UNTESTED = "untested"  # it has an endpoint, and no test event ever came in
    NO_ENDPOINT = "no_endpoint"  # it cannot report by machine
    TESTED = "tested"
    STALE = "stale"  # no contact was verified for a year
    OUTSIDE = "outside"  # it sits, keeps data or passes them on outside the EEA
    ENDED = "ended"  # it has left, and stays on record


@dataclass(frozen=True, slots=True)
class Seen:
    """The last signed request of a processor; its kind is "unknown" where the report could not be read."""

    at: datetime
    kind: str


def of(processors: Sequence[Processor], *, now: datetime) -> dict[UUID, frozenset[Mark]]:
    """The marks of each; incidents that the reader may not see leave none."""
    reporting = set(db.session.scalars(select(Endpoint.processor_id)))
    verified = _verified()
    with_incident = _with_open_incident()
    found = {}
    for each in processors:
        if each.ended_at is not None:
            found[each.id] = frozenset({Mark.ENDED})
            continue
        marks = {_tested(each, reporting)}
        marks |= {Mark.STALE} if is_stale(verified.get(each.id), now) else set()
        marks |= {Mark.OUTSIDE} if any(outside_the_eea(code, now) for code in places_of(each)) else set()
        marks |= {Mark.INCIDENT} if each.id in with_incident else set()
        found[each.id] = frozenset(marks)
    return found


def places_of(processor: Processor) -> list[str]:
    """Every country that its data or its hands are in: seat, storage, transfers; each once."""
    transfers = [each["country"] for each in processor.transfers]
    return list(dict.fromkeys([processor.country, *processor.countries, *transfers]))


def _tested(processor: Processor, reporting: set[UUID]) -> Mark:
    if processor.tested_at is not None:
        return Mark.TESTED
    return Mark.UNTESTED if processor.id in reporting else Mark.NO_ENDPOINT


def _verified() -> dict[UUID, datetime]:
    """When a contact of each processor was verified last."""
    latest = select(ProcessorContact.processor_id, func.max(ProcessorContact.verified_at))
    return {
        processor: at for processor, at in db.session.execute(latest.group_by(ProcessorContact.processor_id))
        if at is not None
    }  # fmt: skip


def _with_open_incident() -> set[UUID]:
    mine = visible_incidents().where(Incident.state.in_(OPEN), ~Incident.drill)
    mine = mine.where(Incident.processor_id.is_not(None), Incident.merged_into_id.is_(None))
    return {each for each in db.session.scalars(mine.with_only_columns(Incident.processor_id)) if each}


def last_seen(endpoint_id: str) -> Seen | None:
    """The last request that this endpoint signed rightly, by the reports kept: intake notes nothing more."""
    mine = select(Report.received_at, Report.kind).where(Report.endpoint_id == endpoint_id)
    found = db.session.execute(mine.order_by(Report.received_at.desc()).limit(1)).first()
    return Seen(found.received_at, found.kind) if found else None
