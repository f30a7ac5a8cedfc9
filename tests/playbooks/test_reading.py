"""A playbook is read whole or refused with file and line of every fault."""

from datetime import timedelta

import pytest

from playbooks import library
from playbooks.rules.definition import Action, Anchor
from playbooks.rules.reading import DefinitionError, read

HEAD = """\
key = "lost_laptop"
title = "A laptop is lost"
purpose = "Find it or wipe it."
source = "Art. 33"
"""
STEP = """
[[steps]]
key = "wipe"
title = "Wipe it"
role = "responder"
anchor = "reported"
offset = "+4h"
done_when = "It is wiped."
source = "Art. 32"
"""


def faults(text):
    with pytest.raises(DefinitionError) as refused:
        read(text, "lost_laptop.toml")
    return str(refused.value).splitlines()


def line_of(text, part):
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.mark.parametrize(
    ("instead", "says"),
    [
        ('role = "janitor"', "role is 'janitor', not one of"),
        ('anchor = "yesterday"', "anchor is 'yesterday', not one of"),
        ('offset = "soon"', "offset: 'soon' is no span of time"),
        ("offset = 4", "offset must be text"),
        ('action = "shout"', "action is 'shout'"),
        ('remainders = ["-1h"]', "remainders is not a word of playbooks"),
        ('reminders = ["+1h"]', "reminders lie before"),
        ('reminders = ["-1h", "-60min"]', "the same span stands there twice"),
        ('reminders = "-1h"', "reminders must be a list of texts"),
        ('page_from = "-1h"', "page_from must be one of the step's reminders"),
        ('overdue_every = "PT1M"', "overdue_every must be 15 minutes or more"),
        ('done_by = ["incident.confirmd"]', "'incident.confirmd' never happens"),
        ('only_if = [{ fact = "weather", equals = "bad" }]', "'weather' is no fact it may ask"),
        ('only_if = [{ fact = "timeline.ongoing", equals = "maybe" }]', "timeline.ongoing is never 'maybe'"),
        ('only_if = [{ fact = "timeline.ongoing", equals = "unknown" }]', "is never 'unknown'"),
        ('only_if = [{ fact = "timeline.ongoing", above = "yes" }]', "only_if: write"),
        ('only_if = [{ fact = ["timeline"], equals = "yes" }]', "is no fact it may ask"),
        ('key = "Wipe It"', "must be 2 to 40 of a-z"),
        ('title = ""', "title must be text"),
    ],
)  # fmt: skip
def test_a_fault_in_a_step_is_named_with_its_line(instead, says):
    name = instead.partition(" ")[0]
    kept = "\n".join(line for line in STEP.splitlines() if not line.startswith(f"{name} ="))
    text = HEAD + STEP.replace("wipe", "lock").replace("Wipe", "Lock") + kept + "\n" + instead + "\n"

    [fault] = faults(text)

    assert fault.startswith(f"lost_laptop.toml:{len(text.splitlines())}: ")
    assert says in fault


def test_a_step_after_the_dutys_deadline_is_refused():
    text = HEAD + STEP.replace('"reported"', '"due"')

    [fault] = faults(text)

    assert fault.startswith(f"lost_laptop.toml:{line_of(text, 'offset')}: offset lies after the deadline")


def test_every_fault_is_named_at_once_in_the_order_of_lines():
    text = (
        HEAD.replace("title", "titel") + STEP.replace("responder", "chef").replace("reported", "noon") + STEP
    )

    told = faults(text)

    assert [fault.split(":")[1] for fault in told] == ["1", "2", "9", "10", "16"]
    assert "two steps have the key 'wipe'" in told[-1]


def test_a_missing_word_is_told_at_the_step_that_lacks_it():
    text = HEAD + STEP + STEP.replace("wipe", "lock").replace('offset = "+4h"\n', "")

    [fault] = faults(text)

    assert fault.startswith("lost_laptop.toml:15: offset is missing")


def test_text_that_is_no_toml_is_refused_with_its_line():
    assert faults(HEAD + "steps = [\n[[")[0].startswith("lost_laptop.toml:6: not TOML")


def test_a_playbook_without_steps_is_refused():
    assert faults(HEAD) == ["lost_laptop.toml:1: a playbook needs at least one [[steps]]"]


def test_only_a_certain_answer_rules_a_step_out():
    text = HEAD + STEP + 'only_if = [{ fact = "timeline.ongoing", equals = "yes" }]\n'
    [step] = read(text, "x").steps

    given = [{}, {"timeline": {}}, {"timeline": {"ongoing": "unknown"}}, {"timeline": "?"},
             {"timeline": {"ongoing": "yes"}}, {"timeline": {"ongoing": "no"}}]  # fmt: skip

    assert [step.applies(facts) for facts in given] == [True, True, True, True, True, False]


def test_another_wording_has_another_hash():
    assert read(HEAD + STEP, "x").hash != read(HEAD + STEP + "# a thought\n", "x").hash


@pytest.mark.parametrize("key", library.names())
def test_every_playbook_of_the_library_is_sound_and_named_like_its_file(key):
    assert library.playbook(key).key == key


@pytest.mark.parametrize("key", library.names())
def test_every_step_that_nobody_finishes_is_spoken_of(key):
    silent = [
        step.key
        for step in library.playbook(key).steps
        if step.action is Action.NONE and not step.reminders and step.overdue_every is None
        if (step.anchor, step.offset) != (Anchor.DUE, timedelta())  # its duty's own ladder speaks of it
    ]

    assert silent == []


def test_an_unknown_playbook_is_refused_with_those_there_are():
    with pytest.raises(KeyError, match="processor_breach"):
        library.playbook("earthquake")


def test_a_processors_report_pages_at_once_and_is_triaged_in_four_hours_and_confirmed_in_a_day():
    steps = {step.key: step for step in library.playbook("processor_breach").steps}
    hours = {key: step.offset.total_seconds() / 3600 for key, step in steps.items()}

    assert steps["reach_on_call"].action is Action.PAGE
    assert {steps[key].anchor for key in ("reach_on_call", "triage", "confirm")} == {Anchor.REPORTED}
    assert (hours["reach_on_call"], hours["triage"], hours["confirm"]) == (0, 4, 24)


@pytest.mark.parametrize(
    ("key", "step"), [("authority_notification", "file"), ("subject_communication", "send_by_deadline")]
)
def test_a_deadline_is_reminded_of_by_its_duty_and_not_a_second_time_here(key, step):
    found = read((library.FOLDER / f"{key}.toml").read_text(), key).step(step)

    assert (found.reminders, found.overdue_every, found.action) == ((), None, Action.NONE)
