"""Which customers an incident concerns, by the register: through which processor, or by our own part.

Asked of the register as it is now. In doubt a customer is among them: a person sets aside, with a reason,
whoever is not concerned; nobody is left out in silence.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, true

from foundation.database import db
from incident.models import Customer, CustomerProcessor, Incident, Processor
from incident.rules.facts import Facts


def of(incident: Incident, facts: Facts) -> list[UUID]:
    """The ids of the customers concerned, by name.

    Those whose data run through the processor in question, one above it or one below it; where our role is
    processor also those of whom nobody recorded which way their data run; and where no processor is
    named at all, every customer.
    """
    through = _processors(incident, facts)
    wanted = select(Customer.id).where(
        Customer.organisation_id == incident.organisation_id, _under_agreement(incident, facts)
    )
    if not facts.is_controller and not through:
        return list(db.session.scalars(wanted.order_by(Customer.name_key)))
    ids = {each.id for each in through}
    linked = select(CustomerProcessor.customer_id)
    by_link = Customer.id.in_(linked.where(CustomerProcessor.processor_id.in_(ids)))
    ways = [by_link, Customer.id.in_(_by_system(incident, through))]
    if not facts.is_controller:
        ways.append(Customer.id.not_in(linked))
    return list(db.session.scalars(wanted.where(or_(*ways)).order_by(Customer.name_key)))


def _under_agreement(incident: Incident, facts: Facts) -> ColumnElement[bool]:
    """An agreement that ended frees from nothing that happened before the end of its last day, anywhere.

    Where nobody knows since when it goes on, it frees from nothing at all.
    """
    occurred = facts.timeline.occurred_from
    if occurred is None:
        return true()
    first = min(occurred, incident.reported_at).astimezone(UTC).date() - timedelta(days=1)
    return or_(Customer.ended_at.is_(None), Customer.ended_at >= datetime.combine(first, time(), UTC))


def _by_system(incident: Incident, through: Iterable[Processor]) -> list[UUID]:
    """Customers that use, by its name, what one of these processors does for us."""
    services = {each.service.casefold() for each in through if each.service}
    if not services:
        return []
    mine = select(Customer.id, Customer.systems).where(Customer.organisation_id == incident.organisation_id)
    return [
        row.id for row in db.session.execute(mine)
        if services & {str(system).casefold() for system in row.systems}
    ]  # fmt: skip


# --- the tree -----------------------------------------------------------------------------------


def _processors(incident: Incident, facts: Facts) -> list[Processor]:
    """The processors in question: where it happened as far down as it is told, and all above and below."""
    mine = select(Processor).where(Processor.organisation_id == incident.organisation_id)
    known = {each.id: each for each in db.session.scalars(mine)}
    named = {" ".join(link.name.split()).casefold() for link in facts.chain}
    told = {each.id for each in known.values() if each.name.casefold() in named}
    if incident.processor_id in known:
        told.add(incident.processor_id)
    deepest = told - {above for each in told for above in _above(each, known)}
    found = dict.fromkeys(
        reached for each in deepest for reached in (each, *_above(each, known), *_below(each, known))
    )
    return [known[each] for each in found]


def _above(processor_id: UUID, known: dict[UUID, Processor]) -> Iterator[UUID]:
    """Whom it serves, and whom those serve; a ring in the register ends it."""
    seen = {processor_id}
    serves = known[processor_id].serves_id
    while serves in known and serves not in seen:
        yield serves
        seen.add(serves)
        serves = known[serves].serves_id


def _below(processor_id: UUID, known: dict[UUID, Processor]) -> Iterator[UUID]:
    return (each for each in known if processor_id in set(_above(each, known)))
