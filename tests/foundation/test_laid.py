"""What tests begin with is what they would have made; one that wrote before, or moved time, makes its own."""

from sqlalchemy import text

from foundation.database import acting_for, db, transaction
from incident.models import Incident
from tests import laid
from tests.incident import desk


def _titles(cast):
    with acting_for(cast.promark):
        db.session.rollback()
        return [each.title for each in db.session.query(Incident)]


def test_it_is_made_once_and_stands_there_again_for_the_next(app, cast, databases):
    made = []
    laid.forget()

    def make():
        made.append(desk.reported(cast))
        return made[0]

    first, titles = laid.once("probe", make), _titles(cast)
    desk.reported(cast, reference="HC-ANOTHER")
    _leave(databases)
    again = laid.once("probe", make)

    assert (made, again) == ([first], first)
    assert _titles(cast) == titles, "what the other one wrote after it is not laid with it"


def test_who_wrote_something_before_or_moved_the_time_makes_it_anew(app, cast, databases, clock):
    made = []
    laid.forget()
    laid.once("probe", lambda: made.append(1))

    desk.reported(cast)
    laid.once("probe", lambda: made.append(2))
    _leave(databases)
    clock.move(hours=1)
    laid.once("probe", lambda: made.append(3))

    assert made == [1, 2, 3]


def test_tables_that_a_test_took_away_are_there_again(app, databases):
    with transaction():
        db.session.execute(text("DROP TABLE alembic_version"))

    _leave(databases)

    with transaction():
        assert db.session.scalar(text("SELECT count(*) FROM alembic_version")) == 1


def _leave(databases):
    """The test ends, and another one begins."""
    db.session.remove()
    db.engine.dispose()
    databases.begin_anew()
