import pytest

from incident.rules.facts import parse
from incident.rules.legs import NO, YES, Leg, all_of, any_of, at_most, more_than, waits

KEY, LOGS = waits("/key"), waits("/logs")
TRUSTED = waits("/trust", "yes")
FACTS = parse({})


def told(leg):
    return lambda _facts: leg


@pytest.mark.parametrize(
    ("legs", "answer"),
    [
        ((), YES),
        ((YES, YES), YES),
        ((YES, NO), NO),
        ((KEY, NO), NO),
        ((TRUSTED, NO), NO),
        ((YES, KEY), Leg("unknown", ("/key",), ("/key",))),
        ((KEY, LOGS), Leg("unknown", ("/key", "/logs"), ())),
        ((KEY, KEY), Leg("unknown", ("/key", "/key"), ("/key",))),
        ((YES, TRUSTED), Leg("yes", ("/trust",), ("/trust",))),
        ((TRUSTED, KEY), Leg("unknown", ("/key", "/trust"), ("/key",))),
    ],
)
def test_all_legs_must_stand_and_one_that_cannot_ends_the_asking(legs, answer):
    assert all_of(*map(told, legs))(FACTS) == answer


@pytest.mark.parametrize(
    ("legs", "answer"),
    [
        ((), NO),
        ((NO, NO), NO),
        ((NO, YES), YES),
        ((KEY, YES), YES),
        ((TRUSTED, YES), YES),
        ((NO, KEY), Leg("unknown", ("/key",), ("/key",))),
        ((KEY, LOGS), Leg("unknown", ("/key", "/logs"), ("/key", "/logs"))),
        ((NO, TRUSTED), Leg("yes", ("/trust",), ("/trust",))),
        ((TRUSTED, KEY), Leg("yes", ("/trust", "/key"), ())),
    ],
)
def test_one_leg_is_enough_and_a_certain_one_ends_the_asking(legs, answer):
    assert any_of(*map(told, legs))(FACTS) == answer


@pytest.mark.parametrize(
    ("count", "few", "many"),
    [
        ({}, "unknown", "unknown"),
        ({"exactly": 20}, "yes", "no"),
        ({"exactly": 21}, "no", "yes"),
        ({"at_most": 20}, "yes", "no"),
        ({"at_most": 50}, "unknown", "unknown"),
        ({"at_least": 20}, "unknown", "unknown"),
        ({"at_least": 21}, "no", "yes"),
        ({"at_least": 21, "at_most": 50}, "no", "yes"),
        # Bounds that disagree: the upper one counts, so that taking either away turns nothing off.
        ({"at_least": 21, "at_most": 5}, "yes", "no"),
        ({"exactly": 500, "at_most": 5}, "yes", "no"),
    ],
)
def test_a_count_is_few_or_many_only_when_its_bounds_say_so(count, few, many):
    facts = parse({"subjects": {"total": count}})

    assert at_most("/subjects/total", 20)(facts).state == few
    assert more_than("/subjects/total", 20)(facts).state == many
