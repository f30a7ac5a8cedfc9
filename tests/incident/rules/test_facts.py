import json
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from incident.rules.facts import FactsFault, parse, parse_organisation
from tests.incident.rules.cases import by_id, cases, published

SCHEMA = json.loads(
    resources.files("incident.rules").joinpath("schemas/incident-facts.schema.json").read_text()
)
HOSTCO = {"name": "HostCo", "role": "processor"}
ORACLE = Draft202012Validator(SCHEMA, format_checker=FormatChecker(["date-time", "email"]))


def faults(document):
    try:
        parse(document)
    except FactsFault as fault:
        return {each.pointer for each in fault.errors}
    return set()


def pointer(*parts):
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)


def oracle_faults(document):
    """The pointers that a general validator finds, each at the member it is about."""
    found = set()
    for error in ORACLE.iter_errors(document):
        if error.validator == "additionalProperties":
            found |= {
                pointer(*error.path, name)
                for name in error.instance
                if name not in error.schema["properties"]
            }
        elif error.validator == "required":
            found |= {
                pointer(*error.path, name) for name in error.validator_value if name not in error.instance
            }
        elif "propertyNames" in error.schema_path:
            found.add(pointer(*error.path, error.instance))
        else:
            found.add(pointer(*error.path))
    return found


# --- documents that nearly follow the schema ---

JUNK = st.sampled_from(
    [None, True, False, 0, 1.0, 2.5, -1, "", "x", "yes", "DK", "a/b~c", [], {}, ["x"], {"x": 1}]
)
INSTANTS = st.sampled_from(
    [
        "2026-10-06T09:30:00+02:00",
        "2026-10-06t07:30:00.123456789z",
        "2024-02-29T00:00:00-00:00",
        "0001-01-02T00:00:00Z",
        "2026-10-06T09:30:00",
        "2026-10-06T09:30Z",
        "2026-10-06T09:30:00.Z",
        "2026-10-06 09:30:00Z",
        "2026-10-06T24:00:00Z",
        "2026-10-06T09:30:60Z",
        "2026-10-06T09:30:00+25:00",
        "2026-10-06",
        "20261006T093000Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "２０２６-10-06T09:30:00Z",
    ]
)
EMAILS = st.sampled_from(
    ["astrid@promark.example", '"a b"@x.example', "pål@hostco.example", "x@[192.0.2.1]", "no", ""]
)


def texts(schema):
    if schema.get("format") == "date-time":
        return INSTANTS
    if schema.get("format") == "email":
        return EMAILS
    if "pattern" in schema:
        return st.sampled_from(["DK", "SE", "GB", "none", "dk", "DNK", "D", "ÆØ", ""])
    limit = schema.get("maxLength", 5)
    return st.sampled_from(["", "é", "\U0001f512", "x" * limit, "\U0001f512" * limit, "x" * (limit + 1)])


def objects(schema):
    if "additionalProperties" in schema and isinstance(schema["additionalProperties"], dict):
        keys = texts(schema["propertyNames"] | {"pattern": "country"})
        return st.dictionaries(keys, near(schema["additionalProperties"]), max_size=3)
    members = {name: near(part) for name, part in schema["properties"].items()}
    required = {name: members.pop(name) for name in schema.get("required", []) if name in members}
    whole = st.fixed_dictionaries(required, optional=members)
    unknown = st.dictionaries(st.sampled_from(["zz", "a/b~c", ""]), JUNK, max_size=1)
    lacking = whole.map(lambda document: dict(list(document.items())[1:]))
    return st.one_of(whole, whole, whole, lacking, st.builds(lambda a, b: a | b, whole, unknown))


def near(schema):
    schema = SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
    if "enum" in schema:
        valid = st.sampled_from(schema["enum"])
    elif "const" in schema:
        valid = st.sampled_from([1, 1.0, 2, True, "1"])
    elif schema["type"] == "object":
        valid = objects(schema)
    elif schema["type"] == "array":
        most = schema.get("maxItems", 3)
        valid = st.lists(near(schema["items"]), max_size=2) | near(schema["items"]).map(
            lambda one: [one] * (most + 1)
        )
    elif schema["type"] == "string":
        valid = texts(schema)
    elif schema["type"] == "boolean":
        valid = st.booleans()
    else:
        valid = st.sampled_from([0, 1, 1.0, 0.5, -1, 10**12, 8760, 8761, True, "1"])
    return st.one_of(*[valid] * 12, JUNK)


@settings(deadline=None, max_examples=300)
@given(near(SCHEMA))
def test_the_same_documents_are_faulty_at_the_same_places_as_by_the_schema(document):
    assert faults(document) == oracle_faults(document)


@pytest.mark.parametrize("part", SCHEMA["properties"])
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_each_part_is_judged_as_by_the_schema(part, data):
    document = {part: data.draw(near(SCHEMA["properties"][part]))}

    assert faults(document) == oracle_faults(document)


@pytest.mark.parametrize(
    "case", [*published(), *cases("deadlines"), *cases("promise"), *cases("routing")], ids=by_id
)
def test_every_known_case_is_read_without_a_fault(case):
    assert faults(case["facts"]) == set()


# --- beyond the schema ---


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({"title": "a\x00b"}, "/title"),
        ({"title": "half \ud83d"}, "/title"),
        ({"measures": {"taken": ["fine", "\x00"]}}, "/measures/taken/1"),
        ({"chain": [HOSTCO, HOSTCO | {"name": "\udc00"}]}, "/chain/1/name"),
        ({"timeline": {"aware_at": "0001-01-01T00:00:00+01:00"}}, "/timeline/aware_at"),
        ({"timeline": {"aware_at": "2026-10-06T09:30:00Z\n"}}, "/timeline/aware_at"),
        ({"disclosure": {"exposure_hours": float("inf")}}, "/disclosure/exposure_hours"),
        ({"organisation": {"main_establishment": "DK\n"}}, "/organisation/main_establishment"),
        ({"reported_by": {"email": "a@b.example\nBcc: c@d.example"}}, "/reported_by/email"),
        ({"half \ud83d": 1}, ""),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_or_is_meant_to_deceive_is_refused(document, where):
    assert faults(document) == {where}


def test_a_faulty_item_and_a_repeated_one_are_both_named():
    assert faults({"data": {"categories": ["name", "bogus", "name"]}}) == {
        "/data/categories",
        "/data/categories/1",
    }


def test_details_never_repeat_what_was_sent():
    secret = "010190-1234"
    document = {"title": secret * 99, "cause": {"kind": secret}, "timeline": {"aware_at": secret}}

    with pytest.raises(FactsFault) as refused:
        parse(
            document | {"data": {"categories": [secret, secret]}, "subjects": {"total": {"exactly": secret}}}
        )

    assert len(refused.value.errors) == 7
    assert not any(secret in each.detail for each in refused.value.errors)
    assert secret not in str(refused.value)


def test_a_document_of_nothing_but_faults_gets_an_answer_of_bounded_length():
    with pytest.raises(FactsFault) as refused:
        parse({f"unknown {number}": 1 for number in range(5000)})

    assert len(refused.value.errors) == 1001
    assert refused.value.errors[-1].detail == "There are 4000 faults more."


def test_facts_cannot_be_changed_after_reading():
    facts = parse({"title": "Lost stick"})

    with pytest.raises(ValueError, match="frozen"):
        facts.title = "Found stick"


def test_missing_is_unknown():
    facts = parse({})

    assert facts.compromised.confidentiality == "unknown"
    assert facts.timeline.aware_at is None
    assert facts.our_role == "controller"


def test_an_empty_chain_says_that_no_processor_was_in_it_and_a_missing_one_says_nothing():
    assert parse({"chain": []}).at_a_processor == "no"
    assert parse({}).at_a_processor == "unknown"


def test_a_registered_organisation_is_read_by_the_same_rules():
    assert parse_organisation({"main_establishment": "DK"}).main_establishment == "DK"
    with pytest.raises(FactsFault):
        parse_organisation({"main_establishment": "Denmark"})
