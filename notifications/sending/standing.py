"""How a sending stands, for pages: kept counts and their time, who is left to people, one person's ways."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, or_, select, update

from foundation import queue
from foundation.database import changed, db
from foundation.errors import Invalid
from notifications.models import (
    Delivery,
    Fate,
    GroupState,
    Sending,
    SendingGroup,
)
from notifications.rules.sending import LETTER
from notifications.sending import reasons, rows


@dataclass(frozen=True, slots=True)
class Standing:
    """A sending as pages show it; `tally` are counts as of `tallied_at`.

    `tally["counts"]` has lists of way, fate, language, country and number; `tally["waiting"]` people by way
    and state of their group, whom no provider is known to have; `tally["grouped"]` the same people as lists
    of way, language and number.
    """

    id: UUID
    about: str
    source: str
    state: str
    ways: tuple[str, ...]
    people: int
    planned: int
    canary: int
    canary_at: datetime | None
    must_by: datetime | None
    created_at: datetime
    ended_at: datetime | None
    paused_at: datetime | None
    paused_by: str | None
    paused_why: str | None
    paused_from: str | None
    tally: dict[str, Any]
    tallied_at: datetime | None


@dataclass(frozen=True, slots=True)
class Line:
    """One person by one way."""

    recipient_id: UUID
    channel: str
    locale: str
    country: str
    fate: str
    code: str | None
    why: str | None
    at: datetime
    note: str | None
    is_last: bool

    @property
    def further_code(self) -> str:
        """The provider's code where `why` does not name it; a code of ours says no more than `why` does."""
        if not self.code or self.code in reasons.OURS or self.code in (self.why or ""):
            return ""
        return self.code


@dataclass(frozen=True, slots=True)
class Held:
    """A group of which only a person can say whether it goes again."""

    id: UUID
    channel: str
    locale: str
    size: int
    why: str | None
    since: datetime | None


def of(source: str) -> Standing | None:
    """The sending of a source ("<name>:<id>"), or None when it was never begun."""
    found = db.session.scalars(
        select(Sending).where(Sending.source == source).execution_options(populate_existing=True)
    ).first()
    if found is None:
        return None
    return Standing(
        found.id, found.about, found.source, str(found.state), tuple(found.ways), found.people, found.planned,
        found.canary, found.canary_at, found.must_by, found.created_at, found.ended_at, found.paused_at,
        found.paused_by, found.paused_why, found.paused_from, dict(found.tally), found.tallied_at,
    )  # fmt: skip


def manual(sending_id: UUID, after: UUID | None, limit: int) -> list[Line]:
    """Who is left to people and why, in the order of their ids after this one."""
    return _lines((Delivery.sending_id == sending_id, Delivery.fate == Fate.MANUAL), after, limit)


def deliveries_of(sending_id: UUID, recipient_id: UUID) -> list[Line]:
    """What was tried with one person, oldest first."""
    mine = Delivery.sending_id == sending_id, Delivery.recipient_id == recipient_id
    return sorted(_lines(mine, None, 10), key=lambda each: each.at)


def held(sending_id: UUID) -> list[Held]:
    """The groups that wait for a person's decision."""
    found = db.session.scalars(
        select(SendingGroup)
        .where(SendingGroup.sending_id == sending_id, SendingGroup.state == GroupState.HELD)
        .order_by(SendingGroup.number)
    )
    return [
        Held(each.id, rows.way_of(each), each.locale, each.size, each.why, each.wants_person_at)
        for each in found
    ]


def waiting_letters(sending_id: UUID, after: UUID | None, limit: int) -> list[Line]:
    """Whose letter was not posted yet, in the order of their ids after this one, printed or not."""
    mine = Delivery.sending_id == sending_id, Delivery.channel == LETTER
    return _lines((*mine, Delivery.fate == Fate.WAITING), after, limit)


def _lines(which: Sequence[ColumnElement[bool]], after: UUID | None, limit: int) -> list[Line]:
    wanted = select(
        Delivery.recipient_id, Delivery.channel, Delivery.locale, Delivery.country, Delivery.fate,
        Delivery.code, Delivery.why, Delivery.at, Delivery.note, Delivery.is_last,
    ).where(*which)  # fmt: skip
    if after is not None:
        wanted = wanted.where(Delivery.recipient_id > after)
    found = db.session.execute(wanted.order_by(Delivery.recipient_id).limit(limit))
    return [Line(**row._mapping) for row in found]  # noqa: SLF001  columns are named as a line names them


def texts_of(sending_id: UUID, channel: str) -> dict[str, dict[str, str]]:
    """What goes out by a channel, by language, with its marks; what two persons approved."""
    kept = db.session.scalars(select(Sending.texts).where(Sending.id == sending_id)).one()
    return {locale: dict(each[channel]) for locale, each in kept.items() if channel in each}


def letters_posted(sending_id: UUID, ids: Sequence[UUID], on: date, *, by: str, now: datetime) -> int:
    """A person says that these letters went to the post on a day; returns for how many that is new.

    Told again with another day, that one holds. A letter that came back stays so; one that was printed
    before the sending was stopped may have been posted all the same.
    """
    new = {"fate": Fate.POSTED, "at": now, "note": on.isoformat(), "next_at": None, "code": None, "why": None}
    other = Delivery.note.is_(None) | (Delivery.note != on.isoformat())
    which = or_(
        Delivery.fate == Fate.WAITING, and_(Delivery.fate == Fate.POSTED, other),
        and_(Delivery.fate == Fate.MANUAL, Delivery.why == reasons.STOPPED.why),
    )  # fmt: skip
    done = _turn(sending_id, ids, (which,), new)
    _changed(sending_id, "sending.letters_posted", done, now, by=by, on=on.isoformat())
    return done


def letter_returned(
    sending_id: UUID, recipient_id: UUID, why: str, *, code: str, by: str, now: datetime
) -> bool:  # fmt: skip
    """A letter came back: the next way takes over, or people do; false when it was not posted."""
    done = _turn(sending_id, [recipient_id], (Delivery.fate == Fate.POSTED,), _failed(code, why, now))
    _changed(sending_id, "sending.letter_returned", done, now, by=by)
    return bool(done)


def letters_unprinted(
    sending_id: UUID, ids: Sequence[UUID], why: str, *, code: str, by: str, now: datetime
) -> int:  # fmt: skip
    """Letters that cannot be printed: the next way takes over, or people do; returns how many waited."""
    done = _turn(sending_id, ids, (Delivery.fate == Fate.WAITING,), _failed(code, why, now))
    _changed(sending_id, "sending.letters_unprinted", done, now, by=by, reason=why, code=code)
    return done


def _failed(code: str, why: str, now: datetime) -> dict[str, Any]:
    told = {"code": code[:40], "why": why.strip()[:300] or None}
    return {"fate": Fate.FAILED, **told, "at": now, "next_at": now}


def _turn(
    sending_id: UUID, ids: Sequence[UUID], which: Sequence[ColumnElement[bool]], new: dict[str, Any]
) -> int:
    mine = Delivery.sending_id == sending_id, Delivery.channel == LETTER
    return sum(
        changed(update(Delivery).where(*mine, Delivery.recipient_id.in_(some), *which).values(new))
        for some in rows.pieces(ids)
    )


def settle_manual(
    sending_id: UUID, recipient_ids: Sequence[UUID] | None, note: str, *, by: str, now: datetime
) -> int:
    """A person saw to those left to people, or to all of them, and says how; returns to how many.

    Raises: Invalid without a note.
    """
    if not note.strip():
        raise Invalid(
            _("Say how these people were told, or why not."), next_step=_("It goes into the record.")
        )
    mine = Delivery.sending_id == sending_id, Delivery.fate == Fate.MANUAL
    new = {"fate": Fate.SETTLED, "note": note.strip()[:300], "at": now, "next_at": None}
    if recipient_ids is None:
        done = changed(update(Delivery).where(*mine).values(new))
    else:
        done = sum(
            changed(update(Delivery).where(*mine, Delivery.recipient_id.in_(some)).values(new))
            for some in rows.pieces(recipient_ids)
        )
    _changed(sending_id, "sending.manual_settled", done, now, by=by, reason=note.strip())
    return done


def _changed(sending_id: UUID, action: str, people: int, now: datetime, *, by: str, **more: Any) -> None:
    """Write it down, and have it counted anew where it is over."""
    if people:
        sending = rows.locked(sending_id)
        rows.enter(sending, action, now, by=by, people=people, **more)
        rows.count_anew([sending_id])
        queue.ring_after_commit(queue.SENDINGS)
