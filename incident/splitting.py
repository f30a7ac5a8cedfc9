"""Splitting: part of an incident proves to be another breach, and becomes an incident of its own.

It was known no later than the incident it comes from, and owes no later what that one still owes. Reports
stay where they came in and are named in both records. Whom the first incident has told is not told again
unawares: see `merging.told_already`.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import select

from accounts.models import StaffMember
from foundation.database import db, new_id
from foundation.errors import Invalid, Refused
from incident import advice, clocks, intake, meeting, owed, triage
from incident.merging.checks import Word
from incident.merging.times import hold_clocks
from incident.merging.told import SENT
from incident.models import (
    Awareness,
    Duty,
    Incident,
    Member,
    Report,
    ReportState,
    SubjectCommunication,
)
from incident.rules.facts import parse
from incident.rules.lifecycle import State
from incident.triage.marks import record

KIND = "split"
SPLIT = "It was split from another incident, which had to be done with this no later."


@dataclass(frozen=True, slots=True)
class Part:
    """What becomes an incident of its own: its facts, the reports that tell of it, and why.

    `form_id` tells a form that was sent twice.
    """

    document: dict[str, Any]
    reports: Sequence[UUID]
    reason: str
    form_id: str


def split(source: Incident, part: Part, *, by: StaffMember, now: datetime) -> UUID:
    """Open an incident from part of another one, which is locked; returns its id, the same for the same form.

    Raises: Invalid without a reason, Refused when the source is not open or is a drill, FactsFault.
    """
    if known := _opened_by(part):
        return known
    meeting.refuse_when_over(source)
    if source.drill:
        raise Refused(_("A drill is not split."), next_step=_("End it, and start another one."))
    if not part.reason.strip():
        raise Invalid(_("Say why it is another breach: it stands in both records."))
    word = Word(by, part.reason.strip(), now)
    told = intake.Told(
        source.organisation_id, part.document, parse(part.document), by.name, source.processor_id,
        _("Split from %(number)s: %(why)s", number=source.number, why=word.reason), claims_reference=False,
    )  # fmt: skip
    incident_id, number = intake.open_incident(told, now=now)
    incident = db.session.get_one(Incident, incident_id, with_for_update=True, populate_existing=True)
    incident.split_from_id = source.id
    db.session.flush()
    _enter(source, incident, part, word)
    _keep(incident, part, number, word)
    _keep_as_close(source, incident, now)
    _know_no_later(source, incident, word)
    if source.state == State.CONFIRMED:
        triage.confirm(incident, by=by.name, now=now, note=f"{source.number}, from which it was split, was.")
    _owe_no_later(source, incident, word)
    advice.keep(incident, incident.facts_number, now=now)
    return incident_id


def _opened_by(part: Part) -> UUID | None:
    same = select(Report.incident_id).where(Report.kind == KIND, Report.webhook_id == part.form_id)
    return db.session.scalar(same)


def _enter(source: Incident, incident: Incident, part: Part, word: Word) -> None:
    mine = select(Report.id).where(Report.incident_id == source.id, Report.id.in_(part.reports))
    reports = sorted(db.session.scalars(mine))
    record(
        source, "incident.split_off", word.by.name, word.now, word.reason, number=incident.number,
        other=incident.id, reports=reports,
    )  # fmt: skip
    record(
        incident, "incident.split_from", word.by.name, word.now, word.reason, number=source.number,
        other=source.id, reports=reports,
    )  # fmt: skip


def _keep(incident: Incident, part: Part, number: str, word: Word) -> None:
    """Keep what the person told, as every form is kept."""
    body = json.dumps(part.document, ensure_ascii=False, sort_keys=True, indent=1).encode()
    db.session.add(
        Report(
            id=new_id(), organisation_id=incident.organisation_id, processor_id=incident.processor_id,
            staff_id=word.by.id, incident_id=incident.id, webhook_id=part.form_id, kind=KIND,
            state=ReportState.ACCEPTED, body=body, body_sha256=hashlib.sha256(body).hexdigest(), status=200,
            answer={"incident_number": number}, told_at=word.now, received_at=word.now,
        )
    )  # fmt: skip
    db.session.flush()


def _keep_as_close(source: Incident, incident: Incident, now: datetime) -> None:
    """Part of what only some may see is seen by no others."""
    if not source.restricted:
        return
    incident.restricted, incident.lead_id = True, source.lead_id
    for staff_id in db.session.scalars(select(Member.staff_id).where(Member.incident_id == source.id)).all():
        db.session.add(
            Member(
                organisation_id=incident.organisation_id, incident_id=incident.id, staff_id=staff_id,
                added_at=now,
            )
        )  # fmt: skip
    db.session.flush()


def _know_no_later(source: Incident, incident: Incident, word: Word) -> None:
    """We knew of the part when we knew of the whole, as far as that is known."""
    incident.aware_by = source.aware_at or source.aware_by
    held = triage.latest_awareness(incident)
    if source.aware_at and (held.aware_at is None or source.aware_at < held.aware_at):
        reason = f"{source.number}, from which it was split: {triage.latest_awareness(source).reason}"
        db.session.add(
            Awareness(
                organisation_id=incident.organisation_id, incident_id=incident.id, number=held.number + 1,
                aware_at=source.aware_at, provisional=source.awareness_is_provisional, reason=reason,
                by=word.by.name, at=word.now,
            )
        )  # fmt: skip
        record(
            incident, "awareness.joined", word.by.name, word.now, reason, before=held.aware_at,
            after=source.aware_at, provisional=source.awareness_is_provisional,
        )  # fmt: skip
        incident.aware_at = source.aware_at
        incident.awareness_is_provisional = source.awareness_is_provisional
    db.session.flush()
    clocks.reckon_again(incident, actor=word.by.name, reason=SPLIT, now=word.now)
    hold_clocks(source, incident, SPLIT, word)


def _owe_no_later(source: Incident, incident: Incident, word: Word) -> None:
    """What the source owes and has told nobody of, this one owes as well, by the same due time."""
    unfiled = [e for e in owed.duties_of(source) if e.is_unfiled and e.regime != "authority-request"]
    owed.add_all(
        incident, [_same(each) for each in unfiled], by=word.by.name, reason=word.reason, now=word.now
    )
    owed.carry_out(incident, by=word.by.name, reason=word.reason, now=word.now)


def _same(duty: Duty) -> owed.Owed:
    return owed.Owed(
        duty.regime, duty.recipient, duty.clock_kind, duty.provision, dict(duty.terms), duty.starts_at,
        duty.due_at,
    )  # fmt: skip


def communications_of(incident: Incident) -> list[tuple[str, int, int]]:
    """The communications that went out under an incident: its number, theirs, and to how many people."""
    sent = select(SubjectCommunication).where(
        SubjectCommunication.incident_id == incident.id, SubjectCommunication.state.in_(SENT)
    )
    rows = db.session.scalars(sent.order_by(SubjectCommunication.number))
    return [(incident.number, each.number, each.recipients) for each in rows]
