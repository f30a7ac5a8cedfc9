"""Many ids as one value: looking at a thousand of them, one by one, takes as long as finding their rows."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, Dialect, String, Uuid, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine


class _Ids(TypeDecorator[Sequence[UUID]]):
    """Ids as the driver takes them together: JSON for SQLite, which has no arrays."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else ARRAY(Uuid()))

    def process_bind_param(self, value: Sequence[UUID] | None, dialect: Dialect) -> Any:
        given = value or []
        return json.dumps([each.hex for each in given]) if dialect.name == "sqlite" else list(given)


class _OneOf(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True
    name = "one_of"

    def self_group(self, against: Any = None) -> "_OneOf":
        """As it stands: compared with 1, as SQLite is told what is true, no index would serve it."""
        return self


def one_of(column: Any, name: str) -> "_OneOf":
    """Whether a column is one of the ids that are bound as `name` when the statement runs."""
    return _OneOf(column, bindparam(name, type_=_Ids()))


@compiles(_OneOf, "sqlite")
def _on_sqlite(element: _OneOf, compiler: Any, **told: Any) -> str:
    column, ids = element.clauses
    bound = compiler.process(ids, **told)
    return f"{compiler.process(column, **told)} IN (SELECT value FROM json_each({bound}))"  # noqa: S608  bound


@compiles(_OneOf, "postgresql")
def _on_postgresql(element: _OneOf, compiler: Any, **told: Any) -> str:
    column, ids = element.clauses
    return f"{compiler.process(column, **told)} = ANY({compiler.process(ids, **told)})"
