"""From one incident to one duty for each customer concerned (GDPR art. 33(2)), with its notice drafted.

Done by the clock, a part at a time, never on the way of a report: whatever is done stays done, and what a
crash left is done in the next round. The first customers found are owed at once; those whom new facts or a
changed register bring in later are offered to a person, and a person may add any. What came to be owed by a
merger or a split has its notice drafted as well.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, or_, select

from accounts.models import StaffMember
from foundation.database import db
from foundation.errors import Refused
from incident import clocks, customers, meeting, owed, related
from incident.clocks import TELL_CONTROLLERS
from incident.controller_notices import affected, rounds
from incident.controller_notices.rounds import BREACHCLOCK, Addressed
from incident.models import (
    OWED,
    ControllerNotice,
    Customer,
    Duty,
    DutyState,
    FanOut,
    Incident,
    NoticeState,
)
from incident.rules.awareness import Moment
from incident.rules.law import LAW
from incident.rules.lifecycle import State, clocks_run

REGIME: Final = "gdpr-33-2"
PROVISION: Final = "GDPR art. 33(2)"
BATCH: Final = 200  # customers in one transaction: others wait for the database no longer than that
FOUND: Final = "We are their processor, and their data run through what is affected."


def waiting() -> list[UUID]:
    """The incidents that nobody has looked at for customers, in this version of their facts.

    Version 0 says that duties came from elsewhere, by a merger: there may be some without a notice.
    """
    mine = select(Incident.id).outerjoin(FanOut, FanOut.incident_id == Incident.id)
    unseen = or_(
        FanOut.incident_id.is_(None),
        FanOut.done_at.is_(None),
        FanOut.facts_number == 0,
        and_(FanOut.customers == 0, FanOut.facts_number < Incident.facts_number),
    )
    runs = Incident.state.in_((State.REPORTED, State.CONFIRMED)), Incident.merged_into_id.is_(None)
    return list(db.session.scalars(mine.where(*runs, unseen).order_by(Incident.id)))


def step(incident_id: UUID, *, now: datetime, most: int = BATCH) -> bool:
    """Make the next duties of an incident; whether there is more to do. Safe to repeat at any point."""
    incident = db.session.scalars(
        select(Incident)
        .where(Incident.id == incident_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if incident.merged_into_id or not clocks_run(State(incident.state)):
        return False  # it was closed, rejected or merged since the clock read its list
    known = db.session.get(FanOut, incident_id, populate_existing=True)
    if known is None:
        known = FanOut(
            incident_id=incident_id, organisation_id=incident.organisation_id, begun_at=now, customers=0,
            facts_number=incident.facts_number, done_at=None,
        )  # fmt: skip
        db.session.add(known)
    first = known.done_at is None or not known.customers
    left = lacking(incident) if first else []  # those who come later are offered to a person
    _owe(incident, left[:most], reason=FOUND, by=None, now=now)
    known.customers += len(left[:most])
    bare = _without_notice(incident, most=most + 1)
    drafted = _draft(incident, bare[:most], by=None, now=now)
    more = len(left) > most or (drafted > 0 and len(bare) > most)
    if not more:
        known.facts_number, known.done_at = incident.facts_number, known.done_at or now
    db.session.flush()
    return more


def _without_notice(incident: Incident, *, most: int) -> list[Customer]:
    """Those owed a notice that is neither drafted nor under way: their duties came with another incident."""
    takes: ColumnElement[bool] = ControllerNotice.state.in_(
        (NoticeState.DRAFT, NoticeState.SENT, NoticeState.UNREACHED)
    )
    if prepared := rounds.being_prepared(incident):  # it has one place for each
        there = ControllerNotice.state != NoticeState.WITHDRAWN
        takes = or_(takes, and_(ControllerNotice.round_id == prepared.id, there))
    have = select(ControllerNotice.duty_id).where(ControllerNotice.incident_id == incident.id, takes)
    mine = select(Duty).where(
        Duty.incident_id == incident.id, Duty.regime == REGIME, Duty.state.in_(OWED), Duty.id.not_in(have)
    )
    found = db.session.scalars(mine.order_by(Duty.recipient).limit(most))
    return _named(incident, [customer_of(each) for each in found])


def lacking(incident: Incident) -> list[UUID]:
    """The customers concerned by facts and register as they are, that have no duty yet, by name."""
    found = affected.of(incident, clocks.current_facts(incident))
    there = _recipients(incident) if found else set()
    return [each for each in found if recipient(each) not in there]


def _recipients(incident: Incident) -> set[str]:
    """The customers that have a duty, by how it names them."""
    mine = select(Duty.recipient).where(Duty.incident_id == incident.id, Duty.regime == REGIME)
    return set(db.session.scalars(mine))


def offered(incident: Incident) -> list[Customer]:
    """Those whom new facts or a changed register have brought in since: a person says whether."""
    begun = db.session.get(FanOut, incident.id)
    if begun is None or begun.done_at is None:
        return []
    ids = set(lacking(incident))
    return [each for each in _of_organisation(incident) if each.id in ids] if ids else []


def add(incident: Incident, ids: Collection[UUID], *, reason: str, by: StaffMember, now: datetime) -> int:
    """Add customers by hand; how many had no duty yet. Raises: Refused while the incident stands still."""
    meeting.refuse_when_over(incident)
    if not ids:
        raise Refused(_("No customer was chosen."), next_step=_("Tick those who are concerned."))
    there = _recipients(incident)
    fresh = [each for each in dict.fromkeys(ids) if recipient(each) not in there]
    why = reason.strip() or _("Added by a person.")
    _owe(incident, fresh, reason=why, by=by, now=now)
    return len(fresh)


def recipient(customer_id: UUID) -> str:
    """How a duty names the customer it is owed to."""
    return f"customer/{customer_id}"


def customer_of(duty: Duty) -> UUID:
    """The customer that a duty is owed to."""
    return UUID(duty.recipient.partition("/")[2])


def duties_of(incident: Incident) -> list[Duty]:
    """The duties towards customers, whatever became of them."""
    return meeting.duties_of(incident, REGIME)


# --- one part -----------------------------------------------------------------------------------


def _owe(
    incident: Incident, ids: Sequence[UUID], *, reason: str, by: StaffMember | None, now: datetime
) -> None:
    if not ids:
        return
    _start_clock(incident, now)
    found = _named(incident, ids)
    name = by.name if by else BREACHCLOCK
    owed.add_all(incident, [_owed(each) for each in found], by=name, reason=reason, now=now)
    _draft(incident, found, by=by, now=now)
    clocks.settle(incident)


def draft_for(incident: Incident, ids: Sequence[UUID], *, by: StaffMember, now: datetime) -> None:
    """Draft a notice, in the round that is being prepared, for customers that are owed one."""
    _draft(incident, _named(incident, ids), by=by, now=now)


def _named(incident: Incident, ids: Collection[UUID]) -> list[Customer]:
    """These customers of the organisation, by name."""
    mine = select(Customer).where(Customer.id.in_(ids), Customer.organisation_id == incident.organisation_id)
    return list(db.session.scalars(mine.order_by(Customer.name_key)))


def _draft(incident: Incident, found: Sequence[Customer], *, by: StaffMember | None, now: datetime) -> int:
    """Draft a notice for each of these that has none in the round being prepared; how many were made."""
    if not found:
        return 0
    wanted = [recipient(each.id) for each in found]
    towards: dict[str, Duty] = {}
    for start in range(0, len(wanted), 500):
        mine = select(Duty).where(
            Duty.incident_id == incident.id, Duty.regime == REGIME,
            Duty.recipient.in_(wanted[start : start + 500]),
        )  # fmt: skip
        towards |= {each.recipient: each for each in db.session.scalars(mine)}
    told_before = _told_of(incident)
    addressed = [
        Addressed(each.id, towards[recipient(each.id)].id, details, each.id in told_before)
        for each, details in zip(found, customers.details(found), strict=True)
    ]
    made = rounds.address(incident, rounds.open_round(incident, by=by, now=now), addressed, by=by, now=now)
    for each in addressed:
        duty = towards[recipient(each.customer_id)]
        if duty.state == DutyState.OPEN:
            duty.state, duty.prepared_at = DutyState.IN_PREPARATION, now
    db.session.flush()
    return made


def _told_of(incident: Incident) -> set[UUID]:
    """The customers that were told of this breach, under it or under an incident that it carries."""
    ids = [incident.id, *(each.id for each in related.carried_by(incident))]
    mine = select(ControllerNotice.customer_id).where(
        ControllerNotice.incident_id.in_(ids), ControllerNotice.told_at.is_not(None)
    )
    return set(db.session.scalars(mine))


def begin_further(incident: Incident, *, by: StaffMember, now: datetime) -> int:
    """Begin a further notice to every customer that was told: what is new since; to how many.

    Raises: Refused when nobody was told yet, or while a round is being prepared.
    """
    meeting.refuse_when_over(incident)
    if rounds.being_prepared(incident):
        raise Refused(_("Notices are being prepared already."), next_step=_("Write what is new into those."))
    told = _told_of(incident) & {customer_of(each) for each in duties_of(incident)}
    if not told:
        raise Refused(_("No customer was told yet."), next_step=_("Send the first notice first."))
    found = [each for each in _of_organisation(incident) if each.id in told]
    return _draft(incident, found, by=by, now=now)


def _of_organisation(incident: Incident) -> list[Customer]:
    mine = select(Customer).where(Customer.organisation_id == incident.organisation_id)
    return list(db.session.scalars(mine.order_by(Customer.name_key)))


def _owed(customer: Customer) -> owed.Owed:
    terms: dict[str, Any] = {
        "hours": customer.notice_hours, "agreement": customer.agreement, "customer": customer.name,
        "agreed_on": customer.agreed_on.isoformat() if customer.agreed_on else None, "rules": LAW.version,
    }  # fmt: skip
    return owed.Owed(REGIME, recipient(customer.id), TELL_CONTROLLERS, PROVISION, terms)


def _start_clock(incident: Incident, now: datetime) -> None:
    """The clock that all these duties count by, each with the hours of its own agreement."""
    known = {each.kind: each for each in clocks.running(incident.id, stopped=True)}
    if TELL_CONTROLLERS not in known:
        aware = Moment(incident.aware_at, "aware_at") if incident.aware_at else None
        found = clocks.towards_customers(clocks.current_facts(incident), aware)
        clocks.refresh(incident, [found], now=now)


def own_target(at: datetime) -> float | None:
    """Hours in which we mean to tell a customer that has agreed none: our own default, no law."""
    return LAW.limit("notice_to_controller", "own", at).hours
