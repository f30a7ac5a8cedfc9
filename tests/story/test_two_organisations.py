"""Two organisations in one installation: neither can look at what is the other's, whatever it asks for."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask

from foundation.database import db
from tests import people
from tests.story import owning
from tests.story.driver import Story

pytestmark = pytest.mark.story
WORDS = {"locale": "da", "ending": "json", "form": "png"}
OF_NOBODY = {
    "filename",
    "token",
    "secret",
    "endpoint_id",
    "key",
    "name",
    "number",
    "code",
}  # files, links, signed by programs, the library


def of_incidents(app: Flask, method: str) -> list[str]:
    """The rules of all routes of this method that take an id of something an organisation owns."""
    found = [
        rule for rule in app.url_map.iter_rules() if method in rule.methods and rule.arguments - OF_NOBODY
    ]
    assert {name for rule in found for name in rule.arguments} - OF_NOBODY <= {
        *owning.ROWS,
        owning.OTHER,
        *WORDS,
    }
    return sorted({rule.rule for rule in found if not rule.arguments & OF_NOBODY})


def address(rule: str, known: dict[str, object]) -> str:
    if rule.startswith("/drills/"):
        known = known | {"incident_id": known[owning.DRILL]}
    for name, value in known.items():
        rule = re.sub(rf"<(?:[^<>]*:)?{name}>", str(value), rule)
    assert "<" not in rule, rule
    return rule


@pytest.fixture(scope="module")
def told(opening) -> Iterator[Story]:
    """A whole story with one of each: the tests look at it from across, and change nothing."""
    with opening() as opened:
        story = Story(*opened, twice=False)
        owning.everything(story)
        yield story


def test_no_address_of_promark_shows_softwerk_anything(told: Story) -> None:
    known = owning.ids() | WORDS
    eskil, dorthe = (told.at_desk(each).client for each in (people.ESKIL, people.DORTHE))
    pages = [address(rule, known) for rule in of_incidents(told.app, "GET")]

    there = {page: dorthe.get(page).status_code for page in pages}
    db.session.remove()  # each request has a session of its own; here what one had read another would find
    across = {page: eskil.get(page).status_code for page in pages}

    assert len(pages) >= 30
    assert {page: status for page, status in there.items() if status != 200} == {
        f"/incidents/{known['incident_id']}/notices": 303,  # leads to the round under way
        # the Danish authority takes no notification by e-mail
        f"/incidents/{known['incident_id']}/authority-notifications/{known['notification_id']}/e-mail": 409,
        # nobody on HostCo's list has a postal address
        f"/incidents/{known['incident_id']}/communications/{known['communication_id']}"
        f"/texts/da/letter/{known['recipient_id']}.png": 409,
    }
    assert across == dict.fromkeys(pages, 404)


def test_no_form_of_promark_does_anything_for_softwerk(told: Story) -> None:
    known = owning.ids() | WORDS
    eskil = told.at_desk(people.ESKIL).client
    before = told.dorthe.open(f"{told.incident}/record").text
    forms = [address(rule, known) for rule in of_incidents(told.app, "POST")]
    typed = {"choice": "give_up", "reason": "From across.", "confirmed": "yes", "at": "2026-01-01T10:00"}
    db.session.remove()

    answers = {form: eskil.post(form, data=typed).status_code for form in forms}

    assert len(forms) >= 60
    assert {form: status for form, status in answers.items() if status not in (404, 422)} == {}
    assert told.dorthe.open(f"{told.incident}/record").text == before


def test_lists_hold_one_s_own_and_nothing_else(told: Story) -> None:
    eskil = told.at_desk(people.ESKIL)

    for page in ("/", "/register", "/reports", "/processors", "/on-call", "/messages"):
        screen = eskil.open(page)
        for theirs in ("PM-20", "HostCo", "Astrid", "customer portal"):
            assert theirs not in screen, page
    about = told.incident[1:].replace("incidents", "incident")
    assert "Astrid" not in eskil.open(f"/messages?about={about}")
    assert "Webbanalys AB" in eskil.open("/processors")


def test_a_report_goes_to_whoever_the_endpoint_belongs_to(story: Story) -> None:
    story.hostco_reports()

    assert "PM-" not in story.at_desk(people.ESKIL).open("/")
    assert "PM-" in story.dorthe.open("/")
