import json
import subprocess
import sys

from click.testing import CliRunner

from incident.cli import evaluate

FACTS = '{"timeline": {"aware_at": "2026-10-06T09:30:00+02:00"}}'


def run(told, *arguments):
    return CliRunner().invoke(evaluate, arguments, input=told)


def test_facts_in_evaluation_out():
    result = run(FACTS)

    assert result.exit_code == 0
    assert json.loads(result.stdout)["clocks"][0]["due_at"] == "2026-10-09T07:30:00Z"


def test_a_file_is_read_as_well(tmp_path):
    path = tmp_path / "facts.json"
    path.write_text(FACTS)

    assert run(None, str(path)).stdout == run(FACTS).stdout


def test_each_fault_is_named_by_its_pointer_on_standard_error():
    result = run('{"zz": 1, "chain": [{"name": "HostCo"}]}')

    assert result.exit_code == 2
    assert result.stdout == ""
    assert [line.split(": ")[0] for line in result.stderr.splitlines()] == ["/chain/0/role", "/zz"]


def test_bytes_that_are_not_json_end_with_2():
    result = run(b"\xff\xfe")

    assert result.exit_code == 2
    assert "not UTF-8" in result.stderr


def test_lines_are_evaluated_one_by_one_and_a_faulty_one_stops_no_other():
    result = run(f'{FACTS}\n{{"zz": 1}}\n\n[1\n{FACTS}\n', "--lines")

    assert result.exit_code == 2
    assert [json.loads(line)["schema_version"] for line in result.stdout.splitlines()] == [1, 1]
    assert [line.split(": ")[:2] for line in result.stderr.splitlines()] == [
        ["line 2", "/zz"],
        ["line 4", "(whole document)"],
    ]


def test_the_command_loads_no_web_database_or_queue():
    program = "import sys, incident.cli; print(*sorted({name.split('.')[0] for name in sys.modules}))"

    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout

    assert not {"flask", "sqlalchemy", "redis", "rq", "twilio", "sendgrid", "foundation"} & set(
        loaded.split()
    )
