"""Playbooks go out as CACAO 2.0 and come back, and others' come in for a person to go over."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from playbooks import cli, library
from playbooks.rules.cacao import reading, writing
from playbooks.rules.reading import read

AT = datetime(2026, 10, 2, 3, 0, 0, 123456, tzinfo=UTC)
SCHEMA = Draft202012Validator(
    json.loads(Path(__file__).with_name("cacao.schema.json").read_text(encoding="utf-8"))
)


def written(key):
    """As another program gets it: through JSON."""
    return json.loads(json.dumps(writing.write(library.playbook(key), created=AT, modified=AT)))


def uid(kind, name):
    return f"{kind}--{uuid5(NAMESPACE_URL, kind + name)}"


def foreign(**changes):
    """A playbook by somebody else: two commands for machines in a loop, a choice, and a step for people."""
    start, block, ask, tell, end = (
        uid("start", "s"), uid("action", "block"), uid("if-condition", "ask"), uid("action", "tell"),
        uid("end", "e"),
    )  # fmt: skip
    return {
        "type": "playbook", "spec_version": "cacao-2.0", "id": uid("playbook", "p"),
        "name": "Phishing: reset & tell",
        "created_by": uid("identity", "them"), "created": "2024-01-01T00:00:00.000Z",
        "modified": "2024-01-01T00:00:00.000Z", "workflow_start": start,
        "workflow": {
            start: {"type": "start", "on_completion": block},
            tell: {
                "type": "action", "name": 'Tell the "owner" — æøå', "agent": uid("group", "soc"),
                "commands": [{"type": "manual", "command": "Telephone.\nThen write."}], "on_completion": end,
            },
            block: {
                "type": "action", "name": "Block the sender", "agent": uid("group", "soc"),
                "commands": [{"type": "bash", "command": "rm -rf /"}, {"type": "ssh", "command": "reboot"}],
                "on_success": ask, "on_failure": block,
            },
            ask: {"type": "if-condition", "condition": "__x__:value = 'y'", "on_true": tell, "on_false": end},
            end: {"type": "end"},
        },
    } | changes  # fmt: skip


@pytest.mark.parametrize("key", library.names())
def test_every_playbook_is_written_as_the_specification_wants_it(key):
    document = written(key)

    assert [f"{list(fault.absolute_path)}: {fault.message}" for fault in SCHEMA.iter_errors(document)] == []
    steps = document["workflow"]
    named = [to for step in steps.values() for to in reading._next(step)]
    assert {document["workflow_start"], *named} == set(steps)  # none leads nowhere, none stands alone
    agents = {step["agent"] for step in steps.values() if step["type"] == "action"}
    assert agents == set(document["agent_definitions"])


@pytest.mark.parametrize("key", library.names())
def test_what_was_written_comes_back_as_it_was(key):
    ours = library.playbook(key)

    found = reading.bring_in(written(key))

    assert found.remarks == ()
    assert replace(read(found.text, "back"), text="") == replace(ours, text="")


def test_the_same_playbook_keeps_its_identity_and_is_told_by_its_time():
    ours = library.playbook("ransomware")

    first = writing.write(ours, created=AT, modified=AT)
    later = writing.write(ours, created=AT, modified=AT + timedelta(days=1))

    assert first["id"] == later["id"]
    assert (first["modified"], later["modified"]) == ("2026-10-02T03:00:00.123Z", "2026-10-03T03:00:00.123Z")
    assert first | {"modified": ""} == later | {"modified": ""}


def test_a_change_made_elsewhere_is_what_comes_back():
    document = written("ransomware")
    action = next(step for step in document["workflow"].values() if step["type"] == "action")
    action["name"], action["commands"][0]["command"] = "Pull the plug", "The plug is out."

    back = read(reading.bring_in(document).text, "back")

    assert (back.steps[0].title, back.steps[0].done_when) == ("Pull the plug", "The plug is out.")
    assert back.steps[0].evidence == library.playbook("ransomware").steps[0].evidence


def test_a_change_that_makes_no_sense_comes_in_as_text_with_what_is_wrong():
    document = written("authority_notification")
    extension = next(iter(document["playbook_extensions"]))
    action = next(step for step in document["workflow"].values() if step["type"] == "action")
    action["step_extensions"][extension]["offset"] = "P1M"

    found = reading.bring_in(document)

    assert "P1M" in found.text
    assert any("P1M" in remark for remark in found.remarks)


def test_of_somebody_elses_the_steps_come_in_and_no_machine_runs_anything():
    found = reading.bring_in(foreign())

    book = read(found.text, "theirs")
    assert [(step.title, step.role) for step in book.steps] == [
        ("Block the sender", "on_call"), ('Tell the "owner" — æøå', "on_call"),
    ]  # fmt: skip
    assert book.steps[1].done_when == "Telephone. Then write."
    assert {step.action for step in book.steps} == {"none"}
    told = " ".join(found.remarks)
    assert "no due times" in told
    assert "2 commands for machines" in told
    assert "1 if-condition" in told
    assert all(f"# {remark}" in found.text for remark in found.remarks)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"type": "bundle"}, "/type"),
        ({"spec_version": "cacao-1.1"}, "/spec_version"),
        ({"name": " "}, "/name"),
        ({"id": "playbook--1"}, "/id"),
        ({"created": "yesterday"}, "/created"),
        ({"workflow": []}, "/workflow"),
        ({"workflow": {}}, "/workflow"),
        ({"workflow_start": uid("action", "block")}, "/workflow_start"),
    ],
)
def test_what_is_no_such_playbook_is_refused_by_pointer(change, pointer):
    with pytest.raises(reading.NotCacao) as refused:
        reading.bring_in(foreign(**change))

    assert pointer in [where for where, _ in refused.value.faults]


def test_every_fault_is_told_at_once():
    document = foreign(name="", modified=5)
    document["workflow"][uid("end", "e")]["type"] = "dance"
    document["workflow"][uid("action", "tell")]["on_completion"] = uid("end", "nowhere")

    with pytest.raises(reading.NotCacao) as refused:
        reading.bring_in(document)

    assert len(refused.value.faults) == 4


@pytest.mark.parametrize(
    "hostile", [None, [], "playbook", {"workflow": {"x": {"type": {}}}}, {"workflow": {"x": 1}}]
)
def test_whatever_comes_in_is_refused_and_never_breaks(hostile):
    with pytest.raises(reading.NotCacao):
        reading.bring_in(hostile)


def everywhere(value):
    """Our own extension with this in each step."""
    document = written("ransomware")
    extension = next(iter(document["playbook_extensions"]))
    for step in document["workflow"].values():
        if step["type"] == "action":
            step["step_extensions"][extension] |= {"evidence": value, "later": value}
    return document


@pytest.mark.parametrize("hostile", [["x", None, 1.5], {"a": [None]}, "\0", 10**400])
def test_strange_values_in_our_own_words_come_in_as_text_with_what_is_wrong(hostile):
    assert reading.bring_in(everywhere(hostile)).remarks


def test_what_is_no_text_is_refused():
    with pytest.raises(reading.NotCacao, match="no text"):
        reading.bring_in(everywhere("\ud800"))


def test_from_the_shell_out_and_in_again(tmp_path):
    out, back = tmp_path / "out.json", tmp_path / "back.toml"
    shell = CliRunner()

    done = shell.invoke(cli.playbooks, ["export", "lost_device", "--output", str(out)])
    assert done.exit_code == 0, done.output
    done = shell.invoke(cli.playbooks, ["import", str(out), "--output", str(back)])
    assert done.exit_code == 0, done.output
    assert shell.invoke(cli.playbooks, ["check", str(back)]).exit_code == 0


def test_from_the_shell_what_is_not_json_says_so(tmp_path):
    (tmp_path / "no.json").write_text("[" * 100_000)

    done = CliRunner().invoke(cli.playbooks, ["import", str(tmp_path / "no.json")])

    assert done.exit_code == 2
    assert done.stderr.startswith("not JSON")
