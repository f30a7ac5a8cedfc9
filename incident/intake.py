"""An incident opens: number, facts as told, provisional awareness, clocks, playbook, page; or it learns.

Called with what a processor's report or a colleague's form has told, already read and validated. The
caller's transaction holds all of it or none. On SQLite reports queue for that transaction, so whatever
can be known before it is done before it.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, update

from accounts.models import Organisation
from foundation import ledger
from foundation.database import (
    Ready,
    insert_at_end,
    insert_rows,
    insert_waiting,
    new_id,
    ready,
    rows,
    table_of,
)
from incident import clocks
from incident.models import Awareness, FactsVersion, Incident, chain_of
from incident.rules import deadlines, first_hours
from incident.rules.awareness import Moment
from incident.rules.evaluation import Evaluation
from incident.rules.facts import Facts
from incident.rules.lifecycle import State
from playbooks import runs


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody told us: the document as it came, what it means, and who says so.

    `claims_reference` is whether later reports of the processor under the same reference are of this
    incident; one incident has that. `drill` is the number of the drill that tells it: nothing of it is real.
    """

    organisation_id: UUID
    document: dict[str, Any]
    facts: Facts
    source: str
    processor_id: UUID | None = None
    reason: str | None = None
    claims_reference: bool = True
    drill: str | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """An incident about to open: what was told, what the rules make of it, and rows that wait for its own."""

    id: UUID
    told: Told
    title: str
    aware: Moment | None
    clocks: tuple[deadlines.Clock, ...]
    facts_sha256: str
    awareness_reason: str
    rows: tuple[Ready, ...]
    run: runs.Start
    now: datetime

    @property
    def chain(self) -> str:
        """Its chain of the ledger."""
        return chain_of(self.id, drill=self.told.drill is not None)


def open_incident(told: Told, *, now: datetime) -> tuple[UUID, str]:
    """Open an incident and everything that follows at once; returns its id and its number."""
    opening = prepare(told, clocks.Registered.of(told.organisation_id), now=now)
    number = open_prepared(opening)
    insert_waiting()
    return opening.id, number


def prepare(told: Told, organisation: clocks.Registered, *, now: datetime) -> Opening:
    """Do all that needs neither a number nor a lock: the rules, the playbook, and most rows bound."""
    facts = clocks.in_organisation(told.facts, organisation)
    advice = clocks.advise(
        facts, received_at=now, from_processor=told.processor_id is not None, fixed=None, now=now
    )
    incident_id, running, aware = new_id(), tuple(clocks.of(facts, advice)), advice.awareness
    reason = (
        f"Provisional, from {aware.words}: no person has fixed it yet." if aware else "No time is known yet."
    )
    version = _facts_row(incident_id, 1, told, now)
    return Opening(
        incident_id, told, facts.title or "Report without a title", aware, running, version["sha256"], reason,
        (
            ready(FactsVersion, version),
            ready(Awareness, _awareness_row(incident_id, told, aware, reason, now)),
            clocks.first(incident_id, told.organisation_id, running),
        ),
        _playbook(incident_id, told, facts, advice, now), now,
    )  # fmt: skip


def open_prepared(opening: Opening) -> str:
    """Give the incident its number and write it with all that was prepared; returns the number."""
    number = opening.told.drill or _next_number(opening)
    ledger.begins(opening.chain)
    insert_at_end(ready(Incident, _incident_row(opening, number)), *opening.rows)
    _enter(opening, number)
    runs.begin(opening.run, summary=number, about_is_new=True)
    return number


def _next_number(opening: Opening) -> str:
    organisation = rows(_NEXT_NUMBER, of=opening.told.organisation_id).one()
    return f"{organisation.incident_prefix}-{opening.now:%Y}-{organisation.incident_counter:04d}"


# The organisation with its counter moved on, locked until the commit.
_ORGANISATIONS = table_of(Organisation)
_NEXT_NUMBER = (
    update(_ORGANISATIONS)
    .where(_ORGANISATIONS.c.id == bindparam("of"))
    .values(incident_counter=_ORGANISATIONS.c.incident_counter + 1)
    .returning(_ORGANISATIONS.c.incident_counter, _ORGANISATIONS.c.incident_prefix)
)


def _incident_row(opening: Opening, number: str) -> dict[str, Any]:
    told, aware = opening.told, opening.aware
    return {
        "id": opening.id, "organisation_id": told.organisation_id, "number": number, "title": opening.title,
        "state": State.REPORTED, "processor_id": told.processor_id,
        "processor_reference": (told.claims_reference and told.facts.reference) or None,
        "restricted": False, "drill": told.drill is not None, "facts_number": 1,
        "aware_at": aware.at if aware else None,
        "awareness_is_provisional": True, "reported_at": opening.now,
        "next_due_at": min((each.due_at for each in opening.clocks if each.due_at), default=None),
    }  # fmt: skip


def _facts_row(incident_id: UUID, number: int, told: Told, now: datetime) -> dict[str, Any]:
    text = json.dumps(told.document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return {
        "id": new_id(), "organisation_id": told.organisation_id, "incident_id": incident_id, "number": number,
        "facts": told.document, "our_role": told.facts.our_role, "source": told.source,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "reason": told.reason, "at": now,
    }  # fmt: skip


def _awareness_row(
    incident_id: UUID, told: Told, aware: Moment | None, reason: str, now: datetime
) -> dict[str, Any]:
    return {
        "id": new_id(), "organisation_id": told.organisation_id, "incident_id": incident_id, "number": 1,
        "aware_at": aware.at if aware else None, "provisional": True, "reason": reason, "by": "Breachclock",
        "at": now,
    }  # fmt: skip


def _enter(opening: Opening, number: str) -> None:
    told, aware = opening.told, opening.aware
    common: dict[str, Any] = {"organisation_id": told.organisation_id, "at": opening.now}
    ledger.append(
        opening.chain, "incident.opened", **common, actor=told.source, number=number,
        processor=told.processor_id, clocks={each.kind: each.due_at for each in opening.clocks},
    )  # fmt: skip
    ledger.append(
        opening.chain, "facts.recorded", **common, actor=told.source, reason=told.reason, version=1,
        facts_sha256=opening.facts_sha256,
    )  # fmt: skip
    ledger.append(
        opening.chain, "awareness.provisional", **common, actor="Breachclock",
        reason=opening.awareness_reason, aware_at=aware.at if aware else None,
    )  # fmt: skip


def _playbook(incident_id: UUID, told: Told, facts: Facts, advice: Evaluation, now: datetime) -> runs.Start:
    due = {each.kind: each.due_at for each in clocks.of(facts, advice)}
    anchors = {
        "reported": now,
        "aware": advice.awareness.at if advice.awareness else None,
        "occurred": facts.timeline.occurred_from,
        "due": due.get("authority_notification") or due.get("notice_to_controller"),
    }
    return runs.prepare(
        first_hours.general(facts, from_processor=told.processor_id is not None),
        organisation_id=told.organisation_id, about=chain_of(incident_id, drill=told.drill is not None),
        anchors={name: at for name, at in anchors.items() if at}, facts=told.document, actor=told.source,
        now=now,
    )  # fmt: skip


def keep_version(incident: Incident, told: Told, *, now: datetime) -> int:
    """Keep what was told as the next version of the facts, and move nothing; returns its number."""
    number = incident.facts_number + 1
    version = _facts_row(incident.id, number, told, now)
    insert_rows(FactsVersion, version)
    ledger.append(
        incident.chain, "facts.recorded", organisation_id=told.organisation_id, at=now, actor=told.source,
        reason=told.reason, version=number, facts_sha256=version["sha256"],
    )  # fmt: skip
    incident.facts_number = number
    return number


def learn(incident: Incident, told: Told, *, now: datetime) -> int:
    """New facts of a known incident: a new version, and clocks that follow it; returns its number.

    Awareness that a person has fixed stays as it was fixed.
    """
    number = keep_version(incident, told, now=now)
    if told.facts.title:
        incident.title = told.facts.title
    clocks.reckon_again(incident, actor=told.source, reason="New facts.", now=now)
    return number
