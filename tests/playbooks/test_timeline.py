"""When steps are due, what is owed at an instant, and when the clock looks again."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from playbooks import library
from playbooks.rules import timeline
from playbooks.rules.reading import read
from tests.playbooks.laddered import LADDERED

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
DUE = datetime(2026, 12, 10, 9, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)
FILING = LADDERED
OTHERS = {"draft", "review", "approve", "receipt"}


def look(now, settled=(), due=DUE, closed=OTHERS):
    return timeline.look(FILING, {"due": due}, closed=closed, settled=set(settled), now=now)


def said(moment):
    return [
        (owed.step.key, owed.rung.kind.value, round((owed.rung.at - owed.due_at) / HOUR, 2))
        for owed in moment.owed
    ]


def settle(moment):
    return {(owed.step.key, rung.key) for owed in moment.owed for rung in (owed.rung, *owed.replaced)}


@pytest.mark.parametrize(
    ("aware", "due"),
    [
        ("2025-03-29T12:00", "2025-04-01T13:00:00+02:00"),  # summer time begins: 71 by the wall clock
        ("2027-10-29T09:30", "2027-11-01T08:30:00+01:00"),  # and ends: 73
        ("2028-02-27T10:00", "2028-03-01T10:00:00+01:00"),  # over 29 February
        ("2027-02-26T10:00", "2027-03-01T10:00:00+01:00"),  # no 29 February
        ("2026-12-24T11:30", "2026-12-27T11:30:00+01:00"),  # Christmas stretches nothing
    ],
)
def test_seventy_two_hours_are_elapsed_hours_whatever_the_calendar_does(aware, due):
    text = (
        'key="xx"\ntitle="x"\npurpose="x"\nsource="x"\n[[steps]]\nkey="xx"\ntitle="x"\nrole="dpo"\nanchor="aware"\n'
        'offset="P3D"\ndone_when="x"\nsource="x"\n'
    )
    [step] = read(text, "x").steps
    start = datetime.fromisoformat(aware).replace(tzinfo=COPENHAGEN)

    found = timeline.due_at(step, {"aware": start})

    assert found.astimezone(COPENHAGEN).isoformat() == due
    assert found.tzinfo is UTC


@pytest.mark.parametrize(("fold", "due"), [(0, "2027-11-01T00:30+00:00"), (1, "2027-11-01T01:30+00:00")])
def test_the_hour_that_happens_twice_is_two_different_starts(fold, due):
    start = datetime(2027, 10, 31, 2, 30, tzinfo=COPENHAGEN, fold=fold)
    step = library.playbook("processor_breach").step("confirm")

    assert timeline.due_at(step, {"reported": start}) == datetime.fromisoformat(due)


def test_a_reminder_is_owed_from_its_instant_on_and_not_before():
    at = DUE - 48 * HOUR

    assert said(look(at - MICROSECOND)) == []
    assert look(at - MICROSECOND).wake_at == at
    assert said(look(at)) == [("file", "approaching", -48)]


def test_a_reminder_that_was_given_is_never_owed_again():
    first = look(DUE - 48 * HOUR)

    second = look(DUE - 47 * HOUR, settle(first))

    assert said(second) == []
    assert second.wake_at == DUE - 24 * HOUR


def test_after_an_outage_of_twenty_hours_only_the_latest_is_owed_and_the_others_are_named():
    before = look(DUE - 48 * HOUR)

    after = look(DUE - 4 * HOUR, settle(before))

    assert said(after) == [("file", "approaching", -6)]
    assert [(rung.at - DUE) / HOUR for rung in after.owed[0].replaced] == [-24, -12]
    assert said(look(DUE - 4 * HOUR, settle(before) | settle(after))) == []


def test_an_outage_owes_each_step_its_own_reminder():
    moment = look(DUE - 2 * HOUR, closed=set())

    assert [owed.step.key for owed in moment.owed] == ["draft", "review", "approve", "file"]


def test_exactly_on_the_deadline_the_action_happens_and_the_step_is_not_yet_overdue():
    before = look(DUE - timedelta(minutes=15))

    moment = look(DUE, settle(before))

    assert said(moment) == [("file", "action", 0)]
    assert moment.wake_at == DUE + HOUR


def test_overdue_comes_back_every_hour_until_the_step_is_closed():
    settled = settle(look(DUE))
    hours = []
    for quarter in range(1, 40):
        moment = look(DUE + quarter * HOUR / 4, settled)
        hours += [hour for _, kind, hour in said(moment) if kind == "overdue"]
        settled |= settle(moment)

    assert hours == [1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_a_week_without_a_clock_owes_one_overdue_reminder_and_goes_on():
    moment = look(DUE + 168 * HOUR + timedelta(minutes=5), settle(look(DUE)))

    assert said(moment) == [("file", "overdue", 168)]
    assert moment.wake_at == DUE + 169 * HOUR


def test_a_closed_step_owes_nothing_and_wakes_nobody():
    moment = look(DUE + 100 * HOUR, closed={step.key for step in FILING.steps})

    assert moment == timeline.Moment((), None)


def test_a_step_without_its_anchor_waits_in_silence():
    moment = timeline.look(FILING, {}, closed=set(), settled=set(), now=DUE)

    assert moment == timeline.Moment((), None)


def test_reminders_of_a_moved_deadline_are_owed_anew_but_its_action_is_not():
    settled = settle(look(DUE))

    moment = look(DUE, settled, due=DUE + 12 * HOUR)

    assert said(moment) == [("file", "approaching", -12)]
    assert said(look(DUE + 12 * HOUR, settled | settle(moment), due=DUE + 12 * HOUR))[0][1] == "approaching"


def test_a_deadline_moved_into_the_past_is_told_as_overdue_at_once():
    settled = settle(look(DUE - 48 * HOUR))

    moment = look(DUE - 47 * HOUR, settled, due=DUE - 50 * HOUR)

    assert said(moment) == [("file", "action", 0), ("file", "overdue", 3)]


def test_the_last_reminders_page_and_the_first_do_not():
    pages, settled = [], set()
    for minutes in range(-49 * 60, 121, 15):
        moment = look(DUE + timedelta(minutes=minutes), settled)
        pages += [(minutes / 60, owed.rung.page) for owed in moment.owed]
        settled |= settle(moment)

    quiet, loud = [-48, -24, -12, -6], [-3, -1, -0.25, 0, 1, 2]
    assert pages == [(hour, False) for hour in quiet] + [(hour, True) for hour in loud]


@pytest.mark.parametrize("every", [timedelta(minutes=1), timedelta(minutes=7), HOUR, 5 * HOUR, 20 * HOUR])
def test_however_seldom_the_clock_comes_every_reminder_is_given_or_replaced_exactly_once(every):
    now, settled, seen = DUE - 50 * HOUR, set(), []
    while now < DUE + HOUR / 2:
        now = min(now + every, DUE + HOUR / 2)
        moment = look(now, settled)
        seen += [rung.key for owed in moment.owed for rung in (owed.rung, *owed.replaced)]
        settled |= settle(moment)

    assert len(seen) == len(set(seen)) == 8


def test_the_next_reminder_of_a_step_lies_ahead():
    step = FILING.step("file")

    ahead = [timeline.next_reminder_at(step, DUE, DUE + hours * HOUR) for hours in (-50, -48, -0.1, 0, 1.5)]

    assert [(at - DUE) / HOUR for at in ahead] == [-48, -24, 0, 1, 2]


def test_hours_left_are_negative_once_late():
    assert [timeline.hours_left(DUE, DUE + hours * HOUR) for hours in (-24, -0.25, 0, 1.5)] == [
        24,
        0.25,
        0,
        -1.5,
    ]


def test_the_timetable_puts_steps_without_a_time_last():
    rows = timeline.timetable(library.playbook("subject_communication"), {"decided": DUE})

    assert [step.key for step, *_ in rows][-1] == "send_by_deadline"
    assert rows[0][1] == DUE + 12 * HOUR
    assert rows[0][2] == (DUE + 8 * HOUR, DUE + 11 * HOUR)


def test_stored_anchors_come_back_as_utc():
    assert timeline.anchors_in({"due": "2026-12-10T10:05:00+01:00"}) == {"due": DUE}
