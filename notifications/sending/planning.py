"""Planning: the people of a sending as groups, in the order of their ids, some thousand in a transaction.

Nothing is sent before all are planned and are as many as two persons approved. After a crash it goes on
behind the last person who was planned; a second process waits for the lock and finds that it was done.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, or_, select

from foundation import queue
from foundation.database import db
from notifications import channels
from notifications.models import Fate, Sending, SendingGroup, SendingState
from notifications.rules.pretend import is_drill
from notifications.rules.sending import ALL, BITS, LETTER, MANUAL, Member, allowed, first
from notifications.sending import pausing, reasons, rows
from notifications.sending.reasons import Reason
from notifications.sending.source import Person, of

CHUNK = 5000  # people in one transaction


def due() -> list[UUID]:
    """The sendings with people who are not planned yet."""
    more = or_(Sending.planned_to.is_(None), Sending.planned_to != ALL)
    planning = Sending.state == SendingState.PLANNING
    stopped = and_(Sending.state == SendingState.STOPPED, more)
    return list(db.session.scalars(select(Sending.id).where(or_(planning, stopped))))


def plan_on(sending_id: UUID, *, now: datetime) -> bool:
    """Plan the next people; false when there is nothing left to plan. Inside the caller's transaction."""
    sending = rows.locked(sending_id)
    stopped = sending.state == SendingState.STOPPED
    if sending.state != SendingState.PLANNING and not stopped:
        return False
    if sending.planned_to != ALL:
        people = of(sending.source).after(sending.planned_to, CHUNK)
        if people:
            _plan(sending, people, stopped=stopped, now=now)
            return True
        sending.planned_to = ALL
    if not stopped:
        _planned(sending, now)
    return False


def _planned(sending: Sending, now: datetime) -> None:
    """All are planned: the first few go, if these are as many people as were approved."""
    if sending.planned != sending.people:
        why = f"{sending.people} people were approved, and {sending.planned} are there; nobody was told"
        pausing.by_itself(sending, why, now)
        return
    sending.state = SendingState.CANARY if sending.canary else SendingState.RUNNING
    rows.enter(sending, "sending.planned", now, people=sending.planned, canary=sending.canary)
    queue.ring_after_commit(queue.SENDINGS)


def _plan(sending: Sending, people: Sequence[Person], *, stopped: bool, now: datetime) -> None:
    groups: dict[tuple[str, str, bool], list[Member]] = defaultdict(list)
    letters: list[tuple[int, str, Member]] = []
    left: dict[Reason, list[tuple[int, str, Member]]] = defaultdict(list)
    mine, room = allowed(sending.ways), _room(sending)
    for person in people:
        bits = person.ways & mine
        way = first(sending.ways, bits)
        member = Member(person.id, person.country, bits & ~BITS[way] if way else 0)
        if stopped or way is None:
            why = reasons.PROTECTED if person.kept & mine else reasons.NO_WAY
            left[reasons.STOPPED if stopped else why].append((0, person.locale, member))
        elif way == LETTER:
            letters.append((0, person.locale, member))
        elif way not in sending.texts.get(person.locale, {}):
            left[reasons.NO_TEXT].append((0, person.locale, member))
        else:
            groups[way, person.locale, room > 0].append(member)
            room -= 1
    for (way, locale, is_canary), members in groups.items():
        rows.add_groups(
            sending, way, locale, members, most=group_size(sending.about, way), now=now, is_canary=is_canary
        )
    own = sending.id, sending.organisation_id
    rows.add_deliveries(*own, letters, channel=LETTER, fate=Fate.WAITING, now=now)
    for reason, those in left.items():
        rows.add_deliveries(*own, those, channel=MANUAL, fate=Fate.MANUAL, now=now, **reason._asdict())
    sending.planned += len(people)
    sending.planned_to = people[-1].id


def _room(sending: Sending) -> int:
    """How many more go first: of those who are written to, since of the others nothing is learned."""
    mine = SendingGroup.sending_id == sending.id
    last = select(SendingGroup.is_canary).where(mine).order_by(SendingGroup.number.desc()).limit(1)
    if db.session.scalar(last) is False:  # others follow the first few only when those are enough
        return 0
    return sending.canary - (db.session.scalar(select(func.sum(SendingGroup.size)).where(mine)) or 0)


def group_size(about: str, way: str) -> int:
    """How many people go into one group of a way: as many as its first provider takes."""
    channel = "pretend" if is_drill(about) else way
    return channels.provider(channel, channels.names()[channel].names[0]).most
