"""What was answered with "we have it" reaches somebody: whatever the clock, the state or the browser."""

from uuid import UUID

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from incident import reports
from playbooks import jobs
from tests import people
from tests.attacks import sending
from tests.incident import desk

ENDS_OF_TIME = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z")
TIMES = ("occurred_from", "occurred_to", "detected_at", "processor_aware_at", "informed_at", "aware_at")
PAGES = ("", "/record", "/facts/new", "/awareness", "/assessments/new")


def test_a_sender_whose_clock_is_ahead_does_not_silence_what_it_tells_later(app, cast, client):
    first = sending.post(client, cast.hostco, sending.report(reference="1", at="9998-01-01T00:00:00Z"))

    sending.post(client, cast.hostco, sending.report(reference="1", title="It was all of them"))

    incident = desk.incident_of(cast, UUID(first.json["incident_id"]))
    assert (incident.facts_number, incident.title) == (2, "It was all of them")


def test_what_is_told_of_a_rejected_incident_wakes_somebody(cast, client, signed_in, sandbox, work):
    told = sending.post(client, cast.hostco, sending.report(reference="1")).json
    astrid, place = signed_in(people.ASTRID), f"/incidents/{told['incident_id']}"
    astrid.post(f"{place}/acknowledgements")
    astrid.post(f"{place}/rejection", data={"reason": "No personal data in it."})
    work()
    assert not sandbox.sms_to(people.ASTRIDS_PHONE)

    sending.post(client, cast.hostco, sending.report(reference="1", title="It was all of them"))
    work()

    assert len(sandbox.sms_to(people.ASTRIDS_PHONE)) == 1
    assert f'action="{place}/acknowledgements"' in astrid.get(place).text


def test_a_form_that_is_changed_and_sent_again_is_another_report(app, cast, signed_in):
    """Back, other words, send: the browser sends the same hidden id."""
    astrid = signed_in(people.ASTRID)
    places = [
        astrid.post("/reports", data={"title": title, "form_id": "1"}).location
        for title in ("A laptop", "A laptop", "A telephone")
    ]

    assert places[0] == places[1] != places[2]
    assert "A telephone" in astrid.get(places[2]).text


@pytest.mark.parametrize("at", ENDS_OF_TIME)
def test_a_time_at_the_end_of_time_wakes_somebody_and_breaks_no_page(cast, client, signed_in, at):
    """One report with a wild year must not take the board away from everybody."""
    link, dorthe = {"name": "HostCo", "role": "processor", "aware_at": at, "told_next_at": at}, None

    for member in TIMES:
        body = sending.report(reference=member, timeline={member: at}, chain=[link])
        told = sending.post(client, cast.hostco, body).json
        jobs.tick()
        dorthe = dorthe or signed_in(people.DORTHE)
        assert told["incident_number"] in dorthe.get("/").text
        assert "page.sent" in desk.actions(cast, UUID(told["incident_id"]))
        for page in PAGES:
            assert dorthe.get(f"/incidents/{told['incident_id']}{page}").status_code == 200, (member, page)


@pytest.mark.parametrize(
    "trouble", [OperationalError("", None, TimeoutError()), NoConnectionFree()], ids=["timeout", "pool"]
)
def test_what_the_database_did_not_take_is_not_acknowledged(app, cast, client, monkeypatch, trouble):
    def fail(*_, **__):
        raise trouble

    monkeypatch.setattr(reports, "accept", fail)

    answer = sending.post(client, cast.hostco, sending.report())

    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert sending.kept() == (0, 0)


def test_a_colleague_may_type_in_what_hostco_has_reported_itself(app, cast, client, signed_in):
    """Somebody telephoned and posted: the same processor, the same number of theirs."""
    told = sending.post(client, cast.hostco, sending.report(reference="HC-1")).json
    incident = desk.incident_of(cast, UUID(told["incident_id"]))

    typed = {"title": "By telephone", "reference": "HC-1", "processor_id": incident.processor_id}
    answer = signed_in(people.ASTRID).post("/reports", data=typed | {"form_id": "1"})

    assert answer.status_code == 303
    assert "By telephone" in signed_in(people.ASTRID).get(answer.location).text
