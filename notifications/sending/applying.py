"""What providers say later, on the rows of the people it is about: many at once, and by rank alone.

Order and repetition do not matter: a row changes only to a higher rank, in one statement for all of whom
the same is said.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import case, null, select, update

from foundation.database import changed, db
from notifications.models import Delivery, Fate, SendingGroup
from notifications.rules import receipts
from notifications.rules.receipts import Rank, Says
from notifications.sending import rows

ELSEWHERE = "told by another way meanwhile"
CHANGES = (Fate.ACCEPTED, Fate.FAILED, Fate.MANUAL, Fate.DELIVERED)  # what a provider's word changes


class Word(NamedTuple):
    """What a provider says of one person of a group."""

    place: int
    status: str
    code: str | None


class _Kind(NamedTuple):
    rank: int
    fate: Fate | None  # None: it is under way, no more
    code: str | None


def apply(group: SendingGroup, provider: str, said: Iterable[Word], now: datetime) -> None:
    """Take in what a provider says of people of a group, whose row is locked and whose rows are there."""
    best: dict[int, Word] = {}
    for word in said:
        known = best.get(word.place)
        if known is None or receipts.rank(provider, word.status) > receipts.rank(provider, known.status):
            best[word.place] = word
    kinds: dict[_Kind, list[int]] = defaultdict(list)
    for place, word in best.items():
        if kind := _kind(provider, word.status, word.code):
            kinds[kind].append(place)
    for kind in sorted(kinds, key=lambda each: each.rank):
        for places in rows.pieces(sorted(kinds[kind])):
            _write(group, provider, kind, places, now)


@lru_cache(maxsize=256)  # of many people the same is said
def _kind(provider: str, status: str, code: str | None) -> _Kind | None:
    rank = receipts.rank(provider, status)
    meaning = receipts.meaning(provider, status, code, 1)
    if meaning is Says.NOTHING:
        return None
    if meaning is Says.UNDER_WAY:
        return _Kind(rank, None, None)
    if meaning is Says.DELIVERED:
        return _Kind(rank, Fate.DELIVERED, None)
    return _Kind(rank, Fate.FAILED, code)


def _write(group: SendingGroup, provider: str, kind: _Kind, places: Sequence[int], now: datetime) -> None:
    these = (
        Delivery.group_id == group.id, rows.among(Delivery.place, places), Delivery.rank < kind.rank,
        Delivery.fate.in_(CHANGES),
    )  # fmt: skip
    if kind.fate is None:
        changed(update(Delivery).where(*these).values(rank=kind.rank))
    elif kind.fate is Fate.FAILED:
        why = f"{provider} could not deliver it" + (f" (code {kind.code})" if kind.code else "")
        fail(these, why=why, code=kind.code, now=now, rank=kind.rank)
    else:
        new = {"fate": kind.fate, "rank": kind.rank, "code": None, "why": None, "at": now, "next_at": None}
        if changed(update(Delivery).where(*these).values(new)):
            _others_end(group, places, now)


def fail(these: Sequence[object], *, why: str, code: str | None, now: datetime, rank: int) -> int:
    """It did not arrive at these: the next way is due for whom none was begun; returns how many."""
    again = case((Delivery.is_last, now), else_=null())
    new = {
        "fate": Fate.FAILED, "rank": rank, "code": code, "why": why[:300], "at": now, "next_at": again,
    }  # fmt: skip
    return changed(update(Delivery).where(*these).values(new))  # type: ignore[arg-type]


def refused(group: SendingGroup, place: int, *, why: str, code: str | None, now: datetime) -> None:
    """A provider refused one person of a group that it took otherwise."""
    fail(
        (Delivery.group_id == group.id, Delivery.place == place, Delivery.rank < Rank.FAILED),
        why=why, code=code, now=now, rank=Rank.FAILED,
    )  # fmt: skip


def _others_end(group: SendingGroup, places: Sequence[int], now: datetime) -> None:
    """Who is told by this way, and had another one begun: that counts no more, and no letter goes."""
    told = list(
        db.session.scalars(
            select(Delivery.recipient_id).where(
                Delivery.group_id == group.id, rows.among(Delivery.place, places),
                Delivery.fate == Fate.DELIVERED, Delivery.is_last.is_(False),
            )
        )
    )  # fmt: skip
    if told:
        end_others(group.sending_id, told, rows.way_of(group), now)


def end_others(sending_id: UUID, told: Sequence[UUID], way: str, now: datetime) -> None:
    """For people who are told by this way, every other one ends."""
    mine = Delivery.sending_id == sending_id, rows.among(Delivery.recipient_id, told)
    others = *mine, Delivery.channel != way
    waits = Delivery.fate.in_((Fate.WAITING, Fate.MANUAL))
    # First what waits for whoever changes one of them meanwhile: then all of that is seen.
    changed(update(Delivery).where(*others).values(is_last=False, next_at=None))
    changed(update(Delivery).where(*others, waits).values(fate=Fate.SETTLED, note=ELSEWHERE, at=now))
    changed(update(Delivery).where(*mine, Delivery.channel == way).values(is_last=True))
