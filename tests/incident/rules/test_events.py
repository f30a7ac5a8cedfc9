"""What a calendar was told follows what is so: moved goes up, gone is cancelled for a while."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from incident.rules.events import Event, Kind, follow

NOW = datetime(2027, 3, 2, 12, tzinfo=UTC)
HOUR, MONTH = timedelta(hours=1), timedelta(days=30)
DUTY = Event("duty-1@breachclock", Kind.DEADLINE, NOW + HOUR, NOW + 2 * HOUR, "UTC", "PM-1", "/incidents/1")
SHIFT = replace(DUTY, uid="shift-1@breachclock", kind=Kind.SHIFT)


def told(events, before=(), now=NOW):
    found = follow(events, {each.event.uid: each for each in before}, now, cancelled_for=MONTH)
    return list(found.told), found


def test_the_same_again_is_no_change_and_a_moved_deadline_goes_up_under_its_uid():
    first, _ = told([DUTY])
    same, unchanged = told([DUTY], first, NOW + HOUR)
    moved, _ = told([replace(DUTY, ends_at=NOW + 9 * HOUR)], first, NOW + HOUR)

    assert same == first
    assert unchanged.changed == ()
    assert [(each.event.uid, each.sequence, each.modified_at) for each in moved] == [
        (DUTY.uid, 1, NOW + HOUR)
    ]


def test_what_is_gone_is_cancelled_once_for_a_while_and_may_come_back():
    first, _ = told([DUTY])
    gone, _ = told([], first, NOW + HOUR)
    still, unchanged = told([], gone, NOW + 2 * HOUR)
    back, _ = told([DUTY], gone, NOW + 3 * HOUR)
    _none, later = told([], gone, NOW + HOUR + MONTH)

    assert [(each.sequence, each.gone_at) for each in gone] == [(1, NOW + HOUR)]
    assert still == gone
    assert unchanged.changed == ()
    assert [(each.sequence, each.gone_at) for each in back] == [(2, None)]
    assert (later.told, later.forgotten) == ((), (DUTY.uid,))


def test_a_shift_that_is_over_is_forgotten_and_one_taken_away_is_cancelled():
    first, _ = told([SHIFT])

    taken, _ = told([], first, NOW)
    _none, over = told([], first, NOW + 3 * HOUR)

    assert taken[0].gone_at == NOW
    assert over.forgotten == (SHIFT.uid,)
