"""The register as a CSV file that the import reads back to the same, and that no spreadsheet runs."""

import csv
import io
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select

from foundation.database import db
from incident.models import Processor, ProcessorContact
from incident.processor_register import contacts, fields, tree
from incident.processor_register.table import COLUMNS, CONTACTS
from incident.spreadsheets import harmless

US = "us"
EXAMPLE = (
    {
        "name": "Example Hosting ApS", "works_for": US, "country": "DK",
        "service": "Hosting of the customer portal", "agreement_reference": "DPA-2026-04",
        "agreement_on": "2026-03-31", "agreement_place": "Contracts archive, folder 12", "notice_hours": "24",
        "data_categories": "name; contact; username", "subject_groups": "customers; employees",
        "people": "12000", "countries": "DK; SE", "systems": "Customer portal; Single sign-on",
        "contact_name": "Duty desk", "contact_role": "Duty desk, day and night",
        "contact_email": "duty@hosting.example", "contact_phone": "+4570000000",
    },
    {
        "name": "Example Backup Inc", "works_for": "Example Hosting ApS", "country": "US",
        "service": "Backup", "countries": "IE; US", "transfers": "US: adequacy, 2026-01-15",
    },
)  # fmt: skip


def export(*, ended: bool = False) -> bytes:
    """The register of the organisation acted for, in UTF-8; `ended`: with those that have left."""
    processors = tree.known(ended=ended)
    names = {each.id: each.name for each in tree.known()}
    by_processor: dict[UUID, list[ProcessorContact]] = {}
    everybody = select(ProcessorContact).order_by(ProcessorContact.position, ProcessorContact.id)
    for contact in db.session.scalars(everybody):
        by_processor.setdefault(contact.processor_id, []).append(contact)
    more = ("ended_on",) if ended else ()
    rows = (_row(each, names, by_processor.get(each.id, []), more) for each in processors)
    return _file([*COLUMNS, *more], rows)


def template() -> bytes:
    """A file with every column and two rows that show how they are filled in."""
    return _file(COLUMNS, ([example.get(column, "") for column in COLUMNS] for example in EXAMPLE))


def _row(
    processor: Processor, names: dict[UUID, str], known: Sequence[ProcessorContact], more: Sequence[str]
) -> list[str]:
    told = {name: fields.written(name, getattr(processor, name)) for name in fields.FIELDS}
    told["works_for"] = names[processor.serves_id] if processor.serves_id else US
    for prefix, contact in zip(CONTACTS, known, strict=False):
        told |= {f"{prefix}_{part}": getattr(contact, part) or "" for part in contacts.PARTS}
    if more:
        told["ended_on"] = processor.ended_at.date().isoformat() if processor.ended_at else ""
    return [told.get(column, "") for column in (*COLUMNS, *more)]


def _file(header: Iterable[str], rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(list(header))
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")
