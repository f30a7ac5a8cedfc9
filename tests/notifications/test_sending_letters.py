"""A letter waits until it was posted; what cannot be printed or came back is left to people."""

from datetime import UTC, datetime, timedelta

import pytest

from foundation import database
from notifications import sending
from tests.notifications import telling as people_to_tell


@pytest.fixture
def telling(house, monkeypatch):
    """Nobody yet."""
    database.clock.offset = timedelta()
    return people_to_tell.install(house.app, house.promark, house.about, monkeypatch)


def test_a_letter_is_printed_once_posted_on_a_day_and_comes_back(telling):
    letter = telling.people.add("Letter", letter="Vej 1")
    telling.begin()
    telling.go()
    assert [each.recipient_id for each in sending.waiting_letters(telling.id, None, 10)] == [letter]

    day = datetime(2026, 11, 30, tzinfo=UTC).date()
    assert telling.do(sending.letters_posted, telling.id, [letter], day, by="Dorthe") == 1
    assert telling.fates()["Letter"] == "letter posted"
    assert telling.do(sending.letters_posted, telling.id, [letter], day, by="Dorthe") == 0
    before = day - timedelta(days=1)
    assert telling.do(sending.letters_posted, telling.id, [letter], before, by="Dorthe") == 1
    assert sending.waiting_letters(telling.id, None, 10) == []
    assert telling.do(sending.letter_returned, telling.id, letter, "moved", code="returned", by="Dorthe")
    telling.go()
    assert telling.fates()["Letter"] == "letter manual"
    assert telling.do(sending.letters_posted, telling.id, [letter], day, by="Dorthe") == 0


def test_a_letter_that_cannot_be_printed_is_left_to_people(telling):
    letter = telling.people.add("Letter", letter="Vej 1")
    telling.begin()
    telling.go()

    for new in (1, 0):
        why = {"code": "no_address", "by": "Breachclock"}
        done = telling.do(sending.letters_unprinted, telling.id, [letter], "There is no address.", **why)
        assert done == new
    telling.go()
    assert telling.fates()["Letter"] == "letter manual"
