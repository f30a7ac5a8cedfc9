"""What the page of an incident shows of its kin: those it carries, what it was split from, who was told."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from foundation import ledger
from foundation.database import db
from incident import clocks, filed, merging, owed, related
from incident.access import visible_incidents
from incident.filed import Filed
from incident.forms.changes import changes
from incident.merging import Told
from incident.models import Duty, Incident, Report
from notifications import delivery


@dataclass(frozen=True, slots=True)
class Carried:
    """One incident that is carried: what it was told and did, and how many of its facts differ.

    `seen` is whether the reader may open its own page.
    """

    incident: Incident
    seen: bool
    reason: str
    differences: int
    reports: list[Report]
    filings: list[Filed]
    duties: list[Duty]
    messages: list[delivery.Line]


@dataclass(frozen=True, slots=True)
class Kin:
    """Everything that stands in relation to one incident; those that the reader may not see are left out."""

    carries: list[Carried]
    split_from: Incident | None
    splits: list[Incident]
    shared_reports: list[Report]
    told: list[Told]

    @property
    def any(self) -> bool:
        """Whether there is anything to show."""
        return bool(self.carries or self.split_from or self.splits)


def of(incident: Incident) -> Kin:
    """The kin of an incident, as the reader may see it."""
    carried, splits = related.carried_by(incident), related.split_from(incident)
    wanted = {each.id for each in (*carried, *splits)} | {incident.split_from_id} - {None}
    seen = _visible(wanted)
    found = Kin(
        carries=[_carried(each, incident, seen=each.id in seen) for each in carried],
        split_from=seen.get(incident.split_from_id) if incident.split_from_id else None,
        splits=[each for each in splits if each.id in seen],
        shared_reports=_shared_reports(incident), told=[],
    )  # fmt: skip
    if found.any:
        found.told.extend(merging.told_already(incident))
    return found


def _visible(ids: Iterable[UUID | None]) -> dict[UUID | None, Incident]:
    wanted = visible_incidents().where(Incident.id.in_([each for each in ids if each]))
    return {each.id: each for each in db.session.scalars(wanted)}


def _carried(other: Incident, incident: Incident, *, seen: bool) -> Carried:
    reports = select(Report).where(Report.incident_id == other.id).order_by(Report.received_at)
    return Carried(
        incident=other, seen=seen, reason=merger_of(other)[1],
        differences=len(changes(clocks.document_of(incident), clocks.document_of(other))),
        reports=list(db.session.scalars(reports)),
        filings=filed.of_incident(other),
        duties=owed.duties_of(other), messages=delivery.log_for(other.chain),
    )  # fmt: skip


def merger_of(incident: Incident) -> tuple[ledger.Entry | None, str]:
    """The entry by which an incident was merged last, and the reason that was given."""
    last = db.session.scalars(
        select(ledger.Entry)
        .where(ledger.Entry.chain == incident.chain, ledger.Entry.action == "incident.merged")
        .order_by(ledger.Entry.number.desc())
    ).first()
    return last, (last.reason or "") if last else ""


def _shared_reports(incident: Incident) -> list[Report]:
    """The reports of the incident from which this one was split that tell of it."""
    if incident.split_from_id is None:
        return []
    entry = db.session.scalars(
        select(ledger.Entry).where(
            ledger.Entry.chain == incident.chain, ledger.Entry.action == "incident.split_from"
        )
    ).first()
    ids = [UUID(each) for each in entry.details.get("reports", [])] if entry else []
    return list(db.session.scalars(select(Report).where(Report.id.in_(ids)).order_by(Report.received_at)))
