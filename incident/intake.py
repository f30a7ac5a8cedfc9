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

from sqlalchemy import update

from accounts.models import Organisation
from foundation import ledger
from foundation.database import db, insert_rows, new_id
from incident import clocks
from incident.models import Awareness, FactsVersion, Incident
from incident.rules import deadlines
from incident.rules.awareness import Moment
from incident.rules.facts import Facts
from incident.rules.lifecycle import State
from playbooks import runs

AT_A_PROCESSOR = "processor_breach"
AT_HOME = "personal_data_breach"


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody told us: the document as it came, what it means, and who says so.

    `claims_reference` is whether later reports of the processor under the same reference are of this
    incident; one incident has that.
    """

    organisation_id: UUID
    document: dict[str, Any]
    facts: Facts
    source: str
    processor_id: UUID | None = None
    reason: str | None = None
    claims_reference: bool = True


@dataclass(frozen=True, slots=True)
class _Opening:
    """An incident about to be written: what was told and what the rules make of it."""

    id: UUID
    number: str
    organisation: Organisation
    told: Told
    facts: Facts
    aware: Moment | None
    clocks: tuple[deadlines.Clock, ...]
    now: datetime

    @property
    def chain(self) -> str:
        """Its chain of the ledger."""
        return f"incident/{self.id}"

    def due(self, kind: str) -> datetime | None:
        """When the clock of a kind runs out."""
        return next((each.due_at for each in self.clocks if each.kind == kind), None)


def open_incident(told: Told, *, now: datetime, incident_id: UUID | None = None) -> tuple[UUID, str]:
    """Open an incident and everything that follows at once; returns its id and its number.

    `incident_id` is for a caller that has written of it in the ledger already.
    """
    organisation = _numbered(told.organisation_id)
    facts = clocks.in_organisation(told.facts, organisation)
    advice = clocks.advise(
        facts, received_at=now, from_processor=told.processor_id is not None, fixed=None, now=now
    )
    number = f"{organisation.incident_prefix}-{now:%Y}-{organisation.incident_counter:04d}"
    running = tuple(clocks.of(facts, advice))
    known = incident_id or new_id()
    opening = _Opening(known, number, organisation, told, facts, advice.awareness, running, now)
    _insert_incident(opening)
    _insert_facts(opening.id, 1, told, now)
    _insert_awareness(opening)
    clocks.first(opening.id, told.organisation_id, running)
    _start_playbook(opening)
    return opening.id, number


def _numbered(organisation_id: UUID) -> Organisation:
    """The organisation with its counter moved on, locked until the commit."""
    return db.session.scalars(
        update(Organisation)
        .where(Organisation.id == organisation_id)
        .values(incident_counter=Organisation.incident_counter + 1)
        .returning(Organisation)
        .execution_options(synchronize_session=False, populate_existing=True)
    ).one()


def _insert_incident(opening: _Opening) -> None:
    told, aware = opening.told, opening.aware
    row = {
        "id": opening.id, "organisation_id": told.organisation_id, "number": opening.number,
        "title": opening.facts.title or "Report without a title", "state": State.REPORTED,
        "processor_id": told.processor_id,
        "processor_reference": (told.claims_reference and opening.facts.reference) or None,
        "restricted": False, "facts_number": 1, "aware_at": aware.at if aware else None,
        "awareness_is_provisional": True, "reported_at": opening.now,
        "next_due_at": min((each.due_at for each in opening.clocks if each.due_at), default=None),
    }  # fmt: skip
    insert_rows(Incident, row)
    ledger.append(
        opening.chain, "incident.opened", organisation_id=told.organisation_id, actor=told.source,
        at=opening.now, number=opening.number, processor=told.processor_id,
        clocks={each.kind: each.due_at for each in opening.clocks},
    )  # fmt: skip


def _insert_facts(incident_id: UUID, number: int, told: Told, now: datetime) -> str:
    text = json.dumps(told.document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    row = {
        "id": new_id(), "organisation_id": told.organisation_id, "incident_id": incident_id, "number": number,
        "facts": told.document, "sha256": sha256, "source": told.source, "reason": told.reason, "at": now,
    }  # fmt: skip
    insert_rows(FactsVersion, row)
    ledger.append(
        f"incident/{incident_id}", "facts.recorded", organisation_id=told.organisation_id, at=now,
        actor=told.source, reason=told.reason, version=number, facts_sha256=sha256,
    )  # fmt: skip
    return sha256


def _insert_awareness(opening: _Opening) -> None:
    told, aware = opening.told, opening.aware
    reason = (
        f"Provisional, from {aware.words}: no person has fixed it yet." if aware else "No time is known yet."
    )
    row = {
        "id": new_id(), "organisation_id": told.organisation_id, "incident_id": opening.id, "number": 1,
        "aware_at": aware.at if aware else None, "provisional": True, "reason": reason, "by": "Breachclock",
        "at": opening.now,
    }  # fmt: skip
    insert_rows(Awareness, row)
    ledger.append(
        opening.chain, "awareness.provisional", organisation_id=told.organisation_id, at=opening.now,
        actor="Breachclock", reason=reason, aware_at=aware.at if aware else None,
    )  # fmt: skip


def _start_playbook(opening: _Opening) -> None:
    told, facts = opening.told, opening.facts
    anchors = {
        "reported": opening.now,
        "aware": opening.aware.at if opening.aware else None,
        "occurred": facts.timeline.occurred_from,
        "due": opening.due("authority_notification"),
    }
    runs.start(
        AT_A_PROCESSOR if told.processor_id or facts.at_a_processor == "yes" else AT_HOME,
        organisation_id=told.organisation_id, about=opening.chain, summary=opening.number,
        anchors={name: at for name, at in anchors.items() if at}, facts=told.document, actor=told.source,
        now=opening.now,
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
