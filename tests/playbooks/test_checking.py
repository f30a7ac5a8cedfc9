"""A playbook that could be read and makes no sense is refused, with file and line."""

import json

import pytest

from incident.rules import vocabulary
from incident.rules.facts import Facts
from playbooks import library
from playbooks.rules import facts
from playbooks.rules.reading import DefinitionError, read

HEAD = """\
key = "flood"
title = "The cellar is under water"
purpose = "Save the files."
source = "Art. 32"
window = "PT72H"
"""
STEP = """
[[steps]]
key = "pump"
title = "Pump it out"
role = "it"
anchor = "reported"
offset = "+4h"
done_when = "It is dry."
source = "Art. 32"
"""


def faults(text):
    with pytest.raises(DefinitionError) as refused:
        read(text, "flood.toml")
    return str(refused.value).splitlines()


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (['anchor = "aware"', 'offset = "PT73H"'], "offset lies after the duty, PT72H after awareness"),
        (['anchor = "due"', 'offset = "-73h"'], "offset lies before the duty begins"),
        (['anchor = "due"', 'offset = "-48h"', 'reminders = ["-25h"]'], "-PT25H falls before the duty"),
        (['reminders = ["-5h"]'], "-PT5H falls PT1H before reported"),
        (['offset = "-1h"'], "offset lies before reported"),
        (['evidence = "A photograph."', 'done_by = ["incident.confirmed"]'], "done_by is never reached"),
        (["approval = true", 'done_by = ["incident.confirmed"]'], "asks for approval is completed by"),
        (['done_by = ["page.acknowledged"]'], "no step of this playbook pages anybody"),
        (['gate = "closing"', 'done_by = ["incident.closed"]'], "this very step is a gate"),
        (['gate = "lunch"'], "gate is 'lunch', not one of closing"),
        (['approval = "yes"'], "approval must be true or false"),
        (['evidence = ""'], "evidence must be text"),
        (['only_if = [{ fact = "cause.knid", equals = "outage" }]'], "did you mean 'cause.kind'?"),
        (['only_if = [{ fact = "kind", equals = "outage" }]'], "did you mean 'cause.kind'?"),
        (['only_if = [{ fact = "data.categories", equals = "health" }]'], "rules nothing out"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_named_with_the_line_it_stands_on(lines, says):
    names = [line.partition(" ")[0] for line in lines]
    kept = [line for line in STEP.splitlines() if line.partition(" ")[0] not in names]
    text = HEAD + "\n".join(kept + lines)

    [fault] = faults(text)

    place, _, message = fault.partition(": ")
    number = int(place.removeprefix("flood.toml:"))
    assert says in message
    assert text.splitlines()[number - 1].partition(" ")[0] in names


def test_the_line_of_a_condition_among_several_is_its_own():
    asked = ['{ fact = "timeline.ongoing", equals = "yes" },', '{ fact = "wether", equals = "x" },']
    text = HEAD + STEP + "\n".join(["only_if = [", *asked, "]\n"])

    [fault] = faults(text)

    assert fault.startswith(f"flood.toml:{len(text.splitlines()) - 1}: only_if: 'wether' is no fact")


def test_two_steps_of_one_title_are_refused():
    text = HEAD + STEP + STEP.replace('key = "pump"', 'key = "bail"').replace("Pump", "pump")

    [fault] = faults(text)

    assert fault.startswith("flood.toml:18: two steps have the title 'pump it out'")


def test_what_leads_to_a_notification_needs_a_window_to_be_held_against():
    text = HEAD.replace('window = "PT72H"\n', "") + STEP + 'done_by = ["assessment.recorded"]\n'

    [fault] = faults(text)

    assert fault.startswith(f"flood.toml:{len(text.splitlines())}: window is missing")


def test_a_text_that_runs_is_not_held_to_rules_that_came_later():
    text = HEAD + STEP.replace("+4h", "PT99H")

    assert library.pinned(text).step("pump").offset.total_seconds() == 99 * 3600


def test_a_playbook_starts_only_by_what_the_facts_say_for_sure():
    first, second = '{ fact = "cause.kind", not = "outage" }', '{ fact = "data.categories", in = ["health"] }'
    book = read(f"{HEAD}starts_with = [{first}, {second}]\n{STEP}", "x")
    health, more = {"categories": ["health"]}, {"categories": ["name", "health"]}

    told = [{}, {"cause": {"kind": "other"}}, {"cause": {"kind": "unknown"}, "data": health},
            {"cause": {"kind": "outage"}, "data": health},
            {"cause": {"kind": "other"}, "data": more}]  # fmt: skip

    assert [book.fits(each) for each in told] == [False, False, False, False, True]


def test_conditions_know_the_words_of_the_facts_and_no_others():
    assert facts.FACTS["cause.kind"] | {"unknown"} == set(vocabulary.CauseKind.__args__)
    assert facts.FACTS["data.categories"] | {"unspecified"} == set(vocabulary.DataCategory.__args__)
    assert facts.FACTS["subjects.groups"] | {"unknown"} == set(vocabulary.SubjectGroup.__args__)
    for name, answers in facts.FACTS.items():
        for answer in answers:
            value = [answer] if name in facts.LISTS else answer
            document = {name: value}
            for part in reversed(name.split(".")):
                document = {part: value}
                value = document
            Facts.model_validate_json(json.dumps(document))


SPECIAL = [key for key in library.names() if library.playbook(key).starts_with]


@pytest.mark.parametrize("key", SPECIAL)
def test_what_starts_beside_the_general_playbook_holds_nothing_that_one_has(key):
    general = [library.playbook(name) for name in ("personal_data_breach", "processor_breach")]
    titles = {step.title for book in general for step in book.steps}

    book = library.playbook(key)

    assert not titles & {step.title for step in book.steps}
    assert not [step.key for step in book.steps if step.action == "page"]
    assert set(book.ended_by) == {"incident.rejected", "incident.closed"}


def test_the_library_has_a_playbook_for_each_kind_of_breach():
    assert SPECIAL == ["account_compromise", "lost_device", "ransomware", "unavailability", "wrong_recipient"]
    assert library.playbook("ransomware").step("test_backup").approval
    assert "SHA-256" in library.playbook("ransomware").step("image").evidence


def test_whoever_is_the_processor_has_no_step_towards_an_authority():
    events = {event for step in library.playbook("we_are_processor").steps for event in step.done_by}

    assert not [event for event in events if event.startswith(("authority.", "assessment.", "decision."))]
