"""431 people in three languages: each is told once, or left to a person with the reason; and a correction.

Some mailboxes bounce, some people stand in two lists or in one under two addresses of case and form, somebody
pauses it in the middle. What counts is what arrived at the provider, as the sandbox wrote it down.
"""

from collections import Counter

import pytest
from sqlalchemy import select

from foundation.database import db, everyone
from incident.models import Recipient
from notifications.models import Delivery
from tests.incident import telling
from tests.story.driver import Story

pytestmark = pytest.mark.story
PEOPLE = 431
LANGUAGES = ("Danish", "Swedish", "English")
SLOWLY = {"email/sendgrid": 3600}  # an hour
BOUNCE = range(0, PEOPLE, 43)  # eleven of them
WITH_A_PHONE = 5  # every fifth has one
HEADER = "Name;E-mail;Phone;Language\r\n"


def address(number: int) -> str:
    """Where this person has their mail."""
    return f"person{number}@kunde.example"


def phone(number: int) -> str:
    """The number of this person; none for most."""
    return f"+4420794600{number % 100:02}" if number % WITH_A_PHONE == 0 and number < 100 else ""


def row(number: int, mail: str = "") -> str:
    """One line of a list."""
    return f"Person {number};{mail or address(number)};{phone(number)};{LANGUAGES[number % 3]}\r\n"


FIRST = HEADER + "".join(map(row, range(300))) + row(7, "PERSON7@Kunde.Example")  # one stands there twice
SECOND = HEADER + "".join(map(row, range(280, PEOPLE)))  # twenty stand in both


def mails(story: Story) -> Counter[str]:
    """How many e-mails about the breach each of them got."""
    to = (each["to"] for each in story.sandbox.accepted("sendgrid"))
    return Counter(each for each in to if each.startswith("person"))


def left(place: str) -> dict[str, tuple[str, str]]:
    """Fate and reason of everybody who was not reached, by the line and list that they stand on."""
    sending = telling.sending_of(place.rsplit("/", 1)[1])
    with everyone():
        mine = select(Delivery).where(Delivery.sending_id == sending.id, Delivery.fate == "manual")
        return {str(each.recipient_id): (each.fate, each.why or "") for each in db.session.scalars(mine)}


@pytest.fixture
def place(story: Story, monkeypatch: pytest.MonkeyPatch) -> str:
    """A communication to all of them, whole, and mailboxes that bounce; its address.

    Providers are given as much as they take: at the pace of the data it would take two minutes.
    """
    monkeypatch.setitem(story.app.extensions, "sending_rates", {"email/sendgrid": 0, "sms/twilio": 0})
    story.decided()
    story.astrid_sends_a_list(SECOND)
    place = story.astrid_prepares_letters(FIRST)
    for number in BOUNCE:
        story.sandbox.outcome(address(number), "bounce")
    return place


def to_the_end(story: Story, rounds: int = 8) -> None:
    """The providers say what became of everything, however often that takes."""
    for _round in range(rounds):
        story.work()


def test_each_of_431_is_told_once_or_is_left_to_a_person_with_the_reason(story: Story, place: str) -> None:
    assert "431 people" in story.dorthe.open(place)
    story.dorthe_sends(place)
    to_the_end(story)

    by_mail = mails(story)
    assert by_mail == Counter({address(number): 1 for number in range(PEOPLE)})
    bounced = [number for number in BOUNCE if not phone(number)]
    assert all(len(story.sandbox.sms_to(phone(n))) == 1 for n in BOUNCE if phone(n))
    assert len(left(place)) == len(bounced)
    assert all(why for _fate, why in left(place).values())
    screen = story.dorthe.open(place)
    assert f"{PEOPLE - len(bounced)} of {PEOPLE} people informed" in screen
    assert f"Not reached: {len(bounced)}" in screen


def test_it_is_paused_in_the_middle_and_goes_on_with_the_next_person(story: Story, place: str) -> None:
    story.dorthe.open(place)
    approved = story.dorthe.press("Yes, I stand behind it")
    send = next(b.label for f in approved.forms for b in f.buttons if b.label.startswith("Send to "))
    rates, story.app.extensions["sending_rates"] = story.app.extensions["sending_rates"], SLOWLY
    story.dorthe.press(send)
    story.work()
    story.dorthe.open(place)
    story.dorthe.press("Pause it now", why="A name looks wrong.")
    some = mails(story)
    story.clock.move(minutes=5)
    to_the_end(story, 2)
    assert 0 < len(some) < PEOPLE
    assert mails(story) == some

    story.app.extensions["sending_rates"] = rates
    story.dorthe.open(place)
    story.dorthe.press("Go on with the next person", why="It was right.")
    to_the_end(story)

    assert set(mails(story).values()) == {1}
    assert len(mails(story)) == PEOPLE


def test_a_correction_goes_once_to_everybody_who_had_it_and_says_what_it_is(story: Story, place: str) -> None:
    story.dorthe_sends(place)
    to_the_end(story)
    bounced = [number for number in BOUNCE if not phone(number)]
    story.dorthe.open(place)
    story.dorthe.press("Settle it", why="Telephoned.")

    story.astrid.open(place)
    correction = story.astrid.press("Begin a correction").path
    for locale in ("da", "sv", "en"):
        screen = story.astrid.open(f"{correction}/letters/{locale}")
        form, _button = screen.form_with("Save")
        story.astrid.press("Save", **{
            name: value.replace("[", "").replace("]", "") for name, value in form.fields
            if value and "[" in value
        })  # fmt: skip
    assert "corrects communication 1" in story.dorthe.open(correction)
    story.dorthe_sends(correction)
    to_the_end(story)

    told_twice = {each for each, count in mails(story).items() if count == 2}
    assert len(told_twice) == PEOPLE
    last = story.sandbox.mail_to(address(2))[-1]["body"]
    assert "this letter corrects it" in last
    assert len(left(correction)) == len(bounced)


def test_who_stands_on_two_lines_is_one_person(story: Story, place: str) -> None:
    with everyone():
        rows = db.session.scalars(select(Recipient)).all()
        folded = [each for each in rows if each.folded_into_id]

    assert (len(rows), len(folded)) == (301 + 151, 21)
