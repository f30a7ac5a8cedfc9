"""Who sees which incident: what may not be seen does not exist."""

from uuid import UUID, uuid4

import pytest

from foundation.database import db
from incident.models import Member
from tests import people
from tests.incident import desk

PAGES = ("", "/awareness", "/assessments/new", "/facts/new")
WRITES = (
    "/awareness", "/assessments", "/facts", "/confirmation", "/rejection", "/reopening", "/notes",
    "/acknowledgements",
)  # fmt: skip


def restrict(cast, incident_id, *members, lead=None):
    with desk.working(cast, incident_id) as incident:
        incident.restricted, incident.lead_id = True, cast.staff[lead] if lead else None
        for email in members:
            db.session.add(
                Member(
                    organisation_id=cast.promark, incident_id=incident_id, staff_id=cast.staff[email],
                    added_at=desk.ago(),
                )
            )  # fmt: skip


def test_eskil_of_softwerk_finds_nothing_of_promark(app, cast, signed_in):
    incident_id = desk.reported(cast)
    browser = signed_in(people.ESKIL)

    for page in PAGES:
        assert browser.get(f"/incidents/{incident_id}{page}").status_code == 404
    board = browser.get("/").text
    assert "PM-2026" not in board


def test_eskil_can_change_nothing_of_promark_either(app, cast, signed_in):
    incident_id = desk.reported(cast)
    before = desk.actions(cast, incident_id)
    browser = signed_in(people.ESKIL)

    for page in WRITES:
        answer = browser.post(f"/incidents/{incident_id}{page}", data=A_BIT_OF_EVERYTHING)
        assert answer.status_code == 404, page

    assert desk.actions(cast, incident_id) == before


A_BIT_OF_EVERYTHING = {
    "at": "2026-11-01T09:30", "reason": "Because.", "after": "1", "confirmed": "yes", "breach": "yes",
    "identifiable": "yes", "risk": "high",
    "authority": "notify_authority", "people": "communicate", "promise": "keep_promise", "text": "Hello.",
    "title": "Other", "facts_number": "1",
}  # fmt: skip


def test_what_is_hidden_looks_like_what_is_not_there(app, cast, signed_in):
    incident_id = desk.reported(cast)
    browser = signed_in(people.ESKIL)

    def told(address):
        page = browser.get(address)
        return page.status_code, page.text.replace(page.headers["X-Request-ID"], "").replace(address, "")

    assert told(f"/incidents/{incident_id}") == told(f"/incidents/{uuid4()}")


def test_a_step_of_another_organisations_incident_is_out_of_reach(app, cast, signed_in):
    from playbooks import runs  # noqa: PLC0415

    theirs = desk.reported(cast)
    ours = desk.reported(cast, organisation="softwerk", processor=None)
    with desk.working(cast, theirs) as incident:
        step = runs.steps_for(incident.chain)[0]

    answer = signed_in(people.ESKIL).post(f"/incidents/{ours}/steps/{step.id}/completion")

    assert answer.status_code == 404


def test_a_step_of_a_hidden_incident_cannot_be_reached_by_the_address_of_another(app, cast, signed_in):
    from playbooks import runs  # noqa: PLC0415

    hidden, visible = desk.reported(cast, reference="1"), desk.reported(cast, reference="2")
    restrict(cast, hidden)
    with desk.working(cast, hidden) as incident:
        step = runs.steps_for(incident.chain)[0]

    answer = signed_in(people.ASTRID).post(f"/incidents/{visible}/steps/{step.id}/completion")

    assert answer.status_code == 404
    assert "step.completed" not in desk.actions(cast, hidden)


def test_olga_who_has_no_business_with_incidents_is_turned_away(app, cast, signed_in):
    incident_id = desk.reported(cast)
    browser = signed_in(people.OLGA)

    for page in ("/", f"/incidents/{incident_id}", "/reports", "/reports/new", "/processors"):
        assert browser.get(page).status_code == 403


def test_nils_reads_everything_and_changes_nothing(app, cast, signed_in):
    incident_id = desk.reported(cast)
    before = desk.actions(cast, incident_id)
    browser = signed_in(people.NILS)

    shown = browser.get(f"/incidents/{incident_id}")
    assert shown.status_code == 200
    assert "<textarea" not in shown.text
    for page in (*WRITES, "/closure"):
        assert browser.post(f"/incidents/{incident_id}{page}", data=A_BIT_OF_EVERYTHING).status_code == 403
    assert browser.post("/reports", data=A_BIT_OF_EVERYTHING).status_code == 403

    assert desk.actions(cast, incident_id) == before


def test_who_is_not_signed_in_is_asked_to(app, cast, client):
    answer = client.get(f"/incidents/{desk.reported(cast)}")

    assert answer.status_code == 302
    assert answer.location.startswith("/sign-in")


# --- restricted ---------------------------------------------------------------------------------


def test_a_restricted_incident_is_neither_shown_nor_counted_to_colleagues(app, cast, signed_in):
    incident_id = desk.reported(cast)
    restrict(cast, incident_id)
    browser = signed_in(people.ASTRID)

    board = browser.get("/").text

    assert "PM-2026-0001" not in board
    assert "<strong>1</strong>" not in board
    assert browser.get(f"/incidents/{incident_id}").status_code == 404
    assert browser.post(f"/incidents/{incident_id}/confirmation").status_code == 404


@pytest.mark.parametrize("reader", [people.DORTHE, people.NILS])
def test_those_who_may_see_restricted_incidents_see_it(app, cast, signed_in, reader):
    incident_id = desk.reported(cast)
    restrict(cast, incident_id)

    assert signed_in(reader).get(f"/incidents/{incident_id}").status_code == 200


def test_members_and_the_lead_see_it(app, cast, signed_in):
    incident_id = desk.reported(cast)
    restrict(cast, incident_id, people.BIRK, lead=people.ASTRID)

    for reader in (people.BIRK, people.ASTRID):
        assert "PM-2026-0001" in signed_in(reader).get("/").text
        assert signed_in(reader).get(f"/incidents/{incident_id}").status_code == 200


def test_who_is_no_member_any_more_is_refused_with_the_page_still_open(app, cast, signed_in):
    incident_id = desk.reported(cast)
    restrict(cast, incident_id, people.BIRK)
    browser = signed_in(people.BIRK)
    assert browser.get(f"/incidents/{incident_id}").status_code == 200
    with desk.working(cast, incident_id):
        db.session.delete(db.session.get_one(Member, (incident_id, cast.staff[people.BIRK])))

    assert browser.post(f"/incidents/{incident_id}/confirmation").status_code == 404


def test_the_report_of_a_restricted_incident_is_hidden_with_it(app, cast, signed_in):
    browser = signed_in(people.ASTRID)
    made = browser.post("/reports", data={"title": "Trouble with a colleague", "form_id": "f1"})
    incident_id = UUID(made.location.rpartition("/")[2])
    assert "PM-2026-0001" in browser.get("/reports").text

    restrict(cast, incident_id)

    assert "PM-2026-0001" not in browser.get("/reports").text
