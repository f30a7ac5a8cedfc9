"""A drill, played as the story is: everything happens, and nothing reaches anybody."""

import csv
import io
import re

import pytest
from sqlalchemy import select

from foundation import ledger
from foundation.database import db, everyone
from incident.models import Incident
from notifications.channels.sendgrid import SendGrid
from notifications.channels.twilio import Twilio
from notifications.models import Delivery, Message, SendingGroup
from tests.story.driver import Story


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """Every call that anything made to a provider that reaches people."""
    calls: list[str] = []
    for provider in (Twilio, SendGrid):
        for name in ("send", "send_many", "find", "told"):
            what = f"{provider.name}.{name}"
            monkeypatch.setattr(provider, name, lambda *_a, _what=what, **_k: calls.append(_what))
    return calls


def start(story: Story, scenario: str) -> str:
    """Dorthe starts a drill on the page of drills; the address of its own page."""
    story.dorthe.open("/drills")
    place = story.dorthe.press("Start now", scenario=scenario).path
    story.incident = place.replace("/drills/", "/incidents/")
    story.work()
    return place


def later(story: Story, **length: float) -> None:
    """So much time passes, and everybody has to sign in again."""
    story.clock.move(**length)
    story._at_desk.clear()
    story.work()


def messages(story: Story) -> list[Message]:
    with everyone():
        db.session.expire_all()
        found = list(db.session.scalars(select(Message).order_by(Message.id)))
        db.session.rollback()
    return found


def whole_drill(story: Story) -> str:
    """The story on pretend phones, from the call to the people told; the drill's page."""
    place = start(story, "sub_processor_national_ids")
    story.clock.move(minutes=6)
    story.work()  # nobody answers: the second person is called
    story.astrid.open(place)
    story.astrid.press("Reply")
    story.work()
    later(story, minutes=70)  # more becomes known
    story.astrid_confirms()
    story.dorthe_decides()
    story.dorthe_notifies()
    rows = story.dorthe.client.get(f"{place}/people.csv").data.decode("utf-8-sig")
    rows = rows.replace("Norwegian", "English")  # the letters of the story are in three languages
    communication = story.astrid_prepares_letters(rows)
    story.dorthe_sends(communication)
    story.work()
    return place


def test_a_drill_cannot_send(story: Story, asked: list[str]) -> None:
    place = whole_drill(story)
    assert "not done yet" not in story.dorthe.open(place)
    did_all_that_is_done_in_earnest(story)

    later(story, hours=60)  # reminders, what is overdue, alarms of what did not arrive
    posted = messages(story)
    assert {each.kind for each in posted} >= {"oncall", "internal"}
    assert {each.template for each in posted} >= {"page_report", "step_reminder"}

    story.dorthe.open(place)
    screen = story.dorthe.press("End it now", lesson="The second list was found late.")
    assert "Nothing: every step that this case called for was done in the time aimed at." in screen
    assert "The second list was found late." in screen
    before = len(messages(story))
    later(story, days=8)
    assert len(messages(story)) == before, "what has ended calls nobody"

    assert {each.channel for each in messages(story)} == {"pretend"}
    assert all("••••" in each.recipient for each in messages(story))
    assert asked == []
    assert story.sandbox.accepted() == []


def did_all_that_is_done_in_earnest(story: Story) -> None:
    with everyone():
        incident = db.session.scalars(select(Incident)).one()
        done = {each.action for each in ledger.entries(incident.chain)}
    assert done >= {
        "page.acknowledged", "incident.confirmed", "decision.recorded", "notification.drafted",
        "notification.approved", "notification.filed", "communication.sent", "communication.not_all_reached",
    }  # fmt: skip
    groups, fates = told_by_many()
    assert {each.channel for each in groups} == {"pretend"}
    assert sum(fate in ("failed", "manual") for way, fate in fates if way == "email") == 2
    assert [fate for way, fate in fates if way == "sms"] == ["delivered"]


def told_by_many() -> tuple[list[SendingGroup], list[tuple[str, str]]]:
    """The groups of sendings, and way and fate of every delivery."""
    with everyone():
        db.session.expire_all()
        groups = list(db.session.scalars(select(SendingGroup)))
        fates = [(each.channel, each.fate) for each in db.session.scalars(select(Delivery))]
        db.session.rollback()
    return groups, fates


def test_a_real_report_beside_a_drill_goes_to_real_phones_and_has_the_first_number(story: Story) -> None:
    place = start(story, "processor_friday_night")
    told = story.hostco_reports()
    said = story.astrid_takes_it()

    assert told["incident_number"] == "PM-2026-0001"
    assert "PM-2026-0001" in said
    assert "Reply" in {button.label for form in story.astrid.open(place).forms for button in form.buttons}


def test_the_made_up_people_are_nobodys_address(story: Story) -> None:
    place = start(story, "ransomware")
    rows = csv.DictReader(
        io.StringIO(story.dorthe.client.get(f"{place}/people.csv").data.decode("utf-8-sig")), delimiter=";"
    )

    for row in rows:
        assert row["E-mail"].endswith(".example")
        assert re.fullmatch(r"(\+44 7700 900\d{3})?", row["Phone"])
