"""The next way for whom one failed or took too long; where none is left, the list of those left to people.

The first proof ends it: nobody who is told for sure is begun with anew. Of whom a provider has the message,
and nobody says that it arrived, a person says it in the end.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, update

from foundation import queue
from foundation.database import changed, db
from notifications import channels
from notifications.models import Delivery, Fate, GroupState, Sending, SendingGroup, SendingState
from notifications.rules.sending import BITS, LETTER, MANUAL, Member, first, unpacked
from notifications.sending import planning, rows
from notifications.sending.reasons import STOPPED, UNPROVEN

AT_ONCE = 2000  # people in one transaction
GROUPS = 500  # groups in one transaction, of people who stand alone: a text is a group of its own
PEOPLE = 20_000  # people in one transaction, where groups are large
ACTS = (SendingState.RUNNING, SendingState.STOPPED, SendingState.ENDED)
TOO_LONG = "it took too long to hear that it arrived"
LEFT = {str(Fate.FAILED): MANUAL, str(Fate.ACCEPTED): UNPROVEN.why}  # to people, where no way is left


def due(now: datetime) -> list[UUID]:
    """The sendings with people whose next way is due."""
    waiting = select(Delivery.sending_id).where(Delivery.next_at <= now).distinct()
    return list(
        db.session.scalars(select(Sending.id).where(Sending.id.in_(waiting), Sending.state.in_(ACTS)))
    )


def take_next(sending_id: UUID, *, now: datetime) -> int:
    """Begin the next way for some of them; returns for how many. Inside the caller's transaction.

    Of whom something is heard at the moment is left to the next round: it may be the proof.
    """
    sending = rows.locked(sending_id)
    if sending.state not in ACTS:
        return 0
    found = list(
        db.session.scalars(
            select(Delivery)
            .where(Delivery.sending_id == sending_id, Delivery.next_at <= now)
            .order_by(Delivery.next_at, Delivery.recipient_id)
            .limit(AT_ONCE)
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        )
    )
    free = rows.held_whole(sending_id, [each.recipient_id for each in found])
    found = [each for each in found if each.recipient_id in free]
    told = rows.told(sending_id, [each.recipient_id for each in found])
    ways = [] if sending.state == SendingState.STOPPED else [str(each) for each in sending.ways]
    begun: dict[tuple[str, str], list[Member]] = defaultdict(list)
    ended: dict[tuple[str, str], list[UUID]] = defaultdict(list)
    for each in found:
        way = None if each.recipient_id in told else first(ways, each.left)
        while way is not None and way != LETTER and way not in sending.texts.get(each.locale, {}):
            each.left &= ~BITS[way]
            way = first(ways, each.left)
        if way is None:
            left_to = "" if each.recipient_id in told else LEFT.get(each.fate, "")
            ended[each.channel, left_to].append(each.recipient_id)
        else:
            begun[way, each.locale].append(Member(each.recipient_id, each.country, each.left & ~BITS[way]))
            ended[each.channel, way].append(each.recipient_id)
    db.session.flush()
    _begin(sending, begun, now)
    for (channel, way), ids in ended.items():
        _end(sending_id, channel, way, ids, now)
    return len(found)


def _begin(sending: Sending, begun: dict[tuple[str, str], list[Member]], now: datetime) -> None:
    for (way, locale), members in begun.items():
        if way == LETTER:
            those = [(0, locale, each) for each in members]
            rows.add_deliveries(
                sending.id, sending.organisation_id, those, channel=LETTER, fate=Fate.WAITING, now=now
            )
        else:
            most = planning.group_size(sending.about, way)
            rows.add_groups(sending, way, locale, members, most=most, now=now)
    if begun:
        queue.ring_after_commit(queue.SENDINGS)
        if sending.state == SendingState.ENDED:  # somebody bounced late: it goes on for them
            sending.state, sending.ended_at = SendingState.RUNNING, None
    rows.count_anew([sending.id])


def _end(sending_id: UUID, channel: str, way: str, ids: Sequence[UUID], now: datetime) -> None:
    """What it is with the rows of before: no longer the last, or on the list of those left to people."""
    for some in rows.pieces(ids):
        mine = (
            Delivery.sending_id == sending_id, Delivery.channel == channel, Delivery.recipient_id.in_(some)
        )  # fmt: skip
        new: dict[str, object]
        if way in LEFT.values():
            new = {"next_at": None, "fate": Fate.MANUAL, "at": now}
            new |= UNPROVEN._asdict() if way == UNPROVEN.why else {}
        else:
            new = {"next_at": None, "is_last": not way} if way else {"next_at": None}
        changed(update(Delivery).where(*mine).values(new))


def impatient(now: datetime) -> list[UUID]:
    """The sendings that go on with groups that were given time enough."""
    waiting = select(SendingGroup.sending_id).where(SendingGroup.patience_until <= now)
    going = Sending.state.in_(ACTS), Sending.id.in_(waiting.distinct())
    return list(db.session.scalars(select(Sending.id).where(*going)))


def lose_patience(sending_id: UUID, *, now: datetime) -> int:
    """Who of some groups has no proof yet, and another way, is told by that as well; of how many groups.

    Whoever has none is left to people, and so is whoever a provider has that never says what became of it:
    else each of them would be told twice. A proof that comes after all takes them off that list. A group
    that something is heard of at the moment is left to the next round.
    """
    over = SendingGroup.sending_id == sending_id, SendingGroup.patience_until <= now
    some = select(SendingGroup.id, SendingGroup.size).where(*over).order_by(SendingGroup.patience_until)
    ids = _as_many(db.session.execute(some.limit(GROUPS).with_for_update(skip_locked=True)))
    waits = Delivery.group_id.in_(ids), Delivery.fate == Fate.ACCEPTED, Delivery.is_last
    mute = select(SendingGroup.id).where(
        SendingGroup.id.in_(ids), SendingGroup.provider.in_(channels.MUTE)
    )  # fmt: skip
    none = or_(Delivery.left == 0, Delivery.group_id.in_(mute))
    new = {"fate": Fate.MANUAL, "at": now, **UNPROVEN._asdict()}
    changed(update(Delivery).where(*waits, none).values(new))
    changed(update(Delivery).where(*waits).values(next_at=now, why=TOO_LONG))
    rows.count_anew([sending_id])
    changed(update(SendingGroup).where(SendingGroup.id.in_(ids)).values(patience_until=None))
    return len(ids)


def _as_many(groups: Iterable[Any]) -> list[UUID]:
    """The ids of the first groups (id, size) that are not too many people together; one at least."""
    ids: list[UUID] = []
    people = 0
    for group_id, size in groups:
        people += size
        if ids and people > PEOPLE:
            break
        ids.append(group_id)
    return ids


def given_up() -> list[UUID]:
    """The sendings that a person stopped with groups that no provider has."""
    waiting = select(SendingGroup.sending_id).where(SendingGroup.state == GroupState.PENDING)
    return list(
        db.session.scalars(
            select(Sending.id).where(
                Sending.state == SendingState.STOPPED, Sending.id.in_(waiting.distinct())
            )
        )
    )


def give_up(sending_id: UUID, *, now: datetime) -> int:
    """Leave the people of some groups of a stopped sending to people; returns of how many groups."""
    sending = rows.locked(sending_id)
    mine = SendingGroup.sending_id == sending_id, SendingGroup.state == GroupState.PENDING
    some = select(SendingGroup.id, SendingGroup.size).where(*mine).order_by(SendingGroup.number)
    ids = _as_many(db.session.execute(some.limit(GROUPS)))
    wanted = select(SendingGroup).where(SendingGroup.id.in_(ids), *mine).order_by(SendingGroup.number)
    fresh = wanted.with_for_update().execution_options(populate_existing=True)
    groups = list(db.session.scalars(fresh))
    for group in groups:
        there = rows.there(group.id)
        members = unpacked(group.members)
        told = rows.told(sending_id, [each.id for each in members])
        those = [
            (place, group.locale, each)
            for place, each in enumerate(members)
            if place not in there and each.id not in told
        ]
        rows.add_deliveries(
            sending_id, sending.organisation_id, those, channel=rows.way_of(group), fate=Fate.MANUAL, now=now,
            group_id=group.id, **STOPPED._asdict(),
        )  # fmt: skip
        group.state, group.why, group.done_at = GroupState.CANCELLED, STOPPED.why, now
    rows.count_anew([sending_id])
    return len(groups)
