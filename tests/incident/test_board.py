"""The board: what is open, by time left, with what is next and what went wrong."""

import re
from contextlib import contextmanager

from sqlalchemy import event, select

from foundation.database import acting_for, db, transaction, utcnow
from notifications.models import Message
from tests import people
from tests.incident import desk


@contextmanager
def counted():
    """The queries that went to the database."""
    seen = []

    def note(_connection, _cursor, statement, *_rest):
        if statement.startswith("SELECT"):
            seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def tiles(page):
    found = re.findall(r"in-tile[^>]*>\s*<strong>(\d+)</strong> <span>([^<]+)", page)
    return {label: int(count) for count, label in found}


def test_an_empty_board_says_what_to_do(app, cast, signed_in):
    board = signed_in(people.ASTRID).get("/").text

    assert "Nothing is open" in board
    assert "/reports/new" in board


def test_the_board_shows_law_and_promise_side_by_side(app, cast, signed_in):
    desk.reported(cast)

    board = signed_in(people.ASTRID).get("/").text

    assert "Authority, by law" in board
    assert "Authority, our promise" in board
    assert board.count('role="timer"') == 2
    assert "provisional" in board
    assert "HostCo ApS" in board


def test_the_incident_with_the_least_time_left_comes_first(app, cast, signed_in, clock):
    desk.reported(cast, reference="1", title="The older one")
    clock.move(hours=1)
    desk.reported(cast, reference="2", title="The newer one")

    board = signed_in(people.ASTRID).get("/").text

    assert board.index("The older one") < board.index("The newer one")


def test_the_next_step_and_whose_it_is_stand_on_the_board(app, cast, signed_in):
    desk.reported(cast)

    board = signed_in(people.ASTRID).get("/").text

    assert "Reach whoever is on call" in board
    assert "on call" in board


def test_what_is_due_at_once_reads_as_late_only_after_its_first_minutes(app, cast, signed_in, clock):
    desk.reported(cast)
    browser = signed_in(people.ASTRID)

    clock.move(seconds=20)
    fresh = browser.get("/").text
    clock.move(minutes=16)
    old = browser.get("/").text

    assert re.search(r"Reach whoever is on call</strong>, on call, now\b", fresh)
    assert re.search(r"Reach whoever is on call</strong>, on call, 16 min late", old)


def test_the_board_takes_as_many_queries_for_twelve_incidents_as_for_two(app, cast, signed_in):
    browser = signed_in(people.DORTHE)
    for number in range(2):
        desk.confirmed(cast, reference=f"first-{number}")
    browser.get("/")
    with counted() as few:
        browser.get("/")
    for number in range(10):
        desk.confirmed(cast, reference=f"more-{number}")
    with counted() as many:
        board = browser.get("/").text

    assert board.count("in-card__what") == 12
    assert len(many) == len(few)


def test_tiles_count_what_is_overdue_and_what_nobody_has(app, cast, signed_in, clock):
    desk.reported(cast, reference="1")
    browser = signed_in(people.ASTRID)
    assert tiles(browser.get("/").text) == {
        "overdue": 0, "due within 24 h": 1, "called, and nobody has it": 1, "reports to read by hand": 0,
    }  # fmt: skip

    clock.move(hours=5)
    browser = signed_in(people.ASTRID)

    assert tiles(browser.get("/").text)["overdue"] == 1


def test_a_message_that_reached_nobody_marks_its_incident(app, cast, signed_in):
    desk.reported(cast)
    with acting_for(cast.promark), transaction():
        db.session.scalars(select(Message)).first().wants_person_at = utcnow()

    assert "1 not reached" in signed_in(people.ASTRID).get("/").text


def test_the_countdown_is_there_without_javascript(app, cast, signed_in):
    desk.reported(cast)

    board = signed_in(people.ASTRID).get("/").text

    assert re.search(r"data-left>2 d 23 h left<", board)


def test_what_a_reporter_wrote_cannot_become_part_of_the_page(app, cast, signed_in):
    desk.reported(cast, title="<script>alert(1)</script>", description='"><img src=x onerror=alert(1)>')
    browser = signed_in(people.ASTRID)
    board = browser.get("/").text
    address = re.search(r"/incidents/[0-9a-f-]{36}", board).group()

    for page in (board, browser.get(address).text, browser.get(f"{address}/facts/new").text):
        assert "<script>alert" not in page
        assert "<img src=x" not in page
