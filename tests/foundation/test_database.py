"""Written inside a transaction or not at all; nobody's rows but one's own."""

import threading
from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import OperationalError, StatementError

from accounts import people
from accounts.models import Organisation, Role, StaffMember
from foundation import database
from foundation.database import ScopeMissing, acting_for, db, everyone, new_id, transaction, utcnow
from tests.accounts import small_app


@pytest.fixture(autouse=True)
def app(tmp_path):
    app = small_app.make(tmp_path)
    with app.app_context():
        yield app


def promark():
    return people.organisation("promark")


def softwerk():
    return people.organisation("softwerk")


def names():
    return list(db.session.scalars(select(StaffMember.name).order_by(StaffMember.name)))


# --- time -----------------------------------------------------------------------------------------


def test_an_instant_without_a_zone_is_not_stored():
    with pytest.raises(StatementError, match="without a zone"), transaction() as session:
        session.execute(update(Organisation).values(created_at=datetime(2026, 1, 1)))  # noqa: DTZ001


def test_an_instant_comes_back_in_utc_and_is_the_same():
    at = datetime(2026, 3, 29, 3, 30, tzinfo=timezone(timedelta(hours=2)))
    with transaction() as session:
        session.execute(update(Organisation).values(created_at=at))

    told = db.session.scalar(select(Organisation.created_at))
    assert told == at
    assert told.tzinfo is UTC


def test_a_moved_clock_moves_now(monkeypatch, tmp_path):
    file = tmp_path / "offset"
    file.write_text("3600")
    monkeypatch.setattr(database.clock, "file", file)

    assert utcnow() - datetime.now(UTC) > timedelta(minutes=59)


def test_ids_sort_by_the_time_they_were_made():
    ids = [new_id() for _ in range(100)]

    assert ids == sorted(ids)
    assert {each.version for each in ids} == {7}


# --- writing --------------------------------------------------------------------------------------


def test_a_change_outside_a_transaction_is_refused():
    promark().name = "Somebody else"

    with pytest.raises(RuntimeError, match="inside transaction"):
        db.session.flush()


def test_what_fails_leaves_nothing_behind():
    def half():
        with transaction():
            people.known_by_email("astrid@promark.test").name = "Half"
            db.session.flush()
            raise InterruptedError

    with everyone(), pytest.raises(InterruptedError):
        half()

    with everyone():
        assert people.known_by_email("astrid@promark.test").name == "Astrid Holm"


def test_a_transaction_within_another_is_refused():
    with transaction(), pytest.raises(RuntimeError, match="only the edge"), transaction():
        pass


def test_what_was_to_follow_a_commit_follows_once_and_only_a_commit():
    done = []

    def ring():
        done.append("rung")

    def fail():
        with transaction():
            database.after_commit(ring)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail()
    assert done == []

    with transaction():
        database.after_commit(ring)
        database.after_commit(ring)
        assert done == []
    with transaction():
        pass
    assert done == ["rung"]


def test_forty_who_count_at_once_lose_no_number(app):
    def count():
        with app.app_context():
            for _ in range(10):
                with transaction() as session:
                    row = session.scalar(
                        select(Organisation).where(Organisation.key == "promark").with_for_update()
                    )
                    row.incident_counter += 1

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    db.session.rollback()
    assert promark().incident_counter == 40


# --- one organisation at a time -------------------------------------------------------------------


def test_rows_asked_for_without_saying_for_whom_are_refused():
    with pytest.raises(ScopeMissing):
        names()


def test_each_organisation_sees_its_own_staff_and_the_system_sees_all():
    with acting_for(softwerk().id):
        assert names() == ["Eskil Ek"]
    with acting_for(promark().id):
        assert "Eskil Ek" not in names()
    with everyone():
        assert len(names()) == 6


def test_nobody_looks_across_by_id_by_count_by_join_or_by_alias():
    with everyone():
        astrid = people.known_by_email("astrid@promark.test").id
    db.session.rollback()
    db.session.expunge_all()

    with acting_for(softwerk().id):
        assert db.session.get(StaffMember, astrid) is None
        assert db.session.scalar(select(func.count(StaffMember.id))) == 1
        joined = select(StaffMember.name).join(Organisation, Organisation.id == StaffMember.organisation_id)
        assert db.session.scalars(joined).all() == ["Eskil Ek"]
        other = db.aliased(StaffMember)
        assert db.session.scalars(select(other.name)).all() == ["Eskil Ek"]


def test_nobody_changes_or_removes_across():
    with acting_for(softwerk().id), transaction() as session:
        session.execute(update(StaffMember).values(role=Role.NONE))
        session.execute(delete(StaffMember).where(StaffMember.name == "Astrid Holm"))

    with everyone():
        assert people.known_by_email("astrid@promark.test").role is Role.RESPONDER
        assert people.known_by_email("eskil@softwerk.test").role is Role.NONE


def test_nobody_writes_a_row_for_another_organisation():
    mine, theirs = softwerk().id, promark().id
    with (
        pytest.raises(RuntimeError, match="another organisation"),
        acting_for(mine),
        transaction() as session,
    ):
        session.add(
            StaffMember(
                organisation_id=theirs, name="Mole", email="mole@softwerk.test", role=Role.DPO,
                locale="sv", fs_uniquifier=uuid4().hex, created_at=utcnow(),
            )
        )  # fmt: skip


def test_the_scope_of_one_thread_is_not_that_of_another(app):
    seen = []

    def look():
        with app.app_context():
            try:
                names()
            except ScopeMissing:
                seen.append("refused")

    with everyone():
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()

    assert seen == ["refused"]


# --- writers queue --------------------------------------------------------------------------------


def test_a_writer_that_others_keep_waiting_is_told_so_after_a_while(monkeypatch, app):
    if db.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL lets many write at once")
    monkeypatch.setattr(database, "PATIENCE", 0.05)
    refused = []

    def write():
        with (
            app.app_context(),
            pytest.raises(OperationalError, match="Others write") as caught,
            transaction(),
        ):
            pass
        refused.append(caught.value)

    with transaction():
        other = threading.Thread(target=write)
        other.start()
        other.join()

    assert refused
    with transaction():
        pass  # and nobody is kept waiting afterwards


def test_rows_by_table_are_written_inside_a_transaction_only():
    with pytest.raises(RuntimeError, match="inside transaction"):
        database.insert_rows(Organisation, {"key": "elsewhere"})
