from datetime import UTC, datetime

import pytest

from incident.rules.competence import competent
from incident.rules.evaluation import evaluate
from incident.rules.facts import parse
from tests.incident.rules.cases import by_id, cases

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


def roles(facts, *, at=NOW, high_risk=False):
    return {each.key: each.role for each in competent(parse(facts), high_risk=high_risk, at=at)}


def situation(main=None, establishments=(), by_country=None, **organisation):
    profile = {"establishments": list(establishments), **organisation}
    if main:
        profile["main_establishment"] = main
    return {"organisation": profile, "subjects": {"by_country": by_country or {}}}


@pytest.mark.parametrize("case", cases("routing"), ids=by_id)
def test_a_known_situation_has_its_authorities(case):
    assert evaluate(case["facts"], NOW).document()["authorities"] == case["expect"]["authorities"]


def test_nothing_known_of_the_organisation_reaches_every_country_with_people():
    assert roles({"subjects": {"by_country": {"DK": 4, "SE": 1}}}) == {
        "dk-datatilsynet": "each",
        "se-imy": "each",
    }


def test_an_authority_of_a_country_without_people_is_not_troubled():
    assert roles(situation("DK", ["DK"], {"DK": 4, "SE": 0})) == {"dk-datatilsynet": "sole"}


def test_decisions_made_outside_the_eea_leave_no_lead_whatever_offices_there_are():
    facts = situation("none", ["DK", "FR", "NO"], {"NO": 1, "FR": 3})

    assert roles(facts) == {"no-datatilsynet": "each", "fr-cnil": "each"}


def test_a_seat_named_outside_the_eea_is_no_main_establishment():
    assert roles(situation("US", ["US", "SE"], {"SE": 9})) == {"se-imy": "each"}


@pytest.mark.parametrize(
    ("main", "establishments"), [("GB", ["GB", "SE"]), ("none", ["GB"]), (None, ["GB"]), ("GB", [])]
)
def test_a_firm_run_from_britain_tells_the_ico_also_of_people_elsewhere(main, establishments):
    found = roles(situation(main, establishments, {"SE": 9, "DK": 2}))

    assert found == {"gb-ico": "separate", "se-imy": "each", "dk-datatilsynet": "each"}


def test_a_public_body_answers_to_its_own_country_alone():
    facts = situation("DK", ["DK"], {"DK": 10, "SE": 4}, public_body="yes")

    assert roles(facts) == {"dk-datatilsynet": "sole"}


def test_the_single_establishment_stands_for_the_main_one():
    assert roles(situation(None, ["SE"], {"SE": 10, "FI": 4})) == {
        "se-imy": "lead",
        "fi-tietosuoja": "concerned",
    }


def test_people_in_britain_reach_the_ico_unless_nothing_is_offered_there():
    unknown = situation("DK", ["DK"], {"DK": 10, "GB": 1})
    known = situation("DK", ["DK"], {"DK": 10, "GB": 1}, targets=["SE"])

    assert roles(unknown) == {"dk-datatilsynet": "sole", "gb-ico": "separate"}
    assert roles(known) == {"dk-datatilsynet": "sole"}


def test_switzerland_is_told_at_high_risk_only():
    facts = situation("DK", ["DK"], {"DK": 10, "CH": 1})

    assert "ch-fdpic" not in roles(facts)
    assert roles(facts, high_risk=True)["ch-fdpic"] == "separate"


def test_before_2021_britain_was_inside_the_one_stop_shop():
    facts = situation("DK", ["DK", "GB"], {"DK": 10, "GB": 1})

    assert roles(facts, at=datetime(2020, 12, 31, 23, 0, tzinfo=UTC))["gb-ico"] == "concerned"
    assert roles(facts, at=datetime(2021, 1, 1, tzinfo=UTC))["gb-ico"] == "separate"


def test_not_knowing_where_people_live_every_place_of_business_counts():
    assert roles(situation("DK", ["DK", "SE", "GB"])) == {
        "dk-datatilsynet": "lead",
        "se-imy": "concerned",
        "gb-ico": "separate",
    }


@pytest.mark.parametrize("role", ["processor", "sub_processor"])
def test_a_processor_notifies_no_authority(role):
    assert roles({**situation("DK", ["DK"], {"DK": 4}), "our_role": role}) == {}


def test_a_country_without_a_known_authority_is_left_out():
    assert roles(situation("DK", ["DK"], {"DK": 4, "US": 4})) == {"dk-datatilsynet": "sole"}
