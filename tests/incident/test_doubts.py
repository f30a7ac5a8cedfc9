"""What a processor tells that cannot be so is kept as told, and shown until a person has cleared it up."""

from datetime import timedelta
from uuid import UUID

from foundation import ledger
from foundation.database import acting_for, db, utcnow
from incident import clocks, staff_reports, triage
from tests import people
from tests.attacks import sending
from tests.incident import desk

MARK = "to be cleared up"


def post(client, cast, **changes):
    """HostCo tells; the incident's id."""
    body = sending.report(**{"chain": []} | changes)
    answer = sending.post(client, cast.hostco, body, sending.signed(cast.hostco, body))
    assert answer.status_code == 202
    return UUID(answer.json["incident_id"])


def before_it_began():
    began, noticed = (utcnow() - timedelta(hours=each) for each in (5, 9))
    return {"timeline": {"occurred_from": began.isoformat(), "detected_at": noticed.isoformat()}}


def lines(cast, incident_id):
    with acting_for(cast.promark):
        db.session.rollback()
        return [each for each in ledger.entries(f"incident/{incident_id}") if each.action == "facts.doubted"]


def correct(cast, incident_id, **changes):
    """Astrid keeps facts that differ in this."""
    with desk.working(cast, incident_id) as incident:
        document = clocks.document_of(incident) | changes
        staff_reports.learn(
            incident, document, after=incident.facts_number, reason="They rang.", by="Astrid Holm",
            now=utcnow(),
        )  # fmt: skip


def test_what_cannot_be_so_is_taken_in_as_told_and_stands_in_the_record(cast, client):
    told = before_it_began()

    incident_id = post(client, cast, **told)

    (line,) = lines(cast, incident_id)
    assert line.details["version"] == 1
    assert line.details["doubts"] == [
        {
            "pointer": "/timeline/detected_at",
            "detail": "This is before it began. Correct one of the two times, "
            "or call the beginning an estimate.",
        }
    ]
    with desk.working(cast, incident_id) as incident:
        assert clocks.document_of(incident)["timeline"] == told["timeline"]


def test_a_report_without_doubt_leaves_no_line_and_no_mark(cast, client, signed_in):
    incident_id = post(client, cast)

    assert lines(cast, incident_id) == []
    astrid = signed_in(people.ASTRID)
    assert MARK not in astrid.get("/").text
    assert "This cannot be so" not in astrid.get(f"/incidents/{incident_id}").text


def test_it_stands_at_the_top_of_the_incident_with_a_way_to_the_field_and_marks_the_board(
    cast, client, signed_in
):
    incident_id = post(client, cast, **before_it_began())
    astrid = signed_in(people.ASTRID)

    page = astrid.get(f"/incidents/{incident_id}").text

    assert page.count("This cannot be so") == 1
    assert page.index("This cannot be so") < page.index('id="clocks"')
    assert f'/incidents/{incident_id}/facts/new#f-timeline-detected_at"' in page
    assert MARK in astrid.get("/").text


def test_it_is_gone_when_a_person_has_kept_facts_without_it_and_not_before(cast, client, signed_in):
    incident_id, astrid = post(client, cast, **before_it_began()), signed_in(people.ASTRID)

    correct(cast, incident_id, title="Another title")
    still = astrid.get("/").text, astrid.get(f"/incidents/{incident_id}").text
    correct(cast, incident_id, timeline={"detected_at": (utcnow() - timedelta(hours=2)).isoformat()})
    after = astrid.get("/").text, astrid.get(f"/incidents/{incident_id}").text

    assert (MARK in still[0], "This cannot be so" in still[1]) == (True, True)
    assert (MARK in after[0], "This cannot be so" in after[1]) == (False, False)
    assert [each.details["version"] for each in lines(cast, incident_id)] == [1, 2]


def test_a_time_that_had_not_come_when_it_was_told_stays_in_doubt_though_it_has_come_since(
    cast, client, signed_in, clock
):
    ahead = (utcnow() + timedelta(hours=1)).isoformat()
    incident_id = post(client, cast, timeline={"detected_at": ahead})
    clock.move(hours=3)

    page = signed_in(people.ASTRID).get(f"/incidents/{incident_id}").text

    assert "This has not happened yet" in page


def test_a_later_report_is_doubted_by_its_own_version(cast, client, signed_in):
    first = post(client, cast, reference="HC-7")

    again = post(client, cast, reference="HC-7", **before_it_began())

    assert again == first
    assert [each.details["version"] for each in lines(cast, first)] == [2]
    assert MARK in signed_in(people.ASTRID).get("/").text


def test_what_is_told_of_our_awareness_is_cleared_up_by_fixing_it(cast, client, signed_in):
    began, aware = (utcnow() - timedelta(hours=each) for each in (5, 9))
    times = {"occurred_from": began.isoformat(), "aware_at": aware.isoformat()}
    incident_id, astrid = post(client, cast, timeline=times), signed_in(people.ASTRID)
    told = astrid.get(f"/incidents/{incident_id}").text

    with desk.working(cast, incident_id) as incident:
        triage.fix_awareness(
            incident, utcnow() - timedelta(hours=1), reason="They rang.", after=1, by="Dorthe Friis",
            now=utcnow(),
        )  # fmt: skip

    assert f'<a href="/incidents/{incident_id}/awareness">' in told
    assert MARK not in astrid.get("/").text
    assert "This cannot be so" not in astrid.get(f"/incidents/{incident_id}").text
