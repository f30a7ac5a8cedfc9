"""The first few are people who are written to, and what nobody knows of some of them holds up no others."""

from datetime import timedelta

import pytest

from foundation import database, ledger
from notifications import sending
from notifications.channels import Unsure
from notifications.models import SendingState
from notifications.sending import planning
from tests.notifications import telling as people_to_tell


@pytest.fixture
def telling(house, monkeypatch):
    """Nobody yet; twenty go in a group."""
    database.clock.offset = timedelta()
    made = people_to_tell.install(house.app, house.promark, house.about, monkeypatch)
    made.mail.most = 20
    return made


def later(**passed):
    database.clock.offset += timedelta(**passed)


def test_the_first_few_are_people_who_are_written_to(telling, monkeypatch):
    monkeypatch.setattr(planning, "CHUNK", 30)
    for number in range(60):
        telling.people.add(f"Letter {number}", letter="Vej 1")
    for number in range(100):
        telling.people.add(f"P{number}", email=f"p{number}@example.org")
    telling.begin(ways=("email", "letter"))
    telling.go()

    assert telling.row().state == SendingState.CANARY
    assert len(telling.mail.got) == telling.row().canary == 50


def test_one_group_of_the_first_few_that_nobody_knows_of_holds_the_rest_up_no_longer_than_silence(telling):
    for number in range(100):
        telling.people.add(f"P{number}", email=f"p{number}@example.org")
    telling.mail.speaks = False
    telling.mail.answers = [Unsure("it did not answer")]
    telling.begin(ways=("email",))
    telling.go()
    later(minutes=14)
    telling.go()
    assert len(telling.mail.got) == 50
    later(minutes=2)
    telling.go()

    assert len(telling.mail.got) == 100


def test_fewer_people_than_were_approved_are_told_when_a_person_says_so(telling, house):
    telling.people.add("Anna", email="anna@example.org")
    telling.begin(count=2)
    assert telling.row().state == SendingState.PAUSED
    telling.do(sending.resume, telling.id, by="Dorthe", why="one of them was taken out")
    telling.go()

    assert telling.mail.got == ["anna@example.org"]
    assert telling.row().people == 1
    resumed = next(each for each in ledger.entries(house.about) if each.action == "sending.resumed")
    assert (resumed.details["approved"], resumed.details["people"]) == (2, 1)
