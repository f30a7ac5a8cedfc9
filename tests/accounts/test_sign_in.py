"""Who gets in, for how long, and what ends it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from accounts import passwords, people
from accounts.models import Role, SignIn
from accounts.sign_in import local_address
from foundation import database, ledger
from foundation.database import db, everyone, transaction, utcnow
from tests.accounts import small_app
from tests.accounts.small_app import address, sign_in_as, token_of


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """The wall clock, which a test moves on."""
    monkeypatch.setattr(database.clock, "offset", timedelta())
    return database.clock


def inside(client):
    return client.get("/board").status_code == 200


def actions(app, key="promark"):
    with app.app_context(), everyone():
        return [e.action for e in ledger.entries(f"organisation/{people.organisation(key).id}")]


def change(app, what):
    with app.app_context(), everyone(), transaction():
        what(people.known_by_email(address("astrid")))


def said(page):
    return page.text[page.text.index("<main") :].split("csrf_token")[0]


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(app):
    wrong = sign_in_as(app.test_client(), "astrid", password="not the password")
    unknown = sign_in_as(app.test_client(), "astrid", email="astrid@nowhere.test")

    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert "do not belong together" in wrong.text
    assert said(wrong) == said(unknown)


def test_a_refused_sign_in_enters_the_ledger_without_password_or_address(app):
    sign_in_as(app.test_client(), "astrid", password="ZZCANARY secret")

    with app.app_context(), everyone():
        last = ledger.entries(f"organisation/{people.organisation('promark').id}")[-1]
    assert (last.action, last.actor) == ("person.sign_in_refused", "somebody")
    assert set(last.details) == {"person"}


def test_somebody_disabled_does_not_get_in_with_the_right_password(app, client):
    change(app, lambda astrid: people.disable(astrid, by="Olga", now=utcnow()))

    assert sign_in_as(client, "astrid").status_code == 401


def test_astrid_signs_in_and_goes_on_to_where_she_was(client):
    asked = client.get("/board?late=1")
    answer = sign_in_as(client, "astrid", next="/board?late=1")

    assert asked.location == "/sign-in?next=/board?late%3D1"
    assert (answer.status_code, answer.location) == (303, "/board?late=1")
    assert inside(client)


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.test/",
        "//evil.test",
        "/\\evil.test",
        "javascript:alert(1)",
        "/a\r\nX: y",
        "evil",
        " //evil.test",
    ],
)
def test_nobody_is_sent_to_another_site_after_signing_in(elsewhere):
    assert local_address(elsewhere) == "/"


def test_signing_in_leaves_nothing_of_an_earlier_cookie(client):
    with client.session_transaction() as cookie:
        cookie["planted"] = "by somebody else"
    sign_in_as(client, "astrid")

    with client.session_transaction() as cookie:
        assert "planted" not in cookie
        assert "csrf_token" not in cookie


def test_a_cookie_taken_away_is_worth_nothing_after_signing_out(app, client):
    sign_in_as(client, "astrid")
    stolen = client.get_cookie("breachclock").value

    client.post("/sign-out", data={"csrf_token": token_of(client)})
    thief = app.test_client()
    thief.set_cookie("breachclock", stolen)

    assert not inside(client)
    assert not inside(thief)
    assert actions(app)[-2:] == ["person.signed_in", "person.signed_out"]


def test_signing_out_on_one_device_leaves_the_other_alone(app):
    laptop, phone = app.test_client(), app.test_client()
    sign_in_as(laptop, "astrid")
    sign_in_as(phone, "astrid")

    laptop.post("/sign-out", data={"csrf_token": token_of(laptop)})

    assert not inside(laptop)
    assert inside(phone)


@pytest.mark.parametrize(
    "what",
    [
        lambda astrid: people.disable(astrid, by="Olga", now=utcnow()),
        lambda astrid: people.change_role(astrid, Role.AUDITOR, by="Olga", now=utcnow()),
        lambda astrid: people.set_password(
            astrid, passwords.hash_password("x" * 12), by="Olga", now=utcnow()
        ),
    ],
    ids=["disabled", "another role", "another password"],
)
def test_a_change_of_standing_ends_every_sign_in_at_the_next_request(app, client, what):
    sign_in_as(client, "astrid")
    change(app, what)

    assert not inside(client)


def test_an_hour_without_a_request_ends_a_sign_in(client, clock):
    sign_in_as(client, "astrid")
    clock.offset = timedelta(minutes=61)

    assert not inside(client)


def test_twelve_hours_end_a_sign_in_however_busy(client, clock):
    sign_in_as(client, "astrid")
    for minutes in range(30, 12 * 60, 30):
        clock.offset = timedelta(minutes=minutes)
        assert inside(client)
    clock.offset = timedelta(hours=12, minutes=1)

    assert not inside(client)


def test_a_cookie_says_nothing_that_the_server_does_not_know(app, client):
    sign_in_as(client, "astrid")
    with app.app_context(), everyone(), transaction():
        for row in db.session.scalars(select(SignIn)):
            db.session.delete(row)

    assert not inside(client)


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(client):
    cookies = sign_in_as(client, "astrid").headers.getlist("Set-Cookie")

    assert len(cookies) == 2
    assert all("HttpOnly" in cookie and "SameSite=Lax" in cookie for cookie in cookies)


def test_over_https_the_cookie_is_bound_to_the_host(tmp_path):
    app = small_app.make(tmp_path, BREACHCLOCK_PUBLIC_URL="https://clock.promark.test")
    answer = app.test_client().get("/sign-in", base_url="https://clock.promark.test")

    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-breachclock=")
    assert "Secure" in cookie
    assert "Domain" not in cookie


def test_a_password_as_long_as_a_book_is_refused_without_hashing_it(client, monkeypatch):
    monkeypatch.setattr(passwords, "hasher", None)

    assert sign_in_as(client, "astrid", password="x" * 300_000).status_code == 401


def test_a_hash_of_weaker_parameters_is_renewed_when_its_owner_signs_in(app, client, monkeypatch):
    with app.app_context():
        before = people.known_by_email(address("astrid")).password
    monkeypatch.setattr(passwords, "outdated", lambda hashed: hashed == before)
    sign_in_as(client, "astrid")

    with app.app_context():
        after = people.known_by_email(address("astrid")).password
    assert after != before
    assert passwords.verify(small_app.PASSWORD, after)


def test_without_a_token_of_ours_no_form_is_taken(client):
    answer = client.post("/sign-in", data={"email": address("astrid"), "password": small_app.PASSWORD})

    assert answer.status_code == 400
    assert not inside(client)


def test_nobody_is_recognised_by_anything_but_the_cookie(client):
    for place in ({"query_string": {"auth_token": "x"}}, {"headers": {"Authentication-Token": "x"}}):
        assert client.get("/board", **place).status_code == 302
