import json
import time
from datetime import UTC, datetime
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from incident.rules.evaluation import evaluate
from incident.rules.facts import FactsFault, parse, parse_organisation
from tests.incident.rules.cases import published
from tests.incident.rules.test_facts import SCHEMA, near

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
CONTRACT = Draft202012Validator(
    json.loads(resources.files("incident.rules").joinpath("schemas/evaluation.schema.json").read_text()),
    format_checker=FormatChecker(["date-time"]),
)


def keep(document):
    try:
        parse(document)
    except FactsFault:
        return False
    return True


def parts_of(document):
    """The parts of a random document that are sound, so that most examples are evaluated."""
    return {part: value for part, value in document.items() if keep({part: value})}


DOCUMENTS = near(SCHEMA).filter(lambda document: isinstance(document, dict)).map(parts_of)


@settings(deadline=None, max_examples=150)
@given(DOCUMENTS, st.booleans())
def test_whatever_is_told_the_evaluation_follows_the_contract(document, from_processor):
    evaluation = evaluate(document, NOW, received_at=NOW, from_processor=from_processor).document()

    CONTRACT.validate(evaluation)
    assert json.loads(json.dumps(evaluation)) == evaluation


@settings(deadline=None, max_examples=100)
@given(DOCUMENTS)
def test_every_fact_named_as_unknown_is_one_the_contract_knows_and_the_document_leaves_open(document):
    for pointer in evaluate(document, NOW).unknown:
        part, field = pointer.strip("/").split("/")
        value = document.get(part, {}).get(field)

        assert field in SCHEMA["properties"][part]["properties"]
        counted = field in ("total", "recipients_count")
        assert counted or value in (None, "unknown", [], {}) or "unspecified" in value


def test_the_latest_moments_that_can_be_written_do_not_break_the_clock():
    promise = {"hours": 8760, "starts_at": "occurrence", "covers": ["authority", "subjects"]}
    document = {
        "timeline": {"aware_at": "9999-12-31T23:59:59Z", "occurred_from": "9999-12-31T23:59:59Z"},
        "organisation": {"notification_promise": promise},
    }

    CONTRACT.validate(evaluate(document, NOW).document())


def test_instants_are_written_in_utc_ending_in_z():
    clock = evaluate({"timeline": {"aware_at": "2026-10-06T09:30:00.5+02:00"}}, NOW).document()["clocks"][0]

    assert clock["starts_at"] == "2026-10-06T07:30:00.500000Z"


def test_the_registered_organisation_stands_before_what_a_report_says_of_it():
    told = {"organisation": {"main_establishment": "SE"}, "subjects": {"by_country": {"DK": 1}}}
    registered = parse_organisation({"main_establishment": "DK", "establishments": ["DK"]})

    evaluation = evaluate(told, NOW, organisation=registered)

    assert [(each.key, each.role) for each in evaluation.authorities] == [("dk-datatilsynet", "sole")]


def test_a_report_that_just_came_in_has_the_clocks_of_law_and_triage():
    evaluation = evaluate({}, NOW, received_at=NOW, from_processor=True)

    assert [clock.kind for clock in evaluation.clocks] == ["authority_notification", "triage"]
    assert evaluation.clock("authority_notification").starts_at == NOW
    assert evaluation.clock("own_promise_authority") is None


def test_no_breach_leaves_no_clock_of_law_or_promise():
    false_alarm = {
        "compromised": {"confidentiality": "no", "integrity": "no", "availability": "no"},
        "cause": {"category": "human_error"},
        "disclosure": {"exfiltration": "ruled_out", "evidence": "reliable_logs"},
    }
    promise = {"hours": 72, "starts_at": "occurrence", "covers": ["authority"]}

    evaluation = evaluate(false_alarm | {"organisation": {"notification_promise": promise}}, NOW)

    assert evaluation.clocks == ()


def test_the_missing_leg_of_a_mild_outcome_is_named():
    case = next(each for each in published() if each["id"] == "EDPB-15")
    facts = json.loads(json.dumps(case["facts"]))
    del facts["subjects"]["protected_identity"]

    evaluation = evaluate(facts, NOW)

    assert evaluation.judgement.authority_notification.required
    assert "/subjects/protected_identity" in evaluation.unknown


@pytest.mark.parametrize("document", [[], None, "facts", {"zz": 1}])
def test_a_document_that_is_no_facts_is_refused(document):
    with pytest.raises(FactsFault):
        evaluate(document, NOW)


def test_ten_thousand_documents_a_minute_are_evaluated_with_room_to_spare():
    documents = [case["facts"] for case in published()]
    start = time.process_time()

    for document in documents * 5:
        evaluate(document, NOW).document()

    assert (time.process_time() - start) / (len(documents) * 5) < 0.006
