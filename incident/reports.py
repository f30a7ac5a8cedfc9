"""Signed reports: read, kept byte by byte, answered the same each time.

The same report twice is one report. The same reference again is a new version of the same incident's
facts. A report that cannot be read is kept and put before a person.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import current_app
from sqlalchemy import bindparam, case, func, select, update

from accounts.models import Organisation
from foundation import ledger
from foundation.database import changed, db, insert_at_end, insert_ready, new_id, ready, rows, table_of
from incident import doubts, intake
from incident.models import Incident, Processor, Report, ReportState
from incident.processors import Sender
from incident.rules import lifecycle
from incident.rules.facts import Facts, FactsFault, parse
from incident.rules.faults import MOST_FAULTS, Fault
from incident.rules.lifecycle import State
from incident.rules.reading import NotJSON, read_json
from incident.rules.values import instant
from notifications import paging

TYPES = ("incident.reported", "incident.updated", "incident.test")
ACCEPTED = 202


@dataclass(frozen=True, slots=True)
class Letter:
    """A signed report as it came in."""

    sender: Sender
    webhook_id: str
    media_type: str
    charset: str
    body: bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is answered, and kept to be answered again."""

    status: int
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Telling:
    """What a readable letter says, and the incident it would open; a test of the connection opens none."""

    envelope: "_Envelope"
    opening: intake.Opening | None


@dataclass(frozen=True, slots=True)
class _Envelope:
    kind: str
    told_at: datetime
    facts: Facts
    document: dict[str, Any]
    doubts: tuple[Fault, ...]  # what cannot be so: kept as told, for a person to clear up


class Faulty(Exception):
    """Correctly signed, not usable: the answer, and the faults by JSON pointer."""

    def __init__(
        self, status: int, title: str, detail: str, errors: list[dict[str, str]] | None = None
    ) -> None:
        super().__init__(title)
        self.document = {"title": title, "detail": detail, "errors": errors or []}
        self.status = status


def read(letter: Letter, *, now: datetime) -> Telling | Faulty:
    """Read a signed report and prepare what follows from it; needs no transaction. A fault is returned."""
    try:
        envelope = _envelope_of(letter, now)
    except Faulty as fault:
        return fault
    if envelope.kind == "incident.test":
        return Telling(envelope, None)
    sender = letter.sender
    told = intake.Told(
        sender.organisation_id, envelope.document, envelope.facts, sender.name, sender.processor_id
    )
    return Telling(envelope, intake.prepare(told, sender.organisation, now=now))


def accept(letter: Letter, told: Telling | Faulty, *, now: datetime) -> Outcome:
    """Take in a signed report and say what to answer; the same one again gets the same answer.

    In the caller's transaction, perhaps with other reports. Whatever it locks, the organisation's row
    comes first, so that two such transactions never wait for each other. A fault does not lose the
    report: it is kept, and on-call is paged.
    """
    before = rows(_BEFORE, endpoint_id=letter.sender.endpoint_id, webhook_id=letter.webhook_id).first()
    if before and before.body_sha256 == letter.sha256:
        answer = {**before.answer, "duplicate": True} if before.status == ACCEPTED else before.answer
        return Outcome(before.status, answer)
    if before:
        return _keep_faulty(letter, _used_before(), known_id=True, now=now)
    if isinstance(told, Faulty):
        return _keep_faulty(letter, told, known_id=False, now=now)
    if told.opening is None:
        return _note_test(letter, now)
    return _open_or_extend(letter, told.envelope, told.opening, now)


_REPORTS, _INCIDENTS = table_of(Report).c, table_of(Incident).c
_BEFORE = select(_REPORTS.body_sha256, _REPORTS.status, _REPORTS.answer).where(
    _REPORTS.endpoint_id == bindparam("endpoint_id"), _REPORTS.webhook_id == bindparam("webhook_id")
)
_SAME_REFERENCE = (
    select(_INCIDENTS.id)
    .where(_INCIDENTS.processor_id == bindparam("processor_id"))
    .where(_INCIDENTS.processor_reference == bindparam("reference"))
    .where(_INCIDENTS.drill.is_(False))  # nothing real is ever told to a drill
)
# As strong as the update that numbers a new incident, and no stronger.
_ORGANISATIONS = table_of(Organisation).c
_OWN_TURN = (
    select(_ORGANISATIONS.id).where(_ORGANISATIONS.id == bindparam("of")).with_for_update(key_share=True)
)


def _take_turn(sender: Sender) -> None:
    """Lock the organisation's row, as whoever opens an incident does with its number."""
    rows(_OWN_TURN, of=sender.organisation_id)


# --- reading ------------------------------------------------------------------------------------


def _used_before() -> Faulty:
    title = "This webhook-id was used before"
    return Faulty(409, title, "It came with another body. Send new facts under a new id.")


def _envelope_of(letter: Letter, now: datetime) -> _Envelope:
    if letter.media_type != "application/json" or letter.charset.lower() not in ("utf-8", "utf8"):
        raise Faulty(415, "Not JSON by its own word", "Send Content-Type: application/json, in UTF-8.")
    try:
        document = read_json(letter.body)
    except NotJSON as fault:
        raise Faulty(400, "Not readable as JSON", str(fault)) from None
    return _envelope(document, now)


def _envelope(document: object, now: datetime) -> _Envelope:
    if not isinstance(document, dict):
        raise _unusable([{"pointer": "", "detail": "is not an object"}])
    errors = [
        {"pointer": f"/{name}", "detail": "is missing"}
        for name in ("type", "timestamp", "data")
        if name not in document
    ]
    errors += [
        {"pointer": f"/{name.replace('~', '~0').replace('/', '~1')}", "detail": "is not known here"}
        for name in document
        if name not in ("type", "timestamp", "data")
    ]
    if document.get("type", TYPES[0]) not in TYPES:
        errors.append({"pointer": "/type", "detail": f"is not one of {', '.join(TYPES)}"})
    told_at = _told_at(document, errors)
    facts = _facts(document.get("data", {}), errors)
    if errors or facts is None or told_at is None:
        raise _unusable(errors)
    return _Envelope(document["type"], told_at, facts, document["data"], doubts.of(facts, now))


def _told_at(document: Mapping[str, object], errors: list[dict[str, str]]) -> datetime | None:
    if "timestamp" not in document:
        return None
    try:
        return instant(document["timestamp"])
    except ValueError:
        errors.append({"pointer": "/timestamp", "detail": "is not an RFC 3339 instant with an offset"})
        return None


def _facts(data: object, errors: list[dict[str, str]]) -> Facts | None:
    try:
        return parse(data)
    except FactsFault as faulty:
        errors += [{"pointer": f"/data{each.pointer}", "detail": each.detail} for each in faulty.errors]
        return None


def _unusable(errors: list[dict[str, str]]) -> Faulty:
    if len(errors) > MOST_FAULTS:
        more = {"pointer": "", "detail": f"There are {len(errors) - MOST_FAULTS} faults more."}
        errors = [*errors[:MOST_FAULTS], more]
    return Faulty(
        422,
        "Not usable as facts",
        "The report is kept and a person is looking at it. Mend these and send again.",
        errors,
    )


# --- keeping ------------------------------------------------------------------------------------


def _insert_report(letter: Letter, now: datetime, *, opens: bool = False, **values: Any) -> None:
    """Keep a report: at the end, with the incident it opens, else at once, for the next one asks for it."""
    row = {
        "organisation_id": letter.sender.organisation_id, "endpoint_id": letter.sender.endpoint_id,
        "processor_id": letter.sender.processor_id, "body": letter.body, "body_sha256": letter.sha256,
        "received_at": now, "webhook_id": letter.webhook_id,
    }  # fmt: skip
    insert = insert_at_end if opens else insert_ready
    insert(ready(Report, row | values))


def _keep_faulty(letter: Letter, fault: Faulty, *, known_id: bool, now: datetime) -> Outcome:
    """What a processor tells us is never dropped: the bytes stay, and a person is called to read them."""
    _take_turn(letter.sender)
    organisation_id = letter.sender.organisation_id
    if known_id and _was_kept(letter):
        return Outcome(fault.status, fault.document)
    report_id = new_id()
    _insert_report(
        letter, now, id=report_id, kind="unknown", state=ReportState.FAULTY, faults=fault.document["errors"],
        status=fault.status, answer=fault.document, webhook_id=None if known_id else letter.webhook_id,
    )  # fmt: skip
    about = f"organisation/{organisation_id}"
    processor = db.session.get_one(Processor, letter.sender.processor_id)
    organisation = db.session.get_one(Organisation, organisation_id)
    ledger.append(
        about, "report.faulty", organisation_id=organisation_id, actor=processor.name, at=now,
        report=report_id, body_sha256=letter.sha256, status=fault.status,
    )  # fmt: skip
    paging.page(
        organisation_id=organisation_id, about=about, template="page_faulty_report",
        context={
            "organisation": organisation.name, "processor": processor.name,
            "timezone": organisation.timezone, "path": f"/reports/{report_id}",
        },
        must_by=None, actor="Breachclock", now=now,
    )  # fmt: skip
    return Outcome(fault.status, fault.document)


def _was_kept(letter: Letter) -> bool:
    """Whether this very body is kept already: a sender that repeats a mistake pages nobody again."""
    same = select(Report.id).where(
        Report.endpoint_id == letter.sender.endpoint_id, Report.body_sha256 == letter.sha256
    )
    return db.session.execute(same).first() is not None


def _note_test(letter: Letter, now: datetime) -> Outcome:
    """The connection is proved: shown at the processor, nobody is called and nothing is opened."""
    _take_turn(letter.sender)
    report_id = new_id()
    document = {
        "report_id": str(report_id), "incident_id": None, "incident_number": None, "received_at": _iso(now),
        "duplicate": False, "status_url": status_url(letter.sender.endpoint_id, report_id),
    }  # fmt: skip
    _insert_report(
        letter,
        now,
        id=report_id,
        kind="incident.test",
        state=ReportState.TEST,
        status=ACCEPTED,
        answer=document,
    )
    changed(update(Processor).where(Processor.id == letter.sender.processor_id).values(tested_at=now))
    return Outcome(ACCEPTED, document)


def status_url(endpoint_id: str, report_id: UUID) -> str:
    """Where the sender asks what became of its report."""
    return f"{current_app.config['SETTINGS'].public_url}/api/v1/reports/{endpoint_id}/{report_id}"


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


# --- an incident --------------------------------------------------------------------------------


def _open_or_extend(letter: Letter, envelope: _Envelope, opening: intake.Opening, now: datetime) -> Outcome:
    sender, told = letter.sender, opening.told
    incident = _known(sender, envelope.facts.reference)
    report_id, incident_id = new_id(), incident.id if incident else opening.id
    _enter(letter, envelope, report_id, incident.chain if incident else opening.chain, now)
    if incident is None:
        number = intake.open_prepared(opening)
        _enter_doubts(opening.chain, 1, envelope, told, now)
    else:
        number = incident.number
        _extend(incident, told, envelope, now)
        if not lifecycle.clocks_run(State(incident.state)):
            _call_somebody(incident, told, now)
    document = {
        "report_id": str(report_id), "incident_id": str(incident_id), "incident_number": number,
        "received_at": _iso(now), "duplicate": False, "status_url": status_url(sender.endpoint_id, report_id),
    }  # fmt: skip
    _insert_report(
        letter, now, id=report_id, kind=envelope.kind, state=ReportState.ACCEPTED, status=ACCEPTED,
        answer=document, incident_id=incident_id, told_at=envelope.told_at, opens=incident is None,
    )  # fmt: skip
    return Outcome(ACCEPTED, document)


def _known(sender: Sender, reference: str) -> Incident | None:
    """The incident this sender has reported under the same reference, locked."""
    if not reference:
        return None
    known = rows(_SAME_REFERENCE, processor_id=sender.processor_id, reference=reference).scalar()
    if known is None:
        return None
    _take_turn(sender)
    return db.session.get_one(Incident, known, with_for_update=True)


def _extend(incident: Incident, told: intake.Told, envelope: _Envelope, now: datetime) -> None:
    """A later telling is a new version; one that was overtaken on its way is kept and changes nothing."""
    newest = db.session.scalar(
        select(func.max(_TOLD_AT)).where(
            Report.incident_id == incident.id, Report.state == ReportState.ACCEPTED
        )
    )
    if newest and min(envelope.told_at, now) < newest:
        ledger.append(
            incident.chain, "report.overtaken", organisation_id=incident.organisation_id, actor=told.source,
            at=now, reason="It was told before a report that had arrived already.", told_at=envelope.told_at,
        )  # fmt: skip
        return
    number = intake.learn(incident, told, now=now)
    _enter_doubts(incident.chain, number, envelope, told, now)


def _enter_doubts(chain: str, version: int, envelope: _Envelope, told: intake.Told, now: datetime) -> None:
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


def _enter(letter: Letter, envelope: _Envelope, report_id: UUID, chain: str, now: datetime) -> None:
    """The record begins with what was told; everything after it follows from it."""
    ledger.append(
        chain, "report.received", organisation_id=letter.sender.organisation_id, actor="Breachclock", at=now,
        report=report_id, body_sha256=letter.sha256, kind=envelope.kind,
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
        "report_id": str(report.id), "received_at": _iso(report.received_at), "state": report.state,
        "incident_number": incident.number if incident else None,
        "incident_state": incident.state if incident else None,
        "errors": report.faults or [],
    }  # fmt: skip
