"""The story's clicks in Chromium: on a desk and on a telephone, with JavaScript and without."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from foundation.database import utcnow
from tests import people
from tests.browser import acts
from tests.browser.conftest import Visit
from tests.people import PASSWORD
from tests.story.driver import CASE, DATATILSYNET, ELLEN, ELLENS_PHONE, KAREN, LIST, SVEN, Story

pytestmark = pytest.mark.browser
TITLE = "Backup storage of the customer portal copied"
WHY = "HostCo's duty desk telephoned before it reported, and was certain by then."
LETTERS = {"da": {}, "sv": {}, "en": {}}


WIDER_THAN_THE_WINDOW = """() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return "";
  const all = [...document.querySelectorAll("body *")];
  const out = all.filter(each => each.getBoundingClientRect().right > wide + 1).slice(0, 5);
  const said = each => each.tagName + "." + each.className + " " + each.textContent.trim().slice(0, 40);
  return location.pathname + ": " + out.map(said).join(" | ");
}"""


def sticks_out(page: Page) -> str:
    """What is wider than the window; nothing when all is well."""
    return str(page.evaluate(WIDER_THAN_THE_WINDOW))


@pytest.mark.parametrize(
    ("width", "javascript"),
    [(390, True), (1280, False)],  # what is narrow, and what has no script
    ids=["telephone", "desk without JavaScript"],
)
def test_astrid_and_dorthe_bring_it_from_the_call_to_the_record(
    story: Story, visit: Visit, *, width: int, javascript: bool
) -> None:
    astrid, dorthe = (visit(width=width, javascript=javascript) for _ in range(2))
    beyond: list[str] = []

    def look(page: Page) -> acts.Look:
        return lambda _name: beyond.append(sticks_out(page)) if javascript else None

    story.hostco_reports()
    story.work()
    text = story.sandbox.sms_to(people.ASTRIDS_PHONE)[0]["body"]
    astrid.goto("/a/" + text.split("/a/")[1].split(maxsplit=1)[0])
    acts.take_the_call(astrid)
    acts.sign_in(astrid, people.ASTRID, PASSWORD)
    incident = acts.open_incident(astrid, TITLE)
    look(astrid)("incident")
    acts.fix_awareness(astrid, incident, utcnow() - timedelta(hours=2), WHY, look(astrid))
    acts.confirm(astrid, incident)
    acts.sign_in(dorthe, people.DORTHE, PASSWORD)
    acts.decide(dorthe, incident, "Names with absence, in the hands of a thief.", look(dorthe))
    acts.do_step(astrid, incident, "Ask the processor for what is missing", "HostCo was asked.")
    look(astrid)("steps")
    story.work()
    acts.notify(
        dorthe,
        incident,
        DATATILSYNET,
        consequences="Nogen kan udgive sig for dem.",
        case=CASE,
        at=utcnow,
        look=look(dorthe),
    )
    place = acts.prepare_letters(astrid, incident, LIST, LETTERS, look(astrid), work=story.work)
    story.sandbox.outcome(ELLEN, "bounce")
    acts.approve_and_send(dorthe, place, 3, look(dorthe))
    for _ in range(2):  # the first few go alone, then the rest, then who is told by the next way
        story.work()
    dorthe.goto(place)
    expect(dorthe.get_by_text("of 3 people informed")).to_be_visible()
    dorthe.goto(f"{incident}/record")
    look(dorthe)("record")

    record = dorthe.locator(".bc-record")
    for line in ("The moment of awareness was fixed by a person.", "Confirmed as a personal data breach.",
                 "Sent to 3 people, each alone.", "Complete: 3 of 3 people reached."):  # fmt: skip
        expect(record.get_by_text(line)).to_be_visible()
    assert [len(story.sandbox.mail_to(each)) for each in (KAREN, SVEN, ELLEN)] == [1, 1, 1]
    assert len(story.sandbox.sms_to(ELLENS_PHONE)) == 1
    assert [each for each in beyond if each] == []


def test_the_countdown_ticks_before_one_s_eyes(story: Story, visit: Visit) -> None:
    story.hostco_reports()
    page = visit()
    acts.sign_in(page, people.ASTRID, PASSWORD)
    acts.open_incident(page, TITLE)
    clock = page.locator("#clocks [data-countdown]").first
    shown = clock.locator("[data-tick]")

    expect(shown).to_have_text(re.compile(r"\d"))
    first = shown.text_content()
    expect(shown).not_to_have_text(first or "", timeout=4000)

    assert first
    assert clock.get_attribute("data-level")


def test_without_javascript_the_time_that_is_left_is_told_all_the_same(story: Story, visit: Visit) -> None:
    story.hostco_reports()
    page = visit(javascript=False)
    acts.sign_in(page, people.ASTRID, PASSWORD)

    acts.open_incident(page, TITLE)

    expect(page.locator("#clocks").get_by_text("2 d 23 h left").first).to_be_visible()
