"""The page from which a notification is carried over into the authority's form, field by field."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import people
from tests.browser import acts
from tests.browser.conftest import Visit
from tests.browser.test_the_story_in_a_browser import sticks_out
from tests.incident import test_authority_notification
from tests.people import PASSWORD, Cast

pytestmark = pytest.mark.browser
CVR = "31 07 52 62"
COPIED = "navigator.clipboard.readText()"


@pytest.fixture
def approved(cast: Cast, served: str) -> str:
    """The Danish notification, approved; its address."""
    incident_id, notification_id = test_authority_notification.approved(cast)
    return f"/incidents/{incident_id}/authority-notifications/{notification_id}"


@pytest.fixture
def page(chromium: Browser, served: str, approved: str) -> Iterator[Page]:
    """Dorthe before the notification, in a browser whose clipboard can be read."""
    context = chromium.new_context(base_url=served)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    made = context.new_page()
    said: list[str] = []
    made.on("console", lambda message: said.append(message.text))
    made.on("pageerror", lambda error: said.append(str(error)))
    acts.sign_in(made, people.DORTHE, PASSWORD)
    made.goto(approved)
    yield made
    context.close()
    assert said == []


def here(page: Page) -> str:
    return str(page.locator("[data-field][aria-current]").get_attribute("data-field"))


def test_every_answer_has_a_button_that_copies_it_and_nothing_else(page: Page) -> None:
    field = page.locator("#dk-B1")

    field.get_by_role("button", name="Copy: CVR-nummer").click()

    assert page.evaluate(COPIED) == CVR
    expect(field.locator("[data-copy]")).to_have_text("Copied")
    answered = page.locator("[data-field] [data-answer]").count()
    assert page.locator("[data-copy]:visible").count() == answered


def test_the_keyboard_goes_from_field_to_field_and_copies(page: Page) -> None:

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    first = here(page)
    for _ in range(40):
        if here(page) == "dk-B1":
            break
        page.keyboard.press("ArrowDown")
    page.keyboard.press("c")

    assert first == "dk-A1"
    assert here(page) == "dk-B1"
    assert page.evaluate(COPIED) == CVR


def test_the_page_says_what_to_copy_next_until_there_is_nothing_left(page: Page) -> None:
    dock = page.locator("[data-dock]")
    total = page.locator("[data-answer]").count()
    expect(dock).to_contain_text("Next to copy:")
    expect(dock).to_contain_text("A1 · ")

    for number in range(total):
        expect(dock).to_contain_text(f"{number} of {total} copied")
        page.keyboard.press("n")

    expect(dock).to_contain_text("Everything is copied.")
    dock.get_by_role("button", name="Record the filing").click()
    expect(page.get_by_label("Filed at")).to_be_focused()


def test_what_was_copied_is_known_after_a_reload_and_can_be_forgotten(page: Page) -> None:
    page.keyboard.press("n")
    expect(page.locator("[data-dock-count]")).to_have_text(re.compile("^1 of "))

    page.reload()
    expect(page.locator("[data-dock-count]")).to_have_text(re.compile("^1 of "))
    page.keyboard.press("?")
    page.get_by_role("button", name="Begin copying anew").click()

    expect(page.locator("[data-dock-count]")).to_have_text(re.compile("^0 of "))


def test_the_keys_are_shown_by_a_question_mark_and_can_be_switched_off(page: Page) -> None:

    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.get_by_label("Use these keys on this page").uncheck()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("j")

    expect(page.locator("[data-field][aria-current]")).to_have_count(0)


def test_keys_that_are_typed_into_a_form_are_letters_and_no_commands(page: Page) -> None:
    page.locator("#case_number").press_sequentially("jkcne?")

    expect(page.locator("#case_number")).to_have_value("jkcne?")
    expect(page.locator("[data-field][aria-current]")).to_have_count(0)


def test_a_key_leads_from_a_field_to_where_it_is_written(page: Page) -> None:
    page.locator("#dk-F1").focus()

    page.keyboard.press("e")

    expect(page).to_have_url(re.compile("/text#f-dk-F1$"))
    expect(page.locator('[name="consequences.impact_description"]')).to_be_focused()


@pytest.mark.parametrize(("width", "javascript"), [(390, True), (1280, False)])
def test_the_page_works_on_a_phone_and_without_javascript(
    approved: str, visit: Visit, width: int, *, javascript: bool
) -> None:
    page = visit(width=width, javascript=javascript)
    acts.sign_in(page, people.DORTHE, PASSWORD)
    page.goto(approved)

    expect(page.locator("#dk-B1 .bc-answer")).to_have_text(CVR)
    expect(page.get_by_role("link", name="Open the authority's portal")).to_be_visible()
    assert page.locator("[data-copy]:visible").count() == (
        page.locator("[data-answer]").count() if javascript else 0
    )
    if javascript:
        assert sticks_out(page) == ""
