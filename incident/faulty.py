"""Reports that are correctly signed and cannot be used: what a processor tells is never dropped.

Each opens an incident "report to be read" with its text as it came, clocks running from its arrival, and
the playbook calls somebody as for any report. One that names an incident it has told of goes there. It
stays faulty until a person says that it was read.
"""

from datetime import datetime
from uuid import UUID

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import bindparam, func, select

from accounts.models import Organisation
from foundation import ledger
from foundation.database import db, insert_waiting, new_id, rows, table_of
from incident import intake, keeping
from incident.envelopes import TEST, Faulty, Letter, glimpse, text_of, used_before
from incident.keeping import Outcome
from incident.models import Report, ReportState, chain_of
from incident.rules.facts import parse
from incident.rules.reporting import terms

_ORGANISATIONS = table_of(Organisation).c
_LOCALE = select(_ORGANISATIONS.locale).where(_ORGANISATIONS.id == bindparam("of"))


def prepare(letter: Letter, fault: Faulty, *, now: datetime) -> intake.Opening | None:
    """The incident that a letter which cannot be used would open; needs no transaction.

    None for a test of the connection that says so itself: it opens nothing however it is formed.
    """
    seen, sender = glimpse(letter.body), letter.sender
    if seen.kind == TEST:
        return None
    with force_locale(rows(_LOCALE, of=sender.organisation_id).scalar() or "en"):
        title = _("Report of %(name)s that could not be read", name=sender.name)
    document = {
        "title": title[:200], "description": text_of(letter.body),
        "timeline": {"informed_at": keeping.iso(now)},  # the clock runs from its arrival
    }  # fmt: skip
    if seen.reference:
        document["reference"] = seen.reference
    told = intake.Told(
        sender.organisation_id, document, parse(document), sender.name, sender.processor_id,
        f"The report could not be read ({fault.status}): its text stands here as it came.",
    )  # fmt: skip
    return intake.prepare(told, sender.organisation, now=now)


def take_in(letter: Letter, fault: Faulty, opening: intake.Opening | None, *, now: datetime) -> Outcome:
    """Keep a report that cannot be used and put it before a person; in the caller's transaction."""
    keeping.take_turn(letter.sender)
    insert_waiting()  # others of the same transaction count
    report_id = new_id()
    if opening is None:
        return _keep(letter, fault, report_id, None, now)
    if same := _same_bytes(letter):
        return _keep(letter, fault, report_id, same, now)  # who is to read the first reads this
    incident = keeping.known(letter.sender, opening.told.facts.reference)
    if incident or _too_many(letter, now):
        outcome = _keep(letter, fault, report_id, incident.id if incident else None, now)
        keeping.page_to_read(letter.sender, report_id, now=now)
        return outcome
    return _keep(letter, fault, report_id, opening.id, now, opens=opening)


def contradiction(letter: Letter, first: UUID | None, *, now: datetime) -> Outcome:
    """An id that came before with another body: kept with the incident of the first, and somebody is called.

    Which of the two holds, or whether both do, only a person can say. The same mistake again calls nobody.
    """
    keeping.take_turn(letter.sender)
    fault, report_id = used_before(), new_id()
    if _is_kept(letter):
        return Outcome(fault.status, fault.document)
    outcome = _keep(letter, fault, report_id, first, now, webhook_id=None)
    keeping.page_to_read(letter.sender, report_id, now=now)
    return outcome


def _keep(
    letter: Letter, fault: Faulty, report_id: UUID, incident_id: UUID | None, now: datetime,
    *, opens: intake.Opening | None = None, **values: str | None,
) -> Outcome:  # fmt: skip
    organisation_id = letter.sender.organisation_id
    ledger.append(
        chain_of(incident_id, drill=False) if incident_id else f"organisation/{organisation_id}",
        "report.faulty",
        organisation_id=organisation_id, actor=letter.sender.name, at=now, report=report_id,
        body_sha256=letter.sha256, status=fault.status,
    )  # fmt: skip
    if opens:
        intake.open_prepared(opens)
    keeping.insert_report(
        letter, now, id=report_id, kind=letter.kind or "unknown", state=ReportState.FAULTY,
        faults=fault.document["errors"], status=fault.status, answer=fault.document,
        incident_id=incident_id, opens=opens is not None, **values,
    )  # fmt: skip
    return Outcome(fault.status, fault.document, report_id, incident_id)


def _is_kept(letter: Letter) -> bool:
    """Whether this very body is kept already: a sender that repeats a mistake pages nobody again."""
    same = (Report.endpoint_id == letter.endpoint_id, Report.body_sha256 == letter.sha256)
    return db.session.execute(select(Report.id).where(*same)).first() is not None


def _same_bytes(letter: Letter) -> UUID | None:
    """The incident that waits to be read for these very bytes, sent under another id."""
    same = (
        Report.processor_id == letter.sender.processor_id, Report.body_sha256 == letter.sha256,
        Report.state == ReportState.FAULTY, Report.incident_id.is_not(None), Report.status != 409,
    )  # fmt: skip
    return db.session.scalars(select(Report.incident_id).where(*same)).first()


def _too_many(letter: Letter, now: datetime) -> bool:
    """Whether this sender has opened so many within the hour that something of its own runs wild."""
    limits = terms(now)
    lately = (
        Report.processor_id == letter.sender.processor_id, Report.status >= 400,
        Report.incident_id.is_not(None), Report.received_at > now - limits.hour,
    )  # fmt: skip
    count = db.session.scalar(select(func.count()).select_from(Report).where(*lately)) or 0
    return count >= limits.faulty_incidents_per_hour
