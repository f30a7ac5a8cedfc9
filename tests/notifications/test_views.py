"""Pages of delivery: a link takes its page by one button, and nobody sees what is not theirs."""

import re

import pytest

from accounts.models import Role, StaffMember
from foundation.database import db, transaction
from notifications import paging
from notifications.channels import Refusal
from notifications.models import PageState, State

PHONE_OF_ASTRID = "+4520000001"


def address_of(message):
    return re.search(r"https://breachclock.promark.example(/a/[\w-]+)", message.content["text"])[1]


def buttons(answer):
    """What each button of a page sends."""
    once = re.search(r'name="once" value="([\w-]+)"', answer.text)[1]
    return {do: {"do": do, "once": once} for do in re.findall(r'name="do" value="(\w+)"', answer.text)}


@pytest.fixture
def called(house):
    """The link in Astrid's text message."""
    house.page()
    return address_of(house.messages(channel="sms")[0])


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_looking_behind_the_link_takes_nothing(house, called, method):
    assert getattr(house.app.test_client(), method)(called).status_code == 200
    assert house.the_page().state is PageState.OPEN


def test_one_button_takes_it_without_signing_in_and_without_a_cookie(house, called):
    house.app.config["WTF_CSRF_ENABLED"] = True
    try:
        looked = house.app.test_client().get(called)
        answer = house.app.test_client().post(called, data=buttons(looked)["take"], follow_redirects=True)
    finally:
        house.app.config["WTF_CSRF_ENABLED"] = False

    assert "Set-Cookie" not in looked.headers

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
    assert "<form" not in shown


def press(house, address, do, **more):
    """Look, and press one button."""
    browser = house.app.test_client()
    browser.post(address, data=buttons(browser.get(address))[do] | more)
    return browser.get(address).text


def test_not_me_calls_the_next_at_once_and_says_who_else_is_called(house, called):
    shown = press(house, called, "pass")

    assert house.paged() == ["astrid", "birk"]
    assert "Also called: Birk." in shown
    assert "Take it" in shown


def test_call_me_rings_and_takes_nothing(house, called):
    press(house, called, "call")

    assert [each.recipient for each in house.messages(channel="voice")] == [PHONE_OF_ASTRID]
    assert house.the_page().state is PageState.OPEN


def test_another_button_of_the_same_page_acts_as_well(house, called):
    browser = house.app.test_client()
    shown = buttons(browser.get(called))

    for do in ("call", "take", "take"):
        browser.post(called, data=shown[do])

    assert len(house.messages(channel="voice")) == 1
    assert house.takers() == [house.astrid]


def test_what_was_taken_can_be_given_back(house, called):
    press(house, called, "take")
    shown = press(house, called, "pass")

    assert house.the_page().state is PageState.OPEN
    assert "Take it" in shown
    assert "birk" in house.paged()


def test_what_was_taken_can_be_handed_to_a_colleague_who_takes_it_by_their_own_link(house, called):
    press(house, called, "take")
    shown = press(house, called, "hand_over", to=str(house.birk))
    assert "Offered to Birk" in shown
    theirs = address_of([each for each in house.messages(channel="sms") if each.staff_id == house.birk][-1])
    assert "Astrid has it and asks you to take it over." in house.app.test_client().get(theirs).text

    press(house, theirs, "take")

    assert paging.acknowledged_by(house.the_page().id) == "Birk"
    assert "Birk has it." in house.app.test_client().get(called).text


@pytest.mark.parametrize("whom", ["olga", "eskil", "astrid"])
def test_it_is_handed_to_nobody_who_could_not_take_it(house, called, whom):
    press(house, called, "take")

    answer = house.app.test_client().post(called, data={"do": "hand_over", "to": str(getattr(house, whom))})

    assert answer.status_code == 404
    assert paging.acknowledged_by(house.the_page().id) == "Astrid"


def test_the_page_behind_the_link_is_small_and_has_no_script(house, called):
    shown = house.app.test_client().get(called).text
    style = house.app.test_client().get("/static/call.css")

    assert "<script" not in shown
    assert len(shown.encode()) + len(style.data) < 8192


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


@pytest.mark.parametrize("gone", [{"active": False}, {"role": Role.AUDITOR}])
def test_the_link_of_somebody_who_left_or_is_paged_no_more_leads_nowhere(house, called, gone):
    with transaction():
        db.session.query(StaffMember).filter_by(id=house.astrid).update(gone)

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
    monkeypatch.setattr("notifications.views.on_call.utcnow", lambda: house.now)
    shown = house.browser("astrid").get("/on-call").text

    now, following = re.findall(r'class="nt-now__one[^>]*>.*?<strong>(\w+)</strong>', shown, re.DOTALL)
    assert (now, following) == ("Astrid", "Birk")
    assert len(re.findall(r'<svg class="rc-bar rc-bar--\d', shown)) == 2  # two weeks, from this midnight on
    assert re.findall(r'ladder__names">(\w+)<', shown)[:2] == ["Astrid", "Birk"]


def digits_on(house, who, page):
    return re.sub(r"[\s\xa0]", "", house.browser(who).get(page).text)


def test_numbers_and_addresses_are_shown_to_their_owner_alone(house):
    assert PHONE_OF_ASTRID[3:] in digits_on(house, "astrid", "/reached-by")
    for page in ("/on-call", "/reached-by", "/reached-by/colleagues"):
        assert PHONE_OF_ASTRID[3:] not in digits_on(house, "dorthe", page)


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


def test_a_step_too_many_is_refused_and_not_left_out(house):
    step = {f"target-{n}": f"staff:{house.astrid}" for n in range(21)} | {
        f"minutes-{n}": 5 for n in range(21)
    }
    sent = {"name": "Long", "rounds": 1, "steps": 21, "do": "keep"} | step

    answer = house.browser("dorthe").post("/on-call/policies", data=sent)

    assert answer.status_code == 422
    assert "target-20" in answer.text
