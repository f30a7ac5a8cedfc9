"""Word that was held back, and a tip that must be looked into: warnings and a clock beside the law's."""

from datetime import UTC, datetime, timedelta

import pytest

from incident.rules.awareness import Moment
from incident.rules.evaluation import evaluate
from incident.rules.facts import parse
from incident.rules.held_back import held_back

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
KNEW, TOLD = "2026-10-01T08:00:00Z", "2026-10-05T08:00:00Z"
TOLD_AT = datetime(2026, 10, 5, 8, tzinfo=UTC)


def chain(**knew):
    names = {"HostCo": "processor", "NordHost": "sub_processor"}
    return [
        {"name": name, "role": role, **({"aware_at": knew[name]} if name in knew else {})}
        for name, role in names.items()
    ]


def told(**more):
    return {"chain": chain(), "timeline": {"informed_at": TOLD, "processor_aware_at": KNEW}} | more


def warning(facts, **more):
    return evaluate(facts, NOW, **more).held_back


def test_a_processor_that_sat_on_it_for_days_is_a_warning_with_the_deadline_it_may_cost():
    found = warning(told())

    assert (found.by, found.hours, found.allowed_hours) == ("HostCo", 96, 24)
    assert found.knew_at == datetime(2026, 10, 1, 8, tzinfo=UTC)
    assert found.due_at == datetime(2026, 10, 4, 8, tzinfo=UTC)
    assert found.text == (
        "HostCo knew 96 h before we did; 24 h were allowed. An authority may count from 2026-10-01 08:00 UTC,"
        " and then the time ends 2026-10-04 08:00 UTC."
    )


def test_the_warning_moves_no_clock():
    clock = evaluate(told(), NOW).clock("authority_notification")

    assert clock.starts_at == TOLD_AT


def test_whoever_of_the_chain_knew_first_is_named():
    found = warning({"chain": chain(NordHost=KNEW, HostCo=TOLD), "timeline": {"informed_at": TOLD}})

    assert (found.by, found.hours) == ("NordHost", 96)


@pytest.mark.parametrize(("hours", "warned"), [(4, True), (95.9, True), (96, False), (200, False)])
def test_the_hours_of_the_agreement_stand_before_our_default(hours, warned):
    assert (warning(told(), agreed_hours=hours) is not None) is warned


@pytest.mark.parametrize(
    "facts",
    [
        {"chain": chain(), "timeline": {"informed_at": TOLD}},
        {"chain": chain(), "timeline": {"informed_at": TOLD, "processor_aware_at": "2026-10-04T08:00:00Z"}},
        told(our_role="processor"),
        {"timeline": {"processor_aware_at": KNEW}},
        told(timeline={"aware_at": KNEW, "processor_aware_at": KNEW}),
    ],
    ids=["nobody says when it knew", "within a day", "we are the processor", "we do not know", "counted so"],
)
def test_without_a_long_silence_there_is_no_warning(facts):
    assert warning(facts) is None


def test_a_processor_without_a_name_is_warned_of_as_well():
    facts = parse({"timeline": {"processor_aware_at": KNEW}})

    assert held_back(facts, Moment(TOLD_AT, "aware_at")).text.startswith("The processor knew 96 h")


# --- the short inquiry ---


def test_a_tip_gives_a_day_to_find_out_and_the_law_runs_beside_it():
    found = evaluate({"timeline": {"detected_at": TOLD}}, NOW)

    assert (found.inquiry.starts_at, found.inquiry.hours) == (TOLD_AT, 24)
    assert found.inquiry.due_at == TOLD_AT + timedelta(hours=24)
    assert found.clock("authority_notification").starts_at == TOLD_AT


def test_the_inquiry_is_ours_and_stands_in_no_document():
    document = evaluate({"timeline": {"detected_at": TOLD}}, NOW).document()

    assert {clock["kind"] for clock in document["clocks"]} == {"authority_notification"}


@pytest.mark.parametrize(
    ("facts", "from_processor"),
    [
        ({}, False),
        ({"timeline": {"aware_at": TOLD}}, False),
        ({"timeline": {"detected_at": TOLD}, "compromised": {"confidentiality": "yes"}}, False),
        ({"timeline": {"detected_at": TOLD}, "our_role": "processor"}, False),
        ({"timeline": {"detected_at": TOLD}, "chain": chain()}, False),
        ({"timeline": {"detected_at": TOLD, "processor_aware_at": KNEW}}, False),
        ({"timeline": {"detected_at": TOLD}}, True),
    ],
    ids=["no tip", "stated", "a breach", "we are the processor", "at a processor", "it knew", "its word"],
)  # fmt: skip
def test_who_is_certain_or_was_told_by_a_processor_has_no_inquiry(facts, from_processor):
    assert evaluate(facts, NOW, from_processor=from_processor).inquiry is None
