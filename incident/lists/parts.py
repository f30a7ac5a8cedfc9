"""A part of a list as rows of the database: people sealed, faults masked, counts and hash carried on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, NamedTuple
from uuid import UUID

from foundation.database import Ready, new_id, ready
from foundation.database.many import NONE, Rows, ready_many
from incident.lists.contacts import written
from incident.lists.keys import Key
from incident.models import Recipient, RecipientList, RowFault, Ways
from incident.recipient_lists import FlawKind, Row
from incident.recipient_lists.columns import Columns
from incident.recipient_lists.faults import Code, Fault, masked
from incident.recipient_lists.rows import Known, Person, Reader

# What is wrong with a cell that nobody reads keeps nobody out; these say that cells may have moved.
_OF_THE_ROW: Final = frozenset({FlawKind.MISPLACED, FlawKind.OPEN_QUOTE})
_SHOWN: Final = 40
_KEYS: Final = ("email_key", "phone_key", "post_key", "own_key")
_EMAIL, _SMS, _LETTER = Ways.EMAIL.value, Ways.SMS.value, Ways.LETTER.value  # an enum looks each up anew


@dataclass(slots=True)
class Part:
    """Rows to be inserted together; `line` is that of the last one."""

    line: int
    people: Rows = NONE
    faults: list[dict[str, Any]] = field(default_factory=list)

    def ready(self) -> list[Ready | Rows]:
        """The rows bound for the driver, before any lock is taken."""
        bound: list[Ready | Rows] = [self.people] if self.people else []
        return [*bound, ready(RowFault, *self.faults)] if self.faults else bound


class _Flawed(NamedTuple):
    """A row that could not be taken from the file as it stands; as `Fault`."""

    line: int
    column: str
    code: FlawKind
    shown: str = ""
    keeps_out: bool = True


class Reading:
    """Where the reading of a list stands, and how its rows are read."""

    NOBODY: Final = sha256().hexdigest()

    def __init__(self, kept: RecipientList, key: Key, last: UUID | None) -> None:
        """`last` is the last person of the incident: who comes now sorts behind, whatever a clock says."""
        self.people, self.faulty, self.noted = kept.people, kept.faulty, kept.noted
        self.file_bytes = kept.file_bytes
        self._key, self._id, self.incident_id = key, kept.id, kept.incident_id
        self._organisation_id = kept.organisation_id
        self._columns = Columns(tuple(kept.header), tuple(kept.columns))
        self._reader = Reader(self._columns, Known(kept.country, kept.locale))
        self._digest = bytes.fromhex(kept.rows_sha256 or "")
        self._last = last.int if last else 0

    @property
    def sha256(self) -> str | None:
        """The hash over the people so far, each row over the hash before it: parts make no difference."""
        return self._digest.hex() or None

    def next(self, rows: Iterable[Row]) -> Part | None:
        """The next rows as a part; None where there are none."""
        part, row = Part(0), None
        people: list[Person] = []
        for row in rows:
            told = self._told(row)
            if isinstance(told, Person):
                people.append(told)
                if told.noted:
                    self._note(part, told.noted)
            else:
                self.faulty += 1
                self._note(part, told)
            if row.hidden:
                self._note(part, (Fault(row.line, "", Code.HIDDEN),))
        if row is None:
            return None
        part.line = row.line
        if people:
            part.people = self._ready(people)
            self.people += len(people)
        return part

    def _told(self, row: Row) -> "Person | tuple[Fault | _Flawed, ...]":
        if row.flaws and (found := tuple(self._flaws(row))):
            return found
        return self._reader.read(row.line, row.cells)

    def _flaws(self, row: Row) -> "Iterable[_Flawed]":
        for flaw in row.flaws:
            at = flaw.column
            if at is None or at >= len(self._columns.fields):
                yield _Flawed(row.line, "", flaw.kind)
            elif (named := self._columns.fields[at]) or flaw.kind in _OF_THE_ROW:
                yield _Flawed(row.line, named, flaw.kind, masked(row.cells[at]))

    def _ready(self, people: Sequence[Person]) -> Rows:
        """The rows of people, column by column: what is done for each is done a million times."""
        key, digest = self._key, self._digest
        by_email, by_phone, by_post, by_own = map(key.hashing, ("email", "phone", "post", "own"))
        plain, proofs, keys = [], [], []
        for each in people:
            one = written(each)
            about = _about(
                each.language, each.country, each.group, each.protected_address,
                each.national_id_with_financial,
            )  # fmt: skip
            proof = key.proof(one + about)
            digest = sha256(digest + proof).digest()
            plain.append(one)
            proofs.append(proof)
            email, phone, own_id, post = each.keys
            keys.append(
                (
                    by_email(email) if email else None, by_phone(phone) if phone else None,
                    by_post(f"{post}|{own_id}") if post else None, by_own(own_id) if own_id else None,
                )
            )  # fmt: skip
        self._digest = digest
        # Ids of rows follow each other: they sort as the list does, and behind all that were there before.
        first = max(new_id().int, self._last + 1)
        self._last = first + len(people)
        every = {
            "organisation_id": self._organisation_id, "incident_id": self.incident_id, "list_id": self._id,
        }  # fmt: skip
        columns: dict[str, Sequence[Any]] = {
            "id": [f"{at:032x}" for at in range(first, self._last)],
            "line": [each.line for each in people], "locale": [each.language for each in people],
            "country": [each.country for each in people], "group": [each.group for each in people],
            "ways": [_ways(each) for each in people],
            "protected": [each.protected_address for each in people],
            "financial": [each.national_id_with_financial for each in people],
            "sealed": key.seal_many(plain), "sha256": proofs,
        }  # fmt: skip
        return ready_many(Recipient, every, columns | dict(zip(_KEYS, zip(*keys, strict=True), strict=True)))

    def _note(self, part: Part, faults: "Iterable[Fault | _Flawed]") -> None:
        for each in faults:
            keeps_out = each.keeps_out
            self.noted += not keeps_out
            part.faults.append(
                {
                    "id": new_id(), "organisation_id": self._organisation_id, "list_id": self._id,
                    "line": each.line, "column": each.column, "code": str(each.code),
                    "shown": each.shown[:_SHOWN], "keeps_out": keeps_out,
                }
            )  # fmt: skip


@lru_cache(maxsize=4096)
def _about(*told: str | bool | None) -> bytes:
    """What is proved of a row beside what is sealed; of many rows it is the same."""
    return repr(told).encode()


def _ways(person: Person) -> int:
    address = person.address
    return (
        (_EMAIL if person.email else 0)
        | (_SMS if person.phone else 0)
        | (_LETTER if address and address.whole else 0)
    )
