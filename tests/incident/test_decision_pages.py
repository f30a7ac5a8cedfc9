"""The pages of decisions: who sees which button, and what new facts say to what was decided."""

import pytest
from sqlalchemy import select

from foundation.database import acting_for, db, utcnow
from incident import intake
from incident.models import Decision, Kind
from tests import people
from tests.incident import desk

WHY = "Keys safe."
BUTTONS = ("Yes, I agree", "I do not agree", "Withdraw it", "Record the decision", "Assess again")


@pytest.fixture
def waiting(app, cast):
    """An incident with a decision of Dorthe's that waits for a second person."""
    return desk.assessed(
        cast, desk.verdict(Kind.DO_NOT_NOTIFY, Kind.COMMUNICATE, Kind.KEEP_PROMISE, reason=WHY)
    )


def decision_id(cast, kind="do_not_notify"):
    with acting_for(cast.promark):
        db.session.rollback()
        return db.session.scalars(select(Decision.id).where(Decision.kind == kind)).one()


def test_who_only_reads_sees_no_button_and_is_refused_what_they_do(cast, signed_in, waiting):
    nils, mine = signed_in(people.NILS), f"/incidents/{waiting}/decisions"

    pages = [nils.get(page).text for page in (f"/incidents/{waiting}", mine)]
    acts = [f"{mine}/{decision_id(cast)}/{what}" for what in
            ("agreement", "refusal", "withdrawal", "publication")]  # fmt: skip
    forms = [mine, f"/incidents/{waiting}/assessments", *acts]

    assert all(WHY in page for page in pages)
    assert [button for button in BUTTONS for page in pages if button in page] == []
    assert {nils.post(form, data={"reason": "x"}).status_code for form in forms} == {403}
    assert desk.decisions_of(cast, waiting)[0] == ("do_not_notify", "pending")


def test_who_decided_sees_that_a_second_person_must_agree_and_no_such_button(signed_in, waiting):
    page = signed_in(people.DORTHE).get(f"/incidents/{waiting}").text

    assert "a second person must agree" in page
    assert "Yes, I agree" not in page


def test_what_waits_stands_on_the_board_of_those_who_may_agree_and_of_nobody_else(signed_in, waiting):
    told = {who: "Waits for you as the second person" in signed_in(who).get("/").text
            for who in (people.BIRK, people.ASTRID, people.DORTHE, people.NILS)}  # fmt: skip

    assert told == {people.BIRK: True, people.ASTRID: True, people.DORTHE: False, people.NILS: False}


def test_birk_agrees_with_one_button_and_the_page_names_both(cast, signed_in, waiting):
    birk = signed_in(people.BIRK)

    agreed = birk.post(
        f"/incidents/{waiting}/decisions/{decision_id(cast)}/agreement", data={"facts_number": "1"}
    )

    assert agreed.status_code == 303
    page = birk.get(f"/incidents/{waiting}").text
    assert "<strong>Dorthe Friis</strong> and <strong>Birk Lund</strong>" in page
    assert "otherwise than advised" in page


def test_new_facts_that_turn_the_advice_are_loud_beside_what_was_decided(cast, signed_in, waiting):
    assert "The advice has turned since." not in signed_in(people.BIRK).get(f"/incidents/{waiting}").text
    harmless = {
        "encrypted": "yes", "encryption_state_of_the_art": "yes", "key_compromised": "no",
        "passwords": "none_affected",
    }  # fmt: skip
    with desk.working(cast, waiting) as incident:
        told = desk.told(
            cast, reference="HC-1", protection=harmless,
            availability={"backup": "full", "service_effect": "none"},
            disclosure={"exfiltration": "ruled_out", "evidence": "reliable_logs"},
            compromised={"confidentiality": "no", "integrity": "no", "availability": "no"},
        )  # fmt: skip
        intake.learn(incident, told, now=utcnow())

    page = signed_in(people.BIRK).get(f"/incidents/{waiting}").text

    assert "The advice has turned since." in page


def test_one_question_can_be_decided_otherwise_on_the_page_of_decisions(cast, signed_in, waiting):
    dorthe = signed_in(people.DORTHE)

    typed = {"question": "authority", "kind": "notify_authority", "reason": "The key was taken."}
    answer = dorthe.post(f"/incidents/{waiting}/decisions", data=typed)

    assert answer.status_code == 303
    states = dict(desk.decisions_of(cast, waiting))
    assert (states["do_not_notify"], states["notify_authority"]) == ("replaced", "in_force")


@pytest.mark.parametrize(
    "typed",
    [
        {"question": "authority", "kind": "communicate", "reason": "x"},
        {"question": "people", "kind": "notify_authority", "reason": "x"},
        {"question": "x", "kind": "x", "reason": "x"}, {"reason": "x"},
        {"question": "authority", "kind": "notify_authority", "reason": " "},
    ],
)  # fmt: skip
def test_an_answer_that_is_none_to_its_question_comes_back(cast, signed_in, waiting, typed):
    before = desk.decisions_of(cast, waiting)

    assert signed_in(people.DORTHE).post(f"/incidents/{waiting}/decisions", data=typed).status_code == 422
    assert desk.decisions_of(cast, waiting) == before
