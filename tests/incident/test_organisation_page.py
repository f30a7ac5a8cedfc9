"""The page on which an organisation enters what authorities will ask of it."""

import re
from datetime import date

import pytest
from sqlalchemy import select

from accounts import people
from accounts.models import Role
from foundation import ledger
from foundation.database import acting_for, db, everyone, transaction, utcnow
from incident import able_to_file, profile
from tests.incident import telling
from tests.people import ASTRID, DORTHE, NILS, OLGA

PAGE = "/settings/organisation"
CHANGED = "organisation.profile_changed"


@pytest.fixture
def admin(app, cast, signed_in):
    """Olga, who looks after the settings."""
    with everyone(), transaction():
        people.change_role(people.known_by_email(OLGA), Role.ADMIN, by="A test", now=utcnow())
    return signed_in(OLGA)


def typed(page):
    """Every field of the form as a browser would send it."""
    found = {}
    form = page.partition('class="in-form"')[2].partition("</form>")[0]
    for tag, name in re.findall(r'(<(?:input|textarea|select)[^>]*\bname="([^"]+)"[^>]*>)', form):
        after = form[form.index(tag) + len(tag) :]
        if tag.startswith("<textarea"):
            value = after.partition("</textarea>")[0].removeprefix("\n")
        elif tag.startswith("<select"):
            chosen = re.search(r'value="([^"]*)" selected', after.partition("</select>")[0])
            value = chosen[1] if chosen else "unknown"
        else:
            value = (re.search(r'value="([^"]*)"', tag) or ["", ""])[1]
        found[name] = value
    return found


def registered(cast):
    db.session.rollback()
    with acting_for(cast.promark):
        return dict(people.organisation("promark").profile)


def entries(cast, action=CHANGED):
    db.session.rollback()
    with acting_for(cast.promark):
        return list(db.session.scalars(select(ledger.Entry).where(ledger.Entry.action == action)))


def save(client, **changes):
    told = typed(client.get(PAGE).get_data(as_text=True))
    return client.post(
        PAGE, data={**told, **{name.replace("__", "."): each for name, each in changes.items()}}
    )


# --- who may --------------------------------------------------------------------------------------


def test_only_who_looks_after_people_and_settings_changes_it(app, cast, signed_in):
    for who in (ASTRID, DORTHE, NILS):
        client = signed_in(who)
        assert client.get(PAGE).status_code == 200
        assert client.post(PAGE, data={"address": "Elsewhere"}).status_code == 403
    assert signed_in(OLGA).get(PAGE).status_code == 403, "who has no business here sees nothing"
    assert registered(cast)["address"].startswith("Maglebjergvej")


def test_who_may_not_change_it_is_told_who_may(app, signed_in):
    page = signed_in(DORTHE).get(PAGE).get_data(as_text=True)

    assert "An administrator of your organisation changes this." in page
    assert ">Save</button>" not in page


# --- keeping --------------------------------------------------------------------------------------


def test_saving_what_stands_there_changes_nothing_and_writes_nothing(admin, cast):
    before = registered(cast)

    answer = save(admin)

    assert answer.status_code == 303
    assert registered(cast) == before
    assert entries(cast) == []


def test_what_was_typed_is_kept_and_the_ledger_names_the_parts_and_no_person(admin, cast):
    answer = save(
        admin, is_sole_trader="yes", code_of_conduct__follows="no", industry="Software, timekeeping",
        representatives__uk__name="Rep Ltd", representatives__uk__email="rep@example.com",
        dpo__name="Ida Ny", dpo__phone="+45 11 22 33 44",
    )  # fmt: skip

    assert answer.status_code == 303
    known = registered(cast)
    assert known["is_sole_trader"] is True
    assert known["code_of_conduct"] == {"follows": False}
    assert known["representatives"] == {"uk": {"name": "Rep Ltd", "email": "rep@example.com"}}
    assert known["dpo"]["designated"] is True
    assert known["business"].startswith("Workforce"), "what the form does not ask for stays"
    (entry,) = entries(cast)
    assert entry.actor == "Olga Berg"
    assert entry.details["parts"] == [
        "code_of_conduct",
        "dpo",
        "industry",
        "is_sole_trader",
        "representatives",
    ]
    assert "Ida" not in str(entry.details)


def test_prices_of_ones_own_stand_in_the_sentence_before_an_approval(admin, cast, signed_in):
    incident_id, communication_id = telling.begun(cast)
    assert save(admin, prices__each_sms="1,20").status_code == 422, "nobody has said in which currency"
    assert save(admin, prices__currency="DKK", prices__each_email="a little").status_code == 422
    assert (
        save(admin, prices__currency="dkk", prices__each_email="0,10", prices__each_letter="14").status_code
        == 303
    )

    page = signed_in(DORTHE).get(f"/incidents/{incident_id}/communications/{communication_id}").text

    assert "3 e-mails, about" in page
    assert "0.3\N{NO-BREAK SPACE}DKK at these prices" in page
    assert registered(cast)["prices"] == {"currency": "dkk", "each_email": "0,10", "each_letter": "14"}


def test_an_emptied_field_is_gone(admin, cast):
    save(admin, website="", size_class="unknown", is_sole_trader="unknown", ico__why_none="")

    known = registered(cast)
    assert not {"website", "size_class", "is_sole_trader", "ico"} & known.keys()


def test_who_can_sign_in_is_noted_with_the_day_and_turns_the_light(admin, cast):
    line = "filing__dk-datatilsynet__holders"
    save(admin, **{
        f"{line}__0__name": "Birk Lund", f"{line}__0__checked_on": "2026-01-02",
        f"{line}__1__name": "", f"{line}__1__checked_on": "",
    })  # fmt: skip

    with everyone():
        known = profile.profile_of(people.organisation("promark")).access("dk-datatilsynet")
    assert [(each.name, each.checked_on) for each in known.holders] == [("Birk Lund", date(2026, 1, 2))]


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("registration.number", "31075263", "a digit is wrong"),
        ("registration.number", "3107526", "not as many digits"),
        ("email", "gdpr at promark", "not an e-mail address"),
        ("dpo.phone", "call me", "A telephone number is expected"),
        ("website", "javascript:alert(1)", "An address is expected"),
        ("address", "x" * 1001, "At most 1000 characters"),
        ("industry", "x" * 201, "At most 200 characters"),
        ("sector", "military", "Choose one of the list"),
        ("is_sole_trader", "perhaps", "Choose one of the list"),
        ("filing.dk-datatilsynet.holders.0.checked_on", "yesterday", "A day is expected"),
        ("filing.dk-datatilsynet.holders.0.checked_on", "2099-01-01", "still to come"),
        ("filing.dk-datatilsynet.holders.0.name", "", "Say who tried it"),
    ],
)
def test_what_cannot_stand_is_refused_by_its_field_and_nothing_typed_is_lost(admin, cast, field, value, says):
    before = registered(cast)

    other = "size_description" if field == "industry" else "industry"
    answer = save(admin, **{field: value, other: "Kept on the page"})

    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert says in page
    assert f'href="#f-{field.replace(".", "-")}"' in page
    assert "Kept on the page" in page
    assert "Somebody changed this page" not in page
    assert registered(cast) == before
    assert entries(cast) == []


def test_a_sole_trader_in_sweden_may_be_registered_by_the_number_of_a_person(admin, cast):
    number = {"registration__kind": "organisationsnummer", "registration__number": "811228-9874"}

    assert save(admin, **number).status_code == 422
    assert save(admin, **number, is_sole_trader="yes").status_code == 303


def test_a_field_that_nobody_asked_for_is_not_kept(admin, cast):
    save(admin, business="Something else", filing__xx__note="hello", facts__targets="US", industry="Other")

    known = registered(cast)
    assert known["industry"] == "Other"
    assert known["business"].startswith("Workforce")
    assert "xx" not in known["filing"]
    assert known["facts"]["targets"] == ["NO", "SE", "GB"]


def test_a_page_that_is_older_than_a_colleagues_change_saves_nothing_and_shows_both(admin, cast):
    old = typed(admin.get(PAGE).get_data(as_text=True))
    save(admin, industry="Hers")

    answer = admin.post(PAGE, data={**old, "industry": "Mine"})

    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert 'value="Mine"' in page
    assert "Now stands there: Hers" in page
    assert registered(cast)["industry"] == "Hers"
    assert admin.post(PAGE, data={**typed(page)}).status_code == 303
    assert registered(cast)["industry"] == "Mine"


def test_a_damaged_profile_can_be_entered_anew(admin, cast):
    with everyone(), transaction():
        organisation = people.organisation("promark")
        organisation.profile = {**organisation.profile, "registration": "31075262", "filing": 7}

    assert save(admin, registration__kind="CVR", registration__number="31 07 52 62").status_code == 303
    assert registered(cast)["registration"] == {"kind": "CVR", "number": "31 07 52 62"}


# --- texts ----------------------------------------------------------------------------------------


def sent(client, locale="da", **changes):
    page = client.get(PAGE).get_data(as_text=True)
    found = re.search(r'name="locale" value="da"><input type="hidden" name="sha256" value="(\w+)"', page)
    return client.post(f"{PAGE}/texts", data={"locale": locale, "sha256": found[1], **changes})


def test_texts_are_approved_by_who_approves_notifications(app, cast, signed_in):
    assert sent(signed_in(DORTHE)).status_code == 303

    approved = registered(cast)["texts_approved"]["da"]
    assert approved["by"] == "Dorthe Friis"
    assert [each.details["parts"] for each in entries(cast)] == [["texts_approved"]]
    told = {"locale": "nb", "sha256": approved["sha256"]}
    assert signed_in(ASTRID).post(f"{PAGE}/texts", data=told).status_code == 403


def test_texts_that_changed_since_they_were_read_are_not_approved(app, cast, signed_in):
    assert sent(signed_in(DORTHE), sha256="0" * 64).status_code == 409
    assert sent(signed_in(DORTHE), locale="fi").status_code == 422
    assert "texts_approved" not in registered(cast)


def test_approving_twice_is_once(app, cast, signed_in):
    with everyone():
        told = next(
            each for each in able_to_file.texts(people.organisation("promark")) if each.locale == "da"
        )
    client = signed_in(DORTHE)
    for _time in range(2):
        client.post(f"{PAGE}/texts", data={"locale": "da", "sha256": told.sha256})

    assert len(entries(cast)) == 1
