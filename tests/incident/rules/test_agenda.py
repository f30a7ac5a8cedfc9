"""What is next: merged and sorted by time left, the longest overdue first."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from incident.rules.agenda import Item, Kind, agenda, first_after

NOW = datetime(2027, 3, 2, 12, tzinfo=UTC)


def item(key, hours, kind=Kind.STEP, *, mine=True):
    at = None if hours is None else NOW + timedelta(hours=hours)
    return Item(kind, key, key, "PM-2027-0001", at, "/", "Do it", mine)


def test_overdue_comes_first_then_by_time_left_and_last_what_has_no_time():
    told = [item("no time", None), item("tomorrow", 30), item("soon", 2), item("late", -5), item("just", 0),
            item("page", -6, Kind.PAGE)]  # fmt: skip

    shown = agenda(told, NOW, only_mine=True, most=10)

    assert [each.key for each in shown.now] == ["page", "late", "just"]
    assert [each.key for each in shown.day] == ["soon"]
    assert [each.key for each in shown.later] == ["tomorrow", "no time"]


def test_mine_leaves_out_what_waits_for_others_and_the_same_thing_is_one():
    told = [item("a", 1, mine=False), item("b", 2), item("b", 2, mine=False), item("c", 3, mine=False)]

    assert [each.key for each in agenda(told, NOW, only_mine=True, most=10).day] == ["b"]
    assert [each.mine for each in agenda(told, NOW, only_mine=False, most=10).day] == [False, True, False]
    assert agenda([told[0]], NOW, only_mine=True, most=10).empty
    assert first_after(told, NOW).key == "a"


@given(
    st.lists(st.tuples(st.integers(0, 30), st.none() | st.integers(-99, 99), st.booleans())),
    st.integers(0, 9),
)
def test_nothing_is_lost_doubled_or_out_of_order(told, most):
    items = [item(str(key), hours, mine=mine) for key, hours, mine in told]

    shown = agenda(items, NOW, only_mine=False, most=most)

    rows = [*shown.now, *shown.day, *shown.later]
    assert len(rows) + shown.hidden == len({each.key for each in items})
    assert len({each.key for each in rows}) == len(rows) <= most
    times = [each.at for each in rows]
    assert times == sorted(times, key=lambda at: (at is None, at or NOW))
