"""What turns each published outcome, fact by fact: a lawyer should nod at every line."""

import pytest

from incident.rules.facts import parse
from incident.rules.judgement import judge
from tests.incident.rules.cases import encoded, published

CASES = {case["id"]: case["facts"] for case in (*encoded(), *published())}
AWAY = None


def notices(facts):
    found = judge(parse(facts))
    told = ["authority"] * found.authority_notification.required
    return "+".join(told + ["people"] * found.subject_communication.required) or "nobody"


def changed(case, pointer, value):
    part, field = pointer.strip("/").split("/")
    fields = CASES[case].get(part, {}) | {field: value}
    return CASES[case] | {part: {name: told for name, told in fields.items() if told is not AWAY}}


@pytest.mark.parametrize(
    ("case", "pointer", "value", "told"),
    [
        # Encryption frees when it is strong, its key safe, a copy at hand, and nobody missed the data.
        ("EDPB-01", "/protection/encrypted", AWAY, "authority"),
        ("EDPB-01", "/protection/encryption_state_of_the_art", "no", "authority"),
        ("EDPB-01", "/protection/encryption_state_of_the_art", AWAY, "authority"),
        ("EDPB-01", "/protection/key_compromised", "yes", "authority"),
        ("EDPB-01", "/protection/key_compromised", AWAY, "authority"),
        ("EDPB-01", "/availability/restored_after_hours", 24, "nobody"),
        ("EDPB-01", "/availability/restored_after_hours", 72, "authority"),
        ("EDPB-01", "/availability/service_effect", "minor", "nobody"),
        ("EDPB-01", "/availability/service_effect", "serious", "authority"),
        ("EDPB-01", "/availability/service_effect", "critical_to_people", "authority+people"),
        ("ANNEXB-01", "/availability/backup", "none", "authority"),
        ("ANNEXB-01", "/availability/backup", AWAY, "authority"),
        ("ANNEXB-01", "/protection/key_compromised", "yes", "authority"),
        ("EDPB-10", "/protection/key_compromised", "yes", "authority+people"),
        ("EDPB-10", "/protection/encrypted", "no", "authority+people"),
        ("EDPB-10", "/protection/access_protection", "weak", "authority"),
        ("EDPB-10", "/protection/remote_wipe", "not_possible", "authority"),
        ("EDPB-10", "/compromised/confidentiality", "yes", "authority+people"),
        # An intruder is believed to have copied nothing only on the word of logs that prove it.
        ("EDPB-01", "/disclosure/evidence", "unreliable_logs", "authority"),
        ("EDPB-01", "/disclosure/evidence", "none", "authority"),
        ("EDPB-01", "/disclosure/exfiltration", "not_excluded", "authority"),
        # Time away, and what it did to people.
        ("EDPB-02", "/availability/service_effect", "critical_to_people", "authority+people"),
        ("EDPB-03", "/availability/service_effect", AWAY, "authority+people"),
        ("EDPB-03", "/availability/service_effect", "minor", "authority"),
        ("ANNEXB-03", "/availability/restored_after_hours", 48, "authority"),
        ("ANNEXB-03", "/availability/service_effect", AWAY, "authority"),
        ("ANNEXB-03", "/cause/category", "external_malicious", "nobody"),
        ("ANNEXB-08", "/subjects/groups", ["customers"], "authority+people"),
        ("ANNEXB-08", "/availability/restored_after_hours", 0.5, "authority"),
        # Trusted recipients and written deletion.
        ("EDPB-09", "/disclosure/recipients_trusted", "no", "authority"),
        ("EDPB-09", "/disclosure/recipients_trusted", AWAY, "authority"),
        ("EDPB-09", "/disclosure/retrieved", "confirmed", "authority"),
        ("EDPB-09", "/disclosure/retrieved", "requested", "authority"),
        ("EDPB-09", "/disclosure/recipients", ["business_partner", "unknown"], "authority"),
        ("EDPB-09", "/data/categories", ["name", "national_id"], "authority"),
        ("EDPB-09", "/data/special_categories", "yes", "authority"),
        ("EDPB-14", "/disclosure/recipients_trusted", "yes", "authority"),
        # Volume.
        ("EDPB-09", "/subjects/total", {"exactly": 2400}, "authority"),
        ("EDPB-09", "/subjects/total", AWAY, "authority"),
        ("EDPB-15", "/subjects/total", {"exactly": 20}, "nobody"),
        ("EDPB-15", "/subjects/total", {"exactly": 21}, "authority"),
        ("EDPB-15", "/subjects/total", {"at_least": 3}, "authority"),
        ("EDPB-15", "/disclosure/recipients_count", {"exactly": 1500}, "authority"),
        ("EDPB-15", "/disclosure/recipients_count", AWAY, "authority"),
        ("EDPB-08", "/subjects/total", {"exactly": 90_000}, "authority"),
        # Special categories against an incidental mention.
        ("EDPB-15", "/data/special_categories", "yes", "authority+people"),
        ("EDPB-15", "/data/special_categories", AWAY, "authority"),
        ("EDPB-15b", "/data/special_categories", "no", "authority+people"),
        ("EDPB-06", "/data/special_categories", "yes", "authority"),
        # Identity numbers.
        ("EDPB-15", "/data/categories", ["name", "contact", "national_id"], "authority+people"),
        ("EDPB-06", "/data/categories", ["username", "login_credentials", "national_id"], "authority+people"),
        ("EDPB-14", "/data/categories", ["name", "contact", "postal_address"], "authority"),
        # Credentials, and how they were stored.
        ("EDPB-06", "/protection/passwords", "weak_hash", "authority+people"),
        ("EDPB-06", "/protection/passwords", "plain", "authority+people"),
        ("EDPB-06", "/protection/passwords", "none_affected", "nobody"),
        ("EDPB-06", "/data/categories", ["username", "login_credentials", "contact"], "authority"),
        ("EDPB-06", "/data/identifiability", "considerable_effort", "authority"),
        ("ANNEXB-06", "/protection/passwords", "strong_salted_hash", "authority"),
        # Vulnerable people and protected addresses.
        ("EDPB-15", "/subjects/vulnerable", "yes", "authority"),
        ("EDPB-15", "/subjects/protected_identity", "yes", "authority+people"),
        ("EDPB-15", "/subjects/protected_identity", AWAY, "authority"),
        ("EDPB-08", "/subjects/protected_identity", "yes", "authority+people"),
        # Deliberate against accidental.
        ("EDPB-15", "/cause/category", "internal_malicious", "authority"),
        ("EDPB-15", "/cause/deliberate", "yes", "authority"),
        ("EDPB-15", "/cause/deliberate", AWAY, "authority"),
        ("EDPB-15", "/disclosure/recipients", ["attacker"], "authority"),
        ("EDPB-16", "/cause/category", "external_malicious", "authority+people"),
        ("ANNEXB-05", "/disclosure/recipients", ["public"], "authority+people"),
        # Scope unknown.
        ("EDPB-15", "/data/categories", ["name", "contact", "unspecified"], "authority"),
        ("EDPB-15", "/data/categories", AWAY, "authority"),
        ("EDPB-11d", "/subjects/total", {"exactly": 40}, "authority+people"),
        # What is telling enough to be told.
        ("EDPB-08", "/data/categories", ["name", "wage"], "authority+people"),
        ("EDPB-08", "/data/categories", ["name", "contact", "employment"], "authority"),
        ("EDPB-08", "/data/reveals", "sensitive_inference", "authority+people"),
        ("EDPB-08", "/data/reveals", "profile", "authority"),
        ("EDPB-05", "/subjects/groups", ["customers"], "authority+people"),
        ("EDPB-17", "/data/identifiability", "negligible", "authority"),
        ("EDPB-18", "/data/categories", ["name"], "authority"),
        # Published before.
        ("EDPB-08", "/data/public_before", "yes", "authority"),
    ],
)
def test_one_fact_turns_a_published_outcome_as_a_lawyer_would_turn_it(case, pointer, value, told):
    assert notices(changed(case, pointer, value)) == told


PUBLIC = {
    "compromised": {"confidentiality": "yes", "integrity": "no", "availability": "no"},
    "data": {
        "categories": ["name", "contact", "employment"],
        "special_categories": "no",
        "public_before": "yes",
    },
    "subjects": {"vulnerable": "no", "protected_identity": "no"},
}


def test_what_anyone_could_read_before_is_unlikely_to_hurt():
    assert notices(PUBLIC) == "nobody"


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("data", {"public_before": "unknown"}),
        ("data", {"categories": ["name", "wage"]}),
        ("data", {"special_categories": "unknown"}),
        ("subjects", {"protected_identity": "unknown"}),
        ("subjects", {"vulnerable": "yes"}),
        ("compromised", {"availability": "unknown"}),
    ],
)
def test_what_was_public_is_notified_when_it_may_hurt_or_more_was_lost(part, change):
    assert notices(PUBLIC | {part: PUBLIC[part] | change}) != "nobody"


@pytest.mark.parametrize(
    ("case", "pointer", "value", "said"),
    [
        ("EDPB-09", "/disclosure/misuse_seen", "yes", "misuse"),
        ("EDPB-15", "/data/scope_known", "no", "what the material holds"),
        ("EDPB-10", "/protection/encryption_state_of_the_art", "no", "not state of the art"),
        ("EDPB-15", "/data/reveals", "sensitive_inference", "infer"),
        ("EDPB-09", "/subjects/protected_identity", "yes", "protected identity"),
        ("EDPB-06", "/protection/key_compromised", "yes", "key"),
        ("ANNEXB-03", "/disclosure/exfiltration", "published", "taken"),
        ("EDPB-09", "/availability/service_effect", "critical_to_people", "critically"),
        ("EDPB-01", "/timeline/ongoing", "yes", "not over"),
    ],
)
def test_a_mild_outcome_with_a_fact_that_does_not_go_with_it_asks_a_person_to_look_again(
    case, pointer, value, said
):
    facts = parse(changed(case, pointer, value))
    before = judge(parse(CASES[case])).authority_notification.reasons
    after = judge(facts).authority_notification.reasons

    assert not any("Look again" in reason.rule for reason in before)
    assert any("Look again" in reason.rule and said in reason.rule for reason in after)
