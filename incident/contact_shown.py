"""Contact data in the clear: one person's, or that of whoever is left to a person. With a reason, recorded.

Everywhere else names and addresses are masked. The record says who looked, when and why, and at whom by an
id; never what was seen.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import select

from accounts.models import StaffMember
from foundation import ledger
from foundation.database import acting_for, db
from foundation.errors import Invalid, Missing
from incident import contact_data, spreadsheets
from incident.contact_data import Contact
from incident.masking import masked_email, masked_name, masked_phone
from incident.models import Incident, Recipient, SubjectCommunication
from notifications import told

LONGEST: Final = 1_000
COLUMNS: Final = (
    "person", "name", "email", "phone", "address", "language", "country", "last way", "reason", "explanation",
    "since (UTC)", "state", "note",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Masked:
    """How a person is shown to whoever has given no reason."""

    name: str
    email: str
    phone: str


def masked(contact: Contact) -> Masked:
    """The same, masked: recognised by whoever knows it, of no use to anybody else."""
    return Masked(masked_name(contact.name), masked_email(contact.email), masked_phone(contact.phone))


def person(incident: Incident, recipient_id: UUID) -> Recipient:
    """One person on a list of an incident. Raises: Missing."""
    found = db.session.get(Recipient, recipient_id, populate_existing=True)
    if found is None or found.incident_id != incident.id:
        raise Missing(_("There is no such person on the lists of this incident."))
    return found


def shown_masked(incident: Incident, recipient: Recipient) -> Masked | None:
    """One person, masked; None when the contact data was destroyed."""
    if recipient.sealed is None or not contact_data.is_there(incident.id):
        return None
    found = contact_data.contacts(incident.id, [recipient.id]).get(recipient.id)
    return masked(found) if found else None


def reveal(incident: Incident, recipient: Recipient, why: str, *, by: StaffMember, now: datetime) -> Contact:
    """One person in the clear. Raises: Invalid without a reason, Missing when it was destroyed."""
    said = _reason(why)
    _refuse_gone(incident)
    found = contact_data.contacts(incident.id, [recipient.id]).get(recipient.id)
    if found is None or recipient.sealed is None:
        raise _gone()
    ledger.append(
        incident.chain, "person.revealed", organisation_id=incident.organisation_id, actor=by.name, at=now,
        reason=said, person=recipient.id, staff=by.id,
    )  # fmt: skip
    return found


def export(
    incident: Incident, communication: SubjectCommunication, why: str, *, settled: bool, by: StaffMember,
    now: datetime,
) -> Iterator[str]:  # fmt: skip
    """Who is left to a person, as lines of CSV; the entry is made at once, the lines as they are read.

    No cell is run by a spreadsheet. Raises: Invalid without a reason, Missing when it was destroyed or
    nothing was sent.
    """
    said = _reason(why)
    _refuse_gone(incident)
    sent = told.sending_of(f"communication:{communication.id}")
    if sent is None:
        raise Missing(_("Nothing was sent yet: nobody is left to a person."))
    count = told.waiting(sent.id).get("manual", 0)
    ledger.append(
        incident.chain, "manual_list.exported", organisation_id=incident.organisation_id, actor=by.name,
        at=now, reason=said, communication=communication.id, people=count, settled=settled, staff=by.id,
    )  # fmt: skip
    return _for(incident.organisation_id, _lines(incident.id, sent.id, settled=settled))


def _for(organisation_id: UUID, lines: Iterator[str]) -> Iterator[str]:
    """Lines that are read when the request that asked for them has been answered, as far as it knows."""
    while True:
        with acting_for(organisation_id):
            line = next(lines, None)
        if line is None:
            return
        yield line


def _lines(incident_id: UUID, sending_id: UUID, *, settled: bool) -> Iterator[str]:
    yield "\N{ZERO WIDTH NO-BREAK SPACE}" + _line(COLUMNS)  # by which spreadsheets know UTF-8
    for some in told.manual(sending_id, settled=settled):
        ids = [each.recipient_id for each in some]
        known, protected = contact_data.contacts(incident_id, ids), _protected(ids)
        for each in some:
            contact = known.get(each.recipient_id, Contact())
            yield _line(
                (str(each.recipient_id), contact.name, contact.email, contact.phone,
                 ", ".join(contact.address), each.locale, each.country, each.channel, each.code,
                 _why(each, protected), each.at.isoformat(timespec="seconds"), each.fate, each.note)
            )  # fmt: skip


def _protected(ids: Sequence[UUID]) -> frozenset[UUID]:
    mine = select(Recipient.id).where(Recipient.id.in_(ids), Recipient.protected.is_(True))
    return frozenset(db.session.scalars(mine))


def _why(one: told.Left, protected: frozenset[UUID]) -> str:
    """Why somebody is left to a person; who has an address that is protected has one."""
    if one.channel == "manual" and one.recipient_id in protected:
        return _("the address is protected: no letter goes there unless a person chooses so")
    return one.why


def _line(cells: tuple[str, ...]) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=";", lineterminator="\r\n").writerow(map(spreadsheets.harmless, cells))
    return out.getvalue()


def _reason(why: str) -> str:
    said = " ".join(why.split())[:LONGEST]
    if not said:
        raise Invalid(
            _("Names and addresses are shown only with a reason."), next_step=_("Say why, for the record.")
        )
    return said


def _refuse_gone(incident: Incident) -> None:
    if not contact_data.is_there(incident.id):
        raise _gone()


def _gone() -> Missing:
    return Missing(
        _("The contact data was destroyed: nobody can see it any more."),
        next_step=_("Who was told, when and by which way stands in the coverage report."),
    )
