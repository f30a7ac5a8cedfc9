"""People who stood on the list of one communication stand on a list of its incident, and go back there."""

from contextlib import contextmanager

import pytest
from alembic import command
from sqlalchemy import text

from foundation import encryption
from foundation.database import db, everyone, migrating, transaction
from incident.lists import keys, people
from incident.models import ListState, RecipientList, SubjectCommunication
from tests.incident import desk, lists

ROWS = text("SELECT name, email, phone, locale, position, person_index FROM recipients ORDER BY position")


@contextmanager
def alembic(app):
    db.session.remove()
    with db.engine.connect() as connection:
        yield migrating.alembic(app.config["DATA"] / "migrations", connection)
        connection.commit()


def to(app, revision):
    with alembic(app) as config:
        (command.downgrade if revision == "0025" else command.upgrade)(config, revision)
    db.session.remove()


def written(told):
    """The rows of the former table, opened."""
    opened = encryption.keyring.decrypt
    return [
        tuple(opened(bytes(cell)).decode() if cell else None for cell in each[:3]) + tuple(each[3:])
        for each in told
    ]


@pytest.fixture
def moved(app, cast):
    """An approved communication of the release before, taken back and up again: (its rows, its id)."""
    incident_id = desk.confirmed(cast)
    made = lists.read(cast, incident_id, [*lists.many(3), lists.row("Ole", "", "20123456", "sv")])
    lists.read(cast, incident_id, lists.many(1, 50))
    chosen = lists.communication(cast, incident_id, lists=[str(made)]).id
    with everyone(), transaction():
        told = db.session.get_one(SubjectCommunication, chosen)
        told.state, told.approved_sha256, told.approved_at = "approved", told.content_sha256, told.drafted_at
    to(app, "0025")
    with db.engine.connect() as connection:
        before = written(connection.execute(ROWS).all())
    to(app, "head")
    return before, chosen, incident_id


def test_people_go_back_to_the_communication_that_picked_them(moved):
    before, _chosen, _incident_id = moved

    assert [each[:5] for each in before] == [
        *[(f"Person {at}", f"p{at}@kunde.example", f"+4520{at + 100_001}", ("da", "sv", "nb")[at], at + 1)
          for at in range(3)],
        ("Ole", None, "+4520123456", "sv", 4),
    ]  # fmt: skip
    assert [each[5] for each in before] == [
        encryption.blind_index(each[1] or each[2]) for each in before
    ]  # fmt: skip


def test_people_of_a_communication_become_a_list_and_nothing_else_does(moved):
    _before, chosen, incident_id = moved
    with everyone():
        communication = db.session.get_one(SubjectCommunication, chosen)
        kept = db.session.scalars(people.select(RecipientList)).one()
        found = people.after(communication, None, 10)
        contacts = people.contacts(incident_id, [each.id for each in found])

        assert (kept.state, kept.people, kept.number) == (ListState.READ, 4, 1)
        assert communication.selection == {"lists": [str(kept.id)]}
        assert communication.state == "draft"
        assert communication.approved_at is None
        assert [contacts[each.id].name for each in found] == ["Person 0", "Person 1", "Person 2", "Ole"]
        assert [each.ways for each in found] == [3, 3, 3, 2]
        found = people.find(lists.incident(incident_id), "P1@kunde.example")
        assert [each.line for each in found] == [2]


def test_a_new_list_is_folded_into_people_who_were_there_before(cast, moved):
    _before, _chosen, incident_id = moved
    made = lists.read(cast, incident_id, lists.many(5))

    assert lists.of(made).folded == 3


def test_addresses_that_were_forgotten_do_not_come_back(app, cast):
    incident_id = desk.confirmed(cast)
    lists.read(cast, incident_id, lists.many(3))
    lists.communication(cast, incident_id)
    with everyone(), transaction():
        keys.destroy(lists.incident(incident_id), why="time is over", by="A", now=lists.utcnow())
    to(app, "0025")
    with db.engine.connect() as connection:
        assert connection.execute(ROWS).all() == []
    to(app, "head")
