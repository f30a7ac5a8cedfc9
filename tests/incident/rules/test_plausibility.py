"""What cannot be so is refused where our own people say it, and kept where a processor does."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings

from incident.rules.evaluation import evaluate
from incident.rules.facts import FactsFault, parse
from incident.rules.plausibility import check, implausible, known_countries
from tests.incident.rules.cases import by_id, cases, published
from tests.incident.rules.test_evaluation import DOCUMENTS

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
EARLY, LATER, LATEST = "2026-10-05T08:00:00Z", "2026-10-06T08:00:00Z", "2026-10-07T08:00:00Z"


def doubts(document, *, now=NOW):
    return {each.pointer: each.detail for each in implausible(parse(document), now)}


def refused(document, *, now=NOW):
    with pytest.raises(FactsFault) as fault:
        check(document, now)
    return [each.pointer for each in fault.value.errors]


def times(**timeline):
    return {"timeline": timeline}


def link(**more):
    return {"chain": [{"name": "HostCo", "role": "processor", **more}]}


@pytest.mark.parametrize(
    ("document", "where"),
    [
        (times(occurred_from=LATER, occurred_to=EARLY), "/timeline/occurred_to"),
        (times(occurred_from=LATER, aware_at=EARLY), "/timeline/aware_at"),
        (times(occurred_from=LATER, detected_at=EARLY), "/timeline/detected_at"),
        (times(occurred_from=LATER, informed_at=EARLY), "/timeline/informed_at"),
        (times(occurred_from=LATER, processor_aware_at=EARLY), "/timeline/processor_aware_at"),
        (times(occurred_from=LATER) | link(aware_at=EARLY), "/chain/0/aware_at"),
        (times(occurred_from=LATER) | link(told_next_at=EARLY), "/chain/0/told_next_at"),
        (times(processor_aware_at=LATER, informed_at=EARLY), "/timeline/informed_at"),
        (times(informed_at=EARLY) | link(aware_at=LATER), "/timeline/informed_at"),
        (times(detected_at=LATER, aware_at=EARLY), "/timeline/aware_at"),
        (times(informed_at=LATEST, detected_at=LATER, aware_at=EARLY), "/timeline/aware_at"),
        (link(aware_at=LATER, told_next_at=EARLY), "/chain/0/told_next_at"),
    ],
)
def test_an_order_of_times_that_cannot_be_is_named_at_the_later_step(document, where):
    assert refused(document) == [where]


@pytest.mark.parametrize(
    "document",
    [
        times(occurred_from=EARLY, occurred_to=EARLY, detected_at=EARLY, informed_at=EARLY, aware_at=EARLY),
        times(occurred_from=LATER, occurred_is_estimate=True, aware_at=EARLY),
        times(detected_at=LATER, informed_at=EARLY),
        times(detected_at=LATER, informed_at=EARLY, aware_at=EARLY),
        times(detected_at=EARLY, aware_at=LATER, informed_at=LATEST),
        times(processor_aware_at=LATER, detected_at=EARLY, informed_at=EARLY),
        times(occurred_to=LATER, detected_at=EARLY),
        times(aware_at=EARLY),
        link(aware_at=EARLY, told_next_at=LATER),
        {},
    ],
)
def test_an_order_of_times_that_can_be_is_let_pass(document):
    assert doubts(document) == {}


def test_an_estimate_excuses_no_end_before_the_beginning():
    told = times(occurred_from=LATER, occurred_to=EARLY, occurred_is_estimate=True)

    assert refused(told) == ["/timeline/occurred_to"]


@pytest.mark.parametrize(
    "name", ["occurred_from", "occurred_to", "detected_at", "processor_aware_at", "informed_at", "aware_at"]
)
def test_what_has_not_happened_yet_is_refused_and_five_minutes_of_a_fast_clock_are_not(name):
    soon, later = (NOW + timedelta(minutes=5), NOW + timedelta(minutes=5, seconds=1))

    assert doubts(times(**{name: soon.isoformat()})) == {}
    assert refused(times(**{name: later.isoformat()})) == [f"/timeline/{name}"]


def test_without_a_now_nothing_is_in_the_future():
    assert check(times(aware_at="2099-01-01T00:00:00Z"), None).timeline.aware_at is not None


def people(by_country=None, **total):
    return {"subjects": {"by_country": by_country or {}, "total": total}}


@pytest.mark.parametrize(
    ("document", "where"),
    [
        (people({"DK": 300, "SE": 200}, exactly=499), "/subjects/total"),
        (people({"DK": 300, "SE": 200}, at_most=499), "/subjects/total"),
        (people({"DK": 300, "SE": 200}, exactly=10, estimate=True), "/subjects/total"),
        (people(at_least=5, at_most=4), "/subjects/total/at_least"),
        (people(exactly=3, at_least=4), "/subjects/total/exactly"),
        (people(exactly=5, at_most=4), "/subjects/total/exactly"),
        ({"data": {"records": {"at_least": 5, "at_most": 4}}}, "/data/records/at_least"),
        ({"disclosure": {"recipients_count": {"exactly": 5, "at_most": 4}}},
         "/disclosure/recipients_count/exactly"),
    ],
)  # fmt: skip
def test_numbers_that_contradict_each_other_are_named(document, where):
    assert refused(document) == [where]


@pytest.mark.parametrize(
    "document",
    [
        people({"DK": 300, "SE": 200}, exactly=500),
        people({"DK": 300, "SE": 200}, exactly=900),
        people({"DK": 300, "SE": 200}, at_least=5),
        people({"DK": 300}),
        people(at_least=4, at_most=4, exactly=4),
    ],
)
def test_numbers_that_agree_are_let_pass(document):
    assert doubts(document) == {}


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({"organisation": {"main_establishment": "XX"}}, "/organisation/main_establishment"),
        ({"organisation": {"establishments": ["DK", "ZZ"]}}, "/organisation/establishments/1"),
        ({"organisation": {"targets": ["EU"]}}, "/organisation/targets/0"),
        ({"organisation": {"eea_representative": "AA"}}, "/organisation/eea_representative"),
        (link(country="QQ"), "/chain/0/country"),
        (people({"DK": 1, "UK": 1}), "/subjects/by_country/UK"),
    ],
)
def test_a_country_that_is_none_is_named_wherever_it_stands(document, where):
    assert refused(document) == [where]


def test_the_two_codes_that_are_written_wrong_most_get_the_right_one():
    told = doubts(people({"UK": 1, "EL": 1}))

    assert told["/subjects/by_country/UK"].endswith("The United Kingdom is GB.")
    assert told["/subjects/by_country/EL"].endswith("Greece is GR.")


def test_there_are_249_countries_and_kosovo():
    assert len(known_countries()) == 250
    assert {"DK", "NO", "GB", "CH", "GR", "GL", "FO", "XK"} <= known_countries()
    assert doubts({"organisation": {"main_establishment": "none"}}) == {}


def test_faults_of_form_and_of_sense_are_listed_at_once():
    told = {
        "zz": 1,
        "cause": {"kind": "gremlins"},
        "data": {"categories": ["name", "gossip"]},
        "subjects": {"total": {"exactly": 1, "at_least": -1}, "by_country": {"DK": 5, "UK": 2}},
        "timeline": {"detected_at": "yesterday", "occurred_from": LATER, "aware_at": EARLY},
    }

    assert set(refused(told)) == {
        "/zz", "/cause/kind", "/data/categories/1", "/subjects/total/at_least", "/timeline/detected_at",
        "/timeline/aware_at", "/subjects/total", "/subjects/by_country/UK",
    }  # fmt: skip


@pytest.mark.parametrize("document", [[], None, "facts", 3, {"a/b": {"c~d": 1}, "": 2}, {"chain": [1, None]}])
def test_a_document_of_another_kind_is_refused_by_form_alone(document):
    with pytest.raises(FactsFault):
        check(document, NOW)


def test_every_sentence_says_what_is_wrong_and_names_nobody():
    details = [
        *doubts(times(occurred_from=LATER, occurred_to=EARLY, aware_at="2027-01-01T00:00:00Z")).values(),
        *doubts(people({"XX": 3}, exactly=1, at_least=2)).values(),
    ]

    assert len(details) == 5
    assert all(each.endswith(".") and len(each) < 120 for each in details)


@pytest.mark.parametrize(
    "case", [*published(), *cases("deadlines"), *cases("promise"), *cases("routing")], ids=by_id
)
def test_nothing_in_the_known_cases_cannot_be(case):
    assert list(implausible(parse(case["facts"]), None)) == []


# --- what a processor told ---


def test_what_a_processor_told_holds_up_no_other_change_and_may_not_be_made_worse():
    told = times(occurred_from=LATER, aware_at=EARLY)
    worse = times(occurred_from=LATER, aware_at="2026-10-04T08:00:00Z")

    assert check(told | {"title": "Now with a title"}, NOW, before=told).title
    assert check(times(occurred_from=EARLY, aware_at=LATER), NOW, before=told).timeline.aware_at
    for document, before in ((worse, told), (told, {}), (told | people(exactly=1, at_least=2), told)):
        with pytest.raises(FactsFault):
            check(document, NOW, before=before)


def test_what_a_processor_told_stands_and_is_put_before_a_person():
    told = times(occurred_from=LATER, aware_at=EARLY) | people({"DK": 5}, exactly=1)

    found = evaluate(told, NOW, received_at=NOW, from_processor=True)

    assert [each.pointer for each in found.doubts] == ["/timeline/aware_at", "/subjects/total"]
    assert found.clock("authority_notification").due_at is not None


@settings(deadline=None, max_examples=150)
@given(DOCUMENTS)
def test_whatever_is_told_is_doubted_without_failing_and_only_where_something_stands(document):
    for each in implausible(parse(document), NOW):
        place = document
        for part in each.pointer.split("/")[1:]:
            place = place[int(part)] if isinstance(place, list) else place[part]
        assert json.dumps(place)
