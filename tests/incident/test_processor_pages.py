"""Who may report: the page of processors, their endpoints and secrets."""

import re

import pytest
from sqlalchemy import select

from foundation.database import acting_for, db, utcnow
from incident import processors
from incident.models import Processor
from tests import people
from tests.attacks import sending
from tests.incident.test_reports_by_staff import post_signed
from tests.people import Endpoint


@pytest.fixture
def dorthe(app, signed_in):
    return signed_in(people.DORTHE)


def processor(cast, name):
    with acting_for(cast.promark):
        db.session.rollback()
        return db.session.scalars(select(Processor).where(Processor.name == name)).one()


def shown_once(page):
    url = re.search(r"<code>(http[^<]+)</code>", page).group(1)
    return Endpoint(url, re.search(r"<code>(whsec_[^<]+)</code>", page).group(1))


def test_sub_processors_stand_under_whom_they_serve(dorthe, cast):
    page = dorthe.get("/processors").text

    assert page.index("HostCo ApS") < page.index("NordHost AS") < page.index('id="add"')
    assert "never tested" in page


def test_each_processor_says_when_it_reported_last(dorthe, cast, client):
    assert "last report" not in dorthe.get("/processors").text

    sending.post(client, cast.hostco, sending.report(reference="HC-1"))

    assert dorthe.get("/processors").text.count("last report") == 1


def test_a_processor_is_added_with_the_one_it_works_for(dorthe, cast):
    hostco = processor(cast, people.HOSTCO)
    typed = {"name": "TinyHost Oy", "country": "fi", "service": "Tapes", "serves_id": str(hostco.id)}

    assert dorthe.post("/processors", data=typed).status_code == 303

    added = processor(cast, "TinyHost Oy")
    assert (added.country, added.serves_id) == ("FI", hostco.id)


@pytest.mark.parametrize(
    ("typed", "status"),
    [
        ({"name": "", "country": "FI"}, 422),
        ({"name": "TinyHost Oy", "country": "Atlantis"}, 422),
        ({"name": people.HOSTCO, "country": "DK"}, 409),
        ({"name": "TinyHost Oy", "country": "FI", "serves_id": "0192-not-an-id"}, 404),
    ],
)
def test_a_processor_that_cannot_be_is_refused(dorthe, cast, typed, status):
    assert dorthe.post("/processors", data={"service": "Kept as typed"} | typed).status_code == status


def test_the_secret_is_shown_once_and_works_at_once(dorthe, cast, client):
    nordhost = processor(cast, people.NORDHOST)

    page = dorthe.post(f"/processors/{nordhost.id}/endpoint").text

    endpoint = shown_once(page)
    assert "breachclock report --to" in page
    told = {"type": "incident.test", "timestamp": "2026-11-23T09:00:00Z", "data": {}}
    assert post_signed(client, endpoint, told).status_code == 202
    overview = dorthe.get("/processors").text
    assert endpoint.secret not in overview
    assert "tested" in re.search(rf"{nordhost.id}.*?</div>", overview, re.DOTALL).group()


def test_a_rotated_secret_lets_the_one_before_work_for_a_week(dorthe, cast, client):
    hostco = processor(cast, people.HOSTCO)
    told = {"type": "incident.test", "timestamp": "2026-11-23T09:00:00Z", "data": {}}

    renewed = shown_once(dorthe.post(f"/processors/{hostco.id}/endpoint", data={"rotate": "yes"}).text)

    for endpoint in (renewed, cast.hostco):
        assert post_signed(client, endpoint, told).status_code == 202


def test_a_second_press_ends_no_secret_that_may_be_in_use(dorthe, cast, client, clock):
    hostco = processor(cast, people.HOSTCO)
    told = {"type": "incident.test", "timestamp": "2026-11-23T09:00:00Z", "data": {}}

    first, second = (
        shown_once(dorthe.post(f"/processors/{hostco.id}/endpoint", data={"rotate": "yes"}).text)
        for _ in range(2)
    )

    for endpoint in (cast.hostco, first, second):
        assert post_signed(client, endpoint, told).status_code == 202
    clock.move(days=8)
    with acting_for(cast.promark):
        keys = processors.keys_of(second.path.rsplit("/", 1)[1])
    assert [processors.is_live(each, utcnow()) for each in keys].count(True) == 1


def test_an_endpoint_that_exists_is_not_replaced_by_accident(dorthe, cast):
    hostco = processor(cast, people.HOSTCO)

    assert dorthe.post(f"/processors/{hostco.id}/endpoint").status_code == 409


def test_astrid_sees_processors_and_manages_none(app, signed_in, cast):
    astrid, hostco = signed_in(people.ASTRID), processor(cast, people.HOSTCO)

    assert "HostCo ApS" in astrid.get("/processors").text
    assert "Add a processor" not in astrid.get("/processors").text
    assert astrid.post("/processors", data={"name": "X", "country": "DK"}).status_code == 403
    assert astrid.post(f"/processors/{hostco.id}/endpoint", data={"rotate": "yes"}).status_code == 403


def test_eskil_cannot_make_keys_for_promarks_processors(app, signed_in, cast):
    hostco = processor(cast, people.HOSTCO)
    eskil = signed_in(people.ESKIL)

    assert "HostCo ApS" not in eskil.get("/processors").text
    assert eskil.post(f"/processors/{hostco.id}/endpoint", data={"rotate": "yes"}).status_code == 404
