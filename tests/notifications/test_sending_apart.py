"""Telling many when a group does not stay whole: who was left out, refused alone, or handed over apart."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from foundation import database
from foundation.database import database_now, db, transaction
from notifications import sending
from notifications.channels import Accepted, Many, Refusal, Unsure
from notifications.models import Delivery, GroupState, Outcome, SendingAttempt, SendingState, Stop
from notifications.sending import claiming, handing_over, jobs, recording
from tests.notifications import telling as people_to_tell
from tests.notifications.telling import Post

NAMES = ("Anna", "Bo", "Cecilie")
NO_SUCH = Refusal("SendGrid refused this one", code="400")


@pytest.fixture
def telling(house, monkeypatch):
    """Three people with e-mail, in one group."""
    database.clock.offset = timedelta()
    made = people_to_tell.install(house.app, house.promark, house.about, monkeypatch)
    for name in NAMES:
        made.people.add(name, email=f"{name.lower()}@example.org")
    return made


def later(**passed):
    database.clock.offset += timedelta(**passed)


def loses_address(telling, name):
    """The person's address goes after they were planned."""
    ways = next(ways for _, ways, known in telling.people.people.values() if known == name)
    ways.clear()


def claimed(telling):
    with transaction():
        return claiming.claim(telling.id, without=(), now=database_now())


# --- a group is divided ----------------------------------------------------------------------------


def test_who_was_left_out_keeps_nobody_else_from_being_told_in_smaller_groups(telling):
    telling.begin(ways=("email",))
    loses_address(telling, "Bo")
    telling.mail.answers = [Refusal("no", code="400")]
    telling.go()

    assert sorted(telling.mail.got) == ["anna@example.org", "cecilie@example.org"]
    assert telling.fates() == {"Anna": "email accepted", "Bo": "email manual", "Cecilie": "email accepted"}


def test_who_was_left_out_keeps_nobody_else_from_a_provider_that_takes_fewer(telling, monkeypatch):
    telling.begin(ways=("email",))
    loses_address(telling, "Bo")
    telling.mail.answers = [Refusal("our key", code="401", account=True)]
    small = Post("smtp", most=1)
    monkeypatch.setitem(telling.app.extensions["channels"], "email", (telling.mail, small))
    monkeypatch.setitem(telling.app.extensions, "sending_rates", {"email/sendgrid": 0, "email/smtp": 0})
    telling.go()

    assert telling.mail.got == []
    assert sorted(small.got) == ["anna@example.org", "cecilie@example.org"]
    assert telling.fates() == {"Anna": "email accepted", "Bo": "email manual", "Cecilie": "email accepted"}


def test_a_group_that_went_after_it_was_divided_is_known_for_a_second_copy(telling, monkeypatch):
    telling.begin(ways=("email",))
    lost = claimed(telling)
    later(seconds=91)
    telling.clock()
    with transaction():
        group = telling.groups()[0]
        recording.void(group, now=database_now())
        recording.again(group, "as if it were not there", now=database_now())
    small = Post("smtp", most=1)
    monkeypatch.setitem(telling.app.extensions["channels"], "email", (small,))
    monkeypatch.setitem(telling.app.extensions, "sending_rates", {"email/smtp": 0})
    telling.go()
    assert len(small.got) == 3

    handing_over.record(lost, Many(Accepted("late")), until=0)

    assert telling.fates() == dict.fromkeys(NAMES, "email accepted")
    assert db.session.get(SendingAttempt, lost.attempt_id).outcome == Outcome.DUPLICATE
    assert db.session.scalar(select(func.count()).select_from(Stop)) == 1


# --- somebody is refused alone ---------------------------------------------------------------------


def place_of(telling, name):
    group = telling.groups()[0]
    ids = people_to_tell.jobs_members(group)
    return next(place for place, each in enumerate(ids) if telling.people.people[each][2] == name)


def test_who_was_refused_alone_is_not_told_when_the_group_is_found_later(telling):
    telling.begin(ways=("email",))
    bo = place_of(telling, "Bo")
    telling.mail.answers = [lambda _attempt: Many(Unsure("it did not answer"), {bo: NO_SUCH})]
    telling.work()
    telling.hear(telling.told("processed", "Anna", "Cecilie"))
    telling.go()

    assert telling.fates() == {"Anna": "email accepted", "Bo": "email manual", "Cecilie": "email accepted"}


def test_who_was_refused_alone_does_not_go_again_with_a_group_that_does(telling):
    telling.begin(ways=("email",))
    bo = place_of(telling, "Bo")
    telling.mail.answers = [lambda _attempt: Many(Refusal("ever more of them are refused"), {bo: NO_SUCH})]
    telling.work()
    telling.mail.got.clear()
    later(seconds=30)
    telling.go()

    assert sorted(telling.mail.got) == ["anna@example.org", "cecilie@example.org"]
    assert telling.fates() == {"Anna": "email accepted", "Bo": "email manual", "Cecilie": "email accepted"}


def test_a_group_whose_every_person_was_refused_alone_is_over(telling):
    telling.begin(ways=("email",))
    telling.mail.answers = [
        lambda _attempt: Many(NO_SUCH, {place: Refusal(f"no {place}", code="400") for place in range(3)})
    ]
    telling.go()

    assert [each.state for each in telling.groups()] == [GroupState.REFUSED]
    assert telling.fates() == dict.fromkeys(NAMES, "email manual")


def test_an_answer_kept_in_a_file_keeps_who_was_refused(telling):
    telling.begin(ways=("email",))
    taken, bo = claimed(telling), place_of(telling, "Bo")
    handing_over._keep_in_journal(taken, Many(Accepted("mail-1"), {bo: NO_SUCH}))

    jobs.settle()
    telling.clock()

    assert telling.fates() == {"Anna": "email accepted", "Bo": "email manual", "Cecilie": "email accepted"}


def test_who_had_no_address_is_not_told_by_a_group_that_was_given_up_and_went(telling):
    telling.begin(ways=("email",))
    loses_address(telling, "Bo")
    telling.mail.answers = [Unsure("it did not answer")]
    telling.work()
    with transaction():
        group = telling.groups()[0]
        recording.void(group, now=database_now())
        recording.again(group, "as if it were not there", now=database_now())
    telling.do(sending.stop, telling.id, by="Mette", why="wrong text")
    telling.clock()
    assert telling.fates() == dict.fromkeys(NAMES, "email manual")

    telling.hear(telling.told("processed", "Anna", "Cecilie"))

    assert telling.fates() == {"Anna": "email accepted", "Bo": "email manual", "Cecilie": "email accepted"}


# --- before the provider is asked -------------------------------------------------------------------


def test_addresses_that_cannot_be_loaded_leave_nobody_in_doubt(telling, monkeypatch):
    telling.begin(ways=("email",))
    known = telling.people.addresses

    def broken(*_args):
        raise LookupError("not now")

    monkeypatch.setattr(telling.people, "addresses", broken)
    telling.work()
    assert [each.state for each in telling.groups()] == [GroupState.PENDING]
    monkeypatch.setattr(telling.people, "addresses", known)
    later(minutes=1)
    telling.go()

    assert len(telling.mail.got) == 3
    assert telling.fates() == dict.fromkeys(NAMES, "email accepted")


@pytest.mark.parametrize("end", [sending.pause, sending.stop])
def test_nothing_goes_once_it_is_held_though_a_worker_had_taken_it(telling, end):
    telling.begin(ways=("email",))
    taken = claimed(telling)
    telling.do(end, telling.id, by="Mette", why="wrong text")

    handing_over.hand_over(taken)

    assert telling.mail.got == []
    if end is sending.stop:
        telling.clock()
        assert telling.fates() == dict.fromkeys(NAMES, "email manual")
        return
    telling.do(sending.resume, telling.id, by="Mette", why="right after all")
    telling.go()
    assert len(telling.mail.got) == 3
    assert telling.row().state == SendingState.RUNNING


def test_what_was_on_its_way_when_it_was_stopped_is_counted(telling):
    telling.begin(ways=("email",))

    def stopped_meanwhile(_attempt):
        telling.do(sending.stop, telling.id, by="Mette", why="wrong text")
        telling.clock()

    telling.mail.answers = [stopped_meanwhile]
    telling.work()
    telling.clock()

    assert sending.of("people:1").tally["counts"] == [["email", "accepted", "da", "DK", 3]]
    assert sending.of("people:1").tally["waiting"] == {}


def test_one_person_has_one_last_row_when_two_ways_are_heard_of_at_once(telling):
    telling.people.add("Dora", email="dora@example.org", sms="+4520000009")
    telling.begin(ways=("email", "sms"))
    telling.go()
    telling.hear(telling.told("bounce", "Dora"))
    telling.clock()
    telling.work()

    lasts = db.session.execute(
        select(Delivery.recipient_id, func.count()).where(Delivery.is_last).group_by(Delivery.recipient_id)
    )
    assert {number for _, number in lasts} == {1}


# --- letters -----------------------------------------------------------------------------------------


def letters(telling):
    """Two people who can be told by letter alone, and their ids."""
    telling.people.people.clear()
    ids = [telling.people.add(name, letter=name) for name in ("Gerd", "Hans")]
    telling.begin(ways=("letter",))
    return ids


def test_letters_are_posted_on_the_day_that_was_told_last(telling):
    ids, first, second = letters(telling), date(2026, 11, 3), date(2026, 11, 4)
    telling.do(sending.letters_posted, telling.id, ids, first, by="Dorthe")
    telling.do(sending.letters_posted, telling.id, ids[:1], second, by="Dorthe")

    assert telling.fates() == {"Gerd": "letter posted", "Hans": "letter posted"}
    notes = [sending.deliveries_of(telling.id, each)[0].note for each in ids]
    assert notes == ["2026-11-04", "2026-11-03"]


def test_a_letter_that_came_back_or_could_not_be_printed_is_left_to_people(telling):
    posted, waits = letters(telling)
    telling.do(sending.letters_posted, telling.id, [posted], date(2026, 11, 3), by="Dorthe")
    telling.do(sending.letter_returned, telling.id, posted, "moved", code="moved", by="Dorthe")
    telling.do(sending.letters_unprinted, telling.id, [waits], "no address", code="none", by="Breachclock")
    telling.clock()

    assert telling.fates() == {"Gerd": "letter manual", "Hans": "letter manual"}


def test_a_letter_that_was_in_the_post_when_it_was_stopped_is_no_work_for_people(telling):
    ids = [telling.people.add(name, letter=name) for name in ("Gerd", "Hans")]
    telling.begin(ways=("email", "letter"))
    telling.do(sending.stop, telling.id, by="Mette", why="wrong text")
    telling.clock()
    assert {telling.fates()[each] for each in ("Gerd", "Hans")} == {"letter manual"}
    telling.do(sending.letters_posted, telling.id, ids[:1], date(2026, 11, 3), by="Dorthe")

    assert (telling.fates()["Gerd"], telling.fates()["Hans"]) == ("letter posted", "letter manual")


def test_a_crowd_that_is_texted_one_by_one_loses_patience_together(telling):
    telling.people.people.clear()
    for number in range(25):
        telling.people.add(f"P{number}", sms=f"+45200000{number:02d}", letter="Vej 1")
    telling.begin(ways=("sms", "letter"))
    for _ in range(3):  # a job ends after some seconds, however few were told by then
        telling.work()
    later(hours=5)
    telling.clock()

    assert set(telling.fates().values()) == {"letter waiting"}
    assert len(telling.fates()) == 25
