"""Pages of delivery: a link takes its page by one button, and nobody sees what is not theirs."""

import re

import pytest

from foundation.database import db, transaction
from notifications import paging
from notifications.channels import Refusal
from notifications.models import PageState, State

PHONE_OF_ASTRID = "+4520000001"


def address_of(message):
    return re.search(r"https://breachclock.promark.example(/a/[\w-]+)", message.content["text"])[1]


@pytest.fixture
def called(house):
    """The link in Astrid's text message."""
    house.page()
    return address_of(house.messages(channel="sms")[0])


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_looking_behind_the_link_takes_nothing(house, called, method):
    assert getattr(house.app.test_client(), method)(called).status_code == 200
    assert house.the_page().state is PageState.OPEN


def test_one_button_takes_it_without_signing_in(house, called):
    house.app.config["WTF_CSRF_ENABLED"] = True
    try:
        browser = house.app.test_client()
        shown = browser.get(called, base_url="https://breachclock.promark.example").text
        token = re.search(r'name="csrf_token" value="([^"]+)"', shown.partition("<main")[2])[1]
        answer = browser.post(
            called, data={"csrf_token": token}, follow_redirects=True, base_url="https://breachclock.promark.example",
            headers={"Referer": "https://breachclock.promark.example" + called},
        )  # fmt: skip
    finally:
        house.app.config["WTF_CSRF_ENABLED"] = False

    assert "You have it." in answer.text
    assert house.takers() == [house.astrid]


def test_taking_it_twice_is_taking_it_once(house, called):
    for _ in range(2):
        house.app.test_client().post(called)

    assert house.record().count("page.acknowledged") == 1


def test_whoever_comes_second_reads_who_has_it_and_finds_no_button(house, called):
    house.do(paging.acknowledge, house.the_page().id, house.birk, way="sms")

    shown = house.app.test_client().get(called).text

    assert "Birk has it." in shown
    assert "I take it" not in shown


def test_the_page_behind_the_link_names_nobody_concerned_and_no_address(house, called):
    shown = house.app.test_client().get(called).text

    assert "PM-2026-0012" in shown
    assert PHONE_OF_ASTRID not in shown
    assert "@" not in shown.partition("<main")[2].partition("</main>")[0]


def test_the_page_behind_the_link_is_kept_by_nobody(house, called):
    headers = house.app.test_client().get(called).headers

    assert "no-store" in headers["Cache-Control"]
    assert "noindex" in headers["X-Robots-Tag"]


@pytest.mark.parametrize("path", ["/a/unknown", "/a/" + "x" * 500, "/a/%00", "/a/..%2f..%2fetc"])
def test_a_link_that_leads_nowhere_says_what_to_do(house, called, path):
    for method in ("get", "post"):
        answer = getattr(house.app.test_client(), method)(path)
        assert answer.status_code == 404
    assert house.the_page().state is PageState.OPEN


def test_the_link_of_what_has_ended_takes_nothing(house, called):
    house.do(paging.end, house.about, actor="Dorthe", reason="It was none.")

    answer = house.app.test_client().post(called)

    assert (answer.status_code, house.takers()) == (404, [])
    assert "Nobody is needed any more" in answer.text


def test_the_link_of_somebody_who_left_leads_nowhere(house, called):
    with transaction():
        db.session.get_one(paging.StaffMember, house.astrid).active = False

    assert house.app.test_client().post(called).status_code == 404
    assert house.the_page().state is PageState.OPEN


def test_a_page_is_taken_signed_in(house, called):
    answer = house.browser("birk").post(f"/pages/{house.the_page().id}/acknowledgements")

    assert answer.status_code == 303
    assert house.takers() == [house.birk]


@pytest.mark.parametrize(("who", "status"), [("olga", 403), ("eskil", 404)])
def test_a_page_is_not_taken_by_whom_it_does_not_concern(house, called, who, status):
    assert house.browser(who).post(f"/pages/{house.the_page().id}/acknowledgements").status_code == status
    assert house.takers() == []


def test_nobody_takes_a_page_without_a_link_or_signing_in(house, called):
    assert house.app.test_client().post(f"/pages/{house.the_page().id}/acknowledgements").status_code == 401


def test_the_rota_shows_who_is_on_call_now_and_next_and_the_ladder(house, monkeypatch):
    monkeypatch.setattr("notifications.views.utcnow", lambda: house.now)
    shown = house.browser("astrid").get("/on-call").text

    now, following = re.findall(r'class="nt-now__one[^>]*>.*?<strong>(\w+)</strong>', shown, re.DOTALL)
    assert (now, following) == ("Astrid", "Birk")
    assert shown.count("nt-bar nt-bar--") == 4
    assert re.findall(r'ladder__names">(\w+)<', shown)[:2] == ["Astrid", "Birk"]


def test_numbers_and_addresses_are_shown_to_their_owner_alone(house):
    assert PHONE_OF_ASTRID in house.browser("astrid").get("/on-call").text
    assert PHONE_OF_ASTRID not in house.browser("dorthe").get("/on-call").text


def test_the_rota_of_another_organisation_stays_its_own(house):
    shown = house.browser("eskil").get("/on-call").text

    assert "Astrid" not in shown
    assert "Nobody is on call" in shown


def test_what_reached_nobody_is_shown_to_the_dpo_and_decided_there(house):
    message = house.send(house.post(channel="sms", to="+4500"), Refusal("Twilio refused", code="21211"))
    dorthe = house.browser("dorthe")

    assert f"/messages/{message.id}/decision" in dorthe.get("/messages").text
    answer = dorthe.post(f"/messages/{message.id}/decision", data={"choice": "give_up", "reason": "By post."})

    assert answer.status_code == 303
    assert house.message(message.id).wants_person_at is None
    assert house.record()[-1] == "message.decided"


@pytest.mark.parametrize(("who", "status"), [("birk", 403), ("olga", 403), ("eskil", 404)])
def test_nobody_else_decides(house, who, status):
    message = house.send(house.post(channel="sms", to="+4500"), Refusal("Twilio refused", code="21211"))

    told = house.browser(who).post(
        f"/messages/{message.id}/decision", data={"choice": "send_again", "reason": "x"}
    )

    assert told.status_code == status
    assert house.message(message.id).state is State.UNREACHED


def test_the_log_of_messages_holds_no_address(house):
    house.page()
    house.post(to="anna@example.org")

    shown = house.browser("dorthe").get(f"/messages?about={house.about}").text

    assert "Astrid" in shown
    assert "anna@example.org" not in shown
    assert PHONE_OF_ASTRID not in shown
