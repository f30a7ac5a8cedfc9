"""Who is told that the rota has changed for them: whoever comes on duty by a change, and whoever goes."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from accounts.models import Organisation
from foundation.database import db
from notifications import on_duty, ways
from notifications.models import Schedule


def chain(schedule_id: UUID) -> str:
    """The chain of the ledger that tells what was done to a schedule."""
    return f"schedule/{schedule_id}"


def context(schedule: Schedule, who: str, at: datetime) -> dict[str, str]:
    """What a message about the rota may say: who did it, from when on, and where to look."""
    organisation = db.session.get_one(Organisation, schedule.organisation_id)
    return {
        "who": who, "organisation": organisation.name, "timezone": schedule.timezone,
        "due_at": at.isoformat(timespec="seconds"), "path": f"/on-call/schedules/{schedule.id}",
    }  # fmt: skip


def tell(
    schedule: Schedule, those: Iterable[UUID | None], at: datetime, *, key: str, who: str, now: datetime
) -> None:
    """Tell people, each once per key, that the rota is changed for them from an instant on, and by whom."""
    ways.remind(
        organisation_id=schedule.organisation_id, about=chain(schedule.id), template="rota_changed",
        staff_ids=[each for each in those if each], dedupe_key=key, urgent=False, must_by=None, now=now,
        context=context(schedule, who, at),
    )  # fmt: skip


def tell_both_sides(
    schedule: Schedule, before: Sequence[UUID], *, key: str, who: str, now: datetime,
    but: Collection[UUID] = (),
) -> None:  # fmt: skip
    """Tell who was on duty now before an edit and is not any more, or not the first, and who is instead.

    `before` is who was, the first one first, `but` is who knows. Nobody is told where the same are.
    """
    after = on_duty.holders(schedule.id, now) if schedule.retired_at is None else []
    moved = set(before) ^ set(after)
    if before[:1] != after[:1]:
        moved |= {*before[:1], *after[:1]}
    tell(schedule, sorted(moved.difference(but)), now, key=key, who=who, now=now)
