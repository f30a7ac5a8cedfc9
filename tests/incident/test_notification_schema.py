"""The JSON of a notification is as its schema says, and lacks nothing that the facts could fill."""

import json
from copy import deepcopy
from unittest.mock import patch

import pytest
from jsonschema import Draft202012Validator

from incident import filling, pack_files, packs
from incident.filling import Beside, Told
from tests import golden_packs
from tests.incident.imagined_filling import NOW, material
from tests.incident.rules.cases import by_id, encoded, published
from tests.incident.test_filling import REACHED, tellable

VALIDATOR = Draft202012Validator(pack_files.schema())
COMMON = "ie-dpc"  # an authority without a form of its own: that of the common template
CASES = [*published(), *encoded()]


@pytest.fixture(scope="module", autouse=True)
def printing():
    """As much of the product as a document needs."""
    with golden_packs.app().app_context():
        yield


def machine(facts, authority=COMMON, *, told=None, kind="initial", to_follow=frozenset()):
    """A case as its JSON is read by a program."""
    with patch.object(filling, "beside_of", lambda _material, _authority: Beside()):
        made = packs.document(material(facts), authority, told=told or Told(), kind=kind, now=NOW)
    if to_follow:
        made, _paths = packs.with_changes(
            made, {}, to_follow & packs.may_follow(made), "Dorthe Friis", zone="Europe/Copenhagen", late=False
        )
    return json.loads(pack_files.json_bytes(made))


def faults(document):
    return [f"{each.json_path}: {each.message[:200]}" for each in VALIDATOR.iter_errors(document)]


def test_the_schema_is_one_and_is_served_to_whoever_reads_such_files(client):
    served = client.get("/api/v1/notification.schema.json")

    Draft202012Validator.check_schema(pack_files.schema())
    assert served.json == pack_files.schema()


@pytest.mark.parametrize("case", CASES, ids=by_id)
def test_each_example_of_the_edpb_is_valid_and_lacks_no_mandatory_field_that_its_facts_fill(case):
    document = machine(case["facts"])

    assert faults(document) == []
    assert {f"R{number}" for number in document["missing"]} & tellable(case["facts"]) == set()
    assert not set(document["missing"]) & document["fields"].keys()


@pytest.mark.parametrize("authority", golden_packs.AUTHORITIES)
@pytest.mark.parametrize("kind", ["initial", "further", "withdrawal"])
def test_it_is_valid_whatever_form_it_was_written_for_and_whichever_phase_it_is(authority, kind):
    later = frozenset({
        "consequences.impact_types", "consequences.impact_description", "subjects.count", "records.count",
        "timeline.started_at", "timeline.ended_at", "nature.cia", "parties",
    })  # fmt: skip
    for case in published()[::6]:
        document = machine(case["facts"], authority, told=REACHED, kind=kind, to_follow=later)
        assert faults(document) == [], case["id"]
        assert (document["authority"], document["kind"]) == (authority, kind)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda each: each.pop("content_sha256"),
        lambda each: each.update(kind="second"),
        lambda each: each.update(colour="red"),
        lambda each: each["fields"].update({"R12": each["fields"]["12"]}),
        lambda each: each["fields"]["12"].pop("value"),
        lambda each: each["fields"]["12"].update(codes=["x"], options=["X"]),
        lambda each: each["fields"]["12"].update(value=None),
        lambda each: each["fields"]["68"].update(value="400"),
        lambda each: each["fields"]["46"].update(value="2026-10-08T14:30:00"),
        lambda each: each["fields"]["121"].update(value=["Denmark"]),
        lambda each: each["fields"]["122"].update(value={"DK": -1}),
        lambda each: each["fields"]["13"].update(value={"fax": "1"}),
        lambda each: each.update(missing=["3", "3"]),
    ],
)
def test_what_is_written_otherwise_is_not_valid(spoil):
    document = json.loads(pack_files.json_bytes(golden_packs.document("dk-datatilsynet")))
    assert faults(document) == []
    spoilt = deepcopy(document)

    spoil(spoilt)

    assert faults(spoilt)
