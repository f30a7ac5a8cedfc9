"""Wrong codes that people type: counted by the hour, and told to staff when they are too many.

One slip is a slip. Many codes that nobody gave out mean that somebody sends messages in our name, which is
the next attack on people who were just told of one. Nothing of what was typed is kept, nor by whom. The
page waits for none of this: counts are kept in mind and written down a moment later.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import delete, func, select, update

from accounts import people
from accounts.models import Organisation, Role
from foundation.database import changed, db, insert_unless_there, new_id
from incident.genuine import Found, Looked
from incident.models import CommunicationState, Incident, SubjectCommunication, WrongCodes
from incident.rules.proof import Terms, terms
from notifications import on_duty, ways

HOUR: Final = timedelta(hours=1)
COUNTED: Final = (Found.SLIP, Found.WRONG)
_waiting: Counter[tuple[UUID | None, str]] = Counter()
_lock = threading.Lock()
log = structlog.get_logger()


def note(looked: Looked) -> bool:
    """Keep in mind that a wrong code was typed; whether there is anything to write down."""
    if looked.found not in COUNTED:
        return False
    whose: Iterable[UUID | None] = looked.organisation_ids or (None,)
    with _lock:
        _waiting.update((each, looked.found.value) for each in whose)
    return True


def taken() -> dict[tuple[UUID | None, str], int]:
    """What waits to be written down; whoever takes it writes it, or gives it back."""
    with _lock:
        found = dict(_waiting)
        _waiting.clear()
    return found


def give_back(counts: Mapping[tuple[UUID | None, str], int]) -> None:
    """Keep in mind again what could not be written down."""
    with _lock:
        _waiting.update(counts)


def write_down(counts: Mapping[tuple[UUID | None, str], int], *, now: datetime) -> None:
    """Count these in the hour of `now`, and tell staff where they are too many; never commits."""
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    for (organisation_id, kind), count in sorted(counts.items(), key=str):
        fold = f"{hour:%Y%m%d%H}:{kind}:{organisation_id or ''}"
        row = {
            "id": new_id(), "organisation_id": organisation_id, "fold": fold, "kind": kind, "hour": hour,
            "count": count, "told_at": None,
        }  # fmt: skip
        if not insert_unless_there(WrongCodes, row):
            more = update(WrongCodes).where(WrongCodes.fold == fold)
            changed(more.values(count=WrongCodes.count + count))
    limits = terms(now)
    for organisation_id in sorted({whose for whose, _kind in counts}, key=str):
        for each in [organisation_id] if organisation_id else _recent(limits, now):
            _tell(each, limits, now)


def _recent(limits: Terms, now: datetime) -> list[UUID]:
    """Who told people lately: it is their messages that somebody would imitate."""
    lately = now - timedelta(days=limits.recent_days)
    sent = (CommunicationState.SENDING, CommunicationState.COMPLETE)
    theirs = (
        select(SubjectCommunication.organisation_id)
        .join(Incident, Incident.id == SubjectCommunication.incident_id)
        .where(SubjectCommunication.state.in_(sent), SubjectCommunication.sent_at > lately)
        .where(Incident.drill.is_(False))
        .distinct()
    )
    return sorted(db.session.scalars(theirs))


def _tell(organisation_id: UUID, limits: Terms, now: datetime) -> None:
    """Tell whoever is on call, once in so many hours, that wrong codes are too many to be slips."""
    count = counted(organisation_id, now)
    many = {Found.WRONG.value: limits.wrong_per_hour, Found.SLIP.value: limits.slips_per_hour}
    if all(count[kind] < most for kind, most in many.items()):
        return
    # The turn of the organisation: of two who count at once one tells.
    organisation = db.session.get_one(Organisation, organisation_id, with_for_update={"key_share": True})
    key = f"wrong-codes:{organisation_id}"
    mark = {
        "id": new_id(), "organisation_id": organisation_id, "fold": key, "kind": "told", "hour": now,
        "count": 0, "told_at": now,
    }  # fmt: skip
    if not insert_unless_there(WrongCodes, mark):
        due = update(WrongCodes).where(WrongCodes.fold == key, WrongCodes.told_at <= now - limits.told_again)
        if not changed(due.values(told_at=now, hour=now)):
            return
    log.warning("codes.many_wrong", organisation=str(organisation_id), count=sum(count.values()))
    ways.remind(
        organisation_id=organisation_id, about=f"organisation/{organisation_id}",
        staff_ids=_to_tell(organisation_id, now), template="wrong_codes",
        context={"organisation": organisation.name, "count": sum(count.values()), "path": "/wrong-codes"},
        dedupe_key=f"{key}:{now.isoformat()}", urgent=True, must_by=None, now=now,
    )  # fmt: skip


def counted(organisation_id: UUID, now: datetime) -> Counter[str]:
    """How many wrong codes were typed in this hour and the one before, by kind: one's own, and nobody's."""
    since = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - HOUR
    theirs = (WrongCodes.organisation_id == organisation_id) | WrongCodes.organisation_id.is_(None)
    found = db.session.execute(
        select(WrongCodes.kind, func.sum(WrongCodes.count))
        .where(theirs, WrongCodes.hour >= since, WrongCodes.kind.in_([each.value for each in COUNTED]))
        .group_by(WrongCodes.kind)
    )
    return Counter({kind: int(count) for kind, count in found})


def listed(organisation_id: UUID, *, most: int = 100) -> list[WrongCodes]:
    """The hours in which wrong codes were typed, one's own and nobody's, the newest first."""
    theirs = (WrongCodes.organisation_id == organisation_id) | WrongCodes.organisation_id.is_(None)
    hours = select(WrongCodes).where(theirs, WrongCodes.kind.in_([each.value for each in COUNTED]))
    return list(db.session.scalars(hours.order_by(WrongCodes.hour.desc(), WrongCodes.kind).limit(most)))


def forget(*, now: datetime) -> int:
    """Remove counts that are old; returns how many rows."""
    return changed(delete(WrongCodes).where(WrongCodes.hour < now - timedelta(days=terms(now).wrong_days)))


def _to_tell(organisation_id: UUID, now: datetime) -> list[UUID]:
    """Whoever is on call, and who answers for data protection; where there is neither, who looks after it."""
    officers = [each.id for each in people.staff_with_role(organisation_id, Role.DPO)]
    found = [*on_duty.on_call(organisation_id, now), *officers]
    return found or [each.id for each in people.staff_with_role(organisation_id, Role.ADMIN)]
