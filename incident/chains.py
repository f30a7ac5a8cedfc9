"""The chains of times of incidents, gathered from versions of facts, awareness and the register."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select

from foundation.database import db
from incident.models import Awareness, FactsVersion, Incident, Processor
from incident.rules.chain_of_times import chain_of_times, key_of
from incident.rules.facts import FactsFault, parse
from incident.rules.instants import Chain, Held, Material, Version

Row = TypeVar("Row", FactsVersion, Awareness)


def of(incident: Incident, *, now: datetime) -> Chain | None:
    """The chain of one incident; None where this release cannot read its facts."""
    return of_many([incident], now=now).get(incident.id)


def of_many(incidents: Sequence[Incident], *, now: datetime) -> dict[UUID, Chain]:
    """The same for many, with a fixed number of queries; facts that cannot be read have none."""
    ids = [each.id for each in incidents]
    versions = _by_incident(
        db.session.scalars(
            select(FactsVersion).where(FactsVersion.incident_id.in_(ids)).order_by(FactsVersion.number)
        ).all()
    )
    awareness = _by_incident(
        db.session.scalars(
            select(Awareness).where(Awareness.incident_id.in_(ids)).order_by(Awareness.number)
        ).all()
    )
    known = {each.id: each for each in db.session.scalars(select(Processor))}
    found = {}
    for incident in incidents:
        material = _material(incident, versions[incident.id], awareness.get(incident.id, []), known, now)
        if material is not None:
            found[incident.id] = chain_of_times(material)
    return found


def _by_incident(found: Sequence[Row]) -> dict[UUID, list[Row]]:
    grouped: dict[UUID, list[Row]] = {}
    for each in found:
        grouped.setdefault(each.incident_id, []).append(each)
    return grouped


def _material(
    incident: Incident, versions: Sequence[FactsVersion], awareness: Sequence[Awareness],
    known: Mapping[UUID, Processor], now: datetime,
) -> Material | None:  # fmt: skip
    """What the rules make a chain of. A version is of a report when a registered processor is its source."""
    try:
        facts = parse(versions[-1].facts)
    except FactsFault:
        return None
    names = {each.name for each in known.values()}
    reporter = known.get(incident.processor_id) if incident.processor_id else None
    return Material(
        facts=facts, received_at=incident.reported_at, now=now, reporter=reporter.name if reporter else "",
        versions=[
            Version(each.number, each.facts, each.source, each.at, each.source in names) for each in versions
        ],
        awareness=[
            Held(each.aware_at, each.provisional, each.reason, each.by, each.at) for each in awareness
        ],
        agreed=agreed_hours(known.values()),
    )  # fmt: skip


def agreed_hours(processors: Iterable[Processor]) -> dict[str, float]:
    """Within how many hours each must tell on, by `key_of` its name; who agreed to no hours is absent."""
    found: dict[str, float] = {}
    for each in processors:
        if each.notice_hours is not None:
            found[key_of(each.name)] = each.notice_hours
    return found
