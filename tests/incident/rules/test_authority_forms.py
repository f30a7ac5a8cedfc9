"""What an authority's form asks of whom: nothing hides because nobody has looked, nothing unknown gets in."""

from datetime import UTC, date, datetime
from importlib import resources

import pytest

from incident.authorities import all_authorities
from incident.authorities.forms import COMMON, NORMAL, all_forms, form_for, form_of, normal_form, read_forms
from incident.rules.dated import RuleDataFault
from incident.rules.form_answers import computed, parts_of
from incident.rules.form_conditions import Condition
from incident.rules.forms import (
    WORDS,
    FormField,
    Misfit,
    boxes,
    faults,
    is_required,
    is_shown,
    missing,
    ticked,
)

TODAY = date(2026, 11, 28)
FORMS = [form for versions in all_forms().values() for form in versions]
# The rows of the EDPB's template, version 1.0, that its column calls mandatory.
ALWAYS = {
    3, 4, 12, 13, 21, 22, 23, 29, 30, 31, 38, 39, 40, 41, 44, 48, 50, 51, 55, 60, 61, 62, 63, 65, 66, 67,
    70, 71, 72, 73, 75, 76, 85, 87, 89, 90, 92, 94, 95, 97, 113, 120,
}  # fmt: skip
FORM = """
key = "xx-authority"
name = "A form"
language = "en"
version = "1"
valid_from = 2018-05-25
source = "made up"
certainty = "low"
checked = 2026-11-28

[[sections]]
key = "1"
label = "All of it"

[[sections.fields]]
key = "when"
label = "When did it begin?"
wording = "proposed"
certainty = "low"
kind = "datetime"
answers = ["timeline.started_at", "timeline.occurrence_mode"]
required = "always"

[[sections.fields]]
key = "cause"
label = "What was the cause?"
wording = "proposed"
certainty = "low"
kind = "enum"
answers = ["nature.cause_class"]
required = "when"
shown = { all = [{ at = "nature.cia", is = ["integrity"] }, { at = "notification.type", is = ["new"] }] }
longest = 40
options = [
  { code = "unknown", label = "Not known", wording = "proposed" },
  { code = "tbd", label = "To be found out", wording = "proposed", only_incomplete = true },
]
"""


def field(key, form=COMMON):
    return next(each for each in form_of(form, TODAY).fields() if each.key == key)


def read(folder, *texts):
    for number, text in enumerate(texts):
        (folder / f"{number}.toml").write_text(text, "utf-8")
    return read_forms(folder)


def refused(folder, *texts):
    with pytest.raises(RuleDataFault) as fault:
        read(folder, *texts)
    return "\n".join(fault.value.faults)


# --- what is held -------------------------------------------------------------------------------------------


def test_every_form_is_that_of_an_authority_with_data_or_the_common_one():
    assert set(all_forms()) - {COMMON} <= {each.key for each in all_authorities()}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form.key} {form.version}")
def test_each_path_and_each_code_that_a_form_names_is_in_the_normal_form(form):
    assert list(normal_form().strangers(form)) == []


def test_the_common_template_always_requires_42_of_its_100_rows():
    rows = form_of(COMMON, TODAY).fields()

    assert len(rows) == 100
    assert {each.number for each in rows if each.required == "always"} == ALWAYS
    assert len(ALWAYS) == 42


def test_every_form_asks_who_is_late_for_the_reasons_and_nobody_else():
    late = {"notification.late": "yes", "notification.type": "new"}

    for form in FORMS:
        asking = [each for each in form.fields() if "timeline.delay_reasons" in each.answers]
        assert [is_required(each, late) for each in asking] == [True], form.key
        assert not is_shown(asking[0], late | {"notification.late": "no"}), form.key


# --- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ('"nature.cause_class"]', '"nature.cause"]', "xx-authority cause: there is no path nature.cause"),
        ('at = "nature.cia"', 'at = "nature.all"', "xx-authority cause: there is no path nature.all"),
        ("longest = 40", 'other = "nature.else"', "xx-authority cause: there is no path nature.else"),
        ('"nature.cause_class"]', '"timeline.awareness_basis"]', "timeline.awareness_basis is internal"),
        ('"nature.cause_class"]', '"notification.late"]', "there is no path notification.late"),
        ('code = "tbd"', 'code = "later"', "xx-authority cause: nature.cause_class has no code later"),
        ('is = ["integrity"]', 'is = ["truth"]', "xx-authority cause: nature.cia has no code truth"),
        ('code = "tbd"', 'code = "unknown"', "the options unknown stand there twice"),
        ('key = "cause"', 'key = "when"', "the keys when stand there twice"),
        ("longest = 40", "shortest = 40", "shortest"),
        ('is = ["integrity"]', 'is = ["integrity"], known = true', "one of is, not and known"),
        ('is = ["integrity"]', "is = []", "at least 1 item"),
        ("{ all = [", "{ any = [], all = [", "at least 1 item"),
        ("{ all = [", '{ at = "nature.cia", all = [', "one of all, any and at"),
    ],
)
def test_a_form_that_cannot_be_relied_on_is_refused_and_the_fault_is_named(tmp_path, before, after, named):
    text = FORM.replace(before, after)
    assert text != FORM

    assert named in refused(tmp_path, text)


def test_every_fault_of_every_file_is_named_at_once(tmp_path):
    one = FORM.replace('code = "tbd"', 'code = "later"')
    other = FORM.replace("xx-authority", "yy-authority").replace('"nature.cia"', '"nature.all"')
    told = refused(tmp_path, one, other, FORM.replace('kind = "enum"', 'kind = "riddle"'))

    assert "has no code later" in told
    assert "no path nature.all" in told
    assert "2.toml" in told


# --- versions -----------------------------------------------------------------------------------------------

EARLIER = FORM.replace("valid_from = 2018-05-25", "valid_from = 2018-05-25\nvalid_to = 2026-12-31")
LATER = FORM.replace("2018-05-25", "2027-01-01").replace('version = "1"', 'version = "2"')


def test_the_version_in_use_is_the_one_of_the_day(tmp_path, monkeypatch):
    forms = read(tmp_path, LATER, EARLIER)
    monkeypatch.setattr("incident.authorities.forms.all_forms", lambda: forms)

    days = [date(2018, 5, 25), date(2026, 12, 31), date(2027, 1, 1), date(2040, 1, 1)]
    assert [form_of("xx-authority", day).version for day in days] == ["1", "1", "2", "2"]
    assert form_of("xx-authority", date(2018, 5, 24)) is None
    assert form_of("zz-authority", TODAY) is None


def test_an_authority_without_a_form_of_its_own_is_told_in_the_common_one():
    assert form_for("de-berlin", TODAY).key == COMMON
    assert form_for("de-berlin", date(2020, 1, 1)).key == COMMON
    assert form_for("se-imy", TODAY).key == "se-imy"


def test_a_gap_and_an_overlap_between_two_versions_are_refused(tmp_path):
    assert "no row holds from 2027-01-01 to 2027-01-31" in refused(
        tmp_path, EARLIER, LATER.replace("valid_from = 2027-01-01", "valid_from = 2027-02-01")
    )
    assert "two rows hold on 2027-01-01" in refused(tmp_path, FORM, LATER)
    assert "ends before it begins" in refused(tmp_path, EARLIER.replace("valid_to = 2026", "valid_to = 2016"))


def test_a_form_may_end_for_good(tmp_path):
    assert [each.version for each in read(tmp_path, EARLIER)["xx-authority"]] == ["1"]


# --- conditions ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [None, "", "  ", [], ()])
def test_a_condition_on_something_not_known_shows_the_field_and_requires_it(answer):
    confidentiality = field("R56")  # shown for breaches of confidentiality

    assert is_shown(confidentiality, {"nature.cia": answer})
    assert is_required(confidentiality, {"nature.cia": answer})
    assert is_required(confidentiality, {})
    assert not is_shown(confidentiality, {"nature.cia": ["integrity", "availability"]})
    assert is_shown(confidentiality, {"nature.cia": ["availability", "confidentiality"]})


YES, NO, OPEN = {"known": True, "at": "yes"}, {"known": True, "at": "no"}, {"at": "open", "is": ["a"]}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"all": [YES, OPEN]}, None),
        ({"all": [NO, OPEN]}, False),
        ({"all": [YES, YES]}, True),
        ({"any": [NO, OPEN]}, None),
        ({"any": [YES, OPEN]}, True),
        ({"any": [NO, NO]}, False),
        ({"any": [{"all": [NO, OPEN]}, {"all": [YES, OPEN]}]}, None),
        ({"at": "open", "not": ["a"]}, None),
        ({"at": "open", "known": False}, True),
        ({"at": "yes", "is": ["yes"]}, True),
        ({"at": "yes", "not": ["yes"]}, False),
        ({"at": "false", "is": ["no"]}, True),
        ({"at": "false", "known": True}, True),
        ({"at": "nought", "known": True}, True),
        ({"at": "nought", "is": ["0"]}, True),
        ({"at": "several", "is": ["a", "z"]}, True),
        ({"at": "several", "not": ["a", "z"]}, False),
        ({"at": "several", "not": ["z"]}, True),
    ],
)
def test_what_is_not_known_decides_nothing_that_the_rest_does_not_decide(condition, holds):
    answers = {"yes": True, "false": False, "nought": 0, "several": ["a", "b"], "no": None}

    assert Condition.model_validate(condition).holds(answers) is holds


def test_what_is_hidden_is_never_required_even_where_it_always_is():
    name = field("R30")  # the name of the data protection officer

    assert name.required == "always"
    assert is_required(name, {"dpo.designated": True, "reporter.is_dpo": "no"})
    assert not is_required(name, {"dpo.designated": False, "reporter.is_dpo": "no"})
    assert not is_required(name, {"reporter.is_dpo": True})


# --- what is missing ----------------------------------------------------------------------------------------


def keys(form, answers):
    return [each.key for each in missing(form, answers)]


def test_of_an_empty_form_every_field_that_nothing_hides_is_missing():
    for form in FORMS:
        required = [each for each in form.fields() if is_required(each, {})]
        assert list(missing(form, {})) == required, form.key
        assert all(each.answers for each in required), form.key


def test_no_and_nought_are_answers_and_an_empty_text_is_none():
    form = form_of(COMMON, TODAY)

    assert "R29" not in keys(form, {"dpo.designated": False})
    assert "R68" in keys(form, {"subjects.count_mode": "exact"})
    assert "R68" not in keys(form, {"subjects.count_mode": "exact", "subjects.count": 0})
    assert "R12" in keys(form, {"controller.name": " "})
    assert "R55" in keys(form, {"nature.cia": []})


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        ({"timeline.started_at": datetime(2026, 11, 20, tzinfo=UTC)}, False),
        ({"timeline.occurrence_mode": "undeterminable"}, False),
        ({"timeline.occurrence_mode": "specific_day"}, True),
        ({"timeline.dates_estimated": True}, True),
        ({"timeline.occurrence_mode": "tbd"}, True),
        ({"timeline.occurrence_mode": "tbd", "notification.completeness": "complete"}, True),
        ({"timeline.occurrence_mode": "tbd", "notification.completeness": "incomplete"}, False),
    ],
)
def test_a_time_is_answered_by_the_word_that_there_is_none_and_by_no_other(answers, asked):
    assert ("Q12" in keys(form_of("se-imy", TODAY), answers)) is asked


def test_one_way_to_reach_somebody_is_enough_but_a_choice_needs_its_own_answer():
    assert "R22" not in keys(form_of(COMMON, TODAY), {"reporter.phone": "+45 11111111"})
    assert "no-B1" in keys(form_of("no-datatilsynet", TODAY), {"nature.cause_class": "external_malicious"})


# --- what follows from other answers ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ({}, {}),
        ({"reporter.function": "dpo"}, {"reporter.is_dpo": True}),
        ({"reporter.function": "legal_representative"}, {"reporter.is_dpo": False}),
        ({"cross_border.is_cross_border": "unknown"}, {}),
        ({"cross_border.is_cross_border": "no"}, {"cross_border.is": "no"}),
        ({"cross_border.affected_countries": ["DK"]}, {}),
        ({"cross_border.affected_countries": ["DK"], "controller.country": "DK"}, {}),
        (
            {
                "cross_border.is_cross_border": "no", "controller.country": "DK",
                "cross_border.affected_countries": ["DK", "GB"],
            },
            {"cross_border.is": "yes"},
        ),
    ],
)  # fmt: skip
def test_what_conditions_ask_follows_from_the_answers_and_is_open_with_them(answers, found):
    assert computed(answers) == found


# --- which answers fit --------------------------------------------------------------------------------------


def test_to_be_determined_is_taken_only_while_the_notification_is_incomplete():
    for form in FORMS:
        for each in form.fields():
            for option in each.options:
                told = option.says_besides()
                for code in option.codes():
                    whole = faults(each, code, incomplete=False, answers=told)
                    assert whole == ((Misfit("only_incomplete", code),) if option.only_incomplete else ())
                    assert faults(each, code, incomplete=True, answers=told) == ()

    assert faults(field("R44"), "tbd", incomplete=False) == (Misfit("only_incomplete", "tbd"),)


def test_an_option_that_the_form_has_not_is_told():
    assert faults(field("R55"), ["integrity", "beauty"], incomplete=True) == (
        Misfit("unknown_option", "beauty"),
    )
    assert faults(field("C7", "gb-ico"), answer=True, incomplete=False) == ()
    assert faults(field("R55"), None, incomplete=False) == ()


def test_each_code_of_a_choice_has_its_box_or_is_named_as_having_none():
    told = {each.path: each for each in normal_form().paths}
    for form in FORMS:
        for each in form.fields():
            if each.options:
                asked = told[each.answers[0]]
                known = {code for option in each.options for code in option.codes()} | set(each.without)
                assert known == set(asked.codes or WORDS[asked.kind]), f"{form.key} {each.key}"


def test_a_code_without_a_box_is_told_and_never_ticks_another():
    told = field("Q31", "se-imy")

    assert faults(told, "already_aware", incomplete=True) == (Misfit("no_box", "already_aware"),)
    assert ticked(told, "already_aware", {}) == ()


def test_several_codes_tick_one_box_and_it_is_offered_once():
    groups = field("R65")
    names = [each.label for each in ticked(groups, ["prospects", "customers", "members"], {})]

    assert names == ["Customers (current and prospects)", groups.options[9].label]
    assert len({each.label for each in boxes(field("dk-H1", "dk-datatilsynet"), {})}) == 3
    assert len(boxes(field("dk-H1", "dk-datatilsynet"), {})) == 3


def test_an_earlier_notification_can_be_taken_back_and_a_first_one_cannot():
    kind = field("R4")

    def codes(answers):
        return [each.code for each in boxes(kind, answers)]

    assert codes({"notification.type": "new"}) == ["complete", "incomplete"]
    assert codes({"notification.type": "follow_up"}) == ["complete", "incomplete", "withdraw"]
    assert faults(kind, "withdraw", incomplete=True, answers={"notification.type": "new"}) == (
        Misfit("not_offered", "withdraw"),
    )


def test_which_of_several_boxes_is_meant_is_asked_until_it_is_said():
    kind, lost = field("Q15", "se-imy"), "device_lost_stolen"

    assert faults(kind, lost, incomplete=False) == (Misfit("several_boxes", lost),)
    assert [each.label for each in ticked(kind, lost, {"nature.stolen": "yes"})] == ["Stöld"]
    assert faults(kind, lost, incomplete=False, answers={"nature.stolen": "no"}) == ()
    stolen = next(each for each in kind.options if each.label == "Stöld")
    assert stolen.says_besides() == {"nature.stolen": "yes"}


def test_whether_others_were_part_of_it_must_be_said_and_each_is_named():
    form = form_of(COMMON, TODAY)
    named = {"role": "processor", "name": "Nordlys Hosting"}

    assert {"R38", "R39", "R40", "R41"} <= set(keys(form, {}))
    assert not {"R38", "R39", "R40", "R41"} & set(keys(form, {"parties.any": False}))
    answers = {"parties.any": True, "parties": [named, {"role": "sub_processor"}]}
    assert {"R40", "R41"} <= set(keys(form, answers))
    assert "R39" not in keys(form, answers)
    assert parts_of(answers["parties"], "name") == ("Nordlys Hosting", "")


def test_the_number_of_a_sole_trader_is_not_asked_where_it_is_a_personal_one():
    number = field("Q2", "se-imy")

    assert is_required(number, {})
    assert is_required(number, {"controller.is_sole_trader": False})
    assert not is_shown(number, {"controller.is_sole_trader": True})


def test_where_a_follow_up_gives_changes_alone_what_was_filed_is_not_asked_again():
    follow_up = {"notification.type": "follow_up", "cross_border.is": "no"}

    assert keys(form_of("se-imy", TODAY), follow_up) == ["K1", "K2", "Q37"]
    assert "dk-D2" in keys(form_of("dk-datatilsynet", TODAY), follow_up)


def test_a_text_may_be_as_long_as_the_form_takes_and_not_a_character_longer():
    told = field("R62").model_dump(by_alias=True) | {"longest": 4000}
    short = FormField.model_validate(told)

    assert faults(short, "å" * 4000, incomplete=False) == ()
    assert faults(short, "å" * 4001, incomplete=False) == (Misfit("too_long", longest=4000),)


def test_the_normal_form_is_no_form_and_lies_with_them():
    assert (resources.files("incident.authorities.forms") / NORMAL).is_file()
    assert len(normal_form().paths) == 153
