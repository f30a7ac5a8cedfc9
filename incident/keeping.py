"""How a report is kept: its row, the turn of its organisation, the incident its reference names."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select

from accounts.models import Organisation
from foundation.database import db, insert_at_end, insert_ready, ready, rows, table_of
from incident import related
from incident.envelopes import Letter
from incident.models import Incident, Report
from incident.processors import Sender
from notifications import paging


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is answered, and kept to be answered again; and which report that is, where one was kept."""

    status: int
    document: dict[str, Any]
    report_id: UUID | None = None
    incident_id: UUID | None = None


_INCIDENTS = table_of(Incident).c
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


def take_turn(sender: Sender) -> None:
    """Lock the organisation's row, as whoever opens an incident does with its number."""
    rows(_OWN_TURN, of=sender.organisation_id)


def insert_report(letter: Letter, now: datetime, *, opens: bool = False, **values: Any) -> None:
    """Keep a report: at the end, with the incident it opens, else at once, for the next one asks for it."""
    row = {
        "organisation_id": letter.sender.organisation_id, "endpoint_id": letter.endpoint_id,
        "processor_id": letter.sender.processor_id, "body": letter.body, "body_sha256": letter.sha256,
        "received_at": now, "webhook_id": letter.webhook_id,
    }  # fmt: skip
    insert = insert_at_end if opens else insert_ready
    insert(ready(Report, row | values))


def known(sender: Sender, reference: str) -> Incident | None:
    """The incident this sender has reported under the same reference, locked with what carries it."""
    if not reference:
        return None
    found = rows(_SAME_REFERENCE, processor_id=sender.processor_id, reference=reference).scalar()
    if found is None:
        return None
    take_turn(sender)  # nobody merges, or splits off again, without it
    return related.locked(found)


def page_to_read(sender: Sender, report_id: UUID, *, now: datetime) -> None:
    """Call on-call to a report that only a person can read; while they are called for one, for all."""
    organisation = db.session.get_one(Organisation, sender.organisation_id)
    paging.page(
        organisation_id=organisation.id, about=f"organisation/{organisation.id}",
        template="page_faulty_report",
        context={
            "organisation": organisation.name, "processor": sender.name,
            "timezone": organisation.timezone, "path": f"/reports/{report_id}",
        },
        must_by=None, actor="Breachclock", now=now,
    )  # fmt: skip


def iso(at: datetime) -> str:
    """An instant as answers tell it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
