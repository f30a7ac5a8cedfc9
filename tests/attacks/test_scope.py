"""Every question that a page puts to the database names the organisation it asks for."""

import re

import pytest
from sqlalchemy import event

from foundation.database import Base, Owned, db
from tests import people
from tests.attacks import crawling
from tests.incident import desk

OWNED = {each.class_.__tablename__ for each in Base.registry.mappers if issubclass(each.class_, Owned)}
# By these it is found out who asks, before there is an organisation to ask for.
WHO_ASKS = {"staff_members", "sign_ins"}
TABLES = re.compile(r"(?:FROM|JOIN|,) (\w+)(?: AS (\w+))?(?= |,|$|\n|\))")


@pytest.fixture
def asked(app):
    """Every SELECT from here on."""
    told = []

    def note(_connection, _cursor, statement, *_):
        told.extend([statement] if statement.startswith("SELECT") else [])

    event.listen(db.engine, "before_cursor_execute", note)
    yield told
    event.remove(db.engine, "before_cursor_execute", note)


def _unscoped(statement):
    names = {(table, alias or table) for table, alias in TABLES.findall(statement)}
    return {
        table for table, name in names
        if table in OWNED - WHO_ASKS and not re.search(rf"\b{name}\.organisation_id = ", statement)
    }  # fmt: skip


def test_no_page_asks_for_rows_of_everybody(app, cast, signed_in, asked):
    incident_id = desk.assessed(cast)
    dorthe = signed_in(people.DORTHE)
    for place in ("communications", "notes"):
        dorthe.post(f"/incidents/{incident_id}/{place}", data={"text": "Hello."})
    asked.clear()

    visited = [address for address, _answer in crawling.pages(dorthe)]

    assert len(visited) >= 20
    assert len(asked) >= 100
    assert not {table for each in asked for table in _unscoped(each)}
