"""Nights in which something goes wrong: phones, providers, the clock, the rota. Somebody is called."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from accounts.models import StaffMember
from foundation import database
from foundation.database import acting_for, db, transaction, utcnow
from notifications import on_duty
from notifications.rota import overrides
from notifications.rules.plan import Change
from tests import people
from tests.people import Cast
from tests.story.driver import Story
from tests.story.phones import Night, Phones

FIVE_MINUTES, TEN_MINUTES = timedelta(minutes=5), timedelta(minutes=10)
TEXTS_IN_FIVE_HOURS = 2 * 21  # 21 in three hours (notifications/data/escalation.toml)
TRIES_IN_AN_HOUR = 11 * 5  # eleven an hour, each tried five times while the phone is off
PAGED = ("Astrid", "Birk", "Dorthe")


def test_nobody_answers_all_night_and_it_is_never_silent(night: Night, phones: Phones, story: Story) -> None:
    story.hostco_reports()
    began = utcnow()
    night.passes(minutes=45, step=FIVE_MINUTES)  # the rounds of its policy
    night.passes(hours=4, minutes=15, step=timedelta(minutes=20))

    for name in PAGED:
        texts = phones[name].gets_texts("PM-", least=5, most=TEXTS_IN_FIVE_HOURS)
        phones[name].gets_mails("PM-", least=5, most=100)
        rung = [began + timedelta(minutes=25), *(each.at for each in texts), utcnow()]
        for before, after in pairwise(sorted(rung)):
            assert after - before <= timedelta(minutes=61), f"{name} was left in peace after {before}"

    phones["Dorthe"].replies("{code}")
    phones["Dorthe"].gets_text("is yours")


def test_a_phone_that_is_off_brings_the_next_at_once(night: Night, phones: Phones, story: Story) -> None:
    phones["Astrid"].is_off()
    story.hostco_reports()
    night.work()

    phones["Astrid"].misses_text("breach report")
    phones["Astrid"].gets_mail("PM-")
    phones["Birk"].gets_text("breach report")
    phones["Birk"].gets_mail("PM-")


def test_when_the_clock_was_down_each_is_called_once_and_not_once_for_each_minute(
    night: Night, phones: Phones, story: Story
) -> None:
    story.hostco_reports()
    phones["Astrid"].gets_text("breach report")
    phones["Astrid"].gets_mail("PM-")

    database.clock.offset += timedelta(minutes=20)
    night.work()
    phones["Birk"].gets_text("breach report")
    phones["Birk"].gets_mail("PM-")
    phones["Birk"].replies("{code}")
    phones["Birk"].gets_text("is yours")
    phones["Dorthe"].gets_nothing()


def test_when_nobody_can_be_reached_it_goes_on_until_one_can(
    night: Night, phones: Phones, story: Story
) -> None:
    for name in PAGED:
        phones[name].is_off()
    story.hostco_reports()
    night.passes(hours=1, step=TEN_MINUTES)
    for name in PAGED:
        phones[name].gets_mails("PM-", least=1, most=30)
        phones[name].misses_texts("PM-", least=1, most=TRIES_IN_AN_HOUR)

    phones["Birk"].is_on()
    night.passes(minutes=30, step=TEN_MINUTES)
    phones["Birk"].gets_texts("PM-", least=1, most=9)
    phones["Birk"].replies("{code}")
    phones["Birk"].gets_text("is yours")
    for name in PAGED:
        phones[name].gets_mails("PM-", least=0, most=30)
        phones[name].misses_texts("PM-", least=0, most=TRIES_IN_AN_HOUR)


def test_who_answered_stop_is_missed_loudly_and_called_by_mail(
    night: Night, phones: Phones, story: Story
) -> None:
    phones["Astrid"].replies("STOP")
    night.work()
    for name in ("Birk", "Dorthe"):
        phones[name].gets_text("Astrid Holm", "answered STOP")
        phones[name].gets_mail("STOP")
    phones["Astrid"].gets_mail("STOP")

    story.hostco_reports()
    phones["Astrid"].gets_mail("PM-")
    night.passes(minutes=6)
    phones["Birk"].gets_text("breach report")
    phones["Birk"].gets_mail("PM-")


def test_with_the_text_provider_down_mail_goes_and_the_next_is_called_at_once(
    night: Night, phones: Phones, story: Story
) -> None:
    night.sandbox.fail("twilio", "5xx", times=None, status=503)
    story.hostco_reports()
    night.passes(minutes=2)
    (first, *_), (second, *_) = (
        phones[name].gets_mails("PM-", least=1, most=4) for name in ("Astrid", "Birk")
    )  # fmt: skip
    assert second.at - first.at <= timedelta(minutes=1)
    phones["Dorthe"].gets_mails("PM-", least=0, most=4)


def test_who_stands_in_when_the_clocks_go_back_is_called_in_both_hours(
    night: Night, phones: Phones, story: Story, cast: Cast
) -> None:
    # 2027-10-31: at 03:00 in Copenhagen it is 02:00 again.
    night.begins(datetime(2027, 10, 30, 22, tzinfo=UTC))
    with acting_for(cast.promark), transaction():
        dorthe = db.session.get_one(StaffMember, cast.staff[people.DORTHE])
        (schedule, *_) = on_duty.schedules(cast.promark)
        start = datetime(2027, 10, 31, 0, 30, tzinfo=UTC)  # the first half past two
        wanted = overrides.Wanted(
            Change.REPLACE,
            None,
            dorthe.id,
            start,
            start + timedelta(hours=1),
            "Stands in while it is two twice",
        )
        overrides.make(schedule.id, wanted, by=dorthe, now=utcnow(), quiet=True)
    night.begins(datetime(2027, 10, 31, 1, 20, tzinfo=UTC))  # twenty past two, the second time

    story.hostco_reports()
    phones["Dorthe"].gets_text("breach report")
    phones["Dorthe"].gets_mail("breach was reported")
    phones["Dorthe"].gets_mail("write a handover note", "02:30 CET")  # her hour ends in ten minutes
    phones["Dorthe"].replies("{code}")
    phones["Dorthe"].gets_text("is yours")
