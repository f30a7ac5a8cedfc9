"""The register of customers: the controllers for whom we are processor (GDPR art. 28, 33(2)).

Who it is, what is agreed, whom to tell, and what we handle for it. Two customers with one name are
refused. An agreement that ended stays in the register: a breach may be older than its end.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import delete, func, or_, select

from accounts.models import Organisation
from foundation import ledger
from foundation.database import db, insert_rows, new_id
from foundation.errors import Missing, Refused
from incident.customer_lists import Contact, Details, Known, Reading, key_of, over
from incident.models import Customer, CustomerContact, CustomerProcessor, Processor


@dataclass(frozen=True, slots=True)
class Comparison:
    """What taking a file over would do, by name."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    same: tuple[str, ...]


def known(organisation: Organisation, now: datetime) -> Known:
    """What a customer's cells are read against."""
    mine = select(Processor.name, Processor.id).where(Processor.organisation_id == organisation.id)
    processors = {row.name: row.id for row in db.session.execute(mine)}
    return Known(organisation.country, organisation.locale, processors, now)


def of(customer_id: UUID) -> Customer:
    """One customer. Raises: Missing."""
    found = db.session.scalars(select(Customer).where(Customer.id == customer_id)).one_or_none()
    if found is None:
        raise Missing(_("There is no such customer."), next_step=_("Look for it on the list of customers."))
    return found


def listed(search: str = "", *, offset: int = 0, limit: int | None = None) -> tuple[list[Customer], int]:
    """Customers by name, those that ended last; and how many there are in all.

    `search` stands in a name, a reference or an agreement.
    """
    wanted = select(Customer)
    if words := " ".join(search.split()).casefold():
        wanted = wanted.where(or_(
            Customer.name_key.contains(words, autoescape=True),
            func.lower(Customer.reference).contains(words, autoescape=True),
            func.lower(Customer.agreement).contains(words, autoescape=True),
        ))  # fmt: skip
    count = db.session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    order = wanted.order_by(Customer.ended_at.is_not(None), Customer.name_key).offset(offset)
    return list(db.session.scalars(order.limit(limit) if limit else order)), count


def contacts_of(ids: Collection[UUID]) -> dict[UUID, list[CustomerContact]]:
    """Whom to tell at each of these customers, in order."""
    found: dict[UUID, list[CustomerContact]] = {each: [] for each in ids}
    for each in _in_parts(CustomerContact, CustomerContact.customer_id, ids):
        found[each.customer_id].append(each)
    for several in found.values():
        several.sort(key=lambda one: one.position)
    return found


def processors_of(ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """The processors that each of these customers' data run through."""
    found: dict[UUID, list[UUID]] = {each: [] for each in ids}
    for each in _in_parts(CustomerProcessor, CustomerProcessor.customer_id, ids):
        found[each.customer_id].append(each.processor_id)
    return found


def _in_parts(table: Any, column: Any, ids: Collection[UUID]) -> Iterable[Any]:
    """Rows by id, some hundred ids to a statement: a database takes only so many."""
    every = list(ids)
    for start in range(0, len(every), 500):
        yield from db.session.scalars(select(table).where(column.in_(every[start : start + 500])))


def details(customers: Sequence[Customer]) -> list[Details]:
    """What the register holds of these customers."""
    ids = [each.id for each in customers]
    contacts, processors = contacts_of(ids), processors_of(ids)
    return [_details(each, contacts[each.id], processors[each.id]) for each in customers]


def _details(each: Customer, contacts: Sequence[CustomerContact], through: Sequence[UUID]) -> Details:
    return Details(
        name=each.name, locale=each.locale, country=each.country, reference=each.reference,
        agreement=each.agreement, agreed_on=each.agreed_on, notice_hours=each.notice_hours,
        systems=tuple(each.systems), processors=tuple(sorted(through)), categories=tuple(each.categories),
        groups=tuple(each.groups), people=each.people, ended_at=each.ended_at,
        contacts=tuple(Contact(c.name, c.email or "", c.phone or "", c.verified_at) for c in contacts),
    )  # fmt: skip


def processor_names(organisation_id: UUID) -> dict[UUID, str]:
    """The names of our processors."""
    mine = select(Processor.id, Processor.name).where(Processor.organisation_id == organisation_id)
    return {row.id: row.name for row in db.session.execute(mine)}


# --- changing -----------------------------------------------------------------------------------


def add(organisation_id: UUID, told: Details, *, by: str, now: datetime) -> Customer:
    """Register a customer. Raises: Refused when there is one of that name."""
    _refuse_name(organisation_id, told.name, None)
    made = Customer(id=new_id(), organisation_id=organisation_id, created_at=now, **_columns(told, now))
    db.session.add(made)
    db.session.flush()
    _attach({made.id: told}, organisation_id)
    _log(organisation_id, "customer.added", by, now, customer=made.id, name=made.name)
    return made


def change(customer: Customer, told: Details, *, by: str, now: datetime) -> bool:
    """Bring the register in line with these details; whether anything changed. Raises: as `add`."""
    _refuse_name(customer.organisation_id, told.name, customer.id)
    before = details([customer])[0]
    if before == _ordered(told):
        return False
    for name, value in _columns(told, now).items():
        setattr(customer, name, value)
    db.session.flush()
    _detach([customer.id])
    _attach({customer.id: told}, customer.organisation_id)
    _log(
        customer.organisation_id, "customer.changed", by, now, customer=customer.id, name=customer.name,
        fields=_differing(before, _ordered(told)),
    )  # fmt: skip
    return True


def _ordered(told: Details) -> Details:
    return Details(**{**_fields(told), "processors": tuple(sorted(told.processors))})


def _fields(told: Details) -> dict[str, Any]:
    return {name: getattr(told, name) for name in Details.__slots__}


def _differing(before: Details, after: Details) -> list[str]:
    """Which details differ, by name; contact data itself never enters the ledger."""
    return [name for name, value in _fields(before).items() if value != getattr(after, name)]


def _columns(told: Details, now: datetime) -> dict[str, Any]:
    return {
        "name": told.name, "name_key": key_of(told.name), "reference": told.reference,
        "agreement": told.agreement, "agreed_on": told.agreed_on, "notice_hours": told.notice_hours,
        "locale": told.locale, "country": told.country, "systems": list(told.systems),
        "categories": list(told.categories), "groups": list(told.groups), "people": told.people,
        "ended_at": told.ended_at, "changed_at": now,
    }  # fmt: skip


def _refuse_name(organisation_id: UUID, name: str, mine: UUID | None) -> None:
    known_as = select(Customer.id).where(
        Customer.organisation_id == organisation_id, Customer.name_key == key_of(name)
    )
    if db.session.scalar(known_as) not in (None, mine):
        raise Refused(
            _("There is a customer of that name already: %(name)s.", name=name),
            next_step=_("Open it from the list and change it, or add to the name what tells the two apart."),
        )


def _attach(told: Mapping[UUID, Details], organisation_id: UUID) -> None:
    insert_rows(CustomerContact, *(
        {
            "id": new_id(), "organisation_id": organisation_id, "customer_id": customer_id,
            "position": position, "name": each.name, "email": each.email or None,
            "phone": each.phone or None, "verified_at": each.verified_at,
        }
        for customer_id, details_ in told.items()
        for position, each in enumerate(details_.contacts)
    ))  # fmt: skip
    insert_rows(CustomerProcessor, *(
        {"organisation_id": organisation_id, "customer_id": customer_id, "processor_id": each}
        for customer_id, details_ in told.items()
        for each in dict.fromkeys(details_.processors)
    ))  # fmt: skip


def _detach(ids: Sequence[UUID]) -> None:
    for table in (CustomerContact, CustomerProcessor):
        for start in range(0, len(ids), 500):
            db.session.execute(delete(table).where(table.customer_id.in_(ids[start : start + 500])))


# --- a whole file -------------------------------------------------------------------------------


def compare(organisation_id: UUID, reading: Reading) -> Comparison:
    """What taking this file over would add and change; customers that it does not name stay.

    Of one that it names, what the file has no column for stays as it is.
    """
    there, held = _there(organisation_id, reading)
    new: list[str] = []
    changed: list[str] = []
    same: list[str] = []
    for each in reading.customers:
        found = there.get(key_of(each.name))
        if found is None:
            new.append(each.name)
            continue
        before = held[found.id]
        (same if before == _ordered(over(before, each, reading.columns)) else changed).append(each.name)
    return Comparison(tuple(new), tuple(changed), tuple(same))


def take_over(organisation_id: UUID, reading: Reading, *, by: str, now: datetime) -> Comparison:
    """Add and change what the file says, all of it or none. Raises: Refused while a row has a fault."""
    if reading.faults:
        raise Refused(
            _("Some rows have faults; nothing was taken over."),
            next_step=_("Mend them in the file and send it again."),
        )
    found = compare(organisation_id, reading)
    there, held = _there(organisation_id, reading)
    wanted = set(found.new) | set(found.changed)
    told: dict[UUID, Details] = {}
    rows = []
    for each in reading.customers:
        if each.name not in wanted:
            continue
        customer = there.get(key_of(each.name))
        if customer is None:
            customer_id = new_id()
            rows.append({"id": customer_id, "organisation_id": organisation_id, "created_at": now,
                         **_columns(each, now)})  # fmt: skip
            told[customer_id] = each
        else:
            after = told[customer.id] = over(held[customer.id], each, reading.columns)
            for name, value in _columns(after, now).items():
                setattr(customer, name, value)
    db.session.flush()
    insert_rows(Customer, *rows)
    _detach([each.id for each in there.values() if each.id in told])
    _attach(told, organisation_id)
    _log(
        organisation_id, "customers.imported", by, now, file_sha256=reading.file_sha256, rows=reading.rows,
        added=len(found.new), changed=len(found.changed), unchanged=len(found.same),
    )  # fmt: skip
    return found


def _there(organisation_id: UUID, reading: Reading) -> tuple[dict[str, Customer], dict[UUID, Details]]:
    wanted = {key_of(each.name) for each in reading.customers}
    mine = select(Customer).where(Customer.organisation_id == organisation_id)
    found = [each for each in db.session.scalars(mine) if each.name_key in wanted]
    held = dict(zip([each.id for each in found], details(found), strict=True))
    return {each.name_key: each for each in found}, held


def _log(organisation_id: UUID, action: str, by: str, now: datetime, **about: Any) -> None:
    ledger.append(
        f"organisation/{organisation_id}", action, organisation_id=organisation_id, actor=by, at=now, **about
    )
