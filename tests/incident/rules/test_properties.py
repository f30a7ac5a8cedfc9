"""What holds of any facts at all, whoever tells them and whatever is left out.

The examples are the same in every run. Hundreds of thousands more were tried by hand; to try again,
raise `EXAMPLES`.
"""

import copy
from datetime import UTC, datetime

from hypothesis import given, settings

from incident.rules.breach import breached, compromised
from incident.rules.evaluation import evaluate
from incident.rules.facts import parse
from incident.rules.judgement import judge
from incident.rules.unknowns import unknowns
from tests.incident.rules.imagined import FACTS, with_a_fact_less, with_a_fact_worse
from tests.incident.rules.test_evaluation import CONTRACT

EXAMPLES = 150
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
GRAVITY = ("unlikely", "risk", "high")

any_facts = given(FACTS)
steadily = settings(max_examples=EXAMPLES, deadline=None, derandomize=True)


@steadily
@any_facts
def test_taking_a_fact_away_never_turns_the_notification_to_the_authority_off(told):
    if not judge(parse(told)).authority_notification.required:
        return

    freed_by_silence = [
        pointer
        for pointer, less in with_a_fact_less(told)
        if not judge(parse(less)).authority_notification.required
    ]

    assert freed_by_silence == []


@steadily
@any_facts
def test_a_fact_without_which_people_are_not_told_stands_among_the_unknown(told):
    if not judge(parse(told)).subject_communication.required:
        return

    not_asked_for = []
    for pointer, less in with_a_fact_less(told):
        facts = parse(less)
        found = judge(facts)
        if not found.subject_communication.required and pointer not in unknowns(facts, found):
            not_asked_for.append(pointer)

    assert not_asked_for == []


@steadily
@any_facts
def test_a_fact_whose_absence_changes_an_outcome_stands_among_the_unknown(told):
    whole = duties(told)
    not_asked_for = []
    for pointer, less in with_a_fact_less(told):
        facts = parse(less)
        if duties(less) != whole and pointer not in unknowns(facts, judge(facts)):
            not_asked_for.append(pointer)

    assert not_asked_for == []


@steadily
@given(FACTS, FACTS)
def test_facts_that_are_not_asked_for_change_nothing_whatever_they_are(told, more):
    """However many are told at once. A measure against the high risk counts only once there is one."""
    facts = parse(told)
    asked = set(unknowns(facts, judge(facts)))
    all_told, asked_told = copy.deepcopy(told), copy.deepcopy(told)
    for part, fields in more.items():
        for field, value in fields.items() if part != "measures" and isinstance(fields, dict) else ():
            if told.get(part, {}).get(field) in (None, "unknown", [], {}):
                all_told.setdefault(part, {})[field] = value
                if f"/{part}/{field}" in asked:
                    asked_told.setdefault(part, {})[field] = value

    assert duties(all_told) == duties(asked_told)


def duties(told):
    found = judge(parse(told))
    return found.authority_notification.required, found.subject_communication.required, found.breach


@steadily
@any_facts
def test_making_a_fact_worse_never_lowers_the_risk(told):
    before = GRAVITY.index(judge(parse(told)).risk.level)

    lowered = [
        change
        for change, worse in with_a_fact_worse(told)
        if GRAVITY.index(judge(parse(worse)).risk.level) < before
    ]

    assert lowered == []


@steadily
@any_facts
def test_the_same_facts_have_the_same_answer(told):
    once, again = (evaluate(told, NOW).document() for _ in range(2))

    assert once == again
    CONTRACT.validate(once)


@steadily
@any_facts
def test_what_is_not_decided_says_what_it_waits_for(told):
    facts = parse(told)
    legs = [breached(facts), compromised(facts)]
    legs += [each.leg for found in [judge(facts).risk] for each in (*found.unlikely, *found.grave)]

    assert all(leg.open for leg in legs if leg.state == "unknown")


@steadily
@any_facts
def test_no_advice_goes_without_a_reason_and_its_source(told):
    found = judge(parse(told))

    for duty in (found.authority_notification, found.subject_communication):
        assert duty.reasons
        assert all(reason.rule and reason.source for reason in duty.reasons)
