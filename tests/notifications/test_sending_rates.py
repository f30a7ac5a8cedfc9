"""What a provider agreed to take is what telling many keeps to, and what is reckoned with before."""

from datetime import timedelta

from flask import Flask

from foundation import database
from foundation.database import database_now, transaction
from notifications import circuits, estimates
from notifications.channels import Refusal
from notifications.models import Kind
from notifications.sending import budgets, jobs
from tests.notifications import telling as people_to_tell
from tests.notifications.telling import Post

MANY = {("email", "", 1): 72_000}


def test_an_agreed_rate_is_reckoned_with_before_and_kept_to_after(app: Flask, monkeypatch):
    now = database_now()
    slow = estimates.reckon(MANY, start=now, deadline=None)
    monkeypatch.setitem(app.extensions, "sending_rates", {"email/sendgrid": 200_000})

    quick = estimates.reckon(MANY, start=now, deadline=None)

    assert slow
    assert quick
    assert slow.last_out_at - now > timedelta(hours=3)
    assert quick.last_out_at - now < timedelta(hours=1)
    assert budgets.per_second("email", "sendgrid", now) == 200_000 * 0.8 / 3600


def test_without_an_agreement_the_dated_data_hold_for_both(app: Flask):
    now = database_now()

    assert app.extensions["sending_rates"] == {}
    assert budgets.per_second("email", "sendgrid", now) == 20_000 * 0.8 / 3600


def test_nothing_said_before_is_quicker_than_sending_is(app: Flask, monkeypatch):
    now = database_now()
    for way, channel, provider in ((MANY, "email", "sendgrid"), ({("sms", "DK", 2): 9_000}, "sms", "twilio")):
        units = sum(count * size for (_channel, _country, size), count in way.items())
        told = estimates.reckon(way, start=now, deadline=None)
        pace = budgets.per_second(channel, provider, now)

        assert told
        assert pace
        assert told.last_out_at - now > timedelta(seconds=units / pace)

    monkeypatch.setitem(app.extensions["channels"], "email", (Post("smtp"),))
    several_days = estimates.reckon({("email", "", 1): 16_001}, start=now, deadline=None)
    assert several_days
    assert several_days.last_out_at - now > timedelta(days=2)


def test_what_waits_for_its_turn_does_not_use_up_the_one_try_of_a_provider(house, monkeypatch):
    now = database_now()
    telling = people_to_tell.install(house.app, house.promark, house.about, monkeypatch)
    telling.people.add("Anna", email="anna@example.org")
    telling.begin(ways=("email",))
    with transaction():
        circuits.leave_alone("sendgrid", channel="email", why="no", now=now - 2 * circuits.LEFT_ALONE)
        budgets.hold("email", "sendgrid", until=now + timedelta(minutes=5))
    telling.work()

    with transaction():
        assert circuits.choose(["sendgrid"], kind=Kind.ONCALL, now=database_now()) == "sendgrid"


def test_while_a_provider_takes_one_at_a_time_no_more_groups_are_divided_than_go(house, monkeypatch):
    telling = people_to_tell.install(house.app, house.promark, house.about, monkeypatch)
    monkeypatch.setitem(telling.app.extensions["channels"], "email", (telling.mail, Post("smtp", most=1)))
    monkeypatch.setitem(telling.app.extensions["sending_rates"], "email/smtp", 1)
    for number in range(9):
        telling.people.add(f"P{number}", email=f"p{number}@example.org")
    telling.begin(ways=("email",))
    with transaction():
        circuits.leave_alone("sendgrid", channel="email", why="no", now=database_now())
    telling.go()

    assert [each.size for each in telling.groups(state="pending")] == [3, 3, 1, 1]
    assert [each.size for each in telling.groups(state="accepted")] == [1]


def test_no_more_goes_in_a_day_than_a_provider_takes_in_one(app: Flask):
    now, most = database_now(), 8_000
    with transaction():
        assert budgets.take("email", "smtp", most - 1, now=now) is None
        assert budgets.take("email", "smtp", 2, now=now + timedelta(hours=23))
        assert budgets.take("email", "smtp", 1, now=now + timedelta(hours=23)) is None
        assert budgets.take("email", "smtp", 2, now=now + timedelta(hours=24)) is None


def test_a_provider_that_has_too_much_is_given_no_other_group_meanwhile(house, monkeypatch):
    telling = people_to_tell.install(house.app, house.promark, house.about, monkeypatch)
    for number in range(6):
        telling.people.add(f"P{number}", email=f"p{number}@example.org")
    telling.begin(ways=("email",))
    telling.mail.answers = [Refusal("too much", code="429")]
    telling.work()

    assert telling.mail.got == []
    assert [each.attempts for each in telling.groups()] == [1, 0]


def test_a_sending_that_waits_for_its_provider_is_not_sent_by_the_clock(house, monkeypatch):
    ring, sent = jobs.ring, []
    telling = people_to_tell.install(house.app, house.promark, house.about, monkeypatch)
    monkeypatch.setattr(jobs, "_send_from_here", sent.append)
    monkeypatch.setattr(jobs, "_rung_since", lambda *_which: float("-inf"))
    monkeypatch.setattr(jobs.queue, "enqueue", lambda *_of, **_more: True)
    monkeypatch.setattr(database.clock, "offset", timedelta())
    telling.people.add("Anna", email="anna@example.org")
    telling.begin(ways=("email",))
    with transaction():
        budgets.hold("email", "sendgrid", until=database_now() + 2 * jobs.NOBODY_CAME)
    database.clock.offset = timedelta(seconds=50)
    ring()
    assert sent == []
    database.clock.offset = timedelta(seconds=70)
    ring()

    assert sent == [telling.id]


def test_what_was_planned_long_before_it_may_go_is_left_to_the_workers(house, monkeypatch):
    ring, sent, passed = jobs.ring, [], [0.0]
    telling = people_to_tell.install(house.app, house.promark, house.about, monkeypatch)
    monkeypatch.setattr(jobs, "_send_from_here", sent.append)
    monkeypatch.setattr(jobs.queue, "enqueue", lambda *_of, **_more: True)
    monkeypatch.setattr(jobs.time, "monotonic", lambda: 1_000.0 + passed[0])
    monkeypatch.setattr(database.clock, "offset", timedelta())
    telling.people.add("Anna", email="anna@example.org")
    telling.begin(ways=("email",))
    database.clock.offset = timedelta(minutes=5)  # so long it took to plan the others
    ring()
    assert sent == []
    passed[0] = jobs.NOBODY_CAME.total_seconds() + 1
    ring()

    assert sent == [telling.id]
