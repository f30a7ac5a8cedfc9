"""What is rightly signed and cannot be read opens one incident by itself, and wakes somebody once."""

import json
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from foundation import ledger
from foundation.database import acting_for, db, everyone, utcnow
from incident.models import Clock, Incident, Report
from notifications.models import Page
from tests import people
from tests.attacks import sending
from tests.attacks.sending import kept, report
from tests.attacks.test_reports_together import at_once
from tests.incident import desk

BROKEN = b'{"type": "incident.reported", "data": {"description": "800 people\\u0000'
FAULTS = {
    "bad JSON": (BROKEN, "application/json", 400),
    "bad facts": (report(reference="HC-5", colour="red"), "application/json", 422),
    "another type": (report(reference="HC-6"), "text/plain", 415),
}


def incident():
    db.session.rollback()
    with everyone():
        return db.session.scalars(select(Incident)).one()


def faulty():
    db.session.rollback()
    with everyone():
        query = select(Report).where(Report.state == "faulty").execution_options(populate_existing=True)
        return db.session.scalars(query.order_by(Report.received_at)).all()


def calls(sandbox):
    return len(sandbox.sms_to(people.ASTRIDS_PHONE))


@pytest.mark.parametrize(("body", "media", "status"), FAULTS.values(), ids=FAULTS)
def test_it_opens_exactly_one_incident_whose_clock_runs_from_its_arrival(
    cast, client, sandbox, work, *, body, media, status
):
    told = sending.signed(cast.hostco, body) | {"Content-Type": media}
    arrived = utcnow()

    answers = [sending.post(client, cast.hostco, body, told) for _ in range(3)]
    work()

    assert [each.status_code for each in answers] == [status] * 3
    assert len({json.dumps(each.json | {"request_id": ""}) for each in answers}) == 1
    assert kept() == (1, 1)
    opened = incident()
    with acting_for(cast.promark):
        clock = db.session.scalars(
            select(Clock).where(Clock.incident_id == opened.id, Clock.kind == "authority_notification")
        ).one()
    with everyone():
        assert ledger.verify() == []
    assert abs(clock.starts_at - arrived) < timedelta(seconds=10)
    assert clock.due_at - clock.starts_at == timedelta(hours=72)
    assert calls(sandbox) == 1


def test_its_text_stands_in_the_facts_as_it_came(cast, client, signed_in):
    sending.post(client, cast.hostco, BROKEN)

    page = signed_in(people.ASTRID).get(f"/incidents/{incident().id}").text

    assert "800 people" in page
    assert "To be read" in page


def test_the_corrected_report_is_of_the_same_incident(cast, client):
    """A new id, the same reference, which could be read."""
    sending.post(client, cast.hostco, report(reference="HC-5", colour="red"))

    told = sending.post(client, cast.hostco, report(reference="HC-5", title="Backup read")).json

    opened = incident()
    assert UUID(told["incident_id"]) == opened.id
    assert (opened.title, opened.facts_number) == ("Backup read", 2)


def test_a_faulty_update_of_a_known_incident_goes_there_and_calls_somebody(
    cast, client, sandbox, work, signed_in
):
    first = sending.post(client, cast.hostco, report(reference="HC-5")).json
    signed_in(people.ASTRID).post(f"/incidents/{first['incident_id']}/acknowledgements")
    work()
    before = calls(sandbox)

    sending.post(client, cast.hostco, report(reference="HC-5", colour="red"))
    work()

    assert kept() == (2, 1)
    assert incident().facts_number == 1
    assert [str(each.incident_id) for each in faulty()] == [first["incident_id"]]
    assert calls(sandbox) == before + 1


def test_the_same_bytes_under_another_id_wait_to_be_read_once(cast, client, sandbox, work):
    for _ in range(4):
        sending.post(client, cast.hostco, BROKEN)
    work()

    assert kept() == (4, 1)
    assert calls(sandbox) == 1


def test_a_report_soon_after_it_without_a_common_reference_is_shown_beside_it(cast, client, signed_in):
    sending.post(client, cast.hostco, BROKEN)
    unread = incident()
    told = sending.post(client, cast.hostco, report(reference="HC-8")).json
    dorthe = signed_in(people.DORTHE)

    for here, there in ((unread.id, told["incident_id"]), (told["incident_id"], unread.id)):
        page = dorthe.get(f"/incidents/{here}").text
        assert "May be the same breach" in page
        assert f'href="/incidents/{there}"' in page


def test_in_a_group_with_good_ones_each_opens_its_own(app, cast):
    answers = at_once(
        app, cast, (report(reference="R1"), "a"), (BROKEN, "b"), (report(reference="R2"), "c"),
        (report(reference="R3", colour="red"), "d"), (BROKEN, "e"),
    )  # fmt: skip

    assert [each.status_code for each in answers] == [202, 400, 202, 422, 400]
    assert kept() == (5, 4)
    with everyone():
        whose = db.session.execute(select(Report.incident_id, Incident.id).join(Incident)).all()
    assert len(whose) == 5


def test_a_faulty_test_of_the_connection_opens_nothing_and_calls_nobody(cast, client, sandbox, work):
    answer = sending.post(client, cast.hostco, report(kind="incident.test", colour="red"))
    work()

    assert answer.status_code == 422
    assert kept() == (1, 0)
    assert calls(sandbox) == 0


def test_a_sender_that_runs_wild_wakes_us_and_does_not_bury_us(cast, client, sandbox, work):
    for number in range(54):
        sending.post(client, cast.hostco, BROKEN + str(number).encode())

    assert kept() == (54, 50)
    with everyone():
        pages = db.session.scalars(select(Page).where(Page.template == "page_faulty_report")).all()
        unread = db.session.scalar(
            select(func.count())
            .select_from(Report)
            .where(Report.state == "faulty", Report.incident_id.is_(None))
        )
    assert len(pages) == 1
    assert unread == 4


def test_another_body_under_a_used_id_is_kept_with_the_first_and_can_become_an_incident(
    cast, client, sandbox, work, signed_in
):
    first = sending.post(client, cast.hostco, report(reference="1"), webhook_id="same").json
    other = report(reference="2", title="Something else")

    for _ in range(2):
        assert sending.post(client, cast.hostco, other, webhook_id="same").status_code == 409

    assert kept() == (2, 1)
    (contradiction,) = faulty()
    assert str(contradiction.incident_id) == first["incident_id"]
    made = signed_in(people.ASTRID).post(f"/reports/{contradiction.id}/incident").location
    assert made != f"/incidents/{first['incident_id']}"
    assert kept() == (2, 2)
    assert "Something else" in signed_in(people.ASTRID).get(made).text


def test_the_sender_sees_the_number_of_what_its_faulty_report_opened(cast, client):
    sending.post(client, cast.hostco, BROKEN)
    (row,) = faulty()

    state = client.get(f"{cast.hostco.path}/{row.id}", headers=sending.signed(cast.hostco, b"")).json

    assert (state["state"], state["incident_number"]) == ("faulty", incident().number)
    assert desk.incident_of(cast, incident().id).state == "reported"
