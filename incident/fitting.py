"""Which playbooks an incident needs by what is known of it now, beside the one it began with.

A report starts only the general one, since taking it in must be quick. The clock looks at each version of
the facts once, also when it stood still, was killed, or two of them run: the incident is locked, and the
number of the version is written with the runs it started.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, update

from foundation.database import db, rows, table_of
from incident import clocks
from incident.models import FactsVersion, Incident
from incident.rules import first_hours
from incident.rules.facts import Facts, FactsFault, parse
from incident.rules.lifecycle import State, clocks_run
from playbooks import own, runs

AT_ONCE = 100  # incidents that one round of the clock looks at
CLOCK = "Breachclock"


def behind() -> list[tuple[UUID, int]]:
    """The incidents, with the number of their facts, whose newest facts were not looked at; newest first."""
    unseen = select(Incident.id, Incident.facts_number).where(
        Incident.playbooks_number < Incident.facts_number
    )
    return [
        (row.id, row.facts_number)
        for row in db.session.execute(unseen.order_by(Incident.id.desc()).limit(AT_ONCE))
    ]


def needs(incident_id: UUID) -> bool:
    """Whether by its newest facts a playbook would start that does not run; a look, without any lock."""
    incident = db.session.get_one(Incident, incident_id, populate_existing=True)
    if not _is_under_way(incident):
        return False
    document = clocks.document_of(incident)
    here = _is_here(incident)
    fits = any(book.fits(document, here=here) for book in own.starting(incident.organisation_id))
    return fits or _general_of_another_role(incident) is not None


def note(seen: list[tuple[UUID, int]]) -> None:
    """Note that these versions start nothing; one that has moved on meanwhile is looked at again."""
    for incident_id, number in seen:
        rows(_SEEN, of=incident_id, seen=number)


_INCIDENTS = table_of(Incident)
_SEEN = (
    update(_INCIDENTS)
    .where(_INCIDENTS.c.id == bindparam("of"), _INCIDENTS.c.facts_number == bindparam("seen"))
    .values(playbooks_number=bindparam("seen"))
)


def fit(incident_id: UUID, *, now: datetime) -> list[str]:
    """Start what the newest facts of an incident call for; returns the keys, none the second time.

    What starts late reckons from when we were told of what starts it, not from the first report.
    """
    incident = db.session.get_one(Incident, incident_id, with_for_update=True, populate_existing=True)
    if incident.playbooks_number >= incident.facts_number:
        return []
    incident.playbooks_number = incident.facts_number
    if not _is_under_way(incident):
        return []
    known: dict[str, Any] = {
        "organisation_id": incident.organisation_id, "about": incident.chain, "summary": incident.number,
        "anchors": _anchors(incident), "facts": clocks.document_of(incident), "actor": CLOCK, "now": now,
    }  # fmt: skip
    started = []
    if general := _general_of_another_role(incident):
        runs.start(general, **known)
        started.append(general)
    return started + runs.start_fitting(**known, here=_is_here(incident))


def _is_under_way(incident: Incident) -> bool:
    return incident.merged_into_id is None and clocks_run(State(incident.state))


def _is_here(incident: Incident) -> bool:
    """Whether it happened with us; of facts that cannot be read only the reporter is known."""
    facts = _readable(clocks.document_of(incident))
    from_processor = incident.processor_id is not None
    return first_hours.here(facts, from_processor=from_processor) if facts else not from_processor


def _general_of_another_role(incident: Incident) -> str | None:
    """The general playbook of our role, where the facts now say another role than the one that runs."""
    facts = _readable(clocks.document_of(incident))
    if facts is None:
        return None
    wanted = first_hours.general(facts, from_processor=incident.processor_id is not None)
    return None if runs.has_run(incident.chain, first_hours.alike(wanted)) else wanted


def _anchors(incident: Incident) -> dict[str, datetime]:
    version = db.session.scalars(
        select(FactsVersion).where(
            FactsVersion.incident_id == incident.id, FactsVersion.number == incident.facts_number
        )
    ).one()
    facts = _readable(version.facts)
    found = {
        "reported": version.at, "aware": incident.aware_at,
        "occurred": facts.timeline.occurred_from if facts else None,
    }  # fmt: skip
    return {name: at for name, at in found.items() if at}


def _readable(document: Mapping[str, Any]) -> Facts | None:
    """The facts, where these rules can read them; conditions of playbooks hold by the document alone."""
    try:
        return parse(document)
    except FactsFault:
        return None
