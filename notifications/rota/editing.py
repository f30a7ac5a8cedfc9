"""Schedules and their rotations as people edit them: each edit on record, and the past with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import delete, select

from accounts.models import StaffMember
from foundation import ledger
from foundation.database import db, new_id
from foundation.errors import Missing, Refused
from notifications import on_duty
from notifications.models import EscalationPolicy, Override, Rotation, Schedule, Swap, SwapState
from notifications.rota import telling


class Outdated(Refused):
    """Somebody else edited the schedule since this form was opened; what was typed is kept on the page."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A rotation as it is to be: `windows` as they are stored, none for every hour; instants are aware."""

    name: str
    members: Sequence[UUID]
    first_handover: datetime
    shift_days: int
    windows: Sequence[dict[str, Any]]
    begins_at: datetime | None
    ends_at: datetime | None

    def columns(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "name": self.name, "members": [str(each) for each in self.members],
            "first_handover": self.first_handover, "shift_days": self.shift_days,
            "windows": list(self.windows), "begins_at": self.begins_at, "ends_at": self.ends_at,
        }  # fmt: skip


def enter(schedule: Schedule, action: str, *, by: str, now: datetime, **details: Any) -> None:
    """Write into the ledger what was done to a schedule, in the same transaction."""
    ledger.append(
        telling.chain(schedule.id),
        action,
        organisation_id=schedule.organisation_id,
        actor=by,
        at=now,
        **details,
    )


def find(schedule_id: UUID) -> Schedule:
    """A schedule of the present scope, one that is retired among them. Raises: Missing."""
    found = db.session.get(Schedule, schedule_id)
    if found is None:
        raise Missing(_("There is no such schedule."))
    return found


def find_rotation(schedule_id: UUID, rotation_id: UUID) -> Rotation:
    """A rotation of a schedule. Raises: Missing."""
    found = db.session.get(Rotation, rotation_id)
    if found is None or found.schedule_id != schedule_id:
        raise Missing(_("There is no such rotation."))
    return found


def lock(schedule_id: UUID, *, now: datetime, seen: int | None = None) -> Schedule:
    """Lock a schedule for an edit, its past on record until now.

    Raises: Missing; Outdated when it is not at the version that was `seen` by whoever edits.
    """
    schedule = on_duty.keep(schedule_id, now=now)
    if schedule is None:
        raise Missing(_("There is no such schedule."))
    if seen is not None and seen != schedule.version:
        raise Outdated(
            _("Somebody else has changed this schedule while you were typing."),
            next_step=_("What you typed is still here. Look at what is in force now, and save again."),
        )
    return schedule


def create(*, organisation_id: UUID, name: str, timezone: str, by: str, now: datetime) -> UUID:
    """Make a schedule without any rotation yet, in a zone (IANA). Raises: Refused when the name is taken."""
    _refuse_taken(organisation_id, name, but=None)
    schedule = Schedule(
        id=new_id(), organisation_id=organisation_id, name=name, timezone=timezone, version=1, kept_from=now,
        kept_until=now,
    )  # fmt: skip
    db.session.add(schedule)
    db.session.flush()
    enter(schedule, "schedule.made", by=by, now=now, name=name, timezone=timezone)
    return schedule.id


def change(schedule_id: UUID, *, name: str, timezone: str, seen: int, by: str, now: datetime) -> bool:
    """Give a schedule another name or zone; false when it has them. Raises: as `lock` and `create`."""
    schedule = lock(schedule_id, now=now, seen=seen)
    if (schedule.name, schedule.timezone) == (name, timezone):
        return False
    held = on_duty.holders(schedule_id, now)
    _refuse_taken(schedule.organisation_id, name, but=schedule_id)
    before = {"name": schedule.name, "timezone": schedule.timezone}
    schedule.name, schedule.timezone = name, timezone
    for each in on_duty.rotations(schedule_id):
        each.timezone = timezone
    _edited(schedule, "schedule.changed", by=by, now=now, before=before, name=name, timezone=timezone)
    _tell(schedule, held, by, now)
    return True


def _refuse_taken(organisation_id: UUID, name: str, *, but: UUID | None) -> None:
    if any(each.name == name and each.id != but for each in on_duty.schedules(organisation_id)):
        raise Refused(_("There is a schedule of this name already."), next_step=_("Choose another name."))


def policies_with(schedule_id: UUID) -> list[str]:
    """The names of the escalation policies that page a schedule."""
    schedule = find(schedule_id)
    mine = select(EscalationPolicy).where(EscalationPolicy.organisation_id == schedule.organisation_id)
    return [each.name for each in db.session.scalars(mine) if str(schedule_id) in str(each.steps)]


def retire(schedule_id: UUID, *, by: str, now: datetime) -> None:
    """End a schedule: nobody is on duty by it from now on; who was stays on record.

    Raises: Missing; Refused while an escalation policy pages it.
    """
    schedule = lock(schedule_id, now=now)
    if policies := policies_with(schedule_id):
        raise Refused(
            _("Pages go to this schedule by the policy %(names)s.", names=", ".join(policies)),
            next_step=_("Take it out of the policy first: then nobody is left waiting for it."),
        )
    held = on_duty.holders(schedule_id, now)
    schedule.retired_at = now
    waiting = select(Swap).where(Swap.schedule_id == schedule_id, Swap.state == SwapState.PROPOSED)
    for each in db.session.scalars(waiting):
        each.state, each.answered_at = SwapState.WITHDRAWN, now
    _edited(schedule, "schedule.retired", by=by, now=now, name=schedule.name)
    _tell(schedule, held, by, now)


def _edited(schedule: Schedule, action: str, *, by: str, now: datetime, **details: Any) -> None:
    schedule.version += 1
    db.session.flush()
    enter(schedule, action, by=by, now=now, **details)


def _tell(schedule: Schedule, held: Sequence[UUID], by: str, now: datetime) -> None:
    """Tell who had the duty until this edit, and who has it now, where these are not the same."""
    key = f"rota:{schedule.id}:{schedule.version}"
    telling.tell_both_sides(schedule, held, key=key, who=by, now=now)


# --- rotations -------------------------------------------------------------------------------------


def add(schedule_id: UUID, draft: Draft, *, seen: int, by: str, now: datetime, quiet: bool = False) -> UUID:
    """Add a rotation before the others, for a new one mostly covers what is there. Raises: as `lock`.

    Whoever comes on duty by it now, or goes, is told, unless `quiet`; so by every other edit.
    """
    schedule = lock(schedule_id, now=now, seen=seen)
    held = on_duty.holders(schedule_id, now)
    there = on_duty.rotations(schedule_id)
    made = Rotation(
        id=new_id(), organisation_id=schedule.organisation_id, schedule_id=schedule_id,
        timezone=schedule.timezone, **draft.columns(),
    )  # fmt: skip
    db.session.add(made)
    _renumber([made, *there])
    _edited(schedule, "rotation.added", by=by, now=now, rotation=made.id, **draft.columns())
    if not quiet:
        _tell(schedule, held, by, now)
    return made.id


def save(schedule_id: UUID, rotation_id: UUID, draft: Draft, *, seen: int, by: str, now: datetime) -> bool:
    """Change a rotation from now on; false when it is so already. Raises: as `lock`."""
    schedule = lock(schedule_id, now=now, seen=seen)
    rotation = find_rotation(schedule_id, rotation_id)
    wanted = draft.columns()
    before = {name: getattr(rotation, name) for name in wanted}
    before["windows"] = before["windows"] or []
    if before == wanted:
        return False
    held = on_duty.holders(schedule_id, now)
    for name, value in wanted.items():
        setattr(rotation, name, value)
    _edited(
        schedule, "rotation.changed", by=by, now=now, rotation=rotation_id,
        before={name: value for name, value in before.items() if value != wanted[name]}, **wanted,
    )  # fmt: skip
    _tell(schedule, held, by, now)
    return True


def remove(schedule_id: UUID, rotation_id: UUID, *, by: str, now: datetime) -> None:
    """Take a rotation out from now on. Raises: Missing."""
    schedule = lock(schedule_id, now=now)
    rotation = find_rotation(schedule_id, rotation_id)
    held = on_duty.holders(schedule_id, now)
    db.session.execute(delete(Rotation).where(Rotation.id == rotation_id))
    db.session.expire_all()
    _renumber(on_duty.rotations(schedule_id))
    _edited(
        schedule, "rotation.removed", by=by, now=now, rotation=rotation_id, name=rotation.name,
        members=rotation.members,
    )  # fmt: skip
    _tell(schedule, held, by, now)


def move_up(schedule_id: UUID, rotation_id: UUID, *, seen: int, by: str, now: datetime) -> bool:
    """Let a rotation count before the one above it; false for the first.

    Raises: Missing; Outdated when the schedule is not at the version that was `seen`.
    """
    schedule = lock(schedule_id, now=now, seen=seen)
    rotation = find_rotation(schedule_id, rotation_id)
    order = on_duty.rotations(schedule_id)
    at = order.index(rotation)
    if at == 0:
        return False
    held = on_duty.holders(schedule_id, now)
    order[at - 1], order[at] = order[at], order[at - 1]
    _renumber(order)
    _edited(schedule, "rotation.moved", by=by, now=now, order=[each.name for each in order])
    _tell(schedule, held, by, now)
    return True


def _renumber(order: Sequence[Rotation]) -> None:
    for position, each in enumerate(order):
        each.position = position
    db.session.flush()


def concerned(schedule: Schedule, people: Sequence[StaffMember]) -> list[StaffMember]:
    """Of these people who is in a rotation of a schedule, or in a change of it that is not over."""
    named = {UUID(one) for each in on_duty.rotations(schedule.id) for one in each.members}
    mine = select(Override.after_id).where(
        Override.schedule_id == schedule.id, Override.cancelled_at.is_(None), Override.after_id.is_not(None)
    )
    named |= {each for each in db.session.scalars(mine) if each}
    return [each for each in people if each.id in named]
