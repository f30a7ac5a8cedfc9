import pytest
from pydantic import ValidationError

from incident.authorities import Authority, Number, all_authorities, by_code, by_key
from incident.authorities.forms import all_forms
from incident.rules.competence import competent
from incident.rules.facts import parse
from incident.rules.law import LAW
from tests.incident.rules.test_competence import NOW

OWN_FORM = [each for each in all_authorities() if each.key in all_forms()]
NATIONAL = [each for each in all_authorities() if not each.code]
# What may still be looked up on the night itself, at the authority's own pages.
MAY_BE_MISSING = {
    "address of the form", "sign-in", "receipt", "case number", "postal address", "e-mail", "telephone",
}  # fmt: skip


def by_its_key(authority):
    return authority.key


def test_the_four_authorities_of_the_example_organisations_have_a_form_of_their_own():
    assert [each.key for each in OWN_FORM] == ["dk-datatilsynet", "gb-ico", "no-datatilsynet", "se-imy"]


@pytest.mark.parametrize("authority", OWN_FORM, ids=by_its_key)
def test_nothing_a_filer_needs_is_missing_where_we_hold_the_form(authority):
    assert authority.missing() == ()


@pytest.mark.parametrize("authority", all_authorities(), ids=by_its_key)
def test_every_authority_has_a_name_in_its_own_language_and_a_place_to_begin(authority):
    assert set(authority.missing()) <= MAY_BE_MISSING
    assert authority.own_name
    assert authority.portal.url


@pytest.mark.parametrize("authority", NATIONAL, ids=by_its_key)
def test_of_every_national_authority_something_can_be_called_or_written_to(authority):
    assert authority.address
    assert authority.contact.email or authority.contact.phone


@pytest.mark.parametrize("authority", NATIONAL, ids=by_its_key)
def test_the_rules_send_there_under_the_same_key(authority):
    people = parse({"subjects": {"by_country": {authority.country: 1}}})

    assert [each.key for each in competent(people, high_risk=True, at=NOW)] == [authority.key]


def test_the_rules_never_name_an_authority_without_data():
    named = {row.key for rows in LAW.memberships.values() for row in rows}

    assert named - {each.key for each in all_authorities()} == set()


def test_every_office_that_the_rules_offer_to_choose_from_has_data():
    offered = {row.code: row for rows in LAW.regional.values() for row in rows}

    assert [code for code in offered if by_code(code) is None] == []
    for code, row in offered.items():
        assert (by_code(code).short, by_code(code).country) == (row.short, row.of)
        assert row.web in by_code(code).website, code


def test_no_data_of_an_authority_lie_there_that_no_rule_leads_to():
    led_to = {row.key for rows in LAW.memberships.values() for row in rows}
    offered = {row.code for rows in LAW.regional.values() for row in rows}

    assert [each.key for each in all_authorities() if each.key not in led_to | {each.code.lower()}] == []
    assert {each.code for each in all_authorities() if each.code} == offered


def test_nothing_is_sure_that_nobody_has_seen():
    unseen = [each for each in all_authorities() if not each.portal.seen]

    assert [each.key for each in unseen if each.portal.certainty == "high"] == []


@pytest.mark.parametrize(
    "authority", [each for each in all_authorities() if each not in OWN_FORM], ids=by_its_key
)
def test_of_a_sign_in_that_nobody_looked_at_it_is_not_said_that_there_is_none(authority):
    assert "sign-in" in authority.missing()
    assert not authority.portal.needs_sign_in


def test_no_key_is_there_twice():
    keys = [each.key for each in all_authorities()]

    assert len(keys) == len(set(keys))


def test_what_is_missing_is_named():
    whole = by_key("se-imy").model_dump()
    part = whole | {"name": {"en": "IMY"}, "case_number": None, "address": ""}

    assert Authority.model_validate(part).missing() == (
        "name in da",
        "name in nb",
        "name in sv",
        "postal address",
        "case number",
        "name in its own language",
    )


@pytest.mark.parametrize("part", ["key", "name", "portal", "contact", "checked", "languages", "website"])
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


def test_an_unknown_key_or_code_has_no_authority():
    assert by_key("xx-nobody") is None
    assert by_code("") is None
    assert by_code("DE-XX") is None


def test_a_name_falls_back_to_english():
    assert by_key("se-imy").named("fi") == "Swedish Authority for Privacy Protection (IMY)"
    assert by_key("dk-datatilsynet").named("sv") == "Datatilsynet i Danmark"


def test_an_authority_is_called_by_itself_in_its_first_language():
    assert by_key("bg-cpdp").own_name == "Комисия за защита на личните данни"
    assert by_key("no-datatilsynet").own_name == "Datatilsynet"
    assert by_key("ie-dpc").own_name == "Data Protection Commission (Ireland)"
