"""People and organisations from a shell."""

import pytest

from accounts import cli, people
from accounts.models import Role
from foundation import ledger
from foundation.database import everyone
from tests.accounts.small_app import PASSWORD, address, sign_in_as

ADD = ["add", "Freja@ProMark.test", "--name", "Freja Dam", "--role", "responder", "--password-stdin"]


@pytest.fixture
def shell(app):
    def run(group, *words, **more):
        return app.test_cli_runner().invoke(group, list(words), **more)

    return run


def test_somebody_added_can_sign_in_with_the_password_given(app, shell, client):
    done = shell(cli.user, *ADD, "--organisation", "promark", input=PASSWORD + "\n")

    assert (done.exit_code, done.output) == (0, "freja@promark.test can sign in as responder.\n")
    assert sign_in_as(client, "freja").status_code == 303


def test_adding_somebody_enters_the_ledger_without_the_address(app, shell):
    shell(cli.user, *ADD, "--organisation", "promark", input=PASSWORD + "\n")

    with app.app_context(), everyone():
        last = ledger.entries(f"organisation/{people.organisation('promark').id}")[-1]
    assert (last.action, last.actor) == ("person.added", "administrator at the shell")
    assert "freja" not in str(last.details)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "shorter than 12"),
        ("x" * 257, "longer than 256"),
        ("password12345", "easy to guess"),
        ("frejapromark", "easy to guess"),
    ],
)
def test_a_password_that_protects_nothing_is_refused_in_one_sentence(shell, password, why):
    done = shell(cli.user, *ADD, "--organisation", "promark", input=password + "\n")

    assert done.exit_code == 1
    assert done.stderr.startswith("Error: The password is")
    assert why in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("email", "why"), [("freja", "not an e-mail address"), ("ASTRID@promark.test", "already")]
)
def test_an_address_that_is_none_or_taken_is_refused(shell, email, why):
    words = ["add", email, "--name", "F", "--role", "dpo", "--organisation", "promark", "--password-stdin"]
    done = shell(cli.user, *words, input=PASSWORD + "\n")

    assert done.exit_code == 1
    assert why in done.stderr


def test_an_unknown_organisation_is_answered_with_those_that_are_known(shell):
    done = shell(cli.user, *ADD, "--organisation", "acme", input=PASSWORD + "\n")

    assert "There is no organisation acme. Known: promark, softwerk." in done.stderr


def test_where_there_are_several_one_says_which_organisation(shell):
    done = shell(cli.user, *ADD, input=PASSWORD + "\n")

    assert done.exit_code == 2
    assert "--organisation" in done.stderr


def test_disabling_ends_the_sign_in_of_astrid_and_keeps_her_name(app, shell, client):
    sign_in_as(client, "astrid")
    done = shell(cli.user, "disable", address("astrid"), "--reason", "left")

    assert done.exit_code == 0
    assert client.get("/board").status_code == 302
    assert "Astrid Holm  (disabled)" in shell(cli.user, "list", "--organisation", "promark").output


def test_enabled_again_she_signs_in_as_before(shell, client):
    shell(cli.user, "disable", address("astrid"))
    shell(cli.user, "enable", address("astrid"))

    assert sign_in_as(client, "astrid").status_code == 303


def test_a_new_password_replaces_the_old_one(shell, client):
    done = shell(cli.user, "password", address("astrid"), "--password-stdin", input="tolv grønne heste løb\n")

    assert done.exit_code == 0
    assert sign_in_as(client, "astrid").status_code == 401
    assert sign_in_as(client, "astrid", password="tolv grønne heste løb").status_code == 303


def test_a_role_is_changed_and_the_ledger_says_from_what(app, shell):
    shell(cli.user, "role", address("astrid"), "auditor", "--reason", "moved on")

    with app.app_context(), everyone():
        last = ledger.entries(f"organisation/{people.organisation('promark').id}")[-1]
        assert people.known_by_email(address("astrid")).role is Role.AUDITOR
    assert (last.details["before"], last.details["role"], last.reason) == ("responder", "auditor", "moved on")


def test_nobody_is_disabled_by_a_slip_in_the_address(shell):
    done = shell(cli.user, "disable", "asdrid@promark.test")

    assert done.exit_code == 1
    assert "Nobody signs in with this address" in done.stderr


def test_an_organisation_is_added_once_and_with_a_zone_that_exists(shell):
    words = ["add", "advansor", "--name", "Advansor A/S", "--country", "dk", "--prefix", "AD", "--timezone"]

    assert "no time zone" in shell(cli.organisation, *words, "Europe/Aarhus").stderr
    assert shell(cli.organisation, *words, "Europe/Copenhagen").exit_code == 0
    assert "already" in shell(cli.organisation, *words, "Europe/Copenhagen").stderr
    assert "advansor\tDK\tEurope/Copenhagen\tAdvansor A/S" in shell(cli.organisation, "list").output


@pytest.mark.parametrize("group", cli.commands)
def test_every_command_says_what_it_does(shell, group):
    for name in group.commands:
        done = shell(group, name, "--help")
        assert done.exit_code == 0
        assert "Usage:" in done.output
