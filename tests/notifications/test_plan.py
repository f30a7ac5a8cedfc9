"""The rota's rules: layers, hours of the week, overrides and gaps, also when the clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifications.rules.oncall import Layer, Turns, Window, instant
from notifications.rules.plan import (
    Change,
    Override,
    Plan,
    Stretch,
    changes_of_hands,
    cut,
    holes,
    joined,
)

ANNA, BO, CARL, DINA = uuid4(), uuid4(), uuid4(), uuid4()
ZONE = "Europe/Copenhagen"
COPENHAGEN = ZoneInfo(ZONE)
WORKDAYS, WEEKEND = frozenset(range(5)), frozenset({5, 6})
EVERY_DAY = WORKDAYS | WEEKEND
HOUR = timedelta(hours=1)


def local(*when, fold=0):
    return datetime(*when, tzinfo=COPENHAGEN, fold=fold).astimezone(UTC)


def layer(*members, days=1, first=(2026, 10, 19, 9), windows=(), **bounds):
    """Turns from Monday 19 October 2026 on; winter time begins on the 25th."""
    return Layer(uuid4(), Turns(members, local(*first), days, ZONE), windows, **bounds)


def override(change, before, after, start, end):
    return Override(uuid4(), change, before, after, start, end)


def who(plan, at):
    return [each.member for each in plan.at(at)]


def spans(plan, start, end):
    return [(each.member, each.start, each.end) for each in cut(plan.stretches(start, end), start, end)]


def test_a_daily_turn_over_the_change_to_winter_time_lasts_25_hours():
    [over] = Plan([layer(ANNA, BO)]).stretches(local(2026, 10, 25, 0), local(2026, 10, 25, 1))

    assert (over.start, over.end) == (local(2026, 10, 24, 9), local(2026, 10, 25, 9))
    assert over.end - over.start == 25 * HOUR


@pytest.mark.parametrize(
    ("night", "length"),
    [((2026, 10, 24), 16), ((2027, 3, 27), 14), ((2026, 12, 24), 15)],
)
def test_a_night_over_midnight_is_as_long_as_the_clocks_make_it(night, length):
    nights = Window(EVERY_DAY, time(17), time(8))
    plan = Plan([layer(ANNA, windows=[nights], days=7)])

    [shift] = plan.stretches(local(*night, 23), local(*night, 23, 30))

    assert (shift.start, shift.end - shift.start) == (local(*night, 17), length * HOUR)
    assert who(plan, local(*night, 16, 59)) == []
    assert who(plan, local(*night, 17)) == [ANNA]


@pytest.mark.parametrize("day", [(2026, 10, 25), (2027, 3, 28)])
@pytest.mark.parametrize("at", [time(0), time(1, 59), time(2), time(2, 30), time(3), time(3, 1)])
def test_hours_that_meet_on_paper_meet_when_the_clocks_change(day, at):
    """Also at a time that the clocks leave out or show twice: no gap, and nobody twice."""
    first, second = Window(EVERY_DAY, time(18), at), Window(EVERY_DAY, at, time(18))
    plan = Plan([layer(ANNA, windows=[first]), layer(BO, windows=[second])])
    start, end = local(*day, 0) - 12 * HOUR, local(*day, 0) + 36 * HOUR

    found = plan.stretches(start, end)

    assert holes(found, start, end) == []
    assert all(len(plan.at(start + n * timedelta(minutes=10))) == 1 for n in range(48 * 6))


def test_hours_that_the_clocks_leave_out_wholly_are_nobodys():
    plan = Plan([layer(ANNA, windows=[Window(EVERY_DAY, time(2), time(3))])])

    assert spans(plan, local(2027, 3, 28, 0), local(2027, 3, 28, 12)) == []
    [shown_twice] = spans(plan, local(2026, 10, 25, 0), local(2026, 10, 25, 12))
    assert shown_twice[2] - shown_twice[1] == 2 * HOUR


@pytest.mark.parametrize(
    ("typed", "last", "expected"),
    [
        ((2026, 10, 25, 2, 30), False, "2026-10-25T00:30:00+00:00"),
        ((2026, 10, 25, 2, 30), True, "2026-10-25T01:30:00+00:00"),
        ((2027, 3, 28, 2, 30), False, "2027-03-28T01:30:00+00:00"),
        ((2027, 3, 28, 2, 30), True, "2027-03-28T01:30:00+00:00"),
        ((2026, 12, 24, 3, 0), True, "2026-12-24T02:00:00+00:00"),
    ],
)
def test_a_local_time_is_one_instant(typed, last, expected):
    assert instant(datetime(*typed, tzinfo=UTC).replace(tzinfo=None), ZONE, last=last).isoformat() == expected


def test_the_first_layer_that_has_anybody_is_on_duty():
    nights = Window(WORKDAYS, time(17), time(8))
    weekends = Window(WEEKEND, time(8), time(8))
    plan = Plan([layer(CARL, DINA, days=7, windows=[nights, weekends]), layer(ANNA, BO, days=7)])

    assert who(plan, local(2026, 10, 20, 12)) == [ANNA]
    assert who(plan, local(2026, 10, 20, 23)) == [CARL]
    assert who(plan, local(2026, 10, 24, 12)) == [CARL]
    assert who(plan, local(2026, 10, 26, 8)) == [ANNA]  # Monday: hands over at nine
    assert who(plan, local(2026, 10, 26, 18)) == [DINA]
    assert (
        holes(
            plan.stretches(local(2026, 10, 19), local(2026, 11, 2)), local(2026, 10, 19), local(2026, 11, 2)
        )
        == []
    )


def test_a_rotation_counts_from_its_beginning_to_its_end():
    plan = Plan([layer(ANNA, begins_at=local(2026, 10, 20, 9), ends_at=local(2026, 10, 22, 9))])

    found = spans(plan, local(2026, 10, 19), local(2026, 10, 25))

    assert (found[0][1], found[-1][2]) == (local(2026, 10, 20, 9), local(2026, 10, 22, 9))


def test_where_somebody_left_the_next_layer_is_on_duty_and_else_nobody():
    upper, lower = layer(ANNA, BO, days=1), layer(CARL, days=7)
    day_of_bo = local(2026, 10, 20, 12)

    assert who(Plan([upper, lower], (), frozenset({BO})), day_of_bo) == [CARL]
    assert who(Plan([upper], (), frozenset({BO})), day_of_bo) == []


def test_an_override_across_the_change_to_winter_time_holds_for_all_of_it():
    start, end = local(2026, 10, 25, 1), local(2026, 10, 25, 3)
    plan = Plan([layer(ANNA, BO)], [override(Change.REPLACE, BO, CARL, start, end)])
    on = who(Plan([layer(ANNA, BO)]), start)

    assert on == [BO]
    assert end - start == 3 * HOUR
    for at in (
        start,
        local(2026, 10, 25, 2, 30),
        local(2026, 10, 25, 2, 30, fold=1),
        end - timedelta(seconds=1),
    ):
        assert who(plan, at) == [CARL]
    assert who(plan, start - timedelta(seconds=1)) == who(plan, end) == [BO]


def test_a_replacement_of_whoever_it_would_be_holds_over_a_handover():
    start, end = local(2026, 10, 20, 8), local(2026, 10, 20, 10)
    plan = Plan([layer(ANNA, BO)], [override(Change.REPLACE, None, CARL, start, end)])

    found = [each for each in plan.stretches(start, end) if each.member == CARL]

    assert [(each.start, each.end, each.overridden) for each in found] == [(start, end, True)]


def test_a_replacement_of_one_leaves_the_others_alone():
    start, end = local(2026, 10, 20, 8), local(2026, 10, 20, 10)
    plan = Plan([layer(ANNA, BO)], [override(Change.REPLACE, BO, CARL, start, end)])

    assert who(plan, start) == [ANNA]
    assert who(plan, end - HOUR / 2) == [CARL]


def test_who_is_added_stands_beside_and_who_is_removed_leaves_a_gap():
    start, end = local(2026, 10, 20, 10), local(2026, 10, 20, 12)
    added = override(Change.ADD, None, CARL, start - HOUR, end)
    removed = override(Change.REMOVE, BO, None, start, end)

    assert who(Plan([layer(ANNA, BO)], [added]), start) == [BO, CARL]
    assert who(Plan([layer(ANNA, BO)], [added, removed]), start) == [CARL]
    alone = Plan([layer(ANNA, BO)], [removed])
    assert holes(alone.stretches(start - HOUR, end + HOUR), start - HOUR, end + HOUR) == [(start, end)]


def test_a_replacement_by_somebody_who_left_replaces_nobody():
    start, end = local(2026, 10, 20, 10), local(2026, 10, 20, 12)
    plan = Plan([layer(BO)], [override(Change.REPLACE, BO, CARL, start, end)], frozenset({CARL}))

    assert who(plan, start) == [BO]


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ((Change.REPLACE, ANNA, BO), (Change.REPLACE, ANNA, CARL), True),
        ((Change.REPLACE, ANNA, BO), (Change.REPLACE, BO, CARL), True),
        ((Change.REPLACE, ANNA, BO), (Change.REPLACE, CARL, DINA), False),
        ((Change.REPLACE, None, BO), (Change.REMOVE, CARL, None), True),
        ((Change.REPLACE, None, BO), (Change.ADD, None, CARL), False),
        ((Change.ADD, None, BO), (Change.REMOVE, BO, None), True),
        ((Change.ADD, None, BO), (Change.ADD, None, BO), True),
    ],
)
def test_what_cannot_both_be_so_clashes_while_it_overlaps(one, other, clash):
    start, end = local(2026, 10, 20, 10), local(2026, 10, 20, 12)
    first = override(*one, start, end)

    assert first.clashes_with(override(*other, start + HOUR, end + HOUR)) is clash
    assert not first.clashes_with(override(*other, end, end + HOUR))  # one after another


def test_a_shift_changes_hands_by_an_override_and_not_where_somebody_follows_himself():
    start, end = local(2026, 10, 20, 11), local(2026, 10, 20, 13)
    plan = Plan([layer(ANNA, ANNA, BO)], [override(Change.REPLACE, ANNA, CARL, start, end)])

    found = changes_of_hands(plan.stretches(local(2026, 10, 20, 8), local(2026, 10, 21, 20)))

    assert [(before.member, after.member, after.start) for before, after in found] == [
        (ANNA, CARL, start), (CARL, ANNA, end), (ANNA, BO, local(2026, 10, 21, 9)),
    ]  # fmt: skip


def test_pieces_of_one_stretch_are_one_again():
    at = local(2026, 10, 20, 9)
    pieces = [Stretch(ANNA, "x", 0, at + n * HOUR, at + (n + 1) * HOUR) for n in (1, 0, 3)]

    assert [(each.start, each.end) for each in joined(pieces)] == [
        (at, at + 2 * HOUR), (at + 3 * HOUR, at + 4 * HOUR),
    ]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    day=st.dates(date(2026, 10, 1), date(2027, 4, 30)),
    hours=st.lists(st.tuples(st.sets(st.integers(0, 6), min_size=1), st.times(), st.times()), max_size=3),
    length=st.integers(1, 10),
    minutes=st.integers(0, 3000),
)
def test_what_is_drawn_is_what_holds_at_each_moment(day, hours, length, minutes):
    """The stretches and the answer for one moment come by two ways, and never differ."""
    windows = [Window(frozenset(days), begin, end) for days, begin, end in hours]
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    over = override(Change.REPLACE, None, DINA, start + 5 * HOUR, start + 31 * HOUR)
    plan = Plan(
        [layer(ANNA, BO, days=length, windows=windows), layer(CARL, ends_at=start + 40 * HOUR)], [over]
    )
    at = start + timedelta(minutes=minutes)

    found = [each.member for each in plan.stretches(start, start + 72 * HOUR) if each.start <= at < each.end]

    assert found == who(plan, at)


def test_who_has_the_turn_stays_first_also_when_they_are_added_once_more():
    start, end = local(2026, 10, 19, 10), local(2026, 10, 19, 12)
    added = [override(Change.ADD, None, each, start, end) for each in (BO, ANNA)]

    assert who(Plan([layer(ANNA)], added), start) == [ANNA, BO]
