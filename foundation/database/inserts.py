"""Inserts made ready once per table and columns, and handed to the driver as they are.

SQLAlchemy works out anew with every statement what it is and whether it knows it; on the way of a report
that costs more than the database does. Here it writes the statement once; types bind as everywhere else.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.dialects import postgresql, sqlite

Into = Callable[[Any], Any]
MANY = 500  # rows from which on a COPY is worth its beginning


class Insertable(Protocol):
    """Rows bound for the driver, to be inserted when the time has come."""

    def insert(self, connection: Connection) -> int:
        """Insert them; returns how many went in."""


@dataclass(frozen=True, slots=True)
class Insert:
    """An insert as the driver takes it: its text, what binds columns that need it, what fills others."""

    text: str
    binds: tuple[tuple[str, Into], ...]
    fills: tuple[tuple[str, Callable[[], Any]], ...]
    copies: str = ""  # the same as a COPY, for PostgreSQL to take many at once

    def of(self, rows: Sequence[Mapping[str, Any]]) -> "Ready":
        """These rows, which all name the columns it was made for, bound and waiting to be inserted."""
        made = [dict(row) for row in rows]
        for name, fill in self.fills:
            for each in made:
                each[name] = fill()
        for name, bind in self.binds:
            _bind(made, name, bind)
        return Ready(self.text, made, self.copies)


def _bind(rows: Sequence[dict[str, Any]], name: str, bind: Into) -> None:
    """Bind a column; what many rows share, such as whose they are, is bound once."""
    last: Any = _NOTHING
    bound: Any = None
    for row in rows:
        value = row[name]
        if value is not last:
            last, bound = value, bind(value)
        row[name] = bound


_NOTHING = object()


@dataclass(frozen=True, slots=True)
class Ready:
    """Rows bound for the driver, to be inserted when the time has come."""

    text: str
    bound: list[dict[str, Any]]
    copies: str = ""

    def insert(self, connection: Connection) -> int:
        """Insert them; returns how many went in."""
        if not self.bound:
            return 0
        if self.copies and len(self.bound) >= MANY:
            return self._copy(connection)
        given = self.bound[0] if len(self.bound) == 1 else self.bound
        return connection.exec_driver_sql(self.text, given, execution_options=_COUNTED).rowcount

    def _copy(self, connection: Connection) -> int:
        """Hand them over as PostgreSQL takes many fastest; everything is checked as in an insert."""
        driver: Any = connection.connection.driver_connection
        names = tuple(self.bound[0])  # others may name them in another order
        with driver.cursor() as cursor:
            with cursor.copy(self.copies) as copy:
                for row in self.bound:
                    copy.write_row([row[name] for name in names])
            return int(cursor.rowcount)


_COUNTED = {"preserve_rowcount": True}


@cache
def insert_into(table: Table, columns: tuple[str, ...], dialect: Dialect, *, unless_there: bool) -> Insert:
    """The insert of these columns; with `unless_there` rows that a unique index holds already stay out."""
    filled = tuple(
        each.name for each in table.columns if each.default is not None and each.name not in columns
    )
    here = sqlite.dialect(paramstyle="named") if dialect.name == "sqlite" else dialect
    statement = (sqlite if dialect.name == "sqlite" else postgresql).insert(table)
    if unless_there:
        statement = statement.on_conflict_do_nothing()
    text = str(statement.compile(dialect=here, column_keys=[*columns, *filled]))
    binders = ((name, _binder(table, name, here)) for name in (*columns, *filled))
    binds = tuple((name, binder) for name, binder in binders if binder is not None)
    copies = ""
    if dialect.name == "postgresql" and not unless_there:
        quoted = ", ".join(map(dialect.identifier_preparer.quote, (*columns, *filled)))
        copies = f"COPY {dialect.identifier_preparer.format_table(table)} ({quoted}) FROM STDIN"
    return Insert(text, binds, tuple((name, _filler(table, name)) for name in filled), copies)


def _binder(table: Table, name: str, dialect: Dialect) -> Into | None:
    return table.c[name].type.dialect_impl(dialect).bind_processor(dialect)


def _filler(table: Table, name: str) -> Callable[[], Any]:
    default = table.c[name].default
    given = getattr(default, "arg", None)
    return (lambda: given(None)) if callable(given) else (lambda: given)
