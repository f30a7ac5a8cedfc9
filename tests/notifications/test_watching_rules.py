"""When we hear of silence, how often, and how wide: figures out of data, nothing by chance."""

from datetime import UTC, datetime, timedelta

import pytest

from notifications.rules import watching
from notifications.rules.silence import Move, Patience, Say, State, after, look
from notifications.rules.watching import Light, Verdict

NOW = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
PATIENCE = Patience(180, (900, 1800))


def played(looks):
    """What was said at each look: (seconds, bad things, whether somebody was reached)."""
    state, said = State(), []
    for now, bad, reached in looks:
        state, move = look(state, bad, now, PATIENCE)
        state = after(state, move, reached=reached, now=now, patience=PATIENCE)
        said.append((move.say.value, move.level))
    return said


def test_a_short_silence_is_none():
    assert played([(0, ["readyz"], True), (170, ["readyz"], True), (175, [], True)]) == [("nothing", 0)] * 3


def test_silence_is_told_again_and_wider_until_all_is_well_which_is_told_once():
    at = (0, 180, 1000, 1080, 2000, 2880, 3000, 4680)

    said = played([(now, ["readyz"], True) for now in at] + [(5000, [], True), (5020, [], True)])

    assert said == [
        ("nothing", 0), ("alarm", 1), ("nothing", 0), ("alarm", 2), ("nothing", 0), ("alarm", 3),
        ("nothing", 0), ("alarm", 4), ("well", 4), ("nothing", 0),
    ]  # fmt: skip


def test_what_reached_nobody_is_said_again_at_once():
    said = played([(0, ["a"], True), (200, ["a"], False), (220, ["a"], True), (240, ["a"], True)])

    assert said == [("nothing", 0), ("alarm", 1), ("alarm", 1), ("nothing", 0)]


def test_a_thing_that_comes_back_does_not_silence_another():
    state = State({"readyz": 0.0, "healthz": 100.0})

    _state, move = look(state, ["healthz"], 290, PATIENCE)

    assert move == Move(Say.ALARM, 1, ("healthz",))


def test_a_clock_set_back_counts_from_now():
    state, move = look(State({"readyz": 10_000.0}), ["readyz"], 500, PATIENCE)

    assert (state.bad_since["readyz"], move.say) == (500, Say.NOTHING)
    assert look(state, ["readyz"], 680, PATIENCE)[1].say is Say.ALARM


@pytest.mark.parametrize(
    ("told", "well", "again"),
    [
        (None, None, True),
        (NOW - HOUR / 2, None, False),
        (NOW - 13 * HOUR, None, True),
        (NOW - HOUR / 2, NOW - HOUR / 4, False),
        (NOW - 2 * HOUR, NOW - HOUR, True),
        (NOW - 2 * HOUR, NOW - 3 * HOUR, False),
    ],
)
def test_people_hear_of_a_lost_probe_once_and_again_when_it_lasts(told, well, again):
    assert watching.is_told_again(told, well, NOW) is again


@pytest.mark.parametrize(
    ("arrived", "gave_up", "age", "verdict"),
    [
        (NOW, True, HOUR, Verdict.ARRIVED),
        (None, True, timedelta(), Verdict.FAILED),
        (None, False, timedelta(minutes=5), Verdict.WAITING),
        (None, False, timedelta(minutes=5, seconds=1), Verdict.LATE),
    ],
)
def test_a_probe_has_its_verdict(arrived, gave_up, age, verdict):
    within = watching.terms().canary_late

    assert verdict is watching.verdict(
        sent_at=NOW - age, arrived_at=arrived, gave_up=gave_up, within=within, now=NOW
    )


def test_lights_turn_by_figures_of_data():
    assert watching.light_of_gap(NOW + timedelta(hours=23), NOW) is Light.RED
    assert watching.light_of_gap(NOW + timedelta(days=9), NOW) is Light.YELLOW
    assert [watching.light_of_disk(each) for each in (0.04, 0.1, 0.5)] == [
        Light.RED,
        Light.YELLOW,
        Light.GREEN,
    ]
    assert watching.light_of_certificate(NOW + timedelta(days=2), NOW) is Light.RED
    assert watching.light_of_probes([Verdict.WAITING, Verdict.ARRIVED]) is Light.GREEN
    assert watching.light_of_probes([Verdict.LATE, Verdict.ARRIVED]) is Light.RED
    assert watching.worst([Light.GREEN, Light.YELLOW]) is Light.YELLOW
