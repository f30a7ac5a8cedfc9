"""A person is one whatever the clock did; what is forgotten stays so; one damaged row costs nobody else."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from foundation import database
from foundation.database import db, everyone, transaction, utcnow
from incident.lists import keys, leases, parts, people, reading
from incident.models import ListState, Recipient
from incident.subject_communication import source
from tests import people as cast_people
from tests.incident import desk, lists


@pytest.fixture
def incident_id(app, cast):
    return desk.confirmed(cast)


@pytest.fixture
def clock():
    """The wall clock, put back afterwards."""
    yield database.clock
    database.clock.offset = timedelta()


@pytest.fixture
def behind(monkeypatch, clock):
    """A process whose clock is an hour behind: what it makes sorts before what is there."""
    made = database.new_id

    def fall():
        monkeypatch.setattr(parts, "new_id", lambda: type(made())(int=made().int - (3_600_000 << 80)))

    return fall


def test_a_person_is_folded_though_the_second_list_is_read_by_a_clock_that_is_behind(
    cast, incident_id, behind
):
    first = lists.read(cast, incident_id, [lists.row("Ida", "ida@kunde.example")])
    behind()
    second = lists.read(cast, incident_id, [lists.row("Ida H", "ida@kunde.example"), *lists.many(2)])

    before, folded = lists.rows(first)[0], lists.rows(second)[0]
    assert (before.folded_into_id, folded.folded_into_id) == (None, before.id)
    assert lists.of(second).folded == 1


def test_people_sort_as_their_list_does_though_the_clock_falls_behind_meanwhile(
    cast, incident_id, behind, monkeypatch
):
    monkeypatch.setattr(reading, "AT_ONCE", 2)
    made = lists.chosen(cast, incident_id, lists.many(6))
    with everyone():
        reading.read_on(made, seconds=0)  # which keeps one part at least
        behind()
    lists.work()

    kept = lists.rows(made)
    assert len(kept) == 6
    assert [each.id for each in kept] == sorted(each.id for each in kept)


def test_nothing_of_a_list_is_kept_once_its_incident_is_forgotten(cast, incident_id, monkeypatch):
    monkeypatch.setattr(reading, "AT_ONCE", 2)
    made = lists.chosen(cast, incident_id, lists.many(6))
    keep = reading._keep

    def keep_and_forget(*given):
        keep(*given)
        monkeypatch.setattr(reading, "_keep", keep)
        with transaction():
            keys.destroy(lists.incident(incident_id), why="it is over", by="Astrid", now=utcnow())

    monkeypatch.setattr(reading, "_keep", keep_and_forget)
    lists.work()

    assert lists.of(made).state == ListState.REFUSED
    assert lists.rows(made) == []


def test_a_damaged_row_keeps_nobody_else_from_being_reached(cast, incident_id, caplog):
    made = lists.read(cast, incident_id, lists.many(3))
    chosen = lists.communication(cast, incident_id)
    ids = [each.id for each in lists.rows(made)]
    with everyone(), transaction():
        row = db.session.get_one(Recipient, ids[1])
        row.sealed = row.sealed[:-1] + bytes([row.sealed[-1] ^ 1])

    with everyone():
        found = source.addresses(str(chosen.id), "email", ids)

    assert set(found) == {ids[0], ids[2]}
    assert {each.address for each in found.values()} == {"p0@kunde.example", "p2@kunde.example"}


def test_nobody_is_reached_once_the_key_is_gone_and_none_of_it_is_an_error(cast, incident_id):
    made = lists.read(cast, incident_id, lists.many(2))
    chosen = lists.communication(cast, incident_id)
    with everyone(), transaction():
        keys.destroy(lists.incident(incident_id), why="it is over", by="Astrid", now=utcnow())

    with everyone():
        assert source.addresses(str(chosen.id), "email", [each.id for each in lists.rows(made)]) == {}


def test_a_list_that_is_read_after_a_communication_went_out_is_of_no_concern_to_it(cast, incident_id):
    lists.read(cast, incident_id, lists.many(3))
    chosen = lists.communication(cast, incident_id)
    with everyone(), transaction():
        row = db.session.get_one(type(chosen), chosen.id)
        row.content_sha256 = row.approved_sha256 = "0" * 64
        row.approved_by, row.approved_at = "Bodil", utcnow()
        row.state, row.sent_at, row.sent_by = "sending", utcnow(), cast_people.ASTRID
    lists.read(cast, incident_id, lists.many(2, 10))

    with everyone():
        row = db.session.scalars(select(type(chosen)).where(type(chosen).id == chosen.id)).one()
        assert people.count(row) == len(people.after(row, None, 100)) == 3


def test_no_list_goes_in_between_the_parts_of_another_whatever_the_clock_says(
    cast, incident_id, clock, monkeypatch
):
    monkeypatch.setattr(reading, "AT_ONCE", 2)
    first = lists.chosen(cast, incident_id, lists.many(6))
    with everyone():
        reading.read_on(first, seconds=0)
    assert lists.of(first).state == ListState.READING
    clock.offset = -timedelta(hours=1)
    second = lists.chosen(cast, incident_id, lists.many(6))
    lists.work()
    clock.offset = timedelta()
    lists.work()

    assert [each.folded_into_id for each in lists.rows(first)] == [None] * 6
    assert lists.of(second).folded == 6


def test_two_lists_of_an_incident_are_never_worked_on_at_once(cast, incident_id, clock):
    first = lists.chosen(cast, incident_id, lists.many(2))
    with everyone():
        assert leases.claim(first)
    clock.offset = -timedelta(seconds=30)
    second = lists.chosen(cast, incident_id, lists.many(2))

    with everyone():
        assert leases.claim(second) is None
