"""The pages of an incident, as a person at night uses them: one action each, by plain forms."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from foundation.database import acting_for, db, utcnow
from incident import intake
from incident.forms.fields import local_text
from incident.models import Assessment, FactsVersion
from notifications import paging
from playbooks import runs
from tests import people
from tests.incident import browsing, desk

CPH = "Europe/Copenhagen"


@pytest.fixture
def astrid(app, signed_in):
    return signed_in(people.ASTRID)


@pytest.fixture
def dorthe(app, signed_in):
    return signed_in(people.DORTHE)


def local(at):
    return local_text(at, CPH)[0]


def latest_facts(cast, incident_id):
    with acting_for(cast.promark):
        db.session.rollback()
        mine = select(FactsVersion).where(FactsVersion.incident_id == incident_id)
        return db.session.scalars(mine.order_by(FactsVersion.number.desc())).first()


# --- the page -----------------------------------------------------------------------------------


def test_the_page_shows_the_sum_behind_each_clock_and_the_rule(astrid, cast):
    page = astrid.get(f"/incidents/{desk.reported(cast)}").text

    assert page.count("+ 72 h") >= 2
    assert "GDPR art. 33(1): 72 h from awareness, provisionally taken from" in page
    assert "latest by Regulation 1182/71" in page


def test_the_page_shows_who_knew_when_with_the_hours_between(astrid, cast):
    page = astrid.get(f"/incidents/{desk.reported(cast)}").text

    for told in (
        "The breach began",
        "NordHost AS told HostCo ApS",
        "HostCo ApS knew",
        "We became aware",
        "+9 h",
        "told as UTC",
        "from the receipt of its report",
        "Told after 5 h, 24 h agreed.",
    ):
        assert told in page


def test_advice_is_marked_as_advice_and_gives_its_sources(astrid, cast):
    page = astrid.get(f"/incidents/{desk.reported(cast)}").text

    assert "A named person decides." in page
    assert "GDPR art. 33(1)" in page


def test_what_is_not_known_stands_before_what_is(astrid, cast):
    page = astrid.get(f"/incidents/{desk.reported(cast)}").text

    asked, told = page.index("Find out first"), page.index("In a few words")
    assert asked < page.index("#f-disclosure-misuse_seen") < told


def test_the_one_next_action_follows_the_story(app, signed_in, cast):
    dorthe, incident_id = signed_in(people.DORTHE), desk.reported(cast)

    def action():
        page = dorthe.get(f"/incidents/{incident_id}").text
        return re.search(r'in-next".*?btn-primary"[^>]*>([^<]+)<', page, re.DOTALL).group(1)

    assert action() == "I have it"
    dorthe.post(f"/incidents/{incident_id}/acknowledgements")
    assert action() == "Fix awareness"
    fixed = {"at": local(desk.ago(hours=1)), "reason": "HostCo rang.", "after": "1", "confirmed": "yes"}
    dorthe.post(f"/incidents/{incident_id}/awareness", data=fixed)
    assert action() == "Confirm or reject"
    dorthe.post(f"/incidents/{incident_id}/confirmation")
    assert action() == "Assess and decide"


def test_an_earlier_version_of_the_facts_can_be_looked_at(astrid, cast):
    incident_id = desk.reported(cast, title="As first told")
    with desk.working(cast, incident_id) as incident:
        intake.learn(incident, desk.told(cast, reference="HC-1", title="As told later"), now=utcnow())

    assert "As told later" in astrid.get(f"/incidents/{incident_id}").text
    assert "As first told" in astrid.get(f"/incidents/{incident_id}?facts=1").text


# --- taking it, steps, notes ----------------------------------------------------------------------


def test_taking_the_call_on_the_page_says_who_has_it(astrid, cast):
    incident_id = desk.reported(cast)

    astrid.post(f"/incidents/{incident_id}/acknowledgements")

    assert "Astrid Holm has it" in astrid.get(f"/incidents/{incident_id}").text
    with acting_for(cast.promark):
        assert not paging.nobody_has([f"incident/{incident_id}"])


def step(cast, incident_id, key):
    with acting_for(cast.promark):
        db.session.rollback()
        return next(each for each in runs.steps_for(f"incident/{incident_id}") if each.key == key)


def test_a_step_is_done_once_however_often_the_form_is_sent(astrid, cast):
    incident_id = desk.reported(cast)
    address = f"/incidents/{incident_id}/steps/{step(cast, incident_id, 'ask_processor').id}/completion"

    answers = [astrid.post(address, data={"note": "Rang them."}).status_code for _ in range(2)]

    assert answers == [303, 303]
    done = step(cast, incident_id, "ask_processor")
    assert (done.state, done.done_by, done.note) == ("done", "Astrid Holm", "Rang them.")
    assert desk.actions(cast, incident_id).count("step.completed") == 1


def test_a_step_is_left_out_only_with_a_reason(astrid, cast):
    incident_id = desk.reported(cast)
    address = f"/incidents/{incident_id}/steps/{step(cast, incident_id, 'ask_processor').id}/omission"

    assert astrid.post(address, data={"reason": " "}).status_code == 409
    assert astrid.post(address, data={"reason": "They told us all."}).status_code == 303

    assert step(cast, incident_id, "ask_processor").reason == "They told us all."


def test_a_note_enters_the_record_under_its_authors_name(astrid, cast):
    incident_id = desk.reported(cast)

    astrid.post(f"/incidents/{incident_id}/notes", data={"text": "The log is\nincomplete."})

    page = astrid.get(f"/incidents/{incident_id}").text
    assert "The log is\nincomplete." in page
    assert desk.actions(cast, incident_id)[-1] == "note.added"


# --- awareness ----------------------------------------------------------------------------------


def test_awareness_is_first_shown_with_what_it_moves_and_saved_only_then(astrid, cast):
    incident_id = desk.reported(cast)
    typed = {"at": local(desk.ago(hours=3)), "reason": "HostCo rang.", "after": "1"}

    shown = astrid.post(f"/incidents/{incident_id}/awareness", data=typed)

    assert "This will move" in shown.text
    assert "Authority, by law" in shown.text
    assert "Assess the risk to people" in shown.text
    assert desk.incident_of(cast, incident_id).awareness_is_provisional

    saved = astrid.post(f"/incidents/{incident_id}/awareness", data=typed | {"confirmed": "yes"})

    assert saved.status_code == 303
    assert desk.incident_of(cast, incident_id).aware_at == desk.ago(hours=3)


def test_an_ambiguous_hour_is_asked_about_and_the_answer_counts(app, cast, signed_in, clock):
    from datetime import UTC, datetime  # noqa: PLC0415

    autumn = datetime(2027, 10, 31, 9, 0, tzinfo=UTC)
    clock.move(seconds=(autumn - utcnow()).total_seconds())
    incident_id = desk.reported(cast)
    astrid = signed_in(people.ASTRID)
    typed = {"at": "2027-10-31T02:30", "reason": "Alarm at night.", "after": "1", "confirmed": "yes"}

    asked = astrid.post(f"/incidents/{incident_id}/awareness", data=typed)
    astrid.post(f"/incidents/{incident_id}/awareness", data=typed | {"at.fold": "1"})

    assert asked.status_code == 422
    assert "Which of the two?" in asked.text
    assert "CEST" in asked.text
    assert desk.incident_of(cast, incident_id).aware_at == datetime(2027, 10, 31, 1, 30, tzinfo=UTC)


def test_awareness_in_the_future_is_refused_and_what_was_typed_stays(astrid, cast):
    incident_id = desk.reported(cast)
    typed = {"at": "2036-01-01T09:00", "reason": "A slip of the year.", "after": "1", "confirmed": "yes"}

    refused = astrid.post(f"/incidents/{incident_id}/awareness", data=typed | {"confirmed": ""})

    assert refused.status_code == 422
    assert "future" in refused.text
    assert "A slip of the year." in refused.text
    confirmed = astrid.post(f"/incidents/{incident_id}/awareness", data=typed)
    assert confirmed.status_code == 422
    assert "A slip of the year." in confirmed.text
    assert desk.incident_of(cast, incident_id).awareness_is_provisional


def test_fixing_awareness_at_the_minute_it_was_held_moves_no_second_of_it(astrid, cast):
    incident_id = desk.reported(cast)
    held = desk.incident_of(cast, incident_id).aware_at
    form = browsing.form(
        astrid.get(f"/incidents/{incident_id}/awareness").text, f"/incidents/{incident_id}/awareness"
    )

    shown = astrid.post(f"/incidents/{incident_id}/awareness", data=form | {"reason": "So it was."})
    astrid.post(
        f"/incidents/{incident_id}/awareness", data=form | {"reason": "So it was.", "confirmed": "yes"}
    )

    assert "Nothing: the clocks run from this moment already." in shown.text
    incident = desk.incident_of(cast, incident_id)
    assert (incident.aware_at, incident.awareness_is_provisional) == (held, False)


def test_awareness_without_a_time_or_a_reason_asks_for_both(astrid, cast):
    incident_id = desk.reported(cast)

    asked = astrid.post(f"/incidents/{incident_id}/awareness", data={"at": "", "reason": "", "after": "1"})

    assert asked.status_code == 422
    assert "Say when." in asked.text
    assert "Say why" in asked.text


def test_a_local_time_that_never_was_is_refused(astrid, cast):
    incident_id = desk.reported(cast)
    typed = {"at": "2026-03-29T02:30", "reason": "Telephone.", "after": "1"}

    refused = astrid.post(f"/incidents/{incident_id}/awareness", data=typed)

    assert refused.status_code == 422
    assert "put forward over this time" in refused.text
    assert desk.incident_of(cast, incident_id).awareness_is_provisional


def test_what_moves_is_shown_beside_what_does_not(astrid, cast):
    incident_id = desk.reported(cast)
    typed = {"at": local(desk.ago(hours=2)), "reason": "Telephone.", "after": "1"}

    preview = astrid.post(f"/incidents/{incident_id}/awareness", data=typed).text

    moved, still = preview.split("This will move")[1].split("Do not move:")
    assert "Authority, by law" in moved
    assert "Authority, our promise" in still


def test_a_processor_that_sat_on_it_is_a_warning_and_moves_no_clock(astrid, cast):
    knew = (utcnow() - timedelta(hours=60)).isoformat()
    incident_id = desk.reported(
        cast, chain=[{"name": "HostCo ApS", "role": "processor", "aware_at": knew}], timeline=None
    )

    page, form = (astrid.get(f"/incidents/{incident_id}{part}").text for part in ("", "/awareness"))

    assert "HostCo ApS knew 60 h before we did; 24 h were allowed." in page
    assert "It was held back." in form
    assert desk.incident_of(cast, incident_id).aware_at > utcnow() - timedelta(minutes=5)


# --- assessment -----------------------------------------------------------------------------------

DECIDED = {
    "breach": "yes", "identifiable": "yes", "risk": "high", "authority": "notify_authority",
    "people": "communicate", "promise": "keep_promise", "reason": "Names and absence.", "after": "0",
    "facts_number": "1",
}  # fmt: skip


def test_nothing_that_weakens_a_duty_is_chosen_beforehand(app, cast, dorthe):
    incident_id = desk.confirmed(
        cast, compromised={"confidentiality": "no", "integrity": "no", "availability": "yes"},
        disclosure=None, data=None, availability={"service_effect": "none", "restored_after_hours": 0.1},
    )  # fmt: skip

    form = dorthe.get(f"/incidents/{incident_id}/assessments/new").text

    chosen = re.findall(r'name="(\w+)" value="(\w+)" required checked', form)
    assert ("authority", "notify_authority") in chosen
    assert not {
        ("authority", "do_not_notify"), ("people", "do_not_communicate"), ("risk", "unlikely"),
        ("identifiable", "no"),
    } & set(chosen)  # fmt: skip


def test_a_decision_makes_its_duties_stand_on_the_page(dorthe, cast):
    incident_id = desk.confirmed(cast)

    dorthe.post(f"/incidents/{incident_id}/assessments", data=DECIDED)

    page = dorthe.get(f"/incidents/{incident_id}").text
    assert "Danish Data Protection Agency" in page
    assert "GDPR art. 34(1)" in page
    assert "Names and absence." in page


def test_the_form_of_a_decision_sent_twice_decides_once(dorthe, cast):
    incident_id = desk.confirmed(cast)

    answers = [
        dorthe.post(f"/incidents/{incident_id}/assessments", data=DECIDED).status_code for _ in range(2)
    ]

    assert answers == [303, 303]
    with acting_for(cast.promark):
        assert db.session.scalar(select(func.count()).select_from(Assessment)) == 1


def test_a_decision_with_something_left_open_comes_back_as_typed(dorthe, cast):
    incident_id = desk.confirmed(cast)

    refused = dorthe.post(
        f"/incidents/{incident_id}/assessments", data=DECIDED | {"risk": "", "reason": "Kept."}
    )

    assert refused.status_code == 422
    assert "Kept." in refused.text


# --- breach or none, closing ------------------------------------------------------------------------


def test_a_rejection_stops_the_clocks_and_shows_its_reason_can_be_taken_back(astrid, cast):
    incident_id = desk.reported(cast)

    astrid.post(f"/incidents/{incident_id}/rejection", data={"reason": "A drill."})

    page = astrid.get(f"/incidents/{incident_id}").text
    assert "Rejected" in page
    assert "Take it up again" in page
    assert "data-countdown" not in page


def test_astrid_cannot_set_decided_duties_aside_by_rejecting(astrid, cast):
    incident_id = desk.assessed(cast)

    assert astrid.post(f"/incidents/{incident_id}/rejection", data={"reason": "No."}).status_code == 403
    assert desk.incident_of(cast, incident_id).state == "confirmed"


def test_closing_with_open_duties_is_refused_by_name(dorthe, cast):
    incident_id = desk.assessed(cast)

    refused = dorthe.post(f"/incidents/{incident_id}/closure", data={"reason": "Done."})

    assert refused.status_code == 409
    assert "dk-datatilsynet" in refused.text


# --- facts ------------------------------------------------------------------------------------------


def facts_form(browser, incident_id):
    """What a browser would send back of the facts form."""
    page = browser.get(f"/incidents/{incident_id}/facts/new").text
    return browsing.form(page, f"/incidents/{incident_id}/facts")


def test_new_facts_become_a_version_with_their_reason_and_move_the_clocks(astrid, cast):
    incident_id = desk.reported(cast)
    typed = facts_form(astrid, incident_id)
    earlier = desk.ago(hours=30)

    answer = astrid.post(
        f"/incidents/{incident_id}/facts",
        data=typed | {"timeline.occurred_from": local(earlier), "reason": "NordHost's log."},
    )

    assert answer.status_code == 303
    version = latest_facts(cast, incident_id)
    assert (version.number, version.source, version.reason) == (2, "Astrid Holm", "NordHost's log.")
    assert desk.clock_of(cast, incident_id, "own_promise_authority").starts_at == earlier


def test_the_facts_form_sent_back_untouched_changes_nothing(astrid, cast):
    incident_id = desk.reported(cast)
    before = latest_facts(cast, incident_id)

    astrid.post(
        f"/incidents/{incident_id}/facts", data=facts_form(astrid, incident_id) | {"reason": "Looked."}
    )

    assert latest_facts(cast, incident_id).sha256 == before.sha256
    assert latest_facts(cast, incident_id).number == 1


def test_of_two_who_edit_the_same_version_the_second_sees_both_and_loses_nothing(app, signed_in, cast):
    astrid, dorthe, incident_id = signed_in(people.ASTRID), signed_in(people.DORTHE), desk.reported(cast)
    hers, theirs = facts_form(astrid, incident_id), facts_form(dorthe, incident_id)
    address = f"/incidents/{incident_id}/facts"
    dorthe.post(
        address,
        data=theirs | {"title": "Portal backup taken", "cause.kind": "credential_attack", "reason": "Call."},
    )

    conflict = astrid.post(
        address, data=hers | {"title": "Backup stolen", "subjects.total.at_least": "900", "reason": "Mail."}
    )

    assert conflict.status_code == 409
    assert "Portal backup taken" in conflict.text
    assert 'value="Backup stolen"' in conflict.text
    assert latest_facts(cast, incident_id).number == 2

    assert astrid.post(address, data=browsing.form(conflict.text, address)).status_code == 303
    kept = latest_facts(cast, incident_id).facts
    assert (kept["title"], kept["cause"]["kind"]) == ("Backup stolen", "credential_attack")
    assert kept["subjects"]["total"]["at_least"] == 900


def test_a_fault_in_the_facts_is_shown_at_its_field_with_everything_else_kept(astrid, cast):
    incident_id = desk.reported(cast)
    typed = facts_form(astrid, incident_id) | {
        "subjects.total.exactly": "many",
        "description": "Kept as typed.",
    }

    refused = astrid.post(f"/incidents/{incident_id}/facts", data=typed | {"reason": "Mail."})

    assert refused.status_code == 422
    assert 'href="#f-subjects-total-exactly"' in refused.text
    assert "Kept as typed." in refused.text


def test_a_clock_that_only_a_person_set_going_follows_awareness_too(app, cast):
    from incident import triage  # noqa: PLC0415

    incident_id, at = desk.assessed(cast), desk.ago(hours=2)

    with desk.working(cast, incident_id) as incident:
        triage.fix_awareness(incident, at, reason="Telephone.", after=1, by="Dorthe", now=utcnow())

    assert desk.clock_of(cast, incident_id, "subject_communication").starts_at == at
