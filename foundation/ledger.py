"""The evidence: append-only entries, chained by hash, written with what they record.

Each entry holds the hash of the one before it in its chain; a head per chain says where it ends, so
that neither a changed entry nor a missing tail goes unseen. Triggers refuse change and removal on
both databases. Contact data never enters: what is recorded must outlive the erasure of people.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import String, UniqueConstraint, bindparam, select, update
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database import (
    Base,
    Owned,
    before_commit,
    db,
    gathered,
    insert_rows,
    insert_unless_there,
    new_id,
    rows,
    table_of,
)

GENESIS = "0" * 64
WAITING, BEGINNING = "ledger entries to be written", "chains that begin"


class Head(Owned, Base):
    """Where a chain ends; locked while an entry is appended, so that a chain cannot fork."""

    __tablename__ = "ledger_heads"

    chain: Mapped[str] = mapped_column(String(80), primary_key=True)
    number: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))


class Entry(Owned, Base):
    """One thing that happened: who, when, why; never changed, never removed."""

    __tablename__ = "ledger_entries"
    __table_args__ = (UniqueConstraint("chain", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    chain: Mapped[str] = mapped_column(String(80))
    number: Mapped[int]
    at: Mapped[datetime]
    action: Mapped[str] = mapped_column(String(80))
    actor: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str | None]
    details: Mapped[dict[str, Any]]
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))

    def digest(self) -> str:
        """The hash this entry ought to have, from its own content and the entry before it."""
        return digest(
            previous=self.previous, chain=self.chain, number=self.number, at=self.at,
            action=self.action, actor=self.actor, reason=self.reason, details=self.details,
            organisation_id=self.organisation_id,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Broken:
    """The first place where a chain does not hold."""

    chain: str
    number: int
    why: str


def digest(**content: Any) -> str:
    """SHA-256 over the canonical JSON of an entry: sorted keys, no spaces, instants in UTC."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in the ledger")


def _settled(value: Any) -> Any:
    """The value as JSON will give it back: instants and ids as strings, tuples as lists."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, Mapping):
        return {str(name): _settled(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_settled(inner) for inner in value]
    return _plain(value)


def append(
    chain: str,
    action: str,
    *,
    organisation_id: UUID,
    actor: str,
    at: datetime,
    reason: str | None = None,
    **details: Any,
) -> None:
    """Record what happened, inside the transaction that makes it so.

    `chain` names what it is about, as "organisation/<uuid>"; `at` is an aware instant; `details` is
    JSON (instants and ids become strings) and never holds contact data. Entries are written together
    at the end of the transaction, so that a chain is locked as briefly as possible and always last.

    Raises: RuntimeError outside a transaction.
    """
    if not before_commit(_write):
        raise RuntimeError("The ledger is written inside transaction() only, with what it records.")
    line = {
        "chain": chain, "at": at.astimezone(UTC), "action": action, "actor": actor, "reason": reason,
        "details": _settled(details), "organisation_id": organisation_id,
    }  # fmt: skip
    gathered(WAITING).append(line)


def begins(chain: str) -> None:
    """Say that a chain begins in this transaction, of something that nobody else can know yet."""
    gathered(BEGINNING).append(chain)


def _write() -> None:
    """Chain and insert what waits; chains in one order, so that two transactions never wait in a ring."""
    db.session.flush()
    chains: dict[str, list[dict[str, Any]]] = {}
    for line in gathered(WAITING):
        chains.setdefault(line["chain"], []).append(line)
    _begin({chain: chains.pop(chain) for chain in gathered(BEGINNING) if chain in chains})
    for chain in sorted(chains):
        _extend(chain, chains[chain])


def _begin(chains: dict[str, list[dict[str, Any]]]) -> None:
    """Write chains that nobody else can know yet, all of them at once."""
    new = [_chained(lines, 0, GENESIS) for lines in chains.values()]
    insert_rows(Head, *(_head(entries_of[-1]) for entries_of in new))
    insert_rows(Entry, *(entry for entries_of in new for entry in entries_of))


def _extend(chain: str, lines: list[dict[str, Any]]) -> None:
    head = rows(_MOVE_ON, of=chain, more=len(lines)).first()
    if head is None:
        new = _chained(lines, 0, GENESIS)
        if insert_unless_there(Head, _head(new[-1])):
            insert_rows(Entry, *new)
            return
        # Another transaction began this chain while we waited for it.
        head = rows(_MOVE_ON, of=chain, more=len(lines)).one()
    more = _chained(lines, head.number - len(lines), head.hash)
    insert_rows(Entry, *more)
    rows(_END, of=chain, now=more[-1]["hash"])


def _chained(lines: list[dict[str, Any]], number: int, last: str) -> list[dict[str, Any]]:
    """The rows of these lines, each with the hash of the one before it, after entry `number`."""
    chained = []
    for line in lines:
        number += 1
        content = {**line, "number": number, "previous": last}
        last = digest(**content)
        chained.append({**content, "id": new_id(), "hash": last})
    return chained


def _head(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("chain", "number", "hash", "organisation_id")}


_HEADS = table_of(Head)
_THIS = _HEADS.c.chain == bindparam("of")
_MOVE_ON = (
    update(_HEADS)
    .where(_THIS)
    .values(number=_HEADS.c.number + bindparam("more"))
    .returning(_HEADS.c.number, _HEADS.c.hash)
)
_END = update(_HEADS).where(_THIS).values(hash=bindparam("now"))


def entries(chain: str) -> list[Entry]:
    """The entries of a chain, oldest first."""
    return list(db.session.scalars(select(Entry).where(Entry.chain == chain).order_by(Entry.number)))


def verify() -> list[Broken]:
    """The first break of every chain that has one, over all that the present scope may see."""
    heads = {head.chain: head for head in db.session.scalars(select(Head))}
    broken: dict[str, Broken] = {}
    expected: dict[str, tuple[int, str]] = {}
    stream = select(Entry).order_by(Entry.chain, Entry.number).execution_options(yield_per=1000)
    for entry in db.session.scalars(stream):
        number, previous = expected.get(entry.chain, (0, GENESIS))
        if entry.chain not in broken:
            broken.update(_check(entry, number + 1, previous))
        expected[entry.chain] = (entry.number, entry.hash)
    broken.update(_check_ends(heads, expected, broken))
    return list(broken.values())


def _check(entry: Entry, number: int, previous: str) -> dict[str, Broken]:
    if entry.number != number:
        return {entry.chain: Broken(entry.chain, number, "the entry is missing")}
    if entry.previous != previous:
        return {entry.chain: Broken(entry.chain, number, "it does not follow the entry before it")}
    if entry.digest() != entry.hash:
        return {entry.chain: Broken(entry.chain, number, "its content was changed after it was written")}
    return {}


def _check_ends(
    heads: dict[str, Head], ends: dict[str, tuple[int, str]], broken: dict[str, Broken]
) -> Iterator[tuple[str, Broken]]:
    for chain in heads.keys() | ends.keys():
        head, (number, hashed) = heads.get(chain), ends.get(chain, (0, GENESIS))
        if chain in broken or (head and (head.number, head.hash) == (number, hashed)):
            continue
        yield chain, Broken(chain, number + 1, "the chain ends earlier or later than its head says")
