import pytest
from pydantic import ValidationError

from incident.authorities import Authority, Number, all_authorities, by_key
from incident.rules.competence import competent
from incident.rules.facts import parse
from tests.incident.rules.test_competence import NOW


def test_the_four_authorities_of_the_example_organisations_are_there():
    assert [each.key for each in all_authorities()] == [
        "dk-datatilsynet",
        "gb-ico",
        "no-datatilsynet",
        "se-imy",
    ]


@pytest.mark.parametrize("authority", all_authorities(), ids=lambda authority: authority.key)
def test_nothing_a_filer_needs_is_missing(authority):
    assert authority.missing() == ()


@pytest.mark.parametrize("authority", all_authorities(), ids=lambda authority: authority.key)
def test_the_rules_send_there_under_the_same_key(authority):
    people = parse({"subjects": {"by_country": {authority.country: 1}}})

    assert [each.key for each in competent(people, high_risk=False, at=NOW)] == [authority.key]


def test_what_is_missing_is_named():
    whole = by_key("se-imy").model_dump()
    part = whole | {"name": {"en": "IMY"}, "case_number": None}

    assert Authority.model_validate(part).missing() == (
        "name in da",
        "name in nb",
        "name in sv",
        "case number",
    )


@pytest.mark.parametrize("part", ["key", "name", "portal", "contact", "checked", "languages"])
def test_a_file_without_one_of_its_parts_is_refused(part):
    whole = by_key("se-imy").model_dump()
    del whole[part]

    with pytest.raises(ValidationError, match=part):
        Authority.model_validate(whole)


def test_an_address_that_is_not_secure_is_refused():
    whole = by_key("se-imy").model_dump()

    with pytest.raises(ValidationError, match="url"):
        Authority.model_validate(whole | {"portal": whole["portal"] | {"url": "http://imy.se"}})


def test_a_pattern_that_its_own_example_does_not_fit_is_refused():
    with pytest.raises(ValidationError, match="does not fit"):
        Number(label="Diarienummer", pattern="^IMY-[0-9]+$", example="DI-1", source="seen", certainty="low")


def test_a_case_number_is_recognised_with_blanks_around_it():
    number = by_key("dk-datatilsynet").case_number

    assert number.looks_right(" 2021-442-13805 ")
    assert not number.looks_right("13805")


def test_an_authority_we_only_know_the_competence_of_has_no_page():
    assert by_key("fi-tietosuoja") is None


def test_a_name_falls_back_to_english():
    assert by_key("se-imy").named("fi") == "Swedish Authority for Privacy Protection (IMY)"
    assert by_key("dk-datatilsynet").named("sv") == "Datatilsynet i Danmark"
