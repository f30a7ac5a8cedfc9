"""What a drill took, step by step: first times, what was called for, what there was still time for."""

from datetime import UTC, datetime, timedelta

import pytest

from incident.drills import measuring
from incident.drills.measuring import STEPS, Happened, measure
from incident.rules.dated import RuleDataFault
from incident.views.drills import picture

START = datetime(2026, 11, 27, 21, 40, tzinfo=UTC)
HOURS = measuring.aims(START).hours
EVERY = set(STEPS)


def at(action, *, hours, actor="Astrid Holm"):
    return Happened(action, START + timedelta(hours=hours), actor)


def measured(*lines, hours, wanted=EVERY):
    found = measure(lines, start=START, now=START + timedelta(hours=hours), hours=HOURS, wanted=wanted)
    return {each.step: each for each in found}


def test_the_first_time_counts_whatever_the_order_of_the_lines():
    lines = at("page.acknowledged", hours=2, actor="Birk"), at("page.acknowledged", hours=0.1)

    first = measured(*lines, hours=3)["acknowledge"]

    assert (first.after, first.by, first.met) == (360, "Astrid Holm", True)


@pytest.mark.parametrize(
    ("after", "missed"), [(4, False), (4 + 1 / 3600, True)], ids=["at the very second", "a second late"]
)
def test_what_is_done_a_second_late_is_late(after, missed):
    assert measured(at("incident.rejected", hours=after), hours=5)["confirm"].missed is missed


def test_what_there_was_still_time_for_was_left_open_and_not_missed():
    found = measured(hours=5)

    assert [step for step, each in found.items() if each.missed] == ["acknowledge", "confirm"]
    assert [step for step, each in found.items() if each.left_open] == ["decide", "draft", "file", "tell"]


def test_what_the_case_did_not_call_for_is_neither():
    wanted = measuring.wanted(decided=True, authority=False, people=False)
    found = measured(hours=100, wanted=wanted)

    assert {step for step, each in found.items() if each.missed} == {"acknowledge", "confirm", "decide"}
    assert not any(each.left_open for each in found.values())


def test_undecided_means_notify():
    assert "file" in measuring.wanted(decided=False, authority=False, people=False)
    assert "tell" not in measuring.wanted(decided=False, authority=True, people=False)


def test_a_processor_is_to_tell_its_customers_and_no_authority():
    wanted = measuring.wanted(decided=False, authority=False, people=True, controller=False)
    found = measured(at("notice.delivered", hours=3), hours=100, wanted=wanted)

    assert {step for step, each in found.items() if each.wanted} == {"acknowledge", "confirm", "tell"}
    assert found["tell"].met


def test_the_targets_hold_for_every_drill_and_for_none_before_the_law():
    assert set(HOURS) == EVERY
    assert HOURS["file"] == 72
    with pytest.raises(RuleDataFault):
        measuring.aims(datetime(2018, 5, 24, tzinfo=UTC))


def test_the_picture_has_one_scale_on_which_longer_is_farther():
    found = measured(at("page.acknowledged", hours=0.1), at("incident.confirmed", hours=90), hours=100)
    drawn = picture(list(found.values()), {"file": 50 * 3600.0})

    widths = {bar.measure.step: bar.width for bar in drawn.bars}
    assert widths["acknowledge"] < widths["confirm"] == 1000
    assert all(0 <= bar.target_x <= 1000 for bar in drawn.bars)
    assert [x for x, _seconds in drawn.ticks] == sorted(x for x, _seconds in drawn.ticks)
    assert next(bar.usual_x for bar in drawn.bars if bar.measure.step == "file") < 1000


def test_the_usual_time_is_the_median_of_those_that_did_it():
    earlier = [
        measured(at("page.acknowledged", hours=hours), hours=5).values() for hours in (0.1, 0.2, 3)
    ]  # fmt: skip

    assert measuring.usual(earlier) == {"acknowledge": 720}
