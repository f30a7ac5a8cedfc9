"""Applies a plan: all of it in one transaction, or nothing.

New rows go in by table, parents first; what is slow (encrypting, binding) is done in `prepare`, before the
transaction, because reports wait for whoever writes on the embedded database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import bindparam, select, update

from foundation import ledger
from foundation.database import Base, Ready, db, insert_ready, new_id, ready, table_of
from foundation.errors import Invalid, Refused
from foundation.ledger import Entry
from incident import processors
from incident.models import Processor, ProcessorContact, name_key
from incident.processor_register.changing import plain_change
from incident.processor_register.planning import Call, Plan, Row, revision_of
from incident.processor_register.table import CONTACTS

CHAIN = "processor_import/"
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
        _contact(row, call, organisation_id, now)
        for row in (*plan.new, *plan.changed)
        for call in row.contacts.values()
        if call.held is None
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


def _contact(row: Row, call: Call, organisation_id: UUID, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(), "organisation_id": organisation_id, "processor_id": row.id,
        "position": call.position, "added_at": now, **asdict(call.told),
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
    _change(plan.changed, now)
    _enter(prepared, organisation_id, actor, now)
    db.session.expire_all()  # what was read before is not what stands there now


def _locked_revision(organisation_id: UUID) -> str:
    wanted = select(Processor.id, Processor.changed_at, Processor.serves_id)
    wanted = wanted.where(Processor.organisation_id == organisation_id).order_by(Processor.id)
    return revision_of(
        (row[0], row[1], row[2]) for row in db.session.execute(wanted.with_for_update(key_share=True))
    )


def _change(rows: Sequence[Row], now: datetime) -> None:
    """Write what changed, rows that change the same columns with one statement."""
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        values = {name: after for name, (_before, after) in row.changes.items() if name not in CONTACTS}
        values |= {"name_key": name_key(values["name"])} if "name" in values else {}
        alike.setdefault(tuple(sorted(values)), []).append({**values, "changed_at": now, "of": row.id})
    for group in alike.values():
        _update(Processor, group)
    calls = [call for row in rows for call in row.contacts.values() if call.held]
    _update(ProcessorContact, [{**asdict(call.told), "of": call.held} for call in calls])
    untried = [call.held for call in calls if call.parts != ["role"]]
    _update(ProcessorContact, [{"of": each, "verified_at": None, "verified_by": None} for each in untried])


def _update(model: type[Base], given: Sequence[Mapping[str, Any]]) -> None:
    """Update rows by their id, `of`; all name the same columns."""
    if not given:
        return
    table = table_of(model)
    values: dict[str, Any] = {name: bindparam(name) for name in given[0] if name != "of"}
    statement = update(table).where(table.c.id == bindparam("of")).values(values)
    db.session.connection().execute(statement, [dict(each) for each in given])


def _enter(prepared: Prepared, organisation_id: UUID, actor: str, now: datetime) -> None:
    """A line for each row in a chain of the import's own, which nobody else waits for; one that names it."""
    common: dict[str, Any] = {"organisation_id": organisation_id, "actor": actor, "at": now}
    plan, chain = prepared.plan, f"{CHAIN}{new_id()}"
    ledger.append(
        f"organisation/{organisation_id}", "processors.imported", **common, lines_in=chain,
        file_sha256=prepared.file_sha256, added=len(plan.new), changed=len(plan.changed), unchanged=plan.same,
    )  # fmt: skip
    ledger.begins(chain)
    for row in plan.new:
        ledger.append(
            chain, "processor.added", **common, processor=row.id, name=row.values["name"],
            serves=plan.parents[row.id], contacts=len(row.contacts),
        )  # fmt: skip
    for row in plan.changed:
        said: dict[str, Any] = {
            name: plain_change(name, *both) for name, both in row.changes.items() if name not in CONTACTS
        }
        said |= {CONTACTS[at]: call.parts for at, call in row.contacts.items()}
        ledger.append(chain, "processor.changed", **common, processor=row.id, changed=said)


def history(processor: Processor) -> list[Entry]:
    """What the ledger says of a processor, the latest first: its own chain, and the imports that named it."""
    imports = select(Entry).where(
        Entry.chain.startswith(CHAIN, autoescape=True),  # a range would go by the collation
        Entry.details["processor"].as_string() == str(processor.id),
    )
    told = [*ledger.entries(processors.chain(processor.id)), *db.session.scalars(imports)]
    return sorted(told, key=lambda each: (each.at, each.number), reverse=True)
