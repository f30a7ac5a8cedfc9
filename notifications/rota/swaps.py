"""Swaps: one person offers a shift, another takes it, for one of theirs or for nothing."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import or_, select

from accounts.models import StaffMember
from accounts.permissions import may_be_paged
from foundation.database import db, new_id
from foundation.errors import Invalid, Missing, NotAllowed, Refused
from notifications import on_duty, ways
from notifications.models import Schedule, Swap, SwapState
from notifications.rota import editing, overrides, telling
from notifications.rota.overrides import LONGEST, Wanted
from notifications.rules.plan import Change, holes

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Offer:
    """A shift of one's own for somebody, and which of theirs one takes for it, if any."""

    to: UUID
    mine: Span
    theirs: Span | None
    note: str = ""


def propose(schedule_id: UUID, offer: Offer, *, by: StaffMember, now: datetime) -> Swap:
    """Offer a shift of one's own; the other is told. Nothing changes before they accept.

    The same offer again, while it waits for an answer, is the one that waits. Raises: Missing; Invalid
    naming every fault.
    """
    spans = [offer.mine, *([offer.theirs] if offer.theirs else [])]
    if any(end - start > LONGEST for start, end in spans):  # before anybody waits for what is computed of it
        raise Invalid(_("It is longer than a year: change the rotation instead."))
    schedule = editing.lock(schedule_id, now=now)
    if faults := _faults(schedule, offer, by, now):
        raise Invalid(" ".join(faults))
    back = offer.theirs or (None, None)
    same = select(Swap).where(
        Swap.schedule_id == schedule_id, Swap.by_id == by.id, Swap.to_id == offer.to,
        Swap.state == SwapState.PROPOSED, Swap.start == offer.mine[0], Swap.end == offer.mine[1],
        Swap.back_start.is_not_distinct_from(back[0]), Swap.back_end.is_not_distinct_from(back[1]),
    )  # fmt: skip
    if waits := db.session.scalars(same.limit(1)).first():
        return waits
    swap = Swap(
        id=new_id(), organisation_id=schedule.organisation_id, schedule_id=schedule_id, by_id=by.id,
        to_id=offer.to, start=offer.mine[0], end=offer.mine[1], back_start=back[0], back_end=back[1],
        note=offer.note.strip()[:500], state=SwapState.PROPOSED, proposed_at=now,
    )  # fmt: skip
    db.session.add(swap)
    db.session.flush()
    editing.enter(
        schedule, "swap.proposed", by=by.name, now=now, swap=swap.id, to=swap.to_id, start=swap.start,
        end=swap.end, back_start=swap.back_start, back_end=swap.back_end,
    )  # fmt: skip
    ways.remind(
        organisation_id=schedule.organisation_id, about=telling.chain(schedule_id), staff_ids=[offer.to],
        template="swap_proposed", dedupe_key=f"swap:{swap.id}", urgent=False, must_by=None, now=now,
        context=telling.context(schedule, by.name, offer.mine[0]),
    )  # fmt: skip
    return swap


def _faults(schedule: Schedule, offer: Offer, by: StaffMember, now: datetime) -> list[str]:
    found = []
    other = db.session.get(StaffMember, offer.to)
    if other is None or not may_be_paged(other):
        found.append(_("That colleague takes no pages: choose another one."))
    if offer.to == by.id:
        found.append(_("Choose somebody else than yourself."))
    spans = [offer.mine, *([offer.theirs] if offer.theirs else [])]
    if any(end <= start or start <= now for start, end in spans):
        found.append(_("Only a shift that has not begun can be swapped."))
    elif not _has(schedule, by.id, offer.mine):
        found.append(_("That shift is not yours."))
    elif offer.theirs and not _has(schedule, offer.to, offer.theirs):
        found.append(_("That shift is not theirs any more."))
    return found


def _has(schedule: Schedule, staff_id: UUID, span: Span) -> bool:
    """Whether a person is on duty all that time."""
    mine = [each for each in on_duty.stretches([schedule], *span)[schedule.id] if each.member == staff_id]
    return not holes(mine, *span)


def find(swap_id: UUID) -> Swap:
    """A swap of the present scope. Raises: Missing."""
    found = db.session.get(Swap, swap_id)
    if found is None:
        raise Missing(_("There is no such swap."))
    return found


def _locked(swap_id: UUID, now: datetime) -> tuple[Schedule, Swap]:
    schedule = editing.lock(find(swap_id).schedule_id, now=now)
    return schedule, db.session.get_one(Swap, swap_id, with_for_update=True, populate_existing=True)


def accept(swap_id: UUID, *, by: StaffMember, now: datetime) -> bool:
    """Take the offer: both changes are made, or none; false when it was accepted before.

    Raises: Missing; NotAllowed for anybody but whom it was offered to; Refused when it was withdrawn or
    declined, a shift has begun or is somebody else's by now, or a change stands in its way.
    """
    schedule, swap = _locked(swap_id, now)
    if by.id != swap.to_id:
        raise NotAllowed(_("Only whom it was offered to can accept it."))
    if swap.state is SwapState.ACCEPTED:
        return False
    _refuse_unless_open(swap, now)
    back = (swap.back_start, swap.back_end) if swap.back_start and swap.back_end else None
    if not _has(schedule, swap.by_id, (swap.start, swap.end)) or (
        back and not _has(schedule, swap.to_id, back)
    ):
        raise Refused(
            _("One of these shifts is somebody else's by now."),
            next_step=_("Look at the calendar, and agree on a new swap."),
        )
    _answer(schedule, swap, SwapState.ACCEPTED, by=by, now=now)
    overrides.make(
        schedule.id, Wanted(Change.REPLACE, swap.by_id, swap.to_id, swap.start, swap.end, swap.note), by=by,
        now=now, swap_id=swap.id,
    )  # fmt: skip
    if back:
        overrides.make(
            schedule.id, Wanted(Change.REPLACE, swap.to_id, swap.by_id, *back, swap.note), by=by, now=now,
            swap_id=swap.id,
        )  # fmt: skip
    return True


def decline(swap_id: UUID, *, by: StaffMember, now: datetime) -> bool:
    """Say no to an offer; false when that was said before. Raises: as `accept`."""
    schedule, swap = _locked(swap_id, now)
    if by.id != swap.to_id:
        raise NotAllowed(_("Only whom it was offered to can decline it."))
    if swap.state is SwapState.DECLINED:
        return False
    _refuse_unless_open(swap, now, begun=True)
    _answer(schedule, swap, SwapState.DECLINED, by=by, now=now)
    return True


def withdraw(swap_id: UUID, *, by: StaffMember, now: datetime) -> bool:
    """Take one's own offer back; false when that was done before. Raises: as `accept`."""
    schedule, swap = _locked(swap_id, now)
    if by.id != swap.by_id:
        raise NotAllowed(_("Only who offered it can withdraw it."))
    if swap.state is SwapState.WITHDRAWN:
        return False
    _refuse_unless_open(swap, now, begun=True)
    _answer(schedule, swap, SwapState.WITHDRAWN, by=by, now=now)
    return True


def _refuse_unless_open(swap: Swap, now: datetime, *, begun: bool = False) -> None:
    if swap.state is not SwapState.PROPOSED:
        raise Refused(
            _("This swap was accepted, declined or withdrawn already."),
            next_step=_("Look at the calendar for who is on duty."),
        )
    if not begun and lapsed(swap, now):
        raise Refused(_("One of the shifts has begun: it is too late to swap it."))


def lapsed(swap: Swap, now: datetime) -> bool:
    """Whether nobody answered before the first of the shifts began."""
    return swap.state is SwapState.PROPOSED and min(swap.start, swap.back_start or swap.start) <= now


def _answer(schedule: Schedule, swap: Swap, state: SwapState, *, by: StaffMember, now: datetime) -> None:
    swap.state, swap.answered_at = state, now
    db.session.flush()
    editing.enter(schedule, f"swap.{state.value}", by=by.name, now=now, swap=swap.id)
    if state is SwapState.WITHDRAWN:
        return
    ways.remind(
        organisation_id=schedule.organisation_id, about=telling.chain(schedule.id), staff_ids=[swap.by_id],
        template="swap_answered", dedupe_key=f"swap:{swap.id}:{state.value}", urgent=False, must_by=None,
        now=now, context={**telling.context(schedule, by.name, swap.start), "kind": state.value},
    )  # fmt: skip


def shown(schedule_ids: list[UUID], now: datetime) -> list[Swap]:
    """Swaps that are open, and those whose shifts are not over, the latest first."""
    alive = or_(Swap.end > now, Swap.back_end > now)
    mine = select(Swap).where(Swap.schedule_id.in_(schedule_ids), alive)
    return list(db.session.scalars(mine.order_by(Swap.proposed_at.desc(), Swap.id)))


def waiting_for(staff: StaffMember, now: datetime) -> list[Swap]:
    """The offers that a person has not answered and still can."""
    mine = select(Swap).where(Swap.to_id == staff.id, Swap.state == SwapState.PROPOSED)
    return [each for each in db.session.scalars(mine.order_by(Swap.start)) if not lapsed(each, now)]
