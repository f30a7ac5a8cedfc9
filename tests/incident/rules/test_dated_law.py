"""Hours, thresholds and authorities are data with dates: what is law from a day on needs no code."""

from datetime import UTC, date, datetime, timedelta
from importlib import resources

import pytest

from incident.rules.awareness import Moment
from incident.rules.dated import RuleDataFault
from incident.rules.deadlines import notification_clock
from incident.rules.evaluation import evaluate
from incident.rules.law import LAW, read_law
from tests.incident.rules.cases import published

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
GDPR = frozenset({"gdpr"})
ROW = """
[[limit]]
kind = "authority_notification"
regime = "gdpr"
hours = 72
threshold = "risk"
valid_from = 2018-05-25
provision = "GDPR art. 33(1)"
"""
# The Commission's proposal of 19 November 2025, as if it were law from 2028 on.
OMNIBUS = """
[[limit]]
kind = "authority_notification"
regime = "gdpr"
hours = 96
threshold = "high"
valid_from = 2028-01-01
provision = "GDPR art. 33(1) as proposed"
source = "the Digital Omnibus of 19 November 2025, a proposal"
certainty = "low"
checked = 2026-11-24
"""
EVE = "2027-12-31T23:59:59Z"
DAY = "2028-01-01T00:00:00Z"


def ours(name):
    return resources.files("incident.rules").joinpath(name).read_text("utf-8")


def folder(tmp_path, **files):
    for name, text in files.items():
        (tmp_path / f"{name}.toml").write_text(text, "utf-8")
    return tmp_path


def closed(text):
    assert ROW in text
    return text.replace(ROW, ROW + "valid_to = 2027-12-31\n")


@pytest.fixture
def omnibus(tmp_path):
    return read_law(folder(tmp_path, limits=closed(ours("limits.toml")) + OMNIBUS))


def facts(aware, *, grave=False, **more):
    told = {"timeline": {"aware_at": aware}, "compromised": {"confidentiality": "yes"}}
    if grave:
        told["data"] = {"categories": ["name", "wage"], "identifiability": "direct"}
        told["disclosure"] = {"exfiltration": "published", "recipients": ["attacker"]}
    return told | more


def advised(told, law):
    found = evaluate(told, NOW, law=law)
    return found.judgement.risk.level, found.judgement.authority_notification.required, found.clocks[0].hours


def test_the_digital_omnibus_is_turned_on_from_a_day_by_data_alone(omnibus):
    assert advised(facts(EVE), omnibus) == ("risk", True, 72)
    assert advised(facts(EVE, grave=True), omnibus) == ("high", True, 72)
    assert advised(facts(DAY), omnibus) == ("risk", False, 96)
    assert advised(facts(DAY, grave=True), omnibus) == ("high", True, 96)


def test_under_the_proposal_the_reason_names_the_proposal_and_the_sum_its_hours(omnibus):
    before, after = (evaluate(facts(at, grave=True), NOW, law=omnibus).document() for at in (EVE, DAY))

    assert before["authority_notification"]["reasons"][0]["source"] == "GDPR art. 33(1)"
    assert after["authority_notification"]["reasons"][0]["source"] == "GDPR art. 33(1) as proposed"
    assert "high" in after["authority_notification"]["reasons"][0]["rule"]
    assert before["clocks"][0]["due_at"] == "2028-01-03T23:59:59Z"
    assert after["clocks"][0]["due_at"] == "2028-01-05T00:00:00Z"


def test_where_british_law_applies_too_it_keeps_its_own_hours_and_threshold(omnibus):
    at_home = {"organisation": {"main_establishment": "DK", "establishments": ["DK"]}}
    british = at_home | {"subjects": {"by_country": {"DK": 5, "GB": 2}}}

    assert advised(facts(DAY, **at_home), omnibus) == ("risk", False, 96)
    assert advised(facts(DAY, **british), omnibus) == ("risk", True, 72)


def test_what_is_unknown_is_asked_by_the_threshold_of_its_day(omnibus):
    """A fact that could only tell unlikely from risk decides nothing where high risk alone counts."""
    told = {"disclosure": {"recipients": ["attacker"]}}
    before = evaluate(facts(EVE, **told), NOW, law=omnibus)
    after = evaluate(facts(DAY, **told), NOW, law=omnibus)

    assert before.unknown
    assert before.unknown != after.unknown


def test_the_law_of_the_day_of_awareness_holds_whatever_day_it_is_when_somebody_asks(omnibus):
    told = facts(EVE)
    asked_later = evaluate(told, datetime(2030, 1, 1, tzinfo=UTC), law=omnibus)

    assert asked_later.clocks[0].hours == 72


def test_while_awareness_is_unknown_the_law_of_today_is_planned_by(omnibus):
    assert evaluate({}, NOW, law=omnibus).clocks[0].hours == 72
    assert evaluate({}, datetime(2028, 2, 1, tzinfo=UTC), law=omnibus).clocks[0].hours == 96
    assert notification_clock(None, GDPR, law=omnibus).hours == 72


def test_a_date_typed_wrong_by_decades_still_has_a_deadline_by_the_oldest_row(omnibus):
    clock = notification_clock(Moment(datetime(1926, 10, 6, tzinfo=UTC), "aware_at"), GDPR, law=omnibus)

    assert clock.due_at == datetime(1926, 10, 9, tzinfo=UTC)


def test_the_order_of_the_rows_in_the_file_changes_nothing_but_the_fingerprint(tmp_path, omnibus):
    upside_down = read_law(folder(tmp_path, limits=OMNIBUS + closed(ours("limits.toml"))))

    assert upside_down.limits == omnibus.limits
    assert upside_down.version != omnibus.version


def test_a_row_holds_on_its_first_and_its_last_day_and_on_no_other(omnibus):
    first, second = omnibus.limits["authority_notification", "gdpr"]
    day = timedelta(days=1)

    assert [first.holds_on(first.valid_from + n * day) for n in (-1, 0)] == [False, True]
    assert [first.holds_on(first.valid_to + n * day) for n in (0, 1)] == [True, False]
    assert second.holds_on(date.max)


def test_with_no_moment_at_all_the_law_of_the_day_it_was_checked_is_meant():
    assert LAW.membership("GB", None).regime == "uk_gdpr"
    assert LAW.membership("GB", datetime(2020, 12, 31, 23, tzinfo=UTC)).regime == "gdpr"


def test_a_law_that_asks_for_no_risk_is_followed_at_none(tmp_path):
    text = ours("limits.toml").replace(ROW, ROW.replace('"risk"', '"none"'))
    law = read_law(folder(tmp_path, limits=text))
    mild = next(case["facts"] for case in published() if case["expect"]["risk"] == "unlikely")

    assert advised(mild, LAW)[:2] == ("unlikely", False)
    assert advised(mild, law)[:2] == ("unlikely", True)


def test_with_two_laws_the_shorter_time_is_planned_by(tmp_path):
    text = ours("limits.toml").replace('regime = "uk_gdpr"\nhours = 72', 'regime = "uk_gdpr"\nhours = 24')
    law = read_law(folder(tmp_path, limits=text))
    moment = Moment(NOW - timedelta(days=2), "aware_at")

    assert notification_clock(moment, frozenset({"gdpr", "uk_gdpr"}), law=law).hours == 24


def test_an_authority_that_changes_its_law_changes_its_role_from_that_day(tmp_path):
    text = ours("authorities.toml")
    norway = '[[authority]]\ncountry = "NO"\n'
    start = text.index(norway)
    row = text[start : text.index("\n\n", start)]
    leaves = row.replace("2018-07-20", "2029-01-01").replace("one_stop_shop = true", "one_stop_shop = false")
    law = read_law(
        folder(tmp_path, authorities=text.replace(row, f"{row}\nvalid_to = 2028-12-31\n\n{leaves}"))
    )
    told = {
        "organisation": {"main_establishment": "DK", "establishments": ["DK"]},
        "subjects": {"by_country": {"DK": 5, "NO": 5}},
    }

    def roles(aware):
        return {each.key: each.role for each in evaluate(told | facts(aware), NOW, law=law).authorities}

    assert roles("2028-12-31T12:00:00Z") == {"dk-datatilsynet": "lead", "no-datatilsynet": "concerned"}
    assert roles("2029-01-01T12:00:00Z") == {"dk-datatilsynet": "sole", "no-datatilsynet": "separate"}


# --- the version ---


def test_the_version_reads_as_a_day_and_a_fingerprint():
    day, _dot, fingerprint = LAW.version.partition(".")

    assert date.fromisoformat(day) == LAW.checked
    assert len(bytes.fromhex(fingerprint)) == 4
    assert evaluate({}, NOW).document()["rules_version"] == LAW.version


def test_each_evaluation_and_clock_names_the_data_it_was_made_with(omnibus):
    found = evaluate(facts(DAY, grave=True), NOW, received_at=NOW, law=omnibus)

    assert {found.rules_version, *(clock.rules_version for clock in found.clocks)} == {omnibus.version}
    assert omnibus.version != LAW.version
    assert omnibus.version.startswith("2026-11-24.")


@pytest.mark.parametrize("name", ["limits", "authorities", "severity", "countries"])
def test_any_change_of_any_rule_data_is_another_version(tmp_path, name):
    assert read_law(folder(tmp_path, **{name: ours(f"{name}.toml") + "\n"})).version != LAW.version


def test_the_same_data_is_the_same_version(tmp_path):
    assert read_law(folder(tmp_path, limits=ours("limits.toml"))).version == LAW.version
    assert read_law(tmp_path / "nothing here").version == LAW.version


# --- the schema ---


def refused(tmp_path, **files):
    with pytest.raises(RuleDataFault) as fault:
        read_law(folder(tmp_path, **files))
    return fault.value.faults


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ("hours = 72", "hours"),
        ('threshold = "risk"', "threshold"),
        ('kind = "authority_notification"', "kind"),
        ('regime = "gdpr"', "regime"),
        ("valid_from = 2018-05-25", "valid_from"),
        ('provision = "GDPR art. 33(1)"', "provision"),
    ],
)
def test_a_row_with_a_word_that_means_nothing_is_refused_by_file_row_and_member(tmp_path, wrong, named):
    key = wrong.partition(" ")[0]
    text = ours("limits.toml").replace(
        wrong, f'{key} = "someday"' if key != "provision" else f'{key} = ""', 1
    )

    assert any(
        fault.startswith(f"limits.toml: limit 1: {named}: ") for fault in refused(tmp_path, limits=text)
    )


@pytest.mark.parametrize("member", ["source", "certainty", "checked", "valid_from", "provision"])
def test_no_row_goes_without_its_source_or_the_day_it_was_checked(tmp_path, member):
    lines = ours("limits.toml").splitlines()
    lines.remove(next(line for line in lines if line.startswith(f"{member} = ")))

    assert refused(tmp_path, limits="\n".join(lines))[0].startswith(f"limits.toml: limit 1: {member}: ")


@pytest.mark.parametrize(
    ("first_ends", "said"),
    [
        ("", "two rows hold on 2028-01-01"),
        ("valid_to = 2028-01-01\n", "two rows hold on 2028-01-01"),
        ("valid_to = 2027-12-30\n", "no row holds from 2027-12-31 to 2027-12-31"),
        ("valid_to = 2017-12-31\n", "ends before it begins"),
    ],
)
def test_rows_of_one_series_follow_each_other_day_by_day(tmp_path, first_ends, said):
    text = ours("limits.toml").replace(ROW, ROW + first_ends) + OMNIBUS

    assert any(said in fault for fault in refused(tmp_path, limits=text))


def test_a_series_does_not_end_with_nothing_after_it(tmp_path):
    assert refused(tmp_path, limits=closed(ours("limits.toml"))) == (
        "limits.toml: authority_notification of gdpr: no row holds after 2027-12-31",
    )


def test_every_fault_of_the_data_is_named_at_once(tmp_path):
    limits = ours("limits.toml").replace("hours = 72", "hours = -1") + '[[limitation]]\nkind = "triage"\n'
    authorities = ours("authorities.toml").replace('key = "dk-datatilsynet"', 'key = "Datatilsynet"')

    told = "\n".join(refused(tmp_path, limits=limits, authorities=authorities))

    assert all(
        part in told
        for part in ("limit 1: hours", "limit 2: hours", "limitation", "authorities.toml: authority 7: key")
    )


@pytest.mark.parametrize("text", ["", "limit = 3\n", "[[limit]\n", "[[limit]]\n"])
def test_data_without_the_duties_or_that_is_no_data_is_refused(tmp_path, text):
    assert refused(tmp_path, limits=text)


def test_a_territory_answers_to_a_country_that_has_an_authority(tmp_path):
    text = ours("authorities.toml").replace('answers_to = "NO"', 'answers_to = "US"')

    assert refused(tmp_path, authorities=text) == (
        "authorities.toml: territory SJ answers to US, which has no authority",
    )


def test_every_row_says_where_it_was_read_how_sure_it_is_and_when_it_was_checked():
    rows = [
        row
        for series in (LAW.limits, LAW.memberships, LAW.territories, LAW.regional)
        for each in series.values()
        for row in each
    ]

    assert len(rows) > 60
    assert all(row.source and row.certainty and row.checked <= NOW.date() for row in rows)
