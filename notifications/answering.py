"""Answering a page, by whatever way: take it, not me, call me, I can't any more; and what became of it.

One place for text message, call and link, so that all three say and record the same. A message may stand
for several pages: then its answer is for all of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select

from accounts import people
from accounts.models import StaffMember
from accounts.permissions import may_be_paged
from foundation import ledger
from foundation.database import db
from foundation.errors import Refused
from notifications import alarms, bundles, paging
from notifications.models import Message, Page, PageState, Ring
from notifications.paging import locking, looking

NAMED = 3  # numbers of pages that are named, where one answer is for more


class Became(StrEnum):
    """What became of an answer."""

    TAKEN = "taken"  # it is yours, now or already
    PASSED = "passed"  # the next one is called
    CALLING = "calling"  # a call is on its way
    TAKEN_ALREADY = "taken_already"  # a colleague has it
    NO_NUMBER = "no_number"  # there is none to call
    ENDED = "ended"  # nobody is needed any more


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of it; `who` has it, or is called next; `number` and `who` may be empty."""

    became: Became
    number: str
    path: str
    who: str = ""


Act = Callable[[Page, StaffMember, str, datetime], Answered]


def pages_of(message: Message) -> list[Page]:
    """The pages that a message calls for: one, or those of a bundle, the oldest first."""
    return [db.session.get_one(Page, each) for each in bundles.pages_of(message)]


def answer(act: Act, pages: Sequence[Page], person: StaffMember, *, way: str, now: datetime) -> Answered:
    """Do one thing with all pages of a message, and say what became of them together.

    Says of several what the best of them came to, and names those of which it is true. One call is enough
    for a telephone: it reads out the first page that still waits.
    """
    if act is call:
        pages = [each for each in pages if concerns(each, person)][:1] or pages[:1]
    locking.lock_waiting(*(each.id for each in pages))
    done = [act(each, person, way, now) for each in pages]
    best = min(done, key=lambda each: list(Became).index(each.became))
    same = [each for each in done if each.became is best.became]
    numbers = list(dict.fromkeys(each.number for each in same if each.number))
    names = list(dict.fromkeys(each.who for each in same if each.who))
    more = f" +{len(numbers) - NAMED}" if len(numbers) > NAMED else ""
    return Answered(best.became, ", ".join(numbers[:NAMED]) + more, best.path, ", ".join(names))


def take(page: Page, person: StaffMember, way: str, now: datetime) -> Answered:
    """Take a page. Who comes second hears who has it, and the record that they answered."""
    try:
        first, who = paging.acknowledge(page.id, person.id, way=way, now=now)
    except Refused:
        return _late(page, person, way, now, Became.ENDED)
    if first or has_it(page, person):
        return _answered(page, Became.TAKEN, person.name)
    return _late(page, person, way, now, Became.TAKEN_ALREADY, who)


def pass_on(page: Page, person: StaffMember, way: str, now: datetime) -> Answered:
    """Not me: the next one is called at once. Who has it already gives it back, and others are called."""
    if late := _too_late(page, person, way, now):
        return late
    try:
        called = paging.decline(page.id, person.id, way=way, now=now)
    except Refused:
        return _late(page, person, way, now, Became.ENDED)
    if page.state is PageState.ENDED:  # it was theirs, and needs nobody any more
        return _answered(page, Became.ENDED)
    return _answered(page, Became.PASSED, ", ".join(called))


def call(page: Page, person: StaffMember, way: str, now: datetime) -> Answered:
    """Have the page read out by a call, now; nothing is taken by that."""
    if late := _too_late(page, person, way, now):
        return late
    try:
        rings = paging.call_me(page.id, person.id, way=way, now=now)
    except Refused:
        return _late(page, person, way, now, Became.ENDED)
    return _answered(page, Became.CALLING if rings else Became.NO_NUMBER)


def has_it(page: Page, person: StaffMember) -> bool:
    """Whether this very person has a page; a colleague may be called the same."""
    holder = looking.holder_of(page.id)
    return holder is not None and holder.id == person.id


def concerns(page: Page, person: StaffMember) -> bool:
    """Whether an answer of this person still counts: nobody has it, they do, or it was offered to them."""
    if page.state is PageState.ENDED:
        return False
    return page.state is PageState.OPEN or page.offered_to_id == person.id or has_it(page, person)


def others(pages: Sequence[Page], but: UUID) -> tuple[str, ...]:
    """The names of the others who were called for these pages, the first one first."""
    first = func.min(Ring.rung_at)
    theirs = (
        select(StaffMember.name, first)
        .join(Ring, Ring.staff_id == StaffMember.id)
        .where(Ring.page_id.in_([each.id for each in pages]), StaffMember.id != but)
        .group_by(StaffMember.id, StaffMember.name)
        .order_by(first, StaffMember.name)
    )
    return tuple(name for name, _at in db.session.execute(theirs))


def colleagues(person: StaffMember) -> tuple[tuple[UUID, str], ...]:
    """Who of the same house may take pages, but for oneself, by name."""
    staff = people.staff_of(person.organisation_id)
    return tuple((each.id, each.name) for each in staff if each.id != person.id and may_be_paged(each))


def _too_late(page: Page, person: StaffMember, way: str, now: datetime) -> Answered | None:
    if page.state is PageState.ENDED:
        return _late(page, person, way, now, Became.ENDED)
    if not concerns(page, person):
        return _late(page, person, way, now, Became.TAKEN_ALREADY, paging.acknowledged_by(page.id))
    return None


def _answered(page: Page, became: Became, who: str = "") -> Answered:
    return Answered(became, str(page.context.get("number", "")), alarms.path(page.about), who)


def _late(  # noqa: PLR0917  of whose answer, and what it met
    page: Page, person: StaffMember, way: str, now: datetime, became: Became, who: str = ""
) -> Answered:
    ledger.append(
        page.about, "page.answered_late", organisation_id=page.organisation_id, actor=person.name, at=now,
        page=page.id, way=way,
    )  # fmt: skip
    return _answered(page, became, who)
