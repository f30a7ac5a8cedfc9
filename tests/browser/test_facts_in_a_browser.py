"""Facts as they are typed: saved by themselves, never lost, with the advice beside; and the short page."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from foundation.database import utcnow
from tests import people
from tests.browser import acts
from tests.browser.conftest import Visit
from tests.browser.test_the_story_in_a_browser import sticks_out
from tests.people import PASSWORD
from tests.story.driver import Story

pytestmark = pytest.mark.browser
NONE = "None of these, or none but the stray mention"
SAVED = re.compile(r"^Saved \d\d:\d\d$")


def facts_of(page: Page, story: Story) -> Page:
    """Astrid before the form of new facts."""
    story.hostco_reports()
    acts.sign_in(page, people.ASTRID, PASSWORD)
    page.goto(f"{story.incident}/facts/new")
    return page


@pytest.mark.parametrize("width", [1280, 390])
def test_what_is_typed_is_saved_by_itself_and_a_reload_shows_it(
    story: Story, visit: Visit, width: int
) -> None:
    page = facts_of(visit(width=width), story)
    page.get_by_label("In a few words").fill("Two copies were taken")

    expect(page.locator("[data-status]")).to_have_text(SAVED)
    page.reload()

    expect(page.get_by_label("In a few words")).to_have_value("Two copies were taken")
    expect(page.get_by_text("You left off at")).to_be_visible()
    assert sticks_out(page) == ""


def test_the_advice_follows_while_one_types(story: Story, visit: Visit) -> None:
    page = facts_of(visit(), story)
    beside = page.locator("#beside")
    before = beside.locator("dl").inner_text()

    page.get_by_label("Were data taken away?").select_option("published")
    page.locator("#f-disclosure-recipients").get_by_label("The public").check()
    page.locator("#f-data-categories").get_by_label("Health", exact=True).check()
    page.locator("#f-data-special_categories").get_by_label("Yes").check()

    expect(page.locator("[data-status]")).to_have_text(SAVED)
    expect(beside.locator("dl")).not_to_have_text(before)


def test_back_and_sign_out_lose_nothing(story: Story, visit: Visit) -> None:
    page = facts_of(visit(), story)
    page.get_by_label("What is known so far").fill("Typed and left at once.")
    expect(page.locator("[data-status]")).to_have_text(SAVED)

    page.get_by_role("button", name="Sign out").click()
    acts.sign_in(page, people.ASTRID, PASSWORD)
    page.goto(story.incident)
    page.get_by_role("link", name="Go on with it").click()

    expect(page.get_by_label("What is known so far")).to_have_value("Typed and left at once.")
    page.go_back()
    page.go_forward()
    expect(page.get_by_label("What is known so far")).to_have_value("Typed and left at once.")


def test_a_session_that_ended_in_the_middle_is_said_and_mended_by_signing_in_again(
    story: Story, chromium: Browser, served: str
) -> None:
    context = chromium.new_context(base_url=served)
    page = facts_of(context.new_page(), story)
    page.evaluate("document.querySelector('form[action$=\"/sign-out\"]').setAttribute('target', 'x')")
    context.clear_cookies()
    page.get_by_label("In a few words").fill("Typed after it ended")
    expect(page.locator("[data-status]")).to_contain_text("you are signed out")

    other = context.new_page()
    acts.sign_in(other, people.ASTRID, PASSWORD)
    page.bring_to_front()
    page.evaluate("window.dispatchEvent(new Event('focus'))")

    expect(page.locator("[data-status]")).to_have_text(SAVED)
    page.reload()
    expect(page.get_by_label("In a few words")).to_have_value("Typed after it ended")
    context.close()


def test_two_windows_lose_nothing(story: Story, visit: Visit) -> None:
    left = facts_of(visit(), story)
    right = left.context.new_page()
    right.goto(f"{story.incident}/facts/new")
    left.get_by_label("In a few words").fill("From the left")
    expect(left.locator("[data-status]")).to_have_text(SAVED)

    right.get_by_label("What is known so far").fill("From the right")
    expect(right.locator("[data-status]")).to_contain_text("another window")
    right.get_by_label("Where do the new facts come from?").fill("Both of us.")
    right.get_by_role("button", name="Keep as a new version").click()
    expect(right.get_by_label("In a few words")).to_have_value("From the left")
    right.get_by_role("button", name="Keep as a new version").click()

    expect(right).to_have_url(re.compile(r"/incidents/.*#facts"))
    expect(right.locator("#facts")).to_contain_text("From the right")
    expect(right.get_by_role("heading", name="From the left")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 390])
def test_without_javascript_each_section_has_a_button_that_saves_it(
    story: Story, visit: Visit, width: int
) -> None:
    page = facts_of(visit(width=width, javascript=False), story)
    page.get_by_label("In a few words").fill("By hand")

    page.get_by_role("button", name="Save this section: What happened").click()

    expect(page.get_by_text(re.compile(r"^Saved \d\d:\d\d\.$"))).to_be_visible()
    expect(page.get_by_label("In a few words")).to_have_value("By hand")
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#beside")).to_contain_text("What the rules make of it")


@pytest.mark.parametrize(("width", "javascript"), [(390, True), (390, False), (1280, True)])
def test_a_message_sent_wrongly_goes_from_the_menu_to_the_decision_on_one_page(
    story: Story, visit: Visit, *, width: int, javascript: bool
) -> None:
    page = visit(width=width, javascript=javascript)
    acts.sign_in(page, people.DORTHE, PASSWORD)
    page.get_by_role("link", name="Sent wrongly").click()
    for label in ("Wrong attachment", "E-mail", "Insurance", "Names", "A business partner", NONE):
        page.get_by_label(label, exact=True).check()
    page.get_by_label("Were they asked to delete it").select_option("confirmed_in_writing")
    page.get_by_label("When was it sent?").fill(acts.local(utcnow() - timedelta(hours=3)))
    page.get_by_label("When was that noticed?").fill(acts.local(utcnow() - timedelta(hours=1)))
    page.get_by_label("About how many people are they?").fill("24")
    page.get_by_label("How many got it?").fill("1")
    page.locator("#f-disclosure-recipients_trusted").get_by_label("Yes").check()
    page.locator("#f-held").get_by_label("Yes").check()
    for element in page.locator(".in-element").all():
        element.click()
    page.get_by_role("button", name="Open it and see the advice").click()

    expect(page.get_by_role("heading", name="Assess and decide")).to_be_visible()
    expect(page.get_by_role("heading", name="What the rules make of it")).to_be_visible()
    if javascript:
        assert sticks_out(page) == ""


def test_the_second_person_agrees_from_the_board(story: Story, visit: Visit) -> None:
    story.app.config["WTF_CSRF_ENABLED"] = False
    story.hostco_reports()
    story.astrid_confirms()
    story.dorthe_decides(authority="do_not_notify", reason="The key is safe.")
    story.app.config["WTF_CSRF_ENABLED"] = True
    page = visit(width=390)
    acts.sign_in(page, people.BIRK, PASSWORD)

    page.get_by_role("link", name="Do not notify the authority").click()
    acts.second_thought(page.locator("#duties"), "Agree", "Yes, I agree")

    expect(page.get_by_text("You agreed: the decision is in force.")).to_be_visible()
    assert sticks_out(page) == ""
