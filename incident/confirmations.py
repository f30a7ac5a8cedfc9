"""Confirmations by e-mail: that a report came in, its number and where to see what became of it.

Who types an address into a form is not thereby its owner, and we are nobody's mailer: a confirmation goes
only to an address that the processor has given us and a colleague has verified, or under the domain of
one, public mail domains aside; so many a day for each link, for the programs of each processor, and for
each address. To everybody else the page itself confirms, and can be printed; to a program the signed answer
does. It says nothing of what was told.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from foundation.database import db
from foundation.encryption import blind_index
from incident.models import ProcessorContact, ReportConfirmation, Submission
from incident.rules.reporting import Terms, terms
from notifications import outbox

DAY: Final = timedelta(days=1)


def address_to_write_to(
    address: str, *, processor_id: UUID, link_id: UUID | None, now: datetime, signed: bool = False
) -> str | None:
    """The address to confirm to; None where the page or the `signed` answer alone confirms."""
    limits = terms(now)
    address = address.strip().lower()
    if not address or not _is_vouched_for(address, _verified(processor_id), limits):
        return None
    by_way = _by_program(processor_id, now) if signed else _by_link(link_id, now)
    enough = by_way >= limits.confirmations_per_day
    return None if enough or _to_them(address, now) >= limits.confirmations_per_address_per_day else address


def _verified(processor_id: UUID) -> set[str]:
    verified = (ProcessorContact.processor_id == processor_id, ProcessorContact.verified_at.is_not(None))
    found = db.session.scalars(select(ProcessorContact.email).where(*verified))
    return {each.strip().lower() for each in found if each}


def _is_vouched_for(address: str, verified: set[str], limits: Terms) -> bool:
    if address in verified:
        return True
    domain = address.rpartition("@")[2]
    return domain not in limits.public_mail_domains and domain in {
        each.rpartition("@")[2] for each in verified
    }


def _by_link(link_id: UUID | None, now: datetime) -> int:
    mine = (Submission.link_id == link_id, Submission.mailed_index.is_not(None))
    return _count(Submission, now, *mine)


def _by_program(processor_id: UUID, now: datetime) -> int:
    return _count(
        ReportConfirmation,
        now,
        ReportConfirmation.processor_id == processor_id,
        ReportConfirmation.mailed_index.is_not(None),
    )


def _to_them(address: str, now: datetime) -> int:
    return sum(
        _count(table, now, table.mailed_index == blind_index(address))
        for table in (Submission, ReportConfirmation)
    )


def _count(
    table: type[Submission] | type[ReportConfirmation], now: datetime, *which: ColumnElement[bool]
) -> int:
    lately = select(func.count()).select_from(table).where(table.created_at > now - DAY, *which)
    return db.session.scalar(lately) or 0


def post(
    address: str, *, organisation_id: UUID, organisation: str, about: str, number: str, report_id: UUID,
    path: str, locale: str, received_at: datetime, timezone: str, now: datetime,
    template: str = "report_confirmation",
) -> UUID | None:  # fmt: skip
    """Owe the confirmation of a report, once however often it is asked for; in the caller's transaction."""
    return outbox.post(
        organisation_id=organisation_id, about=about, kind="internal", template=template,
        recipient=outbox.recipient(about, "email", address, locale),
        context={
            "organisation": organisation, "number": number, "path": path, "timezone": timezone,
            "received_at": received_at.isoformat(),
        },
        dedupe_key=f"confirmation:{report_id}", now=now,
    )  # fmt: skip


def index_of(address: str | None) -> str | None:
    """By what confirmations to an address are counted, without keeping it."""
    return blind_index(address) if address else None
