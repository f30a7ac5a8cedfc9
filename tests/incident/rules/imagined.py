"""Facts that nobody told: made up from the contract, or from a published example with some facts changed."""

import copy
import json
from importlib import resources

from hypothesis import strategies as st

from tests.incident.rules.cases import published

SCHEMA = json.loads(
    resources.files("incident.rules").joinpath("schemas/incident-facts.schema.json").read_text()
)
PARTS = ("cause", "compromised", "data", "protection", "disclosure", "availability", "subjects", "measures")
NUMBERS = (0, 1, 2, 15, 20, 21, 100, 101, 5000)
HOURS = (0, 0.5, 1, 4, 24, 24.5, 30, 720)

# From the mildest to the gravest, where the law has an order. Special categories may be worse than
# "incidental"; "no" beside a kind that is special contradicts itself and has no place in the order.
ORDERS = {
    "cause": {
        "category": ("human_error", "internal_malicious"),
        "deliberate": ("no", "yes"),
    },
    "compromised": dict.fromkeys(("confidentiality", "integrity", "availability"), ("no", "yes")),
    "data": {
        "special_categories": ("incidental", "yes"),
        "identifiability": ("negligible", "considerable_effort", "moderate_effort", "direct"),
        "reveals": ("nothing_more", "profile", "detailed_profile", "sensitive_inference", "safety_critical"),
        "public_before": ("yes", "no"),
        "scope_known": ("yes", "no"),
    },
    "protection": {
        "encrypted": ("yes", "no"),
        "encryption_state_of_the_art": ("yes", "no"),
        "key_compromised": ("no", "yes"),
        "passwords": ("none_affected", "strong_salted_hash", "weak_hash", "plain"),
        "access_protection": ("strong", "weak", "none"),
        "remote_wipe": ("done", "ordered", "no"),
    },
    "disclosure": {
        "exfiltration": ("ruled_out", "not_excluded", "confirmed", "published"),
        "evidence": ("reliable_logs", "unreliable_logs", "none"),
        "recipients_trusted": ("yes", "no"),
        "retrieved": ("confirmed_in_writing", "confirmed", "requested", "no"),
        "misuse_seen": ("no", "yes"),
    },
    "availability": {
        "backup": ("full", "partial", "none"),
        "service_effect": ("none", "minor", "serious", "critical_to_people"),
    },
    "subjects": {"vulnerable": ("no", "yes"), "protected_identity": ("no", "yes")},
}


def _resolved(schema):
    return SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def _fields():
    for part in PARTS:
        for field, schema in SCHEMA["properties"][part]["properties"].items():
            yield part, field, _resolved(schema)


def answers(schema):
    """All that a fact may be told as, numbers drawn from either side of every figure of ours."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema["type"] == "array":
        items = schema["items"]
        words = st.sampled_from(items["enum"]) if "enum" in items else st.just("Reset.")
        return st.lists(words, max_size=4, unique=True)
    if schema["type"] == "number":
        return st.sampled_from(HOURS)
    if "properties" in schema:
        bounds = {name: st.sampled_from(NUMBERS) for name in ("exactly", "at_least", "at_most")}
        return st.fixed_dictionaries({}, optional=bounds | {"estimate": st.booleans()})
    return st.dictionaries(st.sampled_from(["DK", "SE", "GB", "CH"]), st.sampled_from(NUMBERS), max_size=2)


ANSWERS = {(part, field): answers(schema) for part, field, schema in _fields()}


@st.composite
def facts_of_the_contract(draw):
    """Any of the facts that the judgement is made of, each there or absent."""
    told = {}
    for (part, field), strategy in ANSWERS.items():
        if draw(st.booleans()):
            told.setdefault(part, {})[field] = draw(strategy)
    return told


@st.composite
def facts_near_an_example(draw):
    """A published example with up to six facts changed, added or taken away."""
    told = copy.deepcopy(draw(st.sampled_from(published()))["facts"])
    for _ in range(draw(st.integers(0, 6))):
        part, field = draw(st.sampled_from(sorted(ANSWERS)))
        told.setdefault(part, {})[field] = draw(ANSWERS[part, field])
        if draw(st.integers(0, 3)) == 0:
            del told[part][field]
    return told


FACTS = st.one_of(facts_near_an_example(), facts_of_the_contract())


def with_a_fact_less(told):
    """Each document that lacks one fact of this one, with the pointer of that fact."""
    for part, fields in told.items():
        if isinstance(fields, dict):
            for field, value in fields.items():
                rest = {name: kept for name, kept in fields.items() if name != field}
                yield f"/{part}/{field}", {**told, part: rest}
                if isinstance(value, dict):
                    for bound in value:
                        less = {name: kept for name, kept in value.items() if name != bound}
                        yield f"/{part}/{field}", {**told, part: {**fields, field: less}}


def with_a_fact_worse(told):
    """Each document in which one fact of this one is worse, with what it was made."""
    for part, orders in ORDERS.items():
        for field, order in orders.items():
            value = told.get(part, {}).get(field)
            if value in order:
                for worse in order[order.index(value) + 1 :]:
                    yield f"/{part}/{field}: {worse}", {**told, part: {**told[part], field: worse}}
    yield from _with_more(told)


def _with_more(told):
    """More people, more recipients, longer absence, more telling data, worse company, weaker people."""
    for part, field in (("subjects", "total"), ("disclosure", "recipients_count")):
        count = told.get(part, {}).get(field)
        if count and "exactly" in count and len(count) == 1:
            more = {"exactly": count["exactly"] + 1000}
            yield f"/{part}/{field}: more", {**told, part: {**told[part], field: more}}
    hours = told.get("availability", {}).get("restored_after_hours")
    if hours is not None:
        later = {**told["availability"], "restored_after_hours": hours + 100}
        yield "/availability/restored_after_hours: more", {**told, "availability": later}
    for part, field, word in (
        ("data", "categories", "national_id"),
        ("data", "categories", "health"),
        ("data", "categories", "unspecified"),
        ("disclosure", "recipients", "attacker"),
        ("disclosure", "recipients", "public"),
        ("subjects", "groups", "patients"),
        ("subjects", "groups", "children"),
    ):
        words = told.get(part, {}).get(field)
        if words and word not in words:
            yield f"/{part}/{field}: {word}", {**told, part: {**told[part], field: [*words, word]}}
