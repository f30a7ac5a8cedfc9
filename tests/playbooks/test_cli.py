"""The command line of playbooks: faults with file and line, and timetables."""

import pytest
from click.testing import CliRunner

from playbooks import library
from playbooks.cli import playbooks


def call(*arguments):
    return CliRunner().invoke(playbooks, arguments)


def test_the_library_is_sound():
    answer = call("check")

    assert (answer.exit_code, answer.stdout) == (0, f"{len(library.names())} playbooks are sound.\n")


def test_a_faulty_file_is_named_with_its_line_on_standard_error(tmp_path):
    file = tmp_path / "ours.toml"
    file.write_text((library.FOLDER / "processor_breach.toml").read_text().replace('"+4h"', '"soon"'))

    answer = call("check", str(file), str(library.FOLDER / "processor_breach.toml"))

    line = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if '"soon"' in text)
    assert answer.exit_code == 1
    assert answer.stdout == ""
    assert answer.stderr.startswith(f"{file}:{line}: offset: 'soon' is no span of time")


def test_a_file_that_is_no_text_is_refused(tmp_path):
    file = tmp_path / "ours.toml"
    file.write_bytes(b"\xff\xfe")

    assert call("check", str(file)).stderr == f"{file}:1: not a text in UTF-8\n"


def test_a_preview_prints_the_timetable_in_elapsed_hours_over_a_change_of_clocks():
    answer = call(
        "preview", "processor_breach", "--reported", "2027-03-27T12:00", "--zone", "Europe/Copenhagen"
    )

    assert answer.exit_code == 0
    assert "Sun 28 Mar 2027 13:00 CEST  Confirm or reject the personal data breach" in answer.stdout
    assert "waits for aware" in answer.stdout


def test_a_preview_of_a_file_under_work_is_possible(tmp_path):
    file = tmp_path / "ours.toml"
    file.write_text((library.FOLDER / "authority_notification.toml").read_text())

    assert "File it with the authority" in call("preview", str(file), "--due", "2026-12-10T09:05Z").stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["processor_breach"], "--reported, --aware, --decided"),
        (["processor_breach", "--aware", "noon"], "'noon' is no date and time"),
        (["earthquake", "--aware", "2026-10-02T03:00"], "There is no playbook 'earthquake'"),
        (["processor_breach", "--aware", "2026-10-02T03:00", "--zone", "Mars"], "Mars is no time zone"),
        (["nowhere.toml", "--aware", "2026-10-02T03:00"], "No such file"),
    ],
)
def test_what_cannot_be_previewed_is_refused_with_a_sentence(arguments, says):
    answer = call("preview", *arguments)

    assert answer.exit_code == 2
    assert says in answer.stderr
