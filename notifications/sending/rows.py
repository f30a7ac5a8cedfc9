"""Rows of sendings: read under their lock, made many at once, and what is written of them in the ledger."""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar, cast
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, func, select, update

from foundation import ledger
from foundation.database import changed, db, insert_ready, insert_rows, new_id
from foundation.database.many import ready_many
from notifications.models import Delivery, Fate, GroupState, Sending, SendingGroup, SendingState
from notifications.rules.pretend import is_drill
from notifications.rules.replies import LENGTH, SIGNS
from notifications.rules.sending import WIDTH, Member, packed, parts

T = TypeVar("T")
IN_LIST = 1_000  # ids in one statement
OPEN = (GroupState.PENDING, GroupState.SENDING, GroupState.UNCERTAIN, GroupState.HELD)
KNOWN = (Fate.DELIVERED, Fate.POSTED, Fate.SETTLED)  # who has one of these is told


def locked(sending_id: UUID) -> Sending:
    """A sending, read afresh under its lock."""
    return db.session.get_one(Sending, sending_id, with_for_update=True, populate_existing=True)


def group_locked(group_id: UUID) -> SendingGroup:
    """A group, read afresh under its lock."""
    return db.session.get_one(SendingGroup, group_id, with_for_update=True, populate_existing=True)


def both_locked(group_id: UUID) -> tuple[Sending, SendingGroup]:
    """A group and before it its sending, as whoever takes groups locks them: nobody waits for two at odds."""
    sending_id = db.session.scalar(select(SendingGroup.sending_id).where(SendingGroup.id == group_id))
    assert sending_id is not None, "groups are never removed"  # noqa: S101
    return locked(sending_id), group_locked(group_id)


def there(group_id: UUID) -> set[int]:
    """The places of a group whose people have a row by its way already: they go nowhere with it again."""
    return set(db.session.scalars(select(Delivery.place).where(Delivery.group_id == group_id)))


def way_of(group: SendingGroup) -> str:
    """The way a group takes, or would take if this were no drill."""
    return group.instead_of or group.channel


def enter(sending: Sending, action: str, now: datetime, *, by: str = "Breachclock", **details: Any) -> None:
    """Write down in the chain of what it is about what happened to a sending: counts and hashes only."""
    db.session.flush()
    ledger.append(
        sending.about, action, organisation_id=sending.organisation_id, actor=by, at=now, sending=sending.id,
        **details,
    )  # fmt: skip


def pieces(those: Sequence[T], most: int = IN_LIST) -> Iterator[Sequence[T]]:
    """The same in pieces that one statement takes."""
    return (those[at : at + most] for at in range(0, len(those), most))


def among(column: Any, those: Sequence[Any]) -> ColumnElement[bool]:
    """Whether a column is one of these: bound as one, since looking at a thousand takes its time."""
    return cast(ColumnElement[bool], column.in_(bindparam(None, those, expanding=True)))


def reference(group_id: UUID) -> str:
    """What finds a group's message again at a provider that knows no id of ours."""
    number, signs = int.from_bytes(hashlib.sha256(group_id.bytes).digest()[:8]), []
    for _place in range(LENGTH):
        number, sign = divmod(number, len(SIGNS))
        signs.append(SIGNS[sign])
    return "".join(signs)


def add_groups(
    sending: Sending,
    way: str,
    locale: str,
    members: Iterable[Member],
    *,
    most: int,
    now: datetime,
    is_canary: bool = False,
) -> int:
    """Make groups of these people, `most` in each; the sending is locked. Returns how many groups."""
    of = {"way": way, "locale": locale, "is_canary": is_canary}
    kept = packed(members)
    if sending.state == SendingState.PLANNING:  # nobody takes a group yet
        kept = _filled_up(sending, kept, of, most)
    return divide(sending, kept, of, most=most, ready_at=now) if kept else 0


def _filled_up(sending: Sending, kept: bytes, of: Mapping[str, Any], most: int) -> bytes:
    """Put people into the last group of their kind, where it has room; returns who is left.

    People come some thousand at a time, in their order, of several languages: else a group of each language
    would be left half empty each time, and each costs a request.
    """
    last = db.session.scalars(
        select(SendingGroup)
        .where(
            SendingGroup.sending_id == sending.id, SendingGroup.locale == of["locale"],
            SendingGroup.is_canary.is_(of["is_canary"]), SendingGroup.size < most,
            func.coalesce(SendingGroup.instead_of, SendingGroup.channel) == of["way"],
        )
        .order_by(SendingGroup.number.desc())
        .limit(1)
    ).first()  # fmt: skip
    if last is None:
        return kept
    room = (most - last.size) * WIDTH
    last.members += kept[:room]
    last.size = len(last.members) // WIDTH
    db.session.flush()
    return kept[room:]


def divide(sending: Sending, kept: bytes, of: Mapping[str, Any], *, most: int, ready_at: datetime) -> int:
    """As `add_groups`, of people as a group keeps them; `of` has "way", "locale" and "is_canary"."""
    number = db.session.scalar(
        select(func.max(SendingGroup.number)).where(SendingGroup.sending_id == sending.id)
    )
    drill = is_drill(sending.about)
    every = {
        "organisation_id": sending.organisation_id, "sending_id": sending.id, "about": sending.about,
        "channel": "pretend" if drill else of["way"], "instead_of": of["way"] if drill else None,
        "locale": of["locale"], "is_canary": of["is_canary"], "state": GroupState.PENDING.value,
        "ready_at": ready_at, "attempts": 0,
    }  # fmt: skip
    made = [
        every | {"id": new_id(), "number": place, "size": len(part) // WIDTH, "members": part}
        for place, part in enumerate(parts(kept, most), start=(number or 0) + 1)
    ]
    insert_rows(SendingGroup, *made)
    return len(made)


def add_deliveries(
    sending_id: UUID,
    organisation_id: UUID,
    members: Iterable[tuple[int, str, Member]],
    *,
    channel: str,
    fate: Fate,
    now: datetime,
    **other: Any,
) -> int:
    """What became of these people (place, language, who) by a way, one row each; returns how many.

    `other` are further columns, the same of all.
    """
    every = {
        "organisation_id": organisation_id, "sending_id": sending_id, "channel": channel, "group_id": None,
        "fate": fate.value, "rank": 0, "code": None, "why": None, "at": now, "next_at": None, "is_last": True,
        "note": None,
    } | other  # fmt: skip
    those = list(members)
    if not those:
        return 0
    columns: dict[str, Sequence[Any]] = {
        "recipient_id": [each.id for _place, _locale, each in those],
        "place": [place for place, _locale, _each in those],
        "locale": [locale for _place, locale, _each in those],
        "country": [each.country or "" for _place, _locale, each in those],
        "left": [each.left for _place, _locale, each in those],
    }
    insert_ready(ready_many(Delivery, every, columns))
    return len(those)


def count_anew(sending_ids: Collection[UUID]) -> None:
    """What is over of these sendings is counted once more, since something became of its people.

    Also where it is being counted at the moment, perhaps without that.
    """
    over = Sending.state.in_((SendingState.ENDED, SendingState.STOPPED))
    anew = {"tallied_at": None, "heard": Sending.heard + 1}
    changed(update(Sending).where(Sending.id.in_(sending_ids), over).values(anew))


def told(sending_id: UUID, ids: Sequence[UUID]) -> set[UUID]:
    """Who of these is surely told already, by whatever way."""
    found: set[UUID] = set()
    for some in pieces(ids):
        mine = Delivery.sending_id == sending_id, Delivery.recipient_id.in_(some)
        found.update(db.session.scalars(select(Delivery.recipient_id).where(*mine, Delivery.fate.in_(KNOWN))))
    return found


def hold_others(sending_id: UUID, ids: Sequence[UUID]) -> None:
    """Lock what these people have by other ways: what is said of it meanwhile waits, and finds what comes."""
    for some in pieces(ids):
        mine = Delivery.sending_id == sending_id, Delivery.recipient_id.in_(some)
        wanted = select(Delivery.recipient_id).where(*mine)
        db.session.execute(wanted.order_by(Delivery.recipient_id, Delivery.channel).with_for_update()).all()


def held_whole(sending_id: UUID, ids: Sequence[UUID]) -> set[UUID]:
    """Lock what these people have by any way, waiting for nobody; returns of whom all of it is locked.

    Of the others something is said at the moment, and whoever takes it in may wait for these rows.
    """
    busy: set[UUID] = set()
    for some in pieces(ids):
        mine = Delivery.sending_id == sending_id, Delivery.recipient_id.in_(some)
        wanted = select(Delivery.recipient_id, Delivery.channel).where(*mine)
        there = {(row.recipient_id, row.channel) for row in db.session.execute(wanted)}
        locked = db.session.execute(wanted.with_for_update(skip_locked=True))
        busy |= {who for who, _way in there - {(row.recipient_id, row.channel) for row in locked}}
    return set(ids) - busy
