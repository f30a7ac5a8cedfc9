"""A person's calendar: parses, follows what moves, and tells nobody what it must not."""

import re
from datetime import timedelta

import pytest
from icalendar import Calendar
from sqlalchemy import select

from accounts import people as accounts
from foundation.database import acting_for, everyone, transaction, utcnow
from incident import triage
from incident.models import CalendarFeed
from incident.triage import awareness
from tests import people
from tests.incident import desk, rota
from tests.incident.rota import FIRST_LINE

TITLE = "Backup storage of the customer portal copied"


@pytest.fixture
def day(app, cast, clock):
    rota.lay(cast, FIRST_LINE)
    rota.at(clock, 2027, 3, 26, 12, 0)  # Astrid's turn; summer time begins on the 28th
    return cast


def address(browser):
    """Make an address and read it off the page."""
    page = browser.post("/calendar").text
    return re.search(r"http://[^<\"]+(/calendar/[\w-]+\.ics)", page).group(1)


def events(client, path):
    """The events of the feed by UID."""
    answer = client.get(path)
    assert answer.status_code == 200
    found = Calendar.from_ical(answer.data).walk("VEVENT")
    assert len({str(each["UID"]) for each in found}) == len(found)
    return {str(each["UID"]): each for each in found}


def of_kind(found, kind):
    return {uid: each for uid, each in found.items() if uid.startswith(kind)}


def test_it_holds_deadlines_own_steps_and_shifts_in_their_zone(day, client, signed_in):
    incident_id = desk.assessed(day)
    rota.rounds()
    number = desk.incident_of(day, incident_id).number
    found = events(client, address(signed_in(people.DORTHE)))

    duty = desk.duty_of(day, incident_id, "gdpr-33")
    event = found[f"duty-{duty.id}@breachclock"]
    assert event["DTEND"].dt == duty.due_at.replace(microsecond=0)
    assert str(event["SUMMARY"]) == f"{number} · {duty.provision}"
    assert [alarm["TRIGGER"].dt for alarm in event.walk("VALARM")] == [
        -timedelta(days=1),
        -timedelta(hours=3),
    ]
    assert of_kind(found, "step-")
    assert not of_kind(found, "shift-")  # Dorthe has none


def test_a_shift_over_the_change_to_summer_time_begins_and_ends_at_nine_there(day, client, signed_in):
    path = address(signed_in(people.BIRK))
    shifts = of_kind(events(client, path), "shift-").values()

    [over] = [each for each in shifts if each["DTSTART"].dt.date().isoformat() == "2027-03-27"]
    assert over["DTSTART"].params["TZID"] == "Europe/Copenhagen"
    assert [each.dt.strftime("%H:%M") for each in (over["DTSTART"], over["DTEND"])] == ["09:00", "09:00"]
    assert over["DTEND"].dt.timestamp() - over["DTSTART"].dt.timestamp() == 23 * 3600
    assert Calendar.from_ical(client.get(path).data).walk("VTIMEZONE")


def test_a_moved_deadline_keeps_its_uid_and_goes_up_in_sequence(day, client, signed_in):
    incident_id = desk.assessed(day)
    path = address(signed_in(people.DORTHE))
    uid = f"duty-{desk.duty_of(day, incident_id, 'gdpr-33').id}@breachclock"
    before = events(client, path)[uid]
    assert int(events(client, path)[uid]["SEQUENCE"]) == 0  # nothing moved between two looks

    with desk.working(day, incident_id) as incident:
        at = incident.aware_at - timedelta(hours=2)
        awareness.fix_awareness(
            incident, at=at, after=1, reason="The mail came earlier.", by="Dorthe Friis", now=utcnow()
        )

    after = events(client, path)[uid]
    assert after["DTEND"].dt == before["DTEND"].dt - timedelta(hours=2)
    assert int(after["SEQUENCE"]) == 1
    assert after["LAST-MODIFIED"].dt >= before["LAST-MODIFIED"].dt


def test_what_is_gone_is_cancelled_for_a_while(day, client, signed_in, clock):
    incident_id = desk.reported(day)
    path = address(signed_in(people.DORTHE))
    deadlines = of_kind(events(client, path), "clock-")
    assert {str(each["STATUS"]) for each in deadlines.values()} == {"CONFIRMED"}

    with desk.working(day, incident_id) as incident:
        triage.reject(incident, reason="No personal data.", by="Dorthe Friis", now=utcnow())

    gone = of_kind(events(client, path), "clock-")
    assert {str(each["STATUS"]) for each in gone.values()} == {"CANCELLED"}
    assert not any(each.walk("VALARM") for each in gone.values())
    clock.move(days=31)
    assert of_kind(events(client, path), "clock-") == {}


def test_it_names_no_title_no_person_and_nothing_of_another_organisation_or_a_restricted_incident(
    day, client, signed_in
):
    hidden = desk.assessed(day, reference="1")
    desk.assessed(day, reference="2")
    other = desk.reported(day, organisation="softwerk", processor="Webbanalys AB", reference="3")
    rota.rounds()
    numbers = [desk.incident_of(day, hidden).number, "SW-2027-0001"]
    with desk.working(day, hidden) as incident:
        incident.restricted = True

    text = client.get(address(signed_in(people.BIRK))).text.replace("\r\n ", "")

    assert "PM-2027-0002" in text
    assert other
    for word in (*numbers, TITLE[:12], "Astrid", "Birk", "Dorthe", "HostCo", "promark.example"):
        assert word not in text, word


def test_a_wrong_an_old_and_an_ended_address_are_answered_alike(day, client, signed_in):
    astrid = signed_in(people.ASTRID)
    first = address(astrid)
    second = address(astrid)
    events(client, second)
    astrid.post("/calendar/revocation")

    answers = [client.get(path) for path in (first, second, "/calendar/x.ics", f"/calendar/{'y' * 43}.ics")]

    assert {each.status_code for each in answers} == {404}
    assert len({each.data for each in answers}) == 1
    assert {each.headers["Cache-Control"] for each in answers} == {"private, no-cache"}
    assert "no address yet" in astrid.get("/calendar").text


def test_who_leaves_has_no_calendar_and_the_secret_is_kept_as_a_hash(day, client, signed_in):
    path = address(signed_in(people.BIRK))
    assert client.get(path).headers["Cache-Control"] == "private, no-cache"
    secret = path.removeprefix("/calendar/").removesuffix(".ics")
    with acting_for(day.promark):
        kept = rota.db.session.scalars(select(CalendarFeed)).one()
        assert secret not in str(vars(kept))
    assert secret not in signed_in(people.BIRK).get("/calendar").text

    with everyone(), transaction():
        accounts.disable(desk.person(day, people.BIRK), by="Test", now=utcnow())

    assert client.get(path).status_code == 404


def test_asking_too_often_is_slowed(day, client):
    answers = [client.get("/calendar/guess.ics").status_code for _ in range(61)]

    assert answers[0] == 404
    assert answers[-1] == 429


def test_the_shifts_in_it_follow_who_stands_in(day, client, signed_in):
    path = address(signed_in(people.BIRK))
    before = of_kind(events(client, path), "shift-")

    rota.stand_in(day, people.DORTHE, rota.local(2027, 3, 27, 9), rota.local(2027, 3, 28, 9))

    mine = of_kind(events(client, path), "shift-")
    [gone] = [uid for uid, each in mine.items() if str(each["STATUS"]) == "CANCELLED"]
    assert before[gone]["DTSTART"].dt == rota.local(2027, 3, 27, 9)
    theirs = of_kind(events(client, address(signed_in(people.DORTHE))), "shift-").values()
    assert [each["DTSTART"].dt for each in theirs] == [rota.local(2027, 3, 27, 9)]
