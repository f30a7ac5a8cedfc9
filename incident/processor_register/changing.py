"""Changes to the register: each with its line in the ledger, none that makes a name twice or a circle.

The chain of a processor in the ledger is `processor/<id>`. Nothing is deleted: a processor that has left
is ended, with a reason, and its secrets sign no more.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import select

from foundation import ledger
from foundation.database import db
from foundation.errors import Invalid, Missing, Refused
from incident import processors
from incident.models import Processor, name_key
from incident.processor_register import tree

MOVED = "serves_id"
UNSAID = frozenset({"notes"})  # may hold names: the ledger says that it changed, and not what


def add(
    values: Mapping[str, Any], *, organisation_id: UUID, serves_id: UUID | None, actor: str, now: datetime
) -> Processor:
    """Register a processor with these values of `fields.read`; `serves_id` is whom it works for.

    Raises: Taken when the name is; Invalid for a place in the tree that cannot be.
    """
    everybody = tree.locked(organisation_id)
    processors.refuse_twice(organisation_id, values["name"])
    if serves_id is not None:
        _check_new_place(everybody, serves_id)
    made = processors.add(
        organisation_id=organisation_id, name=values["name"], country=values["country"],
        service=values.get("service", ""), serves_id=serves_id, actor=actor, now=now,
    )  # fmt: skip
    for name, value in values.items():
        setattr(made, name, value)
    db.session.flush()
    return made


def _check_new_place(everybody: Mapping[UUID, Processor], serves_id: UUID) -> None:
    parent = everybody.get(serves_id)
    if parent is None:
        raise Missing(_("There is no such processor."))
    if parent.ended_at is not None:
        raise Invalid(_("%(parent)s has left: nobody works for it any more.", parent=parent.name))
    parents = {each.id: each.serves_id for each in everybody.values()}
    if len(tree.above(parents, serves_id)) + 2 > tree.MOST_LEVELS:
        raise Invalid(_("The tree would be more than %(most)d levels deep.", most=tree.MOST_LEVELS))


def change(processor: Processor, values: Mapping[str, Any], *, actor: str, now: datetime) -> list[str]:
    """Put these values in the place of what is held; the names of those that differ, none changes nothing.

    `values` may hold `serves_id`, and then the tree is locked and looked at. In the caller's transaction.
    Raises: Taken when another one has the name; Invalid for a place in the tree that cannot be.
    """
    if MOVED in values:
        everybody = tree.locked(processor.organisation_id)
        if values[MOVED] is not None and values[MOVED] not in everybody:
            raise Missing(_("There is no such processor."))
        if values[MOVED] != processor.serves_id:
            tree.check_place(everybody, processor.id, values[MOVED])
    if "name" in values and name_key(values["name"]) != processor.name_key:
        processors.refuse_twice(processor.organisation_id, values["name"])
    changed = {name: value for name, value in values.items() if getattr(processor, name) != value}
    if not changed:
        return []
    said = {name: plain_change(name, getattr(processor, name), value) for name, value in changed.items()}
    for name, value in changed.items():
        setattr(processor, name, value)
    processor.changed_at = now
    db.session.flush()
    enter(processor, "processor.changed", actor=actor, now=now, changed=said)
    return list(changed)


def plain_change(name: str, before: Any, after: Any) -> dict[str, Any] | str:
    """A change as the ledger keeps it: what it was and is, of notes only that they changed."""
    if name in UNSAID:
        return "changed"
    return {"before": _plain(before), "after": _plain(after)}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def end(processor: Processor, *, reason: str, below: bool, actor: str, now: datetime) -> list[Processor]:
    """The processor has left: it stays on record, and its endpoint is closed. Pressed twice, once.

    `below` ends those that work for it as well. Returns who was ended. Raises: Invalid without a reason.
    """
    if not reason.strip():
        raise Invalid(_("Say why: it stands in the record."))
    everybody = tree.locked(processor.organisation_id)
    leaving = [processor, *(tree.below(list(everybody.values()), processor.id) if below else ())]
    leaving = [each for each in leaving if each.ended_at is None]
    for each in leaving:
        each.ended_at, each.ended_why, each.changed_at = now, reason.strip(), now
        secrets = processors.close_endpoint(each, now)
        db.session.flush()
        enter(each, "processor.ended", actor=actor, now=now, reason=reason.strip(), secrets_ended=secrets)
    return leaving


def take_up_again(processor: Processor, *, reason: str, actor: str, now: datetime) -> None:
    """It works for us again, for a reason; its old secrets stay dead. Raises: Invalid, Refused."""
    if not reason.strip():
        raise Invalid(_("Say why: it stands in the record."))
    everybody = tree.locked(processor.organisation_id)
    if processor.ended_at is None:
        return
    parent = everybody.get(processor.serves_id) if processor.serves_id else None
    if parent and parent.ended_at is not None:
        raise Refused(
            _("%(parent)s, for whom it works, has left.", parent=parent.name),
            next_step=_("Take that up again first, or let this one work for somebody else."),
        )
    processor.ended_at = processor.ended_why = None
    processor.changed_at = now
    db.session.flush()
    enter(processor, "processor.taken_up_again", actor=actor, now=now, reason=reason.strip())


def enter(
    processor: Processor, action: str, *, actor: str, now: datetime, reason: str | None = None, **details: Any
) -> None:
    """A line in the processor's chain of the ledger; never contact data."""
    ledger.append(
        processors.chain(processor.id), action, organisation_id=processor.organisation_id, actor=actor,
        at=now, reason=reason, **details,
    )  # fmt: skip


def found(processor_id: UUID, *, locked: bool = False) -> Processor:
    """The processor of the organisation acted for. Raises: Missing when there is none."""
    wanted = select(Processor).where(Processor.id == processor_id)
    if locked:
        wanted = wanted.with_for_update(key_share=True).execution_options(populate_existing=True)
    one = db.session.scalars(wanted).one_or_none()
    if one is None:
        raise Missing(_("There is no such processor."), next_step=_("Start from the list of processors."))
    return one
