import pytest

from incident.rules.facts import parse
from incident.rules.judgement import judge
from tests.incident.rules.cases import by_id, encoded, published

STRONG = {"encrypted": "yes", "encryption_state_of_the_art": "yes", "key_compromised": "no"}
UNTOUCHED = {"confidentiality": "no", "integrity": "no", "availability": "no"}


def judged(**facts):
    return judge(parse(facts))


def outcome(found):
    return {
        "notify_authority": found.authority_notification.required,
        "communicate_to_subjects": found.subject_communication.required,
        "risk": found.risk.level,
    }


@pytest.mark.parametrize("case", published(), ids=by_id)
def test_the_boards_own_examples_come_out_as_the_board_says(case):
    assert outcome(judge(parse(case["facts"]))) == case["expect"]


@pytest.mark.parametrize("case", encoded(), ids=by_id)
def test_examples_and_decisions_in_our_words_come_out_as_published(case):
    found = outcome(judge(parse(case["facts"])))

    assert {name: found[name] for name in case["expect"]} == case["expect"]


def test_nothing_known_means_notify():
    found = judged()

    assert found.breach == "unknown"
    assert found.risk.level == "risk"
    assert found.authority_notification.required


FALSE_ALARM = {
    "compromised": UNTOUCHED,
    "cause": {"category": "human_error", "kind": "publication"},
    "disclosure": {"exfiltration": "ruled_out", "evidence": "reliable_logs"},
}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"cause": {"category": "external_malicious"}},
        {"disclosure": {"exfiltration": "not_applicable", "retrieved": "confirmed"}},
        {"disclosure": FALSE_ALARM["disclosure"] | {"recipients": ["private_person"]}},
        {
            "disclosure": {"exfiltration": "not_applicable"},
            "cause": FALSE_ALARM["cause"] | {"kind": "outage"},
        },
    ],
)
def test_every_loss_ruled_out_is_no_breach_when_it_is_known_why(more):
    found = judged(**FALSE_ALARM | more)

    assert (found.breach, found.risk.level) == ("no", "unlikely")


@pytest.mark.parametrize(
    "more",
    [
        {"cause": {}},
        {"disclosure": {}},
        {"disclosure": {"exfiltration": "ruled_out", "evidence": "unreliable_logs"}},
        {"disclosure": {"exfiltration": "not_applicable"}},
        {"cause": {"category": "external_malicious"}, "disclosure": {"exfiltration": "not_applicable"}},
    ],
)
def test_a_word_that_nothing_was_lost_is_not_enough(more):
    found = judged(**FALSE_ALARM | more)

    assert found.breach == "unknown"
    assert found.authority_notification.required


@pytest.mark.parametrize("loss", UNTOUCHED)
def test_one_loss_left_open_means_notify(loss):
    found = judged(**FALSE_ALARM | {"compromised": UNTOUCHED | {loss: "unknown"}})

    assert found.breach == "unknown"
    assert found.authority_notification.required


@pytest.mark.parametrize(
    "strange",
    [
        {"cause": {"category": "loss_or_theft"}},
        {"disclosure": {"exfiltration": "published"}},
        {"disclosure": {"recipients": ["private_person"]}},
    ],
)
def test_what_is_in_strange_hands_is_breached_whatever_was_read(strange):
    assert judged(**FALSE_ALARM | strange).breach == "yes"


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


@pytest.mark.parametrize(
    ("more", "freed"),
    [
        ({"misuse_seen": "unknown"}, True),
        ({"misuse_seen": "yes"}, False),
        ({"retrieved": "requested", "recipients_count": {"at_least": 60_000}}, False),
        ({"retrieved": "requested", "recipients_count": {"exactly": 1}}, True),
        ({"retrieved": "confirmed", "recipients_count": {"at_least": 60_000}}, True),
    ],
)
def test_measures_free_from_nothing_once_the_data_were_used_or_a_crowd_was_merely_asked(more, freed):
    disclosure = WAGES["disclosure"] | more
    found = judged(**WAGES | {"disclosure": disclosure}, measures={"high_risk_no_longer_likely": "yes"})

    assert found.subject_communication.required is not freed


UNREADABLE = WAGES | {"compromised": {"confidentiality": "no", "availability": "no"}, "protection": STRONG}


def test_data_that_nobody_can_read_are_told_to_the_authority_and_exempt_towards_the_people():
    found = judged(**UNREADABLE)

    assert found.risk.level == "risk"
    assert found.authority_notification.required
    assert not found.subject_communication.required
    assert found.subject_communication.exemption == "GDPR art. 34(3)(a)"


@pytest.mark.parametrize(
    "trap",
    [
        {"protection": STRONG | {"key_compromised": "yes"}},
        {"protection": STRONG | {"encryption_state_of_the_art": "no"}},
        {"protection": STRONG | {"encrypted": "no"}},
        {"protection": STRONG | {"key_compromised": "unknown"}},
        {"compromised": {"confidentiality": "yes"}},
    ],
)
def test_encryption_exempts_only_while_it_is_strong_and_its_key_safe_and_nobody_read_the_data(trap):
    found = judged(**UNREADABLE | trap)

    assert found.subject_communication.required
    assert found.subject_communication.exemption is None


def test_encryption_does_not_cure_the_loss_of_what_people_depend_on():
    lost = {"confidentiality": "no", "integrity": "no", "availability": "yes"}
    found = judged(
        **UNREADABLE | {"compromised": lost}, availability={"service_effect": "critical_to_people"}
    )

    assert found.subject_communication.required
    assert found.subject_communication.exemption is None


def test_where_no_exemption_is_needed_none_is_claimed():
    mild = next(case for case in published() if case["id"] == "EDPB-15")

    assert judge(parse(mild["facts"])).subject_communication.exemption is None


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
