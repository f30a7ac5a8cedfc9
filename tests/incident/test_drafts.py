"""What is typed of new facts is never lost: not by reload, sign-out, a second window or a colleague."""

import pytest
from sqlalchemy import select, text

from foundation.database import db, everyone
from incident.models import FactsDraft
from tests import people
from tests.incident import browsing, desk
from tests.people import PASSWORD

FETCH = {"X-Requested-With": "fetch"}


@pytest.fixture
def astrid(signed_in):
    return signed_in(people.ASTRID)


def form(browser, incident_id):
    page = browser.get(f"/incidents/{incident_id}/facts/new").text
    return browsing.form(page, f"/incidents/{incident_id}/facts")


def save(browser, incident_id, typed, **options):
    return browser.post(f"/incidents/{incident_id}/facts/draft", data=typed, **options)


def keep(browser, incident_id, typed):
    return browser.post(f"/incidents/{incident_id}/facts", data=typed | {"reason": "Mail."})


def drafts():
    with everyone():
        db.session.rollback()
        return list(db.session.scalars(select(FactsDraft).execution_options(populate_existing=True)))


def test_a_reload_after_autosave_shows_what_was_typed(astrid, cast):
    incident_id = desk.reported(cast)
    typed = form(astrid, incident_id) | {"description": "The key was in the copy.", "reason": "HostCo"}

    save(astrid, incident_id, typed, headers=FETCH)

    again = astrid.get(f"/incidents/{incident_id}/facts/new").text
    assert "The key was in the copy." in again
    assert "You left off at" in again
    assert desk.incident_of(cast, incident_id).facts_number == 1


def test_a_draft_outlives_sign_out(astrid, cast, app):
    incident_id = desk.reported(cast)
    save(astrid, incident_id, form(astrid, incident_id) | {"title": "Half a thought"})

    astrid.post("/sign-out")
    assert astrid.get(f"/incidents/{incident_id}/facts/new").status_code == 302
    astrid.post("/sign-in", data={"email": people.ASTRID, "password": PASSWORD})

    assert form(astrid, incident_id)["title"] == ["Half a thought"]


def test_what_cannot_be_read_yet_is_saved_as_it_was_typed(astrid, cast):
    incident_id = desk.reported(cast)

    fragment = save(
        astrid, incident_id, form(astrid, incident_id) | {"subjects.total.exactly": "some 4"}, headers=FETCH
    )

    assert "Cannot be read yet" in fragment.text
    assert form(astrid, incident_id)["subjects.total.exactly"] == ["some 4"]


def test_a_form_left_as_it_was_is_no_draft(astrid, cast):
    incident_id = desk.reported(cast)

    save(astrid, incident_id, form(astrid, incident_id))

    assert drafts() == []


def test_a_draft_is_one_s_own(astrid, signed_in, cast):
    incident_id = desk.reported(cast)
    save(astrid, incident_id, form(astrid, incident_id) | {"title": "Only Astrid thinks so"})

    assert (
        "Only Astrid thinks so" not in signed_in(people.BIRK).get(f"/incidents/{incident_id}/facts/new").text
    )


def test_what_is_typed_stands_encrypted_in_the_database(astrid, cast):
    incident_id = desk.reported(cast)
    save(astrid, incident_id, form(astrid, incident_id) | {"title": "Karen Møller's file"})

    with everyone(), db.engine.connect() as connection:
        (stored,) = connection.execute(text("SELECT typed FROM facts_drafts")).scalars()

    assert b"Karen" not in bytes(stored)


def test_a_draft_is_offered_on_the_page_and_goes_when_it_is_discarded(astrid, cast):
    incident_id = desk.reported(cast)
    save(astrid, incident_id, form(astrid, incident_id) | {"title": "No"})
    assert "You have a draft of new facts" in astrid.get(f"/incidents/{incident_id}").text

    astrid.post(f"/incidents/{incident_id}/facts/draft/removal")

    assert "You have a draft" not in astrid.get(f"/incidents/{incident_id}").text
    assert drafts() == []


def test_a_draft_ends_when_its_facts_are_kept(astrid, cast):
    incident_id = desk.reported(cast)
    save(astrid, incident_id, form(astrid, incident_id) | {"title": "Kept"})

    assert keep(astrid, incident_id, form(astrid, incident_id)).status_code == 303

    assert drafts() == []
    assert desk.incident_of(cast, incident_id).title == "Kept"


# --- two at once ----------------------------------------------------------------------------------


def test_of_two_windows_that_save_neither_loses_anything(astrid, cast):
    incident_id = desk.reported(cast)
    left, right = form(astrid, incident_id), form(astrid, incident_id)
    save(astrid, incident_id, left | {"title": "From the left", "touched": "title"}, headers=FETCH)

    other = save(
        astrid, incident_id, right | {"description": "From the right", "touched": "description"},
        headers=FETCH,
    )  # fmt: skip

    assert "data-elsewhere" in other.text
    both = form(astrid, incident_id)
    assert (both["title"], both["description"]) == (["From the left"], ["From the right"])


def test_without_a_script_two_windows_lose_nothing_either(astrid, cast):
    incident_id = desk.reported(cast)
    left, right = form(astrid, incident_id), form(astrid, incident_id)
    save(astrid, incident_id, left | {"title": "From the left"})

    save(astrid, incident_id, right | {"description": "From the right"})

    both = form(astrid, incident_id)
    assert (both["title"], both["description"]) == (["From the left"], ["From the right"])


def test_a_window_that_lacks_what_the_other_saved_makes_no_version_of_it(astrid, cast):
    incident_id = desk.reported(cast)
    left, right = form(astrid, incident_id), form(astrid, incident_id)
    save(astrid, incident_id, left | {"title": "From the left"})

    asked = keep(astrid, incident_id, right | {"description": "From the right"})

    assert asked.status_code == 409
    assert "another window" in asked.text
    assert desk.incident_of(cast, incident_id).facts_number == 1
    again = browsing.form(asked.text, f"/incidents/{incident_id}/facts")
    assert (again["title"], again["description"]) == (["From the left"], ["From the right"])
    assert keep(astrid, incident_id, again).status_code == 303


def test_a_window_that_differs_in_the_ends_of_its_lines_lacks_nothing(astrid, cast):
    incident_id = desk.reported(cast)
    typed = form(astrid, incident_id) | {"description": "One line\nand another"}
    save(astrid, incident_id, typed, headers=FETCH)

    kept = keep(astrid, incident_id, typed | {"description": "One line\r\nand another", "draft": "0"})

    assert kept.status_code == 303


def test_a_draft_goes_on_top_of_what_a_colleague_kept_meanwhile(astrid, signed_in, cast):
    incident_id, dorthe = desk.reported(cast), signed_in(people.DORTHE)
    save(astrid, incident_id, form(astrid, incident_id) | {"title": "Backup stolen", "cause.kind": "malware"})
    keep(
        dorthe,
        incident_id,
        form(dorthe, incident_id) | {"title": "Portal copied", "subjects.groups": ["users"]},
    )

    page = astrid.get(f"/incidents/{incident_id}/facts/new").text

    assert "Somebody entered new facts while you were writing" in page
    assert "Portal copied" in page
    mine = browsing.form(page, f"/incidents/{incident_id}/facts")
    assert (mine["title"], mine["cause.kind"], mine["after"]) == (["Backup stolen"], ["malware"], ["2"])
    assert mine["subjects.groups"] == ["users"]
    assert keep(astrid, incident_id, mine).status_code == 303


# --- the advice beside it ---------------------------------------------------------------------------


def test_the_advice_follows_what_is_typed_before_it_is_kept(astrid, cast):
    incident_id = desk.reported(cast)
    told = "Disclosed to an unknown number of recipients."
    typed = form(astrid, incident_id) | {"disclosure.exfiltration": "published"}

    fragment = save(astrid, incident_id, typed, headers=FETCH).text

    assert told in fragment
    assert told not in astrid.get(f"/incidents/{incident_id}").text


def test_what_to_find_out_first_leads_to_its_field(astrid, cast):
    incident_id = desk.reported(cast)
    page = astrid.get(f"/incidents/{incident_id}/facts/new").text

    places = {part.split('"')[0] for part in page.split('href="#f-')[1:]}

    assert len(places) >= 3
    assert all(f'id="f-{place}"' in page for place in places)


def test_what_an_answer_would_bring_is_said_in_a_sentence(astrid, cast):
    incident_id = desk.reported(
        cast, data={"categories": ["name"], "identifiability": "direct"}, measures=None,
        protection={"encrypted": "no", "passwords": "none_affected"},
    )  # fmt: skip

    page = astrid.get(f"/incidents/{incident_id}/facts/new").text

    asked = page.split('href="#f-data-special_categories"')[1].split("</li>")[0]
    assert "If the answer is “Yes”, both notices are due." in asked


def test_who_may_not_enter_facts_keeps_no_draft(signed_in, cast):
    incident_id = desk.reported(cast)

    answers = [
        save(signed_in(who), incident_id, {"title": "x"}).status_code for who in (people.NILS, people.OLGA)
    ]

    assert answers == [403, 403]
    assert drafts() == []
