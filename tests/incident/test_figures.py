"""Staff may set a figure of the severity, with a reason; the rules' own stays, and no duty hangs on it."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from foundation.database import acting_for, db, everyone, transaction
from incident.models import DutyState, SeverityOverride
from tests import people
from tests.incident import desk

WHY = "ENISA's table has it lower for a club's list of members."


def risk_on(browser, incident_id):
    """The risk that the page advises."""
    page = browser.get(f"/incidents/{incident_id}").text
    return page.split("<dt>Risk to people</dt><dd><strong>")[1].partition("<")[0]


def post(browser, incident_id, **typed):
    return browser.post(f"/incidents/{incident_id}/assessments/figures", data={"reason": WHY} | typed)


def rows(cast):
    with acting_for(cast.promark):
        db.session.rollback()
        return list(db.session.scalars(select(SeverityOverride).order_by(SeverityOverride.number)))


def test_a_figure_is_set_with_a_reason_and_the_rules_own_stays_beside_it(signed_in, cast):
    incident_id, dorthe = desk.reported(cast), signed_in(people.DORTHE)

    post(dorthe, incident_id, figure="ei", value="0,25")

    (kept,) = rows(cast)
    page = dorthe.get(f"/incidents/{incident_id}").text
    assert (kept.figure, kept.value, kept.reason, kept.by) == ("ei", 0.25, WHY, "Dorthe Friis")
    assert f"Ease of identification: 0.25</strong> set by Dorthe Friis in place of {kept.original:g}:" in page
    assert "the rules say" in page
    assert "severity.overridden" in desk.actions(cast, incident_id)


def test_a_lower_figure_closes_no_duty(signed_in, cast):
    incident_id, dorthe = desk.assessed(cast), signed_in(people.DORTHE)
    before = risk_on(dorthe, incident_id)

    for figure, value in (("dpc", "1"), ("ei", "0.25"), ("cb", "0")):
        post(dorthe, incident_id, figure=figure, value=value)

    assert desk.duty_of(cast, incident_id, "gdpr-33").state == DutyState.OPEN
    assert risk_on(dorthe, incident_id) == before


def test_left_empty_the_rules_own_figure_holds_again_and_both_stand_in_the_record(signed_in, cast):
    incident_id, dorthe = desk.reported(cast), signed_in(people.DORTHE)
    post(dorthe, incident_id, figure="ei", value="0.25")

    post(dorthe, incident_id, figure="ei", value="")

    assert [each.value for each in rows(cast)] == [0.25, None]
    assert "in place of" not in dorthe.get(f"/incidents/{incident_id}").text
    assert desk.actions(cast, incident_id)[-2:] == ["severity.overridden", "severity.restored"]


def test_the_same_figure_twice_is_set_once(signed_in, cast):
    incident_id, dorthe = desk.reported(cast), signed_in(people.DORTHE)

    for _ in range(2):
        post(dorthe, incident_id, figure="ei", value="0.5")

    assert len(rows(cast)) == 1


@pytest.mark.parametrize(
    "typed",
    [
        {"figure": "dpc", "value": "1.5"}, {"figure": "dpc", "value": "0"},
        {"figure": "dpc", "value": "9"}, {"figure": "dpc", "value": "-1"}, {"figure": "ei", "value": "0.3"},
        {"figure": "cb", "value": "nan"}, {"figure": "cb", "value": "inf"}, {"figure": "cb", "value": "x"},
        {"figure": "xx", "value": "1"}, {"figure": "cb", "value": "1", "reason": " "},
    ],
)  # fmt: skip
def test_what_the_sum_does_not_have_is_refused_with_a_sentence(signed_in, cast, typed):
    incident_id = desk.reported(cast)

    assert post(signed_in(people.DORTHE), incident_id, **typed).status_code == 422
    assert rows(cast) == []


def test_the_form_names_the_steps_that_each_figure_has(signed_in, cast):
    page = signed_in(people.DORTHE).get(f"/incidents/{desk.reported(cast)}").text

    assert "Data context: 1, 2, 3, 4." in page
    assert "Ease of identification: 0.25, 0.5, 0.75, 1." in page


def test_who_may_not_assess_sets_no_figure_and_sees_no_button(signed_in, cast):
    incident_id, nils = desk.reported(cast), signed_in(people.NILS)

    assert post(nils, incident_id, figure="ei", value="0.5").status_code == 403
    assert "Set another figure" not in nils.get(f"/incidents/{incident_id}").text


def test_the_database_lets_nobody_edit_what_was_set(signed_in, cast):
    post(signed_in(people.DORTHE), desk.reported(cast), figure="ei", value="0.5")

    with pytest.raises(DatabaseError, match="stands as it was said"), everyone(), transaction() as session:
        session.execute(text("UPDATE severity_overrides SET value = 1"))
