"""Can the organisation file tonight: what the check says of each, before a night asks."""

from datetime import date, timedelta

import pytest

from accounts import people
from accounts.models import Role
from foundation.database import database_now, db, everyone, transaction
from incident import able_to_file, authorities, profile
from incident.readiness_cli import check
from incident.rules.registration import wrong_with
from notifications.rules.watching import Light
from tests.people import DORTHE

SAYS_NO = {
    "proces360": {"filing_contact", "filing_identity_dk-datatilsynet"},
    "softwerk": {"filing_address", "filing_contact"},
    "advansor": {"filing_registration", "filing_identity_dk-datatilsynet"},
}


def checks_of(key, now=None):
    db.session.rollback()
    with everyone():
        return {
            each.key: each for each in able_to_file.checks(people.organisation(key), now or database_now())
        }


def red(key):
    return {name for name, each in checks_of(key).items() if each.light is Light.RED}


def put(key, **parts):
    with everyone(), transaction():
        organisation = people.organisation(key)
        organisation.profile = {**organisation.profile, **parts}


# --- the four of the demonstration ------------------------------------------------------------------


def test_promark_can_file_tonight(app):
    assert red("promark") == set()


@pytest.mark.parametrize(("key", "why"), SAYS_NO.items(), ids=SAYS_NO)
def test_the_other_three_cannot_and_the_check_says_why(app, key, why):
    assert red(key) == why


def test_what_is_lacking_is_named(app):
    assert checks_of("softwerk")["filing_contact"].says == "It lacks a telephone number."
    assert "every form begins with it" in checks_of("advansor")["filing_registration"].says
    assert "MitID Erhverv" in checks_of("proces360")["filing_identity_dk-datatilsynet"].says


def test_the_command_says_which_organisation_cannot_file_and_ends_with_1(app):
    told = app.test_cli_runner().invoke(check, ["--organisation", "softwerk"])

    assert told.exit_code == 1
    assert "Softwerk AB: Whom the authority may ask: It lacks a telephone number." in told.stdout


def test_once_everything_is_entered_an_organisation_can_file(app):
    put("softwerk", address="Storgatan 1, 352 30 Växjö", phone="+46 470 000000", email="a@softwerk.example")

    assert red("softwerk") == set()


# --- where it files ---------------------------------------------------------------------------------


def test_only_authorities_that_the_organisation_itself_files_with_are_asked_about(app):
    with everyone():
        found = able_to_file.offices(people.organisation("promark"), database_now())

    assert [(each.key, each.role) for each in found] == [("dk-datatilsynet", "lead"), ("gb-ico", "separate")]


def test_without_a_word_of_establishments_it_is_the_authority_of_its_country(app):
    put("advansor", facts={})
    with everyone():
        found = able_to_file.offices(people.organisation("advansor"), database_now())

    assert [(each.key, each.role) for each in found] == [("dk-datatilsynet", "sole")]


def test_establishments_that_cannot_be_read_are_a_red_light_and_hide_no_other(app):
    put("advansor", facts={"establishments": "everywhere"})

    assert {"filing_where", "filing_registration"} <= red("advansor")


def test_an_authority_in_the_eea_whose_sign_in_nobody_knows_is_named_with_what_is_missing(app):
    put("softwerk", facts={"main_establishment": "BG", "establishments": ["BG"]})

    told = checks_of("softwerk")["filing_authority_bg-cpdp"]

    assert told.light is Light.YELLOW
    assert "what sign-in it needs" in told.says
    assert "its telephone number" in told.says


def test_an_authority_that_nobody_looked_at_for_a_year_is_yellow(app, monkeypatch):
    old = authorities.by_key("dk-datatilsynet").model_copy(update={"checked": date(2020, 1, 1)})
    monkeypatch.setattr(
        able_to_file, "by_key", lambda key: old if key == old.key else authorities.by_key(key)
    )

    told = checks_of("promark")

    assert told["filing_authority_dk-datatilsynet"].light is Light.YELLOW
    assert "2020-01-01" in told["filing_authority_dk-datatilsynet"].says
    assert told["filing_authority_gb-ico"].light is Light.GREEN


def test_an_authority_without_data_is_red(app, monkeypatch):
    monkeypatch.setattr(able_to_file, "by_key", lambda _key: None)

    assert checks_of("promark")["filing_authority"].light is Light.RED


# --- who can sign in --------------------------------------------------------------------------------


def holding(*days):
    return {
        "dk-datatilsynet": {"holders": [{"name": f"P{n}", "checked_on": day} for n, day in enumerate(days)]}
    }


@pytest.mark.parametrize(
    ("days_ago", "light"),
    [(0, Light.GREEN), (365, Light.GREEN), (366, Light.YELLOW), (-1, Light.YELLOW), (None, Light.YELLOW)],
)
def test_a_look_holds_for_a_year_and_one_in_the_future_is_none(app, days_ago, light):
    today = database_now().date()
    day = None if days_ago is None else (today - timedelta(days=days_ago)).isoformat()
    put("proces360", filing=holding(day))

    assert checks_of("proces360")["filing_identity_dk-datatilsynet"].light is light


def test_the_latest_look_at_any_of_them_counts(app):
    today = database_now().date()
    put("proces360", filing=holding("2020-01-01", (today - timedelta(days=9)).isoformat()))

    told = checks_of("proces360")["filing_identity_dk-datatilsynet"]

    assert told.light is Light.GREEN
    assert "P0, P1" in told.says


def test_a_day_is_the_organisations_own(app):
    """At half past eleven in the evening in UTC it is tomorrow in Copenhagen, and no day of the future."""
    late = database_now().replace(hour=23, minute=30)
    put("proces360", filing=holding((late.date() + timedelta(days=1)).isoformat()))

    assert checks_of("proces360", late)["filing_identity_dk-datatilsynet"].light is Light.GREEN


# --- the rest ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "number", "why"),
    [
        ("CVR", "31 07 52 62", None), ("cvr", "DK31618347", None), ("CVR", "31618348", "check"),
        ("CVR", "3161834", "digits"), ("CVR", "00000000", "check"), ("CVR", "3161834x", "digits"),
        ("organisationsnummer", "556714-0503", None), ("organisationsnummer", "556714\u20130503", None),
        ("organisationsnummer", "16556714-0503", None), ("organisationsnummer", "556714-0504", "check"),
        ("organisationsnummer", "811228-9874", "person"), ("organisationsnummer", "5567140", "digits"),
        ("organisasjonsnummer", "974 761 076", None), ("organisasjonsnummer", "NO974761076MVA", None),
        ("organisasjonsnummer", "974 761 067", "check"), ("organisasjonsnummer", "97476107", "digits"),
        ("company number", "anything", None), ("", "1", None),
    ],
)  # fmt: skip
def test_a_number_of_a_register_is_held_to_its_check_digit(kind, number, why):
    assert wrong_with(kind, number) == why


def test_a_number_that_cannot_be_right_is_red_and_says_so(app):
    put("promark", registration={"kind": "CVR", "number": "31075263"})

    told = checks_of("promark")["filing_registration"]

    assert told.light is Light.RED
    assert "a digit is wrong" in told.says


def test_the_ico_wants_a_number_or_why_there_is_none_where_it_may_be_competent(app):
    put("promark", ico={})

    assert checks_of("promark")["filing_ico"].light is Light.YELLOW
    assert "filing_ico" not in checks_of("proces360")


def test_a_designated_officer_who_cannot_be_reached_is_yellow(app):
    put("promark", dpo={"designated": True, "name": "Dorthe Friis"})
    assert checks_of("promark")["filing_officer"].light is Light.YELLOW

    put("promark", dpo={"designated": False})
    assert checks_of("promark")["filing_officer"].light is Light.GREEN


def test_without_anybody_who_may_approve_it_is_red(app):
    with everyone(), transaction():
        people.change_role(people.known_by_email(DORTHE), Role.AUDITOR, by="A test", now=database_now())

    assert checks_of("promark")["filing_people"].light is Light.RED


def test_the_officer_registered_is_whom_the_authority_asks_where_there_is_no_other_contact(app):
    put(
        "proces360",
        contact={},
        dpo={"designated": True, "name": "Ida", "email": "i@x.example", "phone": "+45 1"},
    )

    assert checks_of("proces360")["filing_contact"].says == "Ida, +45 1"


def test_texts_are_approved_word_by_word(app, monkeypatch):
    with everyone(), transaction():
        organisation = people.organisation("proces360")
        told = able_to_file.texts(organisation)[0]
        organisation.profile = able_to_file.with_approval(
            organisation.profile, told, by="Pia Dam", day=date(2026, 11, 28)
        )
    assert checks_of("proces360")["filing_texts"].light is Light.GREEN
    assert "English" in checks_of("promark")["filing_texts"].says

    monkeypatch.setattr(able_to_file, "hash_of_texts", lambda _locale: "0" * 64)
    assert checks_of("proces360")["filing_texts"].says == "Changed since: Dansk."


@pytest.mark.parametrize(
    "damaged",
    [{}, {"registration": "31075262", "dpo": [1], "filing": {"dk-datatilsynet": 7}, "address": 9, "ico": ""},
     {"texts_approved": {"da": "yes"}, "contact": "somebody", "filing": None}],
)  # fmt: skip
def test_an_empty_or_damaged_profile_breaks_no_check(app, damaged):
    with everyone(), transaction():
        people.organisation("advansor").profile = damaged

    assert "filing_registration" in red("advansor")


def test_reading_a_profile_keeps_what_can_be_read():
    known = profile.read({"registration": {"number": "1"}, "size_class": "huge", "dpo": {"designated": True}})

    assert known.registration.number == "1"
    assert known.size_class == ""
    assert known.dpo.designated is True
