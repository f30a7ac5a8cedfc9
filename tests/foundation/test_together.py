"""What arrives together is committed together, and each answers for itself alone."""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError

from accounts.models import Organisation
from foundation.database import (
    db,
    insert_at_end,
    insert_rows,
    insert_waiting,
    new_id,
    part,
    ready,
    together,
    transaction,
)
from foundation.database.together import MOST, committed
from tests.accounts import small_app

MANY = MOST * 2


class Fails(Exception):
    """Whatever may go wrong."""


@pytest.fixture(autouse=True)
def app(tmp_path):
    app = small_app.make(tmp_path)
    with app.app_context():
        yield app


@pytest.fixture
def commits(app):
    """How many transactions were committed."""
    counted = []
    event.listen(db.engine, "commit", counted.append)
    return counted


def row(key):
    known = db.session.scalars(select(Organisation)).first()
    named = {each.name: getattr(known, each.name) for each in Organisation.__table__.columns}
    return named | {"id": new_id(), "key": key}


def keys():
    db.session.rollback()
    return set(db.session.scalars(select(Organisation.key)))


def in_threads(app, works):
    """Do each in a thread of its own, all waiting for the same turn; returns outcomes, errors among them."""

    def do(work):
        with app.app_context():
            try:
                return committed(work, locks="x")
            except BaseException as trouble:  # noqa: BLE001  looked at by the test
                return trouble
            finally:
                db.session.remove()

    db.session.rollback()
    with ThreadPoolExecutor(len(works)) as pool:
        together._lead.acquire()
        running = [pool.submit(do, work) for work in works]
        while len(together._waiting) < len(works):
            threading.Event().wait(0.001)
        together._lead.release()
        return [each.result(30) for each in running]


def insert(key, returns=None):
    made = row(key)

    def act():
        insert_rows(Organisation, made)
        return returns

    return act


def test_each_gets_its_own_answer_and_all_is_committed(app):
    works = [insert(f"o{number}", returns=number) for number in range(MANY)]

    assert in_threads(app, works) == list(range(MANY))
    assert {f"o{number}" for number in range(MANY)} <= keys()


def test_a_burst_costs_few_commits(app, commits):
    works = [insert(f"o{number}") for number in range(MANY)]
    commits.clear()

    in_threads(app, works)

    assert len(commits) < MANY / 4


def test_one_that_fails_costs_the_others_nothing(app):
    works = [insert("same"), insert("o1"), insert("same"), insert("o2")]

    outcomes = in_threads(app, works)

    assert sorted(type(each).__name__ for each in outcomes) == [
        "IntegrityError",
        "NoneType",
        "NoneType",
        "NoneType",
    ]
    assert {"same", "o1", "o2"} <= keys()


def test_a_fault_of_one_is_its_own(app):
    def fails():
        raise ZeroDivisionError

    first, second = in_threads(app, [fails, insert("o1", returns="well")])

    assert (type(first), second) == (ZeroDivisionError, "well")
    assert "o1" in keys()


def test_what_was_taken_along_by_one_who_is_killed_is_done_by_its_own(app):
    def killed():
        raise SystemExit

    leader, taken_along = together._Work(killed, "a"), together._Work(insert("o1", returns="well"), "b")
    together._waiting.append(taken_along)
    with together._lead, pytest.raises(SystemExit):
        together._do(leader)
    assert not taken_along.ended

    with together._lead:
        together._do(taken_along)

    assert taken_along.outcome() == "well"
    assert "o1" in keys()


def test_a_database_that_cannot_is_asked_once_and_tells_all(app):
    asked = []

    def cannot():
        asked.append(1)
        raise OperationalError("INSERT", None, Exception("disk full"), connection_invalidated=True)

    outcomes = in_threads(app, [cannot, *[insert(f"o{number}") for number in range(5)]])

    assert [type(each) for each in outcomes] == [OperationalError] * 6
    assert len(asked) == 1
    assert not keys() & {f"o{number}" for number in range(5)}


def test_who_is_locked_out_alone_keeps_no_other_waiting_for_the_same(app):
    asked = []

    def locked_out():
        asked.append(1)
        raise OperationalError("UPDATE", None, Exception("lock timeout"))

    works = [together._Work(locked_out, "a") for _ in range(4)]
    together._each_alone(works)

    assert len(asked) == 1
    assert [type(each.trouble) for each in works] == [OperationalError] * 4


def test_who_waits_too_long_for_the_turn_is_told_so_and_writes_nothing(app, monkeypatch):
    monkeypatch.setattr(together, "PATIENCE", 0.01)
    act = insert("late")
    with together._lead, pytest.raises(OperationalError, match="Others write"):
        committed(act, locks="x")

    assert "late" not in keys()
    assert not together._waiting


def test_what_is_done_together_locks_in_one_order(app):
    order = []

    def noting(key):
        return lambda: order.append(key)

    def lead(own, *others):
        works = [together._Work(noting(key), key) for key in (own, *others)]
        together._waiting.extend(works)
        with together._lead:
            together._do(works[0])

    lead("c", "a", "b")

    assert order == ["a", "b", "c"]


def test_rows_left_for_the_end_go_in_with_one_statement_for_each_kind():
    statements = []
    event.listen(db.engine, "before_cursor_execute", lambda _con, _cur, text, *_: statements.append(text))

    with transaction():
        for key in ("o1", "o2", "o3"):
            insert_at_end(ready(Organisation, row(key)))

    assert len([text for text in statements if "INSERT INTO organisations" in text]) == 1
    assert {"o1", "o2", "o3"} <= keys()


def fail_after(*acts):
    with part():
        for act in acts:
            act()
        raise Fails


def test_what_a_part_inserted_past_the_session_goes_with_it_and_nothing_else_does():
    before, within = insert("before"), insert("in it")
    with transaction():
        before()
        with pytest.raises(Fails):
            fail_after(within)

    assert "before" in keys()
    assert "in it" not in keys()


def test_a_part_that_fails_leaves_what_waited_before_it_waiting():
    before, within = (ready(Organisation, row(key)) for key in ("before", "in it"))
    with transaction():
        insert_at_end(before)
        with pytest.raises(Fails):
            fail_after(partial(insert_at_end, within), insert_waiting)

    assert "before" in keys()
    assert "in it" not in keys()


def test_rows_for_the_end_of_no_transaction_are_refused():
    with transaction():
        made = ready(Organisation, row("o1"))

    with pytest.raises(RuntimeError, match="inside transaction"):
        insert_at_end(made)
