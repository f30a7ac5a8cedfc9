"""Signed reports: read, kept byte by byte, answered the same each time.

The same report twice is one report. The same reference again is a new version of the same incident's
facts. A report that cannot be read is kept and put before a person (`faulty`).
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import current_app
from sqlalchemy import bindparam, case, func, select, true, update

from accounts.models import Organisation
from foundation import ledger
from foundation.database import changed, db, new_id, rows, table_of
from incident import adding, clocks, doubts, envelopes, faulty, intake, keeping, merging, related
from incident.envelopes import TEST, Envelope, Faulty
from incident.envelopes import Letter as Letter  # noqa: PLC0414  whoever takes in asks for it here
from incident.keeping import Outcome as Outcome  # noqa: PLC0414
from incident.models import Incident, Processor, Report, ReportState
from incident.rules import lifecycle
from incident.rules.facts import FactsFault, parse
from incident.rules.lifecycle import State
from notifications import paging

ACCEPTED = 202


@dataclass(frozen=True, slots=True)
class Telling:
    """What a letter says and the incident it would open; a test of the connection opens none.

    A letter that cannot be used has a fault in place of an envelope.
    """

    envelope: Envelope | None
    opening: intake.Opening | None
    fault: Faulty | None = None


def read(letter: Letter, *, now: datetime) -> Telling:
    """Read a report and prepare what follows from it; needs no transaction. A fault is part of the result."""
    try:
        envelope = envelopes.envelope_of(letter, now)
    except Faulty as fault:
        return Telling(None, faulty.prepare(letter, fault, now=now), fault)
    if envelope.kind == TEST:
        return Telling(envelope, None)
    return Telling(envelope, _opening(letter, envelope, now))


def of_form(letter: Letter, document: dict[str, Any], *, now: datetime) -> Telling:
    """The same for a letter whose facts a form of ours has read already. Raises: FactsFault."""
    facts = parse(document)
    envelope = Envelope("incident.reported", now, facts, document, doubts.of(facts, now))
    return Telling(envelope, _opening(letter, envelope, now))


def _opening(letter: Letter, envelope: Envelope, now: datetime) -> intake.Opening:
    sender = letter.sender
    told = intake.Told(
        sender.organisation_id, envelope.document, envelope.facts, sender.name, sender.processor_id
    )
    return intake.prepare(told, sender.organisation, now=now)


def accept(letter: Letter, told: Telling, *, now: datetime) -> Outcome:
    """Take in a report and say what to answer; the same one again gets the same answer.

    In the caller's transaction, perhaps with other reports. Whatever it locks, the organisation's row
    comes first, so that two such transactions never wait for each other. A fault does not lose the
    report: it is kept, opens an incident, and on-call is paged.
    """
    if letter.endpoint_id and (before := _before(letter)):
        if before.body_sha256 != letter.sha256:
            return faulty.contradiction(letter, before.incident_id, now=now)
        answer = {**before.answer, "duplicate": True} if before.status == ACCEPTED else before.answer
        return Outcome(before.status, answer)
    if told.envelope is None:
        fault = told.fault or envelopes.used_before()
        return faulty.take_in(letter, fault, told.opening, now=now)
    if told.opening is None:
        return _note_test(letter, now)
    return _open_or_extend(letter, told.envelope, told.opening, now)


def _before(letter: Letter) -> Any:
    return rows(_BEFORE, endpoint_id=letter.endpoint_id, webhook_id=letter.webhook_id).first()


_REPORTS = table_of(Report).c
_BEFORE = select(_REPORTS.body_sha256, _REPORTS.status, _REPORTS.answer, _REPORTS.incident_id).where(
    _REPORTS.endpoint_id == bindparam("endpoint_id"), _REPORTS.webhook_id == bindparam("webhook_id")
)


def _note_test(letter: Letter, now: datetime) -> Outcome:
    """The connection is proved: shown at the processor, nobody is called and nothing is opened."""
    keeping.take_turn(letter.sender)
    report_id = new_id()
    document = {
        "report_id": str(report_id), "incident_id": None, "incident_number": None,
        "received_at": keeping.iso(now), "duplicate": False,
        "status_url": status_url(letter.sender.endpoint_id, report_id),
    }  # fmt: skip
    keeping.insert_report(
        letter, now, id=report_id, kind=TEST, state=ReportState.TEST, status=ACCEPTED, answer=document
    )
    changed(update(Processor).where(Processor.id == letter.sender.processor_id).values(tested_at=now))
    return Outcome(ACCEPTED, document)


def status_url(endpoint_id: str, report_id: UUID) -> str:
    """Where the sender asks what became of its report."""
    return f"{current_app.config['SETTINGS'].public_url}/api/v1/reports/{endpoint_id}/{report_id}"


# --- an incident --------------------------------------------------------------------------------


def _open_or_extend(letter: Letter, envelope: Envelope, opening: intake.Opening, now: datetime) -> Outcome:
    sender, told = letter.sender, opening.told
    named = _target(letter) or keeping.known(sender, envelope.facts.reference)
    incident = related.carrier_of(named) if named else None
    report_id, incident_id = new_id(), incident.id if incident else opening.id
    _enter(letter, envelope, report_id, incident.chain if incident else opening.chain, now)
    if incident is None:
        number = intake.open_prepared(opening)
        _enter_doubts(opening.chain, 1, envelope, told, now)
    else:
        number = incident.number
        _extend(incident, told, letter, envelope, now, named=named or incident)
        if named is not incident or not lifecycle.clocks_run(State(incident.state)):
            _call_somebody(incident, told, now)
    document = {
        "report_id": str(report_id), "incident_id": str(incident_id), "incident_number": number,
        "received_at": keeping.iso(now), "duplicate": False,
        "status_url": status_url(sender.endpoint_id, report_id) if sender.endpoint_id else None,
    }  # fmt: skip
    keeping.insert_report(
        letter, now, id=report_id, kind=letter.kind or envelope.kind, state=ReportState.ACCEPTED,
        status=ACCEPTED, answer=document, incident_id=incident_id, told_at=envelope.told_at,
        opens=incident is None,
    )  # fmt: skip
    return Outcome(ACCEPTED, document, report_id, incident_id)


def _target(letter: Letter) -> Incident | None:
    """The incident whose page the teller came by, locked with what carries it."""
    if letter.target is None:
        return None
    keeping.take_turn(letter.sender)
    return related.locked(letter.target)


def _extend(
    incident: Incident, told: intake.Told, letter: Letter, envelope: Envelope, now: datetime, *,
    named: Incident,
) -> None:  # fmt: skip
    """A later telling is a new version; one that was overtaken on its way is kept and changes nothing.

    A form tells only what is new: overtaken, it is laid below what is known. Of an incident that was
    merged, `named`, it is kept beside the facts of the one that carries it.
    """
    newest = db.session.scalar(
        select(func.max(_TOLD_AT)).where(
            Report.incident_id.in_([incident.id, named.id]), Report.state == ReportState.ACCEPTED,
            Report.processor_id.is_not_distinct_from(told.processor_id)
            if named is not incident or related.carried_by(incident) else true(),
        )
    )  # fmt: skip
    overtaken = bool(newest and min(envelope.told_at, now) < newest)
    if overtaken and not letter.adds:
        ledger.append(
            incident.chain, "report.overtaken", organisation_id=incident.organisation_id, actor=told.source,
            at=now, reason="It was told before a report that had arrived already.", told_at=envelope.told_at,
        )  # fmt: skip
        return
    if letter.adds:
        told = _added(named, told, below=overtaken)
    if named is not incident:
        number = merging.learn_beside(incident, named, told, now=now)
    else:
        number = intake.learn(incident, told, now=now)
    _enter_doubts(named.chain, number, envelope, told, now)


def _added(incident: Incident, told: intake.Told, *, below: bool) -> intake.Told:
    """What a form tells, laid over what is known, or `below` it; by itself where both cannot be read."""
    known = clocks.document_of(incident)
    kept = {name: known[name] for name in adding.KEPT if known.get(name)}
    document = adding.to({**told.document, **kept}, known) if below else adding.to(known, told.document)
    try:
        return replace(told, document=document, facts=parse(document))
    except FactsFault:
        return told


def _enter_doubts(chain: str, version: int, envelope: Envelope, told: intake.Told, now: datetime) -> None:
    doubts.enter(
        chain, version, envelope.doubts, organisation_id=told.organisation_id, actor=told.source, now=now
    )


def _call_somebody(incident: Incident, told: intake.Told, now: datetime) -> None:
    """Nobody looks at an incident that is over: of what is told of it now, on-call is paged."""
    organisation = db.session.get_one(Organisation, incident.organisation_id)
    paging.page(
        organisation_id=incident.organisation_id, about=incident.chain, template="page_report",
        context={
            "number": incident.number, "organisation": organisation.name, "processor": told.source,
            "timezone": organisation.timezone, "path": f"/incidents/{incident.id}",
        },
        must_by=None, actor="Breachclock", now=now,
    )  # fmt: skip


# Nobody tells us anything after we have heard it: a sender whose clock is ahead must not thereby
# outrank all that it tells us later.
_TOLD_AT = case((Report.told_at > Report.received_at, Report.received_at), else_=Report.told_at)


def _enter(letter: Letter, envelope: Envelope, report_id: UUID, chain: str, now: datetime) -> None:
    """The record begins with what was told; everything after it follows from it."""
    ledger.append(
        chain, "report.received", organisation_id=letter.sender.organisation_id,
        actor="Breachclock", at=now, report=report_id, body_sha256=letter.sha256,
        kind=letter.kind or envelope.kind,
        told_at=envelope.told_at,
    )  # fmt: skip


def last_heard() -> dict[UUID, datetime]:
    """When each processor reported last, tests of the connection aside."""
    heard = select(Report.processor_id, func.max(Report.received_at)).where(
        Report.processor_id.is_not(None), Report.state != ReportState.TEST
    )
    found = db.session.execute(heard.group_by(Report.processor_id))
    return {processor: at for processor, at in found if processor}


def state_of(endpoint_id: str, report_id: UUID) -> dict[str, Any] | None:
    """What the sender may know of its own report: whether it is in, and where the incident stands."""
    report = db.session.scalar(
        select(Report).where(Report.id == report_id, Report.endpoint_id == endpoint_id)
    )
    if report is None:
        return None
    incident = db.session.get(Incident, report.incident_id) if report.incident_id else None
    return {
        "report_id": str(report.id), "received_at": keeping.iso(report.received_at), "state": report.state,
        "incident_number": incident.number if incident else None,
        "incident_state": incident.state if incident else None,
        "errors": report.faults or [],
    }  # fmt: skip
