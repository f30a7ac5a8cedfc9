"""A form loses nothing that was typed, and says nothing that nobody said."""

import pytest
from werkzeug.datastructures import MultiDict

from foundation.database import utcnow
from incident import example
from incident.forms.facts import FIELDS, told, written
from incident.forms.fields import local_text, merge, sheet_of
from incident.rules.facts import parse

CPH = "Europe/Copenhagen"


@pytest.fixture(autouse=True)
def _in_a_request(app):
    with app.test_request_context():
        yield


def tell(base=None, **typed):
    sheet = sheet_of(MultiDict({name.replace("__", "."): text for name, text in typed.items()}))
    return told(sheet, CPH, base or {}), sheet


def test_a_few_words_are_enough_and_all_else_stays_unknown():
    document, _sheet = tell(
        title="Laptop lost", compromised__confidentiality="unknown", our_role="controller"
    )

    assert document == {"title": "Laptop lost"}
    assert parse(document).compromised.confidentiality == "unknown"


def test_a_report_written_into_the_form_and_left_alone_is_the_same_report_to_the_second():
    report = example.first_report(utcnow().replace(second=42))

    document = told(written(report, CPH), CPH, report)

    assert document == report


def test_local_times_become_instants():
    document, _sheet = tell(title="Laptop lost", timeline__detected_at="2026-10-06T09:30")

    assert document["timeline"] == {"detected_at": "2026-10-06T07:30:00Z"}


def test_a_time_that_was_twice_is_asked_about_and_both_moments_are_offered():
    document, sheet = tell(title="Night shift", timeline__detected_at="2026-10-25T02:30")

    assert document is None
    assert [f"{at:%H:%M}" for at in sheet.questions["timeline.detected_at"]] == ["00:30", "01:30"]


def test_the_answer_which_of_the_two_it_was_is_kept():
    typed = {"timeline__detected_at": "2026-10-25T02:30", "timeline__detected_at__fold": "1"}

    document, _sheet = tell(title="Night shift", **typed)

    assert document["timeline"]["detected_at"] == "2026-10-25T01:30:00Z"


def test_a_time_that_never_was_is_refused_and_stays_as_typed():
    document, sheet = tell(title="Spring", timeline__detected_at="2027-03-28T02:30")

    assert document is None
    assert "put forward" in sheet.faults["timeline.detected_at"][0]
    assert sheet.one("timeline.detected_at") == "2027-03-28T02:30"


def test_both_passings_of_the_repeated_hour_are_written_back_as_they_were():
    for instant, fold in (("2026-10-25T00:30:00+00:00", 0), ("2026-10-25T01:30:00+00:00", 1)):
        from datetime import datetime  # noqa: PLC0415

        assert local_text(datetime.fromisoformat(instant), CPH) == ("2026-10-25T02:30", fold)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"subjects__total__exactly": "about 400"}, "subjects.total.exactly"),
        ({"subjects__by_country": "DK many"}, "subjects.by_country"),
        ({"subjects__by_country": "Denmark 260"}, "subjects.by_country"),
        ({"chain__0__country": "DK"}, "chain.0.name"),
        ({"data__categories": "secrets"}, "data.categories"),
        ({"compromised__integrity": "perhaps"}, "compromised.integrity"),
    ],
)
def test_every_fault_stands_at_its_field(typed, field):
    document, sheet = tell(title="Laptop lost", at_a_processor="yes", **typed)

    assert document is None
    assert field in sheet.faults


def test_a_processor_in_the_chain_gets_its_role_from_its_place():
    document, _sheet = tell(
        title="At HostCo", at_a_processor="yes", chain__0__name="HostCo", chain__0__role="processor",
        chain__1__name="NordHost", chain__1__role="sub_processor", chain__2__role="sub_processor",
    )  # fmt: skip

    assert document["chain"] == [
        {"role": "processor", "name": "HostCo"}, {"role": "sub_processor", "name": "NordHost"},
    ]  # fmt: skip


def test_no_processor_is_an_answer_and_not_knowing_is_another():
    at_home, _sheet = tell(title="Laptop lost", at_a_processor="no")
    open_question, _sheet = tell(title="Laptop lost", at_a_processor="unknown")

    assert parse(at_home).at_a_processor == "no"
    assert parse(open_question).at_a_processor == "unknown"


def test_of_two_who_changed_the_same_facts_neither_loses_a_word():
    base = {"title": "Backup copied", "subjects": {"total": {"at_least": 400}}}
    theirs = base | {"title": "Backup of the portal copied", "cause": {"category": "external_malicious"}}
    mine = written(base, CPH)
    mine.typed |= {"title": ["Backup taken"], "subjects.total.at_least": ["500"], "reason": ["HostCo rang."]}

    merged, both = merge(FIELDS, written(base, CPH), written(theirs, CPH), mine)

    assert [(each.field.name, each.theirs, each.mine) for each in both] == [
        ("title", ["Backup of the portal copied"], ["Backup taken"]),
    ]  # fmt: skip
    assert merged.one("title") == "Backup taken"
    assert merged.one("subjects.total.at_least") == "500"
    assert merged.one("cause.category") == "external_malicious"
    assert merged.one("reason") == "HostCo rang."


# --- what cannot be so ------------------------------------------------------------------------------


def test_what_cannot_be_so_is_refused_at_its_field_when_a_colleague_types_it():
    document, sheet = tell(
        title="Odd", timeline__occurred_from="2026-10-06T09:00", timeline__detected_at="2026-10-05T09:00"
    )

    assert document is None
    assert "before it began" in sheet.faults["timeline.detected_at"][0]


def test_what_a_processor_told_so_holds_up_no_other_change():
    base = {"title": "As told", "timeline": {
        "occurred_from": "2026-10-06T09:00:00Z", "detected_at": "2026-10-05T09:00:00Z"}}  # fmt: skip
    sheet = written(base, CPH)
    sheet.typed["title"] = ["Corrected"]

    assert told(sheet, CPH, base)["title"] == "Corrected"
