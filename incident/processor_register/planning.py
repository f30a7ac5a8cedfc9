"""What an import would do, row by row: nothing is written here.

Every fault of every row is found at once. A plan with a fault is applied by nobody; one without is bound
to the file, the columns and the register as it stood, and holds for these alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import select

from foundation.database import db, new_id
from incident.models import Processor, ProcessorContact, name_key
from incident.processor_register import contacts, fields, tree
from incident.processor_register.circles import circles, too_deep
from incident.processor_register.contacts import Told
from incident.processor_register.table import CONTACTS, Table
from incident.spreadsheets import plain

OURSELVES: Final = frozenset({"us", "us directly", "os", "os direkte", "oss", "oss direkte", "oss direkt"})


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in one row; `column` is one of ours, or "" for the row as a whole."""

    line: int
    column: str
    what: str


@dataclass(frozen=True, slots=True)
class Call:
    """A contact as the file tells it: in the place of one that is held, or a new one."""

    held: UUID | None
    before: Told | None
    position: int
    told: Told

    @property
    def parts(self) -> list[str]:
        """What of it differs from the one that is held."""
        return [
            each for each in contacts.PARTS if getattr(self.before, each, None) != getattr(self.told, each)
        ]


@dataclass(slots=True)
class Row:
    """One row as it would be applied: the processor it makes or changes, and what it says."""

    line: int
    id: UUID
    name: str
    new: bool
    values: dict[str, Any]
    serves: str | None = None  # the key of a name; "" is us directly, None says nothing
    contacts: dict[int, Call] = field(default_factory=dict)  # by their place in the file
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class Plan:
    """What an import would do; `binding` names the very file, columns and register it holds for."""

    new: list[Row]
    changed: list[Row]
    same: int
    not_in_file: int
    faults: list[Fault]
    parents: dict[UUID, UUID | None]
    binding: str = ""
    revision: str = ""

    @property
    def faulty_rows(self) -> int:
        """How many rows have a fault."""
        return len({each.line for each in self.faults})


@dataclass(frozen=True, slots=True)
class Register:
    """The register as it stands, by the keys of names."""

    by_key: Mapping[str, Processor]
    contacts: Mapping[UUID, Sequence[ProcessorContact]]

    @property
    def revision(self) -> str:
        """A hash that differs once anything in it was changed."""
        return revision_of((each.id, each.changed_at, each.serves_id) for each in self.by_key.values())


def revision_of(rows: Iterator[tuple[UUID, datetime | None, UUID | None]]) -> str:
    """The hash over who is in the register, whom each serves, and when each was changed last."""
    return sha256("".join(sorted(f"{row[0]}{row[1]}{row[2]};" for row in rows)).encode()).hexdigest()


def register() -> Register:
    """The register of the organisation acted for."""
    found: dict[UUID, list[ProcessorContact]] = {}
    for contact in db.session.scalars(
        select(ProcessorContact).order_by(ProcessorContact.position, ProcessorContact.id)
    ):
        found.setdefault(contact.processor_id, []).append(contact)
    return Register({each.name_key: each for each in tree.known()}, found)


def plan(table: Table, columns: Mapping[int, str], *, now: datetime) -> Plan:
    """What it would do to read `table` with `columns` (place in the file -> one of ours) at `now`."""
    there = register()
    reading = _Reading(there, now)
    twice = [each for each in set(columns.values()) if list(columns.values()).count(each) > 1]
    for column in sorted(twice):
        reading.fault(table.rows[0][0], column, _("two columns of the file are taken for this one"))
    if "name" not in columns.values():
        reading.fault(table.rows[0][0], "name", _("no column of the file is taken for the name"))
    else:
        for line, cells in table.rows:
            reading.take(line, _told(cells, columns), len(cells) == len(table.header))
    reading.place_all()
    made = reading.plan()
    made.revision = there.revision
    chosen = ";".join(f"{at}={ours}" for at, ours in sorted(columns.items()))
    made.binding = sha256(f"{table.sha256}\n{chosen}\n{made.revision}".encode()).hexdigest()
    return made


def _told(cells: Sequence[str], columns: Mapping[int, str]) -> dict[str, str]:
    """What a row says; an empty cell says nothing."""
    told = {ours: plain(cells[at]) for at, ours in columns.items() if at < len(cells)}
    return {ours: cell for ours, cell in told.items() if cell.strip()}


class _Reading:
    """Takes rows one by one, then looks at the tree that they make together with the register."""

    def __init__(self, there: Register, now: datetime) -> None:
        self.there, self.now = there, now
        self.rows: dict[str, Row] = {}
        self.faults: list[Fault] = []
        self.parents: dict[UUID, UUID | None] = {}

    def fault(self, line: int, column: str, what: str) -> None:
        self.faults.append(Fault(line, column, what))

    def take(self, line: int, told: dict[str, str], whole: bool) -> None:  # noqa: FBT001  one of two kinds of row
        """Read one row and say what is wrong with it, all of it."""
        if not whole:
            self.fault(line, "", _("the row has more or fewer columns than the header"))
            return
        key = name_key(told.get("name", ""))
        there = self.there.by_key.get(key)
        given = {name: text for name, text in told.items() if name in fields.FIELDS}
        needed = {"name": ""} if there else {"name": "", "country": ""}
        values, faults = fields.read(needed | given, now=self.now)
        for column, details in faults.items():
            for detail in details:
                self.fault(line, column, detail)
        if there and there.ended_at:
            self.fault(line, "name", _("%(name)s has left; take it up again first", name=there.name))
        if key in self.rows:
            self.fault(line, "name", _("the name of line %(line)d", line=self.rows[key].line))
            return
        if not key:
            return
        row = Row(line, there.id if there else new_id(), told["name"], there is None, values)
        row.serves = _parent_key(told)
        self._take_contacts(row, told, values.get("country") or (there.country if there else ""))
        self.rows[key] = row

    def _take_contacts(self, row: Row, told: Mapping[str, str], country: str) -> None:
        known = self.there.contacts.get(row.id, ())
        for at, prefix in enumerate(CONTACTS):
            given = {part: told[f"{prefix}_{part}"] for part in contacts.PARTS if f"{prefix}_{part}" in told}
            if not given:
                continue
            held = known[at] if at < len(known) else None
            before = {part: getattr(held, part) or "" for part in contacts.PARTS} if held else {}
            contact, faults = contacts.read(before | given, country=country)
            for part, details in faults.items():
                for detail in details:
                    self.fault(row.line, f"{prefix}_{part}", detail)
            if contact and not any(_is_same(each, contact) for each in known):
                row.contacts[at] = _call(held, contact, known, at)

    # --- together -------------------------------------------------------------------------------

    def place_all(self) -> None:
        """Find whom each works for, above it or below it in the file or in the register; refuse circles."""
        self.parents = {each.id: each.serves_id for each in self.there.by_key.values()}
        for row in self.rows.values():
            self.parents.setdefault(row.id, None)
            if row.serves is not None:
                self.parents[row.id] = self._parent(row)
        names = {each.id: each.name for each in self.there.by_key.values()}
        names |= {row.id: row.name for row in self.rows.values()}
        turning = circles(self.parents)
        deep = too_deep(self.parents, tree.MOST_LEVELS)
        for row in self.rows.values():
            if row.id in turning:
                way = " → ".join(names[each] for each in turning[row.id][:6])
                self.fault(row.line, "works_for", _("works for itself in a circle: %(way)s", way=way))
            elif row.id in deep:
                self.fault(row.line, "works_for", _("more than %(most)d levels deep", most=tree.MOST_LEVELS))

    def _parent(self, row: Row) -> UUID | None:
        if not row.serves:
            return None
        there, in_file = self.there.by_key.get(row.serves), self.rows.get(row.serves)
        if there and there.ended_at:
            self.fault(row.line, "works_for", _("%(name)s has left", name=there.name))
        if there:
            return there.id
        if in_file:
            return in_file.id
        self.fault(row.line, "works_for", _("there is no such processor, here or in the file"))
        return None

    def plan(self) -> Plan:
        """Part what is new from what changes and what stays."""
        by_id = {each.id: each for each in self.there.by_key.values()}
        new, changed, same = [], [], 0
        for row in self.rows.values():
            if row.new:
                new.append(row)
                continue
            row.changes = dict(self._changes(row, by_id[row.id]))
            changed += [row] if row.changes else []
            same += not row.changes
        living = sum(each.ended_at is None for each in by_id.values())
        faults = sorted(self.faults, key=lambda each: (each.line, each.column))
        return Plan(new, changed, same, living - len(changed) - same, faults, self.parents)

    def _changes(self, row: Row, there: Processor) -> Iterator[tuple[str, tuple[Any, Any]]]:
        for name, value in row.values.items():
            if (before := getattr(there, name)) != value:
                yield name, (before, value)
        if (to := self.parents[row.id]) != there.serves_id:
            yield "serves_id", (there.serves_id, to)
        for at, call in row.contacts.items():
            yield CONTACTS[at], (call.before, call.told)


def _call(held: ProcessorContact | None, told: Told, known: Sequence[ProcessorContact], at: int) -> Call:
    """All that is needed of the one held is read here: in the transaction it would be asked for anew."""
    if held is None:
        return Call(None, None, max((each.position for each in known), default=0) + at + 1, told)
    return Call(held.id, Told(held.name, held.role, held.email, held.phone), held.position, told)


def _is_same(held: ProcessorContact, told: Told) -> bool:
    return all(getattr(held, part) == getattr(told, part) for part in contacts.PARTS)


def _parent_key(told: Mapping[str, str]) -> str | None:
    if "works_for" not in told:
        return None
    key = name_key(told["works_for"])
    return "" if key in OURSELVES else key
