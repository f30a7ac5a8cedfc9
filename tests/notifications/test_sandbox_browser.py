"""The bench in Chromium: what is new appears by itself, and one writes back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from twilio.rest import Client

from notifications.sandbox.callbacks import Answer
from notifications.sandbox.config import SANDBOX_ACCOUNT_SID, SANDBOX_AUTH_TOKEN, SANDBOX_NUMBER
from tests.sandbox import Sandbox, ToSandbox

pytestmark = pytest.mark.browser
ASTRID = "+4520000001"
ASTRIDS_PHONE = "#phone-4520000001"
ANSWERS = {
    "inbound": "<Response><Message>The page is yours.</Message></Response>",
    "voice": '<Response><Gather numDigits="1" action="keys"><Say>Tast 4</Say></Gather></Response>',
    "keys": "<Response><Say>Den er din.</Say></Response>",
}


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox.start(tmp_path) as running:
        running.deliver_callbacks_to(lambda url, *_: Answer(200, ANSWERS[url.rpartition("/")[2]]))
        running.names({ASTRID: "Astrid"})
        yield running


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    page = chromium.new_page(viewport={"width": 390, "height": 800})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    page.close()
    assert complaints == []


def send_sms(sandbox: Sandbox, body: str) -> None:
    http = ToSandbox(sandbox.url)
    client = Client(SANDBOX_ACCOUNT_SID, SANDBOX_AUTH_TOKEN, http_client=http)
    client.messages.create(to=ASTRID, from_=SANDBOX_NUMBER, body=body)
    http.session.close()


def ring(sandbox: Sandbox) -> None:
    http = ToSandbox(sandbox.url)
    client = Client(SANDBOX_ACCOUNT_SID, SANDBOX_AUTH_TOKEN, http_client=http)
    client.calls.create(to=ASTRID, from_=SANDBOX_NUMBER, url=f"{sandbox.config.callback_url}/voice")
    http.session.close()
    sandbox.settle()


def test_a_message_appears_and_rings_without_reloading_and_is_answered(sandbox, page):
    page.goto(sandbox.url)
    expect(page.locator(ASTRIDS_PHONE)).to_contain_text("Nothing yet")

    send_sms(sandbox, "Incident 7 needs you. Reply 31.")

    expect(page.locator(f"{ASTRIDS_PHONE}.rings")).to_contain_text("Incident 7 needs you. Reply 31.")
    page.get_by_label("Reply from Astrid").fill("31")
    page.get_by_label("Reply from Astrid").press("Enter")
    expect(page.locator(f"{ASTRIDS_PHONE} .bubble.mine")).to_contain_text("31")
    expect(page.locator(f"{ASTRIDS_PHONE} .bubble.answer")).to_contain_text("The page is yours.")


def test_what_somebody_is_writing_is_not_swept_away_by_a_new_message(sandbox, page):
    page.goto(sandbox.url)
    page.get_by_label("Reply from Astrid").fill("I am on my")

    send_sms(sandbox, "Incident 7 needs you.")
    page.wait_for_timeout(1500)

    expect(page.get_by_label("Reply from Astrid")).to_have_value("I am on my")


def test_a_call_rings_is_answered_and_takes_a_key(sandbox, page):
    page.goto(sandbox.url)
    ring(sandbox)

    expect(page.locator(ASTRIDS_PHONE)).to_contain_text("Incoming call")
    assert [each["id"] for each in Axe().run(page).response["violations"]] == []
    page.get_by_role("button", name="Answer").click()
    expect(page.get_by_role("log")).to_contain_text("Tast 4")
    assert [each["id"] for each in Axe().run(page).response["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Press 4").click()

    page.locator(".bubble.ring summary").click()
    expect(page.locator(".bubble.ring")).to_contain_text("Den er din.")


def test_a_switch_turns_a_phone_off_and_on_again(sandbox, page):
    page.goto(sandbox.url)
    page.get_by_text("Let it fail").click()
    page.get_by_role("button", name="Phone is off").click()
    send_sms(sandbox, "Incident 7 needs you.")

    expect(page.locator(f"{ASTRIDS_PHONE} .bubble")).to_contain_text("undelivered 30003")
    assert [each["id"] for each in Axe().run(page).response["violations"]] == []

    page.locator(f"{ASTRIDS_PHONE}-switches summary").click()
    page.get_by_role("button", name="Phone is off").click()
    expect(page.get_by_text("Let it fail")).to_be_visible()
    assert sandbox.server.bench.script.rules() == []


@pytest.mark.parametrize("path", ["/", "/faults"])
def test_the_pages_fit_a_phone_and_everyone_can_use_them(sandbox, page, path):
    send_sms(sandbox, "Incident 7 needs you. Open http://127.0.0.1:8072/p/Zk31xQ")
    sandbox.fail("twilio", "accept_then_hang", to="somebody.with.a.long.name@example.test")

    page.goto(sandbox.url + path)

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert [each["id"] for each in Axe().run(page).response["violations"]] == []
