"""What must I do next: across incidents, by time left, and nothing of what one may not see."""

import re

import pytest

from foundation import database
from foundation.database import acting_for, transaction, utcnow
from incident import roles
from incident.models import Incident
from incident.roles import Given
from incident.rules.roles import Role
from tests import people
from tests.incident import desk, rota
from tests.incident.rota import FIRST_LINE
from tests.incident.test_board import counted


@pytest.fixture
def day(app, cast, clock):
    rota.lay(cast, FIRST_LINE)
    rota.at(clock, 2027, 3, 2, 12, 0)
    return cast


def rows(page):
    """(level, what, number) of every row, in order."""
    found = re.findall(r'ar-row--(\w+)">.*?<strong>(.*?)</strong> <small>(.*?)</small>', page, re.DOTALL)
    return [(level, what, number.split(" · ")[0]) for level, what, number in found]


def test_an_empty_list_says_so_and_when_the_next_shift_begins(day, signed_in):
    page = signed_in(people.BIRK).get("/next").text

    assert "Nothing waits for you" in page
    assert "Your next shift begins" in page
    assert rows(page) == []


def test_it_is_sorted_by_time_left_across_incidents_and_overdue_comes_first(day, signed_in, clock):
    desk.reported(day, reference="1")
    clock.move(hours=5)
    desk.assessed(day, reference="2")
    rota.rounds()

    mine = rows(signed_in(people.DORTHE).get("/next").text)
    all_of_it = rows(signed_in(people.DORTHE).get("/next?whose=everybody").text)

    assert [level for level, *_ in mine] == sorted(
        (level for level, *_ in mine), key=["now", "day", "later"].index
    )
    assert "now" in {level for level, *_ in mine}
    assert any(what.startswith("Notify the authority: ") for _l, what, _n in mine)
    assert len({number for *_, number in all_of_it}) == 2
    assert set(mine) < set(all_of_it)


def test_a_duty_waits_for_the_lead_and_the_dpo_and_for_nobody_else(day, signed_in):
    incident_id = desk.assessed(day)
    rota.rounds()
    astrid, birk = signed_in(people.ASTRID), signed_in(people.BIRK)
    assert "Notify the authority: " in astrid.get("/next").text
    assert "Notify the authority: " not in birk.get("/next").text

    with desk.working(day, incident_id) as incident:
        given = Given(Role.LEAD, day.staff[people.BIRK])
        roles.give(incident, given, by=desk.person(day, people.DORTHE), now=utcnow())

    assert "Notify the authority: " not in astrid.get("/next").text
    assert "Notify the authority: " in birk.get("/next").text


def test_a_decision_waits_for_the_second_person_and_not_for_the_first(day, signed_in):
    desk.assessed(day, desk.NOT_TOLD)
    rota.rounds()

    assert "Wants a second person" in signed_in(people.BIRK).get("/next").text
    assert "Wants a second person" not in signed_in(people.DORTHE).get("/next").text


def test_a_restricted_incident_and_another_organisation_leave_no_trace(day, signed_in):
    number = desk.incident_of(day, incident_id := desk.assessed(day)).number
    rota.rounds()
    with desk.working(day, incident_id) as incident:
        incident.restricted = True

    for whose in ("", "?whose=everybody"):
        page = signed_in(people.BIRK).get(f"/next{whose}").text
        assert number not in page
        assert rows(page) == []
        assert number not in signed_in(people.ESKIL).get(f"/next{whose}").text
    assert number in signed_in(people.DORTHE).get("/next").text
    assert "(0)" in signed_in(people.BIRK).get("/next?whose=everybody").text


def test_many_incidents_cost_no_more_queries(day, signed_in):
    dorthe = signed_in(people.DORTHE)
    desk.assessed(day, reference="1")
    rota.rounds()
    dorthe.get("/next")
    with counted() as few:
        dorthe.get("/next")
    for number in range(2, 5):
        desk.assessed(day, reference=str(number))
    rota.rounds()

    with counted() as many:
        dorthe.get("/next")

    assert len(many) == len(few)


def test_a_drill_is_not_in_it(day, signed_in):
    incident_id = desk.reported(day)
    rota.rounds()
    with acting_for(day.promark), transaction():
        database.db.session.get_one(Incident, incident_id).drill = True

    assert rows(signed_in(people.ASTRID).get("/next?whose=everybody").text) == []
