"""Quiet hours: what can wait does, in the person's own zone, and nothing waits past where waiting costs."""

from datetime import UTC, datetime, time, timedelta

import pytest

from notifications.rules import quiet
from notifications.rules.contacts import LIMITS, delays, wait_for_code
from notifications.rules.quiet import Span

EVERY = frozenset(range(7))
NIGHTS = [Span(EVERY, time(22), time(7))]
ZONE = "Europe/Copenhagen"


def at(told: str) -> datetime:
    return datetime.fromisoformat(told).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-11-24T20:59", None),  # 21:59 at home
        ("2026-11-24T21:00", "2026-11-25T06:00"),
        ("2026-11-25T05:59", "2026-11-25T06:00"),
        ("2026-11-25T06:00", None),
        ("2026-10-24T21:00", "2026-10-25T06:00"),  # the night gets an hour longer: 07:00 is 06:00 UTC
        ("2027-03-27T22:00", "2027-03-28T05:00"),  # and shorter
    ],
)
def test_hours_are_those_of_the_person_s_own_clock(now, end):
    assert quiet.ends(NIGHTS, ZONE, at(now)) == (at(end) if end else None)


def test_a_span_that_began_on_its_day_lasts_into_the_next():
    friday = [Span(frozenset({4}), time(20), time(9))]

    assert quiet.ends(friday, ZONE, at("2026-11-28T07:00")) == at("2026-11-28T08:00")  # Saturday morning
    assert quiet.ends(friday, ZONE, at("2026-11-27T07:00")) is None  # Friday morning


def test_spans_that_touch_are_one_and_never_longer_than_the_data_allows():
    evening = [Span(EVERY, time(20), time(23)), Span(EVERY, time(23), time(7))]
    always = [Span(EVERY, time(0), time(12)), Span(EVERY, time(12), time(0))]
    now = at("2026-11-24T21:00")

    assert quiet.ends(evening, ZONE, now) == at("2026-11-25T06:00")
    assert quiet.ends(always, ZONE, now) == now + LIMITS.longest_wait


@pytest.mark.parametrize(
    ("must_by", "waits"),
    [
        (None, True),
        ("2026-11-25T12:00", True),
        ("2026-11-25T10:00", False),  # the margin ends when the night does
        ("2026-11-25T05:00", False),
        ("2026-11-24T20:00", False),  # late already
    ],
)
def test_a_deadline_that_comes_before_or_soon_after_they_end_is_spoken_of_at_once(must_by, waits):
    now, due = at("2026-11-24T22:00"), at(must_by) if must_by else None

    ready = quiet.ready_at(NIGHTS, ZONE, now=now, must_by=due)

    assert ready == (at("2026-11-25T06:00") if waits else now)


def test_what_has_waited_says_the_hours_that_are_left_then():
    told = {"hours_left": "24", "duties": [{"hours_left": "-1.5"}, {"hours_left": ""}], "step": "Ask"}

    later = quiet.told_later(told, timedelta(hours=8, minutes=30))

    assert later == {
        "hours_left": "15.5", "duties": [{"hours_left": "-10"}, {"hours_left": ""}], "step": "Ask",
    }  # fmt: skip
    assert quiet.told_later(told, timedelta(0)) == told


def test_the_first_deadline_of_many_counts():
    duties = [{"due_at": "2026-11-25T12:00:00+00:00"}, {"due_at": ""}]

    assert quiet.deadline_of({"due_at": "2026-11-26T12:00:00+00:00", "duties": duties}, None) == at(
        "2026-11-25T12:00"
    )
    assert quiet.deadline_of({}, None) is None


def test_however_ways_are_delayed_one_rings_at_once():
    assert delays([5, 2, 10]) == [timedelta(minutes=3), timedelta(0), timedelta(minutes=8)]
    assert delays([]) == []


def test_codes_have_a_limit_by_way_by_address_and_by_person():
    now = at("2026-11-24T22:00")
    hourly = [now - timedelta(minutes=5 * n + 2) for n in range(LIMITS.an_hour_per_address)]

    def left(**sent):
        return wait_for_code(**({"to_method": (), "to_address": (), "by_person": ()} | sent), now=now)

    assert left() == timedelta(0)
    assert left(to_method=[now - timedelta(seconds=20)]) == timedelta(seconds=40)
    assert left(to_address=hourly) == timedelta(hours=1) - (now - hourly[-1])
    assert left(by_person=hourly * 4) > timedelta(hours=20)
