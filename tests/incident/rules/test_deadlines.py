from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident.rules.awareness import Moment, awareness
from incident.rules.deadlines import (
    Clock,
    after_hours,
    explain,
    latest_by_regulation_1182_71,
    notification_clock,
    triage_clock,
)
from incident.rules.evaluation import evaluate
from incident.rules.facts import parse
from tests.incident.rules.cases import by_id, cases

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
AWARE = datetime(2026, 10, 6, 7, 30, tzinfo=UTC)
COPENHAGEN = ZoneInfo("Europe/Copenhagen")
GDPR = frozenset({"gdpr"})


def clocks_of(facts, **more):
    return {clock["kind"]: clock for clock in evaluate(facts, NOW, **more).document()["clocks"]}


@pytest.mark.parametrize("case", cases("deadlines"), ids=by_id)
def test_a_known_awareness_gives_the_deadline_reckoned_by_hand(case):
    clock = clocks_of(case["facts"])["authority_notification"]

    assert {name: clock[name] for name in case["expect"]} == case["expect"]


@pytest.mark.parametrize("case", cases("promise"), ids=by_id)
def test_the_own_promise_runs_beside_the_law(case):
    clocks = clocks_of(case["facts"])

    expect = dict(case["expect"])
    assert not set(expect.pop("absent", [])) & set(clocks)
    assert {kind: {"due_at": clocks[kind]["due_at"]} for kind in expect} == expect


def test_the_window_is_72_elapsed_hours_across_the_change_to_summer_time():
    aware = datetime(2027, 3, 27, 12, 0, tzinfo=COPENHAGEN)

    due = after_hours(aware, 72)

    assert due.astimezone(COPENHAGEN).isoformat() == "2027-03-30T13:00:00+02:00"


def test_the_window_is_72_elapsed_hours_across_the_change_to_winter_time():
    aware = datetime(2027, 10, 29, 9, 30, tzinfo=COPENHAGEN)

    due = after_hours(aware, 72)

    assert due.astimezone(COPENHAGEN).isoformat() == "2027-11-01T08:30:00+01:00"


def test_a_leap_day_is_a_day_like_any_other():
    assert after_hours(datetime(2028, 2, 27, 8, 0, tzinfo=UTC), 72) == datetime(2028, 3, 1, 8, 0, tzinfo=UTC)


@settings(deadline=None)
@given(st.datetimes(timezones=st.sampled_from([UTC, COPENHAGEN, ZoneInfo("Europe/London")])))
def test_every_moment_has_a_deadline_72_hours_later_and_a_latest_one_within_the_hour_after(moment):
    try:
        start = moment.astimezone(UTC)
    except OverflowError:
        return
    due, latest = after_hours(start, 72), latest_by_regulation_1182_71(start, 72)

    assert due - start == timedelta(hours=72) or start.year == 9999
    assert due <= latest <= after_hours(due, 1)


def test_exactly_on_the_deadline_is_in_time_and_a_second_later_is_late():
    clock = notification_clock(Moment(AWARE, "aware_at"), GDPR)
    deadline = AWARE + timedelta(hours=72)

    assert not clock.is_late(deadline)
    assert clock.is_late(deadline + timedelta(seconds=1))
    assert clock.remaining(deadline + timedelta(hours=1)) == timedelta(hours=-1)


def test_the_sum_is_shown_as_it_would_be_written_by_hand():
    told = explain(notification_clock(Moment(AWARE, "aware_at"), GDPR))

    assert told is not None
    assert told.text == "2026-10-06 07:30 UTC + 72 h = 2026-10-09 07:30 UTC"


def test_a_clock_without_a_figure_has_no_sum_and_is_never_late():
    clock = Clock("subject_communication", AWARE, None, "without undue delay")

    assert explain(clock) is None
    assert clock.remaining(NOW) is None
    assert not clock.is_late(NOW)


def test_triage_is_due_four_hours_after_receipt():
    assert triage_clock(AWARE).due_at == AWARE + timedelta(hours=4)


def test_a_processor_runs_no_clock_but_the_one_towards_its_controller():
    facts = {"our_role": "processor", "timeline": {"processor_aware_at": "2026-10-06T09:30:00+02:00"}}

    assert clocks_of(facts) == {
        "notice_to_controller": {
            "kind": "notice_to_controller",
            "starts_at": "2026-10-06T07:30:00Z",
            "due_at": None,
            "latest_by_regulation_1182_71": None,
            "basis": "GDPR art. 33(2): without undue delay, no figure",
        }
    }


def test_the_hours_of_the_agreement_end_the_notice_to_the_controller():
    facts = {"our_role": "processor", "timeline": {"processor_aware_at": "2026-10-06T09:30:00+02:00"}}

    clock = clocks_of(facts, agreed_hours=4)["notice_to_controller"]

    assert clock["due_at"] == "2026-10-06T11:30:00Z"
    assert clock["basis"] == "GDPR art. 33(2): without undue delay; 4 h by agreement"


HIGH = {
    "compromised": {"confidentiality": "yes"},
    "data": {"categories": ["name", "health"], "special_categories": "yes", "identifiability": "direct"},
    "disclosure": {"exfiltration": "published", "recipients": ["attacker", "public"]},
}


def test_telling_people_has_a_beginning_and_no_end_in_law():
    clock = clocks_of(HIGH | {"timeline": {"aware_at": "2026-10-06T07:30:00Z"}})["subject_communication"]

    assert (clock["starts_at"], clock["due_at"]) == ("2026-10-06T07:30:00Z", None)
    assert clock["basis"] == "GDPR art. 34(1): without undue delay, no figure"


def test_at_no_high_risk_no_clock_towards_people_runs():
    assert "subject_communication" not in clocks_of({"timeline": {"aware_at": "2026-10-06T07:30:00Z"}})


def test_what_runs_by_a_provisional_awareness_says_from_what_it_was_taken():
    promise = {"hours": 24, "starts_at": "awareness", "covers": ["authority"]}
    clocks = clocks_of(
        {
            "timeline": {"detected_at": "2026-10-06T07:30:00Z"},
            "organisation": {"notification_promise": promise},
        }
    )

    assert [clocks[kind]["basis"] for kind in ("authority_notification", "own_promise_authority")] == [
        "GDPR art. 33(1): 72 h from awareness, provisionally taken from the detection",
        "own promise: 24 h from awareness, provisionally taken from the detection",
    ]


def test_with_no_time_known_the_clock_is_there_and_says_so():
    clock = clocks_of({})["authority_notification"]

    assert (clock["starts_at"], clock["due_at"]) == (None, None)
    assert "not known yet" in clock["basis"]


PROMISE = {"hours": 24, "starts_at": "occurrence", "covers": ["authority"], "only_processor_breaches": True}


@pytest.mark.parametrize(
    ("chain", "applies"),
    [({}, True), ({"chain": []}, False), ({"chain": [{"name": "HostCo", "role": "processor"}]}, True)],
    ids=["chain unknown", "nobody but us", "at a processor"],
)
def test_a_promise_on_processor_breaches_is_lifted_only_when_it_is_known_to_be_none(chain, applies):
    facts = {"organisation": {"notification_promise": PROMISE}, **chain}

    assert ("own_promise_authority" in clocks_of(facts)) is applies


def test_a_promise_on_identifiable_data_runs_while_it_is_undecided_whether_they_are():
    promise = {"hours": 72, "starts_at": "occurrence", "covers": ["subjects"], "only_if_identifiable": True}
    facts = {"organisation": {"notification_promise": promise}, "compromised": {"confidentiality": "yes"}}

    assert "which is not known yet; whether identifiable" in clocks_of(facts)["own_promise_subjects"]["basis"]


@pytest.mark.parametrize("covers", [["authority"], ["subjects"], ["subjects", "authority"], []])
def test_a_promise_covers_whom_it_names_and_nobody_else(covers):
    promise = {"hours": 72, "starts_at": "occurrence", "covers": covers}
    facts = {"organisation": {"notification_promise": promise}}

    promised = {kind.removeprefix("own_promise_") for kind in clocks_of(facts) if "promise" in kind}
    assert promised == set(covers)


def test_a_promise_is_kept_as_controller_and_not_as_a_processor():
    promise = {"hours": 72, "starts_at": "occurrence", "covers": ["authority", "subjects"]}
    facts = {"our_role": "processor", "organisation": {"notification_promise": promise}}

    assert set(clocks_of(facts)) == {"notice_to_controller"}


def test_what_a_clock_rests_on_fits_its_column():
    promise = {
        "hours": 0.123456789, "starts_at": "occurrence", "covers": ["subjects"],
        "only_if_identifiable": True, "only_processor_breaches": True,
    }  # fmt: skip
    facts = {"organisation": {"notification_promise": promise}, "compromised": {"confidentiality": "yes"}}

    assert max(len(clock["basis"]) for clock in clocks_of(facts).values()) < 300


def test_a_promise_counted_from_awareness_starts_there():
    promise = {"hours": 24, "starts_at": "awareness", "covers": ["subjects"]}
    facts = {
        "organisation": {"notification_promise": promise},
        "timeline": {"aware_at": "2026-10-06T07:30:00Z"},
    }

    assert clocks_of(facts)["own_promise_subjects"]["due_at"] == "2026-10-07T07:30:00Z"


# --- awareness ---

HOSTCO = {"name": "HostCo", "role": "processor", "told_next_at": "2026-10-06T05:00:00Z"}
DETECTED, INFORMED, RECEIVED = (
    "2026-10-05T20:00:00Z",
    "2026-10-06T06:00:00Z",
    datetime(2026, 10, 6, 7, 0, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("facts", "received_at", "from_processor", "source"),
    [
        ({"timeline": {"aware_at": INFORMED, "detected_at": DETECTED}}, RECEIVED, False, "aware_at"),
        ({"chain": [HOSTCO], "timeline": {"informed_at": INFORMED}}, None, False, "informed_at"),
        ({"timeline": {"informed_at": INFORMED, "detected_at": DETECTED}}, None, False, "detected_at"),
        ({"timeline": {"detected_at": DETECTED}}, RECEIVED, True, "received_at"),
        ({"chain": [HOSTCO], "timeline": {"detected_at": DETECTED}}, RECEIVED, True, "told_next_at"),
        ({"chain": [HOSTCO], "timeline": {"detected_at": DETECTED}}, None, False, "detected_at"),
        ({"timeline": {"informed_at": INFORMED}}, None, False, "informed_at"),
        ({}, RECEIVED, False, "received_at"),
    ],
)  # fmt: skip
def test_awareness_is_taken_from_the_fact_that_says_most(facts, received_at, from_processor, source):
    moment = awareness(parse(facts), received_at=received_at, from_processor=from_processor)

    assert moment is not None
    assert moment.source == source
    assert moment.provisional is (source != "aware_at")


def test_a_processor_cannot_put_our_awareness_after_the_receipt_of_its_report():
    facts = parse({"timeline": {"aware_at": "2026-12-24T00:00:00Z"}})

    assert awareness(facts, received_at=RECEIVED, from_processor=True) == Moment(RECEIVED, "received_at")


def test_no_time_at_all_is_no_awareness():
    assert awareness(parse({})) is None
