from datetime import UTC, datetime, timedelta

import pytest

from incident.rules.awareness import Moment
from incident.rules.completeness import Contact, missing, ready
from incident.rules.deadlines import notification_clock
from incident.rules.facts import parse

AWARE = datetime(2026, 10, 6, 7, 30, tzinfo=UTC)
DEADLINE = AWARE + timedelta(hours=72)
CLOCK = notification_clock(Moment(AWARE, "aware_at"), frozenset({"gdpr"}))
DORTHE = Contact("Dorthe", "dpo@promark.example")
WHOLE = {
    "description": "A server was entered.",
    "compromised": {"confidentiality": "yes"},
    "subjects": {"groups": ["employees"], "total": {"at_least": 100}},
    "data": {"categories": ["name"], "records": {"exactly": 100}},
    "consequences": ["phishing"],
    "measures": {"taken": ["Server closed."]},
}


def lacks(facts, *, now=AWARE, contact=DORTHE, **more):
    return missing(parse(facts), now=now, contact=contact, clock=CLOCK, **more)


def test_a_whole_notification_lacks_nothing():
    assert lacks(WHOLE) == ()


def test_of_empty_facts_every_point_of_the_article_is_named():
    gaps = lacks({}, contact=None)

    assert {gap.point for gap in gaps} == {"33(3)(a)", "33(3)(b)", "33(3)(c)", "33(3)(d)"}
    assert all(gap.name for gap in gaps)


@pytest.mark.parametrize("part", WHOLE)
def test_each_part_left_out_is_missed(part):
    assert lacks({name: value for name, value in WHOLE.items() if name != part})


def test_what_is_not_known_yet_may_follow_and_holds_nothing_up():
    gaps = lacks({})

    assert gaps
    assert ready(gaps)


@pytest.mark.parametrize(
    "contact", [None, Contact("Dorthe"), Contact(email="dpo@promark.example"), Contact(" ", " ")]
)
def test_a_notification_without_anyone_to_answer_for_it_does_not_go_out(contact):
    assert not ready(lacks(WHOLE, contact=contact))


def test_a_late_notification_must_state_reasons_for_the_delay():
    late = DEADLINE + timedelta(seconds=1)

    assert ready(lacks(WHOLE, now=DEADLINE))
    assert not ready(lacks(WHOLE, now=late))
    assert ready(lacks(WHOLE, now=late, reasons_for_delay="The processor told us on the fourth day."))


def test_what_staff_wrote_beside_the_facts_counts():
    facts = {name: value for name, value in WHOLE.items() if name not in ("consequences", "measures")}

    assert lacks(facts, consequences="Unwanted mail.", measures=["Keys changed."]) == ()
