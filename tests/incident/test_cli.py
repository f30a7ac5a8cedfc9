import json
import os
import resource
import subprocess
import sys
import time
from contextlib import suppress

import pytest
from click.testing import CliRunner

from incident.cli import evaluate
from tests.incident.rules.cases import CHECKOUT

FACTS = '{"timeline": {"aware_at": "2026-10-06T09:30:00+02:00"}}'

NO_NETWORK = """
import sys, wsgi
def watch(event, _arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "sqlite3.connect"):
        raise AssertionError(f"It wanted a network or a database: {event}.")
sys.addaudithook(watch)
sys.argv = ["breachclock", "evaluate"]
wsgi.main()
"""


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


def test_empty_lines_are_passed_over_and_nothing_in_is_nothing_out():
    assert run(f"\n  \n{FACTS}\r\n\n", "--lines").stdout.count("\n") == 1
    assert (run("", "--lines").exit_code, run("", "--lines").output) == (0, "")


def test_an_empty_document_is_called_empty():
    result = run("")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "empty" in result.stderr


def test_the_order_of_the_lines_is_kept():
    days = [f"2026-10-{day:02}" for day in range(1, 31)]
    told = "\n".join(f'{{"timeline": {{"aware_at": "{day}T00:00:00Z"}}}}' for day in days)

    found = [json.loads(line) for line in run(told, "--lines").stdout.splitlines()]

    assert [each["clocks"][0]["starts_at"][:10] for each in found] == days


def test_what_cannot_be_so_is_refused_with_a_sentence_beside_the_faults_of_form():
    told = {
        "timeline": {"occurred_from": "2026-10-07T00:00:00Z", "aware_at": "2026-10-06T00:00:00Z"},
        "subjects": {"total": {"exactly": -1}, "by_country": {"UK": 5}},
    }

    result = run(json.dumps(told))

    assert (result.exit_code, result.stdout) == (2, "")
    assert [line.partition(": ")[0] for line in result.stderr.splitlines()] == [
        "/subjects/total/exactly",
        "/timeline/aware_at",
        "/subjects/by_country/UK",
    ]


def test_a_time_to_come_is_reckoned_with_and_warned_of():
    told = f'{FACTS}\n{{"timeline": {{"aware_at": "2099-01-01T00:00:00Z"}}}}'

    result = run(told, "--lines")

    assert result.exit_code == 0
    assert json.loads(result.stdout.splitlines()[1])["clocks"][0]["due_at"] == "2099-01-04T00:00:00Z"
    assert result.stderr.startswith("line 2: warning: /timeline/aware_at: ")
    assert len(result.stderr.splitlines()) == 1


ABSURD = [
    (b'{"title": 1, "title": 2}', "(whole document)"),
    (b'{"subjects": {"total": {"exactly": NaN}}}', "(whole document)"),
    (b'{"subjects": {"total": {"exactly": 1e400}}}', "(whole document)"),
    (b'{"subjects": {"total": {"exactly": ' + b"9" * 401 + b"}}}", "(whole document)"),
    (b'{"chain": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "(whole document)"),
    (b'{"title": "\\ud800"}', "(whole document)"),
    (b'{"description": "' + b"x" * 10_000_000 + b'"}', "/description"),
    (b'{"measures": {"taken": [' + b'"x",' * 999_999 + b'"x"]}}', "/measures/taken"),
    (b'{"timeline": {"aware_at": "0001-01-01T00:00:00+14:00"}}', "/timeline/aware_at"),
    (b'{"timeline": {"aware_at": "9999-12-31T23:59:59-00:01"}}', "/timeline/aware_at"),
    (b'{"timeline": {"aware_at": "2016-12-31T23:59:60Z"}}', "/timeline/aware_at"),
    (b"[]", "(whole document)"),
    (b"null", "(whole document)"),
]


@pytest.mark.parametrize(("raw", "where"), ABSURD, ids=lambda value: str(value)[:30])
def test_absurd_documents_are_refused_in_a_sentence_and_within_seconds(raw, where):
    start = time.perf_counter()

    result = run(raw)

    assert result.exit_code == 2
    assert [line.partition(": ")[0] for line in result.stderr.splitlines()] == [where]
    assert len(result.stderr) < 200
    assert time.perf_counter() - start < 5


def test_great_numbers_that_can_be_read_are_reckoned_with():
    many = "9" * 400
    told = f'{{"subjects": {{"by_country": {{"DK": {many}}}}}, "disclosure": {{"exposure_hours": 1e308}}}}'

    assert run(told).exit_code == 0


def test_help_shows_an_example_that_works():
    told = run(None, "--help").stdout
    example = next(line for line in told.splitlines() if "echo" in line)

    assert json.loads(run(example.split("'")[1]).stdout)["clocks"]


# --- as a program ---

PROGRAM = (sys.executable, "-c", "import wsgi; wsgi.main()", "evaluate")


def test_a_reader_that_stops_reading_ends_it_quietly():
    with subprocess.Popen(
        [*PROGRAM, "--lines"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as program:
        program.stdin.write(f"{FACTS}\n".encode())
        program.stdin.flush()
        first = program.stdout.readline()
        program.stdout.close()
        with suppress(BrokenPipeError):
            program.stdin.write(f"{FACTS}\n".encode() * 3)
            program.stdin.close()
        program.stdin = None
        _out, said = program.communicate(timeout=30)

    assert json.loads(first)["schema_version"] == 1
    assert said == b""


def test_each_line_is_answered_before_the_next_is_asked():
    """Another program may hold it open and ask line by line."""
    with subprocess.Popen([*PROGRAM, "--lines"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        for _ in range(3):
            program.stdin.write(f"{FACTS}\n".encode())
            program.stdin.flush()
            assert json.loads(program.stdout.readline())["schema_version"] == 1
        program.stdin.close()

    assert program.returncode == 0


def work_of(act):
    """What it gives, and how many seconds of processor time its processes took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    given = act()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return given, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_one_document_takes_no_home_database_or_network_and_little_beside_its_libraries(tmp_path):
    bare = {"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT), "LANG": "C", "HOME": str(tmp_path)}
    bare |= {"BREACHCLOCK_DATABASE_URL": "no such database", "BREACHCLOCK_REDIS_URL": "none either"}
    command = [sys.executable, "-c", NO_NETWORK]
    libraries = [sys.executable, "-c", "import click, pydantic, structlog"]

    _, floor = work_of(lambda: subprocess.run(libraries, cwd=tmp_path, env=bare, check=True))
    done, took = work_of(
        lambda: subprocess.run(
            command, input=FACTS, cwd=tmp_path, env=bare, capture_output=True, text=True, check=True
        )
    )

    assert json.loads(done.stdout)["clocks"][0]["due_at"] == "2026-10-09T07:30:00Z"
    assert list(tmp_path.iterdir()) == []
    assert took < 6 * floor


def test_the_command_loads_no_web_database_or_queue():
    program = "import sys, incident.cli; print(*sorted({name.split('.')[0] for name in sys.modules}))"

    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout

    assert not {"flask", "sqlalchemy", "redis", "rq", "twilio", "sendgrid", "foundation"} & set(
        loaded.split()
    )
