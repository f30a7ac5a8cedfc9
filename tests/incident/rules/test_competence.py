from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident.rules.competence import competent, questions
from incident.rules.evaluation import evaluate
from incident.rules.facts import parse
from incident.rules.law import LAW
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


# --- every country ---

EEA = (
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE",
    "IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
)  # fmt: skip


def test_the_one_stop_shop_has_the_thirty_countries_of_the_eea_and_no_other():
    inside = {code for code in LAW.memberships if (row := LAW.membership(code, NOW)) and row.one_stop_shop}

    assert inside == set(EEA)
    assert set(LAW.memberships) - inside == {"GB", "CH"}
    assert len({LAW.membership(code, NOW).key for code in LAW.memberships}) == 32


@pytest.mark.parametrize("country", EEA)
def test_every_country_of_the_eea_can_be_alone_lead_each_and_concerned(country):
    other = "SE" if country != "SE" else "DK"
    key = LAW.membership(country, NOW).key
    both = {country: 5, other: 5}

    assert key.startswith(country.lower())
    assert roles(situation(country, [country], {country: 5})) == {key: "sole"}
    assert roles(situation(country, [country], both))[key] == "lead"
    assert roles(situation(other, [other], both))[key] == "concerned"
    assert roles(situation("none", ["US"], both))[key] == "each"
    assert roles(situation(country, [country], both, public_body="yes")) == {key: "sole"}


def test_only_britain_and_switzerland_have_no_authority_in_the_one_stop_shop():
    facts = situation("GB", ["GB", "CH"], {"GB": 5, "CH": 2})

    assert roles(facts) == {"gb-ico": "separate"}
    assert roles(facts, high_risk=True) == {"gb-ico": "separate", "ch-fdpic": "separate"}


def test_swiss_law_follows_the_effect_and_british_law_the_offer():
    facts = situation("DK", ["DK"], {"DK": 5, "GB": 1, "CH": 1}, targets=["SE"])

    assert roles(facts, high_risk=True) == {"dk-datatilsynet": "sole", "ch-fdpic": "separate"}


def test_a_public_body_offers_nothing_abroad_unless_it_says_so():
    people = {"DK": 5, "GB": 1, "CH": 1}

    assert roles(situation("DK", ["DK"], people, public_body="yes"), high_risk=True) == {
        "dk-datatilsynet": "sole"
    }
    assert "gb-ico" in roles(situation("DK", ["DK"], people, public_body="yes", targets=["GB"]))


def test_the_provision_of_each_role_is_named():
    private = competent(parse(situation("DK", ["DK"], {"DK": 1, "GB": 1})), high_risk=False, at=NOW)
    public = competent(parse(situation("DK", ["DK"], {"SE": 1}, public_body="yes")), high_risk=False, at=NOW)

    assert [each.source.partition(";")[0] for each in private] == ["GDPR art. 55(1)", "UK GDPR art. 33"]
    assert [each.source for each in public] == ["GDPR art. 55(2)"]


# --- what is not known ---


def test_nothing_known_at_all_names_no_authority():
    assert roles({}) == {}


def test_a_joint_controller_answers_as_a_controller_does():
    facts = situation("DK", ["DK"], {"DK": 4, "SE": 1}) | {"our_role": "joint_controller"}

    assert roles(facts) == {"dk-datatilsynet": "lead", "se-imy": "concerned"}


def test_a_representative_makes_no_lead_and_its_country_counts_when_nothing_else_is_known():
    assert roles(situation("none", eea_representative="SE")) == {"se-imy": "each"}
    assert roles(situation("none", ["US"], {"FI": 3}, eea_representative="SE")) == {"fi-tietosuoja": "each"}


def test_with_people_in_places_unknown_every_place_that_is_served_counts():
    organisation = {"main_establishment": "none", "establishments": ["US"], "targets": ["SE", "FI"]}
    people = {"by_country": {"SE": 40}}

    counted = {"organisation": organisation, "subjects": people | {"total": {"exactly": 40}}}
    more = {"organisation": organisation, "subjects": people | {"total": {"at_least": 41}}}

    assert roles(counted) == {"se-imy": "each"}
    assert roles(more) == {"se-imy": "each", "fi-tietosuoja": "each"}


def test_while_it_is_unknown_where_decisions_are_taken_any_establishment_may_be_the_main_one():
    assert roles(situation(None, ["DK", "SE"], {"DK": 10})) == {"dk-datatilsynet": "each", "se-imy": "each"}
    assert roles(situation(None, ["GB", "SE"], {"SE": 1, "DK": 1})) == {
        "gb-ico": "separate",
        "se-imy": "each",
        "dk-datatilsynet": "each",
    }


PLACES = st.sampled_from(["DK", "SE", "NO", "DE", "GB", "CH", "US", "GL"])


@st.composite
def situations(draw):
    establishments = draw(st.lists(PLACES, min_size=1, max_size=3, unique=True))
    return situation(
        draw(st.sampled_from(establishments)),
        establishments,
        draw(st.dictionaries(PLACES, st.integers(0, 3), max_size=4)),
        targets=draw(st.lists(PLACES, max_size=3, unique=True)),
        public_body=draw(st.sampled_from(["yes", "no", "unknown"])),
    )


@settings(deadline=None)
@given(situations(), st.sampled_from(["main_establishment", "targets", "public_body"]), st.booleans())
def test_knowing_less_of_the_organisation_spares_no_authority(facts, fact, high_risk):
    less = facts | {"organisation": {k: v for k, v in facts["organisation"].items() if k != fact}}

    def notified(told):
        found = competent(parse(told), high_risk=high_risk, at=NOW)
        return {each.key for each in found if each.notified_by_controller}

    # Without targets nothing is served where nobody was counted, and a public body offers nothing abroad.
    told_of = any(facts["subjects"]["by_country"].values())
    if fact == "targets" and (not told_of or facts["organisation"]["public_body"] == "yes"):
        return
    assert notified(facts) <= notified(less)


# --- places that are no countries of the table ---


@pytest.mark.parametrize(
    ("place", "key"), [("AX", "fi-tietosuoja"), ("SJ", "no-datatilsynet"), ("RE", "fr-cnil")]
)
def test_a_place_that_belongs_to_a_country_has_its_authority(place, key):
    assert roles(situation("DK", ["DK"], {"DK": 4, place: 1}))[key] == "concerned"


def test_people_of_a_place_and_its_country_are_told_by_one_authority():
    assert roles(situation("FI", ["FI"], {"FI": 4, "AX": 1})) == {"fi-tietosuoja": "sole"}


@pytest.mark.parametrize("place", ["GL", "FO", "GI", "JE", "GG", "IM"])
def test_a_place_with_a_law_of_its_own_is_asked_about_and_makes_nothing_cross_border(place):
    facts = situation("DK", ["DK"], {"DK": 4, place: 1})

    assert roles(facts) == {"dk-datatilsynet": "sole"}
    assert [each.country for each in questions(parse(facts), at=NOW)] == [place]


def asked(facts):
    return {each.country: each for each in questions(parse(facts), at=NOW)}


def test_in_germany_a_person_says_which_land():
    question = asked(situation("DE", ["DE", "DK"], {"DE": 2000, "DK": 150}))["DE"]

    lands = {each.code.split("-")[1] for each in question.choices} - {"BUND"}
    assert len(lands) == 16
    assert question.text
    assert question.certainty == "high"


def test_a_german_authority_that_only_hears_from_the_lead_needs_no_land():
    assert "DE" not in asked(situation("DK", ["DK"], {"DK": 5, "DE": 2}))


def test_only_what_may_be_a_public_body_is_asked_about_the_regions_of_spain():
    firm = situation("ES", ["ES"], {"ES": 5}, public_body="no")
    perhaps = situation("ES", ["ES"], {"ES": 5})

    assert asked(firm) == {}
    assert [each.short for each in asked(perhaps)["ES"].choices] == ["APDCAT", "AVPD", "CTPDA"]


def test_a_processor_is_asked_nothing():
    assert asked(situation("DE", ["DE"], {"DE": 5}) | {"our_role": "processor"}) == {}
