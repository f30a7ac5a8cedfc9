"""The pure rules of escalation: louder and never silent, quiet for ever shorter, held but never eaten."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.rules import limits, terms
from notifications.rules.escalation import deadline_of, next_turn, quiet_for, targets_of

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
ASTRID, BIRK, NIGHTS = {"staff": "astrid"}, {"staff": "birk"}, {"schedule": "nights"}
POLICY = [{"targets": [NIGHTS], "minutes": 5}, {**BIRK, "minutes": 10}]
BACKSTOP, MANAGEMENT = [{"role": "dpo"}], [{"role": "admin"}]
LIMITS = terms.limits(NOW)


def turn(number, **other):
    return next_turn(POLICY, number, NOW, rounds=2, wider=[BACKSTOP, MANAGEMENT], **other)


def test_first_each_step_alone_then_each_with_those_before_it_then_everybody_and_wider():
    assert [turn(number).targets for number in range(6)] == [
        (NIGHTS,), (BIRK,),
        (NIGHTS,), (NIGHTS, BIRK),
        (NIGHTS, BIRK, *BACKSTOP),
        (NIGHTS, BIRK, *BACKSTOP, *MANAGEMENT),
    ]  # fmt: skip


@given(st.integers(0, 10_000), st.integers(0, 50))
def test_there_is_no_turn_without_a_target_and_a_next_time_within_a_quarter_of_an_hour(number, rounds):
    move = next_turn(POLICY, number, NOW, rounds=rounds, wider=[BACKSTOP, MANAGEMENT])

    assert move.targets
    assert NOW < move.next_at <= NOW + timedelta(minutes=15)


def test_a_step_written_before_steps_had_several_targets_still_names_its_own():
    assert targets_of({"rotation": "nights", "minutes": 5}) == ({"rotation": "nights"},)
    assert targets_of({"targets": [ASTRID, BIRK], "minutes": 5}) == (ASTRID, BIRK)


@pytest.mark.parametrize(
    ("hours", "minutes"), [(72, 240), (16, 240), (8, 120), (2, 30), (0.5, 10), (0.1, 10), (-5, 10)]
)
def test_what_was_taken_stays_quiet_for_a_quarter_of_what_is_left_within_bounds(hours, minutes):
    assert quiet_for(NOW + timedelta(hours=hours), NOW) == timedelta(minutes=minutes)


@given(st.floats(-100, 100), st.floats(0, 100))
def test_the_nearer_the_deadline_the_shorter_it_is_quiet_and_never_for_good(hours, nearer):
    far, near = (NOW + timedelta(hours=each) for each in (hours, hours - nearer))

    assert timedelta() < quiet_for(near, NOW) <= quiet_for(far, NOW)


@pytest.mark.parametrize("due_at", ["", "tomorrow", "2026-11-26T13:30:00", None])
def test_a_page_that_knows_no_deadline_comes_back_after_an_hour(due_at):
    assert deadline_of(None, {"due_at": due_at}) is None
    assert quiet_for(None, NOW) == timedelta(hours=1)


def ago(*minutes):
    return [NOW - timedelta(minutes=each) for each in minutes]


def held(sent, *, urgent=False, channel="sms"):
    return limits.page_held_until(sent, channel, NOW, urgent=urgent, limits=LIMITS)


def test_what_is_urgent_goes_alone_and_in_a_storm_within_a_minute_with_others():
    assert held(ago(1, 2, 3, 4), urgent=True) is None
    assert held(ago(1, 1, 1, 1, 1), urgent=True) - NOW < timedelta(minutes=1)
    assert held(ago(*range(1, 60)), urgent=True) - NOW < timedelta(minutes=1)


def test_what_can_wait_goes_when_its_narrowest_window_has_room():
    assert held(ago(1, 2, 3, 4)) is None
    assert held(ago(1, 2, 3, 4, 14)) == NOW + timedelta(minutes=1)
    assert held(ago(16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 58)) == NOW + timedelta(minutes=2)


@given(st.lists(st.integers(0, 400), max_size=200), st.booleans(), st.sampled_from(("sms", "voice", "email")))
def test_no_page_waits_longer_than_half_an_hour_whatever_was_sent(minutes, urgent, channel):
    until = held(ago(*minutes), urgent=urgent, channel=channel)

    assert until is None or NOW < until <= NOW + LIMITS.longest


@given(st.lists(st.integers(0, 400), max_size=200), st.sampled_from(("sms", "voice", "email", "chat")))
def test_where_no_limit_is_reached_nothing_is_held(minutes, channel):
    sent = ago(*minutes)
    if not limits.full(sent, channel, NOW, LIMITS):
        assert held(sent, channel=channel) is None
        assert held(sent, channel=channel, urgent=True) is None


def test_the_data_hold_on_every_day_and_name_every_way():
    for day in (NOW, NOW - timedelta(days=4000), NOW + timedelta(days=4000)):
        assert set(terms.limits(day).ways) == {"sms", "voice", "email", "chat"}
        assert terms.limits(day).gather < timedelta(minutes=1)
        assert terms.quiet(day).shortest == timedelta(minutes=10)
