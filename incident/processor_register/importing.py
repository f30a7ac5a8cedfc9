"""Applies a plan: all of it in one transaction, or nothing.

New rows go in by table, parents first; what is slow (encrypting, binding) is done in `prepare`, before the
transaction, because reports wait for whoever writes on the embedded database.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import select, update

from foundation import ledger
from foundation.database import Ready, changed, db, insert_ready, new_id, ready
from foundation.errors import Invalid, Refused
from incident import processors
from incident.models import Processor, ProcessorContact, name_key
from incident.processor_register import contacts
from incident.processor_register.changing import UNSAID
from incident.processor_register.planning import Plan, Row, revision_of
from incident.processor_register.table import CONTACTS

EMPTY: Mapping[str, Any] = {
    "service": "", "agreement_reference": "", "agreement_on": None, "agreement_place": "",
    "notice_hours": None, "data_categories": [], "subject_groups": [], "people": None, "countries": [],
    "transfers": [], "systems": [], "notes": None,
}  # fmt: skip


class Outdated(Refused):
    """The register has changed since the plan was made: it is to be looked at again."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan without faults, its new rows bound and waiting."""

    plan: Plan
    file_sha256: str
    processors: tuple[Ready, ...]
    contacts: tuple[Ready, ...]


def prepare(plan: Plan, *, organisation_id: UUID, file_sha256: str, now: datetime) -> Prepared:
    """Bind what goes in. Raises: Invalid for a plan with a fault: nothing is taken over by halves."""
    if plan.faults:
        raise Invalid(
            _("%(count)s rows have a fault, so nothing was taken over.", count=plan.faulty_rows),
            next_step=_("Mend them in the file and send it again."),
        )
    new = [_processor(row, plan.parents, organisation_id, now) for row in _parents_first(plan)]
    people = [
        _contact(row, at, told, organisation_id, now)
        for row in plan.new
        for at, told in sorted(row.contacts.items())
    ]
    return Prepared(
        plan, file_sha256, (ready(Processor, *new),) if new else (),
        (ready(ProcessorContact, *people),) if people else (),
    )  # fmt: skip


def _parents_first(plan: Plan) -> list[Row]:
    levels: dict[UUID, int] = {}

    def level(of: UUID) -> int:
        parent = plan.parents.get(of)
        if of not in levels:
            levels[of] = level(parent) + 1 if parent else 0
        return levels[of]

    return sorted(plan.new, key=lambda row: level(row.id))


def _processor(
    row: Row, parents: Mapping[UUID, UUID | None], organisation_id: UUID, now: datetime
) -> dict[str, Any]:
    return {
        **EMPTY, **row.values, "id": row.id, "organisation_id": organisation_id,
        "name_key": name_key(row.values["name"]), "serves_id": parents[row.id], "created_at": now,
        "changed_at": now,
    }  # fmt: skip


def _contact(row: Row, at: int, told: contacts.Told, organisation_id: UUID, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(), "organisation_id": organisation_id, "processor_id": row.id, "position": at + 1,
        "added_at": now, **asdict(told),
    }  # fmt: skip


def apply(prepared: Prepared, *, organisation_id: UUID, actor: str, now: datetime) -> None:
    """Take the plan over, in the caller's transaction. Raises: Outdated when the register moved meanwhile."""
    plan = prepared.plan
    if _locked_revision(organisation_id) != plan.revision:
        raise Outdated(
            _("Somebody changed the register after you looked at this import. Nothing was taken over."),
            next_step=_("Look at it again, then take it over."),
        )
    insert_ready(*prepared.processors)
    insert_ready(*prepared.contacts)
    for row in plan.changed:
        _change(row, actor=actor, now=now)
    _enter(prepared, organisation_id, actor, now)


def _locked_revision(organisation_id: UUID) -> str:
    wanted = select(Processor.id, Processor.changed_at, Processor.serves_id)
    wanted = wanted.where(Processor.organisation_id == organisation_id).order_by(Processor.id)
    return revision_of(
        (row[0], row[1], row[2]) for row in db.session.execute(wanted.with_for_update(key_share=True))
    )


def _change(row: Row, *, actor: str, now: datetime) -> None:
    values = {name: after for name, (_before, after) in row.changes.items() if name not in CONTACTS}
    if "name" in values:
        values["name_key"] = name_key(values["name"])
    changed(update(Processor).where(Processor.id == row.id).values(**values, changed_at=now))
    if not row.contacts:
        return
    processor = db.session.get_one(Processor, row.id)
    known = contacts.of(row.id)
    for at, told in sorted(row.contacts.items()):
        if at < len(known):
            contacts.change(known[at], told, actor=actor, now=now)
        else:
            contacts.add(processor, told, actor=actor, now=now)


def _enter(prepared: Prepared, organisation_id: UUID, actor: str, now: datetime) -> None:
    common: dict[str, Any] = {"organisation_id": organisation_id, "actor": actor, "at": now}
    plan, file = prepared.plan, prepared.file_sha256
    ledger.append(
        f"organisation/{organisation_id}", "processors.imported", **common, file_sha256=file,
        added=len(plan.new), changed=len(plan.changed), unchanged=plan.same,
    )  # fmt: skip
    for row in plan.new:
        chain = processors.chain(row.id)
        ledger.begins(chain)
        ledger.append(
            chain, "processor.added", **common, name=row.values["name"], serves=plan.parents[row.id],
            file_sha256=file, contacts=len(row.contacts),
        )  # fmt: skip
    for row in plan.changed:
        said = {name: _said(name, *both) for name, both in row.changes.items() if name not in CONTACTS}
        if said:
            ledger.append(
                processors.chain(row.id), "processor.changed", **common, changed=said, file_sha256=file
            )


def _said(name: str, before: Any, after: Any) -> dict[str, Any] | str:
    if name in UNSAID:
        return "changed"
    return {
        "before": before.isoformat() if isinstance(before, date) else before,
        "after": after.isoformat() if isinstance(after, date) else after,
    }  # fmt: skip
