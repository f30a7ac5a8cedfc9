"""A provider has it and nobody says that it arrived: in the end a person does."""

from datetime import timedelta

import pytest

from foundation import database
from foundation.database import db
from notifications import sending
from notifications.channels import Refusal
from notifications.models import SendingState
from notifications.rules.sending import GROUP
from notifications.sending import reasons
from tests.notifications import telling as people_to_tell
from tests.notifications.telling import Post

SERVER = 8  # people


@pytest.fixture
def telling(house, monkeypatch):
    """Nobody yet."""
    database.clock.offset = timedelta()
    return people_to_tell.install(house.app, house.promark, house.about, monkeypatch)


@pytest.fixture
def server(telling, monkeypatch):
    """Some people, and a mail server, which says nothing after its yes."""
    made = Post("smtp", most=1)
    monkeypatch.setitem(telling.app.extensions["channels"], "email", (made,))
    monkeypatch.setitem(telling.app.extensions["sending_rates"], "email/smtp", 0)
    for number in range(SERVER):
        telling.people.add(f"P{number}", email=f"p{number}@example.org", letter="Vej 1")
    return made


def later(**passed):
    database.clock.offset += timedelta(**passed)


def test_a_person_settles_whom_a_mail_server_took_and_a_letter_goes_to_none_of_them(telling, server):
    telling.begin(ways=("email", "letter"))
    telling.go()
    later(hours=5)
    telling.go()
    assert telling.row().state == SendingState.RUNNING
    later(hours=2)
    telling.go()
    later(seconds=3)
    telling.clock()

    assert telling.row().state == SendingState.ENDED
    assert {each.why for each in sending.manual(telling.id, None, 10)} == {reasons.UNPROVEN.why}
    assert set(db.session.scalars(sending.people_told(["people:1"]))) == set(telling.people.people)
    assert telling.do(sending.settle_manual, telling.id, None, "the log has them", by="Dorthe") == SERVER
    telling.clock()
    assert sending.of("people:1").tally["counts"] == [["email", "settled", "da", "DK", SERVER]]


def test_a_proof_that_comes_late_takes_a_person_off_the_list_but_not_who_was_settled(telling):
    ids = [telling.people.add(name, email=f"{name}@example.org") for name in ("Anna", "Bo")]
    telling.begin(ways=("email",))
    telling.go()
    later(hours=7)
    telling.go()
    assert telling.fates() == {"Anna": "email manual", "Bo": "email manual"}
    telling.do(sending.settle_manual, telling.id, ids[1:], "called him", by="Dorthe")

    telling.hear(telling.told("delivered"))

    assert telling.fates() == {"Anna": "email delivered", "Bo": "email settled"}


def test_one_whom_a_mail_server_refuses_as_if_it_were_us_holds_the_mail_up_so_often_and_no_more(
    telling, server
):
    telling.people.people.clear()
    telling.people.add("Anna", email="anna@example.org")
    telling.begin(ways=("email",))
    no = Refusal("we do not relay", code="smtp-5.7.1", account=True, perhaps_one=True)
    server.answers = [no] * (GROUP.tries + 1)
    for _ in range(GROUP.tries + 1):
        telling.work()
        later(seconds=61)
    telling.clock()

    assert telling.fates() == {"Anna": "email manual"}
    assert len(server.answers) == 1


def test_six_addresses_among_many_that_a_mail_server_refuses_pause_nothing(telling, server):
    for number in range(60):
        telling.people.add(f"Q{number}", email=f"q{number}@example.org")
    telling.begin(ways=("email",))
    telling.go()
    later(minutes=16)
    telling.clock()
    server.answers = [Refusal("no such mailbox", code="smtp-5.1.1")] * 6
    telling.go()
    later(seconds=3)
    telling.clock()

    assert telling.row().state == SendingState.RUNNING
    assert sum(fate == "email manual" for fate in telling.fates().values()) == 6
