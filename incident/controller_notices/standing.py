"""Where each customer of an incident stands: a table that thousands of rows do not slow down."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select

from foundation.database import db
from incident import meeting
from incident.controller_notices import aside, fan_out, rounds
from incident.models import (
    ControllerNotice,
    Customer,
    CustomerContact,
    Duty,
    Incident,
    NoticeRound,
    NoticeState,
    SetAside,
)

PAGE = 50


class Stand(StrEnum):
    """What is true of one customer, the most pressing first."""

    UNREACHED = "unreached"  # no message arrived
    NO_CONTACT = "no_contact"  # nobody to write to
    ASIDE_WAITS = "aside_waits"  # somebody says it is not concerned
    TO_TELL = "to_tell"
    SENT = "sent"
    TOLD = "told"
    ASIDE = "aside"


@dataclass(frozen=True, slots=True)
class Row:
    """One customer: its duty, its latest notice, what to do."""

    customer: Customer
    duty: Duty
    stand: Stand
    notice_id: UUID | None
    round_id: UUID | None
    aside: SetAside | None


@dataclass(frozen=True, slots=True)
class Table:
    """One page of the rows wanted, how many there are, and how many stand how."""

    rows: Sequence[Row]
    found: int
    counts: dict[Stand, int]
    total: int

    @property
    def told(self) -> int:
        """How many were told, with proof."""
        return self.counts.get(Stand.TOLD, 0)


@dataclass(frozen=True, slots=True)
class Summary:
    """The customers of an incident in a few figures; instants are UTC."""

    total: int
    owed: int
    told: int
    next_due_at: datetime | None
    late: int


def summary(incident: Incident, now: datetime) -> Summary:
    """In a few figures, for the page of the incident."""
    duties = fan_out.duties_of(incident)
    owed = meeting.still_open(duties)
    due = [each.due_at for each in owed if each.due_at]
    told = sum(each.first_filed_at is not None for each in duties)
    return Summary(len(duties), len(owed), told, min(due, default=None), sum(at < now for at in due))


def table(incident: Incident, *, only: str = "", search: str = "", page: int = 1) -> Table:
    """One page of customers, most pressing first; `only` is a Stand, `search` stands in name or reference."""
    every = _rows(incident)
    counts = {each: sum(row.stand is each for row in every) for each in Stand}
    words = " ".join(search.split()).casefold()
    wanted = [
        row for row in every
        if (not only or row.stand == only)
        and (words in row.customer.name_key or words in row.customer.reference.casefold())
    ]  # fmt: skip
    start = (max(page, 1) - 1) * PAGE
    return Table(wanted[start : start + PAGE], len(wanted), counts, len(every))


def _rows(incident: Incident) -> list[Row]:
    mine = select(Customer).where(Customer.organisation_id == incident.organisation_id)
    known = {each.id: each for each in db.session.scalars(mine)}
    reachable = set(db.session.scalars(
        select(CustomerContact.customer_id).where(
            CustomerContact.organisation_id == incident.organisation_id
        ).distinct()
    ))  # fmt: skip
    latest = _latest(incident)
    waiting = {each.customer_id: each for each in aside.waiting(incident)}
    rows = []
    for duty in fan_out.duties_of(incident):
        customer_id = fan_out.customer_of(duty)
        notice_id, state, round_id = latest.get(customer_id, (None, None, None))
        stand = _stand(duty, state, waits=customer_id in waiting, reachable=customer_id in reachable)
        rows.append(Row(known[customer_id], duty, stand, notice_id, round_id, waiting.get(customer_id)))
    order = {each: place for place, each in enumerate(Stand)}
    return sorted(rows, key=lambda row: (order[row.stand], *_by_due(row.duty), row.customer.name_key))


def _by_due(duty: Duty) -> tuple[bool, float]:
    return (duty.due_at is None, duty.due_at.timestamp() if duty.due_at else 0.0)


def _latest(incident: Incident) -> dict[UUID, tuple[UUID, str, UUID]]:
    mine = (
        select(ControllerNotice.customer_id, ControllerNotice.id, ControllerNotice.state, NoticeRound.id)
        .join(NoticeRound, NoticeRound.id == ControllerNotice.round_id)
        .where(ControllerNotice.incident_id == incident.id)
        .order_by(NoticeRound.number)
    )
    return {row[0]: (row[1], row[2], row[3]) for row in db.session.execute(mine)}


def _stand(duty: Duty, state: str | None, *, waits: bool, reachable: bool) -> Stand:
    if duty.first_filed_at is not None:
        return Stand.TOLD
    if not duty.is_owed:
        return Stand.ASIDE
    if waits:
        return Stand.ASIDE_WAITS
    if state == NoticeState.UNREACHED:
        return Stand.UNREACHED
    if state == NoticeState.SENT:
        return Stand.SENT
    return Stand.TO_TELL if reachable else Stand.NO_CONTACT


def preparing(incident: Incident) -> NoticeRound | None:
    """The round to work on: the one being prepared, else the last."""
    return rounds.being_prepared(incident) or next(reversed(rounds.of_incident(incident)), None)
