"""Reports that colleagues type in, new facts they enter, and what they do with reports nobody could read.

What a form tells is kept as a report like any other: the document's bytes, hashed. The same form sent
twice is one report.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import func, select

from accounts.models import Organisation, StaffMember
from foundation import ledger
from foundation.database import db, new_id
from foundation.errors import Invalid, Missing, Refused
from incident import advice, clocks, doubts, intake
from incident.envelopes import text_of
from incident.models import Incident, Processor, Report, ReportState, chain_of, real
from incident.rules.facts import parse
from notifications import paging
from playbooks import runs

FORM = "form"
CONTRADICTS = 409  # it came under the id of an earlier report, and stands beside that report's incident


@dataclass(frozen=True, slots=True)
class FormReport:
    """What a colleague typed: the facts document, and an id that tells a form sent twice."""

    document: dict[str, Any]
    form_id: str
    processor_id: UUID | None = None


def take_in(told: FormReport, *, by: StaffMember, now: datetime) -> UUID:
    """Open an incident from the form and keep what was typed; returns the incident's id.

    The same form again returns the same incident; with other words in it, it is another report.
    Raises: FactsFault, Missing for an unknown processor.
    """
    body = json.dumps(told.document, ensure_ascii=False, sort_keys=True, indent=1).encode()
    db.session.get_one(Organisation, by.organisation_id, with_for_update=True)  # two of one form wait here
    if known := _opened_by(told, body):
        return known
    name = processor_named(told.processor_id)
    source = f"{by.name}, told by {name}" if name else by.name
    facts = parse(told.document)
    letter = intake.Told(
        by.organisation_id, told.document, facts, source, told.processor_id,
        claims_reference=not _is_reported(told.processor_id, facts.reference),
    )  # fmt: skip
    incident_id, number = intake.open_incident(letter, now=now)
    _keep(told, body, incident_id, number, by, now)
    advice.keep(db.session.get_one(Incident, incident_id), 1, now=now)
    return incident_id


def processor_named(processor_id: UUID | None) -> str | None:
    """The name of a processor of ours. Raises: Missing."""
    if processor_id is None:
        return None
    name = db.session.scalar(select(Processor.name).where(Processor.id == processor_id))
    if name is None:
        raise Missing(_("There is no such processor."))
    return name


def _opened_by(told: FormReport, body: bytes) -> UUID | None:
    """The incident that this very form opened; after Back and other words nothing typed may be lost."""
    same = (Report.webhook_id == told.form_id, Report.body_sha256 == hashlib.sha256(body).hexdigest())
    mine = (Report.kind == FORM, Report.processor_id.is_not_distinct_from(told.processor_id))
    return db.session.scalar(select(Report.incident_id).where(*mine, *same))


def _is_reported(processor_id: UUID | None, reference: str) -> bool:
    """Whether an incident has this reference of the processor's already: it telephoned, and posted too."""
    same = (Incident.processor_id == processor_id, Incident.processor_reference == reference)
    return db.session.scalar(select(Incident.id).where(*same, real())) is not None


def _keep(  # noqa: PLR0917  a row's columns in their order
    told: FormReport, body: bytes, incident_id: UUID, number: str, by: StaffMember, now: datetime
) -> None:
    report = Report(
        id=new_id(), organisation_id=by.organisation_id, processor_id=told.processor_id, staff_id=by.id,
        incident_id=incident_id, webhook_id=told.form_id, kind=FORM, state=ReportState.ACCEPTED, body=body,
        body_sha256=hashlib.sha256(body).hexdigest(), status=200, answer={"incident_number": number},
        told_at=now, received_at=now,
    )  # fmt: skip
    db.session.add(report)
    db.session.flush()
    ledger.append(
        chain_of(incident_id, drill=False), "report.received", organisation_id=by.organisation_id,
        actor=by.name, at=now, report=report.id, body_sha256=report.body_sha256, kind=FORM,
    )  # fmt: skip


def learn(
    incident: Incident, document: dict[str, Any], *, after: int, reason: str, by: str, now: datetime
) -> int:
    """Enter new facts as the next version; `after` is the version the person changed.

    The same again is no new version. Returns the number that holds. Raises: Invalid without a reason,
    Conflict when the facts have moved on meanwhile, FactsFault.
    """
    if document == clocks.document_of(incident):
        return incident.facts_number
    if incident.merged_into_id:
        raise Refused(
            _("This incident is merged into another one, whose facts hold."),
            next_step=_("Enter what is new there."),
        )
    if incident.facts_number != after:
        raise Conflict(_("Somebody entered new facts while you were writing. Nothing of yours is lost."))
    if not reason.strip():
        raise Invalid(_("New facts need a word on where they come from."))
    told = intake.Told(
        incident.organisation_id, document, parse(document), by, incident.processor_id, reason.strip()
    )
    number = intake.learn(incident, told, now=now)
    doubts.enter(
        incident.chain, number, doubts.of(told.facts, now), organisation_id=told.organisation_id, actor=by,
        now=now,
    )  # fmt: skip
    advice.keep(incident, number, now=now)
    return number


class Conflict(Refused):
    """Two people changed the same version; both are shown."""


# --- reports that nobody could read -------------------------------------------------------------


def open_from_faulty(report: Report, *, by: StaffMember, now: datetime) -> UUID:
    """Make an incident of a report that could not be read and opened none by itself; returns its id.

    That is one under the id of another, or one of very many. Of any other it is the incident it has.
    """
    if report.state != ReportState.FAULTY or (report.incident_id and report.status != CONTRADICTS):
        return _incident_of(report)
    name = processor_named(report.processor_id) or by.name
    title = _("Report of %(name)s that could not be read", name=name)
    document = {
        "title": title[:200],
        "description": text_of(report.body),
        "timeline": {"informed_at": report.received_at.isoformat()},  # the clock runs from its arrival
    }
    reason = f"Taken from report {report.id}, which could not be read."
    told = intake.Told(report.organisation_id, document, parse(document), name, report.processor_id, reason)
    incident_id, _number = intake.open_incident(told, now=now)
    report.state, report.incident_id = ReportState.ACCEPTED, incident_id
    db.session.flush()
    ledger.append(
        chain_of(incident_id, drill=False), "report.received", organisation_id=report.organisation_id,
        actor=by.name, at=now, report=report.id, body_sha256=report.body_sha256, kind=report.kind,
        reason=reason,
    )  # fmt: skip
    _end_page_if_last(report, by.name, now)
    advice.keep(db.session.get_one(Incident, incident_id), 1, now=now)
    return incident_id


def _incident_of(report: Report) -> UUID:
    if report.incident_id is None:
        raise Refused(_("This report has been dealt with already."))
    return report.incident_id


def deal_with(report: Report, *, reason: str, by: StaffMember, now: datetime) -> None:
    """A person has dealt with a faulty report otherwise, and says how; a second time changes nothing.

    Raises: Invalid without a reason, Refused for a report that was not faulty.
    """
    if not reason.strip():
        raise Invalid(_("Say how it was dealt with: it stands in the record."))
    if report.state == ReportState.SEEN:
        return
    if report.state != ReportState.FAULTY:
        raise Refused(_("Only a faulty report is dealt with here; this one belongs to an incident."))
    report.state = ReportState.SEEN
    db.session.flush()
    ledger.append(
        _chain_of(report), "report.dealt_with", at=now, actor=by.name, organisation_id=report.organisation_id,
        reason=reason.strip(), report=report.id,
    )  # fmt: skip
    _end_page_if_last(report, by.name, now)


def _chain_of(report: Report) -> str:
    """The chain in which it stands what became of a report: its incident's, or the organisation's."""
    incident = db.session.get(Incident, report.incident_id) if report.incident_id else None
    return incident.chain if incident else f"organisation/{report.organisation_id}"


def _end_page_if_last(report: Report, by: str, now: datetime) -> None:
    """Nobody is called any more once no faulty report is left."""
    left = db.session.scalar(select(func.count()).where(Report.state == ReportState.FAULTY))
    if not left:
        paging.end(
            f"organisation/{report.organisation_id}", actor=by, reason="No faulty report is left.", now=now
        )


def add_note(incident: Incident, text: str, *, by: str, now: datetime) -> None:
    """Enter a note into the record; it can never be changed or removed. Raises: Invalid when empty."""
    if not text.strip():
        raise Invalid(_("A note needs words."))
    ledger.append(
        incident.chain, "note.added", organisation_id=incident.organisation_id, actor=by, at=now,
        reason=text.strip()[:4000],
    )  # fmt: skip


def acknowledge(incident: Incident, *, by: StaffMember, now: datetime) -> None:
    """Take every open page about the incident, on the screen."""
    open_pages = sorted(each.id for each in paging.pages_for(incident.chain) if each.state == "open")
    paging.lock_waiting(*open_pages)
    for page_id in open_pages:
        paging.acknowledge(page_id, by.id, way="screen", now=now)
    runs.happened(incident.chain, "page.acknowledged", actor=by.name, now=now)
