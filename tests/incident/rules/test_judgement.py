import pytest

from incident.rules.facts import parse
from incident.rules.judgement import judge
from incident.rules.severity import band, score, severity
from tests.incident.rules.cases import by_id, cases, published

SCORING = cases("severity")
ARITHMETIC = [case for case in SCORING if case["kind"] == "arithmetic"]
FROM_FACTS = [case for case in SCORING if case["kind"] == "facts"]

STRONG = {"encrypted": "yes", "encryption_state_of_the_art": "yes", "key_compromised": "no"}
UNTOUCHED = {"confidentiality": "no", "integrity": "no", "availability": "no"}


def judged(**facts):
    return judge(parse(facts))


@pytest.mark.parametrize("case", published(), ids=by_id)
def test_the_boards_own_examples_come_out_as_the_board_says(case):
    found = judge(parse(case["facts"]))

    assert {
        "notify_authority": found.authority_notification.required,
        "communicate_to_subjects": found.subject_communication.required,
        "risk": found.risk.level,
    } == case["expect"]


@pytest.mark.parametrize("case", ARITHMETIC, ids=by_id)
def test_the_sum_of_enisa_is_exact(case):
    points = score(case["dpc"], case["ei"], case["c"] + case["i"] + case["a"] + case["m"])

    assert (points, band(points)) == (case["se"], case["band"])


@pytest.mark.parametrize("case", FROM_FACTS, ids=by_id)
def test_facts_are_scored_as_enisa_scores_them(case):
    found = severity(parse(case["facts"]))
    parts = {
        "dpc": found.dpc.points,
        "ei": found.ei.points,
        "cb": found.cb_points,
        "flags": list(found.flags),
    }

    assert {name: parts[name] for name in case["expect"]} == case["expect"]


def test_nothing_known_means_notify():
    found = judged()

    assert found.breach == "unknown"
    assert found.risk.level == "risk"
    assert found.authority_notification.required


@pytest.mark.parametrize("loss", ["confidentiality", "integrity", "availability"])
def test_one_loss_left_open_means_notify(loss):
    found = judged(compromised=UNTOUCHED | {loss: "unknown"}, cause={"category": "technical_failure"})

    assert found.breach == "unknown"
    assert found.authority_notification.required


def test_every_loss_ruled_out_is_no_breach():
    assert judged(compromised=UNTOUCHED).breach == "no"


def test_an_encrypted_stick_in_a_thiefs_hands_is_a_breach_without_risk():
    found = judged(compromised=UNTOUCHED, protection=STRONG, cause={"category": "loss_or_theft"})

    assert (found.breach, found.risk.level) == ("yes", "unlikely")


@pytest.mark.parametrize("leg", STRONG)
def test_encryption_frees_from_nothing_with_one_of_its_legs_unknown(leg):
    found = judged(
        compromised=UNTOUCHED, protection=STRONG | {leg: "unknown"}, cause={"category": "loss_or_theft"}
    )

    assert found.authority_notification.required


SLIP = {
    "cause": {"category": "human_error", "kind": "wrong_recipient", "deliberate": "no"},
    "compromised": UNTOUCHED | {"confidentiality": "yes"},
    "data": {"categories": ["name", "contact"], "special_categories": "no", "identifiability": "direct"},
    "disclosure": {
        "recipients": ["other_data_subject"],
        "recipients_trusted": "no",
        "recipients_count": {"exactly": 1},
    },
    "subjects": {"total": {"exactly": 3}, "vulnerable": "no", "protected_identity": "no"},
}


def slip(part, **change):
    return judged(**SLIP | {part: SLIP[part] | change})


def test_plain_data_of_a_few_sent_to_one_by_mistake_is_unlikely_to_hurt():
    assert judged(**SLIP).risk.level == "unlikely"


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("data", {"categories": ["name", "national_id"]}),
        ("data", {"special_categories": "unknown"}),
        ("data", {"categories": []}),
        ("subjects", {"protected_identity": "unknown"}),
        ("subjects", {"vulnerable": "yes"}),
        ("subjects", {"total": {}}),
        ("subjects", {"total": {"at_least": 3}}),
        ("disclosure", {"recipients_count": {"exactly": 5000}}),
        ("disclosure", {"recipients": ["unknown"]}),
        ("disclosure", {"recipients": []}),
        ("disclosure", {"misuse_seen": "yes"}),
        ("cause", {"category": "unknown"}),
        ("compromised", {"integrity": "unknown"}),
    ],
)
def test_a_slip_is_notified_when_one_of_its_mild_facts_is_missing(part, change):
    assert slip(part, **change).authority_notification.required


RETURNED = {
    "cause": {"category": "human_error", "deliberate": "no"},
    "compromised": UNTOUCHED | {"confidentiality": "yes"},
    "data": {"categories": ["name", "insurance"], "special_categories": "no"},
    "disclosure": {"recipients": ["business_partner"], "recipients_trusted": "yes", "retrieved": "confirmed"},
}


def test_a_trusted_recipient_that_gave_everything_back_is_no_danger():
    assert judged(**RETURNED).risk.level == "unlikely"


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("disclosure", {"retrieved": "requested"}),
        ("disclosure", {"retrieved": "unknown"}),
        ("disclosure", {"recipients_trusted": "unknown"}),
        ("disclosure", {"recipients": ["business_partner", "unknown"]}),
        ("disclosure", {"misuse_seen": "yes"}),
        ("data", {"special_categories": "unknown"}),
        ("cause", {"deliberate": "unknown"}),
    ],
)
def test_trust_alone_or_return_alone_is_not_enough(part, change):
    assert judged(**RETURNED | {part: RETURNED[part] | change}).authority_notification.required


def test_a_low_score_alone_closes_nothing():
    found = judged(data={"categories": ["name"], "identifiability": "negligible"})

    assert found.severity.band == "low"
    assert found.authority_notification.required


def test_an_attacker_is_believed_to_have_copied_nothing_only_on_reliable_logs():
    ransom = {
        "cause": {"category": "external_malicious", "kind": "ransomware"},
        "compromised": UNTOUCHED | {"availability": "yes"},
        "availability": {"restored_after_hours": 2, "service_effect": "none"},
    }

    certain = judged(**ransom, disclosure={"exfiltration": "ruled_out", "evidence": "reliable_logs"})
    guessed = judged(**ransom, disclosure={"exfiltration": "ruled_out", "evidence": "unreliable_logs"})

    assert (certain.risk.level, guessed.risk.level) == ("unlikely", "risk")


def test_a_hidden_address_makes_any_disclosure_a_high_risk():
    assert slip("subjects", protected_identity="yes").subject_communication.required


WAGES = {
    "compromised": {"confidentiality": "yes", "availability": "no"},
    "data": {"categories": ["name", "wage"], "identifiability": "direct"},
    "disclosure": {"exfiltration": "confirmed", "recipients": ["attacker"]},
}


def test_people_are_told_at_high_risk_and_each_reason_names_its_source():
    found = judged(**WAGES)

    assert found.subject_communication.required
    assert all(reason.source and reason.rule for reason in found.subject_communication.reasons)


def test_measures_that_end_the_high_risk_free_from_telling_people_but_not_the_authority():
    found = judged(**WAGES, measures={"high_risk_no_longer_likely": "yes"})

    assert found.subject_communication.exemption == "GDPR art. 34(3)(b)"
    assert not found.subject_communication.required
    assert found.authority_notification.required


def test_a_processor_has_neither_duty_towards_authority_nor_people():
    found = judged(**WAGES, our_role="processor")

    assert not found.authority_notification.required
    assert not found.subject_communication.required
    assert "33(2)" in found.authority_notification.reasons[0].source


READ = {"confidentiality": "yes"}
NAMED = {"categories": ["name"]}
PUBLISHED = {"exfiltration": "published"}


@pytest.mark.parametrize(
    ("facts", "answer"),
    [
        ({"compromised": READ, "data": NAMED}, "yes"),
        ({"compromised": READ, "data": {"categories": ["online_behaviour"]}}, "unknown"),
        ({"compromised": READ, "data": {"identifiability": "negligible"}}, "no"),
        ({"compromised": UNTOUCHED | {"availability": "yes"}, "data": NAMED}, "no"),
        ({"data": NAMED}, "unknown"),
        ({"data": NAMED, "protection": STRONG, "compromised": {"integrity": "no"}}, "no"),
        ({"data": NAMED, "protection": STRONG, "disclosure": PUBLISHED}, "no"),
        ({"data": NAMED, "disclosure": PUBLISHED}, "yes"),
    ],
)
def test_identifiable_data_are_compromised_when_someone_may_read_who_it_is(facts, answer):
    assert judged(**facts).identifiable_data_compromised == answer


def with_one_fact_less(facts):
    for part, fields in facts.items():
        for field in fields:
            yield {**facts, part: {name: value for name, value in fields.items() if name != field}}


@pytest.mark.parametrize(
    "case", [case for case in published() if case["expect"]["notify_authority"]], ids=by_id
)
def test_knowing_less_never_lifts_the_duty_to_notify(case):
    assert all(
        judge(parse(facts)).authority_notification.required for facts in with_one_fact_less(case["facts"])
    )
