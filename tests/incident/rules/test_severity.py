import pytest

from incident.rules.facts import parse
from incident.rules.faults import FactsFault
from incident.rules.judgement import judge
from incident.rules.severity import Override, band, overridden, score, severity
from tests.incident.rules.cases import by_id, cases

SCORING = cases("severity")
ARITHMETIC = [case for case in SCORING if case["kind"] == "arithmetic"]
FROM_FACTS = [case for case in SCORING if case["kind"] == "facts"]


def scored(**facts):
    return severity(parse(facts))


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


@pytest.mark.parametrize(
    ("data", "points"),
    [
        ({"categories": ["bank_account"]}, 2),
        ({"categories": ["bank_account", "transactions"]}, 3),
        ({"categories": ["wage"], "reveals": "detailed_profile"}, 4),
        ({"categories": ["payment_card"]}, 4),
        ({"categories": ["login_credentials"]}, 1),
        ({"categories": ["login_credentials", "transactions"]}, 4),
        ({"categories": ["name", "national_id"]}, 3),
        ({"categories": ["name"], "special_categories": "yes"}, 4),
        ({"categories": ["name", "health"], "special_categories": "incidental"}, 2),
        ({"categories": ["name", "wage", "health"], "special_categories": "incidental"}, 3),
        ({"categories": ["name", "health"], "special_categories": "no"}, 4),
        ({"categories": ["name"], "reveals": "safety_critical"}, 4),
        ({"categories": ["health"], "reveals": "nothing_more"}, 4),
        ({"categories": ["name", "unspecified"]}, 4),
        ({}, 4),
    ],
)
def test_the_context_of_data_is_the_most_telling_after_what_raises_and_lowers_it(data, points):
    assert scored(data=data).dpc.points == points


def test_a_hidden_address_makes_plain_data_critical_to_safety():
    hidden = {"protected_identity": "yes"}

    assert scored(data={"categories": ["name", "postal_address"]}, subjects=hidden).dpc.points == 4


@pytest.mark.parametrize("number", ["national_id", "identity_document"])
@pytest.mark.parametrize(
    ("step", "points"),
    [("negligible", 0.75), ("considerable_effort", 0.75), ("moderate_effort", 0.75), ("direct", 1)],
)
def test_an_identity_number_is_never_negligible(number, step, points):
    assert scored(data={"categories": [number], "identifiability": step}).ei.points == points


READ = {"confidentiality": "yes"}


CHANGED = {"compromised": {"integrity": "yes"}}
GONE = {"compromised": {"availability": "yes"}}
ON_ITS_WAY = {"compromised": READ, "cause": {"kind": "paper_lost"}}


@pytest.mark.parametrize(
    ("facts", "circumstances"),
    [
        ({}, (0, 0, 0, 0)),
        (ON_ITS_WAY, (0, 0, 0, 0)),
        (ON_ITS_WAY | {"disclosure": {"misuse_seen": "yes"}}, (0.25, 0, 0, 0)),
        ({"compromised": READ, "disclosure": {"recipients": ["attacker"]}}, (0.25, 0, 0, 0)),
        ({"compromised": READ, "disclosure": {"recipients": ["unknown"]}}, (0.5, 0, 0, 0)),
        ({"disclosure": {"exfiltration": "confirmed"}}, (0.25, 0, 0, 0)),
        (CHANGED, (0, 0.25, 0, 0)),
        (CHANGED | {"availability": {"backup": "none"}}, (0, 0.5, 0, 0)),
        (CHANGED | {"availability": {"backup": "full"}, "disclosure": {"misuse_seen": "no"}}, (0, 0, 0, 0)),
        (GONE, (0, 0, 0.25, 0)),
        (GONE | {"availability": {"backup": "none"}}, (0, 0, 0.5, 0)),
        (GONE | {"availability": {"backup": "none", "restored_after_hours": 99}}, (0, 0, 0.25, 0)),
        (GONE | {"availability": {"service_effect": "none"}}, (0, 0, 0, 0)),
        ({"cause": {"category": "external_malicious"}}, (0, 0, 0, 0.5)),
        ({"cause": {"category": "external_malicious", "deliberate": "no"}}, (0, 0, 0, 0)),
    ],
)
def test_each_circumstance_adds_what_is_known_to_have_happened(facts, circumstances):
    assert tuple(each.points for each in scored(**facts).cb) == circumstances


def test_every_figure_carries_the_sentence_that_gave_it():
    found = scored(data={"categories": ["name"], "reveals": "sensitive_inference"}, compromised=READ)

    assert "infer protected things" in found.dpc.sentence
    assert all(each.sentence.endswith(".") for each in (found.dpc, found.ei, *found.cb))


def test_a_low_score_alone_closes_nothing():
    found = judge(parse({"data": {"categories": ["name"], "identifiability": "negligible"}}))

    assert found.severity.band == "low"
    assert found.authority_notification.required


# --- what people set in place of it ---

FOUND = scored(data={"categories": ["wage"], "identifiability": "direct"}, compromised=READ)


def test_a_figure_set_by_a_person_stands_beside_what_the_rules_said():
    changed = overridden(FOUND, {"ei": Override(0.5, "Initials only.", "Dorthe Holm")})

    assert (changed.ei.points, changed.ei.before, changed.ei.override.by) == (0.5, 1, "Dorthe Holm")
    assert changed.ei.sentence == "Initials only."
    assert (FOUND.score, changed.score, changed.band) == (3.25, 1.75, "low")


def test_all_circumstances_can_be_set_as_one_figure():
    changed = overridden(FOUND, {"cb": Override(1.25, "Sold on.", "Dorthe Holm")})

    assert (changed.cb_points, changed.cb[0].before, changed.dpc) == (1.25, 0.25, FOUND.dpc)


def test_a_figure_set_twice_remembers_what_the_rules_said():
    once = overridden(FOUND, {"dpc": Override(2, "One month.", "Birk")})
    twice = overridden(once, {"dpc": Override(1, "Rounded.", "Dorthe")})

    assert (twice.dpc.points, twice.dpc.before) == (1, 3)


def test_every_fault_of_what_people_set_is_named_at_once():
    with pytest.raises(FactsFault) as fault:
        overridden(FOUND, {"ei": Override(0.3, " ", ""), "se": Override(1, "x", "Birk")})

    assert [each.pointer for each in fault.value.errors] == ["/ei/value", "/ei/reason", "/ei/by", "/se"]
