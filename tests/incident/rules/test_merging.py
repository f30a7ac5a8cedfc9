"""Whatever two incidents owed, the one that carries the other owes it, and nothing of it gets later."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident.rules.merging import (
    FILED_IN_PART,
    MET,
    NOT_REQUIRED,
    OWED,
    UNFILED,
    Aware,
    Owing,
    Window,
    combined,
    earlier_awareness,
    earlier_window,
)

T0 = datetime(2026, 3, 27, 16, 45, tzinfo=UTC)
HOUR = timedelta(hours=1)
STATES = ("open", "in_preparation", "filed_in_part", "met", "not_required")


def instants():
    return st.one_of(st.none(), st.integers(0, 200).map(lambda hours: T0 + hours * HOUR))


@st.composite
def owings(draw):
    """What one incident owes: no two duties under one regime towards one recipient."""
    keys = draw(st.sets(st.sampled_from([("gdpr-33", "dk"), ("gdpr-33", "se"), ("gdpr-34", "subjects")])))
    return [_owing(draw, *key) for key in sorted(keys)]


def _owing(draw, regime, recipient):
    state, window = draw(st.sampled_from(STATES)), Window(draw(instants()), draw(instants()))
    if state not in ("filed_in_part", "met"):
        return Owing(regime, recipient, state, window)
    filed = draw(instants()) or T0
    late = max(timedelta(0), filed - window.due_at) if window.due_at else timedelta(0)
    return Owing(regime, recipient, state, window, filed, late)


def after(ours, theirs):
    """Our duties once we carry theirs, by key."""
    return {each.key: each for each in ours} | {each.after.key: each.after for each in combined(ours, theirs)}


@given(owings(), owings())
def test_whatever_either_owed_is_owed(ours, theirs):
    held = after(ours, theirs)

    for each in (*ours, *theirs):
        if each.is_owed:
            assert held[each.key].state in OWED


@given(owings(), owings())
def test_nothing_that_is_not_filed_gets_later(ours, theirs):
    held = after(ours, theirs)

    for each in (*ours, *theirs):
        now = held.get(each.key)
        if each.is_owed and each.window.due_at and now and now.first_filed_at is None:
            assert now.window.due_at is not None
            assert now.window.due_at <= each.window.due_at


@given(owings(), owings())
def test_what_a_filing_froze_stays_and_no_lateness_shrinks(ours, theirs):
    held = after(ours, theirs)

    for each in ours:
        if each.first_filed_at is not None:
            now = held[each.key]
            assert (now.first_filed_at, now.late_by, now.window) == (
                each.first_filed_at, each.late_by, each.window,
            )  # fmt: skip
    for each in theirs:
        now = held.get(each.key)
        if now and each.first_filed_at and now.first_filed_at == each.first_filed_at:
            assert now.late_by >= each.late_by or now in ours


@given(owings(), owings())
def test_what_either_owes_is_owed_by_the_same_time_whoever_carries(ours, theirs):
    one, other = after(ours, theirs), after(theirs, ours)

    for key in {each.key for each in (*ours, *theirs) if each.is_owed}:
        assert one[key].is_owed
        assert other[key].is_owed
        both = all(any(d.key == key and d.is_owed for d in each) for each in (ours, theirs))
        if one[key].state in UNFILED and both:
            assert one[key].window == other[key].window


@given(owings(), owings())
def test_carrying_the_same_again_changes_nothing_more(ours, theirs):
    once = list(after(ours, theirs).values())

    assert [each for each in combined(once, [one for one in theirs if one.state in UNFILED]) if
            each.after.state not in OWED or each.before is None] == []  # fmt: skip


def owing(state, *, due=72, filed=None, late=0):
    told = T0 + filed * HOUR if filed is not None else None
    return Owing(
        "gdpr-33", "dk", state, Window(T0, T0 + due * HOUR), told, late * HOUR if told is not None else None
    )


def the_one(ours, theirs):
    return after([ours] if ours else [], [theirs] if theirs else [])[("gdpr-33", "dk")]


def test_what_the_other_has_filed_counts_in_part_and_the_rest_is_owed():
    held = the_one(owing("open", due=70), owing("met", filed=60))

    assert (held.state, held.first_filed_at, held.late_by) == (FILED_IN_PART, T0 + 60 * HOUR, timedelta(0))


def test_a_filing_in_time_is_late_once_the_earlier_awareness_is_known():
    held = the_one(owing("open", due=40), owing("met", filed=60))

    assert held.late_by == 20 * HOUR


def test_what_was_met_here_is_owed_in_part_again_when_the_other_still_owes():
    held = the_one(owing("met", filed=80, late=8), owing("open"))

    assert (held.state, held.late_by) == (FILED_IN_PART, 8 * HOUR)


def test_met_by_both_is_met():
    assert the_one(owing("met", filed=10), owing("met", filed=20)).state == MET


def test_a_decision_that_nothing_is_owed_releases_nobody_else():
    assert the_one(owing(NOT_REQUIRED), owing("open")).state == "open"
    assert the_one(owing("open"), owing(NOT_REQUIRED)).state == "open"
    assert after([], [owing(NOT_REQUIRED)]) == {}


def test_a_named_due_time_beats_none():
    assert earlier_window(Window(T0, None), Window(None, T0 + HOUR)) == Window(T0, T0 + HOUR)


@pytest.mark.parametrize("turned", [False, True])
def test_the_earlier_awareness_holds_whichever_carries(turned):
    early, late = Aware(T0, True, "From the receipt."), Aware(T0 + HOUR, False, "The logs were read.")
    ours, theirs = (late, early) if turned else (early, late)

    assert earlier_awareness(ours, theirs) is early


def test_awareness_that_nobody_knows_loses_and_of_two_at_once_the_fixed_one_holds():
    fixed, guess = Aware(T0, False, "Fixed."), Aware(T0, True, "Provisional.")

    assert earlier_awareness(Aware(None, True, ""), fixed) is fixed
    assert earlier_awareness(fixed, Aware(None, True, "")) is fixed
    assert earlier_awareness(guess, fixed) is earlier_awareness(fixed, guess) is fixed
