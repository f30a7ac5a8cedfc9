"""Setting a customer aside: it is not concerned, says one person with a reason, and a second one agrees.

Until then nothing has changed: the duty is owed and its notice goes out with the others.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import select

from accounts.models import StaffMember
from foundation import ledger
from foundation.database import db, new_id
from foundation.errors import Invalid, Refused
from incident import meeting, owed, rungs
from incident.clocks import TELL_CONTROLLERS, run_again
from incident.controller_notices import fan_out, rounds, sending
from incident.models import (
    ControllerNotice,
    Duty,
    Incident,
    NoticeRound,
    NoticeState,
    SetAside,
    SetAsideState,
)

CLOSING = "customer.set_aside"


def waiting(incident: Incident) -> list[SetAside]:
    """What waits for a second person, oldest first."""
    mine = select(SetAside).where(
        SetAside.incident_id == incident.id, SetAside.state == SetAsideState.PENDING
    )
    return list(db.session.scalars(mine.order_by(SetAside.at, SetAside.id)))


def propose(incident: Incident, ids: Collection[UUID], *, reason: str, by: StaffMember, now: datetime) -> int:
    """Say of these customers that they are not concerned; how many that is now said of.

    Raises: Invalid without a reason, Refused when one was told already or is being told.
    """
    meeting.refuse_when_over(incident)
    if not reason.strip():
        raise Invalid(_("Say why they are not concerned."), next_step=_("It stands in the record."))
    known = _alive(incident)
    wanted = [each for each in _duties(incident, ids) if each.id not in known]
    if told := [each for each in wanted if not each.is_unfiled]:
        raise Refused(
            _("%(count)s of them were told already, or are not owed anything.", count=len(told)),
            next_step=_("Set aside only those who were not told yet."),
        )
    _refuse_under_way(incident, wanted)
    for duty in wanted:
        db.session.add(SetAside(
            id=new_id(), organisation_id=incident.organisation_id, incident_id=incident.id, duty_id=duty.id,
            customer_id=fan_out.customer_of(duty), state=SetAsideState.PENDING, reason=reason.strip(),
            by_id=by.id, by=by.name, at=now,
        ))  # fmt: skip
    if wanted:
        _log(incident, "customers.aside_proposed", by, now, reason.strip(), wanted)
    return len(wanted)


def agree(incident: Incident, ids: Collection[UUID], *, by: StaffMember, now: datetime) -> int:
    """Agree, as the second person, to what waits of these customers; how many are set aside by it.

    Raises: Refused when this person proposed one of them, or one was told meanwhile or is being told.
    """
    meeting.refuse_when_over(incident)
    found = _second(incident, ids, by)
    duties = [db.session.get_one(Duty, each.duty_id, populate_existing=True) for each in found]
    if any(not duty.is_unfiled for duty in duties):
        raise Refused(_("One of them was told meanwhile."), next_step=_("Look at the list as it is now."))
    _refuse_under_way(incident, duties)
    for each, duty in zip(found, duties, strict=True):
        each.state, each.second_by, each.second_by_id = SetAsideState.IN_FORCE, by.name, by.id
        each.second_at = now
        owed.release(duty, each.reason, closing=CLOSING)
    db.session.flush()
    rungs.follow(incident, duties, now=now, reason=rungs.ENDED)
    _withdraw(incident, {each.customer_id for each in found}, by=by, now=now)
    if found:
        _log(incident, "customers.set_aside", by, now, found[0].reason, duties)
    sending.stop_when_done(incident, now=now, actor=by.name)
    return len(found)


def decline(incident: Incident, ids: Collection[UUID], *, by: StaffMember, now: datetime) -> int:
    """Do not agree: these customers are told. Raises: Refused as `agree`."""
    found = _second(incident, ids, by)
    for each in found:
        each.state, each.second_by, each.second_by_id = SetAsideState.DECLINED, by.name, by.id
        each.second_at = now
    if found:
        duties = [db.session.get_one(Duty, each.duty_id) for each in found]
        _log(incident, "customers.aside_declined", by, now, found[0].reason, duties)
    return len(found)


def take_back(incident: Incident, customer_id: UUID, *, reason: str, by: StaffMember, now: datetime) -> None:
    """The customer is concerned after all: its duty is owed again, from where it was. Raises: Invalid."""
    meeting.refuse_when_over(incident)
    if not reason.strip():
        raise Invalid(_("Say why it is concerned after all."), next_step=_("It stands in the record."))
    mine = select(SetAside).where(
        SetAside.incident_id == incident.id, SetAside.customer_id == customer_id,
        SetAside.state == SetAsideState.IN_FORCE,
    )  # fmt: skip
    found = db.session.scalars(mine).one_or_none()
    if found is None:
        raise Refused(_("This customer is not set aside."), next_step=_("Look at the list as it is now."))
    found.state = SetAsideState.WITHDRAWN
    duty = db.session.get_one(Duty, found.duty_id)
    owed.owe_again(duty)
    db.session.flush()
    run_again(incident, TELL_CONTROLLERS, actor=by.name, reason=reason.strip(), now=now)
    rungs.follow(incident, [duty], now=now)
    _log(incident, "customers.aside_taken_back", by, now, reason.strip(), [duty])
    fan_out.draft_for(incident, [customer_id], by=by, now=now)


# --- pieces -------------------------------------------------------------------------------------


def _duties(incident: Incident, ids: Collection[UUID]) -> list[Duty]:
    wanted = {fan_out.recipient(each) for each in ids}
    found = [each for each in fan_out.duties_of(incident) if each.recipient in wanted]
    if not found:
        raise Refused(_("No customer was chosen."), next_step=_("Tick those who are not concerned."))
    return found


def _alive(incident: Incident) -> set[UUID]:
    mine = select(SetAside.duty_id).where(
        SetAside.incident_id == incident.id,
        SetAside.state.in_((SetAsideState.PENDING, SetAsideState.IN_FORCE)),
    )
    return set(db.session.scalars(mine))


def _second(incident: Incident, ids: Collection[UUID], by: StaffMember) -> list[SetAside]:
    found = [each for each in waiting(incident) if each.customer_id in set(ids)]
    if any(each.by_id == by.id for each in found):
        raise Refused(
            _("You proposed this yourself: a second person agrees to it."),
            next_step=_("Ask a colleague who may agree to decisions."),
        )
    return found


def _refuse_under_way(incident: Incident, duties: Sequence[Duty]) -> None:
    """Nothing calls a notice back that was sent: who reads it was told. Raises: Refused."""
    on_their_way = meeting.being_told(incident)
    if count := sum(fan_out.customer_of(each) in on_their_way for each in duties):
        raise Refused(
            _("The notices to %(count)s of them were sent and are on their way.", count=count),
            next_step=_("Wait until each has arrived or was given up; whom none reached can be set aside."),
        )


def _withdraw(incident: Incident, ids: set[UUID], *, by: StaffMember, now: datetime) -> None:
    """Their notices, not sent yet, leave the list; an approval of the longer list is void."""
    mine = (
        select(ControllerNotice)
        .join(NoticeRound, NoticeRound.id == ControllerNotice.round_id)
        .where(
            ControllerNotice.incident_id == incident.id, ControllerNotice.state == NoticeState.DRAFT,
            NoticeRound.state.in_(rounds.BEFORE_SENDING),
        )
    )  # fmt: skip
    touched: dict[UUID, int] = {}
    for notice in db.session.scalars(mine):
        if notice.customer_id in ids:
            notice.state = NoticeState.WITHDRAWN
            touched[notice.round_id] = touched.get(notice.round_id, 0) + 1
    for round_id, count in touched.items():
        round_ = rounds.of(incident, round_id)
        rounds.changed(incident, round_, "notices.list_changed", by=by, now=now, withdrawn=count)


def _log(  # noqa: PLR0917  an entry's parts in their order
    incident: Incident, action: str, by: StaffMember, now: datetime, reason: str, duties: Sequence[Duty]
) -> None:
    ledger.append(
        incident.chain, action, organisation_id=incident.organisation_id, actor=by.name, at=now,
        reason=reason, customers=len(duties), of=[fan_out.customer_of(each) for each in duties], staff=by.id,
    )  # fmt: skip
