"""What is known is filled in and says where it comes from; what nobody said stays a question."""

import json
from datetime import date, timedelta

import pytest
from hypothesis import given, settings

from incident.authorities.forms import all_forms, form_of, normal_form
from incident.filling import Beside, Filing, Person, Told, values_of
from incident.models import Assessment, Decision, DelayReason, Kind, Question, name_key
from incident.rules.forms import CHOICES, faults, is_shown, missing
from tests.incident.imagined_filling import NOW, PROFILE, filled
from tests.incident.rules.cases import by_id, encoded, published
from tests.incident.rules.imagined import FACTS

TODAY = date(2026, 11, 28)
EDPB = form_of("edpb", TODAY)
NORMAL = {each.path: each for each in (*normal_form().paths, *normal_form().computed)}
CASES = [*published(), *encoded()]
REACHED = Told(NOW, 431, 412, ended=True, texts={"da": "Kære kunde", "en": "Dear customer"})
# Rows that no fact says: a person answers them. A yes to row 26 is a person's word.
OF_PEOPLE = {"R26", "R63", "R94", "R95"}
CONFIDENTIALITY = ("exfiltrated", "likely_exfiltrated", "not_exfiltrated")


def decision(question, kind, reason="Because."):
    return {question: Decision(number=3, question=question, kind=kind, reason=reason)}


def tellable(facts):
    """The mandatory rows of the common template that these facts have a word for."""

    def told(pointer):
        value = facts
        for name in pointer.split("/"):
            value = value.get(name, {}) if isinstance(value, dict) else {}
        return value not in ({}, [], "", "unknown", ["unspecified"], ["unknown"])

    lost = {each for each, known in facts.get("compromised", {}).items() if known == "yes"}
    rows = {"R10", "R11", "R12", "R13", "R21", "R22", "R23", "R29", "R30", "R31", "R48", "R89", "R90"}
    rows |= {"R55"} if lost else set()
    out = told("disclosure/recipients") and facts["disclosure"]["recipients"] != ["unknown"]
    if "confidentiality" in lost:
        state = facts.get("disclosure", {}).get("exfiltration", "unknown")
        known = state not in ("unknown", "not_applicable") or (state == "not_applicable" and out)
        rows |= {"R56"} if known else set()
        rows |= {"R57"} if facts.get("protection", {}).get("encrypted") == "no" else set()
        rows |= {"R79"} if out or state in ("confirmed", "published") else set()
    if "availability" in lost:
        rows |= {"R59"} if told("availability/restored_after_hours") else set()
        serious = facts.get("availability", {}).get("service_effect") not in (None, "unknown", "none")
        rows |= {"R83"} if serious else set()
    if "integrity" in lost and facts.get("disclosure", {}).get("misuse_seen") == "no":
        rows |= {"R58"}
    for pointer, answered in {
        "description": {"R62"}, "subjects/groups": {"R65", "R66"}, "subjects/total": {"R67", "R68"},
        "subjects/by_country": {"R67", "R68"}, "data/categories": {"R70", "R71", "R87"},
        "data/records": {"R72", "R73"}, "protection/encrypted": {"R76"}, "availability/backup": {"R76"},
        "consequences": {"R85", "R86"}, "measures/taken": {"R92"}, "measures/planned": {"R92"},
        "timeline/detected_at": {"R51"},
    }.items():  # fmt: skip
        rows |= answered if told(pointer) else set()
    kind = facts.get("cause", {}).get("kind", "unknown")
    rows |= {"R60"} if kind not in ("unknown", "improper_disposal") else set()
    meant = facts.get("cause", {}).get("category") in ("external_malicious", "internal_malicious")
    return rows | ({"R61"} if meant else set())


# --- the examples of the EDPB -------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=by_id)
def test_of_each_example_the_common_template_lacks_nothing_that_the_facts_say(case):
    lacking = {each.key for each in missing(EDPB, values_of(filled(case["facts"])))}

    assert lacking & tellable(case["facts"]) == set()
    assert lacking >= OF_PEOPLE


@pytest.mark.parametrize("case", CASES, ids=by_id)
def test_of_each_example_each_form_takes_every_answer_that_it_has_a_box_for(case):
    for versions in all_forms().values():
        answers = values_of(filled(case["facts"]))
        for field in versions[-1].fields():
            if field.answers and is_shown(field, answers):
                told = faults(field, answers.get(field.answers[0]), incomplete=False, answers=answers)
                assert {each.kind for each in told} <= {"several_boxes"}, f"{versions[-1].key} {field.key}"
                assert not told or field.key in ("Q15", "Q17"), field.key


def test_with_a_decision_and_deliveries_nothing_about_the_people_is_missing_either():
    for case in CASES:
        answers = values_of(filled(case["facts"], people=REACHED))
        lacking = {each.number for each in missing(EDPB, answers)}
        assert not lacking & set(range(97, 107)), case["id"]


# --- any facts ----------------------------------------------------------------------------------------------


def resolved(told, pointer):
    value = told
    for name in pointer.strip("/").split("/"):
        if not isinstance(value, dict) or name not in value:
            return False
        value = value[name]
    return True


@settings(max_examples=100, deadline=None)
@given(FACTS)
def test_each_answer_fits_its_path_and_a_fact_it_names_was_told(told):
    found = filled(told)

    for path, each in found.items():
        normal = NORMAL[path]
        if normal.kind in CHOICES:
            several = each.value if isinstance(each.value, list) else [each.value]
            assert all(normal.takes(code) for code in several), path
        assert each.source, path
        if each.source.startswith("/"):
            assert resolved(told, each.source), f"{path} {each.source}"
    assert json.loads(json.dumps(values_of(found))) == values_of(found)


def test_of_facts_that_say_nothing_no_breach_is_described():
    found = filled({}, profile={})
    told = {path.partition(".")[0] for path in found}

    assert told == {"notification", "controller", "timeline", "consequences"}
    assert {path for path in found if path.startswith("timeline")} == {
        "timeline.aware_at", "timeline.awareness_basis",
    }  # fmt: skip
    assert {path for path in found if path.startswith("consequences")} == {
        "consequences.risk_outcome", "consequences.risk_rationale",
    }  # fmt: skip


def test_an_error_with_a_processor_in_the_chain_is_laid_at_nobodys_door():
    error = {"cause": {"category": "human_error", "kind": "wrong_recipient"}}

    assert filled(error)["nature.cause_class"].value == "internal_non_malicious"
    assert "nature.cause_class" not in filled(error | {"chain": [{"name": "HostCo", "role": "processor"}]})


@pytest.mark.parametrize("backup", ["full", "partial", "none", "unknown"])
def test_a_backup_says_nothing_of_whether_the_data_are_back(backup):
    lost = {"compromised": {"availability": "yes"}, "availability": {"backup": backup}}
    assert "nature.availability_state" not in filled(lost)

    back = lost | {"availability": {"backup": backup, "restored_after_hours": 30}}
    assert filled(back)["nature.availability_state"].value == "temporary"


def test_a_number_between_two_bounds_is_told_as_the_higher_and_called_approximate():
    found = values_of(filled({"subjects": {"total": {"at_least": 24, "at_most": 99, "estimate": True}}}))

    assert (found["subjects.count_mode"], found["subjects.count"]) == ("approximate", 99)
    assert (found["subjects.count_min"], found["subjects.count_max"]) == (24, 99)


def test_that_nobody_else_was_part_of_it_must_have_been_said():
    assert "parties.any" not in filled({})
    assert filled({"chain": []})["parties.any"].value is False

    contacts = {name_key("HostCo"): Person("Duty desk", "desk@hostco.example", "+47 1")}
    chain = {"chain": [{"name": "HostCo", "role": "processor", "country": "NO"}]}
    party = filled(chain, beside=Beside(contacts=contacts))["parties"].value
    assert party[0]["contact"] == "Duty desk\ndesk@hostco.example\n+47 1"
    assert (party[0]["role"], party[0]["country"]) == ("processor", "NO")


# --- telling the people -------------------------------------------------------------------------------------


def test_that_people_were_told_comes_from_deliveries_with_their_numbers():
    found = filled({}, people=REACHED)

    assert found["subject_communication.status"].value == "informed"
    assert found["subject_communication.informed_at"].value == "2026-11-28"
    assert "412 of 431 reached" in found["subject_communication.means_description"].value
    assert found["subject_communication.means_description"].source.startswith("ledger: ")
    assert found["subject_communication.all_informed"].value == "not_all"
    assert "19 are not" in found["subject_communication.why_not_all"].value


@pytest.mark.parametrize(
    ("told", "status"),
    [
        (Told(NOW, 431, 0), "in_progress"),
        (Told(NOW, 431, 12), "in_progress"),
        (Told(NOW, 431, 431), "informed"),
        (Told(NOW, 431, 412, ended=True), "informed"),
        (Told(NOW, 431, 0, ended=True), None),
        (Told(), None),
    ],
)
def test_people_are_called_informed_only_once_messages_arrived(told, status):
    found = values_of(filled({}, people=told))

    assert found.get("subject_communication.status") == status


def test_a_decision_to_tell_them_is_no_word_that_they_were_told():
    beside = Beside(decisions=decision(Question.PEOPLE, Kind.COMMUNICATE))

    assert filled({}, beside=beside)["subject_communication.status"].value == "planned"
    assert filled({}, beside=beside)["subject_communication.status"].source == "decision 3"


@pytest.mark.parametrize(
    ("kind", "ground"),
    [(Kind.EXEMPT_A, "protected"), (Kind.EXEMPT_B, "mitigated"), (Kind.EXEMPT_C, "disproportionate")],
)
def test_a_ground_of_art_34_3_is_named_with_the_reason_as_it_was_told(kind, ground):
    found = filled({}, beside=Beside(decisions=decision(Question.PEOPLE, kind, "Nøglen er sikker.")))

    assert found["subject_communication.status"].value == "exempt"
    assert found["subject_communication.exemption"].value == ground
    assert found["subject_communication.exemption_reason"].as_told


def test_the_letter_is_passed_on_in_the_forms_language_or_marked_as_another():
    danish = filled({}, people=REACHED, locale="da")["subject_communication.content"]
    swedish = filled({}, people=REACHED, locale="sv")["subject_communication.content"]

    assert (danish.value, danish.as_told, danish.language) == ("Kære kunde", False, "da")
    assert (swedish.value, swedish.as_told, swedish.language) == ("Dear customer", True, "en")


def test_sentences_of_the_rules_are_english_and_marked_so_in_any_other_form():
    assert not filled({})["consequences.risk_rationale"].as_told
    danish = filled({}, locale="da")["consequences.risk_rationale"]
    assert (danish.as_told, danish.language) == (True, "en")


def test_what_a_person_found_to_be_a_high_risk_is_not_called_light():
    told = {"data": {"categories": ["name"]}, "subjects": {"total": {"exactly": 12}}}

    def severity(risk):
        judged = Beside(assessment=Assessment(number=2, risk=risk, reason="Because."))
        found = filled(told, beside=judged)["consequences.severity_level"]
        return found.value, found.source

    assert severity("risk") == ("negligible", "Breachclock, by ENISA 2013")
    assert severity("high") == ("moderate", "assessment 2")


# --- filings ------------------------------------------------------------------------------------------------


def test_late_is_what_is_filed_more_than_72_hours_after_awareness_and_stays_so():
    def late(hours, **more):
        return filled({}, now=NOW + timedelta(hours=hours), **more)["notification.late"].value

    assert [late(71.9), late(72), late(72.1)] == [False, False, True]
    filed = Beside(filings=(Filing("dk-datatilsynet", NOW + timedelta(hours=2), "2026-442-10001"),))
    assert late(500, beside=filed, kind="further") is False


def test_a_further_notification_names_the_number_that_the_authority_gave_the_first():
    filings = (
        Filing("gb-ico", NOW, "IC-1"),
        Filing("dk-datatilsynet", NOW, ""),
        Filing("dk-datatilsynet", NOW + timedelta(days=1), "2026-442-10001"),
    )
    found = values_of(filled({}, kind="further", beside=Beside(filings=filings)))

    assert found["notification.type"] == "follow_up"
    assert found["notification.number"] == 3
    assert found["notification.authority_reference"] == "2026-442-10001"
    assert filled({}, kind="withdrawal")["notification.completeness"].value == "withdraw"


def test_the_reasons_for_the_delay_stand_as_they_grew():
    delays = tuple(DelayReason(number=n, text=text) for n, text in ((1, "Logs lost."), (2, "Vendor away.")))
    found = filled({}, beside=Beside(delays=delays))["timeline.delay_reasons"]

    assert (found.value, found.source, found.as_told) == ("Logs lost.\nVendor away.", "duty", True)


def test_what_another_body_was_told_under_another_law_is_named():
    filings = (Filing("csirt", NOW, "C-7", regime="nis2"),)
    found = values_of(filled({}, beside=Beside(filings=filings)))

    assert found["other_authorities.notified"] == "yes"
    assert "NIS2" in found["other_authorities.list"][0]
    assert "C-7" in found["other_authorities.list"][0]
    assert "other_authorities.police_reported" not in found


def test_people_in_a_second_country_make_it_cross_border_and_the_lead_is_named():
    told = {
        "organisation": {"main_establishment": "DK", "establishments": ["DK"], "targets": ["SE"]},
        "subjects": {"by_country": {"DK": 10, "SE": 5}, "total": {"exactly": 15}},
    }
    found = values_of(filled(told, authority="se-imy"))

    assert found["cross_border.is_cross_border"] == "yes"
    assert found["cross_border.is"] == "yes"
    assert "Danish" in found["cross_border.lead_authority"]
    assert found["cross_border.counts_by_country"] == {"DK": 10, "SE": 5}
    at_home = told | {"subjects": {"by_country": {"DK": 15}, "total": {"exactly": 15}}}
    assert filled(at_home)["cross_border.is_cross_border"].value == "no"
    open_still = told | {"subjects": {"by_country": {"DK": 15}, "total": {"at_least": 15}}}
    assert "cross_border.is_cross_border" not in filled(open_still)


def test_a_country_outside_the_eea_stands_in_no_list_of_the_eea_and_ones_own_in_none_of_others():
    told = {"subjects": {"by_country": {"DK": 10, "GB": 4, "NO": 3, "SE": 0}}}
    found = values_of(filled(told))

    assert found["cross_border.affected_countries"] == ["DK", "GB", "NO"]
    assert found["cross_border.affected_eea"] == ["DK", "NO"]
    assert found["cross_border.counts_eea"] == {"DK": 10, "NO": 3}
    assert found["cross_border.elsewhere"] == ["GB", "NO"]
    assert found["cross_border.elsewhere_eea"] == ["NO"]
    assert found["cross_border.is"] == "yes"


def test_that_times_are_no_estimates_must_have_been_said():
    told = {"timeline": {"occurred_from": "2026-11-27T08:00:00Z", "occurred_to": "2026-11-27T23:30:00Z"}}
    found = values_of(filled(told))

    assert "timeline.dates_estimated" not in found
    assert found["timeline.started_at"] == "2026-11-27T08:00:00+00:00"
    assert found["timeline.occurrence_mode"] == "range"  # half past midnight in Copenhagen
    told["timeline"]["occurred_is_estimate"] = True
    assert values_of(filled(told))["timeline.dates_estimated"] is True
    assert "estimates" in values_of(filled(told))["timeline.notes"]


# --- the organisation ---------------------------------------------------------------------------------------


def test_who_is_no_officer_is_never_called_one():
    found = values_of(filled({}, beside=Beside(lead=Person("Astrid Holm", "astrid@nordlys.example"))))

    assert found["reporter.name"] == "Astrid Holm"
    assert "reporter.function" not in found
    assert found["contact_point.source"] == "dpo"
    without = PROFILE | {"dpo": {"designated": False}}
    assert filled({}, profile=without)["dpo.designated"].value is False
    assert "dpo.name" not in filled({}, profile=without)


def test_a_registered_word_that_no_form_knows_is_no_answer():
    profile = PROFILE | {"size_class": "gigantic", "sector": 7, "registration": "none", "ico": ["x"]}
    found = filled({}, profile=profile)

    assert "controller.size_class" not in found
    assert "controller.sector" not in found
    assert "controller.registration_number" not in found
    assert "controller.ico_registration_number" not in found


def test_of_attachments_only_the_copy_of_what_the_people_were_sent_is_named():
    told = filled({"description": "x"}, people=REACHED)["attachments"]

    assert [each["kind"] for each in told.value] == ["subject_communication"]
    assert told.source == "ledger: communication.sent"
    for nobody in (Told(), Told(NOW, 431, 0, texts={"da": "Kære kunde"}), Told(NOW, 431, 412)):
        assert "attachments" not in filled({"description": "x"}, people=nobody)
