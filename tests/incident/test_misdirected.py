"""A message to the wrong recipient: eight questions, and one stands before the decision with the advice."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from foundation.database import acting_for, db, utcnow
from incident import advice
from incident.models import FactsVersion, Incident
from tests import people
from tests.incident import browsing, desk
from tests.story.driver import local

ELEMENTS = dict.fromkeys(("element_security", "element_disclosed", "element_personal"), "yes")
ADDRESS = "/wrong-recipient"


def answers(**more):
    now = utcnow()
    return {
        "form_id": "one", "kind": "wrong_attachment", "channel": "email",
        "timeline.occurred_from": local(now - timedelta(hours=3)),
        "timeline.detected_at": local(now - timedelta(hours=1)), "data.categories": ["name", "insurance"],
        "telling": "none", "subjects.total.exactly": "24", "disclosure.recipients": "business_partner",
        "disclosure.recipients_count.exactly": "1", "disclosure.recipients_trusted": "yes",
        "disclosure.retrieved": "confirmed_in_writing", "held": "yes",
    } | more  # fmt: skip


def kept(cast):
    with acting_for(cast.promark):
        db.session.rollback()
        db.session.expire_all()
        incident = db.session.scalars(select(Incident)).one()
        return incident, db.session.scalars(select(FactsVersion)).one().facts


def test_one_page_makes_a_confirmed_breach_and_leads_to_the_decision_with_the_advice(signed_in, cast):
    dorthe = signed_in(people.DORTHE)

    sent = dorthe.post(ADDRESS, data=answers(**ELEMENTS))
    page = dorthe.get(sent.headers["Location"])

    incident, facts = kept(cast)
    assert incident.state == "confirmed"
    assert facts["cause"] == {"category": "human_error", "kind": "wrong_attachment", "deliberate": "no"}
    assert facts["disclosure"]["retrieved"] == "confirmed_in_writing"
    assert facts["subjects"]["total"] == {"exactly": 24, "estimate": True}
    assert "Assess and decide" in page.text
    assert "What the rules make of it" in page.text


def test_what_is_not_asked_stays_unknown(signed_in, cast):
    signed_in(people.DORTHE).post(ADDRESS, data={"form_id": "one", "kind": "wrong_recipient"})

    _incident, facts = kept(cast)

    assert set(facts) == {"title", "cause", "compromised", "disclosure", "chain"}
    assert facts["compromised"] == {"confidentiality": "yes"}
    assert facts["disclosure"] == {"exfiltration": "not_applicable"}


@pytest.mark.parametrize(
    ("telling", "pointer", "value"),
    [
        ("identity", ("data", "categories"), ["name", "national_id"]),
        ("health", ("data", "special_categories"), "yes"),
        ("address", ("subjects", "protected_identity"), "yes"),
        ("passwords", ("protection", "passwords"), "plain"),
        ("documents", ("data", "categories"), ["name", "identity_document"]),
        ("stray", ("data", "special_categories"), "incidental"),
        ("vulnerable", ("subjects", "vulnerable"), "yes"),
        ("none", ("data", "special_categories"), "no"),
        ("none", ("subjects", "vulnerable"), "no"),
        ("none", ("subjects", "protected_identity"), "no"),
    ],
)
def test_what_is_telling_is_asked_by_name(signed_in, cast, telling, pointer, value):
    typed = {"form_id": "one", "kind": "wrong_recipient", "data.categories": "name", "telling": telling}

    signed_in(people.DORTHE).post(ADDRESS, data=typed)

    _incident, facts = kept(cast)
    assert facts[pointer[0]][pointer[1]] == value


def test_without_the_three_elements_it_is_reported_and_no_more(signed_in, cast):
    sent = signed_in(people.ASTRID).post(ADDRESS, data=answers(element_security="yes"))

    incident, _facts = kept(cast)
    assert incident.state == "reported"
    assert sent.headers["Location"].endswith(str(incident.id))


def test_the_elements_stand_in_the_record_and_nobody_is_called_for_what_somebody_has(signed_in, cast, work):
    signed_in(people.DORTHE).post(ADDRESS, data=answers(**ELEMENTS))
    incident, _facts = kept(cast)

    work()

    actions = desk.actions(cast, incident.id)
    assert "incident.confirmed" in actions
    assert "page.sent" not in actions


def test_the_same_form_twice_is_one_incident(signed_in, cast):
    dorthe, typed = signed_in(people.DORTHE), answers(**ELEMENTS)

    places = [dorthe.post(ADDRESS, data=typed).headers["Location"] for _ in range(2)]

    assert places[0] == places[1]
    assert kept(cast)[0].state == "confirmed"


def test_what_cannot_be_comes_back_with_everything_that_was_typed(signed_in, cast):
    late = local(utcnow() - timedelta(days=2))
    typed = answers(telling=["health", "none"], **{"timeline.detected_at": late}, title="Payslips")

    refused = signed_in(people.DORTHE).post(ADDRESS, data=typed)

    assert refused.status_code == 422
    form = browsing.form(refused.text, ADDRESS)
    assert (form["title"], form["subjects.total.exactly"]) == (["Payslips"], ["24"])
    assert 'href="#f-timeline-detected_at"' in refused.text
    assert 'href="#f-telling"' in refused.text


def test_who_may_not_report_sees_no_such_page(signed_in, cast):
    nils = signed_in(people.NILS)

    assert [nils.get(ADDRESS).status_code, nils.post(ADDRESS, data=answers()).status_code] == [403, 403]
    assert ADDRESS not in nils.get("/").text


# --- published cases, entered as they are asked for -----------------------------------------------

SWAPPED_LETTERS = {  # Guidelines 01/2021, case 13
    "kind": "wrong_recipient", "channel": "post", "data.categories": ["name", "postal_address", "orders"],
    "telling": "none", "subjects.total.exactly": "2", "disclosure.recipients": "other_data_subject",
    "disclosure.recipients_count.exactly": "2", "disclosure.recipients_trusted": "no",
    "disclosure.retrieved": "requested",
}  # fmt: skip
PARTICIPANTS = {  # Guidelines 01/2021, case 15: two of fifteen cannot have lactose
    "kind": "wrong_attachment", "channel": "email", "data.categories": ["name", "contact", "preferences"],
    "telling": ["stray", "none"], "subjects.total.exactly": "15",
    "disclosure.recipients": "other_data_subject", "disclosure.recipients_count.exactly": "15",
    "disclosure.recipients_trusted": "no", "disclosure.retrieved": "requested",
}  # fmt: skip


def advised(signed_in, cast, typed):
    signed_in(people.DORTHE).post(ADDRESS, data=answers(**typed))
    incident, _facts = kept(cast)
    with desk.working(cast, incident.id) as working:
        return advice.advised(working, now=utcnow())


@pytest.mark.parametrize("typed", [SWAPPED_LETTERS, PARTICIPANTS], ids=["case 13", "case 15"])
def test_a_published_case_that_needs_no_notice_comes_out_so(signed_in, cast, typed):
    found = advised(signed_in, cast, typed).evaluation.judgement

    assert found.risk.level == "unlikely"
    assert not found.authority_notification.required
    assert not found.subject_communication.required


@pytest.mark.parametrize("typed", [SWAPPED_LETTERS, PARTICIPANTS], ids=["case 13", "case 15"])
@pytest.mark.parametrize("left", ["telling", "held", "disclosure.recipients", "subjects.total.exactly"])
def test_a_published_case_with_an_answer_left_open_is_to_be_notified(signed_in, cast, typed, left):
    assert advised(signed_in, cast, typed | {left: ""}).evaluation.judgement.authority_notification.required


def test_children_among_them_are_no_trifle(signed_in, cast):
    found = advised(signed_in, cast, SWAPPED_LETTERS | {"telling": "vulnerable"})

    assert found.evaluation.judgement.authority_notification.required


@pytest.mark.parametrize("telling", [["health", "stray"], ["vulnerable", "none"]])
def test_answers_that_contradict_each_other_are_asked_back(signed_in, cast, telling):
    refused = signed_in(people.DORTHE).post(ADDRESS, data=answers(telling=telling))

    assert refused.status_code == 422
    assert 'href="#f-telling"' in refused.text
