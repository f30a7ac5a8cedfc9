"""What nobody knows is proof of nothing."""

import pytest

from foundation.database import database_now, db, transaction
from notifications import sending
from notifications.channels import Unsure
from notifications.models import GroupState
from notifications.sending import handing_over, jobs, recording, rows, settling, tallying
from tests.notifications.telling import Killed
from tests.notifications.test_sending import NAMES, finish, killed_in, later, telling

__all__ = ["telling"]


def test_a_provider_that_never_showed_anything_proves_nothing(telling, monkeypatch):
    telling.mail.most = 5
    telling.begin()
    killed_in(monkeypatch, handing_over, "hand_over")
    with pytest.raises(Killed):
        telling.work()
    db.session.remove()

    finish(telling)
    assert telling.mail.got == []
    later(hours=1)
    jobs.settle()

    assert telling.groups()[0].state == GroupState.HELD


def test_a_text_to_one_person_is_looked_for_by_what_stands_in_it(telling, monkeypatch):
    asked = []
    told = telling.people.addresses
    monkeypatch.setattr(
        telling.people, "addresses",
        lambda *of: {each: one._replace(reference="7K3QX") for each, one in told(*of).items()},
    )  # fmt: skip
    monkeypatch.setattr(telling.texts, "find", lambda **question: asked.append(question))
    telling.people.people.clear()
    telling.people.add("Anna", sms="+4520304050")
    telling.begin(ways=("sms",))
    killed_in(monkeypatch, handing_over, "record")
    with pytest.raises(Killed):
        telling.work()
    db.session.remove()

    finish(telling)
    later(minutes=30)
    jobs.settle()

    assert {(each["recipient"], each["reference"]) for each in asked} == {("+4520304050", "7K3QX")}


@pytest.mark.parametrize("stopped", [False, True])
def test_what_is_heard_while_it_is_counted_is_counted_all_the_same(telling, monkeypatch, stopped):
    telling.begin(ways=("email",))
    telling.go()
    telling.hear(telling.told("delivered", *NAMES[1:]))
    if stopped:
        telling.do(sending.stop, telling.id, by="Mette", why="wrong text")
    later(seconds=3)
    known = tallying.count

    def heard_meanwhile(sending_id):
        found = known(sending_id)
        telling.hear(telling.told("delivered", NAMES[0]))
        return found

    monkeypatch.setattr(tallying, "count", heard_meanwhile)
    telling.clock()
    monkeypatch.setattr(tallying, "count", known)
    telling.clock()

    assert telling.row().ended_at
    assert sending.of("people:1").tally["counts"] == [["email", "delivered", "da", "DK", 5]]


def test_an_answer_about_one_attempt_says_nothing_of_the_next(telling, monkeypatch):
    telling.mail.most = 5
    telling.begin(ways=("email",))
    telling.mail.answers = [Unsure("it did not answer")] * 2
    telling.work()
    asked = settling._ask

    def another_clock_was_quicker(*of):
        with transaction():
            group = rows.group_locked(telling.groups()[0].id)
            recording.void(group, now=database_now())
            recording.again(group, "the provider did not have it", now=database_now())
        telling.work()
        asked(*of)
        return settling.Heard.NOT_THERE, None

    monkeypatch.setattr(settling, "_ask", another_clock_was_quicker)
    later(minutes=3)
    jobs.settle()

    assert telling.groups()[0].state == GroupState.UNCERTAIN
    assert len(telling.mail.got) == 10
    telling.work()
    assert len(telling.mail.got) == 10


def test_a_search_that_shows_only_what_went_before_proves_nothing(telling):
    telling.begin(ways=("email",))
    telling.mail.answers = [None, Unsure("it did not answer")]
    telling.work()
    telling.mail.ids.pop(next(reversed(telling.mail.ids)))  # its search is behind
    later(minutes=11)
    jobs.settle()
    telling.work()

    assert len(telling.mail.got) == 5


def test_a_search_proves_nothing_before_its_time(telling):
    telling.begin(ways=("email",))
    telling.mail.answers = [Unsure("it did not answer")]
    telling.work()
    telling.mail.ids.pop(next(iter(telling.mail.ids)))
    for minutes, times in ((9, 5), (2, 8)):
        later(minutes=minutes)
        jobs.settle()
        telling.work()
        assert len(telling.mail.got) == times
