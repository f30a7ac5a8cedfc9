"""What a person says to a page: mine, not me, I cannot any more, a colleague takes it, call me.

Every answer stands in the ledger with its way and time. Saying a thing twice does it once.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import func, select, update

from accounts.models import StaffMember
from accounts.permissions import may_be_paged
from foundation import ledger
from foundation.database import changed, db
from foundation.errors import Invalid, Refused
from notifications import ringing, ways
from notifications.models import Acknowledgement, Answer, Channel, Kind, Page, PageState, Ring
from notifications.paging import ending, locking, looking, turns
from notifications.rules import terms
from notifications.rules.escalation import deadline_of, quiet_for

TAKEN = "somebody has taken it"
DECLINED = "it was declined"
ONE_CALL_A = timedelta(minutes=1)


def acknowledge(page_id: UUID, staff_id: UUID, *, way: str, now: datetime) -> tuple[bool, str]:
    """Take a page: whether this person was first, and the name of who has it.

    Quiets this page for a time that shrinks as the deadline nears; what it is about keeps its own deadlines
    and reminders. A colleague to whom it was offered takes it from who has it. Raises: Refused when the
    page has ended.
    """
    waiting = locking.lock_waiting(page_id)
    taken = _alive(page_id)
    holder = looking.holder_of(page_id) if taken.state is PageState.ACKNOWLEDGED else None
    if holder and taken.offered_to_id != staff_id:
        return False, holder.name
    _take(taken, staff_id, waiting, way, now, before=holder)
    return True, db.session.get_one(StaffMember, staff_id).name


def take_over(page_id: UUID, staff_id: UUID, *, way: str, now: datetime) -> str:
    """Take a page also from who has it; the name of that person, who is told, empty when nobody had it.

    Raises: Refused when the page has ended.
    """
    waiting = locking.lock_waiting(page_id)
    taken = _alive(page_id)
    holder = looking.holder_of(page_id) if taken.state is PageState.ACKNOWLEDGED else None
    if holder and holder.id == staff_id:
        return ""
    _take(taken, staff_id, waiting, way, now, before=holder)
    return holder.name if holder else ""


def _take(  # noqa: PLR0917  who takes what, how and when, from whom
    taken: Page, staff_id: UUID, waiting: Sequence[UUID], way: str, now: datetime, before: StaffMember | None
) -> None:
    locking.quiet(taken.id, waiting, TAKEN, now)
    person = db.session.get_one(StaffMember, staff_id)
    mine = Acknowledgement.page_id == taken.id, Acknowledgement.ended_at.is_(None)
    changed(update(Acknowledgement).where(*mine).values(ended_at=now))
    taken.state, taken.next_at, taken.ended_at, taken.offered_to_id = PageState.ACKNOWLEDGED, None, now, None
    taken.quiet_until = now + quiet_for(deadline_of(taken.must_by, taken.context), now)
    db.session.add(
        Acknowledgement(
            organisation_id=taken.organisation_id, page_id=taken.id, staff_id=staff_id, at=now, way=way
        )
    )
    db.session.flush()
    _enter(
        taken, "page.taken_over" if before else "page.acknowledged", person, now, way=way,
        quiet_until=taken.quiet_until, before=before and before.id,
    )  # fmt: skip
    if before and before.id != staff_id:
        ways.remind(
            organisation_id=taken.organisation_id, about=taken.about, staff_ids=[before.id],
            template="taken_over", context={**taken.context, "who": person.name},
            dedupe_key=f"taken-over:{taken.id}:{now.isoformat()}", urgent=False, must_by=None, now=now,
        )  # fmt: skip


def decline(page_id: UUID, staff_id: UUID, *, way: str, now: datetime) -> list[str]:
    """As who says "not me": no more to this person for now, the next at once; the names of those called.

    From who has the page it is as `release`; of what a colleague has it changes nothing. Raises: Refused
    when the page has ended.
    """
    waiting = locking.lock_waiting(page_id)
    declined = _alive(page_id)
    person = db.session.get_one(StaffMember, staff_id)
    if declined.state is PageState.ACKNOWLEDGED:
        return _decline_taken(declined, person, way, now)
    if _said_before(declined, staff_id):
        return []
    mine = select(Ring.message_id).where(Ring.page_id == page_id, Ring.staff_id == staff_id)
    of_person = set(db.session.scalars(mine))
    locking.withdraw([each for each in waiting if each in of_person], DECLINED, now)
    ringing.drop([page_id], DECLINED, now, staff_id=staff_id)
    _keep(declined, person, "declined", way, now)
    _enter(declined, "page.declined", person, now, way=way)
    return _next_at_once(declined, person, now)


def _said_before(declined: Page, staff_id: UUID) -> bool:
    """Whether a person declined or gave back a page since it last rang them."""
    rung = select(func.coalesce(func.max(Ring.number), 0))
    rung = rung.where(Ring.page_id == declined.id, Ring.staff_id == staff_id)
    said = select(Answer.id).where(
        Answer.page_id == declined.id, Answer.staff_id == staff_id,
        Answer.what.in_(("declined", "released")), Answer.number >= rung.scalar_subquery(),
    )  # fmt: skip
    return bool(db.session.scalar(select(said.exists())))


def _decline_taken(taken: Page, person: StaffMember, way: str, now: datetime) -> list[str]:
    holder = looking.holder_of(taken.id)
    if holder and holder.id == person.id:
        return _release(taken, person, way, None, now)
    if taken.offered_to_id == person.id:
        taken.offered_to_id, taken.quiet_until = None, now  # back to who has it, now
        _keep(taken, person, "declined", way, now)
        _enter(taken, "page.declined", person, now, way=way)
    return []


def release(page_id: UUID, staff_id: UUID, *, reason: str, now: datetime, way: str = "screen") -> list[str]:
    """As who says "I can't any more": it is open again and calls the next at once; the names of those called.

    Raises: Refused when the page has ended or somebody else has it.
    """
    locking.lock_waiting(page_id)
    released = _alive(page_id)
    person = db.session.get_one(StaffMember, staff_id)
    if released.state is PageState.OPEN:
        return decline(page_id, staff_id, way=way, now=now)
    _refuse_unless_theirs(released, staff_id)
    return _release(released, person, way, reason.strip()[:500] or None, now)


def _release(released: Page, person: StaffMember, way: str, reason: str | None, now: datetime) -> list[str]:
    if not turns.wanted(released):
        ending.close(released, actor=person.name, reason=turns.NOT_WANTED, now=now)
        return []
    turns.give_back(released, now)
    _keep(released, person, "released", way, now)
    _enter(released, "page.released", person, now, reason=reason, way=way)
    return _next_at_once(released, person, now)


def _next_at_once(open_page: Page, person: StaffMember, now: datetime) -> list[str]:
    called = turns.move_on(open_page, now, without={person.id})
    return [each.name for each in called if each.id != person.id]


def hand_over(page_id: UUID, from_id: UUID, to_id: UUID, *, now: datetime, way: str = "screen") -> str:
    """Offer a page to a colleague, who has it by taking it; returns their name.

    Until then the giver has it, and is asked again after a few minutes. Raises: Refused when the page has
    ended or somebody else has it, Invalid when the colleague could not take it.
    """
    locking.lock_waiting(page_id)
    given = _alive(page_id)
    if given.state is PageState.OPEN:
        acknowledge(page_id, from_id, way=way, now=now)
    _refuse_unless_theirs(given, from_id)
    giver, taker = db.session.get_one(StaffMember, from_id), ways.active(to_id)
    if taker is None or taker.organisation_id != given.organisation_id or taker.id == from_id:
        raise Invalid(_("Choose a colleague who works here."))
    if not may_be_paged(taker):
        raise Invalid(
            _("%(name)s may not take pages.", name=taker.name),
            next_step=_("Choose somebody who answers incidents."),
        )
    if given.offered_to_id == to_id and given.quiet_until and given.quiet_until > now:
        return taker.name  # asked already, and has still time to answer
    given.offered_to_id = to_id
    given.quiet_until = now + terms.quiet(now).offer
    given.number += 1
    _keep(given, giver, "handed_over", way, now)
    _enter(given, "page.handed_over", giver, now, way=way, to=to_id, until=given.quiet_until)
    ringing.ring(given, taker, now, offered_by=giver.name)
    return taker.name


def call_me(page_id: UUID, staff_id: UUID, *, now: datetime, way: str = "sms") -> bool:
    """Call a person now about a page, by their first number; false when they have none.

    One call a minute at most. Raises: Refused when the page has ended.
    """
    asked = _alive(page_id)
    person = db.session.get_one(StaffMember, staff_id)
    numbers = {each.channel: each.address for each in reversed(ways.ways_of(person))}
    address = numbers.get(Channel.VOICE) or numbers.get(Channel.SMS)
    if address is None:
        return False
    _keep(asked, person, "call_me", way, now)
    _enter(asked, "page.call_wanted", person, now, way=way)
    minute = int(now.timestamp() // ONE_CALL_A.total_seconds())
    ways.tell(
        person, ways.Way("call", Channel.VOICE, address), template=asked.template, bare=ringing.BARE,
        context=asked.context, organisation_id=asked.organisation_id, about=asked.about,
        kind=Kind.ONCALL, dedupe_key=f"call:{asked.id}:{staff_id}:{minute}", page_id=asked.id,
        must_by=asked.must_by, now=now,
    )  # fmt: skip
    return True


def _alive(page_id: UUID) -> Page:
    found = locking.lock(page_id)
    if found.state is PageState.ENDED:
        raise Refused(_("This page has ended: what it was about needs nobody any more."))
    return found


def _refuse_unless_theirs(taken: Page, staff_id: UUID) -> None:
    holder = looking.holder_of(taken.id)
    if holder is None or holder.id != staff_id:
        raise Refused(
            _("%(name)s has this page.", name=holder.name if holder else _("Nobody")),
            next_step=_("Take it over first."),
        )


def _keep(answered: Page, person: StaffMember, what: str, way: str, now: datetime) -> None:
    db.session.add(
        Answer(
            organisation_id=answered.organisation_id, page_id=answered.id, staff_id=person.id,
            number=answered.number, what=what, way=way, at=now,
        )
    )  # fmt: skip


def _enter(
    answered: Page, action: str, person: StaffMember, now: datetime, *, reason: str | None = None,
    **details: object,
) -> None:  # fmt: skip
    ledger.append(
        answered.about, action, organisation_id=answered.organisation_id, actor=person.name, at=now,
        reason=reason, page=answered.id, **details,
    )  # fmt: skip
