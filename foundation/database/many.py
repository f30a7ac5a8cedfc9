"""Many rows of one kind, column by column: what all share is said once, and no dictionary made for each.

Where some thousand rows go in at a time, making a dictionary of each and copying it costs as much as the
database does. Columns are bound as everywhere else, and handed to the driver as plain tuples.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from typing import Any

from sqlalchemy import Connection, Dialect, LargeBinary, SmallInteger, String, Table, Uuid

from foundation.database import Base, db, table_of
from foundation.database.inserts import MANY, Into

_PLAIN = (LargeBinary, SmallInteger, String)  # both drivers take these as they are


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows bound for the driver, to be inserted when the time has come; for `insert_ready`."""

    text: str
    copies: str
    bound: list[tuple[Any, ...]]

    def __len__(self) -> int:
        return len(self.bound)

    def insert(self, connection: Connection) -> int:
        """Insert them; returns how many went in."""
        if not self.bound:
            return 0
        if not self.copies or len(self.bound) < MANY:
            connection.exec_driver_sql(self.text, self.bound)
            return len(self.bound)
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(self.copies) as copy:
            for row in self.bound:
                copy.write_row(row)
        return len(self.bound)


NONE = Rows("", "", [])


def ready_many(model: type[Base], every: Mapping[str, Any], columns: Mapping[str, Sequence[Any]]) -> Rows:
    """Rows of which `every` names what is the same in all, and `columns` the rest, all of one length.

    Nothing is filled in: defaults of the model are not known here. An id may be given as its 32 hexadecimal
    digits, which both databases take and which costs a third of a UUID.
    """
    dialect = db.engine.dialect
    table = table_of(model)
    text, copies = _written(table, (*every, *columns), dialect)
    length = len(next(iter(columns.values())))
    same = (
        repeat(next(iter(_bound(table, name, (value,), dialect))), length) for name, value in every.items()
    )
    each = (_bound(table, name, values, dialect) for name, values in columns.items())
    return Rows(text, copies, list(zip(*same, *each, strict=True)))


def _bound(table: Table, name: str, values: Sequence[Any], dialect: Dialect) -> Iterable[Any]:
    into = _binder(table, name, dialect)
    if into is None or (isinstance(table.c[name].type, Uuid) and isinstance(values[0], str)):
        return values
    return [into(each) for each in values]


@cache
def _binder(table: Table, name: str, dialect: Dialect) -> Into | None:
    kind = table.c[name].type
    return None if type(kind) in _PLAIN else kind.dialect_impl(dialect).bind_processor(dialect)


@cache
def _written(table: Table, columns: tuple[str, ...], dialect: Dialect) -> tuple[str, str]:
    here = dialect.identifier_preparer
    names, into = ", ".join(map(here.quote, columns)), here.format_table(table)
    on_sqlite = dialect.name == "sqlite"
    marks = ", ".join(["?" if on_sqlite else "%s"] * len(columns))
    insert = f"INSERT INTO {into} ({names}) VALUES ({marks})"  # noqa: S608  names of our own model alone
    return insert, "" if on_sqlite else f"COPY {into} ({names}) FROM STDIN"
