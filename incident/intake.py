"""An incident opens: number, facts as told, provisional awareness, clocks, playbook, page; or it learns.

Called with what a processor's report or a colleague's form has told, already read and validated. The
caller's transaction holds all of it or none. This path takes a report in within milliseconds, so its
rows go in by table and not one by one.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, update

from accounts.models import Organisation
from foundation import ledger
from foundation.database import db, new_id, table_of
from incident import clocks
from incident.models import Awareness, FactsVersion, Incident
from incident.rules.awareness import Moment
from incident.rules.facts import Facts
from incident.rules.lifecycle import State
from playbooks import runs

AT_A_PROCESSOR = "processor_breach"
AT_HOME = "personal_data_breach"


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody told us: the document as it came, what it means, and who says so."""

    organisation_id: UUID
    document: dict[str, Any]
    facts: Facts
    source: str
    processor_id: UUID | None = None
    reason: str | None = None


def open_incident(told: Told, *, now: datetime) -> tuple[UUID, str]:
    """Open an incident and everything that follows at once; returns its id and its number."""
    organisation = _numbered(told.organisation_id)
    facts = clocks.in_organisation(told.facts, organisation)
    advice = clocks.advise(
        facts, received_at=now, from_processor=told.processor_id is not None, fixed=None, now=now
    )
    aware, found, incident_id = advice.awareness, clocks.of(facts, advice), new_id()
    number = f"{organisation.incident_prefix}-{now:%Y}-{organisation.incident_counter:04d}"
    _insert_incident(incident_id, number, told, facts, aware, found, now)
    _insert_facts(incident_id, 1, told, now)
    _insert_awareness(incident_id, told, aware, now)
    clocks.first(incident_id, told.organisation_id, found)
    _start_playbook(incident_id, number, organisation, told, facts, aware, now)
    return incident_id, number


def _numbered(organisation_id: UUID) -> Organisation:
    """The organisation with its counter moved on, locked until the commit."""
    db.session.execute(
        update(Organisation)
        .where(Organisation.id == organisation_id)
        .values(incident_counter=Organisation.incident_counter + 1)
        .execution_options(synchronize_session=False)
    )
    return db.session.get_one(Organisation, organisation_id, populate_existing=True)


def _insert_incident(
    incident_id: UUID, number: str, told: Told, facts: Facts, aware: Moment | None,
    found: list[Any], now: datetime,
) -> None:  # fmt: skip
    due = [each.due_at for each in found if each.due_at]
    db.session.execute(
        insert(table_of(Incident)).values(
            id=incident_id, organisation_id=told.organisation_id, number=number,
            title=facts.title or "Report without a title", state=State.REPORTED,
            processor_id=told.processor_id, processor_reference=facts.reference or None, restricted=False,
            facts_number=1, aware_at=aware.at if aware else None, awareness_is_provisional=True,
            next_due_at=min(due, default=None), reported_at=now,
        )
    )  # fmt: skip
    ledger.append(
        f"incident/{incident_id}", "incident.opened", organisation_id=told.organisation_id,
        actor=told.source, at=now, number=number, processor=told.processor_id,
        clocks={each.kind: each.due_at for each in found},
    )  # fmt: skip


def _insert_facts(incident_id: UUID, number: int, told: Told, now: datetime) -> str:
    text = json.dumps(told.document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    db.session.execute(
        insert(table_of(FactsVersion)).values(
            id=new_id(), organisation_id=told.organisation_id, incident_id=incident_id, number=number,
            facts=told.document, sha256=sha256, source=told.source, reason=told.reason, at=now,
        )
    )  # fmt: skip
    ledger.append(
        f"incident/{incident_id}", "facts.recorded", organisation_id=told.organisation_id, at=now,
        actor=told.source, reason=told.reason, version=number, facts_sha256=sha256,
    )  # fmt: skip
    return sha256


def _insert_awareness(incident_id: UUID, told: Told, aware: Moment | None, now: datetime) -> None:
    reason = (
        f"Provisional, from {aware.source}: no person has fixed it yet." if aware else "No time is known yet."
    )
    db.session.execute(
        insert(table_of(Awareness)).values(
            id=new_id(), organisation_id=told.organisation_id, incident_id=incident_id, number=1,
            aware_at=aware.at if aware else None, provisional=True, reason=reason, by="Breachclock", at=now,
        )
    )  # fmt: skip
    ledger.append(
        f"incident/{incident_id}", "awareness.provisional", organisation_id=told.organisation_id, at=now,
        actor="Breachclock", reason=reason, aware_at=aware.at if aware else None,
    )  # fmt: skip


def _start_playbook(
    incident_id: UUID, number: str, organisation: Organisation, told: Told, facts: Facts,
    aware: Moment | None, now: datetime,
) -> None:  # fmt: skip
    anchors = {"reported": now}
    if aware:
        anchors["aware"] = aware.at
    if facts.timeline.occurred_from:
        anchors["occurred"] = facts.timeline.occurred_from
    runs.start(
        AT_A_PROCESSOR if told.processor_id or facts.at_a_processor == "yes" else AT_HOME,
        organisation_id=organisation.id, about=f"incident/{incident_id}", anchors=anchors, summary=number,
        facts=told.document, actor=told.source, now=now,
    )  # fmt: skip


def learn(incident: Incident, told: Told, *, now: datetime) -> int:
    """New facts of a known incident: a new version, and clocks that follow it; returns its number.

    Awareness that a person has fixed stays as it was fixed.
    """
    number = incident.facts_number + 1
    _insert_facts(incident.id, number, told, now)
    incident.facts_number = number
    if told.facts.title:
        incident.title = told.facts.title
    clocks.reckon_again(incident, actor=told.source, reason="New facts.", now=now)
    return number
