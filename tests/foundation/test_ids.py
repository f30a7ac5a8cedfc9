"""A thousand ids are asked for as one value, by the index that has them."""

import pytest
from sqlalchemy import event, select

from accounts.models import Organisation
from foundation.database import db, everyone, new_id
from foundation.database.ids import one_of
from incident.lists import people
from incident.models import Recipient


@pytest.mark.parametrize("size", [0, 1, 3, 5_000])
def test_whoever_has_one_of_the_ids_is_found_and_nobody_else(app, cast, size):
    ours = sorted(cast.organisations.values())[: min(size, 2)]
    some = [*ours, *(new_id() for _ in range(size - len(ours)))]
    with everyone():
        found = db.session.scalars(
            select(Organisation.id).where(one_of(Organisation.id, "some")), {"some": some}
        )
        assert sorted(found) == ours


@pytest.mark.parametrize(("at", "index"), [(0, "autoindex"), (1, "folded_into_id")])
def test_addresses_of_a_group_are_found_without_going_through_the_people_of_their_incident(app, at, index):
    if db.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL decides by what stands in the table")
    asked: list[tuple[str, object]] = []

    def listen(*told: object) -> None:
        asked.append(told[2:4])

    event.listen(db.engine, "before_cursor_execute", listen)
    with everyone():
        db.session.execute(people._SEALED[at], {"some": [new_id() for _ in range(1_000)]}).all()
        event.remove(db.engine, "before_cursor_execute", listen)
        statement, bound = asked[-1]
        plan = db.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", bound).all()

    ways = [each.detail for each in plan if Recipient.__tablename__ in each.detail]
    assert len(ways) == 1
    assert "SEARCH" in ways[0]
    assert index in ways[0]
