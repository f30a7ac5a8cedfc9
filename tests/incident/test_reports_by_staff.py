"""Reports that colleagues type in, and reports that nobody could read."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from standardwebhooks.webhooks import Webhook

from foundation import ledger
from foundation.database import acting_for, db, utcnow
from incident import example
from incident.models import Incident, Report
from notifications import paging
from tests import people
from tests.incident import browsing, desk


@pytest.fixture
def astrid(app, signed_in):
    return signed_in(people.ASTRID)


def incidents(cast):
    with acting_for(cast.promark):
        db.session.rollback()
        return db.session.scalar(select(func.count()).select_from(Incident))


def only_report(cast):
    with acting_for(cast.promark):
        db.session.rollback()
        return db.session.scalars(select(Report).execution_options(populate_existing=True)).one()


def post_signed(client, endpoint, document, *, webhook_id=None):
    """Post as the processor would."""
    body, now = json.dumps(document), datetime.now(UTC)
    told = webhook_id or f"msg_{uuid4().hex}"
    headers = {
        "content-type": "application/json", "webhook-id": told,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(endpoint.secret).sign(told, now, body),
    }  # fmt: skip
    return client.post(endpoint.path, data=body, headers=headers)


def test_a_few_words_open_an_incident_with_running_clocks(astrid, cast):
    answer = astrid.post("/reports", data={"title": "Laptop left on a train", "form_id": "1"})

    page = astrid.get(answer.location).text
    assert "Laptop left on a train" in page
    assert "Authority, by law" in page
    assert "data-countdown" in page


def test_what_was_typed_is_kept_as_a_report_that_can_be_checked(astrid, cast):
    astrid.post("/reports", data={"title": "Laptop left on a train", "form_id": "1"})

    report = only_report(cast)

    assert (report.kind, report.staff_id) == ("form", cast.staff[people.ASTRID])
    assert json.loads(report.body)["title"] == "Laptop left on a train"
    assert "matches the bytes" in astrid.get(f"/reports/{report.id}").text


def test_a_processor_that_telephoned_is_named_and_its_clock_starts_when_we_were_told(astrid, cast):
    page = astrid.get("/reports/new").text
    hostco = re.search(r'value="([0-9a-f-]{36})"[^>]*>HostCo ApS', page).group(1)
    typed = {"title": "HostCo rang", "processor_id": hostco, "timeline.informed_at": "2026-11-01T09:30"}

    answer = astrid.post("/reports", data=browsing.form(page, "/reports") | typed)

    incident = desk.incident_of(cast, answer.location.rpartition("/")[2] and only_report(cast).incident_id)
    assert incident.aware_at == datetime(2026, 11, 1, 8, 30, tzinfo=UTC)
    assert str(incident.processor_id) == hostco


def test_the_same_form_sent_twice_opens_one_incident(astrid, cast):
    form = browsing.form(astrid.get("/reports/new").text, "/reports") | {"title": "Laptop left on a train"}

    first, second = (astrid.post("/reports", data=form) for _ in range(2))

    assert first.location == second.location
    assert incidents(cast) == 1


def test_the_same_form_sent_many_times_at_once_opens_one_incident(app, signed_in, cast):
    form = browsing.form(signed_in(people.ASTRID).get("/reports/new").text, "/reports")
    form |= {"title": "Laptop left on a train"}
    browsers = [signed_in(people.ASTRID) for _ in range(6)]
    db.session.remove()

    with ThreadPoolExecutor(6) as threads:
        places = set(threads.map(lambda browser: browser.post("/reports", data=form).location, browsers))

    assert len(places) == 1
    assert incidents(cast) == 1


def test_a_form_with_faults_comes_back_with_everything_in_it(astrid, cast):
    refused = astrid.post(
        "/reports",
        data={"title": "", "description": "Everything I know.", "timeline.detected_at": "yesterday"},
    )

    assert refused.status_code == 422
    assert "Everything I know." in refused.text
    assert 'value="yesterday"' in refused.text
    assert "A few words are needed" in refused.text
    assert incidents(cast) == 0


def test_every_question_of_the_form_can_be_left_unknown(astrid, cast):
    page = astrid.get("/reports/new").text

    questions = set(re.findall(r'type="radio" name="([^"]+)"', page))
    unknown = set(re.findall(r'name="([^"]+)" value="unknown" checked', page))

    assert questions - unknown == {"our_role", *(f"chain.{number}.role" for number in range(3))}


# --- reports that nobody could read ---------------------------------------------------------------


@pytest.fixture
def faulty(app, client, cast):
    """HostCo sends something that is signed and no report; its id."""
    post_signed(client, cast.hostco, {"type": "incident.reported", "data": {"titel": "<b>Backup gone</b>"}})
    return only_report(cast).id


def test_a_report_that_could_not_be_read_stands_first_and_shows_its_bytes_harmlessly(
    astrid, cast, faulty, client
):
    report = {
        "type": "incident.reported",
        "timestamp": utcnow().isoformat(),
        "data": example.first_report(utcnow()),
    }
    post_signed(client, cast.hostco, report)

    listed, shown = astrid.get("/reports").text, astrid.get(f"/reports/{faulty}").text

    assert listed.index("Faulty") < listed.index("In an incident")
    assert "&lt;b&gt;Backup gone" in shown
    assert "<b>Backup gone" not in shown
    assert "/data/titel" in shown


def test_its_incident_is_open_already_and_counts_from_its_arrival(astrid, cast, faulty, clock):
    report = only_report(cast)
    clock.move(minutes=50)

    asked = astrid.post(f"/reports/{faulty}/incident")

    assert asked.location.endswith(f"/incidents/{report.incident_id}")
    assert incidents(cast) == 1
    incident = desk.incident_of(cast, report.incident_id)
    assert abs(incident.aware_at - report.received_at) < timedelta(milliseconds=1)
    page = astrid.get(asked.location).text
    assert "Backup gone" in page
    assert "To be read" in page


def test_a_faulty_report_is_dealt_with_only_with_a_word_on_how(astrid, cast, faulty):
    assert astrid.post(f"/reports/{faulty}/settlement", data={"reason": ""}).status_code == 422
    assert only_report(cast).state == "faulty"

    for _ in range(2):
        astrid.post(f"/reports/{faulty}/settlement", data={"reason": "HostCo sent it again, mended."})

    assert only_report(cast).state == "seen"
    with acting_for(cast.promark):
        told = [
            each
            for each in ledger.entries(f"incident/{only_report(cast).incident_id}")
            if each.action == "report.dealt_with"
        ]
        assert [each.reason for each in told] == ["HostCo sent it again, mended."]
        assert not paging.nobody_has([f"organisation/{cast.promark}"])


def test_eskil_sees_no_report_of_promark(app, signed_in, cast, faulty):
    eskil = signed_in(people.ESKIL)
    eskil.post("/language", data={"locale": "en"})

    assert eskil.get(f"/reports/{faulty}").status_code == 404
    assert eskil.post(f"/reports/{faulty}/incident").status_code == 404
    assert "No report yet" in eskil.get("/reports").text


def test_nils_may_read_a_faulty_report_and_do_nothing_with_it(app, signed_in, cast, faulty):
    nils = signed_in(people.NILS)

    shown = nils.get(f"/reports/{faulty}").text

    assert "Make an incident of it" not in shown
    assert nils.post(f"/reports/{faulty}/incident").status_code == 403
    assert nils.post(f"/reports/{faulty}/settlement", data={"reason": "x"}).status_code == 403
