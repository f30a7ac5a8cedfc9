import pytest

from incident.rules.facts import parse
from incident.rules.judgement import judge
from incident.rules.law import GDPR_THRESHOLDS, Thresholds
from incident.rules.unknowns import unknowns
from incident.rules.what_if import answered, what_if
from tests.incident.rules.cases import published

CASES = {case["id"]: case["facts"] for case in published()}
PLACES = ["/organisation/main_establishment", "/subjects/by_country"]


def without(case, *pointers):
    facts = CASES[case]
    for pointer in pointers:
        part, field = pointer.strip("/").split("/")
        facts = facts | {part: {name: told for name, told in facts[part].items() if name != field}}
    return facts


def asked(told):
    facts = parse(told)
    return unknowns(facts, judge(facts))


@pytest.mark.parametrize(
    ("case", "pointer"),
    [
        ("ANNEXB-01", "/protection/key_compromised"),
        ("ANNEXB-01", "/availability/backup"),
        ("EDPB-01", "/disclosure/evidence"),
        ("EDPB-01", "/availability/restored_after_hours"),
        ("EDPB-09", "/disclosure/retrieved"),
        ("EDPB-09", "/subjects/total"),
        ("EDPB-15", "/subjects/protected_identity"),
        ("EDPB-15", "/data/categories"),
    ],
)
def test_the_one_leg_that_is_missing_is_asked_for_before_all_that_decides_only_with_others(case, pointer):
    found = asked(without(case, pointer))

    assert found.index(pointer) < found.index("/timeline/aware_at")
    assert found.index("/timeline/aware_at") <= 2


def test_of_several_missing_legs_each_is_asked_for():
    missing = (
        "/protection/key_compromised",
        "/protection/encryption_state_of_the_art",
        "/availability/backup",
    )

    assert set(missing) <= set(asked(without("ANNEXB-01", *missing)))


def test_what_decides_alone_comes_before_what_decides_with_others():
    told = without("EDPB-04", "/data/categories")
    alone, together = "/data/categories", "/measures/high_risk_no_longer_likely"

    assert asked(told)[0] == alone
    assert together not in asked(told)


def test_an_outcome_that_no_fact_can_turn_asks_only_for_time_and_place():
    assert asked(CASES["EDPB-15"]) == ["/timeline/aware_at", *PLACES]


def test_a_certain_high_risk_asks_after_what_could_still_exempt():
    found = asked(CASES["EDPB-04"])

    assert "/measures/high_risk_no_longer_likely" in found
    assert "/protection/passwords" not in found


def test_what_is_presumed_is_asked_for():
    assert asked(CASES["ANNEXB-06"])[0] == "/protection/passwords"
    assert asked(CASES["ANNEXB-08"])[0] == "/availability/service_effect"


def test_a_processor_is_asked_nothing_that_only_its_controller_decides_by():
    found = asked(CASES["EDPB-08"] | {"our_role": "processor"})

    assert found == ["/timeline/aware_at"]


def test_the_condition_of_a_promise_is_asked_for_where_there_is_a_promise():
    promise = {"hours": 72, "starts_at": "awareness", "covers": ["subjects"], "only_if_identifiable": True}
    told = {"compromised": {"confidentiality": "yes"}, "our_role": "processor"}

    assert "/data/identifiability" not in asked(told)
    assert "/data/identifiability" in asked(told | {"organisation": {"notification_promise": promise}})


def test_where_only_a_high_risk_is_notified_what_could_free_from_telling_people_is_still_asked_for():
    told = {
        "cause": {"category": "human_error", "deliberate": "no"},
        "compromised": {"confidentiality": "yes", "integrity": "no", "availability": "no"},
        "data": {"categories": ["name"], "special_categories": "no", "reveals": "sensitive_inference"},
    }
    facts, people = parse(told), GDPR_THRESHOLDS.people
    found = judge(facts, Thresholds(authority=(people,), people=people))

    assert found.subject_communication.required
    assert "/data/public_before" in unknowns(facts, found)


def test_nothing_known_asks_for_what_decides_and_for_nothing_twice():
    found = asked({})

    assert {"/compromised/confidentiality", "/cause/category", "/data/categories"} <= set(found)
    assert len(found) == len(set(found))
    assert "/consequences" not in found


# --- what each answer would bring ---


def told_of(case, pointer):
    facts = parse(without(case, pointer))
    return {
        each.answer: (each.notify_authority, each.communicate_to_subjects)
        for each in what_if(facts, judge(facts))
        if each.pointer == pointer
    }


def test_if_the_key_was_taken_too_both_notices_are_due():
    assert told_of("EDPB-10", "/protection/key_compromised") == {"yes": (True, True), "no": (False, False)}


def test_every_answer_to_a_deciding_question_is_told_with_what_it_brings():
    assert told_of("EDPB-09", "/disclosure/retrieved") == {
        "confirmed_in_writing": (False, False),
        "confirmed": (True, False),
        "requested": (True, False),
        "no": (True, False),
        "not_possible": (True, False),
    }


def test_a_list_is_asked_word_by_word_beside_what_is_known():
    told = CASES["EDPB-15"] | {"data": CASES["EDPB-15"]["data"] | {"categories": ["name", "unspecified"]}}
    facts = parse(told)
    brought = {each.answer: each for each in what_if(facts, judge(facts))}

    assert not brought["name", "contact"].notify_authority
    assert brought["name", "national_id"].communicate_to_subjects


def test_what_turns_only_with_others_is_not_told_as_if_it_turned_alone():
    missing = ("/protection/key_compromised", "/availability/backup")
    facts = parse(without("ANNEXB-01", *missing))

    assert set(missing) <= set(unknowns(facts, judge(facts)))
    assert not any(each.pointer in missing for each in what_if(facts, judge(facts)))


@pytest.mark.parametrize("case", CASES)
def test_what_an_answer_would_bring_is_what_it_brings(case):
    facts = parse(CASES[case])

    for each in what_if(facts, judge(facts)):
        then = judge(answered(facts, each.pointer, each.answer))
        assert then.authority_notification.required == each.notify_authority
        assert then.subject_communication.required == each.communicate_to_subjects
