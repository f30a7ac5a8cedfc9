"""What is told later of an incident that was merged: kept beside, and put before a person."""

from datetime import datetime

from incident import clocks, intake
from incident.models import Incident
from incident.triage.marks import record

BESIDE = "It was told of an incident that is merged into this one: the facts here hold until a person says."


def learn_beside(carrier: Incident, named: Incident, told: intake.Told, *, now: datetime) -> int:
    """Keep what was told as the merged incident's next version; returns its number. Both are locked.

    The carrier's facts hold: what differs is shown beside them and never written over them. Awareness that
    no person has fixed moves when an earlier moment is told.
    """
    number = intake.keep_version(named, told, now=now)
    record(
        carrier, "report.beside", told.source, now, BESIDE, number=named.number, other=named.id,
        version=number,
    )  # fmt: skip
    facts = clocks.in_organisation(told.facts, clocks.Registered.of(told.organisation_id))
    advice = clocks.advise(
        facts,
        received_at=named.reported_at,
        from_processor=told.processor_id is not None,
        fixed=None,
        now=now,
    )
    at = advice.awareness.at if advice.awareness else None
    if at and (carrier.aware_by is None or at < carrier.aware_by) and not clocks.first_filing(carrier):
        carrier.aware_by = at
        clocks.reckon_again(carrier, actor=told.source, reason="New facts.", now=now)
    return number
